"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractFamily, AbstractInput, AbstractRowInput, Drawn
from s2jax.inputs._counts import Counts, CountsLaw, CountsPath
from s2jax.inputs._draws import Draws
from s2jax.inputs._given import Given, Window
from s2jax.inputs._held import Held, HeldLaw, HeldPath
from s2jax.inputs._mixture import Mixture
from s2jax.inputs._process import LinearProcess
from s2jax.inputs._spikes import Spikes, SpikesLaw, SpikesPath
from s2jax.inputs._waveforms import Waveforms, WaveformsLaw
from s2jax.inputs.choice import Choice, Source, as_choice

__all__ = (
    "ARMA",
    "AbstractFamily",
    "AbstractInput",
    "AbstractRowInput",
    "Choice",
    "Counts",
    "CountsLaw",
    "CountsPath",
    "Drawn",
    "Draws",
    "Given",
    "Held",
    "HeldLaw",
    "HeldPath",
    "LinearProcess",
    "Mixture",
    "Source",
    "Spikes",
    "SpikesLaw",
    "SpikesPath",
    "Waveforms",
    "WaveformsLaw",
    "Window",
)


def __dir__() -> tuple[str, ...]:
    return __all__

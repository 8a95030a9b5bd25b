"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractFamily, AbstractInput, AbstractRowInput, Drawn
from s2jax.inputs._causal_graph import CausalGraph
from s2jax.inputs._causal_law import CausalLaw, Edges, Intervention
from s2jax.inputs._combined import Add, CombinedLaw, Multiply
from s2jax.inputs._counts import Counts, CountsLaw, CountsPath
from s2jax.inputs._couplings import (
    AbstractCoupling,
    Cointegration,
    CoupledLaw,
    LeadLag,
    LinearMix,
    RegimeCoupling,
    SharedSeasonality,
)
from s2jax.inputs._draws import Draws
from s2jax.inputs._fractional import FractionalBrownian, FractionalLaw, FractionalNoise
from s2jax.inputs._garch import GARCH, GARCHLaw
from s2jax.inputs._given import Given, Window
from s2jax.inputs._held import Held, HeldLaw, HeldPath
from s2jax.inputs._imf import IMF, IMFLaw
from s2jax.inputs._kernel_law import KernelLaw
from s2jax.inputs._kernel_synth import KernelSynth
from s2jax.inputs._mixture import Mixture
from s2jax.inputs._mixup import MixupLaw, TSMixup
from s2jax.inputs._ornstein_uhlenbeck import OrnsteinUhlenbeck, OrnsteinUhlenbeckLaw
from s2jax.inputs._process import LinearProcess
from s2jax.inputs._random_walk import RandomWalk, RandomWalkLaw
from s2jax.inputs._rate_noise import RateNoise, RateNoiseLaw, RateNoisePath
from s2jax.inputs._sarima import SARIMA, SARIMALaw
from s2jax.inputs._sarima2 import SARIMA2, SARIMA2Law
from s2jax.inputs._spikes import Spikes, SpikesLaw, SpikesPath
from s2jax.inputs._state_space import StateSpace, StateSpaceLaw
from s2jax.inputs._trend_season import TrendSeason, TrendSeasonLaw
from s2jax.inputs._waveforms import Waveforms, WaveformsLaw
from s2jax.inputs.choice import Choice, ChoiceLaw, Source, as_choice
from s2jax.inputs.kernels import (
    ConstantKernel,
    LinearKernel,
    MaternKernel,
    PeriodicKernel,
    RationalQuadraticKernel,
    RBFKernel,
    WhiteKernel,
)
from s2jax.inputs.means import (
    AbstractMean,
    ExponentialMean,
    ExponentialMeanLaw,
    LinearMean,
    LinearMeanLaw,
    SpikesMean,
    SpikesMeanLaw,
    ZeroMean,
    ZeroMeanLaw,
)

__all__ = (
    "ARMA",
    "GARCH",
    "IMF",
    "SARIMA",
    "SARIMA2",
    "AbstractCoupling",
    "AbstractFamily",
    "AbstractInput",
    "AbstractMean",
    "AbstractRowInput",
    "Add",
    "CausalGraph",
    "CausalLaw",
    "Choice",
    "ChoiceLaw",
    "Cointegration",
    "CombinedLaw",
    "ConstantKernel",
    "Counts",
    "CountsLaw",
    "CountsPath",
    "CoupledLaw",
    "Drawn",
    "Draws",
    "Edges",
    "ExponentialMean",
    "ExponentialMeanLaw",
    "FractionalBrownian",
    "FractionalLaw",
    "FractionalNoise",
    "GARCHLaw",
    "Given",
    "Held",
    "HeldLaw",
    "HeldPath",
    "IMFLaw",
    "Intervention",
    "KernelLaw",
    "KernelSynth",
    "LeadLag",
    "LinearKernel",
    "LinearMean",
    "LinearMeanLaw",
    "LinearMix",
    "LinearProcess",
    "MaternKernel",
    "Mixture",
    "MixupLaw",
    "Multiply",
    "OrnsteinUhlenbeck",
    "OrnsteinUhlenbeckLaw",
    "PeriodicKernel",
    "RBFKernel",
    "RandomWalk",
    "RandomWalkLaw",
    "RateNoise",
    "RateNoiseLaw",
    "RateNoisePath",
    "RationalQuadraticKernel",
    "RegimeCoupling",
    "SARIMA2Law",
    "SARIMALaw",
    "SharedSeasonality",
    "Source",
    "Spikes",
    "SpikesLaw",
    "SpikesMean",
    "SpikesMeanLaw",
    "SpikesPath",
    "StateSpace",
    "StateSpaceLaw",
    "TSMixup",
    "TrendSeason",
    "TrendSeasonLaw",
    "Waveforms",
    "WaveformsLaw",
    "WhiteKernel",
    "Window",
    "ZeroMean",
    "ZeroMeanLaw",
)


def __dir__() -> tuple[str, ...]:
    return __all__

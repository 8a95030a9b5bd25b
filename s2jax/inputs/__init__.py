"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractFamily, AbstractInput, AbstractRowInput, Drawn
from s2jax.inputs._draws import Draws
from s2jax.inputs._fractional import FractionalBrownian, FractionalLaw, FractionalNoise
from s2jax.inputs._given import Given, Window
from s2jax.inputs._imf import IMF, IMFLaw
from s2jax.inputs._kernel_law import KernelLaw
from s2jax.inputs._kernel_synth import KernelSynth
from s2jax.inputs._mixture import Mixture
from s2jax.inputs._process import LinearProcess
from s2jax.inputs._trend_season import TrendSeason, TrendSeasonLaw
from s2jax.inputs.choice import Choice, Source, as_choice
from s2jax.inputs.kernels import (
    ConstantKernel,
    LinearKernel,
    MaternKernel,
    PeriodicKernel,
    RationalQuadraticKernel,
    RBFKernel,
    WhiteKernel,
)

__all__ = (
    "ARMA",
    "IMF",
    "AbstractFamily",
    "AbstractInput",
    "AbstractRowInput",
    "Choice",
    "ConstantKernel",
    "Drawn",
    "Draws",
    "FractionalBrownian",
    "FractionalLaw",
    "FractionalNoise",
    "Given",
    "IMFLaw",
    "KernelLaw",
    "KernelSynth",
    "LinearKernel",
    "LinearProcess",
    "MaternKernel",
    "Mixture",
    "PeriodicKernel",
    "RBFKernel",
    "RationalQuadraticKernel",
    "Source",
    "TrendSeason",
    "TrendSeasonLaw",
    "WhiteKernel",
    "Window",
)


def __dir__() -> tuple[str, ...]:
    return __all__

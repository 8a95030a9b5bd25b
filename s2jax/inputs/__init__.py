"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractFamily, AbstractInput, AbstractRowInput, Drawn
from s2jax.inputs._draws import Draws
from s2jax.inputs._given import Given, Window
from s2jax.inputs._kernel_law import KernelLaw
from s2jax.inputs._kernel_synth import KernelSynth
from s2jax.inputs._mixture import Mixture
from s2jax.inputs._process import LinearProcess
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
    "AbstractFamily",
    "AbstractInput",
    "AbstractRowInput",
    "Choice",
    "ConstantKernel",
    "Drawn",
    "Draws",
    "Given",
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
    "WhiteKernel",
    "Window",
)


def __dir__() -> tuple[str, ...]:
    return __all__

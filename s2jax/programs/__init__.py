"""Expressions as fixed-size arrays: their operators, values, gradients and constants."""

from s2jax.programs._evaluate import evaluate, evaluate_jvp
from s2jax.programs._skeleton import Split, skeleton_hash
from s2jax.programs.fit import Fit, FitStatus, fit_constants, free_constants
from s2jax.programs.program import Constants, Program, with_constants

__all__ = (
    "Constants",
    "Fit",
    "FitStatus",
    "Program",
    "Split",
    "evaluate",
    "evaluate_jvp",
    "fit_constants",
    "free_constants",
    "skeleton_hash",
    "with_constants",
)


def __dir__() -> tuple[str, ...]:
    return __all__

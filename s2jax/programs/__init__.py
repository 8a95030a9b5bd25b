"""Random expressions: programs, the laws they are drawn from, and their evaluation."""

from s2jax.laws._base import AbstractLaw
from s2jax.laws._tree_laws import Decimals, S2Law, UniformLaw
from s2jax.programs._evaluate import evaluate, evaluate_jvp
from s2jax.programs._skeleton import Split, skeleton_hash
from s2jax.programs.program import Constants, Program, with_constants

__all__ = (
    "AbstractLaw",
    "Constants",
    "Decimals",
    "Program",
    "S2Law",
    "Split",
    "UniformLaw",
    "evaluate",
    "evaluate_jvp",
    "skeleton_hash",
    "with_constants",
)


def __dir__() -> tuple[str, ...]:
    return __all__

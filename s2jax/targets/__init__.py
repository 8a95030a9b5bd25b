"""What is made of the inputs: y = f(x) with a random f, or y = x."""

from s2jax.targets._algebraic import Algebraic, Identity
from s2jax.targets._base import AbstractLayout, AbstractTarget, Column, Sizes, Task
from s2jax.targets._pointwise import AbstractPointwise
from s2jax.targets.acceptance import REASONS

__all__ = (
    "REASONS",
    "AbstractLayout",
    "AbstractPointwise",
    "AbstractTarget",
    "Algebraic",
    "Column",
    "Identity",
    "Sizes",
    "Task",
)


def __dir__() -> tuple[str, ...]:
    return __all__

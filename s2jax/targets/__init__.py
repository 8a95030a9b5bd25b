"""What is made of the inputs: y = f(x) with a random f, or y = x."""

from s2jax.targets._algebraic import Algebraic, Identity
from s2jax.targets._base import AbstractLayout, AbstractTarget, Column, Sizes, Task
from s2jax.targets._pointwise import AbstractPointwise
from s2jax.targets.acceptance import REASONS, Acceptance, Status

__all__ = (
    "REASONS",
    "AbstractLayout",
    "AbstractPointwise",
    "AbstractTarget",
    "Acceptance",
    "Algebraic",
    "Column",
    "Identity",
    "Sizes",
    "Status",
    "Task",
)


def __dir__() -> tuple[str, ...]:
    return __all__

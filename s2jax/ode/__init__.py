"""Ordinary differential equations: y' = f(t, y, x)."""

from typing import TYPE_CHECKING, Any

from s2jax.ode._census import Census, CensusRows, Share, census
from s2jax.ode._classify import CLASSES
from s2jax.ode._events import Event
from s2jax.ode._forms import FORMS
from s2jax.ode._solution import Solution, SolveStatus
from s2jax.ode._solve_programs import solve
from s2jax.ode._system import System
from s2jax.ode._target import ODE
from s2jax.ode.catalogue import KINDS, NAMES, SOURCES, named

if TYPE_CHECKING:
    from s2jax.ode._unrolled import UnrolledTsit5

__all__ = (
    "CLASSES",
    "FORMS",
    "KINDS",
    "NAMES",
    "ODE",
    "SOURCES",
    "Census",
    "CensusRows",
    "Event",
    "Share",
    "Solution",
    "SolveStatus",
    "System",
    "UnrolledTsit5",
    "census",
    "named",
    "solve",
)


def __dir__() -> tuple[str, ...]:
    return __all__


def __getattr__(name: str) -> Any:
    """`UnrolledTsit5` when it is first used: importing diffrax takes half a second."""
    if name == "UnrolledTsit5":
        from s2jax.ode._unrolled import UnrolledTsit5

        return UnrolledTsit5
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

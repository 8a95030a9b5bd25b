"""Ordinary differential equations: y' = f(t, y, x)."""

from typing import Any

from s2jax.ode._forms import FORMS as FORMS
from s2jax.ode._solution import Solution as Solution
from s2jax.ode._solution import SolveStatus as SolveStatus
from s2jax.ode._solve_programs import solve as solve
from s2jax.ode._system import System as System
from s2jax.ode._target import ODE as ODE
from s2jax.ode.catalogue import NAMES as NAMES
from s2jax.ode.catalogue import named as named


def __getattr__(name: str) -> Any:
    """`UnrolledTsit5` when it is first used: importing diffrax takes half a second."""
    if name == "UnrolledTsit5":
        from s2jax.ode._unrolled import UnrolledTsit5

        return UnrolledTsit5
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Ordinary differential equations: y' = f(t, y, x)."""

from s2jax.ode._forms import FORMS as FORMS
from s2jax.ode._named import NAMES as NAMES
from s2jax.ode._named import named as named
from s2jax.ode._system import System as System
from s2jax.ode._target import ODE as ODE

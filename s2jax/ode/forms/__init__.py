"""Forms of random equations, and what a form of your own is made of."""

from collections.abc import Mapping

from s2jax.ode.forms._base import AbstractForm, Range, flat, log
from s2jax.ode.forms._flows import FLOWS, Flow, SkewProduct
from s2jax.ode.forms._general import (
    GENERAL,
    Autonomous,
    Driven,
    Forced,
    ForcedSaturated,
    Hopf,
    Saturated,
    SecondOrder,
    Thomas,
)
from s2jax.ode.forms._oscillators import (
    OSCILLATORS,
    Coupled,
    ForcedOscillator,
    Jerk,
    Lienard,
    Oscillator,
    Tuned,
    TwoDegrees,
)

__all__ = (
    "KNOWN",
    "AbstractForm",
    "Autonomous",
    "Coupled",
    "Driven",
    "Flow",
    "Forced",
    "ForcedOscillator",
    "ForcedSaturated",
    "Hopf",
    "Jerk",
    "Lienard",
    "Oscillator",
    "Range",
    "Saturated",
    "SecondOrder",
    "SkewProduct",
    "Thomas",
    "Tuned",
    "TwoDegrees",
    "flat",
    "log",
)

KNOWN: Mapping[str, AbstractForm] = {form.name: form() for form in (*GENERAL, *OSCILLATORS, *FLOWS)}
"""The forms that `s2jax.ODE` knows, by name."""


def __dir__() -> tuple[str, ...]:
    return __all__

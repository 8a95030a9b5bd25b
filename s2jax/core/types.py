"""Array aliases shared by every module.

Axis names used in annotations: `batch time nodes inputs outputs lags states`.
"""

import math

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

PRNGKey = Key[Array, ""]
Words = UInt32[Array, "*batch 2"]
"""Raw Threefry keys: two 32-bit words each."""

Number = float | Float[Array, ""]
"""A number that may be traced: it is a leaf of its module."""

Whole = int | Int[Array, ""]
"""A whole number that may be traced."""

Indices = Int[Array, " batch"] | Int[np.ndarray, " batch"]


def number(default: float | None):
    """A field of type `Number`; an int becomes a float, so that 1 and 1.0 compile the same."""
    return eqx.field(converter=as_float, default=default)


def as_float(value):
    """An int of Python as a float, infinite beyond the largest."""
    if type(value) is not int:
        return value
    try:
        return float(value)
    except OverflowError:  # the check of the field refuses it
        return math.inf if value > 0 else -math.inf


def whole(default: int | None):
    """A field of type `Whole`; a float such as 64.0 becomes an int, so that both are one number."""
    return eqx.field(converter=_as_int, default=default)


def _as_int(value):
    return int(value) if type(value) is float and value.is_integer() else value

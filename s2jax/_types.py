"""Array aliases shared by every module.

Axis names used in annotations: `batch time nodes inputs outputs lags states`.
"""

from jaxtyping import Array, Float, Int, Key, UInt32

PRNGKey = Key[Array, ""]
Words = UInt32[Array, "*batch 2"]
"""Raw Threefry keys: two 32-bit words each."""

Number = float | Float[Array, ""]
"""A number that may be traced: it is a leaf of its module."""

Whole = int | Int[Array, ""]
"""A whole number that may be traced."""

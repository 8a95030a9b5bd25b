"""Array aliases shared by every module.

Axis names used in annotations: `batch time nodes inputs outputs lags states`.
"""

from jaxtyping import Array, Key, UInt32

PRNGKey = Key[Array, ""]
Words = UInt32[Array, "*batch 2"]
"""Raw Threefry keys: two 32-bit words each."""

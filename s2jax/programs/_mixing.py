"""Words that are mixed: what the hashes of expressions are made of."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

_SEEDS = np.array([0x9E3779B9, 0x85EBCA77], np.uint32)[:, None]  # per lane


def mix(word: UInt32[Array, "*terms 2 batch"], tag: int) -> UInt32[Array, "*terms 2 batch"]:
    """A bijection of 32 bits that spreads every bit; another one for each tag and lane."""
    # Wellons (2018), "Prospecting for hash functions"
    word = word + np.asarray(_SEEDS * np.uint32(2 * tag + 1))
    word = (word ^ (word >> np.uint32(16))) * np.uint32(0x7FEB352D)
    word = (word ^ (word >> np.uint32(15))) * np.uint32(0x846CA68B)
    return word ^ (word >> np.uint32(16))


def lanes(value: Int[Array, " batch"] | Bool[Array, " batch"]) -> UInt32[Array, "2 batch"]:
    """The same word in both lanes."""
    return jnp.broadcast_to(value.astype(jnp.uint32), (2, *value.shape))


def integer(mantissa: Int[Array, " batch"], exponent: Int[Array, " batch"]) -> Int[Array, " batch"]:
    """`mantissa * 10**exponent` modulo 2**32, which is enough for a hash."""
    power, square = jnp.ones_like(mantissa), jnp.full_like(mantissa, 10)
    for bit in range(7):
        power = jnp.where((exponent >> bit) & 1 == 1, power * square, power)
        square = square * square
    return mantissa * power


def is_one_of(op: Int[Array, " batch"], codes: list[int]) -> Bool[Array, " batch"]:
    """Whether an opcode is in a list."""
    return jnp.any(jnp.stack([op == code for code in codes]), axis=0)

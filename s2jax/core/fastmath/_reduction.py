"""Arguments of sin, cos and tan brought to the first eighth of a turn."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float32, Int32, UInt32

from s2jax.core.fastmath._floats import (
    ALL_BUT_SIGN,
    INFINITY,
    bits_of,
    f32,
    i32,
    round_to_integer,
    u32,
)

# Argument reduction: x = quadrant * pi/2 + rest, |rest| <= pi/4.

# pi/2 in pieces of 8, 11 and 11 bits and a rest: products with |quadrant| < 2**13 are exact.
_HALF_PI_PIECES = (1.5703125, 4.837512969970703e-4, 7.549533620476723e-8, 2.5633440682570896e-12)
_CODY_WAITE_LIMIT = f32(12866.0)

# 12 zero bits, then the first 212 bits of 2/pi.
_TWO_OVER_PI_WORDS = (
    0x000A2F98,
    0x36E4E441,
    0x529FC275,
    0x7D1F534D,
    0xDC0DB629,
    0x5993C439,
    0x041FE516,
)
_FIRST_EXPONENT = 140  # Biased exponent at which the window on these bits starts at bit 0.

Reduced = tuple[Float32[Array, "..."], Int32[Array, "..."]]


def reduce_moderate(x: Float32[Array, "..."]) -> Reduced:
    """Cody-Waite: (rest, quadrant), right to about one eps of the rest for |x| <= the limit."""
    multiple, quadrant = round_to_integer(x * f32(2 / np.pi))
    rest = x
    for piece in _HALF_PI_PIECES:
        rest = rest - multiple * f32(piece)
    return rest, quadrant


def _two_over_pi_window(exponent: UInt32[Array, "..."]) -> list[UInt32[Array, "..."]]:
    """The 96 bits of 2/pi that matter for a biased exponent >= 140; selects beat a gather."""
    start = exponent - u32(_FIRST_EXPONENT)
    word, shift = lax.bitcast_convert_type(start >> u32(5), i32), start & u32(31)
    words = []
    for first in range(4):
        chosen = u32(_TWO_OVER_PI_WORDS[first])
        for skipped in (1, 2, 3):
            chosen = jnp.where(
                word >= i32(skipped), u32(_TWO_OVER_PI_WORDS[first + skipped]), chosen
            )
        words.append(chosen)
    # The right shift is split in two because a shift by 32 is undefined.
    return [
        (a << shift) | ((b >> u32(1)) >> (u32(31) - shift)) for a, b in itertools.pairwise(words)
    ]


def _reduce_large(x: Float32[Array, "..."]) -> Reduced:
    """Payne-Hanek in 32-bit integers: (rest, quadrant) for every finite |x| >= 2**13.

    Bits of 2/pi above the window only add multiples of four quadrants. `high` counts in units of
    2**-30 quadrants, modulo four, `low` in units of 2**-28 of `high`; products by bytes fit a word.
    """
    bits = lax.bitcast_convert_type(x, u32)
    mantissa = (bits & u32(0x7FFFFF)) | u32(0x800000)
    first, second, third = _two_over_pi_window((bits >> u32(23)) & u32(255))
    high, low = mantissa * first, u32(0)
    for byte in (1, 2, 3, 4):
        product = mantissa * ((second >> u32(32 - 8 * byte)) & u32(255))
        if byte < 4:
            high = high + (product >> u32(8 * byte))
            low = low + ((product & u32(2 ** (8 * byte) - 1)) << u32(28 - 8 * byte))
        else:
            low = low + (product >> u32(4))
    tail = _to_float(mantissa) * _to_float(third >> u32(8)) * f32(2**-28)
    quadrant = lax.bitcast_convert_type((high + u32(2**29)) >> u32(30), i32)
    signed = lax.bitcast_convert_type(high << u32(2), i32) >> i32(2)
    units = signed.astype(f32) + (_to_float(low) + tail) * f32(2**-28)
    rest = units * f32(np.pi / 2 * 2**-30)
    negative = x < f32(0)
    return jnp.where(negative, -rest, rest), jnp.where(negative, -quadrant, quadrant)


def _to_float(word: UInt32[Array, "..."]) -> Float32[Array, "..."]:
    """Round a word below 2**31; the signed conversion is the one all CPUs have."""
    return lax.bitcast_convert_type(word, i32).astype(f32)


def _reduce_any(x: Float32[Array, "..."]) -> Reduced:
    """(rest, quadrant) for every float32; NaN for infinities and NaN."""
    large = (jnp.abs(x) > _CODY_WAITE_LIMIT) & (bits_of(x) & ALL_BUT_SIGN < INFINITY)
    pairs = zip(_reduce_large(x), reduce_moderate(x), strict=True)
    rest, quadrant = (jnp.where(large, exact, fast) for exact, fast in pairs)
    return rest, quadrant


def _any_large(x: Float32[Array, "..."]) -> Bool[Array, ""]:
    """Whether some finite element is beyond the Cody-Waite limit.

    Bits of |x| compare like |x|, and integer maxima vectorise. The barrier keeps XLA from merging
    the two reductions into a slower one.
    """
    bits = bits_of(x) & ALL_BUT_SIGN
    finite = jnp.where(bits < INFINITY, bits, i32(0))
    columns = jnp.max(finite, axis=tuple(range(x.ndim - 1)), initial=i32(0))
    largest = jnp.max(lax.optimization_barrier(columns), initial=i32(0))
    return largest > _CODY_WAITE_LIMIT.view(i32)


def whole_range(
    kernel: Callable[[Float32[Array, "..."], Reduced], Float32[Array, "..."]],
    native: Callable[[ArrayLike], Array],
) -> Callable[[Float32[Array, "..."]], Float32[Array, "..."]]:
    """On CPU, run the kernel with the costly reduction only for blocks that need it.

    Elsewhere `native` runs, as it is fast there and a conditional is not. The batching rule sees
    that `vmap` widens the block instead of turning the conditional into both of its branches.
    """

    def exact(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
        return kernel(x, _reduce_any(x))

    def fast(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
        return kernel(x, reduce_moderate(x))

    @jax.custom_batching.custom_vmap
    def on_cpu(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
        return lax.cond(_any_large(x), exact, fast, x)

    @on_cpu.def_vmap
    def _(axis_size: int, in_batched: list[bool], x: Array) -> tuple[Array, bool]:
        del axis_size, in_batched
        return on_cpu(x), True

    return lambda x: lax.platform_dependent(x, cpu=on_cpu, default=native)

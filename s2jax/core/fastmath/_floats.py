"""Floats as words of bits, and what all elementary functions are made of."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32, Int32

# NumPy scalars, because a jax array made at import would start a backend.
f32, i32, u32 = np.float32, np.int32, np.uint32

ALL_BUT_SIGN = i32(0x7FFFFFFF)
SIGN = i32(-(2**31))
SMALLEST_NORMAL = i32(0x00800000)
INFINITY = i32(0x7F800000)
_ROUNDER = f32(1.5 * 2**23)  # Adding it leaves an integer in the low bits of the float.
TINY = f32(2**-13)  # Below it, odd functions return x: keeps -0.0 and subnormals.
HALF_PI = f32(np.pi / 2)


def bits_of(x: Float32[Array, "..."]) -> Int32[Array, "..."]:
    return lax.bitcast_convert_type(x, i32)


def float_of(bits: Int32[Array, "..."]) -> Float32[Array, "..."]:
    return lax.bitcast_convert_type(bits, f32)


def round_to_integer(x: Float32[Array, "..."]) -> tuple[Float32[Array, "..."], Int32[Array, "..."]]:
    """The nearest integer, as a float and (for |x| < 2**22, else rubbish) as an int."""
    nearest = lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)
    return nearest, bits_of(nearest + _ROUNDER) - _ROUNDER.view(i32)


def polynomial(x: Float32[Array, "..."], coefficients: Sequence[float]) -> Float32[Array, "..."]:
    """Horner's rule, constant term first."""
    value = x * f32(coefficients[-1]) + f32(coefficients[-2])
    for coefficient in coefficients[-3::-1]:
        value = value * x + f32(coefficient)
    return value


def odd(x: Float32[Array, "..."], of_abs: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """Give the non-negative `of_abs` the sign of x; pass a tiny x through."""
    return jnp.where(jnp.abs(x) < TINY, x, float_of(bits_of(of_abs) | (bits_of(x) & SIGN)))

"""Normal and Student innovations of unit variance, and checks of the laws of parameters."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from s2jax.core import checks
from s2jax.core.random import random_bits, random_pairs, signed_uniform, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number
from s2jax.distributions import AbstractDistribution, check_draws

LEAST_DEGREES = 2.1
LARGEST_SIZE = 1e9
_LEAST_INVERSE = np.float32(1e-20)  # of degrees: beyond, Student's law is the normal one
# sin(pi x / 2) / x and cos(pi x / 2) in x**2 up to 1, right to 1e-7: at Chebyshev nodes exact
_SINE = (1.57079632, -0.64596376, 0.0796899183, -0.00467414384, 0.000151671704)
# log(1 + x) / x for 1 + x from root 1/2 to root 2, and exp(x) within log(2) / 2, right to 5e-8
_LOG = (
    0.999999974, -0.499999964, 0.333341933, -0.250013522, 0.199559334, -0.165779929, 0.149774013,
    -0.142692582, 0.0853331305,
)  # fmt: skip
_EXP = (1.0, 1.00000004, 0.500000005, 0.166664155, 0.0416663529, 0.0083751264, 0.00139411085)
_COSINE = (1.0, -1.23370053, 0.253669322, -0.0208626867, 0.000917722924, -2.38241523e-05)


def sample_innovations(
    words: UInt32[Array, "channels 2"], rows: int, name: str, degrees: Float[Array, " channels"]
) -> Float[Array, "rows channels"]:
    """Independent numbers of mean 0 and variance 1, a column for each key.

    Args:
        words: Raw keys.
        rows: How many for each key.
        name: Of the stream, in the scope "series".
        degrees: Of freedom, > 2, of Student's law; infinite ones mean the normal law.
    """
    return student(*random_pairs(words, rows, named("series", name)), 1 / degrees)


def sample_normals(
    words: UInt32[Array, "channels 2"], rows: int, name: str
) -> Float[Array, "rows channels"]:
    """Independent standard normal numbers, within 6.8: pairs after Box and Muller."""
    pairs = -(-rows // 2)
    bits = random_bits(words, 2 * pairs, named("series", name))
    radius = jnp.sqrt(_exponential(bits[:pairs]))
    quarter = signed_uniform(bits[pairs:])
    # the lowest bit is free: `signed_uniform` sets it
    side = jnp.where(bits[pairs:] & np.uint32(1) == 1, radius, -radius)
    cosine = _polynomial(quarter * quarter, _COSINE)
    return jnp.concatenate([radius * _sine(quarter), side * cosine])[:rows]


def sample_degrees(
    bits: UInt32[Array, "2 *shape"], law: AbstractDistribution, normal_probability: Number
) -> Float[Array, "*shape"]:
    """Degrees of freedom of innovations, infinite where these are normal."""
    degrees = jnp.maximum(law.from_bits(bits[0]), np.float32(LEAST_DEGREES))
    return jnp.where(uniform(bits[1]) < normal_probability, np.float32(np.inf), degrees)


def check_degrees(owner: str, law: AbstractDistribution, normal_probability: Number) -> None:
    """Refuse fields that `sample_degrees` cannot take."""
    reason = "innovations have the variance 1, and there is none for 2 degrees of freedom or fewer"
    check_draws(owner, "degrees_of_freedom", law, LEAST_DEGREES, np.inf, reason)
    checks.check_number(owner, "normal_probability", normal_probability, 0, 1)


def student(
    radial: UInt32[Array, "*shape"],
    angular: UInt32[Array, "*shape"],
    inverse: Float[Array, "*#shape"],
) -> Float[Array, "*shape"]:
    """Student's t over its standard deviation, from two words; `inverse` is 1 / degrees, < 1/2.

    t = sqrt(n (U**(-2/n) - 1)) cos(2 pi V) is exact for every n > 0; its limit for many degrees of
    freedom is Box and Muller's normal. (Bailey 1994, Polar generation of random variates with the
    t-distribution, equation 4.) The sine of an angle in (-pi/2, pi/2) has the law of that cosine.
    """
    exponent = _exponential(radial)
    grown = exponent * inverse
    # exp(g) - 1 in single precision is right to 1e-7 / g: below 2**-8 its series is
    series = grown * (1 + grown * (np.float32(0.5) + grown * np.float32(1 / 6)))
    grown = jnp.where(grown < np.float32(2.0**-8), series, _exp(grown) - 1)
    is_student = inverse > _LEAST_INVERSE
    square = jnp.where(is_student, grown / jnp.where(is_student, inverse, 1), exponent)
    return jnp.sqrt(square * (1 - 2 * inverse)) * _sine(signed_uniform(angular))


def _polynomial(
    x: Float[Array, "*shape"], coefficients: tuple[float, ...]
) -> Float[Array, "*shape"]:
    """Horner's rule, constant term first."""
    value = x * np.float32(coefficients[-1])
    for coefficient in coefficients[-2:0:-1]:
        value = (value + np.float32(coefficient)) * x
    return value + np.float32(coefficients[0])


def _exponential(bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """-2 log U, with U above 0: the logarithm of a word of 0 is finite."""
    return -2 * _log((bits.astype(jnp.float32) + np.float32(0.5)) * np.float32(2.0**-32))


# of XLA's own the cipher, in the same kernel, takes twice its time


def _log(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(x) for normal x > 0, right to 3e-7 of itself."""
    root_half = np.int32(0x3F3504F3)
    bits = jax.lax.bitcast_convert_type(x, jnp.int32) - root_half
    whole = (bits >> np.int32(23)).astype(jnp.float32)
    mantissa = (bits & np.int32(0x7FFFFF)) + root_half
    rest = jax.lax.bitcast_convert_type(mantissa, jnp.float32) - 1
    return whole * np.float32(np.log(2)) + rest * _polynomial(rest, _LOG)


def _exp(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """exp(x) for x between -87 and 88, right to 2e-7 of itself."""
    whole = jnp.round(x * np.float32(1 / np.log(2)))
    # log(2) in two parts, the first of which has few bits
    rest = x - whole * np.float32(0.693359375) + whole * np.float32(2.12194440e-4)
    power = (whole.astype(jnp.int32) + np.int32(127)) << np.int32(23)
    return _polynomial(rest, _EXP) * jax.lax.bitcast_convert_type(power, jnp.float32)


def _sine(quarter: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """sin(pi x / 2) for x within (-1, 1)."""
    return quarter * _polynomial(quarter * quarter, _SINE)


def check_size(
    owner: str, name: str, law: Any, low: float = -LARGEST_SIZE, reason: str = "it is a level",
    strict: bool = False,
) -> None:  # fmt: skip
    """Refuse a law whose draws are as large as to overflow: sums of squares, over a long series."""
    reason = f"{reason}, and series are scaled: larger ones do no more than overflow"
    check_draws(owner, name, law, low, LARGEST_SIZE, reason, strict)

"""The functions in float32, and their derivatives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int32

from s2jax.core.fastmath._floats import (
    ALL_BUT_SIGN,
    HALF_PI,
    INFINITY,
    SMALLEST_NORMAL,
    TINY,
    bits_of,
    f32,
    float_of,
    i32,
    odd,
    polynomial,
    round_to_integer,
)
from s2jax.core.fastmath._reduction import Reduced, reduce_moderate, whole_range


def _sin_core(rest: Float32[Array, "..."]) -> Float32[Array, "..."]:
    square = rest * rest
    tail = polynomial(square, (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4))
    return rest + rest * (square * tail)


def _cos_core(rest: Float32[Array, "..."]) -> Float32[Array, "..."]:
    square = rest * rest
    tail = polynomial(square, (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5))
    return f32(1) - (f32(0.5) * square - square * square * tail)


def _swaps(quadrant: Int32[Array, "..."]) -> Bool[Array, "..."]:
    return quadrant & i32(1) != i32(0)


def _negate_if_two(
    value: Float32[Array, "..."], quadrant: Int32[Array, "..."]
) -> Float32[Array, "..."]:
    return float_of(bits_of(value) ^ ((quadrant & i32(2)) << i32(30)))


def _sin_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    value = jnp.where(_swaps(quadrant), _cos_core(rest), _sin_core(rest))
    return jnp.where(jnp.abs(x) < TINY, x, _negate_if_two(value, quadrant))


def _cos_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    value = jnp.where(_swaps(quadrant), _sin_core(rest), _cos_core(rest))
    return _negate_if_two(value, quadrant + i32(1))


def _tan_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    sine, cosine, swaps = _sin_core(rest), _cos_core(rest), _swaps(quadrant)
    value = jnp.where(swaps, -cosine, sine) / jnp.where(swaps, sine, cosine)
    return jnp.where(jnp.abs(x) < TINY, x, value)


sin = jax.custom_jvp(whole_range(_sin_kernel, jnp.sin))
cos = jax.custom_jvp(whole_range(_cos_kernel, jnp.cos))
tan = jax.custom_jvp(whole_range(_tan_kernel, jnp.tan))


def sin_and_cos_of_turn(x: Float32[Array, "..."]) -> tuple[Array, Array]:
    """Sine and cosine for |x| <= 2 pi, with less code to compile than for every argument."""
    reduced = reduce_moderate(x)
    return _sin_kernel(x, reduced), _cos_kernel(x, reduced)


_ARCTAN = (
    -0.33333298563957214,
    0.19998548924922943,
    -0.14264242351055145,
    0.10952185839414597,
    -0.0840345025062561,
    0.057957593351602554,
    -0.03117784671485424,
    0.010914606042206287,
    -0.0017936218064278364,
)


@jax.custom_jvp
def arctan(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size = jnp.abs(x)
    inverted = size > f32(1)
    t = jnp.where(inverted, f32(1) / size, size)
    square = t * t
    angle = t + t * (square * polynomial(square, _ARCTAN))
    return odd(x, jnp.where(inverted, HALF_PI - angle, angle))


_ARCSIN = (
    0.16666753590106964,
    0.07495241612195969,
    0.04547709971666336,
    0.024147599935531616,
    0.042218565940856934,
)


def _arcsin_core(
    x: Float32[Array, "..."],
) -> tuple[Float32[Array, "..."], Bool[Array, "..."]]:
    """arcsin(s), and whether |x| > 1/2: then s = sqrt((1 - |x|) / 2), else s = |x|."""
    size = jnp.abs(x)
    outer = size > f32(0.5)
    square = jnp.where(outer, f32(0.5) - f32(0.5) * size, size * size)
    s = jnp.where(outer, jnp.sqrt(square), size)
    return s + s * (square * polynomial(square, _ARCSIN)), outer


@jax.custom_jvp
def arcsin(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    angle, outer = _arcsin_core(x)
    return odd(x, jnp.where(outer, HALF_PI - f32(2) * angle, angle))


@jax.custom_jvp
def arccos(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    angle, outer = _arcsin_core(x)
    negative = x < f32(0)
    inner = HALF_PI - jnp.where(negative, -angle, angle)
    value = jnp.where(outer, f32(2) * angle, inner)
    return jnp.where(outer & negative, f32(np.pi) - value, value)


# log2(1 + f) = f * log2(e) + f**2 * polynomial(f), and 2**g = 1 + g * polynomial(g).
_LOG2 = (
    -0.7213473320007324,
    0.4808982312679291,
    -0.36069658398628235,
    0.2885674834251404,
    -0.23961839079856873,
    0.20460033416748047,
    -0.19105589389801025,
    0.1861725002527237,
    -0.10996013879776001,
)
_EXP2 = (
    0.6931471824645996,
    0.24022650718688965,
    0.055503278970718384,
    0.009618003852665424,
    0.001340026967227459,
    0.00015476300904992968,
)
_LOG2_E = 1.4426950408889634
_LOG2_E_HIGH = 1.4423828125  # Its first 11 bits.
_SQRT_HALF = f32(0.5**0.5)


def _head(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """The first 12 bits of x: the product of two heads is exact."""
    return float_of(bits_of(x) & i32(-(2**12)))


def _log2(size_bits: Int32[Array, "..."]) -> tuple[Float32[Array, "..."], Float32[Array, "..."]]:
    """log2 of a normal positive float as a head and a tail, to about 2**-26."""
    exponent = (size_bits - _SQRT_HALF.view(i32)) >> i32(23)
    f = float_of(size_bits - (exponent << i32(23))) - f32(1)
    whole, f_head = exponent.astype(f32), _head(f)
    main = f_head * f32(_LOG2_E_HIGH)
    rest = (f - f_head) * f32(_LOG2_E) + f_head * f32(_LOG2_E - _LOG2_E_HIGH)
    rest = f * f * polynomial(f, _LOG2) + rest
    head = _head(whole + (main + rest))
    return head, ((whole - head) + main) + rest


@jax.custom_jvp
def power(a: Float32[Array, "..."], b: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size_bits = bits_of(a) & ALL_BUT_SIGN
    size = float_of(size_bits)
    head, tail = _log2(size_bits)
    head = jnp.where(size_bits < INFINITY, head, size)
    head = jnp.where(size_bits < SMALLEST_NORMAL, f32(-np.inf), head)
    b_head = _head(b)
    main = head * b_head
    nearest, exponent = round_to_integer(main)
    g = (main - nearest) + (head * (b - b_head) + tail * b)
    value = f32(1) + g * polynomial(g, _EXP2)
    # Two factors, because 2**128 and 2**-127 are no normal floats.
    half = exponent >> i32(1)
    for part in (half, exponent - half):
        value = value * float_of((part + i32(127)) << i32(23))
    overflowed = jnp.where(main < f32(0), f32(0), main * f32(np.inf))
    value = jnp.where(jnp.abs(main) < f32(200), value, overflowed)
    value = jnp.where((b == f32(0)) | (size == f32(1)), f32(1), value)
    return jnp.where((a != a) | (b != b), f32(np.nan), value)


def _slope_in_base(power: Callable[..., Array], a: Array, b: Array) -> Array:
    """The derivative of |a| ** b by `a`; at 0 the one from the right, infinite for 0 < b < 1."""
    slope = b * power(a, b - 1)
    return jnp.where(b == 0, 0, jnp.where(a < 0, -slope, slope))


def _slope_in_exponent(value: Array, a: Array) -> Array:
    return jnp.where(value == 0, 0, value * jnp.log(jnp.abs(a)))


@jax.custom_jvp
def power_elsewhere(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.power(jnp.abs(a), b)


# sinh(x) = x + x**3 * polynomial(x**2) for |x| <= 1: the series, whose next term is 2.5e-8.
_SINH = (1 / 6, 1 / 120, 1 / 5040, 1 / 362880)


def _half_exponentials(
    x: Float32[Array, "..."],
) -> tuple[Float32[Array, "..."], Float32[Array, "..."]]:
    """exp(|x|) / 2 and exp(-|x|) / 2; the first overflows only where sinh and cosh do."""
    root = jnp.exp(f32(0.5) * jnp.abs(x))
    return f32(0.5) * root * root, f32(0.5) / root / root


@jax.custom_jvp
def sinh(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size, square = jnp.abs(x), x * x
    rising, falling = _half_exponentials(x)
    inner = size + size * (square * polynomial(square, _SINH))
    return odd(x, jnp.where(size > f32(1), rising - falling, inner))


@jax.custom_jvp
def cosh(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    rising, falling = _half_exponentials(x)
    return rising + falling


# Arguments: tangent, value, operands.
sinh.defjvps(lambda dx, y, x: dx * cosh(x))
cosh.defjvps(lambda dx, y, x: dx * sinh(x))
sin.defjvps(lambda dx, y, x: dx * cos(x))
cos.defjvps(lambda dx, y, x: -dx * sin(x))
tan.defjvps(lambda dx, y, x: dx * (f32(1) + y * y))
arctan.defjvps(lambda dx, y, x: dx / (f32(1) + x * x))
arcsin.defjvps(lambda dx, y, x: dx / jnp.sqrt((f32(1) - x) * (f32(1) + x)))
arccos.defjvps(lambda dx, y, x: -dx / jnp.sqrt((f32(1) - x) * (f32(1) + x)))
power.defjvps(
    lambda da, y, a, b: da * _slope_in_base(power, a, b),
    lambda db, y, a, b: db * _slope_in_exponent(y, a),
)
power_elsewhere.defjvps(
    lambda da, y, a, b: da * _slope_in_base(power_elsewhere, a, b),
    lambda db, y, a, b: db * _slope_in_exponent(y, a),
)


# The values of the next three are right everywhere, but JAX squares x for their derivatives.


@jax.custom_jvp
def arcsinh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arcsinh(x)


@jax.custom_jvp
def arccosh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arccosh(x)


@jax.custom_jvp
def arctanh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arctanh(x)


arcsinh.defjvps(lambda dx, y, x: dx / jnp.where(jnp.abs(x) > 1e9, jnp.abs(x), jnp.sqrt(1 + x * x)))
arccosh.defjvps(lambda dx, y, x: dx / (jnp.sqrt(x - 1) * jnp.sqrt(x + 1)))
arctanh.defjvps(lambda dx, y, x: dx / ((1 - x) * (1 + x)))

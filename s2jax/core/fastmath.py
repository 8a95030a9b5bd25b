"""Float32 elementary functions as polynomials, several times faster than XLA's own on CPU.

XLA:CPU calls scalar code for these functions; the polynomials below vectorise. Other dtypes, and
sin, cos and tan on other platforms, go to `jax.numpy`. Inverse hyperbolic functions have the values
of `jax.numpy`, with derivatives that are right wherever the values are. Errors are in units of
eps = 2**-23 and relative to the float64 value unless said otherwise; results below 2**-126 may
flush to zero.
exp, log, tanh and sqrt are missing because XLA already vectorises them.

`round`, not adding and subtracting 1.5 * 2**23, gives multiples of the period: XLA reassociates
the latter. No step relies on a fused or an unfused multiply-add.

References:
    Cody and Waite, Software Manual for the Elementary Functions (1980).
    Payne and Hanek, Radian Reduction for Trigonometric Functions (SIGNUM 1983).
    Moshier, Cephes Mathematical Library (ranges of sin, cos, arcsin, exp2; sin, cos coefficients).
    Muller, Elementary Functions, 3rd ed., ch. 3 and 11 (minimax fits; the other coefficients).
"""

import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Float32, Int32, UInt32

# NumPy scalars, because a jax array made at import would start a backend.
_f32, _i32, _u32 = np.float32, np.int32, np.uint32

_ALL_BUT_SIGN = _i32(0x7FFFFFFF)
_SIGN = _i32(-(2**31))
_SMALLEST_NORMAL = _i32(0x00800000)
_INFINITY = _i32(0x7F800000)
_ROUNDER = _f32(1.5 * 2**23)  # Adding it leaves an integer in the low bits of the float.
_TINY = _f32(2**-13)  # Below it, odd functions return x: keeps -0.0 and subnormals.
_HALF_PI = _f32(np.pi / 2)


def _bits(x: Float32[Array, "..."]) -> Int32[Array, "..."]:
    return lax.bitcast_convert_type(x, _i32)


def _float(bits: Int32[Array, "..."]) -> Float32[Array, "..."]:
    return lax.bitcast_convert_type(bits, _f32)


def _round(x: Float32[Array, "..."]) -> tuple[Float32[Array, "..."], Int32[Array, "..."]]:
    """The nearest integer, as a float and (for |x| < 2**22, else rubbish) as an int."""
    nearest = lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)
    return nearest, _bits(nearest + _ROUNDER) - _ROUNDER.view(_i32)


def _polynomial(x: Float32[Array, "..."], coefficients: Sequence[float]) -> Float32[Array, "..."]:
    """Horner's rule, constant term first."""
    value = x * _f32(coefficients[-1]) + _f32(coefficients[-2])
    for coefficient in coefficients[-3::-1]:
        value = value * x + _f32(coefficient)
    return value


def _odd(x: Float32[Array, "..."], of_abs: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """Give the non-negative `of_abs` the sign of x; pass a tiny x through."""
    return jnp.where(jnp.abs(x) < _TINY, x, _float(_bits(of_abs) | (_bits(x) & _SIGN)))


# Argument reduction: x = quadrant * pi/2 + rest, |rest| <= pi/4.

# pi/2 in pieces of 8, 11 and 11 bits and a rest: products with |quadrant| < 2**13 are exact.
_HALF_PI_PIECES = (1.5703125, 4.837512969970703e-4, 7.549533620476723e-8, 2.5633440682570896e-12)
_CODY_WAITE_LIMIT = _f32(12866.0)

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


def _reduce_moderate(x: Float32[Array, "..."]) -> Reduced:
    """Cody-Waite: (rest, quadrant), right to about one eps of the rest for |x| <= the limit."""
    multiple, quadrant = _round(x * _f32(2 / np.pi))
    rest = x
    for piece in _HALF_PI_PIECES:
        rest = rest - multiple * _f32(piece)
    return rest, quadrant


def _two_over_pi_window(exponent: UInt32[Array, "..."]) -> list[UInt32[Array, "..."]]:
    """The 96 bits of 2/pi that matter for a biased exponent >= 140; selects beat a gather."""
    start = exponent - _u32(_FIRST_EXPONENT)
    word, shift = lax.bitcast_convert_type(start >> _u32(5), _i32), start & _u32(31)
    words = []
    for first in range(4):
        chosen = _u32(_TWO_OVER_PI_WORDS[first])
        for skipped in (1, 2, 3):
            chosen = jnp.where(
                word >= _i32(skipped), _u32(_TWO_OVER_PI_WORDS[first + skipped]), chosen
            )
        words.append(chosen)
    # The right shift is split in two because a shift by 32 is undefined.
    return [
        (a << shift) | ((b >> _u32(1)) >> (_u32(31) - shift)) for a, b in itertools.pairwise(words)
    ]


def _reduce_large(x: Float32[Array, "..."]) -> Reduced:
    """Payne-Hanek in 32-bit integers: (rest, quadrant) for every finite |x| >= 2**13.

    Bits of 2/pi above the window only add multiples of four quadrants. `high` counts in units of
    2**-30 quadrants, modulo four, `low` in units of 2**-28 of `high`; products by bytes fit a word.
    """
    bits = lax.bitcast_convert_type(x, _u32)
    mantissa = (bits & _u32(0x7FFFFF)) | _u32(0x800000)
    first, second, third = _two_over_pi_window((bits >> _u32(23)) & _u32(255))
    high, low = mantissa * first, _u32(0)
    for byte in (1, 2, 3, 4):
        product = mantissa * ((second >> _u32(32 - 8 * byte)) & _u32(255))
        if byte < 4:
            high = high + (product >> _u32(8 * byte))
            low = low + ((product & _u32(2 ** (8 * byte) - 1)) << _u32(28 - 8 * byte))
        else:
            low = low + (product >> _u32(4))
    tail = _to_float(mantissa) * _to_float(third >> _u32(8)) * _f32(2**-28)
    quadrant = lax.bitcast_convert_type((high + _u32(2**29)) >> _u32(30), _i32)
    signed = lax.bitcast_convert_type(high << _u32(2), _i32) >> _i32(2)
    units = signed.astype(_f32) + (_to_float(low) + tail) * _f32(2**-28)
    rest = units * _f32(np.pi / 2 * 2**-30)
    negative = x < _f32(0)
    return jnp.where(negative, -rest, rest), jnp.where(negative, -quadrant, quadrant)


def _to_float(word: UInt32[Array, "..."]) -> Float32[Array, "..."]:
    """Round a word below 2**31; the signed conversion is the one all CPUs have."""
    return lax.bitcast_convert_type(word, _i32).astype(_f32)


def _reduce_any(x: Float32[Array, "..."]) -> Reduced:
    """(rest, quadrant) for every float32; NaN for infinities and NaN."""
    large = (jnp.abs(x) > _CODY_WAITE_LIMIT) & (_bits(x) & _ALL_BUT_SIGN < _INFINITY)
    pairs = zip(_reduce_large(x), _reduce_moderate(x), strict=True)
    rest, quadrant = (jnp.where(large, exact, fast) for exact, fast in pairs)
    return rest, quadrant


def _any_large(x: Float32[Array, "..."]) -> Bool[Array, ""]:
    """Whether some finite element is beyond the Cody-Waite limit.

    Bits of |x| compare like |x|, and integer maxima vectorise. The barrier keeps XLA from merging
    the two reductions into a slower one.
    """
    bits = _bits(x) & _ALL_BUT_SIGN
    finite = jnp.where(bits < _INFINITY, bits, _i32(0))
    columns = jnp.max(finite, axis=tuple(range(x.ndim - 1)), initial=_i32(0))
    largest = jnp.max(lax.optimization_barrier(columns), initial=_i32(0))
    return largest > _CODY_WAITE_LIMIT.view(_i32)


def _whole_range(
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
        return kernel(x, _reduce_moderate(x))

    @jax.custom_batching.custom_vmap
    def on_cpu(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
        return lax.cond(_any_large(x), exact, fast, x)

    @on_cpu.def_vmap
    def _(axis_size: int, in_batched: list[bool], x: Array) -> tuple[Array, bool]:
        del axis_size, in_batched
        return on_cpu(x), True

    return lambda x: lax.platform_dependent(x, cpu=on_cpu, default=native)


def _sin_core(rest: Float32[Array, "..."]) -> Float32[Array, "..."]:
    square = rest * rest
    tail = _polynomial(square, (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4))
    return rest + rest * (square * tail)


def _cos_core(rest: Float32[Array, "..."]) -> Float32[Array, "..."]:
    square = rest * rest
    tail = _polynomial(square, (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5))
    return _f32(1) - (_f32(0.5) * square - square * square * tail)


def _swaps(quadrant: Int32[Array, "..."]) -> Bool[Array, "..."]:
    return quadrant & _i32(1) != _i32(0)


def _negate_if_two(
    value: Float32[Array, "..."], quadrant: Int32[Array, "..."]
) -> Float32[Array, "..."]:
    return _float(_bits(value) ^ ((quadrant & _i32(2)) << _i32(30)))


def _sin_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    value = jnp.where(_swaps(quadrant), _cos_core(rest), _sin_core(rest))
    return jnp.where(jnp.abs(x) < _TINY, x, _negate_if_two(value, quadrant))


def _cos_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    value = jnp.where(_swaps(quadrant), _sin_core(rest), _cos_core(rest))
    return _negate_if_two(value, quadrant + _i32(1))


def _tan_kernel(x: Float32[Array, "..."], reduced: Reduced) -> Float32[Array, "..."]:
    rest, quadrant = reduced
    sine, cosine, swaps = _sin_core(rest), _cos_core(rest), _swaps(quadrant)
    value = jnp.where(swaps, -cosine, sine) / jnp.where(swaps, sine, cosine)
    return jnp.where(jnp.abs(x) < _TINY, x, value)


_sin = jax.custom_jvp(_whole_range(_sin_kernel, jnp.sin))
_cos = jax.custom_jvp(_whole_range(_cos_kernel, jnp.cos))
_tan = jax.custom_jvp(_whole_range(_tan_kernel, jnp.tan))

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
def _arctan(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size = jnp.abs(x)
    inverted = size > _f32(1)
    t = jnp.where(inverted, _f32(1) / size, size)
    square = t * t
    angle = t + t * (square * _polynomial(square, _ARCTAN))
    return _odd(x, jnp.where(inverted, _HALF_PI - angle, angle))


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
    outer = size > _f32(0.5)
    square = jnp.where(outer, _f32(0.5) - _f32(0.5) * size, size * size)
    s = jnp.where(outer, jnp.sqrt(square), size)
    return s + s * (square * _polynomial(square, _ARCSIN)), outer


@jax.custom_jvp
def _arcsin(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    angle, outer = _arcsin_core(x)
    return _odd(x, jnp.where(outer, _HALF_PI - _f32(2) * angle, angle))


@jax.custom_jvp
def _arccos(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    angle, outer = _arcsin_core(x)
    negative = x < _f32(0)
    inner = _HALF_PI - jnp.where(negative, -angle, angle)
    value = jnp.where(outer, _f32(2) * angle, inner)
    return jnp.where(outer & negative, _f32(np.pi) - value, value)


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
_SQRT_HALF = _f32(0.5**0.5)


def _head(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """The first 12 bits of x: the product of two heads is exact."""
    return _float(_bits(x) & _i32(-(2**12)))


def _log2(size_bits: Int32[Array, "..."]) -> tuple[Float32[Array, "..."], Float32[Array, "..."]]:
    """log2 of a normal positive float as a head and a tail, to about 2**-26."""
    exponent = (size_bits - _SQRT_HALF.view(_i32)) >> _i32(23)
    f = _float(size_bits - (exponent << _i32(23))) - _f32(1)
    whole, f_head = exponent.astype(_f32), _head(f)
    main = f_head * _f32(_LOG2_E_HIGH)
    rest = (f - f_head) * _f32(_LOG2_E) + f_head * _f32(_LOG2_E - _LOG2_E_HIGH)
    rest = f * f * _polynomial(f, _LOG2) + rest
    head = _head(whole + (main + rest))
    return head, ((whole - head) + main) + rest


@jax.custom_jvp
def _power(a: Float32[Array, "..."], b: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size_bits = _bits(a) & _ALL_BUT_SIGN
    size = _float(size_bits)
    head, tail = _log2(size_bits)
    head = jnp.where(size_bits < _INFINITY, head, size)
    head = jnp.where(size_bits < _SMALLEST_NORMAL, _f32(-np.inf), head)
    b_head = _head(b)
    main = head * b_head
    nearest, exponent = _round(main)
    g = (main - nearest) + (head * (b - b_head) + tail * b)
    value = _f32(1) + g * _polynomial(g, _EXP2)
    # Two factors, because 2**128 and 2**-127 are no normal floats.
    half = exponent >> _i32(1)
    for part in (half, exponent - half):
        value = value * _float((part + _i32(127)) << _i32(23))
    overflowed = jnp.where(main < _f32(0), _f32(0), main * _f32(np.inf))
    value = jnp.where(jnp.abs(main) < _f32(200), value, overflowed)
    value = jnp.where((b == _f32(0)) | (size == _f32(1)), _f32(1), value)
    return jnp.where((a != a) | (b != b), _f32(np.nan), value)


def _slope_in_base(power: Callable[..., Array], a: Array, b: Array) -> Array:
    """The derivative of |a| ** b by `a`; at 0 the one from the right, infinite for 0 < b < 1."""
    slope = b * power(a, b - 1)
    return jnp.where(b == 0, 0, jnp.where(a < 0, -slope, slope))


def _slope_in_exponent(value: Array, a: Array) -> Array:
    return jnp.where(value == 0, 0, value * jnp.log(jnp.abs(a)))


@jax.custom_jvp
def _power_elsewhere(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.power(jnp.abs(a), b)


# sinh(x) = x + x**3 * polynomial(x**2) for |x| <= 1: the series, whose next term is 2.5e-8.
_SINH = (1 / 6, 1 / 120, 1 / 5040, 1 / 362880)


def _half_exponentials(
    x: Float32[Array, "..."],
) -> tuple[Float32[Array, "..."], Float32[Array, "..."]]:
    """exp(|x|) / 2 and exp(-|x|) / 2; the first overflows only where sinh and cosh do."""
    root = jnp.exp(_f32(0.5) * jnp.abs(x))
    return _f32(0.5) * root * root, _f32(0.5) / root / root


@jax.custom_jvp
def _sinh(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    size, square = jnp.abs(x), x * x
    rising, falling = _half_exponentials(x)
    inner = size + size * (square * _polynomial(square, _SINH))
    return _odd(x, jnp.where(size > _f32(1), rising - falling, inner))


@jax.custom_jvp
def _cosh(x: Float32[Array, "..."]) -> Float32[Array, "..."]:
    rising, falling = _half_exponentials(x)
    return rising + falling


# Arguments: tangent, value, operands.
_sinh.defjvps(lambda dx, y, x: dx * _cosh(x))
_cosh.defjvps(lambda dx, y, x: dx * _sinh(x))
_sin.defjvps(lambda dx, y, x: dx * _cos(x))
_cos.defjvps(lambda dx, y, x: -dx * _sin(x))
_tan.defjvps(lambda dx, y, x: dx * (_f32(1) + y * y))
_arctan.defjvps(lambda dx, y, x: dx / (_f32(1) + x * x))
_arcsin.defjvps(lambda dx, y, x: dx / jnp.sqrt((_f32(1) - x) * (_f32(1) + x)))
_arccos.defjvps(lambda dx, y, x: -dx / jnp.sqrt((_f32(1) - x) * (_f32(1) + x)))
_power.defjvps(
    lambda da, y, a, b: da * _slope_in_base(_power, a, b),
    lambda db, y, a, b: db * _slope_in_exponent(y, a),
)
_power_elsewhere.defjvps(
    lambda da, y, a, b: da * _slope_in_base(_power_elsewhere, a, b),
    lambda db, y, a, b: db * _slope_in_exponent(y, a),
)


# The values of the next three are right everywhere, but JAX squares x for their derivatives.


@jax.custom_jvp
def _arcsinh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arcsinh(x)


@jax.custom_jvp
def _arccosh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arccosh(x)


@jax.custom_jvp
def _arctanh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.arctanh(x)


_arcsinh.defjvps(lambda dx, y, x: dx / jnp.where(jnp.abs(x) > 1e9, jnp.abs(x), jnp.sqrt(1 + x * x)))
_arccosh.defjvps(lambda dx, y, x: dx / (jnp.sqrt(x - 1) * jnp.sqrt(x + 1)))
_arctanh.defjvps(lambda dx, y, x: dx / ((1 - x) * (1 + x)))


@jax.jit
def sin(x: ArrayLike) -> Float[Array, "..."]:
    """Sine, relative error at most 2 eps over all of float32; NaN for infinities.

    Example:
        >>> round(float(sin(1e6)), 6)
        -0.349994
    """
    x = jnp.asarray(x)
    return _sin(x) if x.dtype == _f32 else jnp.sin(x)


@jax.jit
def cos(x: ArrayLike) -> Float[Array, "..."]:
    """Cosine, relative error at most 2 eps over all of float32; NaN for infinities.

    Example:
        >>> float(cos(0.0))
        1.0
    """
    x = jnp.asarray(x)
    return _cos(x) if x.dtype == _f32 else jnp.cos(x)


@jax.jit
def tan(x: ArrayLike) -> Float[Array, "..."]:
    """Tangent, relative error at most 3 eps over all of float32, poles included.

    Example:
        >>> round(float(tan(1.5)), 3)
        14.101
    """
    x = jnp.asarray(x)
    return _tan(x) if x.dtype == _f32 else jnp.tan(x)


@jax.jit
def arctan(x: ArrayLike) -> Float[Array, "..."]:
    """Arc tangent, relative error at most 2 eps; +-pi/2 at the infinities.

    Example:
        >>> float(4 * arctan(1.0))
        3.1415927410125732
    """
    x = jnp.asarray(x)
    return _arctan(x) if x.dtype == _f32 else jnp.arctan(x)


@jax.jit
def arcsin(x: ArrayLike) -> Float[Array, "..."]:
    """Arc sine, relative error at most 3 eps; NaN outside [-1, 1].

    Example:
        >>> float(arcsin(1.0))
        1.5707963705062866
    """
    x = jnp.asarray(x)
    return _arcsin(x) if x.dtype == _f32 else jnp.arcsin(x)


@jax.jit
def arccos(x: ArrayLike) -> Float[Array, "..."]:
    """Arc cosine, relative error at most 2 eps; NaN outside [-1, 1].

    Example:
        >>> float(arccos(1.0))
        0.0
    """
    x = jnp.asarray(x)
    return _arccos(x) if x.dtype == _f32 else jnp.arccos(x)


@jax.jit
def sinh(x: ArrayLike) -> Float[Array, "..."]:
    """Hyperbolic sine, relative error at most 6 eps; infinite only where it overflows.

    Example:
        >>> float(sinh(1e-6)) == float(jnp.float32(1e-6))
        True
    """
    x = jnp.asarray(x)
    return _sinh(x) if x.dtype == _f32 else jnp.sinh(x)


@jax.jit
def cosh(x: ArrayLike) -> Float[Array, "..."]:
    """Hyperbolic cosine, relative error at most 6 eps; infinite only where it overflows.

    Example:
        >>> float(cosh(0.0))
        1.0
    """
    x = jnp.asarray(x)
    return _cosh(x) if x.dtype == _f32 else jnp.cosh(x)


@jax.jit
def arcsinh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic sine, relative error at most 2 eps.

    Example:
        >>> round(float(arcsinh(-1e4)), 5)
        -9.90349
    """
    return _arcsinh(jnp.asarray(x))


@jax.jit
def arccosh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic cosine, relative error at most 3 eps; NaN below 1.

    Example:
        >>> float(arccosh(1.0))
        0.0
    """
    return _arccosh(jnp.asarray(x))


@jax.jit
def arctanh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic tangent, relative error at most 2 eps; infinite at +-1, NaN beyond.

    Example:
        >>> float(arctanh(0.0))
        0.0
    """
    return _arctanh(jnp.asarray(x))


@jax.jit
def power(a: ArrayLike, b: ArrayLike) -> Float[Array, "..."]:
    """|a| ** b; the sign of `a` is ignored, so the caller handles it and the domain.

    The relative error is at most 4e-6, and 3e-7 for results between 2**-10 and 2**10. A subnormal
    `a` counts as 0, and a subnormal `b` may. 0 ** b is 0, 1 or inf for b > 0, b == 0, b < 0; x ** 0
    and 1 ** b are 1 for every x and b, infinities included; a NaN in either operand gives NaN. The
    derivatives are those of |a| ** b: 0 in `a` at b == 0, that from the right at a == 0, which is
    infinite for 0 < b < 1, and 0 in `b` where the result is 0.

    Example:
        >>> float(power(-4.0, 0.5))
        2.0
    """
    dtype = jnp.result_type(a, b)
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    return _power(a, b) if dtype == _f32 else _power_elsewhere(a, b)

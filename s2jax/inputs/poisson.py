"""Poisson counts and gamma variables by inversion, one for each uniform word.

Without loops whose length is drawn, so that all steps of all channels are computed side by side.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from s2jax.core.random import normal_quantile, signed_uniform

MAX_RATE = np.float32(2.0**22)
"""Largest rate: counts stay below 2**24, where float32 has every whole number."""

_SMALL = 12
_TERMS = 43  # P(X > 43) = 9e-13 at rate 12, below the least word of 2**-33


def poisson(bits: UInt32[Array, "*shape"], rate: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Poisson counts of these rates, one for each word: the smaller the word, the larger the count.

    Below a rate of 12 the word is compared with P(X > k) for k = 0, ..., 42, each summed from the
    smallest term on, so that rare counts have the right probability too. Above, Temme's uniform
    expansion of the incomplete gamma function gives the count as a function of a normal quantile.
    Distribution functions are right to 3e-6, probabilities of tails above 1e-5 to 1 %.

    Args:
        bits: Uniform words.
        rate: From 0 to `MAX_RATE`; beyond, it is `MAX_RATE`. NaN stays.

    References:
        Temme (1979), The asymptotic expansion of the incomplete gamma functions.
        Giles (2016), Algorithm 955: approximation of the inverse Poisson cumulative distribution
        function.
    """
    rate = jnp.clip(rate, 0, MAX_RATE)
    count = jnp.where(rate < _SMALL, _count_tails(bits, rate), _invert_expansion(bits, rate))
    return jnp.where(jnp.isnan(rate), rate, count)


def _to_unit(bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Uniform in (0, 1], to 2**-24 of itself rather than of 1."""
    return bits.astype(jnp.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)


def _count_tails(
    bits: UInt32[Array, "*shape"], rate: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """The number of k with word <= P(X > k), all of it divided by P(X = 0)."""
    rate = jnp.minimum(rate, _SMALL)
    word = _to_unit(bits) * jnp.exp(rate)
    share = rate * np.float32(1 / _SMALL)  # its powers do not overflow
    powers = [share]
    while len(powers) < _TERMS:
        powers.append(powers[-1] * share)
    tail = jnp.zeros_like(rate)
    count = jnp.zeros_like(rate)
    for k in range(_TERMS, 0, -1):
        tail = tail + powers[k - 1] * np.float32(_SMALL**k / math.factorial(k))
        count = count + jnp.where(word <= tail, 1.0, 0.0)
    return count


def _invert_expansion(
    bits: UInt32[Array, "*shape"], rate: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """floor(x), P(X < n) = Q(n, rate) at n = x being the uniform, for rates >= 12.

    x = rate r(s) + c0(s) + c1(s) / rate with s = w / sqrt(rate), w the normal quantile of the
    uniform, and 1 - r + r log(r) = s**2 / 2.
    """
    rate = jnp.maximum(rate, _SMALL)
    normal = normal_quantile(signed_uniform(bits ^ np.uint32(2**31 - 1)))
    inverse = jax.lax.rsqrt(rate)
    s = jnp.maximum(normal * inverse, -1.3)  # below, the count is 0
    shift = rate * s * (1 + s * _horner(_BEND, s)) + _horner(_C0, s)
    shift = shift + _horner(_C1, s) * (inverse * inverse)
    # whole and broken part apart: a sum of size `rate` has lost the digits that floor looks at
    whole = jnp.floor(rate)
    return jnp.maximum(whole + jnp.floor(rate - whole + shift), 0)


def _horner(coefficients: tuple[float, ...], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + np.float32(coefficient)
    return value


# Least squares on -1.3 <= s <= 1.6: (r(s) - 1 - s) / s**2, c0 = log(s sqrt(r) / (r - 1)) / log(r),
# and what is left, times the rate, at rates from 12 on.
_BEND = (
    0.16666675, -0.013891111, 0.0036995364, -0.0012908320, 0.00058141005, -0.00042933591,
    0.00011154575, 0.00018461888, -8.6684569e-06, -0.00014425143, 5.5835724e-05,
)  # fmt: skip
_C0 = (
    0.33333292, -0.027923891, 0.0087038035, -0.0022724155, 0.0011278101, -0.0026282552,
    0.0012978099,
)  # fmt: skip
_C1 = (
    -0.019749450, 0.020560692, -0.014835189, -0.016545369, 0.0068194981, 0.036163297,
    -0.020617054,
)  # fmt: skip


def gamma_polynomials(shape: Float[Array, " channels"]) -> Float[Array, "degrees channels"]:
    """What `gamma_share` needs of each shape: from 0.5 to 1000; beyond, it is these."""
    width = jax.lax.rsqrt(jnp.clip(shape, LEAST_SHAPE, LARGEST_SHAPE))
    powers = jnp.stack(_chebyshev((width - _CENTRE) / _HALF, _DEGREES))
    table = np.asarray(_GAMMA, np.float32).reshape(-1, _DEGREES, 1)
    return (table * powers).sum(1) * width


def gamma_share(
    bits: UInt32[Array, "time channels"], polynomials: Float[Array, "degrees channels"]
) -> Float[Array, "time channels"]:
    """Gamma variables of mean 1, one for each word, as `log_gamma_share` has them."""
    return jnp.exp(log_gamma_share(normal_quantile(signed_uniform(bits)), polynomials))


def log_gamma_share(
    normal: Float[Array, "time channels"], polynomials: Float[Array, "degrees channels"]
) -> Float[Array, "time channels"]:
    """Logarithms of gamma variables of mean 1, one for each standard normal number.

    log(x) is 1 / sqrt(shape) times a polynomial in the normal quantile, whose coefficients are
    polynomials in 1 / sqrt(shape). Distribution functions are right to 3e-5 at shapes below 2, to
    2e-6 above; probabilities of tails above 1e-6 to 3 % and 0.3 %.

    Args:
        normal: Standard normal numbers, by inversion: they are the quantiles.
        polynomials: As `gamma_polynomials` gives them.
    """
    z = normal * np.float32(1 / 5.6)
    later = now = jnp.zeros_like(z)
    for row in polynomials[:0:-1]:  # Clenshaw's recurrence
        now, later = row + 2 * z * now - later, now
    return polynomials[0] + z * now - later


def _chebyshev(x: Float[Array, "*shape"], count: int) -> list[Float[Array, "*shape"]]:
    """Chebyshev polynomials of degree 0, 1, ..., count - 1."""
    out = [jnp.ones_like(x), x]
    while len(out) < count:
        out.append(2 * x * out[-1] - out[-2])
    return out


LEAST_SHAPE, LARGEST_SHAPE = 0.5, 1000.0
_CENTRE, _HALF = 0.7229182, 0.6912954  # of 1 / sqrt(shape)
_DEGREES = 9

# Least squares of log(x) / width over |w| <= 5.6 and shapes 0.5 to 1000, weights
# exp(-w**2 / 6) + 0.003. Coefficients of Chebyshev polynomials, 9 in the width for each in w / 5.6.
_GAMMA = (
    -2.870768, -3.017415, -0.2074465, 0.04304214, 0.00291449,
    -0.00623311, 0.00207627, 0.00016544, -0.00041917,
    8.539569, 3.671593, 0.6052163, -0.1341961, 0.00839315,
    0.00884117, -0.00363257, -0.00025439, 0.00078204,
    -2.638681, -2.770232, -0.1635048, 0.05770896, -0.00317443,
    -0.00728245, 0.00349104, -9.519e-05, -0.0006184,
    0.6550795, 0.772569, 0.06792484, -0.04445192, 0.01076019,
    0.00217183, -0.00242794, 0.00037454, 0.00039149,
    -0.02645462, -0.0128953, 0.02576943, 0.00730584, -0.00645845,
    0.00014803, 0.00145656, -0.00054299, -0.00015292,
    -0.0475827, -0.0685734, -0.01978666, 0.00477005, 0.00286556,
    -0.00146031, -0.00039687, 0.00046709, -2.255e-05,
    0.00695973, 0.00659315, -0.00383994, -0.00412392, 0.00030763,
    0.00104418, -0.00020349, -0.00025475, 0.00010891,
    0.00814195, 0.01322288, 0.00620012, 0.00026486, -0.00131538,
    -0.00024971, 0.00033397, 4.929e-05, -9.46e-05,
    -0.00218721, -0.0026513, 0.00037326, 0.00145091, 0.00053003,
    -0.00028426, -0.00018736, 7.119e-05, 4.799e-05,
    -0.00178268, -0.00323212, -0.00220967, -0.00084377, 6.195e-05,
    0.00017753, -1.268e-05, -4.901e-05, 1.449e-05,
    0.00106987, 0.00163886, 0.00058796, -0.00016409, -0.0002648,
    -5.318e-05, 5.053e-05, 9.79e-06, -1.952e-05,
    0.00045744, 0.00081318, 0.00050764, 9.715e-05, -0.00017842,
    -0.00017643, -2.778e-05, 5.326e-05, 2.655e-05,
    -6.781e-05, -4.472e-05, 0.00013798, 0.00023423, 0.00016304,
    1.818e-05, -5.762e-05, -3.567e-05, 6.84e-06,
    -9.144e-05, -0.0002493, -0.00035975, -0.00035875, -0.00021297,
    -3.964e-05, 4.223e-05, 3.058e-05, -1.37e-06,
    0.00032807, 0.00058548, 0.00039848, 0.00016974, -3.01e-06,
    -6.402e-05, -3.994e-05, -9e-07, 1.13e-05,
)  # fmt: skip

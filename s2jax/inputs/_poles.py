"""Autoregressions of given poles, in coefficients that float32 holds."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# what moduli are multiplied by, until the model is sure to be stable
_PULLS = np.array([1, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4], np.float32)
_ROUNDING = np.float32(2.0**-22)  # of coefficients that are products of a few factors


def coefficients_of_poles(
    radii: Float[Array, " factors"],
    cosines: Float[Array, " factors"],
    reals: Float[Array, " factors"],
    order: Int[Array, ""],
    size: int,
) -> Float[Array, "{size}"]:
    """phi of the first order // 2 pairs of poles, and of a real one if the order is odd.

    Args:
        radii, cosines: Moduli of the pairs, and cosines of their angles.
        reals: The pole that is there in place of a pair if it is real.
        order: p.
        size: Number of coefficients; those beyond p are 0.
    """
    polynomial = jnp.zeros(size + 1, radii.dtype).at[0].set(1)
    lagged = lambda lags: jnp.pad(polynomial, (lags, 0))[: size + 1]
    for k in range(radii.shape[0]):
        is_pair, is_real = order >= 2 * k + 2, order == 2 * k + 1
        first = jnp.where(is_pair, 2 * radii[k] * cosines[k], jnp.where(is_real, reals[k], 0))
        second = jnp.where(is_pair, radii[k] * radii[k], 0)
        polynomial = polynomial - first * lagged(1) + second * lagged(2)
    return jnp.where(jnp.arange(size, dtype=jnp.int32) < order, -polynomial[1:], 0)


def find_pull(
    radii: Float[Array, " factors"],
    cosines: Float[Array, " factors"],
    reals: Float[Array, " factors"],
    order: Int[Array, ""],
) -> Float[Array, ""]:
    """The factor on the moduli, mostly 1, with which rounding coefficients moves no pole out.

    Several poles near each other and the unit circle are ill-conditioned: those of rounded
    coefficients may be outside, where there is no stationary law. After Rouche they are inside if
    |phi| on the circle is above the sum of what the coefficients are wrong by. phi is taken at the
    angles of its poles, where it is least, and the sum is at most 2**-22 of the product of the
    factors' own sums.
    """
    factor = np.arange(radii.shape[0], dtype=np.int32)
    is_pair, is_real = order >= 2 * factor + 2, order == 2 * factor + 1
    pulls = _PULLS[:, None]
    angle = jnp.where(is_real, jnp.sign(reals), cosines)[:, None]
    radius, real = pulls * radii, pulls * reals
    square = radius * radius
    # squares of |1 - 2 r c z + r^2 z^2| and of |1 - x z|, z on the circle
    across = (1 + square)[:, None] * angle - 2 * (radius * cosines)[:, None]
    along = ((1 - square) * (1 - square))[:, None] * (1 - angle * angle)
    single = 1 + real[:, None] * (real[:, None] - 2 * angle)
    parts = jnp.where(is_pair, across * across + along, jnp.where(is_real, single, 1))
    least = jnp.where(is_pair | is_real, parts.prod(-1), np.inf).min(-1)
    double = 1 + 2 * radius * jnp.abs(cosines) + square
    most = jnp.where(is_pair, double, jnp.where(is_real, 1 + jnp.abs(real), 1)).prod(-1)
    is_safe = least > (_ROUNDING * most) * (_ROUNDING * most)
    # the largest factor that is safe
    return jnp.where(is_safe, _PULLS, _PULLS[-1]).max()

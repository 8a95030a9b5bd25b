"""How far two laws are apart by kernels: maximum mean discrepancy and energy distance."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.statistics._samples import (
    Estimate,
    Points,
    Real,
    Synthetic,
    check_bootstrap,
    draw_resamples,
    estimate_of,
    pair_of,
    points_of,
    squared_distances,
    tiled,
    weights_of,
)

_PIVOTS = 1024  # points whose distances make a median


def median_bandwidth(points: Points) -> Float[Array, ""]:
    """The median distance between points, by which kernels are scaled; of 1024 of more.

    Those are evenly spaced among the rows. Where the median is 0 it is the mean, and 1 if all are
    equal.

    Raises:
        ValueError: If they are not finite, or fewer than two.

    Example:
        >>> float(median_bandwidth(jnp.array([[0.0], [1.0], [3.0]])))
        2.0

    References:
        Gretton, Borgwardt, Rasch, Schoelkopf and Smola 2012, "A Kernel Two-Sample Test", sec. 8.
    """
    return _median_distance(points_of("median_bandwidth", "points", points))


@jax.jit
def _median_distance(points: Array) -> Array:
    pivots = evenly(points, _PIVOTS)
    above = jnp.triu_indices(len(pivots), 1)
    distances = jnp.sqrt(squared_distances(pivots, pivots)[above])
    median, mean = jnp.median(distances), distances.mean()
    return jnp.where(median > 0, median, jnp.where(mean > 0, mean, 1))


def evenly(points: Array, most: int) -> Array:
    """All points, or `most` of them that are evenly spaced."""
    if len(points) <= most:
        return points
    return points[np.linspace(0, len(points) - 1, most).astype(np.int32)]


def mmd(
    key: PRNGKey,
    real: Real,
    synthetic: Synthetic,
    bandwidth: float | Float[Array, ""] | None = None,
    unbiased: bool = True,
    resamples: int = 200,
    level: float = 0.95,
) -> Estimate:
    """The squared maximum mean discrepancy of a Gaussian kernel, with a bootstrap interval.

    `E k(X, X') + E k(Y, Y') - 2 E k(X, Y)` with `k(x, y) = exp(-|x - y|**2 / (2 bandwidth**2))`,
    where X and X' are different rows: unbiased, so that it is 0 in the mean of equal laws and may
    be negative. No unit, at most 2. The bootstrap draws rows of both samples with replacement, and
    leaves out pairs of a row with itself. Its intervals, of percentiles, held the truth in 94 to
    96 % of 300 tries at different laws, and in all at equal ones, where they are too wide. Rows are
    taken as independent, which channels of one row are not. Computed tile by tile, as `prdc`.

    Args:
        key: Of the bootstrap; the value does not depend on it.
        real, synthetic: Points `(rows, features)`, scaled alike: `standardize_samples`.
        bandwidth: > 0; the median distance between the points of both samples if None.
        unbiased: False counts pairs of a row with itself too: never negative.
        resamples: Of the bootstrap, >= 1. Static.
        level: Of the interval, from 0 to 1.

    Raises:
        ValueError: If samples have different features, are not finite or have fewer than two rows,
            or a number is out of range.

    Example:
        >>> key, points = jax.random.key(0), jax.random.normal(jax.random.key(1), (2, 200, 3))
        >>> alike, apart = mmd(key, *points), mmd(key, points[0], points[1] + 1)
        >>> bool(alike.low < 0 < alike.high), bool(apart.low > 0.1)
        (True, True)

    References:
        Gretton, Borgwardt, Rasch, Schoelkopf and Smola 2012, "A Kernel Two-Sample Test", lemma 6.
    """
    real, synthetic = pair_of("mmd", real, synthetic)
    check_bootstrap("mmd", resamples, level)
    checks.check_flag("mmd", "unbiased", unbiased)
    width = width_of("mmd", bandwidth, jnp.concatenate([real, synthetic]))
    return _discrepancy(key, real, synthetic, gaussian, width, unbiased, resamples, level)


def energy_distance(
    key: PRNGKey,
    real: Real,
    synthetic: Synthetic,
    unbiased: bool = True,
    resamples: int = 200,
    level: float = 0.95,
) -> Estimate:
    """The energy distance of two samples, with a bootstrap interval.

    `2 E|X - Y| - E|X - X'| - E|Y - Y'|` with Euclidean norms, where X and X' are different rows:
    unbiased, so that it is 0 in the mean of equal laws and may be negative. In units of the
    features; in one dimension and with `unbiased=False`, the square of
    `scipy.stats.energy_distance`. Interval and tiles as of `mmd`.

    Args:
        key: Of the bootstrap; the value does not depend on it.
        real, synthetic: Points `(rows, features)`, scaled alike: `standardize_samples`.
        unbiased: False counts pairs of a row with itself too: never negative.
        resamples: Of the bootstrap, >= 1. Static.
        level: Of the interval, from 0 to 1.

    Raises:
        ValueError: As `mmd`.

    Example:
        >>> key, points = jax.random.key(0), jax.random.normal(jax.random.key(1), (2, 200, 3))
        >>> bool(energy_distance(key, points[0], points[1] + 1).low > 0.5)
        True

    References:
        Szekely and Rizzo 2013, "Energy statistics: A class of statistics based on distances".
    """
    real, synthetic = pair_of("energy_distance", real, synthetic)
    check_bootstrap("energy_distance", resamples, level)
    checks.check_flag("energy_distance", "unbiased", unbiased)
    width = jnp.float32(1)
    return _discrepancy(key, real, synthetic, _negative_norm, width, unbiased, resamples, level)


def width_of(owner: str, bandwidth: Any, points: Array) -> Float[Array, ""]:
    """A bandwidth as it was given, or that of the points."""
    if bandwidth is None:
        return median_bandwidth(points)
    checks.check_number(owner, "bandwidth", bandwidth, 0, strict=True)
    return jnp.asarray(bandwidth, jnp.float32)


Kernel = Callable[[Array, Array], Array]


def gaussian(squares: Array, width: Array) -> Array:
    """The kernel of squared distances."""
    return jnp.exp(-squares / (2 * width**2))


def _negative_norm(squares: Array, width: Array) -> Array:
    """A kernel whose discrepancy is the energy distance (Sejdinovic et al. 2013)."""
    return -jnp.sqrt(squares)


@functools.partial(jax.jit, static_argnums=(3, 6))
def _discrepancy(
    key: PRNGKey, real: Array, synthetic: Array, kernel: Kernel, width: Array, unbiased: Any,
    resamples: int, level: Any,
) -> Estimate:  # fmt: skip
    samples = (real, synthetic)
    chosen = draw_resamples(key, resamples, len(real), len(synthetic))
    weights = [weights_of(rows, len(one)) for rows, one in zip(chosen, samples, strict=True)]
    mean = functools.partial(_mean_kernel, kernel, width)
    total = -2 * mean(*samples, *weights)
    for one, w in zip(samples, weights, strict=True):
        within = mean(one, one, w, w)
        others = _without_itself(within, w, kernel(jnp.float32(0), width))
        total += jnp.where(unbiased, others, within)
    return estimate_of(total, level)


def _mean_kernel(
    kernel: Kernel, width: Array, real: Array, synthetic: Array, weights: Array, others: Array
) -> Float[Array, " resamples_and_one"]:
    """The kernel's weighted mean over all pairs, for each resample."""

    def of_tile(tile: tuple[Array, Array]) -> Array:
        points, weight = tile
        values = kernel(squared_distances(points, synthetic), width)
        return (weight * jnp.matmul(values, others, precision="highest")).sum(0)

    columns = len(synthetic)
    return lax.map(of_tile, (tiled(real, columns), tiled(weights, columns))).sum(0)


def _without_itself(mean: Array, weights: Array, of_itself: Array) -> Array:
    """A mean over pairs, without those of a row with itself."""
    themselves = (weights**2).sum(0)
    return (mean - of_itself * themselves) / (1 - themselves)

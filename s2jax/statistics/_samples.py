"""Samples of points: how two become comparable, and how distances are computed tile by tile."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Num

from s2jax.core import checks
from s2jax.core.tiles import power_of_two
from s2jax.core.types import PRNGKey
from s2jax.statistics._catch22 import Catch22
from s2jax.statistics._describe import Features

Points = Num[Array | np.ndarray, "rows features"]
Real = Num[Array | np.ndarray, "real features"]
Synthetic = Num[Array | np.ndarray, "synthetic features"]
_LARGEST_TILE = 2**20  # distances: 4 MB, which caches hold
_MOST_ROWS = 128
_NORMAL_QUARTILES = 1.3489795  # between those of a standard normal law


class Estimate(NamedTuple):
    """A distance with its bootstrap interval.

    Attributes:
        value: Of the samples as they are.
        low, high: Ends of the interval.
    """

    value: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]


class Standardized(NamedTuple):
    """Two samples in units of the real one; what is not defined is left out.

    Attributes:
        real, synthetic: Rows that are whole, of the features that are kept.
        features: Which features are kept.
        real_rows, synthetic_rows: Which rows are.
    """

    real: Float[Array, "real kept"]
    synthetic: Float[Array, "synthetic kept"]
    features: Bool[np.ndarray, " features"]
    real_rows: Bool[np.ndarray, " real_rows"]
    synthetic_rows: Bool[np.ndarray, " synthetic_rows"]


def standardize_samples(
    real: Real | Features | Catch22,
    synthetic: Synthetic | Features | Catch22,
    max_missing: float = 0.1,
    clip: float = 10.0,
) -> Standardized:
    """Both samples less the medians of the real one, over its robust standard deviations.

    The scale of a feature is its interquartile range over 1.349, that of a normal law; where more
    than half of the values are equal, the standard deviation. It resists the tails that features
    have: one series of a skill of -10**6 would make all others equal. A feature is left out if it
    is constant in the real sample, or not finite in more than `max_missing` of the rows of either;
    then rows are left out where one of the others is not finite. Computed in NumPy, because what is
    kept depends on the values.

    Args:
        real, synthetic: Points `(rows, features)`, or what `describe` or `catch22` returns.
        max_missing: The largest share of rows without a feature that is kept, from 0 to 1.
        clip: The farthest a value can be from the median, in scales, > 0; infinite for any.

    Raises:
        ValueError: If numbers of features differ, or fewer than one feature or two rows are left.

    Example:
        >>> real = np.random.default_rng(0).normal(5, 2, (100, 3))
        >>> found = standardize_samples(real, np.where(real[:, :1] > 9, np.nan, real))
        >>> found.real.shape, found.synthetic.shape, bool(abs(jnp.median(found.real)) < 0.2)
        ((100, 3), (98, 3), True)
    """
    owner = "standardize_samples"
    checks.check_number(owner, "max_missing", max_missing, 0, 1)
    if clip != math.inf:
        checks.check_number(owner, "clip", clip, 0, strict=True)
    both = [_table(owner, *one) for one in (("real", real), ("synthetic", synthetic))]
    _check_features(owner, *both)
    shift, scale = _robust_scales(both[0])
    defined = [np.isfinite(one).mean(0) >= 1 - max_missing for one in both]
    kept = defined[0] & defined[1] & (scale > 0)
    if not kept.any():
        raise ValueError(
            f"{owner}(max_missing={max_missing}): no feature is left, because each is constant in "
            "the real sample or missing in more rows than that. Raise max_missing, or pass others."
        )
    whole = [np.asarray(np.isfinite(one[:, kept]).all(1)) for one in both]
    for name, rows in zip(("real", "synthetic"), whole, strict=True):
        if rows.sum() < 2:
            raise ValueError(
                f"{owner}({name} of {rows.sum()} whole rows): must have >= 2 rows in which every "
                "kept feature is finite, because others are left out. Lower max_missing to leave "
                "out features instead."
            )
    scaled = [
        np.clip((one[rows][:, kept] - shift[kept]) / scale[kept], -clip, clip)
        for one, rows in zip(both, whole, strict=True)
    ]
    first, second = (jnp.asarray(one, jnp.float32) for one in scaled)
    return Standardized(first, second, kept, whole[0], whole[1])


def _table(owner: str, name: str, values: Any) -> np.ndarray:
    """Points in float64, NaN where they are not finite."""
    if isinstance(values, (Features, Catch22)):
        values = np.stack([np.asarray(one).reshape(-1) for one in values], axis=-1)
    table = np.asarray(checks.read_numbers(owner, name, values), np.float64)
    _check_table(owner, name, table.shape, 1)
    return np.where(np.isfinite(table), table, np.nan)


def _robust_scales(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and scale of each column that has a value; the scale is 0 of a constant."""
    shift, scale = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    for column, values in enumerate(table.T):
        known = values[~np.isnan(values)]
        if known.size and known.min() < known.max():
            low, shift[column], high = np.percentile(known, [25, 50, 75])
            scale[column] = (high - low) / _NORMAL_QUARTILES or known.std()
    return shift, scale


def points_of(owner: str, name: str, values: Any, least: int = 2) -> Array:
    """Points in float32.

    Raises:
        TypeError, ValueError: If they are no finite numbers, or there are fewer than `least` rows.
    """
    points = checks.as_floats(owner, name, values)
    _check_table(owner, name, points.shape, least)
    if checks.is_here(points) and not np.isfinite(np.asarray(points)).all():
        raise ValueError(
            f"{owner}({name} with NaN or infinity): must be finite, because distances to such rows "
            "are not defined. Use standardize_samples first, which leaves them out."
        )
    return points.astype(jnp.float32)


def pair_of(owner: str, real: Any, synthetic: Any, least: int = 2) -> tuple[Array, Array]:
    """Two samples of the same features, each as of `points_of`."""
    first = points_of(owner, "real", real, least)
    second = points_of(owner, "synthetic", synthetic, least)
    _check_features(owner, first, second)
    return first, second


def _check_table(owner: str, name: str, shape: tuple[int, ...], least: int) -> None:
    if len(shape) != 2 or shape[0] < least or shape[1] < 1:
        rows = "a row" if least == 1 else f"{least} rows"
        raise ValueError(
            f"{owner}({name} of shape {shape}): must be (rows, features) with at least {rows} and "
            "a feature, because samples of points are compared. Pass one row per series."
        )


def _check_features(owner: str, real: Any, synthetic: Any) -> None:
    if real.shape[1] != synthetic.shape[1]:
        raise ValueError(
            f"{owner}(real of {real.shape[1]} features, synthetic of {synthetic.shape[1]}): must "
            "be equally many, because points of one space are compared. Compute the same features "
            "of both."
        )


def check_bootstrap(owner: str, resamples: int, level: float) -> None:
    """Refuse what no interval can be had from."""
    checks.check_static_integer(owner, "resamples", resamples, 1)
    checks.check_number(owner, "level", level, 0, 1)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def draw_resamples(
    key: PRNGKey, resamples: int, real: int, synthetic: int
) -> tuple[Int[Array, "resamples real"], Int[Array, "resamples synthetic"]]:
    """Numbers of rows of both samples, drawn with replacement.

    Remainders of 32 bits: of 10**5 rows, the first are drawn more often by 2e-5 of their share.
    """
    bits = jax.random.bits(key, (resamples, real + synthetic), jnp.uint32)
    first, second = bits[:, :real] % np.uint32(real), bits[:, real:] % np.uint32(synthetic)
    return first.astype(jnp.int32), second.astype(jnp.int32)


def weights_of(
    chosen: Int[Array, "resamples rows"], count: int
) -> Float[Array, "rows resamples_and_one"]:
    """How often each row is in the sample, once, and in its resamples; sums are 1."""
    place = lax.broadcasted_iota(jnp.int32, chosen.shape, 0) + 1
    times = jnp.zeros((count, len(chosen) + 1), jnp.float32).at[chosen, place].add(1)
    return times.at[:, 0].set(1) / count


def estimate_of(values: Array, level: Any) -> Estimate:
    """The first of the values, with the interval that holds a share `level` of the others."""
    tail = 50 * (1 - level)
    low, high = jnp.percentile(values[1:], jnp.stack([tail, 100 - tail]))
    return Estimate(values[0], low, high)


def squared_distances(
    rows: Float[Array, "rows features"], others: Float[Array, "others features"]
) -> Float[Array, "rows others"]:
    """Summed over differences: 0 between equal points, as products of matrices are not."""
    return ((rows[:, :, None] - others.T) ** 2).sum(1)


def tiled(points: Array, columns: int) -> Array:
    """Rows in tiles, padded with zeros, so that a tile of distances to `columns` points is small.

    Returns:
        `(tiles, rows, features)`.
    """
    tile = min(_MOST_ROWS, max(1, _LARGEST_TILE // power_of_two(columns)), len(points))
    missing = -len(points) % tile
    padded = jnp.pad(points, ((0, missing), *[(0, 0)] * (points.ndim - 1)))
    return padded.reshape(-1, tile, *points.shape[1:])


def map_distances(function: Callable[[Array], Any], rows: Array, others: Array) -> Any:
    """A function of the squared distances of each row to all others, tile by tile."""
    found = lax.map(
        lambda tile: function(squared_distances(tile, others)), tiled(rows, len(others))
    )
    return jax.tree.map(lambda one: one.reshape(-1, *one.shape[2:])[: len(rows)], found)

"""The eight features of the TIME benchmark, and what they are made of."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.statistics._decompose import (
    Decomposition,
    apply_smoothers,
    check_period,
    is_short,
    smoothers,
)
from s2jax.statistics._series import (
    Series,
    map_rows,
    rows_of,
    standardize,
    undefined,
    varies,
    where_complete,
)
from s2jax.statistics._spectra import correlate_rows, plain_entropy

WIDTH = 10
"""Steps of a tile of series without a period, as in tsfeatures."""
NO_SEASON = 1e-5
"""Seasons of a smaller standard deviation, in those of the series, are rounding."""
BLOCKS = 2


class TimeFeatures(NamedTuple):
    """The features of the TIME benchmark, under its names.

    T, S and R are trend, seasons and remainder of the series, standardised with `ddof=1`.

    Attributes:
        trend_strength: `1 - var(R) / var(T + R)`, 0 to 1.
        trend_hurst: `hurst(T)`.
        trend_stability: `stability(T, period)`, of tiles of 10 steps without a period.
        seasonal_strength: `1 - var(R) / var(S + R)`, 0 to 1.
        seasonality_corr: `seasonal_correlation(S, period)`, -1 to 1.
        seasonal_lumpiness: `lumpiness(S, period)`, 0 upwards.
        e_acf1: Autocorrelation of R at lag 1, divided by `time - 1` terms: about -1 to 1.
        e_entropy: Entropy of R's periodogram (no window) over its largest possible value, 0 to 1.
    """

    trend_strength: Float[Array, "*batch"]
    trend_hurst: Float[Array, "*batch"]
    trend_stability: Float[Array, "*batch"]
    seasonal_strength: Float[Array, "*batch"]
    seasonality_corr: Float[Array, "*batch"]
    seasonal_lumpiness: Float[Array, "*batch"]
    e_acf1: Float[Array, "*batch"]
    e_entropy: Float[Array, "*batch"]


def time_features(series: Series, period: int | None = None) -> TimeFeatures:
    """The eight features of the TIME benchmark.

    As that benchmark computes them with tsfeatures: of the STL (seasonal window 13) of the
    standardised series. The scale of a series does not matter. Without a period the three of the
    season are NaN, and the trend is that of `decompose`, which is not that of tsfeatures.

    Where it differs: a constant series has NaN throughout, not 0; seasons that are nothing but
    rounding have no correlation; series shorter than two periods, or than 8 steps, give NaN.

    Args:
        series: Without missing values (`fill_gaps` closes them as TIME does); NaN otherwise.
        period: Steps of a period, >= 2, the same for all series. Static.

    Raises:
        ValueError: If `period` is out of range, or series are longer than 4096.

    Example:
        >>> step = jnp.arange(96.0)
        >>> found = time_features(step + 5 * jnp.sin(2 * jnp.pi * step / 12), period=12)
        >>> bool(found.trend_strength > 0.99), bool(found.seasonal_strength > 0.99)
        (True, True)

    References:
        Qiao et al. 2026, "It's TIME: Towards the Next Generation of Time Series Forecasting
        Benchmarks". Wang, Smith and Hyndman 2006, "Characteristic-Based Clustering for Time
        Series Data", for the strengths.
    """
    series = rows_of("time_features", series)
    check_period("time_features", period, series.shape[-1])
    if is_short(series.shape[-1], period):
        return TimeFeatures(*[undefined(series)] * len(TimeFeatures._fields))
    matrices = jnp.asarray(smoothers(series.shape[-1], period))
    return map_rows(lambda rows: time_of(rows, matrices, period), series)


@functools.partial(jax.jit, static_argnums=2)
def time_of(rows: Array, matrices: Array, period: int | None) -> TimeFeatures:
    """The features of `(rows, time)`."""
    parts = apply_smoothers(standardize(rows, ddof=1), matrices)
    remainder = parts.remainder
    length = rows.shape[-1]
    tile = period or WIDTH
    nothing = jnp.full(rows.shape[:1], jnp.nan, jnp.float32)
    long = length >= 2 * tile
    found = TimeFeatures(
        trend_strength=_strength(remainder, parts.trend),
        trend_hurst=hurst_of(parts.trend),
        trend_stability=stability_of(parts.trend, tile) if long else nothing,
        seasonal_strength=_strength(remainder, parts.seasonal) if period else nothing,
        seasonality_corr=_correlation(parts, period) if period else nothing,
        seasonal_lumpiness=lumpiness_of(parts.seasonal, tile) if period else nothing,
        e_acf1=correlate_rows(remainder, 1)[..., 1] * np.float32(length / (length - 1)),
        e_entropy=plain_entropy(remainder),
    )
    usable = varies(rows)
    return TimeFeatures(*[where_complete(rows, jnp.where(usable, one, jnp.nan)) for one in found])


def _strength(remainder: Array, part: Array) -> Array:
    """1 less the share of the remainder in the variance of both; of no variance it is none."""
    both = (part + remainder).var(-1)
    is_part = both > 1e-10
    return jnp.where(
        is_part, jnp.clip(1 - remainder.var(-1) / jnp.where(is_part, both, 1), 0, 1), 0
    )


def _correlation(parts: Decomposition, period: int) -> Array:
    seen = parts.seasonal.std(-1) > NO_SEASON
    return jnp.where(seen, correlation_of(parts.seasonal, period), jnp.nan)


def hurst(series: Series) -> Float[Array, "*batch"]:
    """The Hurst exponent by rescaled ranges of everything up to each step.

    The slope of `log(R_n / S_n)` over `log n` for n = 2 ... time, by least squares, where R_n is
    the range of `sum_{t <= k} (x_t - mean_n)` over k <= n and S_n the standard deviation of the
    first n values. No unit, about 0 to 1; 0.55 for white noise of 512
    steps, where one series in ten is off by more than 0.14, and near 1 for a trend. The `hurst`
    of the Python tsfeatures. NaN for a series that is shorter than 3, has missing
    values, or begins with two equal ones.

    Example:
        >>> found = hurst(jax.random.normal(jax.random.key(0), (2, 500)))
        >>> bool((jnp.abs(found - 0.55) < 0.25).all())
        True

    References:
        Hurst 1951, "Long-term storage capacity of reservoirs".
    """
    series = rows_of("hurst", series)
    return undefined(series) if series.shape[-1] < 3 else map_rows(hurst_of, series)


@jax.jit
def hurst_of(rows: Array) -> Array:
    """Of `(rows, time)`: time stands first within, so that rows fill the vector units."""
    length = rows.shape[-1]
    x = (rows - rows[:, :1]).T  # ranges do not see a shift, and sums of small numbers are exact
    count = np.arange(1, length + 1, dtype=np.float32)[:, None]
    total = jnp.cumsum(x, axis=0)
    mean = total / count
    # each value adds its squared distance from the mean before it: no difference of large sums
    steps = (x[1:] - mean[:-1]) ** 2 * (count[:-1] / count[1:])
    spread = jnp.sqrt(jnp.cumsum(steps, axis=0) / count[1:])
    ranges = [
        _ranges(total, mean, count, low, high) for low, high in zip(*_blocks(length), strict=True)
    ]
    ratio = jnp.log(jnp.concatenate(ranges)[1:] / spread)
    size = np.log(count[1:].astype(np.float64))
    size = (size - size.mean()) / ((size - size.mean()) ** 2).sum()
    slope = (ratio * size.astype(np.float32)).sum(0)
    return where_complete(rows, jnp.where(spread[0] > 0, slope, jnp.nan))


def _blocks(length: int) -> tuple[list[int], list[int]]:
    ends = sorted({length * number // BLOCKS for number in range(BLOCKS + 1)})
    return ends[:-1], ends[1:]


def _ranges(total: Array, mean: Array, count: np.ndarray, low: int, high: int) -> Array:
    """Ranges of the deviations up to each step from `low` to `high`, which looks no further."""
    place = np.arange(high, dtype=np.int32)[:, None]

    def of(step: Array) -> Array:
        gap = total[:high] - count[:high] * mean[step]
        gap = jnp.where(place <= step, gap, 0)  # the last deviation is always 0
        return gap.max(0) - gap.min(0)

    return lax.map(of, jnp.arange(low, high, dtype=jnp.int32))


def stability(series: Series, width: int = WIDTH) -> Float[Array, "*batch"]:
    """The variance of the means of tiles that follow each other.

    Both with `ddof=1`, over `time // width` whole tiles; in squared units of the series: tsfeatures
    standardises series before. Range 0 upwards. NaN for a series that is shorter than two tiles,
    where tsfeatures has 0, or has missing values.

    Args:
        series: At least `2 width` steps.
        width: Steps of a tile: the period, or 10. Static.

    Raises:
        ValueError: If `width` is below 2.

    Example:
        >>> float(stability(jnp.array([0.0, 2.0, 4.0, 6.0]), 2))
        8.0

    References:
        Hyndman, Wang and Laptev 2015, "Large-Scale Unusual Time Series Detection".
    """
    return _of_tiles("stability", series, "width", width, stability_of)


@functools.partial(jax.jit, static_argnums=1)
def stability_of(series: Array, width: int) -> Array:
    return _tiles(series, width).mean(-1).var(-1, ddof=1)


def lumpiness(series: Series, width: int = WIDTH) -> Float[Array, "*batch"]:
    """The variance of the variances of tiles that follow each other.

    Both with `ddof=1`, over `time // width` whole tiles; in fourth powers of the series' units:
    tsfeatures standardises series before. Range 0 upwards. NaN for a series that is shorter than
    two tiles, where tsfeatures has 0, or has missing values.

    Args:
        series: At least `2 width` steps.
        width: Steps of a tile: the period, or 10. Static.

    Raises:
        ValueError: If `width` is below 2.

    Example:
        >>> float(lumpiness(jnp.array([0.0, 2.0, 0.0, 0.0]), 2))
        2.0

    References:
        Hyndman, Wang and Laptev 2015, "Large-Scale Unusual Time Series Detection".
    """
    return _of_tiles("lumpiness", series, "width", width, lumpiness_of)


@functools.partial(jax.jit, static_argnums=1)
def lumpiness_of(series: Array, width: int) -> Array:
    return _tiles(series, width).var(-1, ddof=1).var(-1, ddof=1)


def seasonal_correlation(series: Series, period: int) -> Float[Array, "*batch"]:
    """The mean correlation of one period with another, over all pairs.

    Of `time // period` whole periods; the squared length of the sum of standardised periods has
    all pairs in it. Range -1 to 1, no unit; 1 for a season that only its size changes. TIME
    takes it of the seasonal part of STL. NaN for a series that is shorter than two periods, has
    missing values, or has a period that is constant.

    Args:
        series: At least two periods.
        period: Steps of a period, >= 2. Static.

    Raises:
        ValueError: If `period` is below 2.

    Example:
        >>> round(float(seasonal_correlation(jnp.array([0.0, 1.0, 3.0, 0.0, 2.0, 6.0]), 3)), 4)
        1.0

    References:
        Qiao et al. 2026, "It's TIME", appendix on features.
    """
    return _of_tiles("seasonal_correlation", series, "period", period, correlation_of)


@functools.partial(jax.jit, static_argnums=1)
def correlation_of(series: Array, period: int) -> Array:
    tiles = _tiles(series, period)
    unit = standardize(tiles) / np.float32(np.sqrt(period))
    count = tiles.shape[-2]
    pairs = ((unit.sum(-2) ** 2).sum(-1) - count) / (count * (count - 1))
    return jnp.where(varies(tiles).all(-1), jnp.clip(where_complete(series, pairs), -1, 1), jnp.nan)


def _of_tiles(
    owner: str, series: Series, name: str, width: int, feature: Callable[[Array, int], Array]
) -> Float[Array, "*batch"]:
    """A feature of at least two tiles; `name` is what the caller calls their width."""
    series = rows_of(owner, series)
    checks.check_static_integer(owner, name, width, 2)
    if series.shape[-1] < 2 * width:
        return undefined(series)
    return map_rows(lambda rows: feature(rows, width), series)


def _tiles(series: Array, width: int) -> Array:
    count = series.shape[-1] // width
    return series[..., : count * width].reshape(*series.shape[:-1], count, width)

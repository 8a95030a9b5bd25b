"""STL: trend, seasons and what remains, as two matrices."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from s2jax.core import checks
from s2jax.statistics._series import Series, centre, map_rows, rows_of

MAX_LENGTH = 4096
SEASONAL_WINDOW = 13

Floats = NDArray[np.float64]


class Decomposition(NamedTuple):
    """Series as a sum of three, in their units.

    Attributes:
        trend: What is smooth over more than a period.
        seasonal: What recurs every period, slowly changing; 0 without a period.
        remainder: The rest.
    """

    trend: Float[Array, "*batch time"]
    seasonal: Float[Array, "*batch time"]
    remainder: Float[Array, "*batch time"]


def decompose(
    series: Series, period: int | None = None, window: int = SEASONAL_WINDOW
) -> Decomposition:
    """Decompose series by STL, without its robust iterations.

    All of STL but its robust weights is linear in the series. So it is carried out once for each
    length and period, on the host in float64, and what comes of it are two matrices that every
    series is multiplied with: exact up to float32, and the same as `STL(series, period,
    window).fit()` of statsmodels. Making the matrices takes time that grows with the cube of the
    length (0.1 s for 512, some seconds for 2048); the last 16 are kept.

    Without a period there are no seasons, and the trend is one LOESS of degree 1 over a fifth of
    the series. This is a choice of ours: tsfeatures takes the super smoother of Friedman there.

    Args:
        series: Without missing values (`fill_gaps` closes them); a series with one is all NaN.
        period: Steps of a period, >= 2, the same for all series. Static.
        window: Periods that a seasonal LOESS looks at, odd and >= 7; 13 in the TIME benchmark, 7
            by default in statsmodels. Static.

    Raises:
        ValueError: If a number is out of range, or series are longer than 4096.

    Returns:
        NaN where series are shorter than two periods, or than 8 steps.

    Example:
        >>> step = jnp.arange(48.0)
        >>> parts = decompose(0.5 * step + jnp.sin(2 * jnp.pi * step / 12), period=12)
        >>> bool(jnp.abs(parts.trend - 0.5 * step).max() < 0.01)
        True

    References:
        Cleveland, Cleveland, McRae and Terpenning 1990, "STL: A Seasonal-Trend Decomposition
        Procedure Based on Loess", Journal of Official Statistics 6.
    """
    series = rows_of("decompose", series)
    check_period("decompose", period, series.shape[-1])
    checks.check_static_integer("decompose", "window", window, 7)
    if window % 2 == 0:
        raise ValueError(
            f"decompose(window={window}): must be odd, because it has a middle. Pass {window + 1}."
        )
    if is_short(series.shape[-1], period):
        return Decomposition(*[jnp.full(series.shape, jnp.nan, jnp.float32)] * 3)
    matrices = jnp.asarray(smoothers(series.shape[-1], period, window))
    return map_rows(lambda rows: apply_smoothers(rows, matrices), series)


def check_period(owner: str, period: int | None, length: int) -> None:
    """Refuse what is no period, and series too long for matrices."""
    if period is not None:
        checks.check_static_integer(owner, "period", period, 2)
    if length > MAX_LENGTH:
        raise ValueError(
            f"{owner}(series of length {length}): must be <= {MAX_LENGTH}, because the "
            "decomposition is a matrix of length x length. Pass windows of the series."
        )


def is_short(length: int, period: int | None) -> bool:
    """Whether a series is too short to be decomposed."""
    return length < max(8, 2 * (period or 1))


@jax.jit
def apply_smoothers(rows: Array, matrices: Array) -> Decomposition:
    """Decompose `(rows, time)`; the mean is the trend's, so that matrices act on small numbers."""
    mean = rows.mean(-1, keepdims=True)
    centred = centre(rows)
    both = jnp.matmul(centred, matrices.T, precision="highest")
    seasonal, trend = jnp.split(both, 2, axis=-1)
    return Decomposition(trend + mean, seasonal, centred - seasonal - trend)


@functools.lru_cache(maxsize=16)
def smoothers(length: int, period: int | None, window: int = SEASONAL_WINDOW) -> np.ndarray:
    """Matrices of the seasonal part and of the trend, one above the other: (2 length, length).

    One round is `S = A (y - T)`, `T = B (y - S)`, begun with T = 0; there are five, as in
    statsmodels without robust weights.
    """
    if period is None:
        trend = _loess(length, max(7, length // 5 | 1), np.arange(length))
        return np.concatenate([np.zeros_like(trend), trend]).astype(np.float32)
    in_trend = int(np.ceil(1.5 * period / (1 - 1.5 / window))) | 1
    seasonal = _seasonal_smoother(length, period, window)
    smooth = _loess(length, in_trend, np.arange(length))
    again = smooth @ seasonal
    first = smooth - again
    trend = first
    for _ in range(3):
        trend = first + again @ trend
    season = seasonal - seasonal @ trend
    return np.concatenate([season, first + again @ trend]).astype(np.float32)


def _seasonal_smoother(length: int, period: int, window: int) -> Floats:
    """The matrix from a detrended series to its seasonal part."""
    cycles = np.zeros((length + 2 * period, length))
    for place in range(min(period, length)):
        own = np.arange(place, length, period)
        # each place of the period is smoothed from one period before to one after the series
        reach = np.arange(-1, len(own) + 1)
        cycles[np.ix_((reach + 1) * period + place, own)] = _loess(len(own), window, reach)
    slow = _moving_mean(_moving_mean(_moving_mean(cycles, period), period), 3)
    slow = _loess(length, (period + 1) | 1, np.arange(length)) @ slow
    return cycles[period : period + length] - slow


def _moving_mean(rows: Floats, width: int) -> Floats:
    total = np.cumsum(np.concatenate([np.zeros((1, rows.shape[1])), rows]), axis=0)
    return (total[width:] - total[:-width]) / width


def _loess(count: int, window: int, places: NDArray[np.int64]) -> Floats:
    """Weights of `count` equidistant values in their local lines at these places.

    Tricube weights over the `window` nearest values, as the paper has them; the bounds of 0.001
    and 0.999 and the half excess of a window over the series are those of the authors' program.
    """
    reach = min(window, count)
    left = np.clip(places - (window + 2) // 2 + 1, 0, count - reach)[:, None]
    place, step = places[:, None], np.arange(count)[None, :]
    radius = np.maximum(place - left, left + reach - 1 - place) + max(window - count, 0) // 2
    gap = np.abs(step - place)
    weight = (1 - (gap / np.maximum(radius, 1)).clip(0, 1) ** 3) ** 3
    weight = np.where(gap <= 0.001 * radius, 1.0, weight)
    weight *= (gap <= 0.999 * radius) & (step >= left) & (step < left + reach)
    weight /= weight.sum(1, keepdims=True)
    middle = (weight * step).sum(1, keepdims=True)
    spread = (weight * (step - middle) ** 2).sum(1, keepdims=True)
    has_slope = np.sqrt(spread) > 0.001 * (count - 1)
    slope = np.where(has_slope, (place - middle) / np.where(has_slope, spread, 1), 0)
    return weight * (1 + slope * (step - middle))

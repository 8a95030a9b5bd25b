"""Autocorrelations and spectra."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.statistics._series import (
    Series,
    centre,
    map_rows,
    rows_of,
    standardize,
    undefined,
    varies,
    where_complete,
)


class Peak(NamedTuple):
    """The season that an autocorrelation function shows.

    Attributes:
        height: The autocorrelation at its highest local maximum; 0 if there is none above 0.
        lag: Steps at which it is; 0 if there is none.
    """

    height: Float[Array, "*batch"]
    lag: Float[Array, "*batch"]


def autocorrelations(series: Series, lags: int) -> Float[Array, "*batch lags"]:
    """Autocorrelations at lags 0 to `lags`: `sum (x_t - m)(x_{t+k} - m) / sum (x_t - m)^2`.

    Range -1 to 1, no unit; the biased estimate, as `acf(series, nlags=lags)` of statsmodels and
    `acf` of R. NaN for a series that is constant or has missing values.

    Args:
        series: Of more than `lags` steps; shorter ones give NaN.
        lags: The largest lag. Static.

    Raises:
        ValueError: If `lags` is negative.

    Example:
        >>> autocorrelations(jnp.array([1.0, -1.0, 1.0, -1.0]), 2).tolist()
        [1.0, -0.75, 0.5]

    References:
        Box, Jenkins and Reinsel, Time Series Analysis, section 2.1.
    """
    series = rows_of("autocorrelations", series)
    checks.check_static_integer("autocorrelations", "lags", lags, 0)
    if series.shape[-1] <= lags:
        return jnp.full((*series.shape[:-1], lags + 1), jnp.nan, jnp.float32)
    return map_rows(lambda rows: correlate_rows(rows, lags), series)


@functools.partial(jax.jit, static_argnums=1)
def correlate_rows(rows: Array, lags: int) -> Array:
    """Autocorrelations of `(rows, time)`, NaN where there are none."""
    length = rows.shape[-1]
    z = standardize(rows)
    size = 1 << (length + lags - 1).bit_length()  # room for what wraps round
    power = jnp.abs(jnp.fft.rfft(z, size)) ** 2
    products = jnp.fft.irfft(power, size)[..., : lags + 1]
    total = jnp.where(varies(rows), products[..., 0], jnp.nan)
    return jnp.where(jnp.isfinite(rows).all(-1)[..., None], products / total[..., None], jnp.nan)


def find_season(series: Series) -> Peak:
    """The highest local maximum of the autocorrelations at lags 2 to half the length.

    A lag k is a local maximum if `r_{k-1} < r_k >= r_{k+1}`. Heights range from 0 to 1; lags are
    in steps. NaN for a series that is shorter than 6, constant, or has missing values.

    Example:
        >>> peak = find_season(jnp.tile(jnp.array([0.0, 1.0, 3.0, 1.0]), 8))
        >>> float(peak.lag)
        4.0
    """
    series = rows_of("find_season", series)
    if series.shape[-1] < 6:
        return Peak(undefined(series), undefined(series))
    return map_rows(season_of, series)


@jax.jit
def season_of(rows: Array) -> Peak:
    return peak_of(correlate_rows(rows, rows.shape[-1] // 2 - 1))


def peak_of(correlations: Array) -> Peak:
    """The highest local maximum of functions that begin at lag 0."""
    middle = correlations[..., 1:-1]
    is_peak = (middle > correlations[..., :-2]) & (middle >= correlations[..., 2:])
    heights = jnp.where(is_peak, middle, 0)
    height = heights.max(-1)
    lag = jnp.where(height > 0, heights.argmax(-1).astype(jnp.float32) + 1, 0)
    defined = ~jnp.isnan(correlations[..., 0])
    return Peak(jnp.where(defined, height, jnp.nan), jnp.where(defined, lag, jnp.nan))


def spectral_entropy(series: Series) -> Float[Array, "*batch"]:
    """Shannon entropy of the periodogram, over its largest possible value.

    `-sum p_k log p_k / log K`, where p_k is the share of frequency k = 1 ... K = time // 2 in the
    power of the series less its mean, times a Hann window. Range 0 (one frequency) to 1, no unit;
    white noise has about 0.92, because a periodogram is never flat. NaN for a series that is
    shorter than 4, constant, or has missing values.

    Example:
        >>> bool(spectral_entropy(jnp.sin(jnp.arange(256.0) * jnp.pi / 4)) < 0.3)
        True

    References:
        Inouye et al. 1991, "Quantification of EEG irregularity by use of the entropy of the power
        spectrum".
    """
    series = rows_of("spectral_entropy", series)
    return undefined(series) if series.shape[-1] < 4 else map_rows(hann_entropy, series)


@jax.jit
def hann_entropy(rows: Array) -> Array:
    window = np.hanning(rows.shape[-1]).astype(np.float32)
    power = jnp.abs(jnp.fft.rfft(standardize(rows) * window)[..., 1:]) ** 2
    return where_complete(rows, _entropy(power))


def plain_entropy(rows: Array) -> Array:
    """The entropy of antropy and tsfeatures: no window, one-sided power, the mean's bin counts."""
    length = rows.shape[-1]
    power = jnp.abs(jnp.fft.rfft(standardize(rows))) ** 2
    twice = np.full(power.shape[-1], 2, np.float32)
    twice[0] = 0  # what rounding leaves of the mean
    if length % 2 == 0:
        twice[-1] = 1
    return where_complete(rows, _entropy(power * twice))


def _entropy(power: Array) -> Array:
    """Entropy of shares over that of equal ones; NaN if there is no power."""
    share = power / power.sum(-1, keepdims=True)
    terms = jnp.where(share > 0, share * jnp.log(jnp.where(share > 0, share, 1)), share)
    return -terms.sum(-1) / np.float32(np.log(power.shape[-1]))


def forecastability(series: Series) -> Float[Array, "*batch"]:
    """Goerg's Omega: 1 less the entropy of a smoothed spectrum over its largest possible value.

    The spectrum is Welch's: periodograms of segments of a quarter of the series (at least 16
    steps), overlapping by half, each less its mean and times a Hann window, and averaged.
    `Omega = 1 + sum p_k log p_k / log K` over its K frequencies above 0. Range 0 to 1, no unit;
    0 is white noise (0.01 to 0.03 at 512 steps, for an average of 7 is not quite flat), 1 is one
    frequency. NaN for a series that is shorter than 32, constant, or has missing values.

    Example:
        >>> bool(forecastability(jnp.sin(jnp.arange(256.0) * jnp.pi / 4)) > 0.7)
        True

    References:
        Goerg 2013, "Forecastable Component Analysis", section 3. Welch 1967, "The use of fast
        Fourier transform for the estimation of power spectra".
    """
    series = rows_of("forecastability", series)
    return undefined(series) if series.shape[-1] < 32 else map_rows(welch_omega, series)


@jax.jit
def welch_omega(rows: Array) -> Array:
    length = rows.shape[-1]
    size = max(16, length // 4)
    starts = range(0, length - size + 1, size - size // 2)
    z = standardize(rows)
    segments = jnp.stack([z[..., start : start + size] for start in starts], axis=-2)
    window = np.hanning(size + 1)[:-1].astype(np.float32)  # periodic, as Welch's usually is
    power = jnp.abs(jnp.fft.rfft(centre(segments) * window)[..., 1:]) ** 2
    if size % 2 == 0:  # one-sided: the highest frequency has no negative twin
        power = power * np.append(np.full(size // 2 - 1, 2, np.float32), np.float32(1))
    omega = 1 - _entropy(power.mean(-2))
    return where_complete(rows, jnp.where(varies(rows), omega, jnp.nan))

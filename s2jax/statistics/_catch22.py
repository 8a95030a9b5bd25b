"""The 22 features of catch22, by their own C code."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.statistics._series import Series, rows_of


class Catch22(NamedTuple):
    """The features of catch22, by their short names.

    Attributes:
        mode_5, mode_10: Modes of the histograms of 5 and 10 bins.
        outlier_timing_pos, outlier_timing_neg: When values above, and below, are exceeded.
        acf_timescale, acf_first_min: Lags at which the autocorrelation falls to 1/e, and has its
            first minimum.
        low_freq_power: The share of the spectrum's power in its lowest fifth.
        median_freq: The frequency below which half of the power is, in radians per step.
        forecast_error: The deviation of errors of forecasts by the mean of three steps.
        whiten_timescale: Time scale of the differences over that of the series.
        high_fluctuation: The share of large steps.
        stretch_high, stretch_decreasing: Longest stretches above the mean, and without a rise.
        entropy_pairs: Entropy of pairs of steps in three classes.
        ami2, ami_timescale: Mutual information two steps ahead, and the lag of its first minimum.
        trev: Asymmetry in time.
        transition_variance: Of the transitions between three classes.
        periodicity: The period that the autocorrelation has after detrending.
        embedding_dist: How distances in a plane of delays differ from an exponential law.
        rs_range, dfa: Where the scaling of fluctuations breaks, by rescaled ranges and detrended.

    Example:
        >>> catch22(jnp.arange(100.0) % 7)._fields == Catch22._fields  # doctest: +SKIP
        True
    """

    mode_5: Float[Array, "*batch"]
    mode_10: Float[Array, "*batch"]
    outlier_timing_pos: Float[Array, "*batch"]
    outlier_timing_neg: Float[Array, "*batch"]
    acf_timescale: Float[Array, "*batch"]
    acf_first_min: Float[Array, "*batch"]
    low_freq_power: Float[Array, "*batch"]
    median_freq: Float[Array, "*batch"]
    forecast_error: Float[Array, "*batch"]
    whiten_timescale: Float[Array, "*batch"]
    high_fluctuation: Float[Array, "*batch"]
    stretch_high: Float[Array, "*batch"]
    stretch_decreasing: Float[Array, "*batch"]
    entropy_pairs: Float[Array, "*batch"]
    ami2: Float[Array, "*batch"]
    trev: Float[Array, "*batch"]
    ami_timescale: Float[Array, "*batch"]
    transition_variance: Float[Array, "*batch"]
    periodicity: Float[Array, "*batch"]
    embedding_dist: Float[Array, "*batch"]
    rs_range: Float[Array, "*batch"]
    dfa: Float[Array, "*batch"]


def catch22(series: Series) -> Catch22:
    """The 22 features of catch22 of each series, computed by `pycatch22`, one series at a time.

    Of the series standardised over its length. NaN for series that have missing values, and where a
    feature cannot be estimated: all of a constant, some of one that is short. `compare` takes
    them in the place of what `describe` returns.

    Args:
        series: Concrete: the code of these features is C, and is called outside of programs.

    Raises:
        ImportError: Without `pycatch22`, of the extra `stats`.
        ValueError: If there is no axis of time, or a transformation of JAX traces the series.

    Example:
        >>> found = catch22(jnp.arange(100.0) % 7)  # doctest: +SKIP
        >>> float(found.periodicity)  # doctest: +SKIP
        7.0

    References:
        Lubba, Sethi, Knaute, Schultz, Fulcher and Jones 2019, "catch22: CAnonical Time-series
        CHaracteristics".
    """
    rows = rows_of("catch22", series)
    if not checks.is_here(rows):
        raise ValueError(
            f"catch22(series of shape {rows.shape}, traced by a JAX transformation): must hold "
            "numbers, because its code is C. Call it outside of jit and vmap; it takes batches."
        )
    package = require("pycatch22", "The features of catch22")
    values = np.asarray(rows, np.float64).reshape(-1, rows.shape[-1])
    found = np.array([_features_of(package, row) for row in values], np.float32)
    columns = found.reshape(*rows.shape[:-1], len(Catch22._fields))
    return Catch22(*(jnp.asarray(columns[..., i]) for i in range(columns.shape[-1])))


def _features_of(package: Any, row: np.ndarray) -> list[float]:
    if not np.isfinite(row).all() or row.min() == row.max():
        return [np.nan] * len(Catch22._fields)
    found = package.catch22_all(row, short_names=True, mask_nans=False)
    values = dict(zip(found["short_names"], found["values"], strict=True))
    return [values[name] for name in Catch22._fields]

"""Features of series, batched and jitted: what a forecaster could learn from them.

All are functions of `(..., time)` in float32. A series that is too short for a feature, or has
none, has NaN there and is never an error.
"""

from s2jax.statistics._decompose import Decomposition, decompose
from s2jax.statistics._describe import Features, Shares, describe, shares
from s2jax.statistics._series import fill_gaps, missing_share
from s2jax.statistics._shape import (
    Intermittency,
    intermittency,
    permutation_entropy,
    tail_index,
    turning_points,
)
from s2jax.statistics._skill import Skill, ar_skill
from s2jax.statistics._spectra import (
    Peak,
    autocorrelations,
    find_season,
    forecastability,
    spectral_entropy,
)
from s2jax.statistics._time import (
    TimeFeatures,
    hurst,
    lumpiness,
    seasonal_correlation,
    stability,
    time_features,
)

__all__ = (
    "Decomposition",
    "Features",
    "Intermittency",
    "Peak",
    "Shares",
    "Skill",
    "TimeFeatures",
    "ar_skill",
    "autocorrelations",
    "decompose",
    "describe",
    "fill_gaps",
    "find_season",
    "forecastability",
    "hurst",
    "intermittency",
    "lumpiness",
    "missing_share",
    "permutation_entropy",
    "seasonal_correlation",
    "shares",
    "spectral_entropy",
    "stability",
    "tail_index",
    "time_features",
    "turning_points",
)


def __dir__() -> tuple[str, ...]:
    return __all__

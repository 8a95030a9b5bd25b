"""Features of series, and distances between samples of them: what a corpus is worth.

Features are functions of `(..., time)` in float32. A series that is too short for a feature, or has
none, has NaN there and is never an error. Distances are functions of points `(rows, features)`,
computed in tiles; `compare` has all of them.
"""

from s2jax.statistics._catch22 import Catch22, catch22
from s2jax.statistics._compare import Comparison, compare
from s2jax.statistics._decompose import Decomposition, decompose
from s2jax.statistics._describe import Features, Shares, describe, shares
from s2jax.statistics._discrepancy import energy_distance, median_bandwidth, mmd
from s2jax.statistics._diversity import duplicate_share, vendi_score
from s2jax.statistics._neighbours import PRDC, Nearest, nearest, prdc
from s2jax.statistics._samples import Estimate, Standardized, standardize_samples
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
from s2jax.statistics._transport import frechet, sliced_wasserstein, wasserstein

__all__ = (
    "PRDC",
    "Catch22",
    "Comparison",
    "Decomposition",
    "Estimate",
    "Features",
    "Intermittency",
    "Nearest",
    "Peak",
    "Shares",
    "Skill",
    "Standardized",
    "TimeFeatures",
    "ar_skill",
    "autocorrelations",
    "catch22",
    "compare",
    "decompose",
    "describe",
    "duplicate_share",
    "energy_distance",
    "fill_gaps",
    "find_season",
    "forecastability",
    "frechet",
    "hurst",
    "intermittency",
    "lumpiness",
    "median_bandwidth",
    "missing_share",
    "mmd",
    "nearest",
    "permutation_entropy",
    "prdc",
    "seasonal_correlation",
    "shares",
    "sliced_wasserstein",
    "spectral_entropy",
    "stability",
    "standardize_samples",
    "tail_index",
    "time_features",
    "turning_points",
    "vendi_score",
    "wasserstein",
)


def __dir__() -> tuple[str, ...]:
    return __all__

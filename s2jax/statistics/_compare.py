"""All distances of a synthetic sample from a real one."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.statistics._catch22 import Catch22
from s2jax.statistics._describe import Features
from s2jax.statistics._discrepancy import energy_distance, median_bandwidth, mmd
from s2jax.statistics._diversity import vendi_score
from s2jax.statistics._neighbours import (
    PRDC,
    Nearest,
    check_k,
    find_neighbours,
    nearest_of,
    prdc_of,
)
from s2jax.statistics._samples import Estimate, Real, Standardized, Synthetic, standardize_samples
from s2jax.statistics._transport import frechet, sliced_wasserstein

_MOST_ROWS = 1024  # of a Vendi score, whose time is of the cube


class Comparison(NamedTuple):
    """How far a synthetic sample is from a real one, in units of the real one's spread.

    Attributes:
        samples: What was compared: rows and features that are defined, standardised.
        prdc, sliced_wasserstein, mmd, energy_distance: As the functions of these names have them,
            with intervals.
        nearest, frechet: As the functions of these names have them.
        vendi_real, vendi_synthetic: Vendi scores of equally many rows, with the bandwidth of the
            real sample.
    """

    samples: Standardized
    prdc: PRDC
    nearest: Nearest
    sliced_wasserstein: Estimate
    mmd: Estimate
    energy_distance: Estimate
    frechet: Float[Array, ""]
    vendi_real: Float[Array, ""]
    vendi_synthetic: Float[Array, ""]


def compare(
    key: PRNGKey,
    real: Real | Features | Catch22,
    synthetic: Synthetic | Features | Catch22,
    k: int = 5,
    resamples: int = 100,
    max_missing: float = 0.1,
    clip: float = 10.0,
) -> Comparison:
    """All distances of a synthetic sample from a real one, after `standardize_samples`.

    What equal laws give depends on the number of rows: compare halves of the real sample with each
    other to see it. 10 000 points of 20 features against 10 000 take about 20 seconds of one core.

    Args:
        key: Of directions and bootstraps.
        real, synthetic: Points `(rows, features)`, or what `describe` or `catch22` returns.
        k: As in `prdc`. Static.
        resamples: Of each bootstrap, >= 1. Static.
        max_missing, clip: As in `standardize_samples`.

    Raises:
        ValueError: As the functions whose results it has.

    Example:
        >>> real, walks = jax.random.normal(jax.random.key(0), (2, 40, 160))
        >>> from s2jax.statistics import describe
        >>> real, walks = describe(real), describe(walks.cumsum(-1))
        >>> found = compare(jax.random.key(1), real, walks, resamples=20)
        >>> bool(found.energy_distance.low > 1), float(found.prdc.coverage.value)
        (True, 0.0)
    """
    samples = standardize_samples(real, synthetic, max_missing, clip)
    real, synthetic = samples.real, samples.synthetic
    check_k("compare", k, len(real), len(synthetic))
    checks.check_static_integer("compare", "resamples", resamples, 1)
    keys = jax.random.split(key, 4)
    neighbours = find_neighbours(real, synthetic, int(k))
    width = median_bandwidth(real)
    rows = min(len(real), len(synthetic), _MOST_ROWS)
    return Comparison(
        samples=samples,
        prdc=prdc_of(keys[3], real, synthetic, neighbours, int(k), int(resamples), 0.95),
        nearest=nearest_of(neighbours),
        sliced_wasserstein=sliced_wasserstein(keys[0], real, synthetic, resamples=resamples),
        mmd=mmd(keys[1], real, synthetic, resamples=resamples),
        energy_distance=energy_distance(keys[2], real, synthetic, resamples=resamples),
        frechet=frechet(real, synthetic),
        vendi_real=vendi_score(real, width, rows),
        vendi_synthetic=vendi_score(synthetic, width, rows),
    )

"""Counts of events whose rate follows the series."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core.random import normal_quantile, random_rows, signed_uniform
from s2jax.core.streams import named
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.inputs.poisson import (
    LARGEST_SHAPE,
    LEAST_SHAPE,
    MAX_RATE,
    gamma_polynomials,
    log_gamma_share,
    poisson,
)
from s2jax.observe._base import AbstractShared

_FURTHEST = 6.0  # logarithms of a rate away from its middle


class CountNumbers(NamedTuple):
    """The numbers of counts.

    Attributes:
        middle: The rate at the mean of the series.
        mean, slope: The logarithm of the rate grows by slope (y - mean), by 6 at most.
        shape: Of the gamma variable of mean 1 that the rate is multiplied by; 0 for none.
    """

    middle: Float[Array, " channels"]
    mean: Float[Array, " channels"]
    slope: Float[Array, " channels"]
    shape: Float[Array, " channels"]


class AbstractCounts(AbstractShared):
    """Whole numbers, each a count of events."""

    def compute(self, numbers, words, series, observed):
        length, real = series.shape[1], series.dtype
        of = CountNumbers(*(number[:, None] for number in numbers))
        bits = random_rows(words, length, named("observe.series", "points"))
        more = random_rows(words, length, named("observe.series", "shares"))
        away = (series - of.mean.astype(real)).astype(jnp.float32) * of.slope
        normal = normal_quantile(signed_uniform(more))
        polynomials = gamma_polynomials(numbers.shape)
        share = jnp.where(of.shape > 0, log_gamma_share(normal.T, polynomials).T, 0)
        rate = of.middle * jnp.exp(jnp.clip(away, -_FURTHEST, _FURTHEST) + share)
        return poisson(bits, rate).astype(real), observed

    def _draw(self, draws, summary, rate, spread) -> dict[str, Array]:
        size = jnp.where(summary.deviation > 0, summary.deviation, 1)
        return {
            "rate": draws.sample("level", rate),
            "mean": summary.mean,
            "slope": draws.sample("other", spread) / size,
        }


def _check(owner: str, rate: AbstractDistribution, spread: AbstractDistribution) -> None:
    largest = float(MAX_RATE) * np.exp(-_FURTHEST)
    check_draws(owner, "rate", rate, 0.01, largest, "counts are whole numbers of float32")
    check_draws(owner, "spread", spread, 0, 3, "rates would be 0 at most times")


class PoissonCounts(AbstractCounts):
    """Poisson counts of rate r exp(b (y - m) / s), m and s mean and standard deviation of y.

    Attributes:
        rate: r.
        spread: b.

    Raises:
        ValueError: If `rate` is not between 0.01 and 10 000, or `spread` not between 0 and 3.

    Example:
        >>> PoissonCounts(rate=5.0).rate.value
        5.0
    """

    rate: AbstractDistribution = distribution(LogUniform(0.3, 100.0))
    spread: AbstractDistribution = distribution(Uniform(0.2, 1.0))

    def __check_init__(self):
        _check("PoissonCounts", self.rate, self.spread)

    def law(self, draws, summary, length):
        return self._draw(draws, summary, self.rate, self.spread)

    def to_numbers(self, laws):
        nothing = jnp.zeros_like(laws["rate"])
        return CountNumbers(laws["rate"], laws["mean"], laws["slope"], nothing)


class NegativeBinomialCounts(AbstractCounts):
    """Poisson counts of rate g r exp(b (y - m) / s), g gamma of mean 1 at each time alone.

    Given the rate without g, a count is negative binomial of variance rate + rate**2 / shape.

    Attributes:
        rate: r.
        spread: b.
        shape: Of g.

    Raises:
        ValueError: If `rate` is not between 0.01 and 10 000, `spread` not between 0 and 3, or
            `shape` not between 0.5 and 1000.

    Example:
        >>> NegativeBinomialCounts().shape
        LogUniform(low=0.5, high=10.0)
    """

    rate: AbstractDistribution = distribution(LogUniform(0.3, 100.0))
    spread: AbstractDistribution = distribution(Uniform(0.2, 1.0))
    shape: AbstractDistribution = distribution(LogUniform(0.5, 10.0))

    def __check_init__(self):
        _check("NegativeBinomialCounts", self.rate, self.spread)
        why = "gamma variables are made by polynomials that hold there"
        check_draws("NegativeBinomialCounts", "shape", self.shape, LEAST_SHAPE, LARGEST_SHAPE, why)

    def law(self, draws, summary, length):
        numbers = self._draw(draws, summary, self.rate, self.spread)
        return numbers | {"shape": draws.sample("third", self.shape)}

    def to_numbers(self, laws):
        return CountNumbers(laws["rate"], laws["mean"], laws["slope"], laws["shape"])

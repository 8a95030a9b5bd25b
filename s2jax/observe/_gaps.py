"""Missing values: which of a series are there at all."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core.random import random_rows, uniform
from s2jax.core.streams import named
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.observe._base import ALWAYS, AbstractShared, fill_in, is_at_start, times_of

_BLOCKS = 4
_LARGEST_SHARE = 0.9
_WHY = "some values have to be left"


class GapNumbers(NamedTuple):
    """The numbers of gaps.

    Attributes:
        rate: Probability that a value is missing, at each time alone.
        period, first, missing: Of each period, from time -first on, so many times are missing.
        starts, stops: Of single gaps.
    """

    rate: Float[Array, " channels"]
    period: Float[Array, " channels"]
    first: Float[Array, " channels"]
    missing: Float[Array, " channels"]
    starts: Float[Array, "channels blocks"]
    stops: Float[Array, "channels blocks"]


def _numbers(like: Array, **given: Array) -> GapNumbers:
    """Numbers of which those not given do nothing."""
    none = jnp.zeros((*like.shape, _BLOCKS), jnp.float32)
    return fill_in(GapNumbers, like, {"starts": none, "stops": none} | given, period=1)


class AbstractGaps(AbstractShared):
    """Gaps; the values stay what they are below them."""

    hides = True

    def compute(self, numbers, words, series, observed):
        length = series.shape[1]
        time = times_of(length)
        bits = random_rows(words, length, named("observe.series", "points"))
        is_missing = uniform(bits) < numbers.rate[:, None]
        periodic = is_at_start(time, numbers.period, numbers.first, numbers.missing)
        is_missing = is_missing | periodic
        for gap in range(_BLOCKS):
            start, stop = numbers.starts[:, gap, None], numbers.stops[:, gap, None]
            is_missing = is_missing | ((time >= start) & (time < stop))
        return series, observed & ~is_missing


class MissingAtRandom(AbstractGaps):
    """Each value is missing with a probability, whatever the others are.

    Attributes:
        rate: The probability.

    Raises:
        ValueError: If `rate` is not between 0 and 0.9.

    Example:
        >>> MissingAtRandom(rate=0.2).rate.value
        0.2
    """

    rate: AbstractDistribution = distribution(LogUniform(0.01, 0.4))

    def __check_init__(self):
        check_draws("MissingAtRandom", "rate", self.rate, 0, _LARGEST_SHARE, _WHY)

    def law(self, draws, summary, length):
        return {"rate": draws.sample("level", self.rate)}

    def to_numbers(self, laws):
        return _numbers(laws["rate"], rate=laws["rate"])


class MissingBlocks(AbstractGaps):
    """One to four stretches of time are missing; they may overlap.

    Attributes:
        duration: Of each, as a share of the series.

    Raises:
        ValueError: If `duration` is not between 0 and 0.22, so that four leave a tenth.

    Example:
        >>> MissingBlocks(duration=0.1).duration.value
        0.1
    """

    duration: AbstractDistribution = distribution(LogUniform(0.01, 0.15))

    def __check_init__(self):
        check_draws("MissingBlocks", "duration", self.duration, 0, 0.22, "four have to leave some")

    def law(self, draws, summary, length):
        size = draws.sample("level", self.duration, (_BLOCKS,)) * length
        size = jnp.clip(size, 1, length).astype(jnp.int32)
        start = draws.integers("start", 0, length - size + 1, (_BLOCKS,))
        happens = jnp.arange(_BLOCKS, dtype=jnp.int32) < draws.integers("count", 1, _BLOCKS + 1)
        return {"start": start, "stop": start + jnp.where(happens, size, 0)}

    def to_numbers(self, laws):
        starts, stops = (laws[name].astype(jnp.float32) for name in ("start", "stop"))
        return _numbers(starts[:, 0], starts=starts, stops=stops)


class MissingPeriodic(AbstractGaps):
    """Of each period some times in a row are missing, as weekends are of prices.

    Attributes:
        period: In times, rounded; at least 2.
        share: Of the period that is missing; at least one time.

    Raises:
        ValueError: If `period` is not between 2 and 1e6, or `share` not between 0 and 0.9.

    Example:
        >>> MissingPeriodic(period=7.0, share=2 / 7).period.value
        7.0
    """

    period: AbstractDistribution = distribution(LogUniform(3.0, 64.0))
    share: AbstractDistribution = distribution(Uniform(0.1, 0.5))

    def __check_init__(self):
        check_draws("MissingPeriodic", "period", self.period, 2, 1e6, "one value is left of each")
        check_draws("MissingPeriodic", "share", self.share, 0, _LARGEST_SHARE, _WHY)

    def law(self, draws, summary, length):
        period = jnp.round(draws.sample("level", self.period))
        missing = jnp.clip(jnp.round(draws.sample("other", self.share) * period), 1, period - 1)
        period = period.astype(jnp.int32)
        first = draws.integers("start", 0, period)
        return {"period": period, "first": first, "missing": missing.astype(jnp.int32)}

    def to_numbers(self, laws):
        numbers = {name: laws[name].astype(jnp.float32) for name in ("period", "first", "missing")}
        return _numbers(numbers["period"], **numbers)


class MissingEnd(AbstractGaps):
    """The last values are missing: the series ends early.

    Attributes:
        duration: Of what is missing, as a share of the series.

    Raises:
        ValueError: If `duration` is not between 0 and 0.9.

    Example:
        >>> MissingEnd().duration
        LogUniform(low=0.02, high=0.4)
    """

    duration: AbstractDistribution = distribution(LogUniform(0.02, 0.4))

    def __check_init__(self):
        check_draws("MissingEnd", "duration", self.duration, 0, _LARGEST_SHARE, _WHY)

    def law(self, draws, summary, length):
        size = jnp.clip(draws.sample("level", self.duration) * length, 1, length)
        return {"start": length - size.astype(jnp.int32)}

    def to_numbers(self, laws):
        start = laws["start"].astype(jnp.float32)
        starts = jnp.zeros((*start.shape, _BLOCKS), jnp.float32).at[:, 0].set(start)
        stops = jnp.zeros_like(starts).at[:, 0].set(ALWAYS)
        return _numbers(start, starts=starts, stops=stops)

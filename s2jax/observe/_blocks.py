"""Values that stand for a stretch of time: held, added up, averaged, stuck."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, check_draws, distribution
from s2jax.observe._base import ALWAYS, AbstractShared, count_blocks, times_of
from s2jax.observe._noise import draw_stretch

_LARGEST_SHARE = 0.25


class BlockNumbers(NamedTuple):
    """The numbers of blocks.

    Attributes:
        size, phase: Of the blocks; block 0 begins at -phase.
        sums, means: 1 where a block is its sum, or its mean, rather than its first value.
        start, stop: The times at which the series is that of blocks.
    """

    size: Float[Array, " channels"]
    phase: Float[Array, " channels"]
    sums: Float[Array, " channels"]
    means: Float[Array, " channels"]
    start: Float[Array, " channels"]
    stop: Float[Array, " channels"]


class AbstractBlocks(AbstractShared):
    """One value for each block of times."""

    def compute(self, numbers, words, series, observed):
        length, real = series.shape[1], series.dtype
        time = times_of(length)
        block = count_blocks(time, numbers.size, numbers.phase)
        begin = block * numbers.size[:, None] - numbers.phase[:, None]
        end = jnp.minimum(begin + numbers.size[:, None], length)
        begin = jnp.maximum(begin, 0)
        take = lambda values, place: jnp.take_along_axis(
            values, jnp.clip(place, 0, values.shape[1] - 1).astype(jnp.int32), axis=1
        )
        # about the mean: a sum over a long series keeps few digits of a difference
        mean = series.mean(1, keepdims=True)
        before = jnp.pad(jnp.cumsum(series - mean, axis=1), ((0, 0), (1, 0)))
        count = (end - begin).astype(real)
        total = take(before, end) - take(before, begin) + count * mean
        value = jnp.where(numbers.means[:, None] > 0, total / count, take(series, begin))
        value = jnp.where(numbers.sums[:, None] > 0, total, value)
        within = (time >= numbers.start[:, None]) & (time < numbers.stop[:, None])
        return jnp.where(within, value, series), observed


class Hold(AbstractBlocks):
    """The first value of each block of times stands for all of it: sampled and held.

    Attributes:
        size: Times of a block, rounded; at least 2, and at most a quarter of the series.

    Raises:
        ValueError: If `size` may be below 2.

    Example:
        >>> Hold(size=4.0).size.value
        4.0
    """

    size: AbstractDistribution = distribution(LogUniform(2.0, 32.0))

    def __check_init__(self):
        check_draws("Hold", "size", self.size, 2, np.inf, "a block of one time is no block")

    def law(self, draws, summary, length):
        return _draw_blocks(draws, self.size, length)

    def to_numbers(self, laws):
        nothing = jnp.zeros(laws["size"].shape, jnp.float32)
        return _of_blocks(laws, nothing, nothing)


class Aggregate(AbstractBlocks):
    """The sum or the mean of each block of times stands for all of it: reported by the week.

    Attributes:
        size: Times of a block, rounded; at least 2, and at most a quarter of the series.
        sums: Probability of sums rather than means.

    Raises:
        ValueError: If `size` may be below 2, or `sums` is not between 0 and 1.

    Example:
        >>> Aggregate(size=7.0, sums=1.0).sums
        1.0
    """

    size: AbstractDistribution = distribution(LogUniform(2.0, 32.0))
    sums: Number = number(0.5)

    def __check_init__(self):
        check_draws("Aggregate", "size", self.size, 2, np.inf, "a block of one time is no block")
        checks.check_number("Aggregate", "sums", self.sums, 0, 1)

    def law(self, draws, summary, length):
        blocks = _draw_blocks(draws, self.size, length)
        return blocks | {"is_sum": draws.bernoulli("side", self.sums)}

    def to_numbers(self, laws):
        is_sum = laws["is_sum"].astype(jnp.float32)
        return _of_blocks(laws, is_sum, 1 - is_sum)


class DeadSensor(AbstractBlocks):
    """During one stretch of time the series stays at the value it had at its beginning.

    Attributes:
        duration: Of the stretch, as a share of the series.

    Raises:
        ValueError: If `duration` is not between 0 and 0.9.

    Example:
        >>> DeadSensor().duration
        LogUniform(low=0.02, high=0.3)
    """

    duration: AbstractDistribution = distribution(LogUniform(0.02, 0.3))

    def __check_init__(self):
        why = "a part of the series has to be left"
        check_draws("DeadSensor", "duration", self.duration, 0, 0.9, why)

    def law(self, draws, summary, length):
        start, stop = draw_stretch(draws, self.duration, length)
        return {"start": start, "stop": stop}

    def to_numbers(self, laws):
        start, stop = (laws[name].astype(jnp.float32) for name in ("start", "stop"))
        nothing = jnp.zeros_like(start)
        return BlockNumbers(nothing + ALWAYS, -start, nothing, nothing, start, stop)


def _draw_blocks(draws, size: AbstractDistribution, length: int) -> dict[str, Array]:
    """The size of blocks, and how many times of the first one are before the series."""
    largest = max(2, int(length * _LARGEST_SHARE))
    times = jnp.clip(jnp.round(draws.sample("level", size)), 2, largest).astype(jnp.int32)
    return {"size": times, "phase": draws.integers("start", 0, times)}


def _of_blocks(laws, sums: Array, means: Array) -> BlockNumbers:
    size, phase = (laws[name].astype(jnp.float32) for name in ("size", "phase"))
    nothing = jnp.zeros_like(size)
    return BlockNumbers(size, phase, sums, means, nothing, nothing + ALWAYS)

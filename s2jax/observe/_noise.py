"""Noise of instruments: y + (constant + relative |y - reference|) z, at some times."""

from typing import NamedTuple

import jax.numpy as jnp
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
from s2jax.observe._base import ALWAYS, AbstractShared, fill_in, times_of

_LARGEST = 100.0
_WHY = "noise of more than a hundred standard deviations leaves nothing of the series"


class NoiseNumbers(NamedTuple):
    """The numbers of noise.

    Attributes:
        constant, relative, reference: Its size at y is constant + relative |y - reference|.
        tail: h of Tukey's law: z exp(h z**2 / 2), z standard normal.
        least: Where |z| is smaller, there is no noise.
        start, stop: Nor at other times than these.
    """

    constant: Float[Array, " channels"]
    relative: Float[Array, " channels"]
    reference: Float[Array, " channels"]
    tail: Float[Array, " channels"]
    least: Float[Array, " channels"]
    start: Float[Array, " channels"]
    stop: Float[Array, " channels"]


def _numbers(like: Array, **given: Array) -> NoiseNumbers:
    """Numbers of which those not given do nothing."""
    return fill_in(NoiseNumbers, like, given, stop=ALWAYS)


class AbstractNoise(AbstractShared):
    """Noise of any size and tail."""

    def compute(self, numbers, words, series, observed):
        length = series.shape[1]
        time = times_of(length)
        bits = random_rows(words, length, named("observe.series", "points"))
        z = normal_quantile(signed_uniform(bits))
        of = NoiseNumbers(*(number[:, None] for number in numbers))
        happens = (jnp.abs(z) >= of.least) & (time >= of.start) & (time < of.stop)
        z = jnp.where(happens, z * jnp.exp(of.tail * z * z * 0.5), 0)
        real = series.dtype
        size = of.constant.astype(real) + of.relative.astype(real) * jnp.abs(
            series - of.reference.astype(real)
        )
        return series + size * z.astype(real), observed


class AdditiveNoise(AbstractNoise):
    """y + e, e normal and independent.

    Attributes:
        level: Standard deviation of e, in standard deviations of the series.

    Raises:
        ValueError: If `level` may be negative or beyond 100.

    Example:
        >>> AdditiveNoise(level=0.1).level.value
        0.1
    """

    level: AbstractDistribution = distribution(LogUniform(0.01, 0.5))

    def __check_init__(self):
        check_draws(type(self).__name__, "level", self.level, 0, _LARGEST, _WHY)

    def law(self, draws, summary, length):
        return {"deviation": draws.sample("level", self.level) * summary.deviation}

    def to_numbers(self, laws):
        return _numbers(laws["deviation"], constant=laws["deviation"])


class MultiplicativeNoise(AbstractNoise):
    """y (1 + e), e normal and independent.

    Attributes:
        level: Standard deviation of e.

    Raises:
        ValueError: If `level` may be negative or beyond 100.

    Example:
        >>> MultiplicativeNoise().level
        LogUniform(low=0.01, high=0.3)
    """

    level: AbstractDistribution = distribution(LogUniform(0.01, 0.3))

    def __check_init__(self):
        check_draws(type(self).__name__, "level", self.level, 0, _LARGEST, _WHY)

    def law(self, draws, summary, length):
        return {"share": draws.sample("level", self.level)}

    def to_numbers(self, laws):
        return _numbers(laws["share"], relative=laws["share"])


class HeteroscedasticNoise(AbstractNoise):
    """y + |y - m| e, m the mean of the series, e normal and independent: quiet in the middle.

    Attributes:
        level: Standard deviation of e.

    Raises:
        ValueError: If `level` may be negative or beyond 100.

    Example:
        >>> HeteroscedasticNoise().level.high
        0.7
    """

    level: AbstractDistribution = distribution(LogUniform(0.05, 0.7))

    def __check_init__(self):
        check_draws(type(self).__name__, "level", self.level, 0, _LARGEST, _WHY)

    def law(self, draws, summary, length):
        return {"share": draws.sample("level", self.level), "quiet_at": summary.mean}

    def to_numbers(self, laws):
        return _numbers(laws["share"], relative=laws["share"], reference=laws["quiet_at"])


class HeavyTailedNoise(AbstractNoise):
    """y + s z exp(h z**2 / 2), z standard normal and independent: Tukey's h law, tail index 1 / h.

    Attributes:
        level: s, in standard deviations of the series.
        tail: h.

    Raises:
        ValueError: If `level` may be negative or beyond 100, or `tail` not between 0 and 0.5.

    Example:
        >>> HeavyTailedNoise(tail=0.3).tail.value
        0.3

    References:
        Tukey (1977), Modern techniques in data analysis.
    """

    level: AbstractDistribution = distribution(LogUniform(0.01, 0.3))
    tail: AbstractDistribution = distribution(Uniform(0.1, 0.4))

    def __check_init__(self):
        check_draws("HeavyTailedNoise", "level", self.level, 0, _LARGEST, _WHY)
        why = "its variance is infinite beyond"
        check_draws("HeavyTailedNoise", "tail", self.tail, 0, 0.5, why)

    def law(self, draws, summary, length):
        return {
            "scale": draws.sample("level", self.level) * summary.deviation,
            "tail": draws.sample("other", self.tail),
        }

    def to_numbers(self, laws):
        return _numbers(laws["scale"], constant=laws["scale"], tail=laws["tail"])


class Outliers(AbstractNoise):
    """Single values far away: at each time with a probability, on either side.

    Where a standard normal number z is beyond the quantile q of that probability, s z / q is added.

    Attributes:
        rate: The probability.
        size: s, the least outlier, in standard deviations of the series.

    Raises:
        ValueError: If `rate` is not between 1e-6 and 0.5, or `size` may be negative or beyond 100.

    Example:
        >>> Outliers(rate=0.01).rate.value
        0.01
    """

    rate: AbstractDistribution = distribution(LogUniform(0.002, 0.03))
    size: AbstractDistribution = distribution(LogUniform(2.0, 8.0))

    def __check_init__(self):
        why = "values of which half are far away are no outliers, and at 0 there are none"
        check_draws("Outliers", "rate", self.rate, 1e-6, 0.5, why)
        check_draws("Outliers", "size", self.size, 0, _LARGEST, _WHY)

    def law(self, draws, summary, length):
        return {
            "rate": draws.sample("level", self.rate),
            "size": draws.sample("other", self.size) * summary.deviation,
        }

    def to_numbers(self, laws):
        least = normal_quantile(1 - laws["rate"])
        return _numbers(least, constant=laws["size"] / least, least=least)


class Burst(AbstractNoise):
    """y + e during one stretch of time, e normal and independent.

    Attributes:
        level: Standard deviation of e, in standard deviations of the series.
        duration: Of the stretch, as a share of the series.

    Raises:
        ValueError: If `level` may be negative or beyond 100, or `duration` not between 0 and 1.

    Example:
        >>> Burst(duration=0.1).level
        LogUniform(low=0.3, high=3.0)
    """

    level: AbstractDistribution = distribution(LogUniform(0.3, 3.0))
    duration: AbstractDistribution = distribution(LogUniform(0.02, 0.3))

    def __check_init__(self):
        check_draws("Burst", "level", self.level, 0, _LARGEST, _WHY)
        check_draws("Burst", "duration", self.duration, 0, 1, "it is a share of the series")

    def law(self, draws, summary, length):
        start, stop = draw_stretch(draws, self.duration, length)
        deviation = draws.sample("level", self.level) * summary.deviation
        return {"deviation": deviation, "start": start, "stop": stop}

    def to_numbers(self, laws):
        to_real = lambda name: laws[name].astype(jnp.float32)
        return _numbers(
            laws["deviation"], constant=laws["deviation"], start=to_real("start"),
            stop=to_real("stop"),
        )  # fmt: skip


def draw_stretch(draws, duration: AbstractDistribution, length: int) -> tuple[Array, Array]:
    """First time of a stretch, and the first one after it: at least one of them is within."""
    size = jnp.clip(draws.sample("other", duration) * length, 1, length).astype(jnp.int32)
    start = draws.integers("start", 0, length - size + 1)
    return start, start + size

"""What instruments make of a value: drifts, bends, limits and steps, at each time alone."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core.fastmath import power, sin_and_cos_of_turn
from s2jax.distributions import (
    AbstractDistribution,
    Choices,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.observe._base import AbstractShared, fill_in, is_at_start, times_of

_INFINITE = np.float32(np.inf)


class MapNumbers(NamedTuple):
    """The numbers of a map; it bends, drifts, closes, clips and rounds, in this order.

    Attributes:
        floor, height: The range within which `exponent` bends.
        exponent: Of the share of the range.
        gain, offset: What `course` is multiplied by for the drift of either.
        slope, wave, cycles, phase: The course: slope s + wave sin(2 pi (cycles s + phase)), s from
            0 to 1.
        period, first, closed: Of each period, from time -first on, so many times are closed.
        opening: The share of the distance from `floor` that is left while closed.
        low, high: Limits.
        step: Of rounding; 0 for none.
    """

    floor: Float[Array, " channels"]
    height: Float[Array, " channels"]
    exponent: Float[Array, " channels"]
    gain: Float[Array, " channels"]
    offset: Float[Array, " channels"]
    slope: Float[Array, " channels"]
    wave: Float[Array, " channels"]
    cycles: Float[Array, " channels"]
    phase: Float[Array, " channels"]
    period: Float[Array, " channels"]
    first: Float[Array, " channels"]
    closed: Float[Array, " channels"]
    opening: Float[Array, " channels"]
    low: Float[Array, " channels"]
    high: Float[Array, " channels"]
    step: Float[Array, " channels"]


def _numbers(like: Array, **given: Array) -> MapNumbers:
    """Numbers of which those not given do nothing."""
    ones = {"exponent": 1, "period": 1, "opening": 1}
    return fill_in(MapNumbers, like, given, **ones, low=-_INFINITE, high=_INFINITE)


class AbstractMap(AbstractShared):
    """A map of each value at its time."""

    def compute(self, numbers, words, series, observed):
        length, real = series.shape[1], series.dtype
        time = times_of(length)
        of = MapNumbers(*(number[:, None].astype(real) for number in numbers))
        size = jnp.where(of.height > 0, of.height, 1)
        share = jnp.clip((series - of.floor) / size, 0, 1)
        bent = of.floor + of.height * power(share, of.exponent).astype(real)
        value = jnp.where(of.height > 0, bent, series)
        part = (time / max(length - 1, 1)).astype(real)
        turns = of.cycles * part + of.phase
        angle = (2 * np.pi * (turns - jnp.floor(turns))).astype(jnp.float32)
        sine = sin_and_cos_of_turn(angle)[0].astype(real)
        course = of.slope * part + of.wave * sine
        value = value * (1 + of.gain * course) + of.offset * course
        is_closed = is_at_start(time, numbers.period, numbers.first, numbers.closed)
        value = jnp.where(is_closed, of.floor + (value - of.floor) * of.opening, value)
        value = jnp.clip(value, of.low, of.high)
        step = jnp.where(of.step > 0, of.step, 1)
        return jnp.where(of.step > 0, jnp.round(value / step) * step, value), observed


def _draw_course(draws) -> dict[str, Array]:
    """The numbers of a slow course: of its slope and of its wave."""
    return {
        "slope": draws.uniform("slope", -1.0, 1.0),
        "wave": draws.uniform("wave", 0.0, 1.0),
        "cycles": draws.uniform("cycles", 0.3, 3.0),
        "phase": draws.uniform("phase"),
    }


def _course(laws: dict[str, Array]) -> dict[str, Array]:
    return {name: laws[name] for name in ("slope", "wave", "cycles", "phase")}


class GainDrift(AbstractMap):
    """y (1 + a d), d a slow course: a slope and a wave of 0.3 to 3 cycles, each of -1 to 1.

    Attributes:
        amount: a.

    Raises:
        ValueError: If `amount` is not between 0 and 10.

    Example:
        >>> GainDrift().amount
        LogUniform(low=0.05, high=0.8)
    """

    amount: AbstractDistribution = distribution(LogUniform(0.05, 0.8))

    def __check_init__(self):
        check_draws("GainDrift", "amount", self.amount, 0, 10, "little else would be left")

    def law(self, draws, summary, length):
        return {"amount": draws.sample("level", self.amount), **_draw_course(draws)}

    def to_numbers(self, laws):
        return _numbers(laws["amount"], gain=laws["amount"], **_course(laws))


class OffsetDrift(AbstractMap):
    """y + a d, d a slow course as that of `GainDrift`.

    Attributes:
        amount: a, in standard deviations of the series.

    Raises:
        ValueError: If `amount` is not between 0 and 100.

    Example:
        >>> OffsetDrift(amount=1.0).amount.value
        1.0
    """

    amount: AbstractDistribution = distribution(LogUniform(0.1, 2.0))

    def __check_init__(self):
        check_draws("OffsetDrift", "amount", self.amount, 0, 100, "nothing else would be left")

    def law(self, draws, summary, length):
        amount = draws.sample("level", self.amount) * summary.deviation
        return {"amount": amount, **_draw_course(draws)}

    def to_numbers(self, laws):
        return _numbers(laws["amount"], offset=laws["amount"], **_course(laws))


class GammaWarp(AbstractMap):
    """low + (high - low) s**g, s the share of the way of y from its least to its largest value.

    Attributes:
        exponent: g.

    Raises:
        ValueError: If `exponent` is not between 0.05 and 20.

    Example:
        >>> GammaWarp(exponent=2.0).exponent.value
        2.0
    """

    exponent: AbstractDistribution = distribution(LogUniform(0.4, 2.5))

    def __check_init__(self):
        why = "all values but few would be one"
        check_draws("GammaWarp", "exponent", self.exponent, 0.05, 20, why)

    def law(self, draws, summary, length):
        exponent = draws.sample("level", self.exponent)
        return {"exponent": exponent, "low": summary.low, "high": summary.high}

    def to_numbers(self, laws):
        height = laws["high"] - laws["low"]
        return _numbers(height, exponent=laws["exponent"], floor=laws["low"], height=height)


class Calendar(AbstractMap):
    """Of each period some times in a row are closed: there the series falls towards its least.

    As a shop is closed on Sundays, or a road empty at night.

    Attributes:
        period: In times.
        closed: Share of the period.
        opening: What is left of the distance from the least value.

    Raises:
        ValueError: If `period` is not between 2 and 1e6, `closed` not between 0 and 0.9, or
            `opening` not between 0 and 1.

    Example:
        >>> Calendar(period=7.0, closed=2 / 7).period.value
        7.0
    """

    period: AbstractDistribution = distribution(Choices((7.0, 5.0, 12.0, 24.0, 30.0, 48.0, 96.0)))
    closed: AbstractDistribution = distribution(Uniform(0.1, 0.4))
    opening: AbstractDistribution = distribution(Uniform(0.0, 0.7))

    def __check_init__(self):
        check_draws("Calendar", "period", self.period, 2, 1e6, "one time is open, one closed")
        check_draws("Calendar", "closed", self.closed, 0, 0.9, "a part of a period stays open")
        check_draws("Calendar", "opening", self.opening, 0, 1, "it is a share")

    def law(self, draws, summary, length):
        period = jnp.round(draws.sample("level", self.period))
        closed = jnp.clip(jnp.round(draws.sample("other", self.closed) * period), 1, period - 1)
        return {
            "period": period.astype(jnp.int32),
            "closed": closed.astype(jnp.int32),
            "first": draws.integers("start", 0, period.astype(jnp.int32)),
            "opening": draws.sample("third", self.opening),
            "low": summary.low,
        }

    def to_numbers(self, laws):
        period, closed, first = (
            laws[name].astype(jnp.float32) for name in ("period", "closed", "first")
        )
        return _numbers(
            period, period=period, closed=closed, first=first, opening=laws["opening"],
            floor=laws["low"],
        )  # fmt: skip


class Clip(AbstractMap):
    """The range of an instrument: values beyond two limits are those limits.

    Attributes:
        limit: Distance of each limit from the mean, in standard deviations, drawn for each.

    Raises:
        ValueError: If `limit` may be below 0.1.

    Example:
        >>> Clip().limit
        Uniform(low=0.5, high=2.0)
    """

    limit: AbstractDistribution = distribution(Uniform(0.5, 2.0))

    def __check_init__(self):
        why = "all values would be at a limit"
        check_draws("Clip", "limit", self.limit, 0.1, np.inf, why)

    def law(self, draws, summary, length):
        low, high = draws.sample("level", self.limit), draws.sample("other", self.limit)
        return {
            "low": summary.mean - low * summary.deviation,
            "high": summary.mean + high * summary.deviation,
        }

    def to_numbers(self, laws):
        return _numbers(laws["low"], low=laws["low"], high=laws["high"])


class Censor(AbstractMap):
    """A limit of detection, or a capacity: values beyond it on one side are the limit.

    Attributes:
        limit: Distance from the mean towards that side, in standard deviations; may be negative.

    Raises:
        ValueError: If `limit` may be below -1.

    Example:
        >>> Censor(limit=0.0).limit.value
        0.0
    """

    limit: AbstractDistribution = distribution(Uniform(-0.5, 1.5))

    def __check_init__(self):
        why = "all values of some series would be at the limit"
        check_draws("Censor", "limit", self.limit, -1, np.inf, why)

    def law(self, draws, summary, length):
        sign = jnp.where(draws.bernoulli("side"), 1.0, -1.0).astype(jnp.float32)
        limit = summary.mean + sign * draws.sample("level", self.limit) * summary.deviation
        return {"limit": limit, "is_upper": sign > 0}

    def to_numbers(self, laws):
        limit, is_upper = laws["limit"], laws["is_upper"]
        low = jnp.where(is_upper, -_INFINITE, limit)
        return _numbers(limit, low=low, high=jnp.where(is_upper, limit, _INFINITE))


class Round(AbstractMap):
    """The nearest multiple of a step, as of few digits or few bits; halves to even multiples.

    Attributes:
        step: In standard deviations of the series.

    Raises:
        ValueError: If `step` is not between 0 and 4.

    Example:
        >>> Round(step=0.5).step.value
        0.5
    """

    step: AbstractDistribution = distribution(LogUniform(0.03, 1.0))

    def __check_init__(self):
        why = "all values of most series would be one"
        check_draws("Round", "step", self.step, 0, 4, why)

    def law(self, draws, summary, length):
        return {"step": draws.sample("level", self.step) * summary.deviation}

    def to_numbers(self, laws):
        return _numbers(laws["step"], step=laws["step"])

"""Calendars in integers: what a time step's minute, hour, weekday, day and month are.

Days are counted from 1970-01-01, of the Gregorian calendar in all years, and all is traced.
"""

import datetime
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

FREQUENCIES = ("minutes", "hours", "days", "weeks", "months")
MINUTES, HOURS, DAYS, WEEKS, MONTHS = range(5)
KINDS = ("minute of the hour", "hour of the day", "day of the week", "day of the month", "month")
MINUTE, HOUR, WEEKDAY, MONTH_DAY, MONTH = range(5)

DAYS_PER_STEP = (1 / 1440, 1 / 24, 1.0, 7.0, 30.0)
"""By frequency; months are of 28 to 31 days, and this is what they are called."""

SEASONS = (
    (MINUTE, HOUR),
    (MINUTE, HOUR),
    (WEEKDAY, MONTH_DAY),
    (MONTH_DAY, MONTH),
    (WEEKDAY, MONTH),
)
"""By frequency, the two kinds of season that its series have."""

NUM_VALUES = 60
"""Values of all kinds are below."""

_EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST, LAST = 1 - _EPOCH, datetime.date(9999, 12, 31).toordinal() - _EPOCH
_CENTURIES = 4 * 1000  # whole cycles, so that days before March of year 0 are positive, too
_CYCLE = 146_097  # days of 400 years
_SHIFT = 719_468 + _CYCLE * (_CENTURIES // 4)  # from that March to 1970


class Steps(NamedTuple):
    """Where time steps are in the calendar.

    Attributes:
        elapsed: Days since the first step.
        values: Of the first and of the second kind of season of the frequency.
    """

    elapsed: Float[Array, "time ..."]
    values: tuple[Int[Array, "time ..."], Int[Array, "time ..."]]


def as_day(value: Any) -> Any:
    """A day's number; text such as "1885-01-01" is read, all else left as it is."""
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value).toordinal() - _EPOCH
        except ValueError:
            return value
    return value


def month_and_day(
    day: Int[Array, "*shape"],
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"], Int[Array, "*shape"]]:
    """Year, month (1 to 12) and day of the month of days.

    Neri and Schneider (2023), Euclidean affine functions and their application to calendar
    algorithms: years begin in March, so that the day that is not always there is the last.
    """
    quarters = 4 * _positive(day) + np.uint32(3)
    century = quarters // np.uint32(_CYCLE)
    of_century = quarters % np.uint32(_CYCLE) | np.uint32(3)
    year = of_century // np.uint32(1461)
    of_year = of_century % np.uint32(1461) // np.uint32(4)
    months = np.uint32(2141) * of_year + np.uint32(197_913)
    month, of_month = months >> np.uint32(16), (months & np.uint32(0xFFFF)) // np.uint32(2141)
    is_next = of_year >= 306  # January and February
    month = jnp.where(is_next, month - np.uint32(12), month).astype(jnp.int32)
    year = (100 * century + year).astype(jnp.int32) - 100 * _CENTURIES
    return year + is_next.astype(jnp.int32), month, of_month.astype(jnp.int32) + 1


def first_of_month(months: Int[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The first day of months, which are counted from January of year 0."""
    shifted = (months - 2 + 1200 * _CENTURIES).astype(jnp.uint32)
    year, month = shifted // np.uint32(12), shifted % np.uint32(12)
    century = year // np.uint32(100)
    days = 365 * year + year // np.uint32(4) - century + century // np.uint32(4)
    days = days + ((979 * month + np.uint32(15)) >> np.uint32(5))
    return (days - np.uint32(_SHIFT)).astype(jnp.int32)


def weekday(day: Int[Array, "*shape"]) -> Int[Array, "*shape"]:
    """Monday is 0."""
    return ((_positive(day) + np.uint32(2)) % np.uint32(7)).astype(jnp.int32)


def roll_back(day: Int[Array, "*shape"], frequency: Int[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The day that a series can begin at: weeks on Sunday, months on the first."""
    sunday = day - (weekday(day) + 1) % 7
    first = day - month_and_day(day)[2] + 1
    return jnp.where(frequency == WEEKS, sunday, jnp.where(frequency == MONTHS, first, day))


def steps_of(start: Int[Array, "*shape"], frequency: Int[Array, "*shape"], length: int) -> Steps:
    """Where the first time steps are in the calendar; hours and minutes begin at midnight."""
    time = jnp.arange(length, dtype=jnp.int32).reshape(length, *(1,) * start.ndim)
    is_one = [frequency == number for number in range(len(FREQUENCIES))]
    below_day = is_one[MINUTES] | is_one[HOURS]
    year, month, _ = month_and_day(start)
    months = 12 * year + month - 1 + time
    day = jnp.where(
        is_one[MONTHS], first_of_month(months), start + time * jnp.where(is_one[WEEKS], 7, 1)
    )
    _, month, month_day = month_and_day(day)
    month = jnp.where(is_one[MONTHS], months % 12 + 1, month)
    week_day = weekday(day)
    minute, hour = time % 60, jnp.where(is_one[MINUTES], time // 60, time) % 24
    first = jnp.where(is_one[WEEKS], month_day, week_day)
    first = jnp.where(below_day, jnp.where(is_one[MINUTES], minute, 0), first)
    second = jnp.where(below_day, hour, jnp.where(is_one[DAYS], month_day, month))
    per_day = jnp.where(is_one[MINUTES], np.float32(1440), np.float32(24))
    elapsed = jnp.where(
        below_day, time.astype(jnp.float32) / per_day, (day - start).astype(jnp.float32)
    )
    return Steps(elapsed, (first, second))


def _positive(day: Int[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """Days since a March that is before them all."""
    return (day + _SHIFT).astype(jnp.uint32)

"""Trends and seasons by the calendar, with noise: ForecastPFN's law."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import random_bits, store, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number, Whole, number
from s2jax.distributions import check_list, check_weights, floats, stack
from s2jax.inputs import _calendar as calendar
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._laws import map_channels, store_laws

_PERIODS = (60.0, 24.0, 7.0, 30.5, 12.0)
_HARMONICS = (10, 10, 4, 10, 6)
_MOST = max(_HARMONICS)
_STRENGTHS = ((1.0, 0.2), (0.2, 1.0), (1.0, 0.2), (0.3, 0.3), (0.1, 0.5))
"""By frequency, what the strength of either season is below."""
_TIERS = ((0.6, 0.0, 0.1), (0.3, 0.2, 0.4), (0.1, 0.6, 0.8))
"""Share, least and largest scale of the noise."""
_STEEPEST = np.float32(20.0)


class TrendSeasonLaw(eqx.Module):
    """One or two series of trend times seasons, which are blended, and the noise on them.

    With d days since the first step, of D in all, part p is

        (1 + slope (d - slope_shift D)) exp(growth (d - growth_shift D))
            * (1 + strengths[0] wave_0) (1 + strengths[1] wave_1)

    and wave_s = sum_h sines[s, h-1] sin(2 pi h v / P) + cosines[s, h-1] cos(2 pi h v / P), where v
    and its period P are those of the season's kind: minute of the hour (0 to 59, 60), hour of the
    day (0 to 23, 24), day of the week (Monday is 0, 7), day of the month (from 1, 30.5), month
    (from 1, 12).

    Attributes:
        frequency: 0 minutes, 1 hours, 2 days, 3 weeks, 4 months from step to step.
        start_day: Day of the first step, at midnight, in days since 1970-01-01.
        slope: Linear growth per day.
        slope_shift: What share of the span the linear trend is moved by.
        growth: Exponential growth per day, in its logarithm.
        growth_shift: What share of the span the exponential trend is moved by.
        season: Kind of either season, in the order above; those of frequency are fixed.
        strengths: How strong either season is.
        sines, cosines: Of its harmonics; their squares sum to 1.
        noise_scale: How strong the noise is; the deviation is about this over `noise_shape`.
        noise_shape: Shape k of Weibull's law.
    """

    frequency: Int[Array, "*channels calendars"]
    start_day: Int[Array, "*channels calendars"]
    slope: Float[Array, "*channels parts"]
    slope_shift: Float[Array, "*channels parts"]
    growth: Float[Array, "*channels parts"]
    growth_shift: Float[Array, "*channels parts"]
    season: Int[Array, "*channels calendars 2"]
    strengths: Float[Array, "*channels parts 2"]
    sines: Float[Array, "*channels parts 2 harmonics"]
    cosines: Float[Array, "*channels parts 2 harmonics"]
    noise_scale: Float[Array, "*channels"]
    noise_shape: Float[Array, "*channels"]

    def clean(self, length: int, whole_days: bool = False) -> Float[Array, "*channels time"]:
        """The series without its noise; in a row of a batch, `x_scale * clean + x_shift` fits x.

        Args:
            length: Time steps. Static.
            whole_days: As in the family. Static.
        """
        make = lambda laws: laws.clean_by_time(length, whole_days)
        return map_channels(make, self, self.noise_shape.shape)

    def clean_by_time(self, length: int, whole_days: bool = False) -> Float[Array, "time channels"]:
        """As `clean`, of one axis of channels."""
        law = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), self)
        steps = calendar.steps_of(law.start_day, law.frequency, length)
        # tables, positions and what is found are stored in between: XLA would compute all harmonics
        # again for every step, and everything else one number at a time, as it looks up
        tables = store(*(law._factors(slot) for slot in (0, 1)))
        values = store(*steps.values)
        factors = store(*(_look_up(*both) for both in zip(tables, values, strict=True)))
        parts = law._trends(steps.elapsed, whole_days) * factors[0] * factors[1]
        if parts.shape[1] == 1:
            return parts[:, 0]
        share = _shares(length)[:, None]
        return (1 - share) * parts[:, 0] + share * parts[:, 1]

    def noise_by_time(self, bits: UInt32[Array, "time channels"]) -> Float[Array, "time channels"]:
        """What random bits multiply the series by: Weibull's law about its mean, 1 on average."""
        power = 1 / self.noise_shape
        mean = jnp.exp(jax.lax.lgamma(1 + power))
        # of median 1, as ForecastPFN has it
        size = self.noise_scale * jnp.exp(-power * np.float32(np.log(np.log(2))))
        exponential = -jnp.log1p(-uniform(bits))
        return 1 + size * (jnp.exp(power * jnp.log(exponential)) - mean)

    # what follows has the axis of channels last, and that of time or values first

    def _trends(self, elapsed, whole_days: bool) -> Float[Array, "time parts channels"]:
        days = jnp.floor(elapsed) if whole_days else elapsed
        span = days[-1]
        line = 1 + self.slope * (days - self.slope_shift * span)
        return line * jnp.exp(self.growth * (days - self.growth_shift * span))

    def _factors(self, slot: int) -> Float[Array, "values parts channels"]:
        """The factor of a season by the value of its kind: harmonics by Clenshaw's recurrence."""
        angles = 2 * np.pi * np.arange(calendar.NUM_VALUES)[:, None] / np.array(_PERIODS)
        kind = self.season[:, slot]
        cosine, sine = (
            jnp.asarray(table.astype(np.float32))[:, kind]
            for table in (np.cos(angles), np.sin(angles))
        )
        waves = []
        for coefficients in (self.sines[:, slot], self.cosines[:, slot]):
            last = before = jnp.zeros((), jnp.float32)
            for harmonic in range(_MOST, 0, -1):
                next_one = coefficients[:, harmonic - 1] + 2 * cosine * last - before
                last, before = next_one, last
            waves.append((last, before))
        (odd, _), (even, before) = waves
        return 1 + self.strengths[:, slot] * (sine * odd + cosine * even - before)


class TrendSeason(AbstractBatchedSeries):
    """Trend times seasons by the calendar times noise, as in ForecastPFN.

    A frequency and a start are drawn, and two series of linear and exponential trend with two
    seasons each (`TrendSeasonLaw` has the formula), which are blended from the first into the
    second. It is multiplied by z = 1 + m (w - E w), w of Weibull's law of shape k ~ U(1, 5) and
    median 1; m is in (0, 0.1), (0.2, 0.4) or (0.6, 0.8) with probability 0.6, 0.3 or 0.1. So the
    series without noise is the mean of the one with noise, and known: `law.clean(length)`.

    Given the parameters its values are independent, so the law of the future is tractable.

    Attributes:
        frequencies: Weights of minutes, hours, days, weeks and months from step to step.
        slope: Deviation of the linear growth per day.
        growth: Deviation of the exponential growth per step. What is drawn is at most so much that
            the trend stays between exp(-20) and exp(20), in a longer series less: more is one step
            that dwarfs the others, and overflows.
        noise: Multiplies m; 0 is no noise.
        first_day, last_day: Between which days a series starts, as "1885-01-01" or in days since
            1970-01-01; near the first ones most often.
        transition: Whether two series are blended, or one is all. Static.
        shared_calendar: Whether both have one frequency and one start. Static.
        whole_days: Whether trends grow from day to day only. Static.

    Raises:
        TypeError, ValueError: If a field is of the wrong kind or out of range.

    Example:
        >>> import jax
        >>> daily = TrendSeason(frequencies=(0, 0, 1, 0, 0), noise=0)
        >>> drawn = daily.sample(jax.random.key(0), n=3, length=40)
        >>> drawn.law.frequency.tolist(), bool(abs(drawn.law.clean(40) - drawn.series).max() < 1e-5)
        ([[2], [2], [2]], True)

    References:
        Dooley et al. (2023), ForecastPFN: Synthetically-Trained Zero-Shot Forecasting, section 3.
    """

    frequencies: tuple[Number, ...] | Float[Array, " kinds"] = eqx.field(
        converter=floats, default=(1.0,) * len(calendar.FREQUENCIES)
    )
    slope: Number = number(0.01)
    growth: Number = number(0.001)
    noise: Number = number(1.0)
    first_day: Whole = eqx.field(converter=calendar.as_day, default="1885-01-01")
    last_day: Whole = eqx.field(converter=calendar.as_day, default="2025-01-01")
    transition: bool = eqx.field(static=True, default=True)
    shared_calendar: bool = eqx.field(static=True, default=True)
    whole_days: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        name = "TrendSeason"
        check_list(name, "frequencies", self.frequencies)
        if len(self.frequencies) != len(calendar.FREQUENCIES):
            raise ValueError(
                f"{name}(frequencies={checks.shown(self.frequencies)}): must be 5 weights, of "
                f"{', '.join(calendar.FREQUENCIES)}. Give 0 to those that are not to be drawn."
            )
        check_weights(name, "frequencies", 5, self.frequencies, name="frequencies")
        checks.check_number(name, "slope", self.slope, 0, 1e3)
        checks.check_number(name, "growth", self.growth, 0, 1)
        checks.check_number(name, "noise", self.noise, 0, 1e3)
        for field in ("first_day", "last_day"):
            day = getattr(self, field)
            if isinstance(day, str):
                raise ValueError(
                    f"{name}({field}={checks.shown(day)}): must be a day, as '1885-01-01', or a "
                    "number of days since 1970-01-01."
                )
            checks.check_number(name, field, day, calendar.FIRST, calendar.LAST, integer=True)
        known = checks.is_concrete(self.first_day) and checks.is_concrete(self.last_day)
        if known and self.last_day < self.first_day:
            raise ValueError(
                f"{name}(first_day={self.first_day}, last_day={self.last_day}): last_day must not "
                "be before first_day, because series start between them. Swap them."
            )
        for field in ("transition", "shared_calendar", "whole_days"):
            checks.check_flag(name, field, getattr(self, field))

    def law(self, draws: Draws, length: int) -> TrendSeasonLaw:
        parts = 2 if self.transition else 1
        calendars = 1 if self.shared_calendar else parts
        frequency = draws.categorical("frequency", stack(self.frequencies), (calendars,))
        per_step = jnp.asarray(calendar.DAYS_PER_STEP, jnp.float32)[frequency]
        growth, shift, slope, slope_shift = draws.normal("trend", (4, parts))
        # a share of the span of months is larger than one of days, and below a day none at all
        shift = np.float32(0.5) * shift / jnp.maximum(per_step, 1) - np.float32(0.1)
        steepest = _STEEPEST / (length * jnp.maximum(jnp.abs(shift), jnp.abs(1 - shift)))
        growth = jnp.clip(self.growth * growth, -steepest, steepest)
        coefficients = _draw_coefficients(draws, jnp.asarray(calendar.SEASONS)[frequency], parts)
        bounds = jnp.asarray(_STRENGTHS, jnp.float32)[frequency]
        tier = draws.categorical("noise tier", jnp.asarray([share for share, _, _ in _TIERS]))
        low, high = jnp.asarray([tier[1:] for tier in _TIERS], jnp.float32)[tier]
        return TrendSeasonLaw(
            frequency=frequency,
            start_day=self._draw_start(draws, frequency),
            slope=self.slope * slope,
            slope_shift=np.float32(0.5) * slope_shift - np.float32(0.1),
            growth=growth / per_step,
            growth_shift=shift,
            season=jnp.asarray(calendar.SEASONS, jnp.int32)[frequency],
            strengths=bounds * draws.uniform("strengths", shape=(parts, 2)),
            sines=coefficients[0],
            cosines=coefficients[1],
            noise_scale=self.noise * draws.uniform("noise scale", low, high),
            noise_shape=draws.uniform("noise shape", 1.0, 5.0),
        )

    def _draw_start(self, draws: Draws, frequency) -> Int[Array, " calendars"]:
        """The days from last_day back are Beta(5, 1) of all there are."""
        first, last = (
            jnp.asarray(day).astype(jnp.int32) for day in (self.first_day, self.last_day)
        )
        largest_of_five = draws.uniform("start", shape=frequency.shape) ** np.float32(0.2)
        back = ((last - first).astype(jnp.float32) * largest_of_five).astype(jnp.int32)
        return calendar.roll_back(last - back, frequency)

    def draw_series(
        self, laws: TrendSeasonLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        laws = store_laws(laws)
        noise = laws.noise_by_time(random_bits(words, length, named("series", "noise")))
        return laws.clean_by_time(length, self.whole_days) * noise


def _draw_coefficients(draws: Draws, season, parts: int) -> Float[Array, "2 parts 2 harmonics"]:
    """Normals of deviation 1 / harmonic, as many as a kind has, scaled to 1 in their squares."""
    harmonics = jnp.arange(1, _MOST + 1)
    used = harmonics <= jnp.asarray(_HARMONICS)[season][..., None]
    normals = draws.normal("harmonics", (2, parts, 2, _MOST)) / harmonics.astype(jnp.float32)
    normals = jnp.where(used, normals, 0)
    return normals / jnp.sqrt((normals * normals).sum((0, -1), keepdims=True))


def _look_up(table: Float[Array, "values parts channels"], values) -> Float[Array, "..."]:
    """Entries of each part's own table."""
    _, parts, channels = table.shape
    own = jnp.arange(parts * channels, dtype=jnp.int32).reshape(parts, channels)
    return table.reshape(-1).at[own + parts * channels * values].get(mode="promise_in_bounds")


def _shares(length: int) -> np.ndarray:
    """Share of the second series: logistic, 0.1 at a fifth of the series and 0.9 at four fifths."""
    steepness = np.log(9) / (0.3 * length)
    time = np.arange(1, length + 1) - 0.5 * length
    return (1 / (1 + np.exp(-steepness * time))).astype(np.float32)

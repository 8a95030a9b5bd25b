"""Structural time series: a level, a slope, a season and noise, all of which move."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import uniform
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, Uniform, check_draws
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._noise import (
    LARGEST_SIZE,
    check_degrees,
    check_size,
    sample_degrees,
    sample_innovations,
    sample_normals,
)
from s2jax.inputs._recursions import add_seasons

_NUM_WORDS = 14


class StateSpaceLaw(eqx.Module):
    """y_t = level_t + season_t + e_t, in deviations of e; `StateSpace` has the equations.

    Attributes:
        has_slope, has_season: Which components there are.
        level_noise: Deviation of what is added to the level in a step; 0 if it moves by its slope
            alone. With `form="smoothing"`, alpha.
        slope_noise: The same for the slope; beta.
        seasonal_noise: The same for the season; gamma.
        damping: What a step leaves of the slope; 1 if it is not damped, and if there is none.
        slope: Its first value.
        season: In steps.
        pattern: Deviation of the first season, or of its harmonics.
        degrees_of_freedom: Of Student's law of e; infinite if it is normal.
    """

    has_slope: Bool[Array, "*channels"]
    has_season: Bool[Array, "*channels"]
    level_noise: Float[Array, "*channels"]
    slope_noise: Float[Array, "*channels"]
    seasonal_noise: Float[Array, "*channels"]
    damping: Float[Array, "*channels"]
    slope: Float[Array, "*channels"]
    season: Int[Array, "*channels"]
    pattern: Float[Array, "*channels"]
    degrees_of_freedom: Float[Array, "*channels"]


class StateSpace(AbstractBatchedSeries):
    """Local level, local linear or damped trend, and stochastic season, switched on row by row.

    With `form="structural"` noises are independent, e_t of variance 1 (Harvey's models):

        y_t = l_t + g_t + e_t
        l_{t+1} = l_t + b_t + level_noise n_t
        b_{t+1} = damping b_t + slope_noise z_t

    and the season g is of dummies, g_t + ... + g_{t-s+1} = seasonal_noise w_t, or of `harmonics`
    frequencies, of which number k turns by 2 pi k / s in a step and gets independent noise in both
    its parts.

    With `form="smoothing"` e_t drives all, as in exponential smoothing (the ETS models of additive
    parts; the trigonometric season is that of TBATS, with gamma in the first part):

        y_t = l_{t-1} + damping b_{t-1} + g_{t-s} + e_t
        l_t = l_{t-1} + damping b_{t-1} + level_noise e_t
        b_t = damping b_{t-1} + slope_noise e_t
        g_t = g_{t-s} + seasonal_noise e_t

    Series start at level 0, with a drawn slope and season. Given the parameters, the law of the
    future given the past is tractable where e is normal: the Kalman filter, which in the smoothing
    form is exponential smoothing itself.

    Attributes:
        form: `"structural"` or `"smoothing"`. Static.
        seasonal_form: `"dummy"` or `"trigonometric"`. Static.
        harmonics: Largest number of frequencies; those beyond half a turn per step are left out.
            Static.
        level_probability: Probability that the level has noise of its own.
        slope_probability: Probability of a slope.
        damping_probability: Probability that a slope is damped.
        season_probability: Probability of a season.
        level_noise, slope_noise, seasonal_noise: In deviations of e; >= 0, and with
            `form="smoothing"` <= 1.
        damping: Of a damped slope; >= 0 and <= 1.
        slope: First slope, in deviations of e per step.
        season: s in steps; rounded, and at most half of the length. >= 2 and <= `max_season`.
        max_season: Longest season there is room for. Static.
        pattern: Deviation of the first season, in deviations of e; >= 0. Harmonic k starts with
            pattern / k.
        normal_probability: Probability that e is normal.
        degrees_of_freedom: Of Student's law of the other series; >= 2.1.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> StateSpace(form="smoothing").seasonal_form
        'dummy'

    References:
        Harvey (1989), Forecasting, structural time series models and the Kalman filter, ch. 2.
        Hyndman, Koehler, Ord and Snyder (2008), Forecasting with exponential smoothing, ch. 2.
        De Livera, Hyndman and Snyder (2011), Forecasting time series with complex seasonal patterns
        using exponential smoothing.
    """

    form: Literal["structural", "smoothing"] = eqx.field(static=True, default="structural")
    seasonal_form: Literal["dummy", "trigonometric"] = eqx.field(static=True, default="dummy")
    harmonics: int = eqx.field(static=True, default=3)
    level_probability: Number = number(0.8)
    slope_probability: Number = number(0.5)
    damping_probability: Number = number(0.5)
    season_probability: Number = number(0.7)
    level_noise: AbstractDistribution = LogUniform(0.05, 1.0)
    slope_noise: AbstractDistribution = LogUniform(0.001, 0.1)
    seasonal_noise: AbstractDistribution = LogUniform(0.003, 0.3)
    damping: AbstractDistribution = Uniform(0.8, 0.99)
    slope: AbstractDistribution = Normal(0.0, 0.1)
    season: AbstractDistribution = LogUniform(4.0, 64.0)
    max_season: int = eqx.field(static=True, default=64)
    pattern: AbstractDistribution = LogUniform(1.5, 15.0)
    normal_probability: Number = number(0.5)
    degrees_of_freedom: AbstractDistribution = LogUniform(3.0, 30.0)

    def __check_init__(self):
        kinds = {"form": ("structural", "smoothing"), "seasonal_form": ("dummy", "trigonometric")}
        for name, allowed in kinds.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"StateSpace({name}={value!r}): {checks.unknown(value, allowed)}")
        checks.check_static_integer("StateSpace", "harmonics", self.harmonics, 1, 32)
        checks.check_static_integer("StateSpace", "max_season", self.max_season, 2, 2**15)
        for name in ("level", "slope", "damping", "season"):
            name = f"{name}_probability"
            checks.check_number("StateSpace", name, getattr(self, name), 0, 1)
        largest, reason = LARGEST_SIZE, "larger deviations overflow"
        if self.form == "smoothing":
            largest, reason = 1, "it is a smoothing parameter"
        for name in ("level_noise", "slope_noise", "seasonal_noise"):
            check_draws("StateSpace", name, getattr(self, name), 0, largest, reason)
        grows = "the slope would grow without bound"
        check_draws("StateSpace", "damping", self.damping, 0, 1, grows)
        check_size("StateSpace", "slope", self.slope)
        room = "max_season is the longest season there is room for"
        check_draws("StateSpace", "season", self.season, 2, self.max_season, room)
        check_size("StateSpace", "pattern", self.pattern, 0, "it is a deviation")
        check_degrees("StateSpace", self.degrees_of_freedom, self.normal_probability)

    def check_length(self, length: int) -> None:
        if length < 4:
            raise ValueError(
                f"Config(length={length}): must be >= 4 for StateSpace, because the shortest "
                "season has 2 steps and at least two are to be seen. Raise length."
            )

    def law(self, draws: Draws, length: int) -> StateSpaceLaw:
        bits = draws.bits("law", (_NUM_WORDS,))
        is_true = lambda word, probability: uniform(bits[word]) < probability
        has_slope = is_true(0, self.slope_probability)
        has_season = is_true(1, self.season_probability)
        is_damped = has_slope & is_true(2, self.damping_probability)
        sample = lambda word, law, there: jnp.where(there, law.from_bits(bits[word]), 0)
        season = jnp.round(self.season.from_bits(bits[3]))
        damping = jnp.clip(self.damping.from_bits(bits[4]), 0, 1)
        return StateSpaceLaw(
            has_slope=has_slope,
            has_season=has_season,
            level_noise=sample(5, self.level_noise, is_true(6, self.level_probability)),
            slope_noise=sample(7, self.slope_noise, has_slope),
            seasonal_noise=sample(8, self.seasonal_noise, has_season),
            damping=jnp.where(is_damped, damping, 1),
            slope=sample(9, self.slope, has_slope),
            season=jnp.clip(season, 2, self._longest(length)).astype(jnp.int32),
            pattern=sample(10, self.pattern, has_season),
            degrees_of_freedom=sample_degrees(
                bits[11:13], self.degrees_of_freedom, self.normal_probability
            ),
        )

    def draw_series(
        self, laws: StateSpaceLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        irregular = sample_innovations(words, length, "irregular", laws.degrees_of_freedom)
        draw_season = self._dummies if self.seasonal_form == "dummy" else self._waves
        season = draw_season(laws, words, irregular)
        return self._draw_trend(laws, words, irregular) + season + irregular

    def _longest(self, length: int) -> int:
        return min(self.max_season, length // 2)

    def _draw_trend(
        self, laws: StateSpaceLaw, words: UInt32[Array, "channels 2"], irregular: Array
    ) -> Float[Array, "time channels"]:
        """The level of every step, as y_t has it."""
        length = irregular.shape[0]
        is_smoothing = self.form == "smoothing"
        if is_smoothing:
            noise = (irregular, irregular)
        else:
            noise = jnp.split(sample_normals(words, 2 * length, "trend"), 2)

        def step(carry, noise):
            level, slope = carry
            moved = laws.damping * slope + laws.slope_noise * noise[1]
            # the smoothing form sees the level that its slope predicts
            seen = level + laws.damping * slope if is_smoothing else level
            level = (seen if is_smoothing else level + slope) + laws.level_noise * noise[0]
            return (level, moved), seen

        return jax.lax.scan(step, (jnp.zeros_like(laws.slope), laws.slope), tuple(noise))[1]

    def _dummies(
        self, laws: StateSpaceLaw, words: UInt32[Array, "channels 2"], irregular: Array
    ) -> Float[Array, "time channels"]:
        """A season of free levels that add up to 0 at first."""
        length = irregular.shape[0]
        longest = self._longest(length)
        is_smoothing = self.form == "smoothing"
        rows = longest if is_smoothing else longest + length
        noise = sample_normals(words, rows, "season")
        pattern, noise = noise[:longest], irregular if is_smoothing else noise[longest:]
        is_used = jnp.arange(longest, dtype=jnp.int32)[:, None] >= longest - laws.season
        pattern = jnp.where(is_used, pattern, 0)
        pattern = laws.pattern * (pattern - pattern.sum(0) / laws.season.astype(pattern.dtype))
        noise = laws.seasonal_noise * noise
        # that s levels add up to w_t means g_t = g_{t-s} + w_t - w_{t-1}
        entering = noise if is_smoothing else jnp.diff(noise, axis=0, prepend=0)
        one = jnp.ones_like(laws.pattern)
        spare = jnp.zeros_like(entering)
        levels = add_seasons(pattern, entering, laws.season, one, one, spare)
        # smoothing: what is seen is a season old
        return levels - noise if is_smoothing else levels

    def _waves(
        self, laws: StateSpaceLaw, words: UInt32[Array, "channels 2"], irregular: Array
    ) -> Float[Array, "time channels"]:
        """A season of turning harmonics."""
        size, length = self.harmonics, irregular.shape[0]
        number = jnp.arange(1, size + 1, dtype=irregular.dtype)[:, None]
        season = laws.season.astype(irregular.dtype)
        turn = np.float32(2 * np.pi) * number / season
        cosine, sine = jnp.cos(turn), jnp.sin(turn)
        is_there = (2 * number <= season).astype(irregular.dtype)
        start = sample_normals(words, 2 * size, "pattern").reshape(2, size, -1)
        start = start * is_there * laws.pattern / number
        gain = laws.seasonal_noise * is_there
        if self.form == "smoothing":
            noise = (irregular[:, None], jnp.zeros_like(irregular[:, None]))
        else:
            normals = sample_normals(words, 2 * size * length, "season")
            noise = tuple(normals.reshape(2, length, size, -1))

        def step(parts, noise):
            first, second = parts
            turned = (cosine * first + sine * second, cosine * second - sine * first)
            moved = tuple(part + gain * own for part, own in zip(turned, noise, strict=True))
            return moved, first.sum(0)

        return jax.lax.scan(step, (start[0], start[1]), noise)[1]

"""Seasonal integrated autoregressive moving-average series."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, uniform
from s2jax.core.types import Number, Whole, number, whole
from s2jax.distributions import (
    AbstractDistribution,
    Choices,
    LogUniform,
    Normal,
    Uniform,
    check_draws,
)
from s2jax.inputs._arma import _stationary_coefficients
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._noise import (
    check_degrees,
    check_size,
    sample_degrees,
    sample_innovations,
    sample_normals,
)
from s2jax.inputs._poles import coefficients_of_poles, find_pull
from s2jax.inputs._recursions import (
    add_seasons,
    companion_power,
    sample_states,
    scan_into,
    solve,
    sum_fraction,
    sum_up,
    weigh,
)

_LARGEST_RADIUS = np.float32(0.9995)
_NUM_WORDS = 13
_RULES = ("poles", "uniform", "disk")


class SARIMALaw(eqx.Module):
    """phi(B) Phi(B^s) (1 - B)^d (1 - B^s)^D y_t = c + theta(B) Theta(B^s) e_t, e_t of variance 1.

    phi(B) = 1 - sum_i ar_i B^i, theta(B) = 1 - sum_j ma_j B^j, Phi(B^s) = 1 - seasonal_ar B^s and
    Theta(B^s) = 1 - seasonal_ma B^s; c is such that the differenced series has the mean `drift`.

    Attributes:
        ar_order, ma_order: p and q.
        ar, ma: Coefficients of phi and theta, 0 beyond the order.
        season: s, in steps; 0 if there is none: P, Q and D are 0 then.
        seasonal_ar_order, seasonal_ma_order: P and Q, 0 or 1.
        seasonal_ar, seasonal_ma: Coefficients of Phi and Theta, 0 if the order is.
        differences, seasonal_differences: d in 0, 1, 2 and D in 0, 1.
        drift: Mean of the differenced series, in deviations of e.
        pattern: Deviation of the first season of a series with D = 1, in deviations of e.
        degrees_of_freedom: Of Student's law of e; infinite if it is normal.
        fraction: What the order of integration is more than `differences`, in [0, 1); None if the
            family draws none.
    """

    ar_order: Int[Array, "*channels"]
    ma_order: Int[Array, "*channels"]
    ar: Float[Array, "*channels ar_lags"]
    ma: Float[Array, "*channels ma_lags"]
    season: Int[Array, "*channels"]
    seasonal_ar_order: Int[Array, "*channels"]
    seasonal_ma_order: Int[Array, "*channels"]
    seasonal_ar: Float[Array, "*channels"]
    seasonal_ma: Float[Array, "*channels"]
    differences: Int[Array, "*channels"]
    seasonal_differences: Int[Array, "*channels"]
    drift: Float[Array, "*channels"]
    pattern: Float[Array, "*channels"]
    degrees_of_freedom: Float[Array, "*channels"]
    fraction: Float[Array, "*channels"] | None = None

    def simulate(
        self, words: UInt32[Array, "channels 2"], length: int, longest: int
    ) -> Float[Array, "time channels"]:
        """Draw one series per channel, time first; `longest` is the longest season there is."""
        ar, ma = _as_wide(self.ar.T, self.ma.T)
        size = ar.shape[0]
        earlier = sample_normals(words, size + 2 * longest, "earlier")
        first, pattern, before = jnp.split(earlier, [size, size + longest])
        now = sample_innovations(words, length, "innovations", self.degrees_of_freedom)
        before = before / jnp.sqrt(1 - self.seasonal_ar * self.seasonal_ar)
        past = self._sample_past(ar, before, first)
        # g_t - Theta g_{t-s} with g_t = e_t + Phi g_{t-s}
        weight = self.seasonal_ar - self.seasonal_ma
        spare = jnp.zeros_like(now)
        entering = add_seasons(before, now, self.season, self.seasonal_ar, weight, spare)

        def step(past, value):
            state = value + weigh(ar, past)
            level = self.drift + state - weigh(ma, past)
            return jnp.concatenate([state[None], past[:-1]]), level

        levels = scan_into(now, step, past, entering)
        if self.fraction is not None:
            levels = sum_fraction(levels, self.fraction)
        root = self.seasonal_differences.astype(levels.dtype)
        pattern = self.pattern * pattern
        summed = add_seasons(pattern, levels, self.season, root, root, spare=entering)
        return sum_up(summed, self.differences, spare=levels)

    def _sample_past(
        self,
        ar: Float[Array, "lags channels"],
        driver: Float[Array, "time channels"],
        noise: Float[Array, "lags channels"],
    ) -> Float[Array, "lags channels"]:
        """What the short recursion holds before the first step, given the season before that.

        With the driver g_t = Phi g_{t-s} + e_t and the states a_t = F a_{t-1} + G g_t, the states
        b_t = a_t - Phi a_{t+s} are those of a short autoregression of the white noise
        g_t - Phi g_{t+s}, and b_{-s-1} is independent of all g from -s on. So a_{-s-1} solves
        a = b + Phi (F^s a + A), where A is what the recursion makes of g_{-s}, ..., g_{-1} alone.
        """
        longest = driver.shape[0]
        rows = jnp.arange(longest, dtype=jnp.int32)[:, None]
        driver = jnp.where(rows >= longest - self.season, driver, 0)

        def step(past, value):
            return jnp.concatenate([(value + weigh(ar, past))[None], past[:-1]]), None

        response = jax.lax.scan(step, jnp.zeros_like(ar), driver)[0]
        power = companion_power(ar, self.season, longest)
        unit = jnp.eye(ar.shape[0], dtype=ar.dtype)[:, :, None]
        known = sample_states(ar, noise) + self.seasonal_ar * response
        before = solve(unit - self.seasonal_ar * power, known)
        # the states of what enters, g_t - Theta g_{t-s}
        return response + weigh(jnp.moveaxis(power, 1, 0), before) - self.seasonal_ma * before


class SARIMA(AbstractBatchedSeries):
    """Seasonal ARIMA (p, d, q) x (P, D, Q)_s series, with orders and coefficients of their own.

    phi(B) Phi(B^s) (1 - B)^d (1 - B^s)^D y_t = c + theta(B) Theta(B^s) e_t (`SARIMALaw` has the
    signs). The differenced series starts in its stationary law: exactly if e is normal; if it is
    Student's, with the exact mean and autocovariance, after a past that is normal. It is summed
    from level 0, and with D = 1 from a first season of independent levels of deviation `pattern`.
    With `fraction` d is no whole number: (1 - B)^-d as a power series of what was 0 before, every
    weight of which is right to 3e-4 of itself.
    Given the parameters, the law of the future given the past is tractable where e is normal: the
    Kalman filter of the model's state space.

    Attributes:
        max_ar_order, max_ma_order: Largest p and q; both are uniform from the least. Static.
        min_ar_order, min_ma_order: Least p and q.
        rule: Law of phi. `"poles"`: complex pairs of modulus `radius` and a period of `period`
            steps, and if p is odd a real one > 0. `"uniform"`: uniform over the stationary region,
            as in `ARMA`. For these theta is uniform over the invertible region. `"disk"`, of
            SarSim0: poles and zeros are uniform by area within `radius`, in conjugate pairs and one
            real if the order is odd; in half of the series p is 0, in the others P. Static.
        radius: Moduli of poles, with `"disk"` of the disk; >= 0 and <= 0.9995. Orders above 3 of
            which float32 coefficients do not hold the poles (`"poles"`: 5 % of models of order 8,
            0.1 % of order 6) have all moduli times the largest of 0.98, 0.95, 0.9, 0.8, 0.6 and
            0.4 with which they do.
        period: Periods of pairs of poles in steps; >= 2. Not read with `"disk"`.
        season: s in steps; rounded, and at most half of the length. >= 0 and <= `max_season`; 0
            means none: P, Q and D are 0 then.
        max_season: Longest season there is room for. Static.
        seasonal_ar_probability, seasonal_ma_probability: Probabilities of P = 1 and of Q = 1.
        seasonal_ar, seasonal_ma: Coefficients of Phi and Theta; within (-1, 1).
        differences: Whole part of d; rounded. >= 0 and <= 2.
        fraction: Broken part of d; >= 0 and <= 1. None draws none, and costs nothing.
        seasonal_difference_probability: Probability of D = 1.
        drift: Mean of the differenced series, in deviations of e.
        pattern: Deviation of the first season where D = 1, in deviations of e; >= 0.
        normal_probability: Probability that e is normal.
        degrees_of_freedom: Of Student's law of the other series; >= 2.1.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> calendar = Choices([4, 7, 12, 24])
        >>> SARIMA(season=calendar, max_season=24).max_season
        24

    References:
        Box, Jenkins and Reinsel, Time Series Analysis, ch. 9.
        Jones (1987), Randomly choosing parameters from the stationarity and invertibility region
        of autoregressive-moving average models.
        Oreshkin et al. (2026), Zero-shot Forecasting by Simulation Alone, section 4.1, for "disk".
    """

    max_ar_order: int = eqx.field(static=True, default=3)
    max_ma_order: int = eqx.field(static=True, default=2)
    min_ar_order: Whole = whole(0)
    min_ma_order: Whole = whole(0)
    rule: Literal["poles", "uniform", "disk"] = eqx.field(static=True, default="poles")
    radius: AbstractDistribution = Uniform(0.6, 0.98)
    period: AbstractDistribution = LogUniform(4.0, 64.0)
    season: AbstractDistribution = LogUniform(4.0, 64.0)
    max_season: int = eqx.field(static=True, default=64)
    seasonal_ar_probability: Number = number(0.7)
    seasonal_ma_probability: Number = number(0.4)
    seasonal_ar: AbstractDistribution = Uniform(0.5, 0.98)
    seasonal_ma: AbstractDistribution = Uniform(0.0, 0.9)
    differences: AbstractDistribution = Choices((0.0, 1.0, 2.0), (0.5, 0.42, 0.08))
    seasonal_difference_probability: Number = number(0.35)
    drift: AbstractDistribution = Normal(0.0, 0.1)
    pattern: AbstractDistribution = LogUniform(1.0, 10.0)
    normal_probability: Number = number(0.5)
    degrees_of_freedom: AbstractDistribution = LogUniform(3.0, 30.0)
    fraction: AbstractDistribution | None = None

    def __check_init__(self):
        for name in ("ar_order", "ma_order"):
            high = getattr(self, f"max_{name}")
            checks.check_static_integer("SARIMA", f"max_{name}", high, 0, 8)
            low = getattr(self, f"min_{name}")
            checks.check_number("SARIMA", f"min_{name}", low, 0, high, integer=True)
        if self.rule not in _RULES:
            raise ValueError(f"SARIMA(rule={self.rule!r}): {checks.unknown(self.rule, _RULES)}")
        checks.check_static_integer("SARIMA", "max_season", self.max_season, 2, 2**15)
        for name in ("seasonal_ar", "seasonal_ma", "seasonal_difference"):
            name = f"{name}_probability"
            checks.check_number("SARIMA", name, getattr(self, name), 0, 1)
        stationary = "poles on or outside the unit circle have no stationary law"
        check_draws("SARIMA", "radius", self.radius, 0, float(_LARGEST_RADIUS), stationary)
        check_draws("SARIMA", "period", self.period, 2, np.inf, "no wave is shorter than 2 steps")
        room = "max_season is the longest season there is room for"
        check_draws("SARIMA", "season", self.season, 0, self.max_season, room)
        for name in ("seasonal_ar", "seasonal_ma"):
            check_draws("SARIMA", name, getattr(self, name), -1, 1, stationary, strict=True)
        summed = "series are summed at most twice"
        check_draws("SARIMA", "differences", self.differences, 0, 2, summed)
        if self.fraction is not None:
            check_draws("SARIMA", "fraction", self.fraction, 0, 1, "differences is the whole part")
        check_size("SARIMA", "drift", self.drift)
        check_size("SARIMA", "pattern", self.pattern, 0, "it is a deviation")
        check_degrees("SARIMA", self.degrees_of_freedom, self.normal_probability)

    def check_length(self, length: int) -> None:
        if length < 4:
            raise ValueError(
                f"Config(length={length}): must be >= 4 for SARIMA, because the shortest season "
                "has 2 steps and at least two are to be seen. Raise length."
            )

    def law(self, draws: Draws, length: int) -> SARIMALaw:
        return self.law_of_season(draws, length, jnp.int32(-1))

    def law_of_season(self, draws: Draws, length: int, season: Int[Array, ""]) -> SARIMALaw:
        """The law with this season, or with one that is drawn if it is negative."""
        max_p, max_q = self.max_ar_order, self.max_ma_order
        # one stream: compiling a second one costs more than drawing it
        num_ar, num_ma = self._num_words_of("ar"), self._num_words_of("ma")
        ends = np.cumsum([_NUM_WORDS, num_ar, num_ma]).tolist()
        num_more = (self.rule == "disk") + (self.fraction is not None)
        words = draws.bits("law", (ends[-1] + num_more,))
        bits, ar_bits, ma_bits, more = jnp.split(words, ends)
        order = lambda word, low, high: (low + below(word, high - low + 1)).astype(jnp.int32)
        p = order(bits[0], self.min_ar_order, max_p)
        q = order(bits[1], self.min_ma_order, max_q)
        own = jnp.round(self.season.from_bits(bits[2])).astype(jnp.int32)
        season = jnp.clip(jnp.where(season < 0, own, season), 0, self._longest(length))
        is_seasonal = season > 0
        has_ar = is_seasonal & (uniform(bits[3]) < self.seasonal_ar_probability)
        has_ma = is_seasonal & (uniform(bits[4]) < self.seasonal_ma_probability)
        has_root = is_seasonal & (uniform(bits[8]) < self.seasonal_difference_probability)
        if self.rule == "disk":
            is_short = more[-1] < np.uint32(2**31)
            p, has_ar = jnp.where(is_short, p, 0), has_ar & ~is_short
        edge = np.float32(1 - 2.0**-22)
        within = lambda law, word: jnp.clip(law.from_bits(word), -edge, edge)
        return SARIMALaw(
            ar_order=p,
            ma_order=q,
            ar=self._sample("ar", ar_bits, p, max_p),
            ma=self._sample("ma", ma_bits, q, max_q),
            season=season,
            seasonal_ar_order=has_ar.astype(jnp.int32),
            seasonal_ma_order=has_ma.astype(jnp.int32),
            seasonal_ar=jnp.where(has_ar, within(self.seasonal_ar, bits[5]), 0),
            seasonal_ma=jnp.where(has_ma, within(self.seasonal_ma, bits[6]), 0),
            differences=_whole(self.differences.from_bits(bits[7]), 0, 2),
            seasonal_differences=has_root.astype(jnp.int32),
            drift=self.drift.from_bits(bits[9]),
            pattern=self.pattern.from_bits(bits[10]),
            degrees_of_freedom=sample_degrees(
                bits[11:13], self.degrees_of_freedom, self.normal_probability
            ),
            fraction=None
            if self.fraction is None
            else jnp.clip(self.fraction.from_bits(more[0]), 0, edge),
        )

    def draw_series(
        self, laws: SARIMALaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        return laws.simulate(words, length, self._longest(length))

    def _longest(self, length: int) -> int:
        return min(self.max_season, length // 2)

    def _rule_of(self, name: Literal["ar", "ma"]) -> str:
        return "uniform" if name == "ma" and self.rule == "poles" else self.rule

    def _num_words_of(self, name: Literal["ar", "ma"]) -> int:
        size = self.max_ar_order if name == "ar" else self.max_ma_order
        per_factor = {"poles": 2, "disk": 3}.get(self._rule_of(name))
        return per_factor * ((size + 1) // 2) if per_factor else _num_words(size)

    def _sample(
        self,
        name: Literal["ar", "ma"],
        bits: UInt32[Array, " words"],
        order: Int[Array, ""],
        size: int,
    ) -> Float[Array, "{size}"]:
        """Coefficients of phi or theta of this order, and zeros up to `size`."""
        rule = self._rule_of(name)
        if rule == "uniform" or not size:
            return _sample_stationary(bits, order, size)
        step = 2 if rule == "poles" else 3
        radii = jnp.clip(self.radius.from_bits(bits[::step]), 0, _LARGEST_RADIUS)
        if rule == "poles":
            periods = jnp.maximum(self.period.from_bits(bits[1::2]), 2)
            cosines, reals = jnp.cos(np.float32(2 * np.pi) / periods), radii
        else:
            radii = radii * jnp.sqrt(uniform(bits[1::3]))
            cosines = jnp.cos(np.float32(np.pi) * uniform(bits[2::3]))
            reals = radii * jnp.sign(cosines)
        # few poles, and those that are spread over a disk, are not so near each other
        if name == "ar" and size > (3 if rule == "poles" else 6):
            pull = find_pull(radii, cosines, reals, order)
            radii, reals = pull * radii, pull * reals
        return coefficients_of_poles(radii, cosines, reals, order, size)


def _num_words(size: int) -> int:
    """How many words `_sample_stationary` reads."""
    return size * (size + 1) // 2


def _sample_stationary(
    bits: UInt32[Array, " words"], order: Int[Array, ""], size: int
) -> Float[Array, "{size}"]:
    """Uniform over the region of stationary, or invertible, coefficients of this order."""
    return _stationary_coefficients(bits[:, None], order[None], size)[:, 0]


def _whole(values: Float[Array, ""], low: int, high: int) -> Int[Array, ""]:
    return jnp.clip(jnp.round(values), low, high).astype(jnp.int32)


def _as_wide(*coefficients: Float[Array, "_ channels"]) -> list[Float[Array, "lags channels"]]:
    """Coefficients with as many lags as those that have most, and at least one."""
    size = max(1, *(len(rows) for rows in coefficients))
    return [jnp.pad(rows, ((0, size - len(rows)), (0, 0))) for rows in coefficients]

"""Counts whose rate follows a series of another family."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.random import multiply_high, random_bits, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number, number
from s2jax.distributions import (
    AbstractDistribution,
    Choices,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._combined import standardise
from s2jax.inputs._draws import words_within
from s2jax.inputs._events import ALL_ONES, AbstractEvents, law_words, log_uniform, take, to_ticks
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import check_size
from s2jax.inputs._waveforms import Waveforms
from s2jax.inputs.poisson import (
    LARGEST_SHAPE,
    LEAST_SHAPE,
    MAX_RATE,
    gamma_polynomials,
    gamma_share,
    poisson,
)

_KINDS = ("poisson", "negative_binomial", "zero_inflated", "intermittent")
_POISSON, _NEGATIVE_BINOMIAL, _ZERO_INFLATED, _INTERMITTENT = range(4)
_LEAST = 8


class CountsPath(NamedTuple):
    """What counts are drawn from, step by step; as `Counts.path` recovers it.

    Attributes:
        rate: Mean count of an active step; of an intermittent one, less the 1 that is certain.
        is_active: Whether something can be counted.
    """

    rate: Float[Array, "*channels time"]
    is_active: Bool[Array, "*channels time"]


class CountsLaw(eqx.Module):
    """What a series of counts is drawn from.

    Attributes:
        kind: 0 Poisson, 1 negative binomial, 2 zero-inflated, 3 intermittent.
        level: Mean rate over the series, in counts per step.
        amplitude: Standard deviation of the logarithm of the rate over the series.
        shape: Of the gamma variable that multiplies the rate of each step, of mean 1: the variance
            of a count is rate + rate**2 / shape. 0 where there is none.
        presence: Probability that a step is active; 1 unless zero-inflated or intermittent.
        gap: Steps from one active step to the next on the mean, where intermittent; else 1.
        dead_time: Steps after an active one that are not active; then each is as likely.
        first_dead_time: What is left of it at the first step.
        intensity: What the family of the intensity drew.
        code: 64 random bits, which the intensity's series and the active steps are made of.
    """

    kind: Int[Array, "*channels"]
    level: Float[Array, "*channels"]
    amplitude: Float[Array, "*channels"]
    shape: Float[Array, "*channels"]
    presence: Float[Array, "*channels"]
    gap: Int[Array, "*channels"]
    dead_time: Int[Array, "*channels"]
    first_dead_time: Int[Array, "*channels"]
    intensity: Any
    code: UInt32[Array, "*channels 2"]


class Counts(AbstractEvents):
    """Counts per step, of a rate that follows a series of any other family.

    With z the series of the family `intensity`, brought to mean 0 and deviation 1, the rate is
    level * exp(amplitude * z), scaled so that its mean over the series is `level`. A count is
    Poisson, or negative binomial (Poisson of a rate that is multiplied by a gamma variable of mean
    1 at every step). Zero-inflated counts are 0 in steps that are not active, each independently;
    intermittent ones are 1 and such a count in active steps, which come at drawn gaps, and else 0.

    Given the rate of all steps, which `path` tells, counts are independent with known
    probabilities. The rate is scaled over the whole series: its past tells of its future.

    Attributes:
        poisson, negative_binomial, zero_inflated, intermittent: Weights of the kinds.
        intensity: The family of the rate. That of a constant series gives a constant rate.
        level: Mean rate, in counts per step; >= 0 and <= 1e6.
        amplitude: Standard deviation of the logarithm of the rate; >= 0.
        dispersed: Probability that zero-inflated and intermittent counts are negative binomial.
        shape: Of the gamma variables: variance of a count = rate + rate**2 / shape. Clipped to
            [0.5, 1000].
        presence: Probability that a step of a zero-inflated series is active; >= 0 and <= 1.
        min_gap, max_gap: Least mean gap of intermittent series, in steps, and the largest as a
            share of the length; log-uniform between, and whole.
        regularity: Share of the gap in which nothing comes: 0 for active steps that are as likely
            at every step, 1 for a clock. Clipped to [0, 1].

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> import jax
        >>> from s2jax.inputs import ARMA
        >>> drawn = Counts(intensity=ARMA()).sample(jax.random.key(0), n=2, length=64)
        >>> drawn.series.shape, drawn.law.intensity.ar.shape
        ((2, 64), (2, 3))

    References:
        Cameron and Trivedi (2013), Regression Analysis of Count Data, ch. 3, 4 and 7.
        Croston (1972), Forecasting and stock control for intermittent demands.
    """

    poisson: Number = number(2.0)
    negative_binomial: Number = number(1.0)
    zero_inflated: Number = number(0.5)
    intermittent: Number = number(0.5)
    intensity: AbstractInput = Waveforms(max_waves=2, noisy=0.0)
    level: AbstractDistribution = distribution(LogUniform(1.0, 2000.0))
    amplitude: AbstractDistribution = distribution(LogUniform(0.3, 1.2))
    dispersed: Number = number(0.5)
    shape: AbstractDistribution = distribution(LogUniform(0.7, 50.0))
    presence: AbstractDistribution = distribution(Uniform(0.3, 0.95))
    min_gap: Number = number(2.0)
    max_gap: Number = number(0.08)
    regularity: AbstractDistribution = distribution(Choices([0.0, 0.5, 0.8, 1.0], [2, 1, 1, 1]))

    def __check_init__(self):
        check_part("Counts", "intensity", self.intensity, AbstractInput)
        self._check_kinds(*_KINDS)
        self._check_laws("shape", "regularity")
        check_draws("Counts", "level", self.level, 0, 1e6, "larger counts are not exact")
        check_size("Counts", "amplitude", self.amplitude, 0, "it is a deviation")
        check_draws("Counts", "presence", self.presence, 0, 1, "it is a probability")
        checks.check_number("Counts", "dispersed", self.dispersed, 0, 1)
        checks.check_number("Counts", "min_gap", self.min_gap, 1, 2**16)
        checks.check_number("Counts", "max_gap", self.max_gap, 0, 100)

    def check_length(self, length: int) -> None:
        self._check_least(length, _LEAST, "shorter series are often 0 throughout")
        self.intensity.check_length(length)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> CountsLaw:
        bits = law_words(words, 11)
        kind = self._draw_kinds(next(bits), *_KINDS)
        shape = jnp.clip(self.shape.from_bits(next(bits)), LEAST_SHAPE, LARGEST_SHAPE)
        is_dispersed = (kind >= _ZERO_INFLATED) & (uniform(next(bits)) < self.dispersed)
        is_dispersed = is_dispersed | (kind == _NEGATIVE_BINOMIAL)
        drawn = jnp.round(log_uniform(next(bits), self.min_gap, self.max_gap * length))
        gap = jnp.where(kind == _INTERMITTENT, drawn, 1).astype(jnp.int32)
        regularity = jnp.clip(self.regularity.from_bits(next(bits)), 0, 1)
        dead = jnp.floor(regularity * (gap - 1).astype(jnp.float32)).astype(jnp.int32)
        place = multiply_high(next(bits), gap.astype(jnp.uint32)).astype(jnp.int32)
        presence = jnp.clip(self.presence.from_bits(next(bits)), 0, 1)
        presence = jnp.where(kind == _ZERO_INFLATED, presence, 1 / gap.astype(jnp.float32))
        return CountsLaw(
            kind=kind,
            level=jnp.clip(self.level.from_bits(next(bits)), 0, 1e6),
            amplitude=jnp.maximum(self.amplitude.from_bits(next(bits)), 0),
            shape=jnp.where(is_dispersed, shape, 0),
            presence=presence,
            gap=gap,
            dead_time=dead,
            # the stationary law: each time that is left is as likely as the next, else none is
            first_dead_time=jnp.where(place <= dead, place, 0),
            intensity=self.intensity.draw_laws(words_within(words, "law", "intensity"), length),
            code=take(bits, 2).T,
        )

    def path(self, law: CountsLaw, length: int) -> CountsPath:
        """The rate and the active steps, step by step, which the law decides.

        Args:
            law: Of series of this family, with any axes.
            length: Number of time steps, as that of the series. Static.
        """
        make = lambda laws: CountsPath(self._rates(laws, length), _find_active(laws, length))
        return map_channels(make, law, law.kind.shape)

    def _rates(self, law: CountsLaw, length: int) -> Float[Array, "time channels"]:
        """Rates of channels on one axis."""
        series = self.intensity.draw_series(law.intensity, law.code, length).astype(jnp.float32)
        # a constant series varies by rounding only: its rate is constant too
        is_flat = series.max(0) - series.min(0) <= 2e-6 * jnp.abs(series).max(0)
        exponent = jnp.where(is_flat, 0, law.amplitude) * standardise(series)
        growth = jnp.exp(exponent - exponent.max(0))
        return jnp.minimum(law.level / growth.mean(0) * growth, MAX_RATE)

    def draw_series(
        self, laws: CountsLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        rate = self._rates(laws, length)
        polynomials = gamma_polynomials(laws.shape)

        def disperse():
            bits = random_bits(words, length, named("series", "gamma"))
            share = gamma_share(bits, polynomials)
            return jnp.where(laws.shape > 0, rate * share, rate)

        rate = jax.lax.cond((laws.shape > 0).any(), disperse, lambda: rate)
        is_active = _find_active(laws, length)
        count = poisson(random_bits(words, length, named("series", "counts")), rate)
        count = count + jnp.where(laws.kind == _INTERMITTENT, 1.0, 0.0)
        return jnp.where(is_active, count, 0)


def _find_active(law: CountsLaw, length: int) -> Bool[Array, "time channels"]:
    """Which steps are active, of channels on one axis."""
    bits = random_bits(law.code, length, named("counts", "active"))
    free = (law.gap - law.dead_time).astype(jnp.uint32)
    ends = jnp.where(law.kind == _ZERO_INFLATED, to_ticks(law.presence), ALL_ONES // free)

    def step(left, bits):
        is_active = (left == 0) & (bits <= ends)
        return jnp.where(is_active, law.dead_time, jnp.maximum(left - 1, 0)), is_active

    return jax.lax.scan(step, law.first_dead_time, bits)[1]

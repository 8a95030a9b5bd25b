"""Noise whose size follows the level of another series: counts, bursts and heavy tails."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core.part import check_part
from s2jax.core.random import normal_quantile, random_bits, signed_uniform, store
from s2jax.core.streams import named
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Uniform, check_draws, distribution
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._combined import to_share
from s2jax.inputs._draws import words_within
from s2jax.inputs._events import AbstractEvents, law_words, select, take
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import LARGEST_SIZE
from s2jax.inputs._waveforms import Waveforms
from s2jax.inputs.poisson import (
    LARGEST_SHAPE,
    LEAST_SHAPE,
    MAX_RATE,
    gamma_polynomials,
    log_gamma_share,
    poisson,
)

_KINDS = ("poisson", "gamma", "lognormal", "none")
_POISSON, _GAMMA, _LOGNORMAL, _NONE = range(4)


class RateNoisePath(NamedTuple):
    """What noise is drawn about, step by step; as `RateNoise.path` recovers it.

    Attributes:
        signal: The series of the intensity, without noise.
        rate: Mean of the noisy series, before it is raised to a power; of kind 3, 0.
    """

    signal: Float[Array, "*channels time"]
    rate: Float[Array, "*channels time"]


class RateNoiseLaw(eqx.Module):
    """What a series with rate-based noise is drawn from.

    Attributes:
        kind: 0 Poisson, 1 generalised gamma, 2 lognormal, 3 no noise.
        rate: The rate where the signal is largest; 0 where there is no noise.
        shape: Of the gamma variable, or the deviation of the lognormal one's logarithm; else 0.
        power: What gamma variables are raised to; else 1.
        intensity: What the family of the intensity drew.
        code: 64 random bits, which the intensity's series is made of.
    """

    kind: Int[Array, "*channels"]
    rate: Float[Array, "*channels"]
    shape: Float[Array, "*channels"]
    power: Float[Array, "*channels"]
    intensity: Any
    code: UInt32[Array, "*channels 2"]


class RateNoise(AbstractEvents):
    """Noise of a rate that follows a series of any other family; the noisers of SarSim0.

    With z the series of the family `intensity`, the rate is r = l (z - min z) / (max z - min z): 0
    where z is smallest, and l where it is largest (everywhere, if z is constant). Each step is
    drawn independently, by kind: Poisson of mean r; g**power with g gamma of mean r and a drawn
    shape; lognormal of mean r; or z itself.

    Given the rate of all steps, which `path` tells, steps are independent with known laws. The rate
    depends on the range of z over the whole series: its past tells of its future.

    Attributes:
        poisson, gamma, lognormal, none: Weights of the kinds.
        intensity: The family of the rate.
        poisson_rate, gamma_rate, lognormal_rate: l of each kind; >= 0. Poisson rates end at 2**22.
        gamma_shape: Variance of the gamma variable: r**2 / shape; >= 0.5 and <= 1000.
        power: Exponent of the gamma variable; > 0 and < 4.
        lognormal_shape: Standard deviation of the logarithm; >= 0. Of normal numbers within 5.5.

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> import jax
        >>> from s2jax.inputs import ARMA
        >>> drawn = RateNoise(intensity=ARMA()).sample(jax.random.key(0), n=2, length=64)
        >>> drawn.series.shape, drawn.law.intensity.ar.shape
        ((2, 64), (2, 3))

    References:
        Oreshkin et al. (2026), Zero-shot Forecasting by Simulation Alone, section 4.3, table 9.
    """

    poisson: Number = number(1.0)
    gamma: Number = number(1.0)
    lognormal: Number = number(1.0)
    none: Number = number(1.0)
    intensity: AbstractInput = Waveforms(max_waves=2, noisy=0.0)
    poisson_rate: AbstractDistribution = distribution(LogUniform(0.1, 100.0))
    gamma_rate: AbstractDistribution = distribution(LogUniform(0.1, 100.0))
    lognormal_rate: AbstractDistribution = distribution(LogUniform(0.1, 5.0))
    gamma_shape: AbstractDistribution = distribution(LogUniform(1.0, 50.0))
    power: AbstractDistribution = distribution(Uniform(0.5, 1.5))
    lognormal_shape: AbstractDistribution = distribution(LogUniform(1.0, 3.0))

    def __check_init__(self):
        check_part("RateNoise", "intensity", self.intensity, AbstractInput)
        self._check_kinds(*_KINDS)
        for name, low, high, reason in (
            ("poisson_rate", 0, LARGEST_SIZE, "larger means overflow"),
            ("gamma_rate", 0, LARGEST_SIZE, "larger means overflow"),
            ("lognormal_rate", 0, LARGEST_SIZE, "larger means overflow"),
            ("gamma_shape", LEAST_SHAPE, LARGEST_SHAPE, "quantiles are known there"),
            ("lognormal_shape", 0, jnp.inf, "it is a deviation"),
        ):
            check_draws("RateNoise", name, getattr(self, name), low, high, reason)
        no_power = "others are infinite at a rate of 0, or overflow"
        check_draws("RateNoise", "power", self.power, 0, 4, no_power, strict=True)

    def check_length(self, length: int) -> None:
        self.intensity.check_length(length)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> RateNoiseLaw:
        bits = law_words(words, 6)
        kind = self._draw_kinds(next(bits), *_KINDS)
        rates, shapes, powers = take(bits, 3)
        gamma_shape = jnp.clip(self.gamma_shape.from_bits(shapes), LEAST_SHAPE, LARGEST_SHAPE)
        pick = lambda *rows: select(kind, rows)
        nothing, one = jnp.zeros_like(gamma_shape), jnp.ones_like(gamma_shape)
        return RateNoiseLaw(
            kind=kind,
            rate=pick(
                jnp.minimum(self.poisson_rate.from_bits(rates), MAX_RATE),
                self.gamma_rate.from_bits(rates),
                self.lognormal_rate.from_bits(rates),
                nothing,
            ),
            shape=pick(nothing, gamma_shape, self.lognormal_shape.from_bits(shapes), nothing),
            power=pick(one, self.power.from_bits(powers), one, one),
            intensity=self.intensity.draw_laws(words_within(words, "law", "intensity"), length),
            code=take(bits, 2).T,
        )

    def path(self, law: RateNoiseLaw, length: int) -> RateNoisePath:
        """The signal and the rate, step by step, which the law decides.

        Args:
            law: Of series of this family, with any axes.
            length: Number of time steps, as that of the series. Static.
        """
        make = lambda laws: self._path(laws, length)
        return map_channels(make, law, law.kind.shape)

    def _path(self, laws: RateNoiseLaw, length: int) -> RateNoisePath:
        """The path of channels on one axis, time first."""
        series = self.intensity.draw_series(laws.intensity, laws.code, length)
        signal = series.astype(jnp.float32)
        return RateNoisePath(signal, laws.rate * to_share(signal))

    def draw_series(
        self, laws: RateNoiseLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        signal, rate = self._path(laws, length)
        (polynomials,) = store(gamma_polynomials(laws.shape))
        # one word for each step, whatever its channel's kind is
        bits = random_bits(words, length, named("series", "noise"))
        normal = normal_quantile(signed_uniform(bits))
        lognormal = laws.shape * (normal - laws.shape / 2)  # of mean 1, its logarithm
        share = jnp.where(laws.kind == _GAMMA, log_gamma_share(normal, polynomials), lognormal)
        grown = jnp.exp(laws.power * (jnp.log(rate) + share))  # 0 at a rate of 0
        return select(laws.kind, [poisson(bits, rate), grown, grown, signal])

"""Rows whose channels share something: latent series, a lag, a level, a season, a regime."""

import abc
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import Number, number
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractBatchedRows, AbstractFamily
from s2jax.inputs._combined import standardise
from s2jax.inputs._draws import Draws, words_of_channels
from s2jax.inputs._random_walk import RandomWalk
from s2jax.inputs._trend_season import TrendSeason
from s2jax.inputs.choice import Choice, as_choice, check_single

_FAMILY = Choice([TrendSeason(), RandomWalk(), ARMA()])
_SHARE = "it is a share"


class CoupledLaw(NamedTuple):
    """What a row of coupled channels is drawn from.

    Attributes:
        coupling: What the class of the coupling drew, by name.
        latents: What the family drew for each latent series.
    """

    coupling: dict[str, Any]
    latents: Any


class AbstractCoupling(AbstractBatchedRows):
    """Channels made of latent series, each of mean 0 and deviation 1, of a family.

    A coupling says how many latent series there are and how long, what it draws of itself, and
    which channels these make.
    """

    family: eqx.AbstractVar[AbstractFamily]

    def check_family(self) -> None:
        """Refuse what is no family of single channels."""
        check_single(type(self).__name__, "family", self.family, "a family", "latent series")

    def check_length(self, length: int) -> None:
        self.family.check_length(length)

    def num_latents(self, channels: int) -> int:
        """Static number of latent series of a row."""
        return channels

    def num_steps(self, length: int) -> int:
        """Static number of their steps, of which the last ones are those of the row."""
        return length

    @abc.abstractmethod
    def couple(self, draws: Draws, channels: int, length: int) -> dict[str, Array]:
        """Draw what is drawn once for a row."""

    @abc.abstractmethod
    def join(
        self, coupling: dict[str, Array], latents: Float[Array, "latents steps"], draws: Draws,
        channels: int, length: int,
    ) -> Float[Array, "channels time"]:  # fmt: skip
        """The channels of a row."""

    def draw_laws(self, words, channels, length):
        draw = lambda words: self.couple(Draws(words, "law"), channels, length)
        count = self.num_latents(channels)
        own = words_of_channels(words, count)
        latents = as_choice(self.family).draw_laws(own, self.num_steps(length))
        by_row = lambda leaf: leaf.reshape(len(words), count, *leaf.shape[1:])
        return CoupledLaw(jax.vmap(draw)(words), jax.tree.map(by_row, latents))

    def draw_series(self, laws, words, channels, length):
        count = self.num_latents(channels)
        own = words_of_channels(words, count)
        flat = lambda leaf: leaf.reshape(len(own), *leaf.shape[2:])
        family, steps = as_choice(self.family), self.num_steps(length)
        drawn = family.draw_series(jax.tree.map(flat, laws.latents), own, steps)
        latents = standardise(drawn).T.reshape(len(words), count, steps).astype(jnp.float32)

        def join(coupling, latents, words):
            return self.join(coupling, latents, Draws(words, "series"), channels, length)

        return jax.vmap(join)(laws.coupling, latents, words)


def _check_noise(owner: str, noise: AbstractDistribution, name: str = "noise") -> None:
    check_draws(owner, name, noise, 0, 100, "nothing else would be left of the channels")


class LinearMix(AbstractCoupling):
    """x = A z + s e: every channel is a sum of the same few latent series, and noise of its own.

    The elements of A are normal with variance 1 / latents, and e standard normal.

    Attributes:
        family: Of the latent series z.
        noise: s, drawn for each channel.
        latents: Number of latent series. Static.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If `noise` may be negative or beyond 100, or `latents` not positive.

    Example:
        >>> import jax
        >>> drawn = LinearMix(latents=2).sample(jax.random.key(0), n=3, channels=4, length=32)
        >>> drawn.law.coupling["loadings"].shape
        (3, 4, 2)
    """

    family: AbstractFamily = _FAMILY
    noise: AbstractDistribution = distribution(LogUniform(0.01, 0.5))
    latents: int = eqx.field(static=True, default=2)

    def __check_init__(self):
        self.check_family()
        _check_noise("LinearMix", self.noise)
        checks.check_static_integer("LinearMix", "latents", self.latents, 1, 2**10)

    def num_latents(self, channels: int) -> int:
        return self.latents

    def couple(self, draws, channels, length):
        loadings = draws.normal("loadings", (channels, self.latents)) / math.sqrt(self.latents)
        return {
            "loadings": loadings.astype(jnp.float32),
            "noise": draws.sample("noise", self.noise, (channels,)),
        }

    def join(self, coupling, latents, draws, channels, length):
        parts = coupling["loadings"][:, :, None] * latents
        noise = coupling["noise"][:, None] * draws.normal("noise", (channels, length))
        return sum((parts[:, k] for k in range(1, self.latents)), parts[:, 0]) + noise


class LeadLag(AbstractCoupling):
    """x_c(t) = g_c z(t - l_c) + s_c e_c(t): channels follow one latent series, sooner or later.

    Attributes:
        family: Of the latent series z.
        noise: s, drawn for each channel; e is standard normal, and g is 1 or -1.
        negative: Probability of g = -1.
        max_lag: l is uniform in {0, ..., max_lag}. Static.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If `noise` may be negative or beyond 100, `negative` is not between 0 and 1, or
            the series are not longer than `max_lag`.

    Example:
        >>> import jax
        >>> drawn = LeadLag(max_lag=4).sample(jax.random.key(0), n=3, channels=2, length=32)
        >>> bool((drawn.law.coupling["lag"] <= 4).all())
        True
    """

    family: AbstractFamily = _FAMILY
    noise: AbstractDistribution = distribution(LogUniform(0.01, 1.0))
    negative: Number = number(0.2)
    max_lag: int = eqx.field(static=True, default=16)

    def __check_init__(self):
        self.check_family()
        _check_noise("LeadLag", self.noise)
        checks.check_number("LeadLag", "negative", self.negative, 0, 1)
        checks.check_static_integer("LeadLag", "max_lag", self.max_lag, 0, 2**16)

    def check_length(self, length: int) -> None:
        super().check_length(length)
        if length <= self.max_lag:
            raise ValueError(
                f"LeadLag(max_lag={self.max_lag}): must be below the length of the series, "
                f"{length}, because what follows would begin after their end. Lower it."
            )

    def num_latents(self, channels: int) -> int:
        return 1

    def num_steps(self, length: int) -> int:
        return length + self.max_lag

    def couple(self, draws, channels, length):
        is_negative = draws.bernoulli("negative", self.negative, (channels,))
        return {
            "lag": draws.integers("lag", 0, self.max_lag + 1, (channels,)),
            "gain": jnp.where(is_negative, -1.0, 1.0).astype(jnp.float32),
            "noise": draws.sample("noise", self.noise, (channels,)),
        }

    def join(self, coupling, latents, draws, channels, length):
        time = jnp.arange(length, dtype=jnp.int32) + self.max_lag
        past = latents[0][time - coupling["lag"][:, None]]
        noise = coupling["noise"][:, None] * draws.normal("noise", (channels, length))
        return coupling["gain"][:, None] * past + noise


class Cointegration(AbstractCoupling):
    """x_c(t) = b_c w(t) + s_c u_c(t): a common level w that wanders, and spreads that return.

    u is the autoregression u(t) = p u(t-1) + sqrt(1 - p**2) e(t), stationary, with variance 1.

    Attributes:
        family: Of the common level w.
        loading: b, drawn for each channel.
        spread: s, drawn for each channel.
        persistence: p, drawn for each channel.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If `spread` may be negative or beyond 100, or `persistence` not between 0 and
            0.999.

    Example:
        >>> import jax
        >>> drawn = Cointegration().sample(jax.random.key(0), n=3, channels=2, length=32)
        >>> sorted(drawn.law.coupling)
        ['loading', 'persistence', 'spread']

    References:
        Engle and Granger (1987), Co-integration and error correction.
    """

    family: AbstractFamily = RandomWalk()
    loading: AbstractDistribution = distribution(Uniform(0.5, 1.5))
    spread: AbstractDistribution = distribution(LogUniform(0.05, 0.5))
    persistence: AbstractDistribution = distribution(Uniform(0.3, 0.95))

    def __check_init__(self):
        self.check_family()
        check_draws("Cointegration", "loading", self.loading, -100, 100, "levels are of size 1")
        _check_noise("Cointegration", self.spread, "spread")
        why = "a spread returns"
        check_draws("Cointegration", "persistence", self.persistence, 0, 0.999, why)

    def num_latents(self, channels: int) -> int:
        return 1

    def couple(self, draws, channels, length):
        return {
            name: draws.sample(name, getattr(self, name), (channels,))
            for name in ("loading", "spread", "persistence")
        }

    def join(self, coupling, latents, draws, channels, length):
        p, noise = coupling["persistence"], draws.normal("noise", (length, channels))
        size = jnp.sqrt(1 - p * p)

        def step(last, now):
            value = p * last + size * now
            return value, value

        _, spreads = jax.lax.scan(step, draws.normal("first", (channels,)), noise)
        return coupling["loading"][:, None] * latents + coupling["spread"][:, None] * spreads.T


class SharedSeasonality(AbstractCoupling):
    """x_c(t) = a_c q(t) + b_c z_c(t): one season for all channels, and a series of their own.

    q is a sum of the first harmonics of one period, of variance 1; harmonic k has an amplitude in
    proportion to 1 / k and any phase.

    Attributes:
        family: Of the series z.
        period: In steps.
        share: a**2, drawn for each channel; b**2 is the rest of 1.
        harmonics: Number of harmonics. Static.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If `period` may be below 2, `share` is not between 0 and 1, or `harmonics` not
            positive.

    Example:
        >>> import jax
        >>> family = SharedSeasonality(period=24.0)
        >>> drawn = family.sample(jax.random.key(0), n=3, channels=2, length=96)
        >>> drawn.law.coupling["period"].tolist()
        [24.0, 24.0, 24.0]
    """

    family: AbstractFamily = _FAMILY
    period: AbstractDistribution = distribution(LogUniform(6.0, 64.0))
    share: AbstractDistribution = distribution(Uniform(0.2, 0.9))
    harmonics: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        self.check_family()
        why = "one step is not enough for a season"
        check_draws("SharedSeasonality", "period", self.period, 2, np.inf, why)
        check_draws("SharedSeasonality", "share", self.share, 0, 1, _SHARE)
        checks.check_static_integer("SharedSeasonality", "harmonics", self.harmonics, 1, 64)

    def couple(self, draws, channels, length):
        order = jnp.arange(1.0, self.harmonics + 1, dtype=jnp.float32)
        size = draws.normal("sizes", (2, self.harmonics)) / order
        return {
            "period": draws.sample("period", self.period),
            "cosines_and_sines": size / jnp.sqrt(0.5 * (size * size).sum()),
            "share": draws.sample("share", self.share, (channels,)),
        }

    def join(self, coupling, latents, draws, channels, length):
        time = jnp.arange(length, dtype=jnp.float32) / coupling["period"]
        turns = time * jnp.arange(1.0, self.harmonics + 1, dtype=jnp.float32)[:, None]
        angle = 2 * np.pi * (turns - jnp.floor(turns))
        cosines, sines = coupling["cosines_and_sines"]
        season = (cosines[:, None] * jnp.cos(angle) + sines[:, None] * jnp.sin(angle)).sum(0)
        share = coupling["share"][:, None]
        return jnp.sqrt(share) * season + jnp.sqrt(1 - share) * latents


class RegimeCoupling(AbstractCoupling):
    """Channels that go together at some times and each its own way at others.

    In the coupled regime x_c(t) = sqrt(r) z_0(t) + sqrt(1 - r) z_c(t), in the other x_c = z_c. The
    regime is a Markov chain that changes with a probability at each step.

    Attributes:
        family: Of the series z.
        share: r, drawn for each row.
        duration: Mean number of steps between changes, drawn for each row.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If `share` is not between 0 and 1, or `duration` may be below 2.

    Example:
        >>> import jax
        >>> drawn = RegimeCoupling().sample(jax.random.key(0), n=3, channels=2, length=32)
        >>> drawn.law.coupling["is_coupled"].shape
        (3, 32)
    """

    family: AbstractFamily = _FAMILY
    share: AbstractDistribution = distribution(Uniform(0.5, 1.0))
    duration: AbstractDistribution = distribution(LogUniform(16.0, 128.0))

    def __check_init__(self):
        self.check_family()
        check_draws("RegimeCoupling", "share", self.share, 0, 1, _SHARE)
        why = "a regime lasts longer than a step"
        check_draws("RegimeCoupling", "duration", self.duration, 2, np.inf, why)

    def num_latents(self, channels: int) -> int:
        return channels + 1

    def couple(self, draws, channels, length):
        duration = draws.sample("duration", self.duration)
        changes = draws.bernoulli("changes", 1 / duration, (length,)).astype(jnp.int32)
        first = draws.bernoulli("first").astype(jnp.int32)
        return {
            "share": draws.sample("share", self.share),
            "duration": duration,
            "is_coupled": (first + jnp.cumsum(changes, dtype=jnp.int32)) % 2 == 1,
        }

    def join(self, coupling, latents, draws, channels, length):
        share = coupling["share"]
        together = jnp.sqrt(share) * latents[0] + jnp.sqrt(1 - share) * latents[1:]
        return jnp.where(coupling["is_coupled"], together, latents[1:])

"""Sparse spikes on a baseline."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import (
    multiply_high,
    normal_quantile,
    random_bits,
    signed_uniform,
    store,
    uniform,
)
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
from s2jax.inputs._events import AbstractEvents, law_words, log_uniform, take, to_ticks
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import check_size

_TIMES = ("regular", "jittered", "poisson")
_SHAPES = ("single", "exponential", "rounded", "box")
_POISSON = 2
_SINGLE, _EXPONENTIAL, _ROUNDED, _BOX = range(4)
_LEAST = 8
_MAX_SPREAD = 5.0


class SpikesPath(NamedTuple):
    """What happens in a series of spikes, step by step; as `SpikesLaw.path` recovers it.

    Attributes:
        value: The spikes without baseline.
        is_spike: Where one begins.
        height: Of the spike that begins here, else 0.
    """

    value: Float[Array, "*channels time"]
    is_spike: Bool[Array, "*channels time"]
    height: Float[Array, "*channels time"]


class SpikesLaw(eqx.Module):
    """What a series of spikes is drawn from; it tells where they are too, by `path`.

    Attributes:
        times: 0 regular, 1 jittered, 2 Poisson.
        shape: 0 single, 1 exponential, 2 rounded, 3 box.
        gap: Steps from one spike to the next, on the mean.
        jitter: Part of its gap over which a jittered spike is spread, else 0.
        phase: Of the clock of spikes that are not Poisson at the first step, in turns of a gap.
        heavy: Whether heights are Pareto, not log-normal.
        spread: Standard deviation of log heights, or 1 / the tail index of the Pareto law.
        negative: Probability that a spike points down.
        duration: Steps to 1 / e of exponential spikes, to the top of rounded ones, of boxes; 1 of
            single ones.
        baseline: Standard deviation of the baseline.
        persistence: Its autocorrelation at lag 1.
        code: 64 random bits, which times and heights are made of.
    """

    times: Int[Array, "*channels"]
    shape: Int[Array, "*channels"]
    gap: Float[Array, "*channels"]
    jitter: Float[Array, "*channels"]
    phase: Float[Array, "*channels"]
    heavy: Bool[Array, "*channels"]
    spread: Float[Array, "*channels"]
    negative: Float[Array, "*channels"]
    duration: Float[Array, "*channels"]
    baseline: Float[Array, "*channels"]
    persistence: Float[Array, "*channels"]
    code: UInt32[Array, "*channels 2"]

    def path(self, length: int) -> SpikesPath:
        """The spikes without baseline, and where they are.

        Args:
            length: Number of time steps, as that of the series. Static.
        """

        def make(laws):
            silent = jnp.zeros((length, len(laws.times)), jnp.float32)
            return SpikesPath(*_follow(laws, silent))

        return map_channels(make, self, self.times.shape)


class Spikes(AbstractEvents):
    """Sparse spikes of drawn times, heights and shapes on a baseline.

    Spikes come at the beats of a clock (`regular`), spread over a part of their beat (`jittered`),
    or at every step as likely (`poisson`, geometric gaps). A height is exp(spread * z), z standard
    normal, or exp(spread * e), e exponential (Pareto); median or least 1. A spike is one step
    (`single`), decays as exp(-age / duration) (`exponential`), rises and decays as
    (age / duration) exp(1 - age / duration) with age from 1 (`rounded`), or is held (`box`, until
    the next one at the latest). The first spikes find nothing: there was none before. The baseline
    is y' = persistence * y + noise, in its stationary law.

    Given parameters and the past spikes, the future is a baseline, a normal law, plus shot noise at
    times that are known (regular), within windows, or memoryless: simple to sample, with closed
    moments, not in closed form.

    Attributes:
        regular, jittered, poisson: Weights of the times.
        single, exponential, rounded, box: Weights of the shapes.
        min_gap, max_gap: Least mean gap, in steps, and the largest as a share of the length;
            log-uniform between.
        jitter: Part of its beat over which a jittered spike is spread. Clipped to [0, 1].
        heavy: Probability of Pareto heights.
        spread: See above; of Pareto heights 1 / the tail index. In [0, 5].
        negative: Probability that a spike points down, drawn for each series; >= 0 and <= 1.
        duration: Share of the gap, at least one step.
        baseline: Standard deviation of the baseline, >= 0; the median height is 1.
        persistence: Autocorrelation of the baseline at lag 1. Clipped to [-1, 1].

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> import jax
        >>> drawn = Spikes(poisson=0).sample(jax.random.key(0), n=2, length=64)
        >>> drawn.series.shape, drawn.law.gap.shape
        ((2, 64), (2,))

    References:
        Daley and Vere-Jones (2003), An Introduction to the Theory of Point Processes, ch. 2 and 6.
        Rice (1944), Mathematical Analysis of Random Noise, part I (shot noise).
    """

    regular: Number = number(2.0)
    jittered: Number = number(1.0)
    poisson: Number = number(0.5)
    single: Number = number(1.0)
    exponential: Number = number(1.0)
    rounded: Number = number(1.0)
    box: Number = number(0.5)
    min_gap: Number = number(5.0)
    max_gap: Number = number(0.15)
    jitter: AbstractDistribution = distribution(Uniform(0.1, 1.0))
    heavy: Number = number(0.3)
    spread: AbstractDistribution = distribution(LogUniform(0.02, 0.6))
    negative: AbstractDistribution = distribution(Choices([0.0, 1.0, 0.5], [3, 1, 1]))
    duration: AbstractDistribution = distribution(LogUniform(0.05, 0.3))
    baseline: AbstractDistribution = distribution(LogUniform(0.02, 0.25))
    persistence: AbstractDistribution = distribution(Uniform(0.0, 0.98))

    def __check_init__(self):
        self._check_kinds(*_TIMES)
        self._check_kinds(*_SHAPES)
        self._check_laws("jitter", "duration", "persistence")
        reason = "heights up to exp(16.6 spread) must be float32"
        check_draws("Spikes", "spread", self.spread, 0, _MAX_SPREAD, reason)
        check_draws("Spikes", "negative", self.negative, 0, 1, "it is a probability")
        check_size("Spikes", "baseline", self.baseline, 0, "it is a deviation")
        checks.check_number("Spikes", "min_gap", self.min_gap, 2, 2**16)
        checks.check_number("Spikes", "max_gap", self.max_gap, 0, 100)
        checks.check_number("Spikes", "heavy", self.heavy, 0, 1)

    def check_length(self, length: int) -> None:
        self._check_least(length, _LEAST, "shorter series seldom have a spike")

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> SpikesLaw:
        bits = law_words(words, 13)
        times = self._draw_kinds(next(bits), *_TIMES)
        shape = self._draw_kinds(next(bits), *_SHAPES)
        gap = log_uniform(next(bits), self.min_gap, self.max_gap * length)
        jitter = jnp.clip(self.jitter.from_bits(next(bits)), 0, 1)
        duration = jnp.maximum(gap * self.duration.from_bits(next(bits)), 1)
        duration = jnp.where(shape == _BOX, jnp.round(duration), duration)
        return SpikesLaw(
            times=times,
            shape=shape,
            gap=gap,
            jitter=jnp.where(times == 1, jitter, 0),
            phase=jnp.where(times == _POISSON, 0, uniform(next(bits))),
            heavy=uniform(next(bits)) < self.heavy,
            spread=jnp.clip(self.spread.from_bits(next(bits)), 0, _MAX_SPREAD),
            negative=jnp.clip(self.negative.from_bits(next(bits)), 0, 1),
            duration=jnp.where(shape == _SINGLE, 1, duration),
            baseline=jnp.maximum(self.baseline.from_bits(next(bits)), 0),
            persistence=jnp.clip(self.persistence.from_bits(next(bits)), -1, 1),
            code=take(bits, 2).T,
        )

    def draw_series(
        self, laws: SpikesLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        bits = random_bits(words, length, named("series", "baseline"))
        return _follow(laws, normal_quantile(signed_uniform(bits)))[0]


def _heights(law: SpikesLaw, length: int) -> Float[Array, "time channels"]:
    """A height for every step, of which most are not used."""
    part = signed_uniform(random_bits(law.code, length, named("spikes", "heights")))
    sign = uniform(random_bits(law.code, length, named("spikes", "signs")))
    # stored: else every step would compute the numbers of its channel anew
    spread, heavy, negative = store(law.spread, law.heavy.astype(jnp.float32), law.negative)
    size = jnp.where(heavy > 0, -jnp.log((1 - part) / 2), normal_quantile(part))
    return jnp.exp(spread * size) * jnp.where(sign < negative, -1, 1)


def _follow(
    law: SpikesLaw, noise: Float[Array, "time channels"]
) -> tuple[
    Float[Array, "time channels"], Bool[Array, "time channels"], Float[Array, "time channels"]
]:
    """Series of channels on one axis, their spikes and heights; `noise` drives the baseline."""
    length = len(noise)
    bits = random_bits(law.code, length + 1, named("spikes", "times"))
    is_poisson = law.times == _POISSON
    pace = (np.float32(2.0**32) / law.gap).astype(jnp.uint32)  # ticks of 2**-32 gaps in a step
    # the last step of a beat is beyond all places, so that every beat has its spike
    span = (law.jitter * (-pace).astype(jnp.float32)).astype(jnp.uint32)
    decay = jnp.exp(-1 / law.duration)
    scale = jnp.sqrt(1 - law.persistence * law.persistence)
    steps = law.duration.astype(jnp.int32)
    top = np.float32(np.e) / law.duration

    def step(carry, drawn):
        clock, place, is_done, first, second, held, left, base = carry
        bits, height, noise = drawn
        begins = clock < pace
        place = jnp.where(begins, multiply_high(bits, span), place)
        is_done = is_done & ~begins
        is_due = ~is_done & (clock >= place)
        is_spike = jnp.where(is_poisson, bits < pace, is_due)
        is_done = is_done | is_due
        height = jnp.where(is_spike, height, 0)
        # sums of height * decay**n and height * n * decay**n over spikes of age n = 1, 2, ...
        second = decay * (second + first + height)
        first = decay * (first + height)
        held = jnp.where(is_spike, height, held)
        left = jnp.where(is_spike, steps, left - 1)
        value = jnp.where(law.shape == _EXPONENTIAL, first / decay, height)
        value = jnp.where(law.shape == _ROUNDED, top * second, value)
        value = jnp.where(law.shape == _BOX, jnp.where(left > 0, held, 0), value)
        out = value + law.baseline * base, is_spike, height
        base = law.persistence * base + scale * noise
        return (clock + pace, place, is_done, first, second, held, left, base), out

    clock = to_ticks(law.phase)
    place = multiply_high(bits[0], span)
    zero = jnp.zeros_like(law.gap)
    is_done = (clock >= pace) & (clock - pace >= place)
    left = jnp.zeros_like(steps)
    start = (clock, place, is_done, zero, zero, zero, left, noise[0])
    # the noise of a step makes the baseline of the next
    drawn = bits[1:], _heights(law, length), jnp.concatenate([noise[1:], noise[:1]])
    return jax.lax.scan(step, start, drawn)[1]

"""Periodic waveforms of many shapes, superposed."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, store, uniform
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Uniform, distribution
from s2jax.inputs._events import (
    AbstractEvents,
    add_noise,
    law_words,
    log_uniform,
    sine,
    take,
    to_ticks,
    to_turns,
)
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import check_size

_KINDS = ("sine", "saw", "triangle", "square", "pulse", "chirp", "damped")
_SINE, _SAW, _TRIANGLE, _SQUARE, _PULSE, _CHIRP, _DAMPED = range(7)
_LEAST = 8


class WaveformsLaw(eqx.Module):
    """What a superposition of waveforms is drawn from. Waves beyond `num_waves` are 0.

    With p = phase + t / period, and frac its part below 1, a wave is `amplitude` times

    | kind | |
    |---|---|
    | 0 sine | sin(2 pi p) |
    | 1 saw | 2 frac - 1 |
    | 2 triangle | from -1 at frac = 0 to 1 at frac = duty, and back |
    | 3 square | 1 if frac < duty, else -1 |
    | 4 pulse | 1 if frac < duty, else 0 |
    | 5 chirp | sin(2 pi (p + (1 / last_period - 1 / period) t (t - 1) / (2 length - 2))) |
    | 6 damped | exp(-age / decay) sin(2 pi age / period) |

    with age = interval * frac(phase + t / interval), in steps since it was struck. The sum is
    multiplied by 1 + depth sin(2 pi (modulation_phase + t / modulation_period)).

    Attributes:
        num_waves: Number of waves.
        kind: Of each wave.
        period: In steps; of a chirp, at the first step.
        last_period: At the last step; that of a chirp differs.
        phase: At the first step, in turns.
        duty: See the table; 0 where it plays no part.
        amplitude: Negative for waves upside down.
        interval, decay: Of damped waves: steps between strikes, steps to 1 / e.
        depth, modulation_period, modulation_phase: The modulation of the sum; depth 0 if none.
        noise: Standard deviation of the white noise.
    """

    num_waves: Int[Array, "*channels"]
    kind: Int[Array, "*channels waves"]
    period: Float[Array, "*channels waves"]
    last_period: Float[Array, "*channels waves"]
    phase: Float[Array, "*channels waves"]
    duty: Float[Array, "*channels waves"]
    amplitude: Float[Array, "*channels waves"]
    interval: Float[Array, "*channels waves"]
    decay: Float[Array, "*channels waves"]
    depth: Float[Array, "*channels"]
    modulation_period: Float[Array, "*channels"]
    modulation_phase: Float[Array, "*channels"]
    noise: Float[Array, "*channels"]

    def signal(self, length: int) -> Float[Array, "*channels time"]:
        """The series without its noise.

        Args:
            length: Number of time steps, as that of the series. Static.
        """
        return map_channels(lambda laws: _sum_waves(laws, length), self, self.num_waves.shape)


class Waveforms(AbstractEvents):
    """One or a few waves of drawn shapes, periods and phases, modulated and with noise.

    Phases are counted in whole ticks of 2**-32 turns, so that they neither drift nor lose digits,
    however long the series; the frequency is that of the period to 2**-24 of it. The formulas stand
    at `WaveformsLaw`.

    The signal is a function of the parameters and the noise is white: given the parameters, the
    future is normal with the signal as its mean, so the conditional law is tractable.

    Attributes:
        sine, saw, triangle, square, pulse, chirp, damped: Weights of the kinds.
        max_waves: Largest number of waves, uniform from 1. Static.
        min_period, max_period: Shortest period, in steps, and the longest as a share of the length;
            log-uniform between. Those of a chirp are drawn twice, for its two ends.
        duty: Share of the period in which a square is high and a triangle rises.
        width: Share of the period that a pulse lasts, at least one step.
        amplitude: Size of each wave, whose sign is drawn.
        modulated: Probability that the amplitude is modulated, with a period of 16 steps or more.
        depth: Of the modulation, relative to the amplitude; >= 0.
        noise: Standard deviation of white noise; >= 0.
        noisy: Probability that there is noise.

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> import jax
        >>> drawn = Waveforms(sine=0, max_waves=2).sample(jax.random.key(0), n=4, length=64)
        >>> drawn.series.shape, drawn.law.period.shape
        ((4, 64), (4, 2))

    References:
        Oppenheim and Schafer, Discrete-Time Signal Processing (linear chirps, phase accumulators).
    """

    sine: Number = number(2.0)
    saw: Number = number(1.0)
    triangle: Number = number(1.0)
    square: Number = number(1.0)
    pulse: Number = number(1.0)
    chirp: Number = number(0.5)
    damped: Number = number(1.0)
    max_waves: int = eqx.field(static=True, default=3)
    min_period: Number = number(4.0)
    max_period: Number = number(0.4)
    duty: AbstractDistribution = distribution(Uniform(0.1, 0.9))
    width: AbstractDistribution = distribution(LogUniform(0.02, 0.2))
    amplitude: AbstractDistribution = distribution(LogUniform(0.2, 1.0))
    modulated: Number = number(0.3)
    depth: AbstractDistribution = distribution(Uniform(0.2, 0.9))
    noise: AbstractDistribution = distribution(LogUniform(0.02, 0.3))
    noisy: Number = number(0.8)

    def __check_init__(self):
        self._check_kinds(*_KINDS)
        self._check_laws("duty", "width")
        check_size("Waveforms", "amplitude", self.amplitude)
        check_size("Waveforms", "depth", self.depth, 0, "its phase is drawn")
        check_size("Waveforms", "noise", self.noise, 0, "it is a deviation")
        checks.check_number("Waveforms", "min_period", self.min_period, 2, 2**16)
        checks.check_number("Waveforms", "max_period", self.max_period, 0, 100)
        checks.check_number("Waveforms", "modulated", self.modulated, 0, 1)
        checks.check_number("Waveforms", "noisy", self.noisy, 0, 1)
        checks.check_static_integer("Waveforms", "max_waves", self.max_waves, 1, 64)

    def check_length(self, length: int) -> None:
        self._check_least(length, _LEAST, "shorter series show no wave")

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> WaveformsLaw:
        size = self.max_waves
        bits = law_words(words, 7 + 9 * size)
        num_waves = 1 + below(next(bits), size)
        used = jnp.arange(size, dtype=jnp.int32)[:, None] < num_waves
        kind = self._draw_kinds(take(bits, size), *_KINDS)
        longest = self.max_period * length
        period = log_uniform(take(bits, size), self.min_period, longest)
        last = log_uniform(take(bits, size), self.min_period, longest)
        interval = log_uniform(take(bits, size), 3 * period, length)
        sign, scale = take(bits, size), take(bits, size)
        amplitude = self.amplitude.from_bits(scale) * jnp.where(uniform(sign) < 0.5, -1, 1)
        drawn = take(bits, size)
        duty = jnp.clip(self.duty.from_bits(drawn), 0.001, 0.999)
        # a pulse of less than a step would come and go between the steps
        width = jnp.clip(jnp.maximum(self.width.from_bits(drawn), 1 / period), 0.001, 0.999)
        is_damped = kind == _DAMPED
        of_kind = jnp.where((kind == _TRIANGLE) | (kind == _SQUARE), duty, 0)
        of_kind = jnp.where(kind == _PULSE, width, of_kind)
        fraction = 0.1 + 0.4 * uniform(take(bits, size))
        depth = jnp.where(uniform(next(bits)) < self.modulated, self.depth.from_bits(next(bits)), 0)
        noise = jnp.where(uniform(next(bits)) < self.noisy, self.noise.from_bits(next(bits)), 0)
        depth, noise = jnp.maximum(depth, 0), jnp.maximum(noise, 0)
        slow = log_uniform(next(bits), 16.0, length)
        keep = lambda field: jnp.where(used, field, 0).T
        return WaveformsLaw(
            num_waves=num_waves,
            kind=keep(kind),
            period=keep(period),
            last_period=keep(jnp.where(kind == _CHIRP, last, period)),
            phase=keep(uniform(take(bits, size))),
            duty=keep(of_kind),
            amplitude=keep(amplitude),
            interval=keep(jnp.where(is_damped, interval, 0)),
            decay=keep(jnp.where(is_damped, interval * fraction, 0)),
            depth=depth,
            modulation_period=jnp.where(depth > 0, slow, 0),
            modulation_phase=jnp.where(depth > 0, uniform(next(bits)), 0),
            noise=noise,
        )

    def draw_series(
        self, laws: WaveformsLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        signal = _sum_waves(laws, length)
        return add_noise(signal, laws.noise, words)


def _to_frequency(period: Float[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """Ticks of 2**-32 turns per step; 0 where there is no period."""
    ticks = np.float32(2.0**32) / jnp.maximum(period, 2)
    return jnp.where(period > 0, ticks, 0).astype(jnp.uint32)


def _sum_waves(law: WaveformsLaw, length: int) -> Float[Array, "time channels"]:
    """All waves of channels on one axis, without noise."""
    time = jnp.arange(length, dtype=jnp.uint32)
    # t (t - 1) / 2 modulo 2**32
    pairs = jnp.where(time % 2 == 0, time // 2 * (time - 1), (time - 1) // 2 * time)
    time, pairs = (part[:, None] for part in store(time, pairs))
    clocks, shapes = _prepare(law, length)
    total = jnp.zeros((length, law.num_waves.shape[0]), jnp.float32)
    for index in range(law.kind.shape[1]):
        start, frequency, sweep, high, kind = clocks[:, index]
        clock = start + frequency * time + sweep * pairs
        total = total + _make_wave(kind, clock, clock < high, *shapes[:, index])
    # stored twice over, because one array alone is not
    depth, _ = store(law.depth, law.depth)
    start, frequency = store(to_ticks(law.modulation_phase), _to_frequency(law.modulation_period))
    return total * (1 + depth * sine(to_turns(start + frequency * time)))


def _prepare(law: WaveformsLaw, length: int) -> tuple[Array, ...]:
    """Numbers `(numbers, waves, channels)`: of clocks in ticks, the kind last, and of shapes."""
    is_damped = law.kind == _DAMPED
    frequency = _to_frequency(jnp.where(is_damped, law.interval, law.period))
    last = jnp.where(is_damped, frequency, _to_frequency(law.last_period))
    # a difference of words is exact as a two's complement
    gap = jax.lax.bitcast_convert_type(last - frequency, jnp.int32)
    sweep = jax.lax.bitcast_convert_type(gap // (length - 1), jnp.uint32)
    clocks = [to_ticks(law.phase), frequency, sweep, to_ticks(law.duty)]
    rise = 2 / jnp.maximum(law.duty, 0.001)
    fall = 2 / (1 - law.duty)
    cycles = law.interval / jnp.maximum(law.period, 2)
    decay = law.interval / jnp.where(is_damped, law.decay, 1)
    shapes = [law.amplitude, law.duty, rise, fall, cycles, decay]
    # stored: else every step of every channel would compute these numbers anew
    stack = lambda fields: jnp.stack(store(*(field.T for field in fields)))
    return stack([*clocks, law.kind.astype(jnp.uint32)]), stack(shapes)


def _make_wave(
    kind, clock: UInt32[Array, "time channels"], is_high, amplitude, duty, rise, fall, cycles, decay
) -> Float[Array, "time channels"]:
    turns = (clock >> np.uint32(8)).astype(jnp.float32) * np.float32(2.0**-24)
    struck = cycles * turns
    angle = jnp.where(kind == _DAMPED, struck - jnp.round(struck), to_turns(clock))
    shape = jnp.exp(-decay * turns) * sine(angle)
    shape = jnp.where(kind == _SAW, 2 * turns - 1, shape)
    up_down = jnp.where(is_high, rise * turns - 1, 1 - fall * (turns - duty))
    shape = jnp.where(kind == _TRIANGLE, up_down, shape)
    shape = jnp.where(kind == _SQUARE, jnp.where(is_high, 1.0, -1.0), shape)
    shape = jnp.where(kind == _PULSE, jnp.where(is_high, 1.0, 0.0), shape)
    return amplitude * shape

"""Sums of modes: tones, chirps, modulated and sawtooth waves with envelopes and trends."""

from functools import partial
from operator import itemgetter

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, normal_quantile, random_bits, signed_uniform, store, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number, Whole, number, whole
from s2jax.distributions import check_list, check_weights, floats, stack
from s2jax.inputs import _imf_parts as parts
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._laws import store_laws

_DRAWN: tuple[str, ...] = (
    "kind", "frequency", "amplitude", "is chirp", "chirp", "phase", "duration", "carrier",
    "modulation", "modulating", "has envelope", "envelope", "is inverted", "centre", "width",
    "asymmetry", "has trend", "trend", "strength", "segments",
)  # fmt: skip
"""What is drawn for every mode, uniform in [0, 1) at first."""
_ENVELOPE_SHARES = (1 / 2, 1 / 4, 1 / 4)
_TREND_SHARES = (1 / 3, 1 / 3, 1 / 9, 1 / 18, 1 / 18, 1 / 18, 1 / 18)
"""Of kinds 1 to 7: a third are lines, broken lines, and others; squares come in twice."""


class IMFLaw(eqx.Module):
    """Modes of a series: each is amplitude * carrier * envelope, and half of it and a trend.

    Time t is 0 at the first step and 1 at the last. Components are base modes, chosen ones and
    wavelets, in this order. With h = 1/2 if a mode has a trend and 1 if not, the series without
    noise is a multiple of

        sum_k h_k (amplitude_k carrier_k(t) envelope_k(t) + trend_k(t))

    Attributes:
        kind: 0 unused, 1 tone or chirp, 2 amplitude-modulated, 3 sawtooth.
        amplitude: Of the carrier.
        frequency: Cycles per series, at its beginning.
        chirp: By how many cycles per series it grows until the end.
        phase: In turns. Waves are sin(2 pi (phase + frequency t + chirp t^2 / 2)).
        modulation, modulating: The wave is multiplied by 1 + modulation cos(2 pi modulating t).
        envelope: 0 none, 1 Gaussian, 2 hyperbolic secant, 3 Tukey's.
        is_inverted: Whether it is turned over, a dip.
        centre, width: Where it is and how wide, as shares of the series.
        asymmetry: By how much it is wider on its right.
        trend: 0 none, 1 line, 2 broken line, 3 square, 4 exponential, 5 logarithm, 6 sigmoid, 7
            spline.
        trend_strength: Root mean square of the trend over that of its mode, with its direction.
        num_segments: Equal segments of a broken line.
        knots: Steps of a broken line in each segment over the root mean square of its mode; values
            of a spline, up to a factor and a constant.
        noise_level: Deviation of the noise over the root mean square of the rest.
        energy: Mean square of the series, its noise included.
    """

    kind: Int[Array, "*channels components"]
    amplitude: Float[Array, "*channels components"]
    frequency: Float[Array, "*channels components"]
    chirp: Float[Array, "*channels components"]
    phase: Float[Array, "*channels components"]
    modulation: Float[Array, "*channels components"]
    modulating: Float[Array, "*channels components"]
    envelope: Int[Array, "*channels components"]
    is_inverted: Bool[Array, "*channels components"]
    centre: Float[Array, "*channels components"]
    width: Float[Array, "*channels components"]
    asymmetry: Float[Array, "*channels components"]
    trend: Int[Array, "*channels components"]
    trend_strength: Float[Array, "*channels components"]
    num_segments: Int[Array, "*channels components"]
    knots: Float[Array, "*channels components 5"]
    noise_level: Float[Array, "*channels"]
    energy: Float[Array, "*channels"]


class IMF(AbstractBatchedSeries):
    """Sums of oscillating modes as those that mode decompositions find, with noise.

    A series has base modes, which are tones; chosen modes, which are tones, amplitude-modulated or
    sawtooth waves; and wavelets, which are tones of amplitude U(0.2, 2) with an envelope.
    Amplitudes decay as the square root of frequency. A tone is a chirp of rate U(-6, 6) with
    `chirp_prob`; a mode has an envelope (Gaussian 1/2, secant 1/4, Tukey 1/4; 15 % turned over) and
    a trend (a line, a broken line or a curve, each 1/3) with the probabilities below. `IMFLaw` has
    the formula.

    Given the law without `energy`, which the noise is part of, its values are independent, so the
    law of the future is tractable.

    Attributes:
        min_base_imfs, max_base_imfs: Number of base modes. The largest is static.
        min_choice_imfs, max_choice_imfs: Number of chosen modes. The largest is static.
        min_wavelets, max_wavelets: Number of wavelets. The largest is static.
        weights: Of tones, modulated and sawtooth waves among chosen modes.
        min_amplitude, max_amplitude: Amplitudes of base and chosen modes before they decay.
        min_frequency, max_frequency: Frequencies, in cycles per series; of sawtooth waves, per unit
            of their duration.
        min_duration, max_duration: How many units of time a modulated or sawtooth wave lasts.
        noise_level: Deviation of the noise over the root mean square of the rest.
        upper_energy: The mean square of a series is uniform between 0.05 and 1.05 times this.
        envelope_prob, trend_prob, chirp_prob: Probabilities.

    Raises:
        TypeError, ValueError: If a field is of the wrong kind or out of range.

    Example:
        >>> import jax
        >>> plain = IMF(max_choice_imfs=0, min_choice_imfs=0, max_wavelets=0, trend_prob=0)
        >>> drawn = plain.sample(jax.random.key(0), n=2, length=40)
        >>> drawn.series.shape, drawn.law.frequency.shape
        ((2, 40), (2, 4))

    References:
        Wang et al. (2025), s2generator 0.0.23, `IntrinsicModeFunction`.
    """

    min_base_imfs: Whole = whole(2)
    max_base_imfs: int = eqx.field(static=True, default=4)
    min_choice_imfs: Whole = whole(1)
    max_choice_imfs: int = eqx.field(static=True, default=5)
    min_wavelets: Whole = whole(0)
    max_wavelets: int = eqx.field(static=True, default=3)
    weights: tuple[Number, ...] | Float[Array, " kinds"] = eqx.field(
        converter=floats, default=(0.6, 0.2, 0.2)
    )
    min_amplitude: Number = number(0.01)
    max_amplitude: Number = number(10.0)
    min_frequency: Number = number(0.01)
    max_frequency: Number = number(8.0)
    min_duration: Number = number(0.5)
    max_duration: Number = number(10.0)
    noise_level: Number = number(0.1)
    upper_energy: Number = number(32.0)
    envelope_prob: Number = number(0.4)
    trend_prob: Number = number(0.35)
    chirp_prob: Number = number(0.25)

    def __check_init__(self):
        total = 0
        for name in ("base_imfs", "choice_imfs", "wavelets"):
            high = getattr(self, f"max_{name}")
            checks.check_static_integer("IMF", f"max_{name}", high, 0, 16)
            low = getattr(self, f"min_{name}")
            checks.check_number("IMF", f"min_{name}", low, 0, high, integer=True)
            total += low if checks.is_concrete(low) else 1
        if total == 0:
            raise ValueError(
                "IMF(min_base_imfs=0, min_choice_imfs=0, min_wavelets=0): at least one must be "
                "> 0, because a series without modes is zero. Raise one."
            )
        check_list("IMF", "weights", self.weights)
        check_weights("IMF", "kinds of wave", 3, self.weights)
        for name, least in (("amplitude", 1e-6), ("frequency", 1e-6), ("duration", 0.01)):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            checks.check_number("IMF", f"min_{name}", low, least, 1e4)
            bound = float(low) if checks.is_concrete(low) else least
            checks.check_number("IMF", f"max_{name}", high, bound, 1e4)
        checks.check_number("IMF", "noise_level", self.noise_level, 0, 1e3)
        checks.check_number("IMF", "upper_energy", self.upper_energy, 1e-6, 1e12)
        for name in ("envelope_prob", "trend_prob", "chirp_prob"):
            checks.check_number("IMF", name, getattr(self, name), 0, 1)

    @property
    def num_components(self) -> int:
        """Of base modes, chosen modes and wavelets, at most."""
        return self.max_base_imfs + self.max_choice_imfs + self.max_wavelets

    def law(self, draws: Draws, length: int) -> IMFLaw:
        # one block of words for all: each draw of its own would be a program of its own
        words = draws.bits("modes", (len(_DRAWN) + parts.NUM_KNOTS, self.num_components))
        part: dict[str, Array] = dict(zip(_DRAWN, uniform(words), strict=False))
        kind = self._draw_kinds(draws, part["kind"])
        used = kind != parts.UNUSED
        only = lambda condition, values: jnp.where(condition & used, values, jnp.zeros_like(values))
        envelope = 1 + _among(part["envelope"], _ENVELOPE_SHARES)
        has_envelope = (part["has envelope"] < self.envelope_prob) | self._is_wavelet
        trend = 1 + _among(part["trend"], _TREND_SHARES)
        has_trend = part["has trend"] < self.trend_prob
        is_broken = has_trend & (trend == parts.BROKEN_LINE)
        is_spline = has_trend & (trend == parts.SPLINE)
        segments = _whole(part["segments"], 2, parts.MAX_SEGMENTS)
        knots = _draw_knots(words[len(_DRAWN) :], is_spline, segments)
        return IMFLaw(
            kind=kind,
            **{name: only(True, one) for name, one in self._waves(part, kind, length).items()},
            envelope=only(has_envelope, envelope),
            is_inverted=has_envelope & used & (part["is inverted"] < 0.15),
            centre=only(has_envelope, _between(part["centre"], 0.05, 0.95)),
            width=only(has_envelope, _between(part["width"], 0.05, 0.35)),
            asymmetry=only(has_envelope, _between(part["asymmetry"], 0.5, 2.0)),
            trend=only(has_trend, trend),
            trend_strength=only(has_trend & ~is_broken, _signed(part["strength"])),
            num_segments=only(is_broken, segments),
            knots=only(is_broken | is_spline, knots).T,
            noise_level=jnp.asarray(self.noise_level, jnp.float32),
            energy=self.upper_energy * draws.uniform("energy", 0.05, 1.05),
        )

    @property
    def _is_wavelet(self) -> np.ndarray:
        return np.arange(self.num_components) >= self.max_base_imfs + self.max_choice_imfs

    def _draw_kinds(self, draws: Draws, part) -> Int[Array, " components"]:
        """Of each group its first ones are used, as many as are drawn."""
        lows = (self.min_base_imfs, self.min_choice_imfs, self.min_wavelets)
        highs = (self.max_base_imfs, self.max_choice_imfs, self.max_wavelets)
        words = draws.bits("counts", (3,))
        counts = [
            low + below(word, high - low + 1)
            for low, high, word in zip(lows, highs, words, strict=True)
        ]
        rank = np.concatenate([np.arange(high) for high in highs]).astype(np.int32)
        group = np.repeat(np.arange(3), highs)
        weights = stack(self.weights)
        edges = jnp.cumsum(weights / weights.sum())
        chosen = 1 + (part >= edges[0]).astype(jnp.int32) + (part >= edges[1]).astype(jnp.int32)
        kind = jnp.where(group == 1, chosen, parts.TONE)
        return jnp.where(rank < jnp.stack(counts)[group], kind, parts.UNUSED)

    def _waves(self, part: dict[str, Array], kind, length: int) -> dict[str, Array]:
        is_modulated = kind == parts.MODULATED
        frequency = _between(part["frequency"], self.min_frequency, self.max_frequency)
        low = jnp.where(self._is_wavelet, 0.2, self.min_amplitude)
        high = jnp.where(self._is_wavelet, 2.0, self.max_amplitude)
        decay = jnp.clip(jnp.sqrt(self.max_frequency / frequency), 0.25, 4)
        duration = _between(part["duration"], self.min_duration, self.max_duration)
        # a whole number of steps per unit of time, of which the series is filled
        rate = jnp.ceil(length / duration)
        steps = jnp.maximum(jnp.floor(rate * duration), length)
        cycles = duration * (length - 1) / steps
        fastest = jnp.clip(jnp.floor(0.2 * rate), 2, 150)
        carrier = _whole(part["carrier"], jnp.clip(fastest - 1, 1, 50), fastest)
        modulating = _whole(part["modulating"], 1, jnp.clip(jnp.floor(0.05 * rate), 2, 16) - 1)
        in_time = jnp.where(is_modulated, carrier.astype(jnp.float32), frequency) * cycles
        is_chirp = (part["is chirp"] < self.chirp_prob) & (kind == parts.TONE)
        return {
            "amplitude": _between(part["amplitude"], low, high) * decay,
            "frequency": jnp.where(kind == parts.TONE, frequency, in_time),
            "chirp": jnp.where(is_chirp, _between(part["chirp"], -6.0, 6.0), 0),
            "phase": part["phase"],
            "modulation": jnp.where(is_modulated, _whole(part["modulation"], 1, 3), 0).astype(
                jnp.float32
            ),
            "modulating": jnp.where(is_modulated, modulating.astype(jnp.float32) * cycles, 0),
        }

    def draw_series(
        self, laws: IMFLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        bits = random_bits(words, length, named("series", "noise"))
        return self._make(store_laws(laws), bits, length)

    def _make(
        self, laws: IMFLaw, bits: UInt32[Array, "time channels"], length: int
    ) -> Float[Array, "time channels"]:
        """Modes, trends, noise, and the energy of all; series are 0 only if all is."""
        law = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), laws)
        time = jnp.arange(length, dtype=jnp.int32).astype(jnp.float32)[:, None] / (length - 1)
        total, sizes = self._add_modes(law, time)
        trend = parts.Trend(
            law.trend, law.trend_strength, law.num_segments, jnp.moveaxis(law.knots, 1, 0)
        )
        (weights,) = store(0.5 * parts.trend_weights(trend, sizes, length))
        for function, weight in zip(parts.trend_basis(time), weights, strict=True):
            total = total + function * weight
        size = jnp.sqrt((total * total).mean(0))
        noisy = total + law.noise_level * size * normal_quantile(signed_uniform(bits))
        return noisy * jnp.sqrt(law.energy / jnp.maximum((noisy * noisy).mean(0), 1e-30))

    def _add_modes(self, law: IMFLaw, time):
        """Their sum, and the root mean square of each before it is halved beside a trend."""
        half = jnp.where(law.trend == parts.NO_TREND, 1.0, 0.5)
        carriers = parts.Carrier(
            law.kind, law.frequency, law.chirp, law.phase, law.modulation, law.modulating
        )
        envelopes = parts.Envelope(
            law.envelope, law.is_inverted, law.centre, law.width, law.asymmetry
        )

        def add(total, one, is_tone):
            carrier, envelope, amplitude, half = one
            mode = parts.make_carrier(carrier, time, is_tone) * amplitude
            mode = mode * parts.make_envelope(envelope, time)
            return total + half * mode, jnp.sqrt((mode * mode).mean(0))

        total = jnp.zeros((len(time), law.energy.shape[0]), jnp.float32)
        sizes = []
        numbers = (self.max_base_imfs, self.max_choice_imfs, self.max_wavelets)
        of_all = (carriers, envelopes, law.amplitude, half)
        for group, count in enumerate(numbers):
            first = sum(numbers[:group])
            of_group = jax.tree.map(itemgetter(slice(first, first + count)), of_all)
            total, size = jax.lax.scan(partial(add, is_tone=group != 1), total, of_group)
            sizes.append(size)
        return total, jnp.concatenate(sizes)


def _between(part: Float[Array, "*shape"], low, high) -> Float[Array, "*shape"]:
    return low * (1 - part) + high * part


def _whole(part: Float[Array, "*shape"], low, high) -> Int[Array, "*shape"]:
    """Uniform in {low, ..., high}, to 1e-5."""
    count = jnp.asarray(high - low + 1, jnp.float32)
    return jnp.asarray(low).astype(jnp.int32) + jnp.floor(part * count).astype(jnp.int32)


def _signed(part: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """+-U(0.3, 1.5)."""
    signed = 2 * part - 1
    return jnp.where(signed < 0, -1.0, 1.0) * _between(jnp.abs(signed), 0.3, 1.5)


def _among(part: Float[Array, "*shape"], shares: tuple[float, ...]) -> Int[Array, "*shape"]:
    """A position in shares that sum to 1."""
    edges = np.cumsum(shares)[:-1].astype(np.float32)
    return sum(
        ((part >= edge).astype(jnp.int32) for edge in edges), jnp.zeros(part.shape, jnp.int32)
    )


def _draw_knots(words, is_spline, segments) -> Float[Array, "knots components"]:
    """Random walks for splines, and steps of segments for broken lines."""
    walk = jnp.cumsum(normal_quantile(signed_uniform(words)), axis=0)
    place = jnp.arange(parts.NUM_KNOTS, dtype=jnp.int32)[:, None]
    steps = jnp.where(place < segments, _signed(uniform(words)), 0)
    return jnp.where(is_spline, walk, steps)

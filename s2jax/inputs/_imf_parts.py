"""What the parts of an `IMF` series are: carriers, envelopes and trends, by time and channel."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

UNUSED, TONE, MODULATED, SAWTOOTH = range(4)
NO_ENVELOPE, GAUSSIAN, SECH, TUKEY = range(4)
NO_TREND, LINE, BROKEN_LINE, SQUARE, EXPONENTIAL, LOGARITHM, SIGMOID, SPLINE = range(8)

NUM_KNOTS = 5
MAX_SEGMENTS = 4
_BENDS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)  # where lines of 2, 3 or 4 equal segments break
_SINE = tuple((-1) ** k * (2 * np.pi) ** (2 * k + 1) / float(np.prod(np.arange(1.0, 2 * k + 2)))
              for k in range(6))  # fmt: skip
_NUM_CUBICS = 4


class Carrier(NamedTuple):
    """Numbers of one wave, of a channel each."""

    kind: Int[Array, " channels"]
    frequency: Float[Array, " channels"]
    chirp: Float[Array, " channels"]
    phase: Float[Array, " channels"]
    modulation: Float[Array, " channels"]
    modulating: Float[Array, " channels"]


class Envelope(NamedTuple):
    """Numbers of one envelope, of a channel each."""

    kind: Int[Array, " channels"]
    inverted: Bool[Array, " channels"]
    centre: Float[Array, " channels"]
    width: Float[Array, " channels"]
    asymmetry: Float[Array, " channels"]


def make_carrier(
    carrier: Carrier, time: Float[Array, "time 1"], is_tone: bool
) -> Float[Array, "time channels"]:
    """A wave; `is_tone` says that no channel has another kind, which costs half."""
    turns = carrier.phase + time * (carrier.frequency + 0.5 * carrier.chirp * time)
    wave = sine_of_turns(turns)
    if is_tone:
        return wave
    # 1/4 makes a cosine
    modulating = sine_of_turns(time * carrier.modulating + np.float32(0.25))
    wave = wave * (1 + carrier.modulation * modulating)
    return jnp.where(carrier.kind == SAWTOOTH, 2 * (turns - jnp.floor(turns)) - 1, wave)


def sine_of_turns(turns: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """sin(2 pi turns), to 2e-7 beyond the rounding of `turns`; a polynomial that vectorises."""
    rest = turns - jnp.round(turns)
    size = jnp.abs(rest)
    size = jnp.minimum(size, 0.5 - size)
    square = size * size
    value = jnp.zeros_like(size)
    for coefficient in _SINE[::-1]:
        value = value * square + np.float32(coefficient)
    return jnp.where(rest < 0, -size, size) * value


def make_envelope(
    envelope: Envelope, time: Float[Array, "time 1"]
) -> Float[Array, "time channels"]:
    """Between 0 and 1, and 1 somewhere."""
    plain = _bump(envelope, time)
    # turned over it is largest where it was least, at an end
    ends = _bump(envelope, jnp.array([[0.0], [1.0]], jnp.float32))
    inverse = 1 / jnp.maximum(1 - ends.min(0), np.float32(1e-6))
    shaped = jnp.where(envelope.inverted, (1 - plain) * inverse, plain)
    return jnp.where(envelope.kind == NO_ENVELOPE, 1, shaped)


def _bump(envelope: Envelope, time: Float[Array, "time 1"]) -> Float[Array, "time channels"]:
    away = time - envelope.centre
    size = jnp.abs(away)
    z = size / jnp.where(away < 0, envelope.width, envelope.width * envelope.asymmetry)
    power = jnp.exp(jnp.where(envelope.kind == GAUSSIAN, -0.5 * z * z, -z))
    smooth = jnp.where(envelope.kind == GAUSSIAN, power, 2 * power / (1 + power * power))
    taper = jnp.clip(2 * size / envelope.width - 1, 0, 1)  # 0 in the inner half, 1 outside
    flat = 0.5 + 0.5 * sine_of_turns(0.25 + 0.5 * taper)
    return jnp.where(envelope.kind == TUKEY, flat, smooth)


class Trend(NamedTuple):
    """Numbers of the trends of all components."""

    kind: Int[Array, "components channels"]
    strength: Float[Array, "components channels"]
    segments: Int[Array, "components channels"]
    knots: Float[Array, "knots components channels"]


def trend_basis(time: Float[Array, "time 1"]) -> list[Float[Array, "time 1"]]:
    """Functions that all trends are sums of, each of the kinds that it belongs to."""
    rising = [jnp.maximum(time - np.float32(bend), 0) for bend in _BENDS]
    late = jnp.maximum(time - 0.5, 0)
    cubics = [time, time * time, time * time * time, late * late * late]
    sigmoid = (1 / (1 + jnp.exp(4 - 8 * time)) - _SIGMOID[0]) * _SIGMOID[1]
    steep = jnp.expm1(2 * time) * np.float32(1 / np.expm1(2))
    slow = jnp.log1p(2 * time) * np.float32(1 / np.log(3))
    return [*cubics, steep, slow, sigmoid, *rising]


_SIGMOID = (np.float32(1 / (1 + np.exp(4))), np.float32(1 / np.tanh(2)))  # from 0 to 1


def trend_weights(trend: Trend, size: Float[Array, "components channels"], length: int) -> Array:
    """Of every function of `trend_basis`, summed over components: (functions, channels).

    Args:
        trend: What was drawn.
        size: Root mean square of each component, which strengths are multiples of.
        length: Time steps. Static.
    """
    gram, sizes = _sizes(length)
    shape = trend.strength * size
    zero = jnp.zeros_like(shape)
    cubics, rest = [zero] * _NUM_CUBICS, [zero] * 3
    # t, t^2 and the three shapes, which all have the size of their strength
    for kind, place in ((LINE, 0), (SQUARE, 1)):
        cubics[place] = jnp.where(trend.kind == kind, shape / sizes[place], cubics[place])
    for place, kind in enumerate((EXPONENTIAL, LOGARITHM, SIGMOID)):
        rest[place] = jnp.where(trend.kind == kind, shape / sizes[2 + place], 0)
    spline = _spline_coefficients(trend.knots)
    square = sum(
        spline[i] * spline[j] * gram[i, j] for i in range(_NUM_CUBICS) for j in range(_NUM_CUBICS)
    )
    rises = jnp.where(trend.knots[-1] < trend.knots[0], -1.0, 1.0)
    factor = shape * rises / jnp.sqrt(jnp.maximum(square, np.float32(1e-12)))
    for place in range(_NUM_CUBICS):
        cubics[place] = jnp.where(trend.kind == SPLINE, spline[place] * factor, cubics[place])
    slopes = trend.knots[:MAX_SEGMENTS] * trend.segments.astype(jnp.float32) * size
    is_broken = trend.kind == BROKEN_LINE
    cubics[0] = jnp.where(is_broken, slopes[0], cubics[0])
    bends = [zero] * len(_BENDS)
    for count in range(2, MAX_SEGMENTS + 1):
        mine = is_broken & (trend.segments == count)
        for number in range(1, count):
            place = _BENDS.index(number / count)
            bends[place] = jnp.where(mine, slopes[number] - slopes[number - 1], bends[place])
    return jnp.stack([one.sum(0) for one in (*cubics, *rest, *bends)])


def _sizes(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Products of the cubics' functions on average, and root mean squares of the fixed shapes."""
    t = np.linspace(0, 1, length)
    cubics = np.stack([t, t**2, t**3, np.maximum(t - 0.5, 0) ** 3])
    sigmoid = (1 / (1 + np.exp(4 - 8 * t)) - _SIGMOID[0]) * _SIGMOID[1]
    shapes = np.stack(
        [t, t**2, np.expm1(2 * t) / np.expm1(2), np.log1p(2 * t) / np.log(3), sigmoid]
    )
    gram = (cubics @ cubics.T / length).astype(np.float32)
    return gram, np.sqrt((shapes**2).mean(1)).astype(np.float32)


def _spline_coefficients(knots: Float[Array, "knots ..."]) -> list[Array]:
    """Of the cubic spline through five knots from 0 on, whose only break is in the middle."""
    t = np.linspace(0, 1, NUM_KNOTS)[1:]
    matrix = np.stack([t, t**2, t**3, np.maximum(t - 0.5, 0) ** 3], axis=1)
    inverse = np.linalg.inv(matrix).astype(np.float32)
    above = knots[1:] - knots[:1]
    zero = jnp.zeros_like(above[0])
    return [
        sum((inverse[i, j] * above[j] for j in range(_NUM_CUBICS)), zero)
        for i in range(_NUM_CUBICS)
    ]

"""What solutions do, from their samples alone: they settle, turn, oscillate or repeat."""

import itertools
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

CLASSES = ("settled", "monotone", "few turns", "transient", "periodic", "modulated")
"""Names of the classes, in the order of `Behaviour.kind`."""

SETTLED, MONOTONE, FEW, TRANSIENT, PERIODIC, MODULATED = range(len(CLASSES))
MIN_LENGTH = 16
WIGGLE = 0.005  # of the range: what is smaller is no turn
_REST = 0.02  # of the range, in the last quarter
_MANY_TURNS = 4
_LEFT, _ALIKE, _AS_ALIKE = 0.7, 0.99, 0.005  # similarity of what a period lies between
_STEADY, _UNSTEADY = 0.15, 0.5  # drift of the energy
_DECAY, _DECAY_BY_QUARTER = 0.3, 0.03  # of the logarithm of the swing, in all and by quarter
_STILL = 1e-3  # deviation in the second half, relative to the range
_TINY = 1e-30


class Behaviour(NamedTuple):
    """What rows do.

    Attributes:
        kind: The class, by its number in `CLASSES`.
        turns: Turning points of the state that has most of them.
        similarity: Of what is looked at for periods with itself a period later; 1 if it repeats
            itself, -1 if it has no period.
        drift: How much the logarithm of its root mean square changes in as long as it lasts.
    """

    kind: Int[Array, " rows"]
    turns: Int[Array, " rows"]
    similarity: Float[Array, " rows"]
    drift: Float[Array, " rows"]


class _Recurrence(NamedTuple):
    """How alike a part of a solution is a period later, and the drift of its energy."""

    similarity: Float[Array, ""]
    drift: Float[Array, ""]


@jax.jit
def classify(y: Float[Array, "rows states time"], used: Bool[Array, "rows states"]) -> Behaviour:
    """What the sampled solutions of each row do, by the first rule that applies.

    - settled: the range of the last quarter is below 2 % of the range, in every state.
    - monotone: at most one turning point; few turns: two or three. Wiggles below 0.5 % of a state's
      range are no turns.
    - transient: the swing about the mean of the second half grows or decays from quarter to
      quarter, or what repeats itself does so larger or smaller.
    - periodic: the second half repeats itself, in at least 4 turns, or the whole does: the lag
      product of its standardised states, normalised by both parts, is above 0.99 at a lag after it
      has first been below 0.7, and the energy keeps.
    - modulated: all else; quasi-periodic and chaotic solutions too.

    Args:
        y: Samples at equal distances, at least 16.
        used: Which states a row has.
    """
    return jax.vmap(_classify_row)(y, used)


def _classify_row(y: Float[Array, "states time"], used: Bool[Array, " states"]) -> Behaviour:
    length = y.shape[-1]
    half, extent = length // 2, jnp.ptp(y, axis=-1) + _TINY
    turned = find_turns(y, WIGGLE * extent) & used[:, None]
    turns = turned.sum(-1, dtype=jnp.int32).max()
    rest = jnp.where(used, jnp.ptp(y[:, 3 * length // 4 :], axis=-1) / extent, 0).max()

    moves = used & (y[:, half:].std(-1) > _STILL * extent)
    late, whole = (_recurrence(part, moves) for part in (y[:, half:], y))
    late_turns = jnp.where(moves, turned[:, half:].sum(-1, dtype=jnp.int32), 0).max()
    # a period that is long beside the second half shows in the whole alone
    is_enough = (late_turns >= _MANY_TURNS) & (late.similarity > _ALIKE)
    recurrence = jax.tree.map(partial(jnp.where, is_enough), late, whole)
    repeats = (recurrence.similarity > _ALIKE) & (recurrence.drift < _STEADY)

    swing = _swing((y - y[:, half:].mean(-1, keepdims=True)) / extent[:, None], moves)
    change = jnp.diff(jnp.log(swing))
    one_way = (jnp.abs(jnp.sign(change).sum()) == 3) & (jnp.abs(change).min() > _DECAY_BY_QUARTER)
    fades = one_way & (jnp.abs(change.sum()) > _DECAY)
    fades = fades | ((late.similarity > _ALIKE) & (late.drift > _UNSTEADY))

    kind = jnp.where(fades, TRANSIENT, jnp.where(repeats, PERIODIC, MODULATED))
    kind = jnp.where(turns < _MANY_TURNS, FEW, kind)
    kind = jnp.where(turns <= 1, MONOTONE, kind)
    kind = jnp.where(rest < _REST, SETTLED, kind)
    return Behaviour(kind.astype(jnp.int32), turns, *recurrence)


def find_turns(
    y: Float[Array, "*states time"], threshold: Float[Array, "*states"]
) -> Bool[Array, "*states time"]:
    """Where it is seen that each series has turned: by how far it has come back from its extreme.

    Each turn is marked once, at the first point that lies more than the threshold beyond the
    extreme, so that wiggles below the threshold are not seen at all.
    """

    def one_point(carry, value):
        low, high, direction = carry  # extremes since the last turn
        low, high = jnp.minimum(low, value), jnp.maximum(high, value)
        falls = (direction >= 0) & (value < high - threshold)
        rises = (direction <= 0) & (value > low + threshold)
        turned = (falls & (direction > 0)) | (rises & (direction < 0))  # before, it had none
        low, high = jnp.where(falls, value, low), jnp.where(rises, value, high)
        direction = jnp.where(falls, -1, jnp.where(rises, 1, direction))
        return (low, high, direction), turned

    by_time = jnp.moveaxis(y, -1, 0)
    start = (by_time[0], by_time[0], jnp.zeros(threshold.shape, jnp.int32))
    _, turned = jax.lax.scan(one_point, start, by_time)
    return jnp.moveaxis(turned, 0, -1)


def _recurrence(part: Float[Array, "states time"], moves: Bool[Array, " states"]) -> _Recurrence:
    """How a part of the solution repeats itself, by the lag products of its standardised states."""
    centred = part - part.mean(-1, keepdims=True)
    z = jnp.where(moves[:, None], centred / (part.std(-1, keepdims=True) + _TINY), 0)
    length = z.shape[-1]
    lags = jnp.arange(int(0.6 * length) + 1, dtype=jnp.int32)
    spectrum = jnp.fft.rfft(z, 2 * length, axis=-1)
    product = jnp.fft.irfft((jnp.abs(spectrum) ** 2).sum(0), 2 * length)[: lags.size]
    energy = jnp.cumsum(jnp.concatenate([jnp.zeros(1, z.dtype), (z**2).sum(0)]))
    first, last = energy[length - lags], energy[-1] - energy[lags]  # of both parts of a product
    similarity = product / jnp.sqrt(first * last + _TINY)
    growth = 0.5 * jnp.log((last + _TINY) / (first + _TINY))
    before, here, after = similarity[:-2], similarity[1:-1], similarity[2:]
    left = jax.lax.cummax((similarity < _LEFT).astype(jnp.int32))[1:-1] > 0
    # a parabola through three lags: periods are no whole numbers
    bend = jnp.maximum(2 * here - before - after, 1e-12)
    peak = jnp.minimum(here + (before - after) ** 2 / (8 * bend), 1)
    peak = jnp.where((here >= before) & (here >= after) & left, peak, -1)
    best = peak.max()
    lag = jnp.argmax(peak >= best - _AS_ALIKE) + 1
    return _Recurrence(best, jnp.abs(growth[lag]) * length / lag.astype(z.dtype))


def _swing(
    z: Float[Array, "states time"], moves: Bool[Array, " states"]
) -> Float[Array, " quarters"]:
    """Root mean square of all states that move, in each quarter."""
    length = z.shape[-1]
    bounds = [quarter * length // 4 for quarter in range(5)]
    squares = jnp.where(moves[:, None], z**2, 0).sum(0)
    parts = [squares[a:b].mean() for a, b in itertools.pairwise(bounds)]
    return jnp.sqrt(jnp.stack(parts)) + 1e-9

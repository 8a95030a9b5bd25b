"""Pilots: short flights with a step size of each lane's own, from which spans are planned.

A span is to hold a drawn number of turns, to end before the trajectory escapes and soon after it
settles, and to be no longer than the steps at hand and the growth of errors allow. A companion that
starts close by shows that growth.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

_ATTEMPTS = 64
_TOLERANCE = 1e-4  # of one step, relative to the largest values so far
_FIRST_STEP, _LEAST_FACTOR, _MOST_FACTOR, _SAFETY = 0.01, 0.2, 5.0, 0.9
_LONGEST = 1000.0  # time
_APART = 1e-3  # of a companion, relative
_MOVES = 0.01  # of the range: nearer to its last value, a trajectory has settled
_TINY = 1e-30
_ROUNDING = 2e-6
_SETTLED_SHARE, _SLACK = 0.8, 1.2
_ORDER = 5


class Wish(NamedTuple):
    """What is drawn of the span of a try.

    Attributes:
        span: Its length, or 0 where the number of turns decides.
        turns: How many turns it is to hold.
        starts_late: Whether to begin in the middle of the pilot's flight, after transients.
        part: How much of the time before an escape it holds.
    """

    span: Float[Array, " lanes"]
    turns: Float[Array, " lanes"]
    starts_late: Bool[Array, " lanes"]
    part: Float[Array, " lanes"]


class Flight(NamedTuple):
    """What a pilot saw; attempts that failed repeat the point before.

    Attributes:
        t: Times, `(attempts + 1, lanes)`.
        y: States.
        slope: Their derivatives.
        roughness: Sum over steps of h times the estimated local error of a step of length 1: steps
            of equal length h sum up to h**4 times that.
        growth: Logarithm of the growth of a small distance, from the middle of the flight on.
        lost: Whether it ended early, outside the bound or at a pole.
    """

    t: Float[Array, "points lanes"]
    y: Float[Array, "points states lanes"]
    slope: Float[Array, "points states lanes"]
    roughness: Float[Array, " lanes"]
    growth: Float[Array, " lanes"]
    lost: Bool[Array, " lanes"]


class Plan(NamedTuple):
    """What follows from a flight.

    Attributes:
        y0, span: Where to start, and for how long.
        turns: How many turns the span is expected to hold.
        num_steps: How many steps it is expected to need.
        growth: Logarithm of the growth of a small distance over the span.
    """

    y0: Float[Array, "states lanes"]
    span: Float[Array, " lanes"]
    turns: Float[Array, " lanes"]
    num_steps: Float[Array, " lanes"]
    growth: Float[Array, " lanes"]


class _Aloft(NamedTuple):
    """Pilots with their companions between two attempts.

    Attributes:
        t: Times.
        h: Length of the next step.
        pair: States of the pilot and of its companion.
        slopes: Their derivatives; the companion's is of its place before it was brought back.
        scale: Largest absolute values of the pilot's states so far.
        roughness, growth, lost: As in `Flight`.
    """

    t: Float[Array, " lanes"]
    h: Float[Array, " lanes"]
    pair: Float[Array, "2 states lanes"]
    slopes: Float[Array, "2 states lanes"]
    scale: Float[Array, "states lanes"]
    roughness: Float[Array, " lanes"]
    growth: Float[Array, " lanes"]
    lost: Bool[Array, " lanes"]


Derivatives = Callable[[Float[Array, " lanes"], Float[Array, "2 states lanes"]], Array]
"""Of pilots and companions, for times and states."""


def fly(
    derivative: Callable[[Array, Array], Array], y0: Float[Array, "states lanes"],
    bound: Float[Array, ""],
) -> Flight:  # fmt: skip
    """Follow systems for a number of attempted steps, whose sizes are their own.

    Args:
        derivative: Of times `(lanes,)` and states; of all lanes at once.
        y0: Initial values.
        bound: A flight ends where an absolute value exceeds it.
    """

    def both(t, pair):
        # one after another: side by side they would be compiled twice as wide
        return jax.lax.map(lambda y: derivative(t, y), pair)

    def attempt(aloft, number):
        aloft = _attempt(both, aloft, number >= _ATTEMPTS // 2, bound)
        return aloft, (aloft.t, aloft.pair[0], aloft.slopes[0])

    start = _take_off(both, y0)
    aloft, (t, y, slope) = jax.lax.scan(attempt, start, jnp.arange(_ATTEMPTS, dtype=jnp.int32))
    stuck = t[-1] == t[_ATTEMPTS * 3 // 4 - 1]  # at a pole, or where it is stiff beyond measure
    return Flight(
        t=jnp.concatenate([start.t[None], t]),
        y=jnp.concatenate([y0[None], y]),
        slope=jnp.concatenate([start.slopes[None, 0], slope]),
        roughness=aloft.roughness,
        growth=aloft.growth,
        lost=aloft.lost | stuck,
    )


def _take_off(both: Derivatives, y0: Float[Array, "states lanes"]) -> _Aloft:
    """Pilots at their starts, with companions close by."""
    zero = jnp.zeros(y0.shape[1], y0.dtype)
    size = jnp.sqrt((y0**2).sum(0))
    sign = jnp.where(jnp.arange(y0.shape[0], dtype=jnp.int32) % 2 == 0, 1.0, -1.0)
    pair = jnp.stack([y0, y0 + _APART * (size + 1e-3) * sign.astype(y0.dtype)[:, None]])
    slopes = both(zero, pair)
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0)
    speed = jnp.sqrt((slopes[0] ** 2).sum(0))
    h = jnp.clip(_FIRST_STEP * (size + 1e-2) / (speed + 1e-6), 1e-6, 1.0)
    return _Aloft(zero, h, pair, slopes, jnp.abs(y0), zero, zero, zero > 0)


def _attempt(
    both: Derivatives, aloft: _Aloft, is_late: Bool[Array, ""], bound: Float[Array, ""]
) -> _Aloft:
    """After one step of Tsit5 where it is accurate, and with another length for the next."""
    h, scale = aloft.h, aloft.scale
    new, slopes, local = _step(both, aloft)
    largest = jnp.maximum(scale, jnp.abs(new[0]))
    error = (local / (largest + _TINY)).max(0)
    finite = jnp.isfinite(new).all((0, 1)) & jnp.isfinite(error) & jnp.isfinite(slopes).all((0, 1))
    inside = (jnp.abs(new[0]) <= bound).all(0)
    accurate = finite & (error <= _TOLERANCE)
    good = accurate & inside & ~aloft.lost
    factor = _SAFETY * (_TOLERANCE / jnp.maximum(error, 1e-12)) ** (1 / _ORDER)
    factor = jnp.where(finite, jnp.clip(factor, _LEAST_FACTOR, _MOST_FACTOR), _LEAST_FACTOR)
    # the companion is brought back to its distance
    difference = new[1] - new[0]
    distance = jnp.sqrt((difference**2).sum(0)) + _TINY
    apart = _APART * (jnp.sqrt((largest**2).sum(0)) + _TINY)
    before = jnp.sqrt(((aloft.pair[1] - aloft.pair[0]) ** 2).sum(0)) + _TINY
    companion = new[0] + difference * (apart / distance)
    # of a first step that is short, the estimate is rounding
    is_seen = good & (error > _ROUNDING)
    t = jnp.where(good, aloft.t + h, aloft.t)
    return _Aloft(
        t=t,
        h=jnp.minimum(h * factor, _LONGEST - t + 1e-3),
        pair=jnp.where(good, jnp.stack([new[0], companion]), aloft.pair),
        slopes=jnp.where(good, slopes, aloft.slopes),
        scale=jnp.where(good, largest, scale),
        roughness=aloft.roughness + jnp.where(is_seen, error / h**4, 0),
        growth=aloft.growth + jnp.where(good & is_late, jnp.log(distance / before), 0),
        lost=aloft.lost | (accurate & ~inside),
    )


def _step(both: Derivatives, aloft: _Aloft) -> tuple[Array, Array, Array]:
    """States and slopes after a step of Tsit5, and the pilot's local error."""
    import diffrax  # half a second that only differential equations need

    tableau, pair, dtype = diffrax.Tsit5.tableau, aloft.pair, aloft.pair.dtype
    # the weights of every stage, padded, so that one loop runs through all
    stages = len(tableau.c) + 1
    rows = np.zeros((stages, stages))
    for number, weights in enumerate(tableau.a_lower):
        rows[number + 1, : number + 1] = weights
    table = jnp.asarray(rows, dtype)
    nodes = jnp.asarray(np.append(0.0, tableau.c), dtype)

    def weigh(weights, k):
        # term by term: how XLA compiles a sum over an axis depends on the number of lanes
        terms = [weights[j] * k[j] for j in range(stages)]
        return sum(terms[1:], terms[0])

    def stage(i, inner):
        k, _ = inner
        at = pair + aloft.h * weigh(table[i], k)
        return k.at[i].set(both(aloft.t + nodes[i] * aloft.h, at)), at

    k = jnp.zeros((stages, *pair.shape), dtype).at[0].set(aloft.slopes)
    k, new = jax.lax.fori_loop(jnp.int32(1), jnp.int32(stages), stage, (k, pair))
    error = aloft.h * weigh(jnp.asarray(tableau.b_error, dtype), k)[0]
    return new, k[-1], jnp.abs(error)


def plan(
    flight: Flight, wish: Wish, used: Bool[Array, "states lanes"], most_steps: int,
    tolerance: Float[Array, ""], most_growth: Float[Array, ""],
) -> Plan:  # fmt: skip
    """The span of each lane, and what it is expected to hold.

    Args:
        flight: What the pilot saw.
        wish: What is drawn of the span.
        used: Which states the rows have.
        most_steps: Equal steps that are at hand. Static.
        tolerance: Of the sum of the local errors of equal steps.
        most_growth: Largest logarithm of the growth of a small distance.
    """
    t, y, slope = flight.t, flight.y, flight.slope
    half, end = _ATTEMPTS // 2, t[-1]
    extent = y.max(0) - y.min(0)
    moves = used & (jnp.abs(y - y[-1]) > _MOVES * extent)
    rests_at = jnp.where(moves.any(1), t, 0).max(0)
    has_settled = (rests_at < _SETTLED_SHARE * end) & ~flight.lost
    turns = (slope[1:] * slope[:-1] < 0) & moves[1:]
    count = turns.sum(0, dtype=jnp.int32)
    state = jnp.arange(y.shape[1], dtype=jnp.int32)[:, None]
    busiest = state == jnp.argmax(count, axis=0).astype(jnp.int32)
    turns = (turns & busiest).any(1)
    up_to = jnp.cumsum(turns, axis=0, dtype=jnp.int32)
    number = up_to[-1].astype(t.dtype)
    late = number - up_to[half - 1].astype(t.dtype)
    rate = jnp.where(late > 1, late / (end - t[half] + _TINY), number / (end + _TINY))
    slowest = 1e-3 * jnp.maximum(rate, 1e-3)
    beyond = end + (wish.turns - number) / jnp.maximum(rate, slowest)
    reached = up_to.astype(t.dtype) >= wish.turns
    at = jnp.where(reached.any(0), jnp.where(reached, t[1:], jnp.inf).min(0), beyond)
    is_free = wish.span <= 0
    is_late = wish.starts_late & is_free & ~flight.lost & ~has_settled & (late >= 2)
    span = jnp.where(is_late, wish.turns / jnp.maximum(rate, slowest), at)
    span = jnp.where(number >= 2, span, end)
    span = jnp.where(has_settled, jnp.minimum(span, _SLACK * rests_at), span)
    span = jnp.where(is_free, span, wish.span)
    span = jnp.where(flight.lost, jnp.minimum(span, wish.part * end), span)
    # steps of equal length h sum up to h**4 * roughness over the time of the flight
    per_time = flight.roughness / (end + _TINY) / tolerance
    longest = (float(most_steps) ** 4 / (per_time + _TINY)) ** (1 / _ORDER)
    grows = jnp.maximum(flight.growth, 0) / (end - t[half] + _TINY)
    span = jnp.minimum(span, jnp.minimum(longest, most_growth / (grows + _TINY)))
    span = jnp.maximum(span, 1e-3)
    within = ((t[1:] <= span) & turns).sum(0).astype(t.dtype)
    expected = jnp.where(is_late | (span > end), jnp.maximum(rate * span, within), within)
    return Plan(
        y0=jnp.where(is_late, y[half], y[0]),
        span=span,
        turns=expected,
        num_steps=(span**_ORDER * per_time) ** (1 / (_ORDER - 1)),
        growth=grows * span,
    )

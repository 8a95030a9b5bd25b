"""Chaos, by a companion: a second trajectory that starts beside the first and is kept there.

What the programs of a row say is integrated on from its last point, over four further spans. At
the end of each step the companion is put back to its distance, and the logarithm of what that had
grown by is added up. A regular trajectory loses its companion slowly, a chaotic one exponentially.

A regular one may lose it fast for a while, and steps that are too long, or that jump over a pole,
lose it at once. So what looks chaotic is followed again, over twice as many spans and in shorter
steps, whose error has to be small. Of 4096 plane rows that nothing drives, and which so cannot be
chaotic, 12 looked chaotic; for 6 no steps were accurate, and one was called chaotic.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.tiles import power_of_two
from s2jax.ode._classify import WIGGLE, find_turns
from s2jax.ode._equations import bind, solver_of
from s2jax.ode._integrate import Kick, integrate
from s2jax.programs import Program
from s2jax.programs.engines.grouped import evaluate_scheduled, schedule

_SPANS = 4  # of a run
_DISTANCE = 1e-3  # of the companion, in ranges of the states: well above what float32 rounds by
_ESCAPED = 30.0  # ranges of the states
_GROWTH_UNIT = 64.0  # growth is a state, and bounded as all are
_STILL = 1e-3  # range of a state that hardly moves, relative to its size
_TOLERANCE = 1e-3  # of a run: the sum of the estimated local errors, relative to the states
_LEAST_MOTION = 0.1  # range in the last span of a row that goes on, in ranges of the state
_FINER = (2, 4)  # steps of the runs that verify, in those of the first
_FEWEST, _MOST = 64, 512  # rows that are followed at a time


class Rule(NamedTuple):
    """What a chaotic row has to show behind its first spans, `dropped` of them."""

    dropped: int
    growth: float
    by_period: float
    turns: int


LOOKS_CHAOTIC = Rule(dropped=1, growth=2.5, by_period=0.08, turns=12)
IS_CHAOTIC = Rule(dropped=2, growth=5.0, by_period=0.05, turns=24)


class Followed(NamedTuple):
    """What became of rows and their companions behind the first of the further spans.

    Attributes:
        growth: The logarithm of what the distance grew by, in the first run.
        is_known: Whether it is known if the row is chaotic: not if it looks so, and no steps that
            are tried are accurate.
        is_chaotic: Whether it looks so, by `LOOKS_CHAOTIC`, and is so by `IS_CHAOTIC`.
    """

    growth: Float[np.ndarray, " rows"]
    is_known: Bool[np.ndarray, " rows"]
    is_chaotic: Bool[np.ndarray, " rows"]


class _Rows(NamedTuple):
    """Rows to be followed: their equations, units of their states, and where they are."""

    program: Program
    middle: Float[Array, "rows states"]
    unit: Float[Array, "rows states"]
    used: Bool[Array, "rows states"]
    span: Float[Array, " rows"]
    time: Float[Array, " rows"]
    place: Float[Array, "rows both"]


class _Run(NamedTuple):
    """What happened in some spans, behind each other, and where rows and companions are then."""

    growth: Float[Array, "rows spans"]
    turns: Int[Array, "rows spans"]
    motion: Float[Array, " rows"]
    error: Float[Array, " rows"]
    has_escaped: Bool[Array, " rows"]
    time: Float[Array, " rows"]
    place: Float[Array, "rows both"]


def follow(
    program: Program,
    y: Float[Array, "rows states time"],
    t: Float[Array, "rows time"],
    num_steps: Int[Array, " rows"],
    used: Bool[Array, "rows states"],
) -> Followed:
    """Follow rows beyond their last points, each beside a companion.

    Args:
        program: The right-hand sides, in states and time alone.
        y: Solutions of them, not scaled.
        t: Times of the solutions, at equal distances.
        num_steps: Steps that the solutions took; at least one per sample is taken here.
        used: Which states a row has.
    """
    length = y.shape[-1]
    rows = _begin(program, y, t, used)
    factor = np.clip(-(-np.asarray(num_steps) // (length - 1)), 1, 2)
    first = _run(rows, factor, length)
    looks = _obeys(first, LOOKS_CHAOTIC)
    growth = np.asarray(first.growth)[:, LOOKS_CHAOTIC.dropped :].sum(1)
    is_known, is_chaotic = ~looks, np.zeros(looks.size, bool)
    for finer in _FINER:
        left = np.flatnonzero(~is_known)
        if left.size:
            again = jax.tree.map(lambda leaf, left=left: leaf[left], rows)
            both = _run_twice(again, finer * factor[left], length)
            is_known[left] = both.error <= 2 * _TOLERANCE
            is_chaotic[left] = is_known[left] & _obeys(both, IS_CHAOTIC)
    return Followed(growth, is_known, is_chaotic)


def _begin(program: Program, y, t, used) -> _Rows:
    """Rows at their last points; in ranges about their middle, states are of one size."""
    low, high = y.min(-1), y.max(-1)
    middle = (low + high) / 2
    unit = jnp.maximum(high - low, jnp.maximum(_STILL * jnp.abs(middle), 1e-6))
    place = (y[..., -1] - middle) / unit
    beside = _DISTANCE / jnp.sqrt(jnp.maximum(used.sum(1, keepdims=True), 1).astype(y.dtype))
    both = jnp.concatenate([place, place + jnp.where(used, beside, 0)], axis=1)
    return _Rows(program, middle, unit, used, t[:, -1] - t[:, 0], t[:, -1], both)


def _obeys(run: _Run, rule: Rule) -> Bool[np.ndarray, " rows"]:
    """Whether rows that have not escaped and still move show what a rule asks for."""
    growth = np.asarray(run.growth)[:, rule.dropped :].sum(1)
    turns = np.asarray(run.turns)[:, rule.dropped :].sum(1)
    goes_on = ~np.asarray(run.has_escaped) & (np.asarray(run.motion) > _LEAST_MOTION)
    by_period = growth / np.maximum(turns / 2, 1)
    enough = (growth > rule.growth) & (by_period > rule.by_period) & (turns >= rule.turns)
    return goes_on & enough


def _run_twice(rows: _Rows, factor: np.ndarray, length: int) -> _Run:
    """Two runs, the second from where the first ends."""
    first = _run(rows, factor, length)
    second = _run(rows._replace(time=first.time, place=first.place), factor, length)
    beside = lambda name: np.concatenate([getattr(first, name), getattr(second, name)], axis=1)
    return second._replace(
        growth=beside("growth"),
        turns=beside("turns"),
        error=first.error + second.error,
        has_escaped=first.has_escaped | second.has_escaped,
    )


def _run(rows: _Rows, factor: np.ndarray, length: int) -> _Run:
    """Follow rows over some spans, in so many steps for each distance between samples."""
    num_rows, parts, order = len(factor), [], []
    size = min(max(power_of_two(num_rows), _FEWEST), _MOST)
    for steps in np.unique(factor):  # all rows of a tile take equal steps
        same = np.flatnonzero(factor == steps)
        for start in range(0, same.size, size):
            some = same[start : start + size]
            tile = jax.tree.map(lambda leaf, some=some: leaf[np.resize(some, size)], rows)
            found = jax.tree.map(np.asarray, _run_tile(tile, jnp.int32(steps), length))
            parts.append(jax.tree.map(lambda leaf, some=some: leaf[: some.size], found))
            order.append(some)
    back = np.argsort(np.concatenate(order))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[back], *parts)


@partial(jax.jit, static_argnames="length")
def _run_tile(rows: _Rows, factor: Int[Array, ""], length: int) -> _Run:
    program, dtype = rows.program, rows.place.dtype
    num_rows, states = rows.used.shape
    by_state = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:]), program)
    plan = schedule(bind(by_state, states), states + 1, num_rows, dtype)
    middle, unit, mask = rows.middle.T, rows.unit.T, rows.used.T
    duration = _SPANS * rows.span

    def slope(tau, z):
        variables = jnp.concatenate([middle + unit * z, (rows.time + duration * tau)[None]])
        values = evaluate_scheduled(plan, variables, program.protected).reshape(z.shape)
        return jnp.where(mask, duration * values / unit, 0)

    def field(tau, all_of_them):
        # one after the other by a loop: the operators are compiled once
        both = all_of_them[:-1].reshape(2, states, num_rows)
        slopes = jax.lax.map(partial(slope, tau), both).reshape(2 * states, num_rows)
        return jnp.concatenate([slopes, jnp.zeros_like(slopes[:1])])

    def put_back(_, all_of_them):
        first, second, growth = jnp.split(all_of_them, [states, 2 * states])
        distance = jnp.sqrt(((second - first) ** 2).sum(0)) / _DISTANCE
        distance = jnp.maximum(distance, 1e-30)
        second = first + (second - first) / distance
        return jnp.concatenate([first, second, growth + jnp.log(distance) / _GROWTH_UNIT])

    begin = jnp.concatenate([rows.place.T, jnp.zeros((1, num_rows), dtype)])
    points, bound = _SPANS * (length - 1) + 1, jnp.asarray(_ESCAPED, dtype)
    kick = Kick(lambda _, both: (both, both), put_back)
    solution = integrate(
        solver_of(None), field, begin, factor * (points - 1), points, bound, kick, True
    )
    z = solution.y[:, :states].transpose(2, 1, 0)
    turned = find_turns(z, jnp.full(z.shape[:2], WIGGLE, dtype)) & rows.used[..., None]
    by_span = turned[..., 1:].reshape(num_rows, states, _SPANS, length - 1)
    growth = jnp.diff(solution.y[:: length - 1, -1], axis=0).T * _GROWTH_UNIT
    motion = jnp.where(rows.used, jnp.ptp(z[..., -length:], axis=-1), 0).max(-1)
    return _Run(
        growth=growth,
        turns=by_span.sum(-1, dtype=jnp.int32).max(1),
        motion=motion,
        error=solution.error,
        has_escaped=solution.alive < 1,
        time=rows.time + duration,
        place=solution.y[-1, :-1].T,
    )

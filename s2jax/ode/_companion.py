"""Chaos, by a companion: a second trajectory that starts beside the first and is kept there.

What the programs of a row say is integrated on from its last point, over four further spans. At
the end of each step the companion is put back to its distance, and the logarithm of what that had
grown by is added up. A regular trajectory loses its companion slowly, a chaotic one exponentially.
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
from s2jax.ode._integrate import integrate
from s2jax.programs import Program
from s2jax.programs.engines.grouped import evaluate_scheduled, schedule

SPANS = 4
_DISTANCE = 1e-3  # of the companion, in ranges of the states: well above what float32 rounds by
_ESCAPED = 30.0  # ranges of the states
_GROWTH_UNIT = 64.0  # growth is a state, and bounded as all are
_STILL = 1e-3  # range of a state that hardly moves, relative to its size
_LEAST_GROWTH, _LEAST_BY_PERIOD, _LEAST_TURNS, _LEAST_MOTION = 2.5, 0.08, 12, 0.1
_FEWEST, _MOST = 64, 512  # rows that are followed at a time
_MAX_FACTOR = 4


class Followed(NamedTuple):
    """What became of rows and their companions behind the first of the further spans.

    Attributes:
        growth: The logarithm of what the distance grew by.
        turns: Turning points of the state that has most of them.
        is_chaotic: Whether the growth is above 2.5 and, for every two turns, above 0.08; there are
            at least 12 turns; and the row still moves and has not escaped.
    """

    growth: Float[np.ndarray, " rows"]
    turns: Int[np.ndarray, " rows"]
    is_chaotic: Bool[np.ndarray, " rows"]


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
    num_rows, last = y.shape[0], y.shape[-1] - 1
    factor = np.clip(-(-np.asarray(num_steps) // last), 1, _MAX_FACTOR)
    factor = 2 ** np.ceil(np.log2(factor)).astype(np.int32)  # few kinds of tiles
    found = [np.zeros(num_rows, kind) for kind in (y.dtype, np.int32, bool)]
    size = min(max(power_of_two(max(num_rows, 1)), _FEWEST), _MOST)
    for steps in np.unique(factor):
        same = np.flatnonzero(factor == steps)
        for start in range(0, same.size, size):
            rows = same[start : start + size]
            padded = np.resize(rows, size)
            tile = jax.tree.map(lambda leaf, rows=padded: leaf[rows], (program, y, t, used))
            results = _follow_tile(*tile, jnp.int32(steps))
            for old, new in zip(found, results, strict=True):
                old[rows] = np.asarray(new)[: rows.size]
    return Followed(*found)


@jax.jit
def _follow_tile(program: Program, y, t, used, factor) -> tuple[Array, Array, Array]:
    rows, states, length = y.shape
    by_state = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:]), program)
    plan = schedule(bind(by_state, states), states + 1, rows, y.dtype)
    y, mask = y.transpose(2, 1, 0), used.T
    # in ranges about their middle, states of all rows are of one size
    low, high = y.min(0), y.max(0)
    middle, unit = (low + high) / 2, high - low
    unit = jnp.maximum(unit, jnp.maximum(_STILL * jnp.abs(middle), 1e-6))
    start, span = t[:, -1], t[:, -1] - t[:, 0]

    def slope(tau, z):
        now = (start + SPANS * span * tau)[None]
        variables = jnp.concatenate([middle + unit * z, now])
        values = evaluate_scheduled(plan, variables, program.protected).reshape(z.shape)
        return jnp.where(mask, SPANS * span * values / unit, 0)

    def field(tau, both):
        # one after the other by a loop: the operators are compiled once
        slopes = jax.lax.map(partial(slope, tau), both[:-1].reshape(2, states, rows))
        return jnp.concatenate([slopes.reshape(2 * states, rows), jnp.zeros_like(both[-1:])])

    def put_back(_, both):
        first, apart = both[:states], both[states:-1] - both[:states]
        distance = jnp.sqrt((apart**2).sum(0)) / _DISTANCE
        grown = jnp.log(jnp.maximum(distance, 1e-30)) / _GROWTH_UNIT
        second = first + apart / jnp.maximum(distance, 1e-30)
        return jnp.concatenate([first, second, (both[-1] + grown)[None]])

    begin = (y[-1] - middle) / unit
    beside = jnp.where(mask, _DISTANCE / jnp.sqrt(jnp.maximum(mask.sum(0), 1)), 0).astype(y.dtype)
    both = jnp.concatenate([begin, begin + beside, jnp.zeros_like(begin[:1])])
    points, bound = SPANS * (length - 1) + 1, jnp.asarray(_ESCAPED, y.dtype)
    solution = integrate(
        solver_of(None), field, both, factor * (points - 1), points, bound, put_back, True
    )
    z = solution.y[length - 1 :, :states].transpose(2, 1, 0)
    growth = (solution.y[-1, -1] - solution.y[length - 1, -1]) * _GROWTH_UNIT
    turned = find_turns(z, jnp.full(z.shape[:2], WIGGLE, z.dtype)) & used[..., None]
    turns = turned.sum(-1, dtype=jnp.int32).max(-1)
    motion = jnp.where(used, jnp.ptp(z[..., 1 - length :], axis=-1), 0).max(-1)
    by_period = growth / jnp.maximum(turns.astype(y.dtype) / 2, 1)
    is_chaotic = (solution.alive >= 1) & (motion > _LEAST_MOTION) & (turns >= _LEAST_TURNS)
    is_chaotic = is_chaotic & (growth > _LEAST_GROWTH) & (by_period > _LEAST_BY_PERIOD)
    return growth, turns, is_chaotic

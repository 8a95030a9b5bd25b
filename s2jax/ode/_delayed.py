"""Equal steps of equations that read states of before: the method of steps.

Every step is stored by its values at its quarters, and delayed states are read from there, by the
polynomial of degree 4 through them: the solver's own interpolation, as far as that is of order 4.
No step is longer than the shortest delay, so that what is read is known. The slope jumps where the
history ends, and so does a higher derivative after each delay; steps end at these breaks, each row
at its own, and so none of them has to follow what is not smooth.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.ode._integrate import stability

Field = Callable[[Float[Array, " rows"], Array, Array], Array]
"""Slopes of times, states and delayed states."""

_LEVEL, _MOST_BREAKS = 4, 20  # derivatives beyond that of level 4 no step of order 5 sees
_NEAR = 1e-3  # of a step: breaks so near to the end of a step are there
_NEVER = 2**30  # steps
_FAR = 2.0**26  # longer delays than so many steps end nowhere
_LOST = 1e6  # error of a row whose delay is shorter than a step
_QUARTERS = np.linspace(0.0, 1.0, 5)
_TINY = 1e-30


class Past(NamedTuple):
    """What equations read.

    Attributes:
        states: The state that each delayed one is. Static.
        distinct: The number of the delay of each. Static.
        delays: Different delays, as parts of the span.
        before: What states were before the start, of times <= 0.
    """

    states: tuple[int, ...]
    distinct: tuple[int, ...]
    delays: Float[Array, "delays rows"]
    before: Callable[[Float[Array, " rows"]], Float[Array, "states rows"]]


class Time(NamedTuple):
    """Times in whole steps and a part of one, because the sum would not have the digits."""

    whole: Int[Array, "*#rows"]
    part: Float[Array, "*#rows"]

    def plus(self, part: Array) -> "Time":
        """Later by a part of a step, or earlier."""
        part = self.part + part
        whole = jnp.floor(part)
        return Time(self.whole + whole.astype(jnp.int32), part - whole)

    def since(self, other: "Time") -> Array:
        """Steps from another time to this one, which is near."""
        return (self.whole - other.whole).astype(self.part.dtype) + (self.part - other.part)

    def reaches(self, other: "Time") -> Bool[Array, "*rows"]:
        """Whether it is as late as another time."""
        is_equal = self.whole == other.whole
        return (self.whole > other.whole) | (is_equal & (self.part >= other.part))

    def __getitem__(self, index: Any) -> "Time":
        return Time(self.whole[index], self.part[index])


def in_steps(part: Float[Array, "*lags rows"], num_steps: Int[Array, " rows"]) -> Time:
    """Parts of the span as times."""
    steps = jnp.minimum(part * num_steps.astype(part.dtype), _FAR)
    whole = jnp.floor(steps)
    return Time(whole.astype(jnp.int32), steps - whole)


class Steps(NamedTuple):
    """Where steps end, in steps that no break divides.

    Attributes:
        num: How many of these there are.
        delays: How many of them each delay is.
        breaks: Where breaks are; `_NEVER` if not within the span.
        ends: Beginning of the first step and end of each; `_NEVER` behind the last.
        count: How many steps there are, breaks included.
    """

    num: Int[Array, " rows"]
    delays: Time
    breaks: Time
    ends: Time
    count: Int[Array, " rows"]


class Stored(NamedTuple):
    """Solutions by their values at the quarters of all steps.

    Attributes:
        steps: Where these end.
        values: At the quarters, those of one step and state side by side.
        alive, error, stiff, lost: As in `Trajectories`; behind `alive` nothing may be read.
    """

    steps: Steps
    values: Float[Array, "steps states rows quarters"]
    alive: Float[Array, " rows"]
    error: Float[Array, " rows"]
    stiff: Float[Array, " rows"]
    lost: Bool[Array, " rows"]

    def at(self, time: Time) -> Float[Array, "states rows"]:
        """States at a time of each row that is not before the start."""
        states = jnp.arange(self.values.shape[1], dtype=jnp.int32)[:, None]
        return read(self.steps, self.values, time, states, self.steps.count - 1)


class _Carry(NamedTuple):
    number: Int[Array, ""]
    y: Float[Array, "states rows"]
    scale: Float[Array, "states rows"]
    stored: Stored


def plan_steps(
    delays: Float[Array, "delays rows"], num_steps: Int[Array, " rows"], most: int
) -> Steps:
    """Equal steps, divided where breaks are.

    Args:
        delays: As parts of the span.
        num_steps: Of each row, breaks not counted.
        most: The largest of these. Static.
    """
    lengths = in_steps(delays, num_steps)
    levels = jnp.asarray(levels_of(delays.shape[0]), jnp.int32)[:, :, None]
    whole = (levels * lengths.whole).sum(1, dtype=jnp.int32)
    part = (levels.astype(delays.dtype) * lengths.part).sum(1)
    breaks = Time(whole, jnp.zeros_like(part)).plus(part)
    nearest = jnp.round(breaks.part)
    is_near = jnp.abs(breaks.part - nearest) < _NEAR
    whole = breaks.whole + jnp.where(is_near, nearest, 0).astype(jnp.int32)
    inside = (whole >= 0) & (whole < num_steps)
    breaks = Time(jnp.where(inside, whole, _NEVER), jnp.where(is_near | ~inside, 0, breaks.part))
    count = num_steps + inside.sum(0, dtype=jnp.int32)
    return Steps(num_steps, lengths, breaks, _merge(breaks, num_steps, most), count)


def _merge(breaks: Time, num_steps: Int[Array, " rows"], most: int) -> Time:
    """The ends of all steps in order: whole ones and breaks."""
    levels, rows = breaks.part.shape
    number = jnp.arange(most + 1, dtype=jnp.int32)[:, None]
    regular = jnp.where(number <= num_steps, number, _NEVER)
    before = lambda whole: (breaks.whole[:, None] < whole).sum(0, dtype=jnp.int32)
    level = jnp.arange(levels, dtype=jnp.int32)[:, None, None]
    earlier = breaks[None].reaches(breaks[:, None])  # the first is as late as the second
    is_equal = earlier & earlier.swapaxes(0, 1)
    is_first = earlier & ~(is_equal & (level <= level.swapaxes(0, 1)))
    place = breaks.whole + 1 + is_first.sum(0, dtype=jnp.int32)
    row = jnp.arange(rows, dtype=jnp.int32)
    # what is never is written nowhere
    at = jnp.concatenate([regular + before(regular), place]), row
    whole = jnp.full((most + 1 + levels, rows), _NEVER, jnp.int32)
    part = jnp.zeros(whole.shape, breaks.part.dtype)
    parts = jnp.concatenate([jnp.zeros(regular.shape, part.dtype), breaks.part])
    return Time(
        whole.at[at].set(jnp.concatenate([regular, breaks.whole]), mode="drop"),
        part.at[at].set(parts, mode="drop"),
    )


def levels_of(count: int) -> np.ndarray:
    """How often each delay is in a break, of sums of up to so many delays that there is room."""
    for level in range(_LEVEL, 0, -1):
        every = (
            itertools.product(range(level + 1), repeat=count) if count <= 3 or level <= 2 else ()
        )
        found = [sums for sums in every if 0 < sum(sums) <= level]
        if 0 < len(found) <= _MOST_BREAKS:
            return np.array(found)
    return np.eye(count, dtype=int)


def read(
    steps: Steps, values: Float[Array, "steps states rows quarters"], time: Time,
    states: Int[Array, "lags #rows"], last: Int[Array, "*#rows"],
) -> Float[Array, "lags rows"]:  # fmt: skip
    """States at times that lie in step `last` or before."""
    shape = states.shape[0], values.shape[2]
    time = Time(*(jnp.broadcast_to(leaf, shape) for leaf in time))
    divided = time.reaches(steps.breaks[:, None]).sum(0, dtype=jnp.int32)
    number = jnp.clip(time.whole + divided, 0, jnp.maximum(last, 0))
    row = jnp.arange(shape[1], dtype=jnp.int32)
    pick = lambda array, *at: array.at[at].get(mode="promise_in_bounds")
    at_number = lambda k: Time(*(pick(leaf, k, row) for leaf in steps.ends))
    start = at_number(number)
    length = at_number(number + 1).since(start)
    is_step = length > 0
    inside = jnp.where(is_step, time.since(start) / jnp.where(is_step, length, 1), 0)
    found = pick(values, number, states, row)
    # by what is added to the first value, which keeps its digits
    first, others = found[..., 0], found[..., 1:]
    return first + (_weights(inside) * (others - first[..., None])).sum(-1)


def _weights(inside: Float[Array, "*shape"]) -> Float[Array, "*shape 4"]:
    """Of the values at the quarters of a step but the first, at a part of it (Lagrange)."""
    distance = [inside - quarter for quarter in _QUARTERS.tolist()]
    weights = []
    for own in range(1, len(_QUARTERS)):
        others = [k for k in range(len(_QUARTERS)) if k != own]
        scale = math.prod(float(_QUARTERS[own] - _QUARTERS[k]) for k in others)
        weights.append(math.prod(distance[k] for k in others) * (1 / scale))
    return jnp.stack(weights, axis=-1)


def integrate_delayed(
    solver: Any, field: Field, y0: Float[Array, "states rows"], past: Past,
    num_steps: Int[Array, " rows"], most: int, bound: Float[Array, ""],
    measure: Callable[[Array, Array, Array], Array] | None = None,
    wanted: Bool[Array, " rows"] | None = None,
) -> Stored:  # fmt: skip
    """Solve `dy/dtau = field(tau, y, delayed)` for tau in [0, 1].

    Args:
        solver: An explicit Runge-Kutta method of diffrax.
        field: Of all rows at once.
        y0: Initial values.
        past: What is read of states of before.
        num_steps: Of each row, without those that breaks add.
        most: The largest of these. Static.
        bound: Rows are frozen where an absolute value exceeds it.
        measure: The error of a step from the estimate and the largest absolute values in it and so
            far; that of a row is the largest. By default relative to the latter, and the sum.
        wanted: Rows to solve; None for all.
    """
    steps = plan_steps(past.delays, num_steps, most)
    rows, dtype = y0.shape[1], y0.dtype
    zero = jnp.zeros(rows, dtype)
    alive = zero + 1 if wanted is None else jnp.where(wanted, 1.0, 0.0).astype(dtype)
    total = jnp.where(alive > 0, steps.count, 0).max()
    shape = (most + steps.breaks.part.shape[0], *y0.shape, len(_QUARTERS))
    is_short = (past.delays * num_steps.astype(dtype)).min(0) < 1 - _NEAR
    error = jnp.where(is_short, jnp.asarray(_LOST, dtype), 0)
    size = 1 / num_steps.astype(dtype)
    stored = Stored(steps, jnp.zeros(shape, dtype), alive, error, zero, zero > 0)

    def one_step(carry: _Carry) -> _Carry:
        number, y, scale, stored = carry
        start, end = steps.ends[number], steps.ends[number + 1]
        is_step = end.whole < _NEVER
        step = jnp.where(is_step, end.since(start), 0)
        new, estimate, dense = _step(solver, field, past, stored, number, step, y)
        extent = jnp.abs(new)
        open_rows = (stored.alive >= 1) & is_step
        live = open_rows & (extent <= bound).all(0)  # a NaN is not
        largest = jnp.maximum(scale, extent)
        # what is read between steps is of an order above that of the estimate
        estimate = jnp.abs(estimate)
        if measure is None:
            error = stored.error + jnp.where(live, (estimate / (largest + _TINY)).max(0), 0)
        else:
            own = jnp.where(live, measure(estimate, jnp.maximum(jnp.abs(y), extent), largest), 0)
            error = jnp.maximum(stored.error, own)
        one = jnp.ones((), dtype)
        inner = solver.interpolation_cls(t0=0 * one, t1=one, **dense)
        middle = [inner.evaluate(one * part) for part in _QUARTERS[1:-1].tolist()]
        kept = [jnp.where(live, value, y) for value in (*middle, new)]
        quarters = jnp.stack([y, *kept], axis=-1)
        is_stiff = live & (stability(solver, dense) > 1)
        stored = stored._replace(
            values=jax.lax.dynamic_update_index_in_dim(stored.values, quarters, number, 0),
            alive=jnp.where(open_rows & ~live, start.whole.astype(dtype) * size, stored.alive),
            error=error,
            stiff=stored.stiff + jnp.where(is_stiff, step * size, 0),
            lost=stored.lost | (open_rows & ~jnp.isfinite(extent).all(0)),
        )
        return _Carry(number + 1, kept[-1], jnp.where(live, largest, scale), stored)

    # the condition reads two values, or XLA copies what the body writes
    more = lambda carry: (carry.number < total) & (carry.stored.alive >= 1).any()
    first = _Carry(jnp.int32(0), y0, jnp.abs(y0), stored)
    return jax.lax.while_loop(more, one_step, first).stored


def _step(solver: Any, field: Field, past: Past, stored: Stored, number, step, y):
    """A step of the solver: its end, the estimated error and what it interpolates from."""
    import diffrax

    steps, states = stored.steps, jnp.asarray(past.states, jnp.int32)[:, None]
    delays, size = steps.delays[np.array(past.distinct)], 1 / steps.num.astype(step.dtype)
    start = steps.ends[number]
    shifted = Time(start.whole - delays.whole, start.part - delays.part)
    # a step lies on one side of every break, and its middle says on which
    is_before = shifted.plus(step / 2).whole < 0

    def delayed(c):
        time = shifted.plus(c * step)
        known = read(steps, stored.values, time, states, number - 1)
        part = jnp.minimum((time.whole.astype(step.dtype) + time.part) * size, 0)
        pairs = zip(part, past.states, strict=True)
        return jnp.where(is_before, jnp.stack([past.before(at)[k] for at, k in pairs]), known)

    def slope(c, y, _):
        part = (start.whole.astype(step.dtype) + start.part + c * step) * size
        return step * size * field(part, y, delayed(c))

    terms: Any = diffrax.ODETerm(slope)
    zero, one = jnp.zeros((), step.dtype), jnp.ones((), step.dtype)
    inner = solver.init(terms, zero, one, y, None)
    new, estimate, dense, _, _ = solver.step(terms, zero, one, y, None, inner, False)
    return new, estimate, dense

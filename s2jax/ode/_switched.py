"""Equal steps across switches: solutions of right-hand sides made of smooth pieces.

A step is taken with all switches held as they are at its beginning, so that what it follows is
smooth, and to the order of the solver. If an operand that decides a switch ends, or passes through,
the other side of 0, the step is taken again up to there, the switch is thrown, and the rest of the
step follows in the same way. A row that switches more often than there are attempts slides along a
switch, or chatters, and is given up: no steps would make it accurate.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.ode._integrate import Trajectories, stability

Modes = Float[Array, "switches rows"]
Field = Callable[[Array, Array, Modes], tuple[Array, Modes]]
"""Slopes of the states and operands of the switches, of times, states and modes. A mode is the sign
that the operand is taken to have, or 0 for its own."""

_ATTEMPTS = 10  # of a step
_SAMPLES = (0.2, 0.4, 0.6, 0.8)  # of a step, where operands are looked at beside its end
_ROOT_STEPS = 8
_SOON = 1e-3  # of a step
_EXACT = 1e-6  # part of a step by which a switch may be missed
_NEAR = 1e-3  # of an operand's change: switches so near to a root are thrown together
_LOST = 1e6  # error of a row that was given up
_SHIFT = 1e-3  # of the states, to see how an operand follows them
_TINY = 1e-30


class _Rows(NamedTuple):
    """Where each row is within a step.

    Attributes:
        at: Part of the step that is done.
        end: Part up to which the next attempt goes.
        flips: Switches that are thrown there.
        reach: What an operand's distance from 0 is worth in time there, in parts of the step.
        y, modes, scale, error, stiff, broken: As they go on.
        attempts, unfinished: How many there were, and of how many rows something is left.
    """

    at: Float[Array, " rows"]
    end: Float[Array, " rows"]
    flips: Bool[Array, "switches rows"]
    reach: Float[Array, "switches rows"]
    y: Float[Array, "states rows"]
    modes: Modes
    scale: Float[Array, "states rows"]
    error: Float[Array, " rows"]
    stiff: Float[Array, " rows"]
    broken: Bool[Array, " rows"]
    attempts: Int[Array, ""]
    unfinished: Int[Array, ""]


def integrate_switched(
    solver: Any, field: Field, y0: Float[Array, "states rows"],
    num_steps: Int[Array, ""], length: int, bound: Float[Array, ""],
) -> Trajectories:  # fmt: skip
    """Solve `dy/dtau = field(tau, y, modes)[0]` as `integrate` does; steps end at all outputs."""
    dtype, rows = y0.dtype, y0.shape[1]
    size = 1 / num_steps.astype(dtype)
    start = jnp.zeros(rows, dtype)
    free = jnp.zeros((), dtype)
    slopes, operands = field(start, y0, free)
    # what starts at a switch is on the side to which it goes
    soon = _SOON * size
    later = field(start + soon, y0 + soon * slopes, free)[1]
    operands = jnp.where(operands == 0, later, operands)
    ones, no = start + 1, start > 0

    def one_step(number, carry):
        y, modes, alive, scale, error, stiff, lost = carry
        t0 = number.astype(dtype) * size
        live = alive >= 1
        first = _Rows(
            at=jnp.where(live, start, ones), end=ones, flips=operands != operands,
            reach=jnp.zeros_like(operands), y=y, modes=modes, scale=scale, error=start, stiff=start,
            broken=no, attempts=jnp.int32(0), unfinished=live.sum(dtype=jnp.int32),
        )  # fmt: skip
        attempt = lambda state: _attempt(solver, field, t0, size, state)
        # the condition reads two values, or XLA copies what the body writes
        more = lambda state: (state.unfinished > 0) & (state.attempts < _ATTEMPTS)
        last = jax.lax.while_loop(more, attempt, first)
        extent = jnp.abs(last.y)
        failed = last.broken | ~jnp.isfinite(extent).all(0)
        lost = lost | (live & failed)
        inside = (extent <= bound).all(0) & ~failed
        alive = jnp.where(live & ~inside, t0, alive)
        keep = live & inside
        given_up = keep & (last.at < 1)
        error = error + jnp.where(keep, last.error + jnp.where(given_up, _LOST, 0), 0)
        stiff = stiff + jnp.where(keep, size * last.stiff, 0)
        take = lambda new, old: jnp.where(keep, new, old)
        return (
            take(last.y, y), take(last.modes, modes), alive, take(last.scale, scale), error, stiff,
            lost,
        )  # fmt: skip

    def output(carry, point):
        per_point = num_steps // (length - 1)
        numbers = (point - 1) * per_point, point * per_point
        carry = jax.lax.fori_loop(*numbers, one_step, carry)
        return carry, carry[0]

    carry = (y0, signs(operands), ones, jnp.abs(y0), start, start, no)
    points = jnp.arange(1, length, dtype=jnp.int32)
    carry, y = jax.lax.scan(output, carry, points)
    return Trajectories(jnp.concatenate([y0[None], y]), carry[2], *carry[4:], start)


def signs(operands: Modes) -> Modes:
    """Modes of operands; of one that is NaN its own."""
    return jnp.where(jnp.isnan(operands), 0, jnp.sign(operands))


def _attempt(solver: Any, field: Field, t0, size, state: _Rows) -> _Rows:
    """A step of each row up to its `end`; kept where no switch is on the way, or it ends at one."""
    import diffrax

    part = state.end - state.at
    step = part * size
    times = lambda c: t0 + size * (state.at + c * part)
    slope = lambda c, y, _: step * field(times(c), y, state.modes)[0]
    terms: Any = diffrax.ODETerm(slope)
    zero, one = jnp.zeros((), step.dtype), jnp.ones((), step.dtype)
    inner = solver.init(terms, zero, one, state.y, None)
    new, estimate, dense, _, _ = solver.step(terms, zero, one, state.y, None, inner, False)
    interpolate = jax.vmap(
        lambda c, dense: solver.interpolation_cls(t0=zero, t1=one, **dense).evaluate(c), (0, -1), -1
    )
    operand = lambda c, y: state.modes * field(times(c), y, state.modes)[1]
    between = lambda c: operand(c, interpolate(c, dense))
    at_end = operand(jnp.ones_like(part), new)
    samples = [between(jnp.full_like(part, c)) for c in _SAMPLES]
    sides = jnp.stack([jnp.maximum(operand(jnp.zeros_like(part), state.y), 0), *samples, at_end])
    open_rows = state.at < 1
    finite = jnp.isfinite(new).all(0)
    arrives = state.flips.any(0)  # at a switch, where nobody asks for the side
    crosses = finite & ~arrives & (sides[1:] < 0).any((0, 1))
    root, flips, reach = _first_root(between, sides, state.modes)
    # the root of the interpolation is not that of the solution
    missed = jnp.where(state.flips, at_end * state.reach, 0).sum(0) / jnp.where(part > 0, part, 1)
    missed = missed / jnp.maximum(state.flips.sum(0), 1).astype(missed.dtype)
    misses = arrives & (jnp.abs(missed) > _EXACT) & (state.attempts < _ATTEMPTS - 4)
    kept = open_rows & finite & ~crosses & ~misses
    passed = _grazes(sides, state.at == 0) & ~arrives
    modes, jump = _throw(field, times(jnp.ones_like(part)), new, state, at_end)
    again = open_rows & ~kept  # up to the switch, or half as far where values are not finite
    root = jnp.where(misses, 1 + missed, root)
    half = state.at + jnp.where(finite, root, 0.5) * part
    half = jnp.clip(half, state.at, 1)
    scale = jnp.where(kept, jnp.maximum(state.scale, jnp.abs(new)), state.scale)
    error = ((jnp.abs(estimate) + size * jump) / (scale + _TINY)).max(0)
    error = error + jnp.where(passed, _LOST, 0)
    is_stiff = (stability(solver, dense) > 1) & kept
    at = jnp.where(kept, state.end, state.at)
    return _Rows(
        at=at,
        end=jnp.where(again, half, jnp.ones_like(at)),
        flips=jnp.where(misses, state.flips, flips) & again & finite,
        reach=jnp.where(misses, state.reach, reach * part),
        y=jnp.where(kept, new, state.y),
        modes=jnp.where(kept, modes, state.modes),
        scale=scale,
        error=state.error + jnp.where(kept, error, 0),
        stiff=state.stiff + jnp.where(is_stiff, part, 0),
        broken=jnp.where(open_rows, ~finite, state.broken),
        attempts=state.attempts + 1,
        unfinished=(at < 1).sum(dtype=jnp.int32),
    )


def _first_root(between, sides, modes) -> tuple[Array, Array, Array]:
    """The part of a step at which the first operand reaches 0, and which ones do.

    Also how far one part of the step is for each operand there. By regula falsi with the halving of
    Illinois, of the least of all operands that are on the wrong side where the first one is seen
    there.
    """
    samples = jnp.asarray([0.0, *_SAMPLES, 1.0], sides.dtype)
    is_wrong = sides[1:] < 0
    first = jnp.argmax(is_wrong.any(1), axis=0)  # of each row
    pick = lambda index: jnp.take_along_axis(sides, index[None, None], axis=0)[0]
    before, after = pick(first), pick(first + 1)
    low, high = samples[first], samples[first + 1]
    wrong = after < 0
    least = lambda values: jnp.where(wrong, values, jnp.inf).min(0)

    def narrow(_, carry):
        low, high, at_low, at_high, _ = carry
        gap = at_low - at_high
        middle = low + (high - low) * at_low / jnp.where(gap == 0, 1, gap)
        value = least(between(middle))
        right = value < 0
        # the value at the end that stays is halved, so that both ends move
        return (
            jnp.where(right, low, middle), jnp.where(right, middle, high),
            jnp.where(right, at_low / 2, value), jnp.where(right, value, at_high / 2), middle,
        )  # fmt: skip

    start = low, high, jnp.maximum(least(before), 0), least(after), low
    none = ~wrong.any(0)
    start = (*start[:2], *(jnp.where(none, 0, leaf) for leaf in start[2:4]), low)
    root = jax.lax.fori_loop(jnp.int32(0), jnp.int32(_ROOT_STEPS), narrow, start)[-1]
    found = between(root)
    change = before - after
    nearest = found <= jnp.where(wrong, found, jnp.inf).min(0)
    flips = wrong & (nearest | (found <= _NEAR * change))
    width = samples[first + 1] - samples[first]
    reach = width / jnp.where(change == 0, 1, jnp.abs(change))
    return root, flips, jnp.where(wrong, reach, 0)


def _throw(field: Field, times, y, state: _Rows, at_end) -> tuple[Modes, Array]:
    """The modes behind the end of an attempt, and the error of the slope's jump in time units.

    What is not thrown keeps its mode unless it follows from what is.
    """
    forced = jnp.where(state.flips, -state.modes, 0)
    slopes, operands = field(times, y, forced)
    modes = jnp.where(state.flips, -state.modes, signs(operands))
    held = jnp.where(state.modes == 0, signs(operands), state.modes)
    arrives = state.flips.any(0)
    # how late or early the switch was thrown, and what rounding of the states makes of that
    now, shifted = (field(times, at, state.modes)[1] for at in (y, y + _SHIFT * state.scale))
    noise = jnp.asarray(jnp.finfo(y.dtype).eps / _SHIFT, y.dtype) * jnp.abs(shifted - now)
    missed = jnp.where(state.flips, (jnp.abs(at_end) + noise) * state.reach, 0).max(0)
    jump = jnp.abs(slopes - field(times, y, state.modes)[0]) * missed
    return jnp.where(arrives, modes, held), jnp.where(arrives, jump, 0)


def _grazes(sides, from_start) -> Bool[Array, " rows"]:
    """Whether an operand may pass through 0 and back between two samples, by parabolas."""
    left, middle, right = sides[:-2], sides[1:-1], sides[2:]
    slope, bend = (right - left) / 2, (left + right) / 2 - middle
    lowest = middle - slope**2 / jnp.where(bend > 0, 4 * bend, jnp.inf)
    inside = (bend > 0) & (jnp.abs(slope) <= 2 * bend) & (jnp.minimum(left, right) >= 0)
    found = (inside & (middle >= 0) & (lowest < 0)).any(1)
    # what starts at a switch bends away from it
    return (found[0] & from_start) | found[1:].any(0)

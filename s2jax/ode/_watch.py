"""Steps that end at an event.

A step in which a watched value changes its sign is rejected and tried again up to where the root
should be, by the cubic through values and slopes at both ends, until it ends just behind the root.
So an event is located by the solver itself, to its own order, and not by an interpolation; the
first of several is found; and no step needs more than one right-hand side more.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Values = Callable[[Float[Array, ""], Float[Array, " states"]], Float[Array, " events"]]
NONE = -1
_PATIENCE = 6  # rejections in a row after which every second one halves the step
_NEWTON = 3


class _State(NamedTuple):
    """What is known at the beginning of a step.

    Attributes:
        inner: Of the controller of errors.
        side: Sign of each value, or its last one that was not 0.
        value, slope: Of each, at the beginning of the step.
        rejected: Steps in a row that were too long for an event.
        event: Number of the one that ended the solution; `NONE` before.
    """

    inner: Any
    side: Float[Array, " events"]
    value: Float[Array, " events"]
    slope: Float[Array, " events"]
    rejected: Int[Array, ""]
    event: Int[Array, ""]


class Watching(diffrax.AbstractAdaptiveStepSizeController):
    """A controller of errors that ends the solution at the first event.

    Attributes:
        inner: The controller of errors.
        watch: Values, and their derivatives along the solution, at a time and a state.
        directions: As in `Event`, one for each value.
    """

    inner: Any
    watch: Callable[[Any, Any], tuple[Array, Array]]
    directions: tuple[int, ...] = eqx.field(static=True)

    @property
    def rtol(self):
        return self.inner.rtol

    @property
    def atol(self):
        return self.inner.atol

    @property
    def norm(self):
        return self.inner.norm

    def wrap(self, direction: Any) -> "Watching":
        return eqx.tree_at(lambda c: c.inner, self, self.inner.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order) -> Any:
        end, inner = self.inner.init(terms, t0, t1, y0, dt0, args, func, error_order)
        value, slope = self.watch(t0, y0)
        # what begins at its root is on the side to which it goes
        side = jnp.sign(jnp.where(value == 0, slope, value))
        return end, _State(inner, side, value, slope, jnp.int32(0), jnp.int32(NONE))

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, state) -> Any:
        kept, start, end, made_jump, inner, result = self.inner.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, state.inner
        )
        value, slope = jax.lax.stop_gradient(self.watch(t1, y1_candidate))
        crosses = kept & passes(state.side, value, self.directions)
        length = t1 - t0
        part = _first_root(state.value, value, length * state.slope, length * slope)
        part = jnp.where(crosses, part, jnp.inf)
        first, event = part.min(), jnp.argmin(part).astype(jnp.int32)
        near = tolerance(t1, length)
        located = crosses.any() & ((1 - first) * length <= near)
        too_long = crosses.any() & ~located
        halves = (state.rejected >= _PATIENCE) & (state.rejected % 2 == 0)
        # beyond the root, because a step that ends before it says nothing about it
        shorter = t0 + jnp.where(halves, length / 2, first * length + near / 2)
        go_on = lambda ours, theirs: jnp.where(too_long, ours, theirs)
        moved = kept & ~too_long
        state = _State(
            inner=jax.tree.map(go_on, state.inner, inner),
            side=jnp.where(moved & (value != 0), jnp.sign(value), state.side),
            value=jnp.where(moved, value, state.value),
            slope=jnp.where(moved, slope, state.slope),
            rejected=jnp.where(too_long, state.rejected + 1, 0),
            event=jnp.where(located, event, state.event),
        )
        reasons: Any = diffrax.RESULTS
        result = reasons.where(located, reasons.event_occurred, result)
        result = reasons.where(too_long, reasons.successful, result)
        made_jump = made_jump & ~too_long
        return moved, go_on(t0, start), go_on(shorter, end), made_jump, state, result


def passes(
    side: Float[Array, " events"], value: Float[Array, " events"], directions: tuple[int, ...]
) -> Bool[Array, " events"]:
    """Whether values have reached the other side of 0 in a direction that counts."""
    way = jnp.asarray(directions, jnp.int32)
    return ((side < 0) & (value >= 0) & (way >= 0)) | ((side > 0) & (value <= 0) & (way <= 0))


def tolerance(t1: Float[Array, ""], length: Float[Array, ""]) -> Float[Array, ""]:
    """How far behind a root a step of this length may end: a Newton step from there is exact."""
    eps = jnp.finfo(t1.dtype).eps
    return jnp.maximum(jnp.sqrt(eps) * length, 16 * eps * jnp.abs(t1)).astype(t1.dtype)


def _first_root(
    before: Float[Array, " events"], after: Float[Array, " events"],
    slope_before: Float[Array, " events"], slope_after: Float[Array, " events"],
) -> Float[Array, " events"]:  # fmt: skip
    """The part of a step after which each value is 0, by the cubic that has its slopes."""
    rise = after - before
    bend, twist = 3 * rise - 2 * slope_before - slope_after, slope_before + slope_after - 2 * rise
    secant = before / jnp.where(rise == 0, 1, -rise)
    part = secant
    for _ in range(_NEWTON):
        value = before + part * (slope_before + part * (bend + part * twist))
        slope = slope_before + part * (2 * bend + 3 * part * twist)
        better = part - value / jnp.where(slope == 0, 1, slope)
        part = jnp.where((better > 0) & (better <= 1), better, secant)
    return jnp.clip(part, 0, 1)


def refine(
    watch: Callable[[Array, Array], tuple[Array, Array]], derivative: Values,
    time: Float[Array, ""], state: Float[Array, " states"], event: Int[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, " states"]]:  # fmt: skip
    """Time and state of an event, by a Newton step from where the last step ended.

    Differentiable in the state and in what the functions hold.
    """
    values, slopes = watch(time, state)
    value, slope = values[event], jax.lax.stop_gradient(slopes[event])
    usable = (slope != 0) & jnp.isfinite(slope) & jnp.isfinite(value)
    shift = -jnp.where(usable, value, 0) / jnp.where(usable, slope, 1)
    # a jump has no slope that leads to it
    near = 4 * tolerance(time, jnp.maximum(jnp.abs(time), 1))
    shift = jnp.where(jnp.abs(shift) <= near, shift, shift - jax.lax.stop_gradient(shift))
    return time + shift, state + shift * derivative(time, state)

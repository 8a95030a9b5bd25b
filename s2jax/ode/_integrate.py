"""The throughput engine: many solutions at once, on one grid of steps that all rows share.

Time is rescaled to [0, 1], where every row takes the same steps; what differs from row to row is
the right-hand side and the span it is multiplied by. There is no adaptive control, so no row waits
for another; the embedded error estimate says which rows needed more steps. A row that leaves its
bounds is frozen. Values between steps are those of the solver's interpolation.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

_TINY = 1e-30
_States: TypeAlias = Float[Array, "states rows"]

Field = Callable[[Float[Array, ""], Float[Array, "states rows"]], Float[Array, "states rows"]]


class Kick(NamedTuple):
    """What happens to states at both ends of a step.

    Attributes:
        start: From the number of a step and states, the states where it begins, and what `end` is
            to know of it, an array of their shape.
        end: From that and the states where the step ends, those behind it.
    """

    start: Callable[[Int[Array, ""], _States], tuple[_States, _States]]
    end: Callable[[_States, _States], _States]


class Trajectories(NamedTuple):
    """Solutions of many equations, followed side by side.

    Attributes:
        y: Values on the output grid; constant from where a row was frozen.
        alive: Part of the span a row went through before it was frozen; 1 if it never was.
        error: Sum over steps of the estimated local error, relative to the largest value so far;
            that of the interpolation is included where outputs are between steps.
        stiff: Mean over steps of whether the step is at the solver's limit of stability.
        lost: Whether it was frozen because of a value that is not finite.
        halving: How far it is from the solution with steps twice as long along the same path of
            noise, relative to the largest value; 0 where there is none.
        singular: Whether an equation has a pole between two points; None if nobody looked.
    """

    y: Float[Array, "time states rows"]
    alive: Float[Array, " rows"]
    error: Float[Array, " rows"]
    stiff: Float[Array, " rows"]
    lost: Bool[Array, " rows"]
    halving: Float[Array, " rows"]
    singular: Bool[Array, " rows"] | None = None


def integrate(
    solver: Any, field: Field, y0: Float[Array, "states rows"],
    num_steps: Int[Array, ""], length: int, bound: Float[Array, ""], kick: Kick | None = None,
    is_kicked: Bool[Array, ""] | bool = False,
) -> Trajectories:  # fmt: skip
    """Solve `dy/dtau = field(tau, y)` for tau in [0, 1], in `num_steps` equal steps.

    Args:
        solver: An explicit Runge-Kutta method of diffrax, an `AbstractERK`.
        field: Of all rows at once.
        y0: Initial values.
        num_steps: Traced. Less than one step per output point needs a solver with interpolation
            of its own order.
        length: Points of the output grid, first and last included. Static.
        bound: Rows are frozen where an absolute value exceeds it.
        kick: What happens to the states at both ends of each step, if `is_kicked`. Steps have to
            end at all outputs then.
        is_kicked: Traced.
    """
    import diffrax  # half a second that only differential equations need

    terms = diffrax.ODETerm(lambda t, y, args: field(t, y))  # type: ignore
    dtype = y0.dtype
    step_size = 1 / num_steps.astype(dtype)
    start, end = jnp.zeros((), dtype), step_size
    state = jax.tree.map(jnp.asarray, solver.init(terms, start, end, y0, None))  # type: ignore
    # a loop needs the shapes of what solvers interpolate from before there has been a step
    unused = lambda: solver.step(terms, start, end, y0, None, state, False)[2]  # type: ignore
    dense = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(unused))
    is_coarse = num_steps < length - 1
    zero, kicked = jnp.zeros(y0.shape[1], dtype), jnp.asarray(is_kicked)

    def one_step(carry):
        number, y, state, dense, alive, scale, error, stiff, lost = carry
        # from the number of the step: to add step sizes up would gather rounding errors
        t0, t1 = number.astype(dtype) * step_size, (number + 1).astype(dtype) * step_size
        step = lambda y: solver.step(terms, t0, t1, y, None, state, kicked)  # type: ignore
        old, new, estimate, dense, state = _step_with_kick(step, kick, kicked, number, y)
        size = jnp.abs(new)
        live = (alive >= 1) & (size <= bound).all(0)  # a NaN is not
        lost = lost | ((alive >= 1) & ~jnp.isfinite(size).all(0))
        alive = jnp.where(live | (alive < 1), alive, t0)  # frozen where the failing step began
        y = jnp.where(live, new, y)
        by_row = lambda leaf: leaf.shape[-1:] == live.shape
        state = jax.tree.map(jnp.asarray, state)
        # slopes of frozen rows may be infinite or NaN, and must not be carried on
        state = jax.tree.map(lambda s: jnp.where(live, s, 0) if by_row(s) else s, state)
        scale = jnp.where(live, jnp.maximum(scale, size), scale)
        interpolate = lambda: jnp.abs(interpolation_error(solver, old, new, dense))
        between = jax.lax.cond(is_coarse, interpolate, lambda: jnp.zeros_like(new))
        # to the largest value so far, because the value itself may pass through 0
        relative = ((jnp.abs(estimate) + between) / (scale + _TINY)).max(0)
        error = error + jnp.where(live, relative, 0)
        stiff = stiff + jnp.where(live & (stability(solver, dense) > 1), step_size, 0)
        return number + 1, y, state, dense, alive, scale, error, stiff, lost

    def output(carry, point):
        # in integers, because a rounded time may lie on the wrong side of a point
        last = length - 1
        needed = (point * num_steps + last - 1) // last  # steps that reach this point
        carry = jax.lax.fori_loop(carry[0], needed, lambda _, c: one_step(c), carry)
        number, y, dense, live = carry[0], carry[1], carry[3], carry[4] >= 1
        on_grid = point * num_steps == number * last
        at = point.astype(dtype) / last
        start, end = (number - 1).astype(dtype) * step_size, number.astype(dtype) * step_size
        between = lambda: solver.interpolation_cls(t0=start, t1=end, **dense).evaluate(at)
        return carry, jax.lax.cond(on_grid, lambda: y, lambda: jnp.where(live, between(), y))

    carry = (jnp.int32(0), y0, state, dense, zero + 1, jnp.abs(y0), zero, zero, zero > 0)
    points = jnp.arange(1, length, dtype=jnp.int32)
    carry, y = jax.lax.scan(output, carry, points)
    return Trajectories(jnp.concatenate([y0[None], y]), carry[4], *carry[6:], zero)


def _step_with_kick(step: Callable[[_States], Any], kick: Kick | None, kicked, number, y):
    """Where a step of the solver begins and ends, kicks at both ends included, and what it says."""
    old = change = y
    if kick is not None:
        old, change = jax.lax.cond(kicked, kick.start, lambda _, y: (y, y), number, y)
    # kicked states are a jump: the slope kept from the last stage is no longer theirs
    new, estimate, dense, state, _ = step(old)
    if kick is not None:
        new = jax.lax.cond(kicked, kick.end, lambda _, new: new, change, new)
    return old, new, estimate, dense, state


def interpolation_error(
    solver: Any, old: Float[Array, "states rows"], new: Float[Array, "states rows"],
    dense: dict[str, Any],
) -> Float[Array, "states rows"]:  # fmt: skip
    """Estimated error of the interpolation in the middle of a step.

    A tenth of the difference from the cubic Hermite polynomial, which is an order less accurate; 0
    for methods that interpolate by it, or whose last stage is not at the end of the step.
    """
    if not solver.tableau.fsal:
        return jnp.zeros_like(new)
    k, one = dense["k"], jnp.ones((), new.dtype)
    cubic = (old + new) / 2 + (k[0] - k[-1]) / 8
    middle = solver.interpolation_cls(t0=0 * one, t1=one, **dense).evaluate(one / 2)
    return (middle - cubic) / 10


def stability(solver: Any, dense: dict[str, Any]) -> Float[Array, " rows"]:
    """Step size times the Jacobian's norm, relative to the limit of stability of order 5.

    Estimated from two stages at the end of the step (Hairer and Wanner, Solving Ordinary
    Differential Equations II, section IV.2); 0 for methods without them.
    """
    tableau = solver.tableau
    k = dense.get("k")
    if k is None or tableau.num_stages < 3 or not (tableau.c[-2:] == 1).all():  # type: ignore
        return jnp.zeros(dense["y1"].shape[-1:], dense["y1"].dtype)
    last, before = tableau.a_lower[-1], tableau.a_lower[-2]  # type: ignore[union-attr]
    weights = last - np.append(before, 0.0)
    moved = sum(float(weight) * stage for weight, stage in zip(weights, k, strict=False))
    norm = lambda a: jnp.sqrt((a**2).sum(0))
    return norm(k[-1] - k[-2]) / (3.3 * norm(moved) + _TINY)

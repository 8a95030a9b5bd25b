"""`System.solve` of systems with delays: equal steps, more of them until each is accurate."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.ode._delayed import in_steps, integrate_delayed, levels_of
from s2jax.ode._field import field
from s2jax.ode._follow_delayed import past_of
from s2jax.ode._solution import Solution, SolveStatus

_FEWEST, _PATIENCE, _MOST = 16, 1.1, 8.0
_AT_A_TIME = 64  # rows, because all their steps are stored


def check_delayed(solver: Any, events: Any) -> None:
    """Refuse what `solve` cannot do for systems with delays."""
    import diffrax

    if events is not None:
        raise ValueError(
            "solve(events=...) of a system with delays: must have none, because its steps are "
            "equal and end at no event. Look for sign changes in the solution at many times."
        )
    if not isinstance(solver, diffrax.AbstractERK):
        raise ValueError(
            f"solve(solver={type(solver).__name__}()) of a system with delays: must be an explicit "
            "Runge-Kutta method, because steps are no longer than the delay and need no other. "
            "Leave it out, or pass for example diffrax.Tsit5()."
        )


def solve_delayed(
    system: Any, equations: tuple[Any, ...], solver: Any, max_steps: int, tolerances: Any,
    ts: Float[Array, " time"], y0: Float[Array, "rows states"],
    parameters: Float[Array, "rows parameters"],
) -> Solution:  # fmt: skip
    """Solutions of all rows, some at a time."""
    structure = system.delays, system.history, system.states, system.parameters
    rows = y0, parameters
    return _refuse_gradients(
        _solve(equations, structure, solver, max_steps, (tolerances, ts, *rows))
    )


@eqx.filter_custom_jvp
def _refuse_gradients(solution):
    return solution


@_refuse_gradients.def_jvp
def _(primals, tangents):
    del primals, tangents
    raise ValueError(
        "solve(...) of a system with delays: must not be differentiated, because the number of "
        "its steps is found by trial. Take differences of two solutions, as with numpy.gradient."
    )


class _Structure(eqx.Module):
    """What a past is made of, without distributions."""

    delays: tuple[str, ...] = eqx.field(static=True)
    history: tuple[str, ...] = eqx.field(static=True)
    states: tuple[str, ...] = eqx.field(static=True)
    parameters: tuple[str, ...] = eqx.field(static=True)


@eqx.filter_jit
def _solve(equations, structure, solver, max_steps, arrays) -> Solution:
    tolerances, ts, y0, parameters = arrays
    known = _Structure(*structure)
    count, size = y0.shape[0], min(y0.shape[0], _AT_A_TIME)
    blocks = -(-count // size)
    index = jnp.minimum(jnp.arange(blocks * size, dtype=jnp.int32), count - 1)
    cut = lambda leaf: leaf[index].reshape(blocks, size, *leaf.shape[1:])
    run = lambda rows: _solve_block(known, equations, solver, max_steps, tolerances, ts, *rows)
    found = jax.lax.map(run, (cut(y0), cut(parameters)))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:count], found)


def _solve_block(system, equations, solver, max_steps, tolerances, ts, y0, parameters) -> Solution:
    y0, own, dtype = y0.T, parameters.T, y0.dtype
    rows = y0.shape[1]
    span = ts[-1] - ts[0]
    rtol, atol = tolerances
    past = past_of(system, y0, own, ts[:1], span)
    part = ((ts - ts[0]) / span)[:, None]
    most = max(max_steps - len(levels_of(past.delays.shape[0])), 1)  # breaks add to them

    def slope(part, y, delayed):
        return span * field(equations, ts[0] + part * span, y, delayed, own)

    def measure(estimate, old, new):
        allowed = atol + rtol * jnp.maximum(jnp.abs(old), jnp.abs(new))
        return (estimate / allowed).max(0)

    def attempt(carry):
        num_steps, open_rows, found, number = carry
        stored = integrate_delayed(
            solver,
            slope,
            y0,
            past,
            num_steps,
            most,
            jnp.asarray(jnp.inf, dtype),
            measure,
            open_rows,
        )
        is_good = (stored.error <= 1) & (stored.alive >= 1)
        ended = open_rows & (is_good | (num_steps >= most))
        y = jax.lax.map(
            lambda at: stored.at(in_steps(jnp.broadcast_to(at, (rows,)), num_steps)), part
        )
        y = jnp.moveaxis(y, 0, -1)  # states, rows, time
        y = jnp.where((stored.alive[:, None] >= part.T) & jnp.isfinite(y), y, jnp.nan)
        reason = jnp.where(stored.lost, SolveStatus.NOT_FINITE, SolveStatus.MAX_STEPS)
        status = jnp.where(is_good, SolveStatus.OK, reason).astype(jnp.int32)
        steps = found.num_steps + jnp.where(open_rows, stored.steps.count, 0)
        take = lambda new, old: jnp.where(ended, new, old)
        found = Solution(jnp.where(ended[:, None], y, found.y), take(status, found.status), steps)
        factor = _PATIENCE * jnp.maximum(stored.error, 1e-3) ** 0.25
        factor = jnp.where(stored.alive >= 1, jnp.clip(factor, 1.2, _MOST), _MOST)
        more = jnp.ceil(num_steps.astype(dtype) * factor)
        num_steps = jnp.minimum(more, most).astype(jnp.int32)
        return num_steps, open_rows & ~ended, found, number + 1

    least = jnp.ceil(1 / past.delays.min(0))
    first = jnp.clip(jnp.where(least > 0, least, 1), _FEWEST, most)
    nothing = Solution(
        jnp.full((*y0.shape, ts.shape[0]), jnp.nan, dtype), *jnp.zeros((2, rows), jnp.int32)
    )
    has_delay = past.delays.min(0) > 0
    status = jnp.where(has_delay, 0, SolveStatus.NOT_FINITE.value).astype(jnp.int32)
    nothing = eqx.tree_at(lambda s: s.status, nothing, status)
    start = first.astype(jnp.int32), has_delay, nothing, jnp.int32(0)
    more = lambda carry: carry[1].any() & (carry[3] < _ROUNDS)
    found = jax.lax.while_loop(more, attempt, start)[2]
    return Solution(jnp.moveaxis(found.y, 1, 0), found.status, found.num_steps)


_ROUNDS = 40

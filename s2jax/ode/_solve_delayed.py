"""`System.solve` of systems with delays: equal steps, more of them until each is accurate."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.ode._delayed import Stored, in_steps, integrate_delayed, levels_of
from s2jax.ode._field import field
from s2jax.ode._follow_delayed import past_of
from s2jax.ode._solution import Solution, SolveStatus

_FEWEST, _ATTEMPTS = 16, 40
_PATIENCE, _MOST = 1.1, 8.0  # by which the number of steps is multiplied
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


class _Search(NamedTuple):
    """Rows on their way to accurate solutions.

    Attributes:
        num_steps: Of the next attempt.
        is_open: Whether there is one.
        found: The solutions.
        attempts: How many there were.
    """

    num_steps: Int[Array, " rows"]
    is_open: Bool[Array, " rows"]
    found: Solution
    attempts: Int[Array, ""]


def _solve_block(system, equations, solver, max_steps, tolerances, ts, y0, parameters) -> Solution:
    y0, own, dtype = y0.T, parameters.T, y0.dtype
    start, span = ts[:1], ts[-1:] - ts[:1]
    rtol, atol = tolerances
    past = past_of(system, y0, own, start, span)
    most = max(max_steps - len(levels_of(past.delays.shape[0])), 1)  # breaks add to them

    def slope(part, y, delayed):
        return span * field(equations, start + part * span, y, delayed, own)

    def measure(estimate, old, new):
        allowed = atol + rtol * jnp.maximum(jnp.abs(old), jnp.abs(new))
        return (estimate / allowed).max(0)

    def attempt(search: _Search) -> _Search:
        options = search.num_steps, most, jnp.asarray(jnp.inf, dtype), measure, search.is_open
        stored = integrate_delayed(solver, slope, y0, past, *options)
        return _judge(search, stored, (ts - start) / span, most)

    rows, shortest = y0.shape[1], past.delays.min(0)
    has_delay = shortest > 0
    least = jnp.ceil(1 / jnp.where(has_delay, shortest, 1))
    status = jnp.where(has_delay, 0, SolveStatus.NOT_FINITE.value).astype(jnp.int32)
    nothing = jnp.full((rows, y0.shape[0], ts.shape[0]), jnp.nan, dtype)
    first = jnp.clip(least, min(_FEWEST, most), most).astype(jnp.int32)
    search = _Search(
        first, has_delay, Solution(nothing, status, jnp.zeros_like(status)), jnp.int32(0)
    )
    more = lambda search: search.is_open.any() & (search.attempts < _ATTEMPTS)
    return jax.lax.while_loop(more, attempt, search).found


def _judge(search: _Search, stored: Stored, part: Float[Array, " time"], most: int) -> _Search:
    """Keep what is accurate, or has no more steps, and say how many steps the rest needs."""
    num_steps, is_open, found, attempts = search
    is_good = (stored.error <= 1) & (stored.alive >= 1)
    ended = is_open & (is_good | (num_steps >= most))
    at = lambda one: stored.at(in_steps(jnp.broadcast_to(one, num_steps.shape), num_steps))
    y = jax.lax.map(at, part).transpose(2, 1, 0)
    is_known = (stored.alive[:, None] >= part)[:, None] & jnp.isfinite(y)
    failed = jnp.where(stored.lost, SolveStatus.NOT_FINITE.value, SolveStatus.MAX_STEPS.value)
    status = jnp.where(is_good, 0, failed).astype(jnp.int32)
    solution = Solution(
        jnp.where(ended[:, None, None], jnp.where(is_known, y, jnp.nan), found.y),
        jnp.where(ended, status, found.status),
        found.num_steps + jnp.where(is_open, stored.steps.count, 0),
    )
    factor = _PATIENCE * jnp.maximum(stored.error, 1) ** 0.25  # the estimate is of order 4
    factor = jnp.where(stored.alive >= 1, jnp.clip(factor, 1.2, _MOST), _MOST)
    more = jnp.minimum(jnp.ceil(num_steps.astype(part.dtype) * factor), most)
    return _Search(more.astype(jnp.int32), is_open & ~ended, solution, attempts + 1)

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
_ROUNDING = 4  # units of the last digit of the largest value
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
    parameters: Float[Array, "rows parameters"], x: Float[Array, "rows inputs time"],
) -> Solution:  # fmt: skip
    """Solutions of all rows, some at a time."""
    structure = system.delays, system.history, system.states, system.parameters
    rows = y0, parameters, x
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
    tolerances, ts, *rows = arrays
    known = _Structure(*structure)
    count = rows[0].shape[0]
    size = min(count, _AT_A_TIME)
    blocks = -(-count // size)
    index = jnp.minimum(jnp.arange(blocks * size, dtype=jnp.int32), count - 1)
    cut = lambda leaf: leaf[index].reshape(blocks, size, *leaf.shape[1:])
    run = lambda rows: _solve_block(known, equations, solver, max_steps, tolerances, ts, *rows)
    found = jax.lax.map(run, tuple(map(cut, rows)))
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


def _solve_block(
    system, equations, solver, max_steps, tolerances, ts, y0, parameters, x
) -> Solution:
    y0, own, dtype = y0.T, parameters.T, y0.dtype
    start, span = ts[:1], ts[-1:] - ts[:1]
    at, (rtol, atol) = (ts - start) / span, tolerances
    past = past_of(system, y0, own, start, span)
    # steps end at the kinks of inputs, if those are equidistant
    multiple = ts.shape[0] - 1 if x.shape[1] else 1
    most = max(max_steps - len(levels_of(past.delays.shape[0])), multiple)  # breaks add to them
    most = most // multiple * multiple

    def slope(part, y, delayed):
        read = jnp.concatenate([_inputs_at(x, at, part), delayed])
        return span * field(equations, start + part * span, y, read, own)

    rounding = jnp.asarray(_ROUNDING * jnp.finfo(dtype).eps, dtype)

    def measure(estimate, size, largest):
        # where a state passes through 0, no step is better than its rounding
        return (estimate / (atol + rtol * size + rounding * largest)).max(0)

    def attempt(search: _Search) -> _Search:
        options = search.num_steps, most, jnp.asarray(jnp.inf, dtype), measure, search.is_open
        stored = integrate_delayed(solver, slope, y0, past, *options)
        return _judge(search, stored, at, most, multiple)

    rows, shortest = y0.shape[1], past.delays.min(0)
    has_delay = shortest > 0
    least = _round_up(1 / jnp.where(has_delay, shortest, 1), multiple)
    status = jnp.where(has_delay, 0, SolveStatus.NOT_FINITE.value).astype(jnp.int32)
    nothing = jnp.full((rows, y0.shape[0], ts.shape[0]), jnp.nan, dtype)
    fewest = min(max(_FEWEST, multiple), most)
    first = jnp.clip(least, fewest, most).astype(jnp.int32)
    search = _Search(
        first, has_delay, Solution(nothing, status, jnp.zeros_like(status)), jnp.int32(0)
    )
    more = lambda search: search.is_open.any() & (search.attempts < _ATTEMPTS)
    return jax.lax.while_loop(more, attempt, search).found


def _inputs_at(
    x: Float[Array, "rows inputs time"], at: Float[Array, " time"], part: Float[Array, " rows"]
) -> Float[Array, "inputs rows"]:
    """Inputs at a part of the span of each row, linear between those that are known."""
    index = jnp.searchsorted(at, part, side="right").astype(jnp.int32) - 1
    index = jnp.clip(index, 0, at.shape[0] - 2)
    row = jnp.arange(part.shape[0], dtype=jnp.int32)
    before, after = x[row, :, index].T, x[row, :, index + 1].T
    inside = (part - at[index]) / (at[index + 1] - at[index])
    return before + inside * (after - before)


def _round_up(number: Float[Array, " rows"], multiple: int) -> Float[Array, " rows"]:
    return jnp.ceil(number / multiple) * multiple


def _judge(
    search: _Search, stored: Stored, part: Float[Array, " time"], most: int, multiple: int
) -> _Search:
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
    more = jnp.minimum(_round_up(num_steps.astype(part.dtype) * factor, multiple), most)
    return _Search(more.astype(jnp.int32), is_open & ~ended, solution, attempts + 1)

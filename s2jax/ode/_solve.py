"""The reference engine: a given system solved with adaptive steps."""

import math
from collections.abc import Mapping
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from s2jax.core import checks
from s2jax.distributions import Constant
from s2jax.ode._adaptive import adaptive
from s2jax.ode._delays import check_history
from s2jax.ode._events import check_values, read_events
from s2jax.ode._field import field
from s2jax.ode._lags import num_slots
from s2jax.ode._shared import solve_shared
from s2jax.ode._solution import Solution, solve_nothing
from s2jax.ode._solve_delayed import check_delayed, solve_delayed


def solve(
    system: Any, y0: Any, ts: Any, parameters: Mapping[Any, Any] | None, inputs: Any,
    solver: Any, rtol: Any, atol: Any, max_steps: int, events: Any = None,
) -> Solution:  # fmt: skip
    """See `System.solve`."""
    if system.noise:
        raise ValueError(
            "solve(...) of a system with noise: must have none, because adaptive steps follow "
            "smooth solutions. Draw solutions by s2jax.sample with the system as the target, or "
            "solve the part without noise: system.drift.solve(...)."
        )
    solver = diffrax.Tsit5() if solver is None else solver
    check_adaptive(solver)
    checks.check_number("solve", "rtol", rtol, low=0, strict=True)
    checks.check_number("solve", "atol", atol, low=0)
    checks.check_static_integer("solve", "max_steps", max_steps, 1)
    y0 = checks.as_floats("solve", "y0", y0, held=True)
    ts = _times(ts, y0.dtype)
    if system.delays:
        check_delayed(solver, events)
        if checks.is_here(ts) and not parameters:
            check_history(system, float(ts[0]))
    watched, thresholds = read_events(system, events)
    own = _values(system, parameters or {}, y0.dtype, thresholds)
    x = _inputs(system, inputs, ts, y0.dtype)
    if y0.shape[-1:] != (len(system.states),):
        raise ValueError(
            f"solve(y0 of shape {y0.shape}): must be (*batch, {len(system.states)}), one number "
            f"for each of the states {', '.join(system.states)}. Put the states last."
        )
    rows, batch = _broadcast({"y0": (y0, 1), "parameters": (own, 1), "inputs": (x, 2)})
    if 0 in batch:
        return solve_nothing((*batch, len(system.states)), len(ts), y0.dtype, watched is not None)
    tolerances = jnp.asarray(rtol, y0.dtype), jnp.asarray(atol, y0.dtype)
    equations = system.expressions, *map(len, (system.states, system.inputs, system.parameters))
    solution = None
    if system.delays:
        slots = equations[1], num_slots(system.delays, system.inputs), equations[3]
        options = (equations[0], *slots), solver, max_steps, tolerances, ts
        solution = solve_delayed(system, *options, *rows)
    elif watched is None:
        solution = solve_shared(equations, solver, max_steps, tolerances, ts, *rows)
    if solution is None:
        solution = _solve_rows(equations, watched, solver, max_steps, tolerances, ts, *rows)
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), solution)


@eqx.filter_jit
def _solve_rows(equations, watched, solver, max_steps, tolerances, ts, y0, parameters, x):
    """Solutions of all rows."""
    run = lambda *row: _solve_row(equations, watched, solver, max_steps, tolerances, ts, *row)
    return jax.vmap(run)(y0, parameters, x)


def _solve_row(equations, watched, solver, max_steps, tolerances, ts, y0, parameters, x):
    own = parameters[: equations[-1]]  # numbers of events follow those of the system
    derivative = lambda t, y, x: field(equations, t, y, x, own)
    if watched is None:
        return adaptive(derivative, solver, max_steps, tolerances, ts, y0, x)

    events = lambda t, y, x: field(watched.equations, t, y, x, parameters)
    return adaptive(
        derivative, solver, max_steps, tolerances, ts, y0, x, None, events, watched.directions
    )


def check_adaptive(solver: Any) -> None:
    if not isinstance(solver, diffrax.AbstractSolver):
        raise TypeError(
            f"solve(solver={solver!r}): must be a diffrax solver. Pass for example "
            "diffrax.Tsit5(), with its parentheses."
        )
    if not isinstance(solver, diffrax.AbstractAdaptiveSolver):
        raise ValueError(
            f"solve(solver={type(solver).__name__}()): must have an error estimate, because steps "
            "are as long as the tolerances allow. Pass diffrax.Tsit5() or diffrax.Kvaerno5()."
        )
    if not isinstance(solver.term_structure, type) or not issubclass(
        diffrax.ODETerm, solver.term_structure
    ):
        raise ValueError(
            f"solve(solver={type(solver).__name__}()): must solve y' = f(t, y) as a whole, and "
            "this one takes the equation in parts. Pass diffrax.Tsit5() or diffrax.Kvaerno5()."
        )


def _times(ts: Any, dtype: Any) -> Array:
    ts = checks.as_floats("solve", "ts", ts, dtype=dtype, held=True)
    if ts.ndim != 1 or len(ts) < 2:
        raise ValueError(
            f"solve(ts of shape {ts.shape}): must be one axis of at least 2 times, because the "
            "first one is where y0 is. Pass for example numpy.linspace(0, 10, 100)."
        )
    checks.check_finite("solve", "ts", ts)
    if checks.is_here(ts) and not (np.diff(np.asarray(ts, float)) > 0).all():
        raise ValueError(
            f"solve(ts={np.asarray(ts)}): must increase, as {ts.dtype} too, because the solution "
            "runs forward. Sort them, and to run backward solve for -t."
        )
    return ts


def _values(
    system: Any, given: Mapping[Any, Any], dtype: Any, thresholds: tuple[str, ...]
) -> Array:
    """Parameters of shape `(*batch, parameters)`, those that only events have last."""
    named = {str(key): value for key, value in given.items()}
    check_values(thresholds, named, system)
    known = (*system.parameters, *thresholds)
    for name in named:
        if name not in known:
            raise ValueError(f"solve(parameters={{{name!r}: ...}}): {checks.unknown(name, known)}")
    laws = dict(zip(system.parameters, system.laws, strict=True)) | dict.fromkeys(thresholds)
    drawn = [name for name, law in laws.items() if not isinstance(law, Constant | type(None))]
    missing = [name for name in drawn if name not in named]
    if missing:
        raise ValueError(
            f"solve(parameters={dict(given)!r}): must have a value for {', '.join(missing)}, which "
            "have distributions. Pass numbers, or arrays of one per row; a named system has the "
            "values of its source with jitter=0."
        )
    values = []
    for name, law in laws.items():
        value = named.get(name, getattr(law, "value", None))
        place = f"parameters[{name}]"
        values.append(checks.as_floats("solve", place, value, dtype=dtype, held=True))
    return jnp.stack(jnp.broadcast_arrays(*values), axis=-1) if values else jnp.zeros((0,), dtype)


def _inputs(system: Any, inputs: Any, ts: Array, dtype: Any) -> Array:
    """Inputs of shape `(*batch, inputs, time)`."""
    shape = len(system.inputs), len(ts)
    if inputs is None and shape[0] == 0:
        return jnp.zeros(shape, dtype)
    if inputs is not None:
        inputs = checks.as_floats("solve", "inputs", inputs, dtype=dtype)
    if inputs is None or inputs.shape[-2:] != shape:
        found = "None" if inputs is None else f"of shape {inputs.shape}"
        raise ValueError(
            f"solve(inputs {found}): must be of shape (*batch, {shape[0]}, {shape[1]}), one series "
            f"for each of the inputs ({', '.join(system.inputs)}), at the times ts. Pass them."
        )
    return inputs


def _broadcast(arrays: Mapping[str, tuple[Array, int]]) -> tuple[list[Array], tuple[int, ...]]:
    """The arrays with one axis of rows, and the batch axes it stands for."""
    shapes = {name: array.shape[: array.ndim - own] for name, (array, own) in arrays.items()}
    try:
        batch = np.broadcast_shapes(*shapes.values())
    except ValueError:
        text = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"solve(batch axes {text}): must broadcast, because each row has its own of each. "
            "Give axes of one length, or of length 1."
        ) from None
    spread = lambda array, own: jnp.broadcast_to(array, (*batch, *array.shape[array.ndim - own :]))
    rows = [spread(array, own) for array, own in arrays.values()]
    flat = [
        row.reshape(math.prod(batch), *row.shape[row.ndim - own :])
        for row, (_, own) in zip(rows, arrays.values(), strict=True)
    ]
    return flat, batch

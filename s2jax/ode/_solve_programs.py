"""The reference engine for random equations: every row adaptive, all evaluated at once."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Num

from s2jax.core import checks
from s2jax.ode._equations import bind
from s2jax.ode._solution import Solution, solve_nothing
from s2jax.programs import Program
from s2jax.programs.engines.grouped import (
    Schedule,
    evaluate_linearizable,
    evaluate_scheduled,
    schedule,
)
from s2jax.programs.reads import available, check_reads, reads_past


@checks.suggest_names()
def solve(
    program: Program,
    y0: Num[Array | np.ndarray, "*batch states"],
    ts: Num[Array | np.ndarray, "*batch time"],
    inputs: Num[Array | np.ndarray, "*batch inputs time"] | None = None,
    *,
    solver: Any = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    max_steps: int = 16384,
) -> Solution:
    """Solutions of equations given as programs, with steps adapted to each row.

    Checks what `s2jax.sample` found, and solves what it gave up: `Status.STIFF` rows with an
    implicit solver. All rows are one vmapped `diffrax.diffeqsolve`, in which right-hand sides are
    evaluated together; the slowest row sets the price.

    Args:
        program: Right-hand sides of shape `(*batch, states)`, as `batch.program`.
        y0: Initial values, as `batch.y[..., 0]`.
        ts: Increasing times of the result in each row, as `batch.t`.
        inputs: Values at `ts`, linear between them; None if no program reads any.
        solver: A diffrax solver with an error estimate; by default `diffrax.Tsit5()`.
        rtol, atol: Tolerances of the error of one step; traced.
        max_steps: Steps after which to give up, accepted or not. Static.

    Returns:
        The states at `ts`, NaN from where the solver fails, with the status and the number of
        steps of every row.

    Raises:
        TypeError: If the solver is no diffrax solver, or a series is complex or in half precision.
        ValueError: If shapes do not agree or the solver has no error estimate; or if a program
            reads an input or a state that is not there. Programs that are traced are NaN then.

    Example:
        >>> import s2jax
        >>> decay = s2jax.from_text("-0.5*y_0")
        >>> t = jnp.linspace(0.0, 2.0, 3)
        >>> solution = s2jax.ode.solve(decay, jnp.ones(1), t)
        >>> bool(jnp.allclose(solution.y, jnp.exp(-0.5 * t), atol=1e-5))
        True
        >>> s2jax.ode.SolveStatus(int(solution.status)).name
        'OK'
    """
    import diffrax

    from s2jax.ode._solve import check_adaptive

    solver = diffrax.Tsit5() if solver is None else solver
    check_adaptive(solver)
    checks.check_number("solve", "rtol", rtol, low=0, strict=True)
    checks.check_number("solve", "atol", atol, low=0)
    y0 = checks.as_floats("solve", "y0", y0, held=True)
    ts = checks.as_floats("solve", "ts", ts, dtype=y0.dtype, held=True)
    checks.check_finite("solve", "ts", ts)
    if inputs is not None:
        inputs = checks.as_floats("solve", "inputs", inputs, dtype=y0.dtype)
    batch = program.shape[:-1]
    x = jnp.zeros((*batch, 0, ts.shape[-1]), y0.dtype) if inputs is None else inputs
    if y0.shape != program.shape or ts.shape[:-1] != batch or x.shape[:-2] != batch:
        raise ValueError(
            f"solve(program of shape {program.shape}, y0 {y0.shape}, ts {ts.shape}, inputs "
            f"{x.shape}): must be (*batch, states), (*batch, states), (*batch, time) and (*batch, "
            "inputs, time). Index or broadcast them."
        )
    if ts.shape[-1] == 0:
        raise ValueError(
            f"solve(ts of shape {ts.shape}): must have a time, because y0 is at the first one. "
            "Pass for example numpy.linspace(0, 10, 100) for every row."
        )
    if checks.is_here(program) and bool(np.asarray(reads_past(program)).any()):
        raise ValueError(
            "solve(program with states at delayed times): must read states at the time t only, "
            "because a row has no past. Solve the system: s2jax.ode.System.from_sympy("
            "s2jax.to_sympy(program)[row], states=[...]).solve(...)."
        )
    check_reads("solve", program, available(x.shape[-2], y0.shape[-1], True), y0.dtype)
    if y0.size == 0:
        return solve_nothing(y0.shape, ts.shape[-1], y0.dtype)
    flat = lambda leaf: leaf.reshape(math.prod(batch), *leaf.shape[len(batch) :])
    rows = jax.tree.map(flat, (program, y0, ts, x))
    tolerances = jnp.asarray(rtol, y0.dtype), jnp.asarray(atol, y0.dtype)
    solution = _solve_rows(solver, max_steps, tolerances, *rows)
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), solution)


@eqx.filter_jit
def _solve_rows(solver, max_steps, tolerances, program: Program, y0, ts, x):
    import diffrax

    from s2jax.ode._adaptive import adaptive

    rows, states = y0.shape
    by_state = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:]), program)
    num_variables = states + 1 + x.shape[1]
    plan = schedule(bind(by_state, states), num_variables, rows, y0.dtype)
    implicit = isinstance(solver, diffrax.AbstractImplicitSolver)
    evaluate_all = evaluate_linearizable if implicit else evaluate_scheduled
    evaluate_all = partial(evaluate_all, protected=program.protected)
    evaluate = partial(_at_lane(evaluate_all, rows), plan)

    def run(lane, y0, ts, x):
        def derivative(t, y, now):
            return evaluate(lane, jnp.concatenate([y, t[None], now]))

        return adaptive(derivative, solver, max_steps, tolerances, ts, y0, x)

    return jax.vmap(run)(jnp.arange(rows, dtype=jnp.int32), y0, ts, x)


def _at_lane(evaluate_all: Callable[..., Array], rows: int):
    """The right-hand side of one lane; under a vmap over all lanes, one evaluation of all."""

    @jax.custom_batching.custom_vmap
    def evaluate(plan: Schedule, lane, variables):
        spread = jnp.tile(variables[:, None], (1, rows))
        return evaluate_all(plan, spread).reshape(-1, rows)[:, lane]

    @evaluate.def_vmap
    def _(axis_size, in_batched, plan, lane, variables):
        del lane
        assert axis_size == rows, "every lane once, in order"
        variables = variables if in_batched[2] else jnp.tile(variables, (axis_size, 1))
        return evaluate_all(plan, variables.T).reshape(-1, rows).T, True

    return evaluate

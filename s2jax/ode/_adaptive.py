"""One row solved by diffrax, with steps of its own; failures are values."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from s2jax.ode._solution import Solution, SolveStatus
from s2jax.ode._watch import NONE, Watching, refine

_REASONS = (
    (diffrax.RESULTS.successful, SolveStatus.OK),
    (diffrax.RESULTS.max_steps_reached, SolveStatus.MAX_STEPS),
    (diffrax.RESULTS.nonlinear_divergence, SolveStatus.NO_CONVERGENCE),
    (diffrax.RESULTS.dt_min_reached, SolveStatus.STEP_TOO_SMALL),
    (diffrax.RESULTS.event_occurred, SolveStatus.EVENT),
)


def adaptive(
    derivative, solver, max_steps, tolerances, ts, y0, x, norm=None, events=None, directions=()
) -> Solution:
    """The solution of y' = derivative(t, y, x) of one row at `ts`, NaN from where it ends.

    `norm` is that of errors, if it is not the root of their mean square. The first root of
    `events(t, y, x)`, an array, ends the solution; `directions` are those of `Event`.
    """
    # from 0, where floats are densest; not scaled, or implicit solvers fail in float32
    grid = ts - ts[0]
    controller = _Controller(*tolerances, **({} if norm is None else {"norm": norm}))
    series = None
    if x.shape[0]:
        series = diffrax.LinearInterpolation(grid, x.T)
        # steps end at the kinks, so that none is rejected because of one
        controller = diffrax.ClipStepSizeController(controller, step_ts=grid)

    def at(function):
        def call(s, y, _=None):
            now = jnp.zeros(0, y.dtype) if series is None else series.evaluate(s)
            return function(ts[0] + s, y, now)

        return call

    slope, saved = at(derivative), [diffrax.SubSaveAt(ts=grid)]
    if events is not None:
        value = at(events)

        def watch(s, y):
            return jax.jvp(value, (s, y), (jnp.ones_like(s), slope(s, y)))

        controller = Watching(controller, watch, directions)  # type: ignore
        saved.append(diffrax.SubSaveAt(t1=True))
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(slope), solver, grid[0], grid[-1], None, y0,
        saveat=diffrax.SaveAt(subs=saved, controller_state=events is not None),
        stepsize_controller=controller, max_steps=max_steps, throw=False,
    )  # fmt: skip
    assert found.ys is not None
    assert found.ts is not None
    status = jnp.int32(SolveStatus.NOT_FINITE.value)
    for result, reason in _REASONS:
        status = jnp.where(found.result == result, reason.value, status)
    values = jnp.where(jnp.isfinite(found.ys[0]), found.ys[0], jnp.nan).T
    solution = Solution(values, status, found.stats["num_steps"].astype(jnp.int32))
    if events is None:
        return solution
    happened = status == SolveStatus.EVENT.value
    event = jnp.where(happened, found.controller_state.event, NONE)  # type: ignore
    time, state = refine(watch, slope, found.ts[1][0], found.ys[1][0], jnp.maximum(event, 0))
    ended = lambda leaf: jnp.where(happened, leaf, jnp.nan)
    values = jnp.where(happened & (grid > time), jnp.nan, values)
    return eqx.tree_at(
        lambda s: (s.y, s.event, s.event_time, s.event_state), solution,
        (values, event, ended(ts[0] + time), ended(state)), is_leaf=lambda leaf: leaf is None,
    )  # fmt: skip


class _Controller(diffrax.PIDController):
    """`diffrax.PIDController` that stops, with the reason, where a step no longer moves time.

    diffrax makes the steps of a solution that ends in a pole smaller until the largest number of
    steps is reached, and all rows of a batch wait for it.
    """

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, state) -> Any:
        kept, start, end, made_jump, state, result = super().adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, state
        )
        reasons: Any = diffrax.RESULTS
        failed = ~jnp.isfinite(y_error).all()
        why = reasons.where(failed, reasons.nonlinear_divergence, reasons.dt_min_reached)
        is_number = jnp.isfinite(y1_candidate).all()
        why = reasons.where(is_number, why, reasons.nonfinite_input)
        # rounded to the same times, a rejected step would be tried for ever; NaN moves nothing
        stopped = ~(end > start) | (~kept & ~(end < t1))
        return kept, start, end, made_jump, state, reasons.where(stopped, why, result)

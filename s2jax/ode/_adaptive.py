"""One row solved by diffrax, with steps of its own; failures are values."""

from typing import Any

import diffrax
import jax.numpy as jnp

from s2jax.ode._solution import Solution, SolveStatus

_REASONS = (
    (diffrax.RESULTS.successful, SolveStatus.OK),
    (diffrax.RESULTS.max_steps_reached, SolveStatus.MAX_STEPS),
    (diffrax.RESULTS.nonlinear_divergence, SolveStatus.NO_CONVERGENCE),
    (diffrax.RESULTS.dt_min_reached, SolveStatus.STEP_TOO_SMALL),
)


def adaptive(derivative, solver, max_steps, tolerances, ts, y0, x, norm=None) -> Solution:
    """The solution of y' = derivative(t, y, x) of one row at `ts`, NaN from where it fails.

    `norm` is that of errors, if it is not the root of their mean square.
    """
    # from 0, where floats are densest; not scaled, or implicit solvers fail in float32
    grid = ts - ts[0]
    controller = _Controller(*tolerances, **({} if norm is None else {"norm": norm}))
    series = None
    if x.shape[0]:
        series = diffrax.LinearInterpolation(grid, x.T)
        # steps end at the kinks, so that none is rejected because of one
        controller = diffrax.ClipStepSizeController(controller, step_ts=grid)

    def slope(s, y, _):
        now = jnp.zeros(0, y.dtype) if series is None else series.evaluate(s)
        return derivative(ts[0] + s, y, now)

    found = diffrax.diffeqsolve(
        diffrax.ODETerm(slope), solver, grid[0], grid[-1], None, y0,
        saveat=diffrax.SaveAt(ts=grid), stepsize_controller=controller,
        max_steps=max_steps, throw=False,
    )  # fmt: skip
    assert found.ys is not None
    status = jnp.int32(SolveStatus.NOT_FINITE.value)
    for result, reason in _REASONS:
        status = jnp.where(found.result == result, reason.value, status)
    values = jnp.where(jnp.isfinite(found.ys), found.ys, jnp.nan).T
    return Solution(values, status, found.stats["num_steps"].astype(jnp.int32))


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

"""Fitting the constants of many different expressions at once."""

import math
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from s2jax.core import checks
from s2jax.core.status import StatusFlag
from s2jax.core.types import PRNGKey
from s2jax.programs.engines.gradient import jacobian_rows
from s2jax.programs.operators import CONST, NUM_LEAVES
from s2jax.programs.program import Constants, Program, check_kind
from s2jax.programs.reads import available, check_reads, reads_missing
from s2jax.programs.trees import by_tiles

_TILE = 64  # rows iterated together: a tile takes as many steps as its slowest row


class FitStatus(StatusFlag):
    """How a fit ended; 0 means that it converged. Bits add up.

    Example:
        >>> FitStatus(2).sentence
        'No start gave finite values.'
    """

    OK = 0, "Converged."
    MAX_STEPS = 1, "The largest number of steps was reached."
    NOT_FINITE = 2, "No start gave finite values."
    MISSING_VARIABLE = 4, "The program reads a variable that is no channel of x."


class Fit(eqx.Module):
    """What `fit_constants` found for every program.

    Attributes:
        constants: The best constants; those that are not free are the program's own.
        loss: Mean squared difference from `y`; infinite where no start gave finite values.
        steps: Steps taken from the best start.
        status: 0 where the fit converged, else bits of `FitStatus`.
    """

    constants: Constants
    loss: Float[Array, "*batch outputs"]
    steps: Int[Array, "*batch outputs"]
    status: Int[Array, "*batch outputs"]


class _State(NamedTuple):
    """A Levenberg-Marquardt iteration of some rows.

    Attributes:
        theta: The free constants.
        loss: Mean squared residual.
        normal, slope: `J J^T` and `J r` of the Jacobian and residuals at `theta`.
        trial: What to try next.
        damping: The damping factor, relative to the diagonal of `normal`.
        steps: Steps taken.
        open: Whether the row is still being fitted.
    """

    theta: Float[Array, "rows free"]
    loss: Float[Array, " rows"]
    normal: Float[Array, "rows free free"]
    slope: Float[Array, "rows free"]
    trial: Float[Array, "rows free"]
    damping: Float[Array, " rows"]
    steps: Int[Array, " rows"]
    open: Bool[Array, " rows"]


def free_constants(program: Program) -> Constants:
    """Which constants `fit_constants` fits: those written with a decimal point.

    Args:
        program: Of any batch shape.

    Returns:
        Booleans in the shape of `program.constants`.

    Example:
        >>> import s2jax
        >>> program = s2jax.from_text("2.5*sin(3*x_0) + 0.5")
        >>> free = free_constants(program)
        >>> int(free.scale.sum()), int(free.bias.sum())
        (1, 1)
    """
    used = jnp.arange(program.num_nodes, dtype=jnp.int32) < program.length[..., None]
    is_leaf = program.op < NUM_LEAVES
    scale = program.scale_exponent < 0
    bias = (program.bias_mantissa != 0) & (program.bias_exponent < 0)
    value = bias | scale | ((program.op == CONST) & (program.b < 0))
    return Constants(used & ~is_leaf & scale, used & jnp.where(is_leaf, value, bias))


@checks.suggest_names()
def fit_constants(
    program: Program,
    x: Num[Array | np.ndarray, "*batch inputs time"],
    y: Num[Array | np.ndarray, "*batch outputs time"],
    *,
    key: PRNGKey | None = None,
    starts: int = 1,
    max_steps: int = 100,
    tolerance: float = 1e-5,
    free: Constants | None = None,
) -> Fit:
    """Least-squares fits of the constants of every program to its own series.

    Fitted are the numbers that are written with a decimal point, `2.0*sin(x_0)` and not
    `2*sin(x_0)`: whole numbers are taken for a part of the form, unless `free` says otherwise.

    Levenberg-Marquardt with all rows in parallel: one sweep through a program gives its Jacobian
    by all constants. The first start is the program's own constants; each other one multiplies
    every free constant by a factor `+-exp(N(0, 1))`, and the best result is kept.

    Args:
        program: Of batch shape `(*batch, outputs)`; its constants are the first guess.
        x: The inputs.
        y: What the programs are to give. A value that is NaN is left out; of a series without any
            other the status is NOT_FINITE.
        key: For the random starts. Not needed for one start.
        starts: Number of starts. Static.
        max_steps: Largest number of steps per start. Static.
        tolerance: A fit has converged when a step lowers the loss by less than this part.
        free: Which constants to fit, as booleans; `free_constants(program)` by default.

    Returns:
        The constants found, the loss, and how it went. `s2jax.with_constants(program,
        fit.constants)` is a program with these constants.

    Raises:
        TypeError: If `x` or `y` is complex or of a floating type other than float32 and float64.
        ValueError: If shapes do not agree or a number is out of range, or there is no key; or if a
            program reads a variable that is no channel of `x`. Programs that are traced have the
            status MISSING_VARIABLE then.

    Example:
        >>> import jax.numpy as jnp, s2jax
        >>> x = jnp.linspace(-2, 2, 64)[None, None]
        >>> truth = s2jax.from_text(["2.5*sin(1.3*x_0) + 0.7"])
        >>> guess = s2jax.from_text(["2.0*sin(1.0*x_0) + 0.1"])
        >>> fit = fit_constants(guess, x, s2jax.evaluate(truth, x))
        >>> s2jax.to_text(s2jax.with_constants(guess, fit.constants, digits=3))
        ['(0.7 add (2.5 mul sin((1.3 mul x_0))))']

    References:
        Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters; the
        damping follows Nielsen (1999), Damping parameter in Marquardt's method.
    """
    check_kind("fit_constants", program)
    x = checks.as_floats("fit_constants", "x", x)
    y = checks.as_floats("fit_constants", "y", y).astype(x.dtype)
    _check(program, x, y, key, starts, max_steps)
    free = free_constants(program) if free is None else free
    if 0 in program.shape:
        nothing, none = jnp.zeros(program.shape, x.dtype), jnp.zeros(program.shape, jnp.int32)
        return Fit(program.constants, nothing, none, none)
    count = (free.scale.sum(-1, dtype=jnp.int32) + free.bias.sum(-1, dtype=jnp.int32)).max()
    num_free = int(count) if checks.is_concrete(count) else 2 * program.num_nodes
    key = jax.random.key(0) if key is None else key
    flat = _rows_of(program, x, y, free)
    fit = _fit_rows(key, *flat, max(num_free, 1), starts, max_steps, tolerance)
    return jax.tree.map(lambda leaf: leaf.reshape(*program.shape, *leaf.shape[1:]), fit)


def _check(program, x, y, key, starts, max_steps) -> None:
    checks.check_static_integer("fit_constants", "starts", starts, 1)
    checks.check_static_integer("fit_constants", "max_steps", max_steps, 1)
    if not program.shape or program.shape[:-1] != x.shape[:-2] or y.shape[:-1] != program.shape:
        raise ValueError(
            f"fit_constants(program of shape {program.shape}, x of shape {x.shape}, y of shape "
            f"{y.shape}): must be (*batch, outputs), (*batch, inputs, time) and (*batch, outputs, "
            "time). Index or broadcast them."
        )
    if x.shape[-1] == 0:
        raise ValueError(
            f"fit_constants(x of shape {x.shape}): must have a time step, because constants are "
            "fitted to values. Pass at least one."
        )
    if y.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"fit_constants(x with {x.shape[-1]} and y with {y.shape[-1]} time steps): must have "
            "equal lengths. Cut the longer one."
        )
    check_reads("fit_constants", program, available(x.shape[-2]), x.dtype)
    if starts > 1 and key is None:
        raise ValueError(
            f"fit_constants(starts={starts}): must have a key for the random starts. Pass "
            "key=jax.random.key(0)."
        )
    if key is not None:
        checks.check_key("fit_constants", key)


def _rows_of(program: Program, x, y, free: Constants):
    """Everything with one leading axis, and x repeated for the outputs of a row."""
    batch = program.shape
    flat = lambda leaf: leaf.reshape(math.prod(batch), *leaf.shape[len(batch) :])
    x = jnp.broadcast_to(jnp.expand_dims(x, -3), (*batch, *x.shape[-2:]))
    return jax.tree.map(flat, (program, x, y, free))


@partial(jax.jit, static_argnames=("num_free", "starts", "max_steps"))
def _fit_rows(key, program: Program, x, y, free: Constants, num_free, starts, max_steps, tolerance):
    rows, dtype = program.length.shape[0], x.dtype
    own = jax.tree.map(lambda leaf: leaf.astype(dtype), program.constants)
    mask = jnp.stack([free.scale, free.bias], 1)
    place = jnp.cumsum(mask.reshape(rows, -1), 1, dtype=jnp.int32) - 1
    columns = jnp.where(mask, place.reshape(mask.shape), -1)
    first = _gather(own, columns, num_free)
    key_size, key_sign = jax.random.split(key)
    shape = (starts, rows, num_free)
    factor = jnp.exp(jax.random.normal(key_size, shape, dtype))
    factor = jnp.where(jax.random.bernoulli(key_sign, shape=shape), factor, -factor)
    theta = first * factor.at[0].set(1)

    def fit_tile(arguments):
        program, own, columns, x, y, theta = arguments
        return _iterate(program, own, columns, x, y, theta, max_steps, tolerance)

    def one_start(theta):
        return by_tiles(fit_tile, _TILE, rows, (program, own, columns, x, y, theta))

    theta, loss, steps, running = jax.lax.map(one_start, theta)
    best = jnp.argmin(loss, 0)[None]
    theta, loss, steps, running = (
        jnp.take_along_axis(leaf, best.reshape(1, rows, *(1,) * (leaf.ndim - 2)), 0)[0]
        for leaf in (theta, loss, steps, running)
    )
    status = jnp.where(running, FitStatus.MAX_STEPS.value, 0)
    status = jnp.where(jnp.isfinite(loss), status, FitStatus.NOT_FINITE.value)
    missing = reads_missing(program, available(x.shape[-2]))
    status = jnp.where(missing, FitStatus.MISSING_VARIABLE.value, status)
    return Fit(_scatter(own, columns, theta), loss, steps, status)


def _gather(constants: Constants, columns, num_free: int) -> Float[Array, "rows free"]:
    """The free constants in the order of their columns; 0 beyond the last."""
    values = jnp.stack([constants.scale, constants.bias], 1).reshape(columns.shape[0], -1)
    target = jnp.where(columns < 0, num_free, columns).reshape(values.shape)
    put = lambda value, target: jnp.zeros(num_free, value.dtype).at[target].set(value, mode="drop")
    return jax.vmap(put)(values, target)


def _scatter(constants: Constants, columns, theta) -> Constants:
    """The constants with `theta` in the place of the free ones."""
    values = jnp.stack([constants.scale, constants.bias], 1)
    new = jax.vmap(lambda theta, columns: theta[columns])(theta, columns)
    values = jnp.where(columns < 0, values, new)
    return Constants(values[:, 0], values[:, 1])


def _iterate(program: Program, own: Constants, columns, x, y, theta, max_steps: int, tolerance):
    """Levenberg-Marquardt on a tile of rows, until all have converged."""
    known = ~jnp.isnan(y)
    weight = 1 / jnp.maximum(known.sum(-1), 1).astype(x.dtype)

    def linearize(theta):
        constants = _scatter(own, columns, theta)
        values, jacobian = jacobian_rows(program, constants, x, columns, theta.shape[1])
        residual = jnp.where(known, y - values, 0)
        jacobian = jnp.where(known[:, None], jacobian, 0)
        loss = (residual**2).sum(-1) * weight
        normal = jnp.einsum("rpt,rqt->rpq", jacobian, jacobian) * weight[:, None, None]
        slope = jnp.einsum("rpt,rt->rp", jacobian, residual) * weight[:, None]
        finite = jnp.isfinite(loss) & jnp.isfinite(slope).all(-1) & jnp.isfinite(normal).all((1, 2))
        finite = finite & known.any(-1)  # what is fitted to nothing fits nothing
        return jnp.where(finite, loss, jnp.inf), normal, slope

    def step(state: _State) -> _State:
        loss, normal, slope = linearize(state.trial)
        # at the very first step everything is an improvement
        better = state.open & ((loss < state.loss) | (state.steps == 0))
        gain = (state.loss - loss) / state.loss
        done = (better & (state.steps > 0) & (gain < tolerance)) | (loss == 0)
        change, eps = jnp.abs(state.trial - state.theta), jnp.finfo(x.dtype).eps
        stuck = ~better & (change <= 16 * eps * jnp.abs(state.theta)).all(-1)
        stuck = stuck | (~better & (state.damping > 1e8))
        pick = lambda new, old: jnp.where(better.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
        theta, normal, slope = (
            pick(new, old)
            for new, old in zip(
                (state.trial, normal, slope), (state.theta, state.normal, state.slope), strict=True
            )
        )
        damping = jnp.where(better, jnp.maximum(state.damping / 5, 1e-7), state.damping * 4)
        damping = jnp.where(state.steps == 0, state.damping, damping)
        return _State(
            theta=theta,
            loss=pick(loss, state.loss),
            normal=normal,
            slope=slope,
            trial=theta + _solve(normal, slope, damping),
            damping=damping,
            steps=state.steps + state.open.astype(jnp.int32),
            open=state.open & ~done & ~stuck & jnp.isfinite(pick(loss, state.loss)),
        )

    rows, free = theta.shape
    start = _State(
        theta=theta,
        loss=jnp.full(rows, jnp.inf, x.dtype),
        normal=jnp.zeros((rows, free, free), x.dtype),
        slope=jnp.zeros_like(theta),
        trial=theta,
        damping=jnp.full(rows, 1e-2, x.dtype),
        steps=jnp.zeros(rows, jnp.int32),
        open=jnp.ones(rows, bool),
    )
    more = lambda state: state.open.any() & (state.steps.max() <= max_steps)
    end = jax.lax.while_loop(more, step, start)
    return end.theta, end.loss, end.steps, end.open


def _solve(normal, slope, damping) -> Float[Array, "rows free"]:
    """The damped step; in units in which the diagonal of `normal` is 1."""
    diagonal = jnp.diagonal(normal, axis1=1, axis2=2)
    unit = jax.lax.rsqrt(jnp.where(diagonal > 0, diagonal, 1))
    scaled = normal * unit[:, :, None] * unit[:, None, :]
    eye = jnp.eye(normal.shape[-1], dtype=normal.dtype)
    # a floor far below rounding keeps exactly dependent constants solvable
    scaled = scaled + eye * (damping[:, None, None] + jnp.where(diagonal > 0, 0, 1)[:, None])
    factor = jnp.linalg.cholesky(scaled)
    half = jax.lax.linalg.triangular_solve(
        factor, (slope * unit)[..., None], left_side=True, lower=True
    )
    step = jax.lax.linalg.triangular_solve(
        factor, half, left_side=True, lower=True, transpose_a=True
    )
    return jnp.nan_to_num(step[..., 0] * unit)

"""Values of programs, differentiable in the inputs and in all constants.

Reverse mode only: `jax.custom_vjp` stands outside, and its two halves each join a mapped axis to
the batch, so that both `grad(vmap)` and `vmap(grad)` work. Forward mode is `evaluate_jvp`.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from s2jax.core import checks
from s2jax.programs.engines import gradient
from s2jax.programs.engines.run import evaluate_rows
from s2jax.programs.program import Constants, Program, check_kind, read_constants
from s2jax.programs.reads import available, check_reads


@checks.suggest_names()
def evaluate(
    program: Program,
    x: Num[Array | np.ndarray, "*batch inputs time"],
    constants: Constants | None = None,
) -> Float[Array, "*batch outputs time"]:
    """Values of every program on its own input series.

    Works on the whole batch at once; under `jax.vmap` the mapped axis joins the batch. A value
    outside an operator's domain is NaN. Differentiable in reverse mode in `x` and `constants`; a
    time step whose cotangent is 0 contributes nothing even where its derivative is not finite, so
    that a loss may leave such steps out. Many different programs share one compiled function.

    Text and SymPy become programs by `s2jax.from_text` and `s2jax.from_sympy`. `s2jax.lambdify`
    compiles a SymPy expression to a function of its own instead: for functions that programs lack,
    or for so many series of one expression that a copy of its program for each is too much.

    Args:
        program: Of batch shape `(*batch, outputs)`, as in `Batch.program`.
        x: The variables x_0, x_1, ... as channels, in float32 or float64; integers become floats.
        constants: Other constants than the program's own, for example `program.constants` times 2.

    Returns:
        One series per program, in the dtype of `x`.

    Raises:
        TypeError: If `program` is none, `x` is complex or of another floating type, or `constants`
            are none.
        ValueError: If the shapes of `program`, `x` and `constants` do not agree; if a program reads
            a variable that is no channel of `x`; or if it or `constants` hold a number that the
            dtype of `x` cannot, such as 1e50 in float32. Programs that are traced are NaN then.

    Example:
        >>> import jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> s2jax.evaluate(batch.program, batch.x).shape
        (4, 1, 64)
        >>> loss = lambda c: s2jax.evaluate(batch.program, batch.x, c).var()
        >>> jax.grad(loss)(batch.program.constants).scale.shape == batch.program.op.shape
        True
    """
    check_kind("evaluate", program)
    x = checks.as_floats("evaluate", "x", x)
    _check("evaluate", program, x, constants is None)
    constants = _read_constants("evaluate", "constants", constants, program, x.dtype)
    shape = *program.shape, x.shape[-1]
    if 0 in (*shape, program.num_nodes):
        return jnp.zeros(shape, x.dtype)
    constants = program.constants if constants is None else constants
    flat = _flatten(program.shape[:-1], (program, constants, x))
    y = _evaluate_batch(*flat)
    return y.reshape(shape)


@checks.suggest_names()
def evaluate_jvp(
    program: Program,
    x: Num[Array | np.ndarray, "*batch inputs time"],
    x_dot: Num[Array | np.ndarray, "*batch inputs time"],
    constants_dot: Constants | None = None,
    constants: Constants | None = None,
) -> tuple[Float[Array, "*batch outputs time"], Float[Array, "*batch outputs time"]]:
    """Values of every program, and their derivative along a direction: forward mode.

    Args:
        program, x, constants: As in `evaluate`.
        x_dot: Direction in x, of its shape.
        constants_dot: Direction in the constants; None is 0.

    Returns:
        `evaluate(program, x, constants)` and its directional derivative.

    Raises:
        TypeError, ValueError: As in `evaluate`.

    Example:
        >>> import jax, jax.numpy as jnp, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> y, slope = evaluate_jvp(batch.program, batch.x, jnp.ones_like(batch.x))
        >>> slope.shape
        (4, 1, 64)
    """
    check_kind("evaluate_jvp", program)
    x = checks.as_floats("evaluate_jvp", "x", x)
    x_dot = checks.as_floats("evaluate_jvp", "x_dot", x_dot).astype(x.dtype)
    if x_dot.shape != x.shape:
        raise ValueError(
            f"evaluate_jvp(x of shape {x.shape}, x_dot of shape {x_dot.shape}): must have one "
            "shape, because x_dot is a direction in x. Broadcast one of them."
        )
    _check("evaluate_jvp", program, x, constants is None)
    read = partial(_read_constants, "evaluate_jvp", program=program, dtype=x.dtype)
    constants = read("constants", constants)
    constants_dot = read("constants_dot", constants_dot)
    shape = *program.shape, x.shape[-1]
    if 0 in (*shape, program.num_nodes):
        return jnp.zeros(shape, x.dtype), jnp.zeros(shape, x.dtype)
    constants = program.constants if constants is None else constants
    if constants_dot is None:
        constants_dot = jax.tree.map(lambda leaf: 0 * leaf, constants)
    flat = _flatten(program.shape[:-1], (program, constants, x, constants_dot, x_dot))
    y, y_dot = _jvp_batch(*flat)
    return y.reshape(shape), y_dot.reshape(shape)


def _check(name: str, program: Program, x, own: bool) -> None:
    """Refuse programs that do not fit x; with their own constants, numbers that x cannot hold."""
    if x.ndim < 2:
        raise ValueError(
            f"{name}(x of shape {x.shape}): must have shape (*batch, inputs, time), because each "
            "variable is a channel. Pass jnp.stack([x_0, x_1, ...]), or x[None] of one variable."
        )
    batch, inputs_shape = program.shape[:-1], x.shape[:-2]
    if len(program.shape) == 0 or batch != inputs_shape:
        raise ValueError(
            f"{name}(program of shape {program.shape}, x of shape {x.shape}): the program must "
            f"have shape (*batch, outputs) with the batch of x, {inputs_shape}. Index or broadcast "
            "one of them; a single program takes `program[None]`."
        )
    check_reads(name, program, available(x.shape[-2]), x.dtype if own else None)


def _read_constants(
    owner: str, name: str, constants: Constants | None, program: Program, dtype: Any
) -> Constants | None:
    """Other constants, as arrays of JAX that the dtype holds; those of it stay as they are."""
    if constants is None:
        return None
    scale, bias = read_constants(owner, name, constants, program)

    def convert(place: str, leaf: Any) -> Any:
        if isinstance(leaf, jax.Array) and leaf.dtype == dtype:
            return leaf
        return checks.as_floats(owner, place, leaf, dtype=dtype, held=True)

    return Constants(convert(f"{name}.scale", scale), convert(f"{name}.bias", bias))


def _flatten(batch: tuple[int, ...], tree):
    rows = math.prod(batch)  # not -1, which an array of no inputs does not determine
    return jax.tree.map(lambda leaf: leaf.reshape(rows, *leaf.shape[len(batch) :]), tree)


def _merge_first(tree):
    return jax.tree.map(_join_axes, tree)


def _join_axes(leaf):
    return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])


def _joins_batch(function):
    """Make a mapped axis part of the leading axis of all arguments and results."""
    wrapped = jax.custom_batching.custom_vmap(function)

    @wrapped.def_vmap
    def _(axis_size, in_batched, *arguments):
        def join(leaf, batched):
            leaf = leaf if batched else jnp.broadcast_to(leaf, (axis_size, *leaf.shape))
            return _join_axes(leaf)

        out = wrapped(*jax.tree.map(join, arguments, tuple(in_batched)))
        split = lambda leaf: leaf.reshape(axis_size, leaf.shape[0] // axis_size, *leaf.shape[1:])
        return jax.tree.map(split, out), jax.tree.map(lambda _: True, out)

    return wrapped


@_joins_batch
def _values(program: Program, constants: Constants, x):
    """Programs of shape `(series, outputs)` on `x` of shape `(series, inputs, time)`."""
    flat, constants = _merge_first((program, constants))
    y = evaluate_rows(flat, x, program.shape[-1], constants)
    return y.reshape(*program.shape, x.shape[-1])


@_joins_batch
def _pull(program: Program, constants: Constants, x, y_bar):
    flat, constants, y_bar = _merge_first((program, constants, y_bar))
    constants_bar, x_bar = gradient.pull_rows(flat, constants, x, y_bar, program.shape[-1])
    shape = program.op.shape
    return jax.tree.map(lambda leaf: leaf.reshape(shape), constants_bar), x_bar


@_joins_batch
def _push(program: Program, constants: Constants, x, constants_dot: Constants, x_dot):
    flat, constants, constants_dot = _merge_first((program, constants, constants_dot))
    shape = (*program.shape, x.shape[-1])
    out = gradient.push_rows(flat, constants, x, constants_dot, x_dot, program.shape[-1])
    return jax.tree.map(lambda leaf: leaf.reshape(shape), out)


@jax.custom_vjp
def _differentiable(program: Program, constants: Constants, x):
    return _values(program, constants, x)


def _forward(program, constants, x):
    return _values(program, constants, x), (program, constants, x)


def _backward(residuals, y_bar):
    constants_bar, x_bar = _pull(*residuals, y_bar)
    return None, constants_bar, x_bar


_differentiable.defvjp(_forward, _backward)
# jitted, so that calls outside jit round as those inside: op by op there is no fused multiply-add
_evaluate_batch = jax.jit(_differentiable)
_jvp_batch = jax.jit(_push)

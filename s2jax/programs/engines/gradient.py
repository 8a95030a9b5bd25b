"""Derivatives of many different programs at once.

Evaluation is elementwise in time, so one sweep back through the instructions gives the derivative
by every constant and every input at each time step. What is made of them differs: sums over time
are a gradient, a weighted sum over constants and inputs is a directional derivative, and kept as
they are they make a Jacobian. A row's sweep stays in the nearest cache. On CPU rows go one after
another, elsewhere in step.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.programs.lower import (
    Lowered,
    at,
    branch,
    functions,
    lower,
    operands,
    read_row,
    write_row,
)
from s2jax.programs.operators import ARITY
from s2jax.programs.program import Constants, Program

_LONG = 512

Collect: TypeAlias = Callable[[Any, Array, Array, Array], Any]
"""`collect(state, owner, bar, value)`: instruction `owner` was read as `scale * value + bias`, and
`bar` is the derivative by what was read, so that `bar * value` and `bar` are those by its scale and
its bias. An owner equal to the number of instructions is a variable, and to be ignored."""


def pull_rows(
    program: Program, constants: Constants, x: Float[Array, "series inputs time"],
    y_bar: Float[Array, "rows time"], outputs: int,
) -> tuple[Constants, Float[Array, "series inputs time"]]:  # fmt: skip
    """Cotangents of the constants and inputs of a flat batch of programs."""
    # partial sums over time, because XLA adds up one long row without vector instructions
    lanes = math.gcd(x.shape[-1], 16 if x.shape[-1] < _LONG else 32)

    def on_row(sweep, y_bar):
        def collect(state, owner, bar, value):
            terms = product(bar, value), bar
            folded = [term.reshape(-1, lanes).sum(0) for term in terms]
            return tuple(map(_add_row, state, (owner, owner), folded))

        start = (jnp.zeros((program.num_nodes + 1, lanes), x.dtype),) * 2
        _, sums, x_bar = sweep(y_bar, start, collect)
        return *sums, x_bar

    *sums, x_bar = _map_rows(program, constants, x, outputs, on_row, (y_bar,))
    x_bar = x_bar.reshape(x.shape[0], outputs, *x_bar.shape[1:]).sum(1)
    return Constants(*(rows[:, :-1].sum(-1) for rows in sums)), x_bar


def push_rows(
    program: Program, constants: Constants, x: Float[Array, "series inputs time"],
    constants_dot: Constants, x_dot: Float[Array, "series inputs time"], outputs: int,
) -> tuple[Float[Array, "rows time"], Float[Array, "rows time"]]:  # fmt: skip
    """Values, and their derivative along a direction, of a flat batch of programs."""

    def on_row(sweep, dots, x_dot):
        def collect(y_dot, owner, bar, value):
            by_scale, by_bias = at(dots, owner)
            return y_dot + product(by_scale, product(bar, value)) + product(by_bias, bar)

        ones = jnp.ones(x.shape[-1:], x.dtype)
        y, y_dot, by_inputs = sweep(ones, jnp.zeros_like(ones)[None], collect)
        return y, y_dot[0] + product(x_dot, by_inputs).sum(0)

    dots = jnp.stack([constants_dot.scale, constants_dot.bias], 1)
    dots = jnp.pad(dots, ((0, 0), (0, 0), (0, 1)))
    arguments = dots, jnp.repeat(x_dot, outputs, axis=0)
    return _map_rows(program, constants, x, outputs, on_row, arguments)


def jacobian_rows(
    program: Program, constants: Constants, x: Float[Array, "rows inputs time"],
    columns: Int[Array, "rows 2 nodes"], num_columns: int,
) -> tuple[Float[Array, "rows time"], Float[Array, "rows columns time"]]:  # fmt: skip
    """Values, and their derivatives by the constants with a column >= 0, at each time step.

    Args:
        columns: Where the derivatives by the scale and by the bias of each instruction go.
    """

    def on_row(sweep, columns):
        def collect(state, owner, bar, value):
            by_scale, by_bias = at(columns, owner)
            state = _add_row(state, by_scale, product(bar, value))
            return _add_row(state, by_bias, bar)

        ones = jnp.ones(x.shape[-1:], x.dtype)
        y, rows, _ = sweep(ones, jnp.zeros((num_columns + 1, x.shape[-1]), x.dtype), collect)
        return y, rows[:num_columns]

    # what nobody asks for is added up in one row more, which is cut off
    columns = jnp.where(columns < 0, num_columns, columns)
    columns = jnp.pad(columns, ((0, 0), (0, 0), (0, 1)), constant_values=num_columns)
    return _map_rows(program, constants, x, 1, on_row, (columns,))


def product(bar: Array, value: Array) -> Array:
    """The product, 0 where the first factor is, whatever the second."""
    # a step that a loss leaves out must not make a gradient NaN by 0 * inf
    return jnp.where(bar == 0, 0, bar * value)


def _map_rows(program: Program, constants: Constants, x, outputs: int, on_row, arguments):
    """`on_row(sweep, *arguments)` of every row; see `_sweep`."""
    lowered = lower(program, constants, x.shape[-2], x.dtype)
    owners = jnp.stack([program.a.T.astype(jnp.int32), program.b.T.astype(jnp.int32)])
    # variables have no scale and bias of their own: theirs go to one row more, which is cut off
    owners = jnp.where(owners < 0, program.num_nodes, owners)
    lowered = lowered._replace(code=jnp.concatenate([lowered.code, owners]))
    root = jnp.maximum(program.length - 1, 0)
    num_rows = program.length.size

    def one(lowered, root, x, arguments, row, in_turn: bool):
        take = lambda leaf: jax.lax.dynamic_index_in_dim(leaf, row, keepdims=False)
        own_x = jax.lax.dynamic_index_in_dim(x, row // outputs, keepdims=False)

        def sweep(y_bar, start, collect: Collect):
            operators = functions(program.protected)
            return _sweep(lowered, row, own_x, y_bar, operators, in_turn, collect, start, root[row])

        return on_row(sweep, *jax.tree.map(take, arguments))

    def run(mapping, in_turn: bool):
        def all_rows(lowered, root, x, arguments):
            each = lambda row: one(lowered, root, x, arguments, row, in_turn)
            return mapping(each, jnp.arange(num_rows, dtype=jnp.int32))

        return all_rows

    in_turn, in_step = run(jax.lax.map, True), run(lambda f, rows: jax.vmap(f)(rows), False)
    given = lowered, root, x, arguments
    return jax.lax.platform_dependent(*given, cpu=in_turn, default=in_step)


def _sweep(
    lowered: Lowered, row, x, y_bar, operators, in_turn: bool, collect: Collect, start, root
) -> tuple[Array, Any, Array]:
    """Forward over the instructions of a program, then backward from the cotangent `y_bar`.

    In turn, a row takes as many steps as it has instructions and operands; in step, all take the
    largest number.

    Returns:
        The program's values, what was collected, and the cotangents of its inputs.
    """
    num_inputs, time = x.shape
    num_nodes = lowered.order.shape[0]
    zero = jnp.int32(0)
    count = at(lowered.count, row)
    steps = count if in_turn else jnp.int32(num_nodes)
    workspace = jnp.zeros((num_inputs + num_nodes + 1, time), x.dtype)
    pushes, pulls = list(map(branch, operators)), list(map(_pull, operators))

    def instruction(position):
        position = position.astype(jnp.int32)  # a loop of known length counts in int64 under x64
        k = at(lowered.order, position, row)
        return num_inputs + k, at(lowered.code, k, row), at(lowered.coefficients, k, row)

    def forward(position, values):
        slot, code, c = instruction(position)
        return write_row(values, jax.lax.switch(code[0], pushes, values, code, c), slot)

    def backward(i, carry):
        adjoint, _ = carry
        position = steps - 1 - i
        slot, code, c = instruction(position)
        live = True if in_turn else position < count
        bars = jax.lax.switch(code[0], pulls, values, adjoint, slot, code, c, live)

        def operand(side, carry):
            side = side.astype(jnp.int32)
            adjoint, state = carry
            slot, bar = at(code, 1 + side), read_row(bars, side)
            adjoint = write_row(adjoint, read_row(adjoint, slot) + at(c, 2 * side) * bar, slot)
            return adjoint, collect(state, at(code, 3 + side), bar, read_row(values, slot))

        sides = jnp.asarray(ARITY, jnp.int32)[code[0]] if in_turn else jnp.int32(2)
        return jax.lax.fori_loop(zero, sides, operand, carry)

    values = jax.lax.fori_loop(zero, steps, forward, write_row(workspace, x, zero))
    result_slot = at(lowered.result, row)
    result, y_bar = read_row(values, result_slot), y_bar[None]
    scale, bias = at(lowered.result_coefficients, row)
    state = collect(start, root, y_bar, result)
    adjoint = write_row(workspace, scale * y_bar, result_slot)
    adjoint, state = jax.lax.fori_loop(zero, steps, backward, (adjoint, state))
    return (scale * result + bias)[0], state, adjoint[:num_inputs]


def _pull(function: Callable[..., Array]) -> Callable[..., Array]:
    """Cotangents of an operator's two operands, from that of its value in row `slot`; 0 stays 0."""

    def apply(values, adjoint, slot, code, c, live):
        bar = jnp.where(live, read_row(adjoint, slot), 0)
        bars = jax.vjp(function, *operands(values, code, c))[1](bar)
        out = jnp.zeros((2, values.shape[1]), values.dtype)
        # not a concatenation, which asks where each number is from
        for side, one in enumerate(bars):
            out = write_row(out, jnp.where(bar == 0, 0, one), jnp.int32(side))
        return out

    return apply


def _add_row(rows: Float[Array, "rows columns"], index, new: Array) -> Array:
    return write_row(rows, read_row(rows, index) + new, index)

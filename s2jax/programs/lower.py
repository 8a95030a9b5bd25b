"""Programs made ready to run.

Workspace rows hold what operators return, before the affine constants: a reader applies the scale
and bias of what it reads. A constant, and an affine copy of a variable, then need no step at all,
which removes a third of the instructions.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.programs import trees as trees
from s2jax.programs.operators import ID, LAG, NUM_LEAVES, TABLE, Operator
from s2jax.programs.program import Constants, Program, constants_of


class Lowered(NamedTuple):
    """Instructions ready to run; workspace rows are the inputs, one per instruction, and zeros.

    Attributes:
        code: Opcode, row read by the first operand, row read by the second.
        coefficients: Scale and bias of the first operand, scale and bias of the second.
        order: The instructions to run.
        count: How many there are.
        result: Row of the result.
        result_coefficients: Its scale and bias.
    """

    code: Int[Array, "3 nodes rows"]
    coefficients: Float[Array, "4 nodes rows"]
    order: Int[Array, "nodes rows"]
    count: Int[Array, " rows"]
    result: Int[Array, " rows"]
    result_coefficients: Float[Array, "2 rows"]


def lower(program: Program, constants: Constants | None, num_inputs: int, dtype) -> Lowered:
    """Instructions of a flat batch of programs, with their own constants or with others.

    A variable that is none of the inputs is read as NaN, and so is what was before.
    """
    by_node = jax.tree.map(lambda leaf: leaf.T, eqx.tree_at(lambda p: p.length, program, None))
    if constants is None:
        scale, bias = trees.row_by_row(lambda row: constants_of(row, dtype), by_node)
    else:
        scale, bias = constants.scale.T.astype(dtype), constants.bias.T.astype(dtype)
    op, a, b = (leaf.astype(jnp.int32) for leaf in (by_node.op, by_node.a, by_node.b))
    num_nodes = op.shape[0]
    node = jnp.arange(num_nodes, dtype=jnp.int32)[:, None]
    is_lag = op == LAG
    is_number = (op < NUM_LEAVES) | is_lag
    is_copy = (op == ID) & (a < 0)
    kept = (node < program.length) & ~is_number & ~is_copy
    position = jnp.cumsum(kept, axis=0, dtype=jnp.int32) - 1
    one, zero = jnp.ones(op.shape, dtype), jnp.zeros(op.shape, dtype)
    zeros = num_inputs + num_nodes  # the row of zeros: what is missing is 0 * scale + NaN
    (first, first_bias), (second, second_bias) = (
        (
            jnp.where(-1 - operand < num_inputs, -1 - operand, zeros),
            jnp.where(-1 - operand < num_inputs, zero, np.array(np.nan, dtype)),
        )
        for operand in (a, b)
    )
    bias = jnp.where(is_copy, bias + first_bias, bias)
    bias = jnp.where(is_lag, np.array(np.nan, dtype), bias)
    # where readers find the value of each instruction
    row = jnp.where(is_copy, first, num_inputs + jnp.where(is_number, num_nodes, node))

    def update(j, carry):
        *reads, order = carry
        out = []
        for operand, (at, own_scale, own_bias) in zip((a, b), (reads[:3], reads[3:]), strict=True):
            hit = operand == j
            out.append(jnp.where(hit, row[j], at))
            out.append(jnp.where(hit, scale[j], own_scale))
            out.append(jnp.where(hit, bias[j], own_bias))
        return *out, jnp.where(kept[j] & (position[j] == node), j, order)

    start = (first, one, first_bias, second, one, second_bias, jnp.zeros(op.shape, jnp.int32))
    *reads, order = trees.over_nodes(update, start, num_nodes)
    last = jnp.maximum(program.length - 1, 0)[None]
    used = program.length > 0
    at_end = lambda leaf: jnp.where(used, jnp.take_along_axis(leaf, last, axis=0)[0], 0)
    return Lowered(
        code=jnp.stack([op, reads[0], reads[3]]),
        coefficients=jnp.stack([*reads[1:3], *reads[4:6]]),
        order=order,
        count=kept.sum(0, dtype=jnp.int32),
        result=jnp.where(used, at_end(row), num_inputs + num_nodes),
        result_coefficients=jnp.stack([at_end(scale), at_end(bias)]),
    )


def functions(protected: bool) -> list[Callable[..., Array]]:
    """The operators by opcode, as functions of two arrays whatever their arity.

    Without `lag`, the last one, which is never run.
    """
    return [_function(operator, protected) for operator in TABLE[:LAG]]


def _function(operator: Operator, protected: bool) -> Callable[..., Array]:
    if operator.arity == 0:
        return lambda a, b: jnp.zeros_like(a)
    first = jnp.abs if protected and operator.protects else lambda a: a
    if operator.arity == 1:
        return lambda a, b: operator.function(first(a))  # type: ignore[operator]
    return lambda a, b: operator.function(first(a), b)  # type: ignore[operator]


def at(array: Array, *index) -> Array:
    """`array[..., *index]` as one dynamic slice, without the arithmetic of negative indices."""
    lead = array.ndim - len(index)
    sizes = (*array.shape[:lead], *(1 for _ in index))
    return jax.lax.dynamic_slice(array, (*(jnp.int32(0),) * lead, *index), sizes).reshape(
        array.shape[:lead]
    )


def read_row(values: Float[Array, "slots time"], slot) -> Float[Array, "1 time"]:
    """A row of a workspace."""
    return jax.lax.dynamic_slice(values, (slot, jnp.int32(0)), (1, values.shape[1]))


def write_row(values: Float[Array, "slots time"], new: Float[Array, "rows time"], slot) -> Array:
    """The workspace with a new row, or with several from `slot` on."""
    return jax.lax.dynamic_update_slice(values, new, (slot, jnp.int32(0)))


def operands(values: Float[Array, "slots time"], code, c) -> tuple[Array, Array]:
    """What an instruction computes with: rows of the workspace with their constants."""
    first, second = read_row(values, code[1]), read_row(values, code[2])
    return c[0] * first + c[1], c[2] * second + c[3]


def branch(function: Callable[..., Array]) -> Callable[..., Array]:
    """An operator that reads its own operands: a kernel less for each."""
    return lambda values, code, c: function(*operands(values, code, c))

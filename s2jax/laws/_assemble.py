"""From labelled trees to instructions, many at once."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Shaped

from s2jax.programs import trees as trees
from s2jax.programs.operators import CONST, ID

_OPERAND_BITS = 10
MAX_OPERAND = 2 ** (_OPERAND_BITS - 1) - 1


def assemble(
    kind: Int[Array, "nodes batch"], slots: Int[Array, "nodes batch"],
    op: Int[Array, "nodes batch"], operand: Int[Array, "nodes batch"],
    has_scale: Bool[Array, "nodes batch"], has_bias: Bool[Array, "nodes batch"],
) -> tuple[tuple[Shaped[Array, "nodes batch"], ...], Int[Array, " batch"]]:  # fmt: skip
    """Place one instruction per node in reversed prefix order, so that operands come first.

    A bare variable is read in place and needs none, unless it is the whole expression.

    Args:
        kind, slots: The trees, see `_trees`.
        op: Opcode of each node.
        operand: Operand of each leaf: a variable as `-1 - index`, or the integer of a `const`.
        has_scale, has_bias: Where affine constants are wanted.

    Returns:
        `(op, a, b, has_scale, has_bias)` by instruction, and the number of instructions.
    """
    node = jnp.arange(kind.shape[0], dtype=jnp.int32)[:, None]
    is_leaf = kind == trees.LEAF
    emitted = (kind > trees.LEAF) | (is_leaf & ((op != ID) | has_scale | has_bias)) | (node == 0)
    count = emitted.astype(jnp.int32)
    step = lambda total, new: (total + new, total)
    length, index = jax.lax.scan(step, jnp.zeros_like(count[0]), count, reverse=True)
    result = jnp.where(emitted, index, operand)
    a = jnp.where(is_leaf, operand, jnp.concatenate([result[1:], result[:1]]))
    b = jnp.where(op == CONST, 0, a)
    b = jnp.where(kind == trees.BINARY, trees.of_right_child(result, slots), b)
    packed = _pack(op, a, b, has_scale, has_bias)

    def update(i, out):
        return jnp.where(emitted[i] & (index[i] == node), packed[i], out)

    unused = _pack(jnp.full(kind.shape, ID), -1, -1, False, False)
    return _unpack(trees.over_nodes(update, unused, kind.shape[0])), length


def _pack(op, a, b, has_scale, has_bias):
    """All fields of an instruction in one integer, so that it moves in one pass."""
    packed = (op << 2) | (jnp.asarray(has_scale, jnp.int32) << 1) | jnp.asarray(has_bias, jnp.int32)
    for value in (a, b):
        packed = (packed << _OPERAND_BITS) | (value + MAX_OPERAND + 1)
    return packed


def _unpack(packed):
    mask = (1 << _OPERAND_BITS) - 1
    b = (packed & mask) - MAX_OPERAND - 1
    a = ((packed >> _OPERAND_BITS) & mask) - MAX_OPERAND - 1
    rest = packed >> (2 * _OPERAND_BITS)
    return rest >> 2, a, b, (rest & 2) != 0, (rest & 1) != 0

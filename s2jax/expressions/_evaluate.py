"""Evaluating many different programs at once.

On CPU each program runs its instructions one after another, each through a real branch: a loop
iteration of compiled XLA costs some 200 ns, the rows stay in the nearest cache, and neither sorting
nor padding is needed. Elsewhere every instruction slot computes all operators for all rows and
selects, which has no control flow at all. Both read the same lowered instructions, in which
`a + b * x_i` is folded into the operator that reads it; that removes a third of the instructions.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.expressions import _trees as trees
from s2jax.expressions._program import Program, numeric_form
from s2jax.operators import CONST, ID, TABLE


class _Lowered(NamedTuple):
    """Instructions ready to run; values live in slots, the inputs first, then one per instruction.

    Attributes:
        code: Opcode, slot of the first operand, slot of the second.
        coefficients: Scale and bias of the first operand, of the second, of the result.
        order: The instructions to run.
        count: How many there are.
        result: Slot of the result; a slot of zeros follows those of the instructions.
    """

    code: Int[Array, "3 nodes rows"]
    coefficients: Float[Array, "6 nodes rows"]
    order: Int[Array, "nodes rows"]
    count: Int[Array, " rows"]
    result: Int[Array, " rows"]


def evaluate(
    program: Program, x: Float[Array, "*batch inputs time"]
) -> Float[Array, "*batch outputs time"]:
    """Values of every program on its own input series.

    Works on the whole batch at once; under `jax.vmap` the mapped axis joins the batch. A value
    outside an operator's domain is NaN.

    Args:
        program: Of batch shape `(*batch, outputs)`, as in `Batch.program`.
        x: The variables x_0, x_1, ... as channels.

    Returns:
        One series per program, in the dtype of `x`.

    Raises:
        ValueError: If the batch shapes of `program` and `x` do not agree.

    Example:
        >>> import jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 2)
        >>> s2jax.evaluate(batch.program, batch.x).shape
        (2, 1, 64)
    """
    batch, inputs_shape = program.shape[:-1], x.shape[:-2]
    if len(program.shape) == 0 or batch != inputs_shape:
        raise ValueError(
            f"evaluate(program of shape {program.shape}, x of shape {x.shape}): the program must "
            f"have shape (*batch, outputs) with the batch of x, {inputs_shape}. Index or broadcast "
            "one of them; a single program takes `program[None]`."
        )
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(batch) :]), program)
    y = _evaluate_batch(flat, x.reshape(-1, *x.shape[-2:]))
    return y.reshape(*batch, *y.shape[1:])


@jax.custom_batching.custom_vmap
def _evaluate_in_jit(program: Program, x):
    return evaluate_rows(_merge_first(program), x, program.shape[-1]).reshape(
        *program.shape, x.shape[-1]
    )


@_evaluate_in_jit.def_vmap
def _(axis_size, in_batched, program, x):
    """The mapped axis becomes part of the batch."""

    def join(leaf, batched):
        leaf = leaf if batched else jnp.broadcast_to(leaf, (axis_size, *leaf.shape))
        return leaf.reshape(-1, *leaf.shape[2:])

    y = _evaluate_batch(*jax.tree.map(join, (program, x), tuple(in_batched)))
    return y.reshape(axis_size, -1, *y.shape[1:]), True


# jitted, so that calls outside jit round as those inside: op by op there is no fused multiply-add
_evaluate_batch = jax.jit(_evaluate_in_jit)


def _merge_first(program: Program) -> Program:
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), program)


def evaluate_rows(
    program: Program, x: Float[Array, "series inputs time"], outputs: int = 1
) -> Float[Array, "rows time"]:
    """Values of a flat batch of programs; `outputs` neighbouring rows share one of `x`."""
    lowered = _lower(program, x.shape[-2], x.dtype)
    functions = [_function(operator, program.protected) for operator in TABLE]

    def run(evaluator):
        return lambda *operands: evaluator(
            _Lowered(*operands[:-1]), operands[-1], functions, outputs
        )

    return jax.lax.platform_dependent(*lowered, x, cpu=run(_sequential), default=run(_selecting))


def _function(operator, protected: bool):
    """The operator as a function of two arrays, whatever its arity."""
    if operator.arity == 0:
        return lambda a, b: jnp.zeros_like(a)
    first = jnp.abs if protected and operator.protects else lambda a: a
    if operator.arity == 1:
        return lambda a, b: operator.function(first(a))
    return lambda a, b: operator.function(first(a), b)


def _lower(program: Program, num_inputs: int, dtype) -> _Lowered:
    """Fold affine reads of variables into their readers, and drop the instructions so saved."""
    by_node = jax.tree.map(lambda leaf: leaf.T, eqx.tree_at(lambda p: p.length, program, None))
    op, scale, bias = trees.row_by_row(lambda row: numeric_form(row, dtype), by_node)
    a, b = by_node.a.astype(jnp.int32), by_node.b.astype(jnp.int32)
    num_nodes = op.shape[0]
    node = jnp.arange(num_nodes, dtype=jnp.int32)[:, None]
    folded = (op == ID) & (a < 0) & (node != program.length - 1)
    kept = (node < program.length) & ~folded
    position = jnp.cumsum(kept, axis=0, dtype=jnp.int32) - 1
    # how other nodes read this one
    slot = jnp.where(folded, -1 - a, num_inputs + node)
    read_scale, read_bias = jnp.where(folded, scale, 1), jnp.where(folded, bias, 0)

    def update(j, carry):
        *reads, order = carry
        out = []
        for operand, (at, own_scale, own_bias) in zip((a, b), (reads[:3], reads[3:]), strict=True):
            hit = operand == j
            out.append(jnp.where(hit, slot[j], at))
            out.append(jnp.where(hit, read_scale[j], own_scale))
            out.append(jnp.where(hit, read_bias[j], own_bias))
        return *out, jnp.where(kept[j] & (position[j] == node), j, order)

    a, b = (jnp.where(op == CONST, -1, operand) for operand in (a, b))
    one, zero = jnp.ones(op.shape, dtype), jnp.zeros(op.shape, dtype)
    start = (-1 - a, one, zero, -1 - b, one, zero, jnp.zeros(op.shape, jnp.int32))
    *reads, order = trees.over_nodes(update, start, num_nodes)
    last = num_inputs + program.length - 1
    return _Lowered(
        code=jnp.stack([op, reads[0], reads[3]]),
        coefficients=jnp.stack([*reads[1:3], *reads[4:6], scale, bias]),
        order=order,
        count=kept.sum(0, dtype=jnp.int32),
        result=jnp.where(program.length > 0, last, num_inputs + num_nodes),
    )


def _at(array: Array, *index) -> Array:
    """`array[..., *index]` as one dynamic slice, without the arithmetic of negative indices."""
    lead = array.ndim - len(index)
    sizes = (*array.shape[:lead], *(1 for _ in index))
    return jax.lax.dynamic_slice(array, (*(jnp.int32(0),) * lead, *index), sizes).reshape(
        array.shape[:lead]
    )


def _sequential(lowered: _Lowered, x, functions, outputs: int):
    """One program after another, one instruction after another, one branch taken each time.

    XLA runs a loop body of up to eight kernels without its scheduler, hence the plain slices.
    """
    num_inputs, time = x.shape[-2:]
    num_nodes, num_rows = lowered.order.shape
    zero = jnp.int32(0)

    def branch(function):
        def apply(values, code, c):
            first = jax.lax.dynamic_slice(values, (code[1], zero), (1, time))
            second = jax.lax.dynamic_slice(values, (code[2], zero), (1, time))
            return c[4] * function(c[0] * first + c[1], c[2] * second + c[3]) + c[5]

        return apply

    branches = [branch(function) for function in functions]

    def run_program(row, carry):
        values, y = carry
        inputs = jax.lax.dynamic_slice(x, (row // outputs, zero, zero), (1, num_inputs, time))
        values = jax.lax.dynamic_update_slice(values, inputs[0], (zero, zero))

        def run_instruction(position, values):
            k = _at(lowered.order, position, row)
            code, constants = _at(lowered.code, k, row), _at(lowered.coefficients, k, row)
            value = jax.lax.switch(code[0], branches, values, code, constants)
            return jax.lax.dynamic_update_slice(values, value, (num_inputs + k, zero))

        values = jax.lax.fori_loop(jnp.int32(0), _at(lowered.count, row), run_instruction, values)
        value = jax.lax.dynamic_slice(values, (_at(lowered.result, row), zero), (1, time))
        return values, jax.lax.dynamic_update_slice(y, value, (row, zero))

    values = jnp.zeros((num_inputs + num_nodes + 1, time), x.dtype)
    y = jnp.zeros((num_rows, time), x.dtype)
    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(num_rows), run_program, (values, y))[1]


def _selecting(lowered: _Lowered, x, functions, outputs: int):
    """All programs in step, every operator computed and one selected."""
    num_inputs, time = x.shape[-2:]
    num_nodes, num_rows = lowered.order.shape
    zero = jnp.int32(0)
    row = jnp.arange(num_rows, dtype=jnp.int32)

    def run_slot(k, values):
        op, first, second = lowered.code[:, k]
        c = lowered.coefficients[:, k, :, None]
        a, b = c[0] * values[first, row] + c[1], c[2] * values[second, row] + c[3]
        out = jnp.zeros_like(a)
        for code, function in enumerate(functions):
            out = jnp.where((op == code)[:, None], function(a, b), out)
        out = c[4] * out + c[5]
        return jax.lax.dynamic_update_slice(values, out[None], (num_inputs + k, zero, zero))

    inputs = jnp.repeat(x, outputs, axis=0).swapaxes(0, 1)
    values = jnp.concatenate([inputs, jnp.zeros((num_nodes + 1, num_rows, time), x.dtype)])
    slots = jnp.minimum(lowered.result.max() + 1 - num_inputs, num_nodes)
    values = jax.lax.fori_loop(jnp.int32(0), slots, run_slot, values)
    return values[lowered.result, row]

"""Many programs at one point each: the right-hand sides of many equations at one time.

Instructions of all programs are sorted by level and operator and dealt into blocks of one operator;
a block is one real branch of the operator table. Sorting pays because an integration evaluates the
same programs a thousand times. What blocks read lies in one vector: the variables, a zero, and what
earlier blocks wrote.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.programs import trees as trees
from s2jax.programs.engines.run import selecting
from s2jax.programs.lower import Lowered, functions, lower
from s2jax.programs.operators import NUM_LEAVES, TABLE
from s2jax.programs.program import Program

WIDTH = 128
_OP_BITS = len(TABLE).bit_length()
_KEY_BITS = 31
_IS_BINARY = np.array([operator.arity == 2 for operator in TABLE])


class Schedule(NamedTuple):
    """Programs of `(states, rows)`, flattened, ready to be evaluated again and again.

    Attributes:
        op: Operator of each block.
        start: Its first instruction. Blocks are of one width; what the last block of an operator
            writes beyond its own instructions is overwritten by those that follow.
        a, b: Where the operands of each instruction lie.
        coefficients: Scale and bias of the first operand, scale and bias of the second.
        count: Number of blocks.
        result: Where the value of each program lies.
        result_coefficients: Its scale and bias.
        lowered: The same programs for machines on which all operators are computed.
    """

    op: Int[Array, " blocks"]
    start: Int[Array, " blocks"]
    a: Int[Array, " instructions"]
    b: Int[Array, " instructions"]
    coefficients: Float[Array, "4 instructions"]
    count: Int[Array, ""]
    result: Int[Array, " programs"]
    result_coefficients: Float[Array, "2 programs"]
    lowered: Lowered


def schedule(
    program: Program, num_variables: int, rows: int, dtype, capacity: int | None = None
) -> Schedule:
    """Sort the instructions of programs that read the variables 0, ..., num_variables - 1.

    Args:
        program: Flat; program p is of row p modulo `rows`.
        num_variables: Static.
        rows: Static.
        dtype: Of the values.
        capacity: How many instructions all programs have at most. Static.
    """
    lowered = lower(program, None, num_variables, dtype)
    num_nodes, num_programs = lowered.order.shape
    op, first, second = lowered.code
    level = _levels(lowered, num_variables)
    size = num_nodes * num_programs
    capacity = min(capacity or size, size)
    # A group is what has one level and one operator: it reads lower levels only, so that its
    # instructions may run in any order. What is not run sorts behind all groups, as `never`:
    # operators are fewer than their bits can count, so none has all bits set.
    group_bits = num_nodes.bit_length() + _OP_BITS
    never = 2**group_bits - 1
    group = jnp.where(level > 0, (level << _OP_BITS) | op, never).reshape(-1)
    group, item = (leaf[:capacity] for leaf in _sorted(group, group_bits))
    used = group < never
    item = jnp.where(used, item, 0)
    index = jnp.arange(capacity, dtype=jnp.int32)
    base = num_variables * rows + 1  # behind the variables and the zero
    # by instruction, where its value will lie; those that are not run write to `size`: nowhere
    place = jnp.zeros(size, jnp.int32)
    place = place.at[jnp.where(used, item, size)].set(base + index, mode="drop").reshape(op.shape)

    def address(row, program):
        value = place[jnp.clip(row - num_variables, 0, num_nodes - 1), program]
        value = jnp.where(row < num_variables + num_nodes, value, base - 1)
        return jnp.where(row < num_variables, row * rows + program % rows, value)

    # padded, because a block reads `WIDTH` instructions, also from the last one on
    at_item = lambda leaf: jnp.pad(leaf.reshape(-1)[item], (0, WIDTH))
    source = jnp.pad(item % num_programs, (0, WIDTH))
    is_start = _is_start(group) & used
    block = jnp.cumsum(is_start, dtype=jnp.int32) - 1
    # each group may end in a block that is not full
    num_blocks = capacity // WIDTH + min(num_nodes * (len(TABLE) - NUM_LEAVES), capacity)
    at_start = jnp.where(is_start, block, num_blocks)
    per_block = lambda leaf: jnp.zeros(num_blocks, jnp.int32).at[at_start].set(leaf, mode="drop")
    return Schedule(
        op=per_block(group & (2**_OP_BITS - 1)),
        start=per_block(index),
        a=address(at_item(first), source),
        b=address(at_item(second), source),
        coefficients=jnp.stack([at_item(leaf) for leaf in lowered.coefficients]),
        count=is_start.sum(dtype=jnp.int32),
        result=address(lowered.result, jnp.arange(num_programs, dtype=jnp.int32)),
        result_coefficients=lowered.result_coefficients,
        lowered=lowered,
    )


def _sorted(group: Int[Array, " items"], group_bits: int) -> tuple[Array, Array]:
    """Groups in ascending order, and which item each belongs to; items of a group stay in order."""
    item = jnp.arange(group.shape[0], dtype=jnp.int32)
    item_bits = (group.shape[0] - 1).bit_length()
    if group_bits + item_bits > _KEY_BITS:
        return jax.lax.sort((group, item), num_keys=1, is_stable=True)  # type: ignore
    key = jnp.sort((group << item_bits) | item)  # one array sorts several times faster than two
    return key >> item_bits, key & (2**item_bits - 1)


def _is_start(group: Int[Array, " instructions"]):
    """Where blocks begin: with a group, and every `WIDTH` instructions in it."""
    index = jnp.arange(group.shape[0], dtype=jnp.int32)
    is_new = jnp.concatenate([jnp.ones(1, bool), group[1:] != group[:-1]])
    return (index - jax.lax.cummax(jnp.where(is_new, index, 0))) % WIDTH == 0


def _levels(lowered: Lowered, num_variables: int) -> Int[Array, "nodes programs"]:
    """How many instructions follow each other up to each one that is run; 0 for all others."""
    num_nodes = lowered.order.shape[0]
    op, first, second = lowered.code
    node = jnp.arange(num_nodes, dtype=jnp.int32)[:, None]
    listed = lambda j, run: run | ((lowered.order[j] == node) & (j < lowered.count))
    run = trees.over_nodes(listed, jnp.zeros(op.shape, bool), num_nodes)
    is_binary = jnp.asarray(_IS_BINARY)[op]

    def update(j, level):
        reads = (node == first[j] - num_variables) | (
            (node == second[j] - num_variables) & is_binary[j]
        )
        below = jnp.where(reads, level, 0).max(0)
        return jnp.where((node == j) & run, below + 1, level)

    return trees.over_nodes(update, jnp.zeros(op.shape, jnp.int32), num_nodes)


def evaluate_scheduled(
    plan: Schedule, variables: Float[Array, "variables rows"], protected: bool
) -> Float[Array, " programs"]:
    """Values of all programs at one point per row."""
    operators = functions(protected)
    on_cpu = lambda plan, variables: _by_blocks(plan, variables, operators)
    elsewhere = lambda plan, variables: _by_slots(plan, variables, operators)
    return jax.lax.platform_dependent(plan, variables, cpu=on_cpu, default=elsewhere)


def _by_blocks(plan: Schedule, variables, operators: list[Callable[..., Array]]):
    first = variables.size + 1

    def branch(function):
        def compute(values, start):
            cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, WIDTH, axis=-1)
            # `schedule` made the addresses: to check them would cost as much as to read
            read = lambda leaf: values.at[cut(leaf)].get(mode="promise_in_bounds")
            c = cut(plan.coefficients)
            return function(c[0] * read(plan.a) + c[1], c[2] * read(plan.b) + c[3])

        return compute

    branches = list(map(branch, operators))

    def run_block(i, values):
        at = lambda leaf: jax.lax.dynamic_slice(leaf, (i,), (1,)).reshape(())
        start = at(plan.start)
        new = jax.lax.switch(at(plan.op), branches, values, start)
        return jax.lax.dynamic_update_slice(values, new, (first + start,))

    # stored first: fused with the variables, zeros are written one by one
    values = jax.lax.optimization_barrier(jnp.zeros(first + plan.a.shape[0], variables.dtype))
    values = jax.lax.dynamic_update_slice(values, variables.reshape(-1), (jnp.int32(0),))
    values = jax.lax.fori_loop(jnp.int32(0), plan.count, run_block, values)
    scale, bias = plan.result_coefficients
    return scale * values.at[plan.result].get(mode="promise_in_bounds") + bias


def evaluate_linearizable(
    plan: Schedule, variables: Float[Array, "variables rows"], protected: bool
) -> Float[Array, " programs"]:
    """The same in a form that `jax.linearize` takes, as implicit solvers need it; slower."""
    return _by_slots(plan, variables, functions(protected))


def _by_slots(plan: Schedule, variables, operators):
    # program p is of row p modulo rows, hence the variables once for each state
    repeats = plan.result.shape[0] // variables.shape[1]
    x = jnp.tile(variables.T, (repeats, 1))[..., None]
    return selecting(plan.lowered, x, operators, 1)[:, 0]

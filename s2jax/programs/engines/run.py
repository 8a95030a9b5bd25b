"""Evaluating many different programs at once, without derivatives.

On CPU each program runs its instructions one after another, each through a real branch: a loop
iteration of compiled XLA costs some 200 ns, the rows stay in the nearest cache, and neither sorting
nor padding is needed. Elsewhere every instruction slot computes all operators for all rows and
selects, which has no control flow at all. Both read the same lowered instructions.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.programs.lower import Lowered, at, branch, functions, lower, read_row, write_row
from s2jax.programs.program import Constants, Program


def evaluate_rows(
    program: Program, x: Float[Array, "series inputs time"], outputs: int = 1,
    constants: Constants | None = None, operators: list[Callable[..., Array]] | None = None,
) -> Float[Array, "rows time"]:  # fmt: skip
    """Values of a flat batch of programs; `outputs` neighbouring rows share one of `x`.

    `operators` are other functions than those of the table, by opcode.
    """
    lowered = lower(program, constants, x.shape[-2], x.dtype)
    operators = operators or functions(program.protected)

    def run(evaluator):
        return lambda *operands: evaluator(
            Lowered(*operands[:-1]), operands[-1], operators, outputs
        )

    return jax.lax.platform_dependent(*lowered, x, cpu=run(sequential), default=run(selecting))


def sequential(lowered: Lowered, x, operators, outputs: int):
    """One program after another, one instruction after another, one branch taken each time.

    XLA runs a loop body of up to eight kernels without its scheduler, hence the plain slices.
    """
    num_inputs, time = x.shape[-2:]
    num_nodes, num_rows = lowered.order.shape
    zero = jnp.int32(0)

    branches = list(map(branch, operators))

    def run_program(row, carry):
        values, y = carry
        inputs = jax.lax.dynamic_slice(x, (row // outputs, zero, zero), (1, num_inputs, time))
        values = write_row(values, inputs[0], zero)

        def run_instruction(position, values):
            k = at(lowered.order, position, row)
            code, constants = at(lowered.code, k, row), at(lowered.coefficients, k, row)
            value = jax.lax.switch(code[0], branches, values, code, constants)
            return write_row(values, value, num_inputs + k)

        values = jax.lax.fori_loop(jnp.int32(0), at(lowered.count, row), run_instruction, values)
        value = read_row(values, at(lowered.result, row))
        scale, bias = at(lowered.result_coefficients, row)
        return values, write_row(y, scale * value + bias, row)

    values = jnp.zeros((num_inputs + num_nodes + 1, time), x.dtype)
    y = jnp.zeros((num_rows, time), x.dtype)
    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(num_rows), run_program, (values, y))[1]


def selecting(lowered: Lowered, x, operators, outputs: int):
    """All programs in step, every operator computed and one selected.

    The number of steps is static: JAX can linearise it, and no host waits to be told of it. Steps
    beyond the last instruction of all programs are seldom, because an empty program has its result
    behind all of them.
    """
    num_inputs, time = x.shape[-2:]
    num_nodes, num_rows = lowered.order.shape
    zero = jnp.int32(0)
    row = jnp.arange(num_rows, dtype=jnp.int32)

    def run_slot(k, values):
        k = jnp.asarray(k, jnp.int32)  # a static loop counts in the default integer
        op, first, second = lowered.code[:, k]
        c = lowered.coefficients[:, k, :, None]
        a, b = c[0] * values[first, row] + c[1], c[2] * values[second, row] + c[3]
        out = jnp.zeros_like(a)
        for code, function in enumerate(operators):
            out = jnp.where((op == code)[:, None], function(a, b), out)
        return jax.lax.dynamic_update_slice(values, out[None], (num_inputs + k, zero, zero))

    inputs = jnp.repeat(x, outputs, axis=0).swapaxes(0, 1)
    values = jnp.concatenate([inputs, jnp.zeros((num_nodes + 1, num_rows, time), x.dtype)])
    values = jax.lax.fori_loop(0, num_nodes, run_slot, values)
    scale, bias = lowered.result_coefficients[..., None]
    return scale * values[lowered.result, row] + bias

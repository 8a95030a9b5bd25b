"""What programs read and whether it is there: variables without values, numbers without a float.

Inside a transformation the answer is an array, and `_lower` makes such a program NaN. Outside, one
reduction on the device says whether all is well, and only if not are programs looked at one by one.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from s2jax.core import checks
from s2jax.programs.operators import ARITY, CONST, LAG
from s2jax.programs.program import (
    FIRST_STATE,
    MAX_INPUTS,
    MAX_STATES,
    VARIABLE_NAMES,
    Program,
    numbers_of,
)

_SAFE_POWER = 27  # up to it every `mantissa * 10**exponent` is a float32, products of two included


def available(num_inputs: int, num_states: int = 0, has_time: bool = False) -> list[bool]:
    """Which variables have values, by number."""
    counts = (num_inputs, MAX_INPUTS), (num_states, MAX_STATES), (int(has_time), 1)
    return [k < count for count, most in counts for k in range(most)]


def reads_missing(program: Program, there: Sequence[bool]) -> Bool[Array, "*batch"]:
    """Whether each program reads a variable that has no values."""
    return _reads_missing(program, jnp.asarray(there))


def reads_past(program: Program) -> Bool[Array, "*batch"]:
    """Whether each program reads a state at a delayed time."""
    return ((program.op == LAG) & _is_used(program)).any(-1)


def check_reads(owner: str, program: Program, there: Sequence[bool], dtype: Any = None) -> None:
    """Refuse programs that read a variable that is not there, if they are no tracers.

    Args:
        owner: The public function, for the message.
        program: Of any batch shape.
        there: Which variables have values, see `available`.
        dtype: Of the values; numbers of programs that it cannot hold are refused too. None checks
            no numbers, because others stand in their place.
    """
    if not checks.is_here(program):
        return
    with jax.ensure_compile_time_eval():  # else a check inside jit would be traced
        is_missing, power = np.asarray(_summary(program, np.asarray(there))).tolist()
    if is_missing:
        raise ValueError(_missing_variable(owner, program, there))
    if dtype is not None and power > _SAFE_POWER:
        _check_numbers(owner, program, dtype)


@jax.jit
def _summary(program: Program, there: Bool[Array, " variables"]) -> Int[Array, " 2"]:
    """Whether a variable is missing, and the largest power of ten."""
    missing = _reads_missing(program, there).any()
    powers = (
        jnp.abs(program.scale_exponent.astype(jnp.int32)),
        jnp.abs(program.bias_exponent.astype(jnp.int32)),
        jnp.where(program.op == CONST, jnp.abs(program.b.astype(jnp.int32)), 0),
    )
    used = _is_used(program)
    largest = [jnp.where(used, power, 0).max(initial=0) for power in powers]
    # a constant leaf is the product of its number and its scale
    return jnp.stack([missing.astype(jnp.int32), jnp.maximum(largest[0] + largest[2], largest[1])])


def _reads_missing(program: Program, there: Bool[Array, " variables"]) -> Bool[Array, "*batch"]:
    used, arity = _is_used(program), jnp.asarray(ARITY)[program.op.astype(jnp.int32)]
    missing = jnp.zeros(program.op.shape, bool)
    for operand, least in ((program.a, 1), (program.b, 2)):
        index = jnp.clip(-1 - operand.astype(jnp.int32), 0, there.size - 1)
        missing = missing | ((operand < 0) & (arity >= least) & ~there[index])
    return (missing & used).any(-1)


def _is_used(program: Program) -> Bool[Array, "*batch nodes"]:
    return jnp.arange(program.num_nodes, dtype=jnp.int32) < program.length[..., None]


def _missing_variable(owner: str, program: Program, there: Sequence[bool]) -> str:
    place, names = _first_missing(program, there)
    known = [name for name, is_there in zip(VARIABLE_NAMES, there, strict=True) if is_there]
    has = f"{known[0]} to {known[-1]}" if len(known) > 1 else "".join(known) or "none"
    if owner == "solve":
        fix = "Pass `inputs` with more channels, or rename the variable."
    elif any(VARIABLE_NAMES.index(name) >= FIRST_STATE for name in names):
        fix = (
            "States y_0, y_1, ... and the time t have values in differential equations: rename "
            "them x_0, x_1, ... and pass their values as channels of x, or use s2jax.ode.solve."
        )
    else:
        fix = "Give x more channels, or rename the variable."
    return (
        f"{owner}(program{place}): reads {', '.join(names)}, and must read what has values: "
        f"{has}. {fix}"
    )


def _first_missing(program: Program, there: Sequence[bool]) -> tuple[str, list[str]]:
    """The place of the first such program, for a message, and the variables it misses."""
    host = jax.tree.map(np.asarray, program)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(program.shape) :]), host)
    for row in range(flat.length.size):
        count = int(flat.length[row])
        arity = ARITY[flat.op[row, :count]]
        read = [*flat.a[row, :count][arity >= 1], *flat.b[row, :count][arity == 2]]
        index = sorted({-1 - int(operand) for operand in read if operand < 0})
        names = [VARIABLE_NAMES[min(k, len(there) - 1)] for k in index if not _has(there, k)]
        if names:
            return _place(row, program.shape), names
    raise AssertionError("a program that misses a variable")


def _has(there: Sequence[bool], index: int) -> bool:
    return there[min(index, len(there) - 1)]


def _place(row: int, shape: tuple[int, ...]) -> str:
    """`[3, 0]` of the row in a batch of this shape."""
    place = [int(k) for k in np.unravel_index(row, shape)] if shape else []
    return str(place) if place else ""


def _check_numbers(owner: str, program: Program, dtype: Any) -> None:
    """Refuse numbers that the dtype cannot hold, naming the first."""
    host = jax.tree.map(np.asarray, program)
    used = np.arange(program.num_nodes) < host.length[..., None]
    for numbers in numbers_of(host):
        checks.check_held(owner, "program with a number", np.where(used, numbers, 0), dtype)

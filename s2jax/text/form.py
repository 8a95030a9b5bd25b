"""Programs turned into expressions of any kind, on the host."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from s2jax.core import checks
from s2jax.programs import Program
from s2jax.programs.operators import CONST, OPCODE, TABLE
from s2jax.programs.program import NAN, check_kind

_ARITY = [operator.arity for operator in TABLE]
_ADD, _MUL = OPCODE["add"], OPCODE["mul"]


class Form(NamedTuple):
    """How expressions of one kind are put together.

    Attributes:
        variable: From an index.
        number: From a mantissa and an exponent.
        operators: By opcode, from the operands; that of `const` is not used.
    """

    variable: Callable[[int], Any]
    number: Callable[[int, int], Any]
    operators: Sequence[Callable[..., Any]]


def check_program(name: str, program: Any) -> None:
    check_kind(name, program)
    if not all(map(checks.is_concrete, jax.tree.leaves(program))):
        raise TypeError(
            f"{name}(program traced by a JAX transformation): must hold numbers, because symbols "
            "are made on the host. Return batch.program from the jitted function and call "
            f"{name} outside."
        )


def build(program: Program, form: Form) -> list[Any]:
    """One expression per program of the batch, first to last; None for an unused output."""
    leaves = (
        program.op, program.a, program.b, program.scale_mantissa, program.scale_exponent,
        program.bias_mantissa, program.bias_exponent,
    )  # fmt: skip
    code = np.stack([np.asarray(leaf, np.int64) for leaf in leaves], axis=-1)
    length = np.asarray(program.length)
    used = np.arange(program.num_nodes) < length[..., None]
    instructions = iter(code[used].tolist())
    lengths = length.reshape(-1).tolist()
    return [_build_one(itertools.islice(instructions, length), form) for length in lengths]


def _build_one(instructions: Iterable[list[int]], form: Form) -> Any:
    variable, number, operators = form
    add, mul = operators[_ADD], operators[_MUL]
    values: list[Any] = []
    for op, a, b, scale_mantissa, scale_exponent, bias_mantissa, bias_exponent in instructions:
        arity = _ARITY[op]
        if arity == 0:
            value = number(a, b) if op == CONST else operators[op]()
        else:
            value = values[a] if a >= 0 else variable(-1 - a)
            if arity == 1:
                value = operators[op](value)
            else:
                value = operators[op](value, values[b] if b >= 0 else variable(-1 - b))
        if scale_mantissa != 1 or scale_exponent != 0:
            value = mul(number(scale_mantissa, scale_exponent), value)
        if bias_mantissa != 0:
            value = add(number(bias_mantissa, bias_exponent), value)
        values.append(value)
    return values[-1] if values else None


def nest(flat: list[Any], shape: tuple[int, ...]) -> Any:
    """The items in nested lists of this shape."""
    if not shape:
        return flat[0]
    size = len(flat) // max(shape[0], 1)
    return [nest(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


def nest_outputs(flat: list[Any], shape: tuple[int, ...]) -> Any:
    """One item per program: those of the outputs of a row in a tuple, rows in nested lists."""
    if not shape:
        return flat[0]
    outputs, rows = shape[-1], math.prod(shape[:-1])
    tuples = [tuple(flat[row * outputs : (row + 1) * outputs]) for row in range(rows)]
    return nest(tuples, shape[:-1])


@functools.lru_cache(maxsize=2**16)
def to_float(mantissa: int, exponent: int) -> float:
    """The float64 nearest to the decimal; NaN of the number that is none."""
    if mantissa == NAN[0]:
        return math.nan
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent

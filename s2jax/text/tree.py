"""Trees of plain Python values, which readers of text and SymPy make, and programs from them."""

import decimal
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from s2jax.core.checks import MAX_MAGNITUDE
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, OPCODE
from s2jax.programs.program import DTYPES, MAX_DIGITS, VARIABLE_NAMES
from s2jax.programs.trees import MAX_NODES

# nothing raises: what is too large becomes infinite, what is no number NaN
_CONTEXT = decimal.Context(MAX_DIGITS, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])


_MOST = decimal.Decimal(repr(MAX_MAGNITUDE))
_LEAST = 1 / _MOST


class Number(NamedTuple):
    """`mantissa * 10**exponent`; an exponent < 0 marks a number with a decimal point."""

    mantissa: int
    exponent: int


class Variable(NamedTuple):
    """A variable by its place in `VARIABLE_NAMES`."""

    index: int


VARIABLES = {name: Variable(index) for index, name in enumerate(VARIABLE_NAMES)}


class Parameter(NamedTuple):
    """A number that is drawn later; only laws of expressions hold any."""

    name: str


class Operation(NamedTuple):
    """An operator's name and its operands; a named constant has none."""

    name: str
    operands: tuple["Tree", ...] = ()


Constant: TypeAlias = Number | Parameter
Tree: TypeAlias = Constant | Variable | Operation
ONE, ZERO = Number(1, 0), Number(0, 0)


class Instruction(NamedTuple):
    """One instruction of a program; a `const` is its `value`."""

    op: int
    a: int
    b: int
    value: Constant = ZERO
    scale: Constant = ONE
    bias: Constant = ZERO


def number(text: str | float) -> Number:
    """The decimal nearest to a number, of at most `MAX_DIGITS` significant digits.

    Raises:
        ValueError: If it is not finite, or not 0 and outside 1e-100..1e100.
    """
    point = not isinstance(text, int) and not str(text).removeprefix("-").isdigit()
    with decimal.localcontext(_CONTEXT):
        value = +decimal.Decimal(str(text))
    if not value.is_finite() or (value != 0 and not _LEAST <= value.copy_abs() <= _MOST):
        raise ValueError(f"the number {text} must be finite and 0 or 1e-100 to 1e100")
    sign, digits, exponent = value.normalize().as_tuple()
    mantissa = int("".join(map(str, digits)))
    if point and 0 <= int(exponent) < MAX_DIGITS - len(digits):
        mantissa, exponent = mantissa * 10 ** (int(exponent) + 1), -1
    return Number(-mantissa if sign else mantissa, int(exponent) if mantissa else 0)


def instructions(tree: Tree) -> list[Instruction]:
    """The instructions of a tree in reversed prefix order.

    `add c (mul d f)` with numbers c and d becomes the bias and the scale of f, and nothing else is
    rewritten, so that the prefix form of the program is that of the tree.
    """
    words = list(prefix(tree))
    out: list[Instruction] = []
    stack: list[int | Constant] = []
    for word, before in zip(reversed(words), [*reversed(words[:-1]), None], strict=True):
        if isinstance(word, Variable):
            stack.append(-1 - word.index)
        elif isinstance(word, Constant) and is_affine(before, word):
            stack.append(word)
        elif isinstance(word, Constant):
            stack.append(_append(out, Instruction(CONST, 0, 0, value=word)))
        else:
            operands = [stack.pop() for _ in word.operands]
            stack.append(_apply(word.name, operands, out))
    (root,) = stack
    if isinstance(root, int) and root < 0:
        _append(out, Instruction(ID, root, root))
    return out


def prefix(tree: Tree) -> Iterator[Tree]:
    """The nodes of a tree in prefix order."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Operation):
            stack.extend(reversed(node.operands))


def is_affine(before: Tree | None, constant: Constant) -> bool:
    """Whether a number stands first in a sum or product and can be a bias or scale."""
    if not isinstance(before, Operation) or before.name not in ("add", "mul"):
        return False
    return constant != ONE if before.name == "mul" else constant[0] != 0


def _append(out: list[Instruction], instruction: Instruction) -> int:
    out.append(instruction)
    return len(out) - 1


def _apply(name: str, operands: list[int | Constant], out: list[Instruction]) -> int:
    """Append an operator, or its number to the instruction it is applied to; the operand made."""
    first = operands[0] if operands else 0
    last = operands[-1] if operands else 0
    assert isinstance(last, int), "only a first operand is a number"
    if not isinstance(first, Constant):
        return _append(out, Instruction(OPCODE[name], first, last))
    if last < 0 or not _takes(out[-1], name, first):
        _append(out, Instruction(ID, last, last))
    out[-1] = out[-1]._replace(**{"bias" if name == "add" else "scale": first})
    return len(out) - 1


def _takes(instruction: Instruction, name: str, constant: Constant) -> bool:
    """Whether an instruction has no such constant yet, nor one applied after it."""
    if instruction.bias != ZERO or (name == "mul" and instruction.scale != ONE):
        return False
    if instruction.op != CONST or name == "add":
        return True
    if isinstance(constant, Parameter) or isinstance(instruction.value, Parameter):
        return False
    # evaluation multiplies the mantissas
    return abs(constant.mantissa * instruction.value.mantissa) < 2**31


def to_programs(
    rows: Sequence[Sequence[Tree | None]], protected: bool, num_nodes: int | None = None
) -> Program:
    """Programs of shape `(rows, outputs)`; None is an unused output.

    Raises:
        ValueError: If an expression needs more instruction slots than there may be.
    """
    code = [[instructions(tree) if tree is not None else [] for tree in row] for row in rows]
    longest = max((len(one) for row in code for one in row), default=1)
    slots = num_nodes or max(longest, 1)
    if longest > min(slots, MAX_NODES):
        raise ValueError(
            f"the expression takes {longest} instructions and must take <= {min(slots, MAX_NODES)}"
        )
    width = max((len(row) for row in code), default=0)
    fields = np.zeros((8, len(code), width, slots), np.int64)
    fields[:] = np.reshape([ID, -1, -1, 1, 0, 0, 0, 0], (8, 1, 1, 1))
    length = np.zeros((len(code), width), np.int32)
    for i, row in enumerate(code):
        for k, one in enumerate(row):
            length[i, k] = len(one)
            for n, instruction in enumerate(one):
                fields[:7, i, k, n] = _numbers(instruction)
    arrays = [field.astype(dtype) for field, dtype in zip(fields, DTYPES, strict=False)]
    # not jnp.asarray, which compiles a copy for every shape; concrete inside jit too
    with jax.ensure_compile_time_eval():
        *leaves, length = jax.device_put([*arrays, length])
    return Program(*leaves, length=length, protected=protected)


def _numbers(code: Instruction) -> list[Any]:
    assert not isinstance(code.value, Parameter), "only laws of expressions hold parameters"
    a, b = code.value if code.op == CONST else (code.a, code.b)
    return [code.op, a, b, *code.scale, *code.bias]

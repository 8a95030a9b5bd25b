"""Programs as SymPy expressions, text and tokens, on the host.

The text is that of the reference implementation: binary words between parentheses, `pow2` and
`pow3` as `**2` and `**3`, all else as functions. It does not say whether operands are protected;
SymPy expressions do.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from s2jax import _checks
from s2jax.expressions._program import Program
from s2jax.operators import CONST, OPCODE, TABLE, Operator

_SEPARATOR = {"infix": " | ", "prefix": ",|,", "sympy": " | "}
_INFIX = {"pow2": "({})**2", "pow3": "({})**3"}
_ARITY = [operator.arity for operator in TABLE]
_ADD, _MUL = OPCODE["add"], OPCODE["mul"]


class _Form(NamedTuple):
    """How expressions of one kind are put together.

    Attributes:
        variable: From an index.
        number: From a mantissa and an exponent.
        operators: By opcode, from the operands; that of `const` from its integer.
    """

    variable: Callable[[int], Any]
    number: Callable[[int, int], Any]
    operators: Sequence[Callable[..., Any]]


def to_sympy(program: Program, evaluate: bool = False) -> Any:
    """The functions that `s2jax.evaluate` computes, as SymPy expressions.

    The variables are `Symbol("x_0", real=True)` and so on. A constant is the Float nearest to its
    decimal: it prints like the text, and its digits can be read back; an integer is a Float too,
    because functions made by `lambdify` would compute with int64 and overflow. The operand of a
    protected operator stands in `Abs`. An unused output is `Integer(0)`.

    Args:
        program: Of any batch shape, for example `batch.program`.
        evaluate: Whether SymPy may rewrite expressions while they are built. False keeps every
            operation, constant and domain as drawn, and is ten times faster. True gives SymPy's
            usual form, in which equal sums and products compare equal; it merges constants and may
            widen a domain, as in `sqrt(x)**2 = x`. Functions of plain numbers then still stay as
            they are, because `exp(exp(1e9))` would not end.

    Returns:
        One expression per program, in nested lists that follow the batch shape. For `batch.program`
        each row is a list of one expression per output.

    Raises:
        TypeError: If `program` is no program, or is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_sympy(program)
        0.695*sqrt(Abs(x_0)) + 7.46
    """
    import sympy

    _check_program("to_sympy", program)
    zero = sympy.Integer(0)
    expressions = [zero if f is None else f for f in _sympy_expressions(program, evaluate)]
    return _nest(expressions, program.shape)


def to_text(program: Program, style: str = "infix") -> Any:
    """One string per row, in the notation of the reference implementation.

    Outputs are joined by `" | "`, or by `",|,"` in prefix style; unused ones are left out.

    Args:
        program: Of batch shape `(*batch, outputs)`, for example `batch.program`. A law's `sample`
            has no axis of outputs: pass `program[:, None]`.
        style: `"infix"`; `"prefix"`, with commas; or `"sympy"`, which prints `to_sympy`.

    Returns:
        A list of one string per row, nested like `*batch`; a string if that is `()`.

    Raises:
        TypeError: If `program` is no program, or is traced.
        ValueError: If `style` is unknown.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_text(program)
        '(7.46 add (0.695 mul sqrt(x_0)))'
        >>> to_text(program, style="prefix")
        'add,7.46,mul,0.695,sqrt,x_0'
    """
    _check_program("to_text", program)
    if style not in _SEPARATOR:
        raise ValueError(f"to_text(style={style!r}): {_checks.unknown(style, _SEPARATOR)}")
    if style == "sympy":
        texts = [f if f is None else str(f) for f in _sympy_expressions(program)]
    else:
        texts = _build(program, _text_form(style))
    outputs = program.shape[-1] if program.shape else 1
    rows = [texts[start : start + outputs] for start in range(0, len(texts), max(outputs, 1))]
    used = [_SEPARATOR[style].join([text for text in row if text is not None]) for row in rows]
    return _nest(used, program.shape[:-1])


def to_prefix(program: Program) -> Any:
    """The words of every program in prefix order; a constant is one word.

    Args:
        program: Of any batch shape, for example `batch.program`.

    Returns:
        One list of words per program, in nested lists that follow the batch shape; empty for an
        unused output.

    Raises:
        TypeError: If `program` is no program, or is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_prefix(program)
        ['add', '7.46', 'mul', '0.695', 'sqrt', 'x_0']
    """
    _check_program("to_prefix", program)
    texts = _build(program, _text_form("prefix"))
    return _nest([text.split(",") if text else [] for text in texts], program.shape)


def _check_program(name: str, program: Any) -> None:
    if not isinstance(program, Program):
        raise TypeError(
            f"{name}(program of type {type(program).__name__}): must be a Program, because only "
            "that holds instructions. Pass batch.program."
        )
    if not all(map(_checks.is_concrete, jax.tree.leaves(program))):
        raise TypeError(
            f"{name}(program traced by a JAX transformation): must hold numbers, because symbols "
            "are made on the host. Return batch.program from the jitted function and call "
            f"{name} outside."
        )


def _build(program: Program, form: _Form) -> list[Any]:
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


def _build_one(instructions: Iterable[list[int]], form: _Form) -> Any:
    variable, number, operators = form
    add, mul = operators[_ADD], operators[_MUL]
    values: list[Any] = []
    for op, a, b, scale_mantissa, scale_exponent, bias_mantissa, bias_exponent in instructions:
        arity = _ARITY[op]
        if arity == 0:
            value = operators[op](a) if op == CONST else operators[op]()
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


def _nest(flat: list[Any], shape: tuple[int, ...]) -> Any:
    """The items in nested lists of this shape."""
    if not shape:
        return flat[0]
    size = len(flat) // max(shape[0], 1)
    return [_nest(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


@functools.lru_cache(maxsize=2**16)
def _float(mantissa: int, exponent: int) -> float:
    """The float64 nearest to the decimal."""
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


@functools.lru_cache(maxsize=2**16)
def _decimal_text(mantissa: int, exponent: int) -> str:
    return repr(_float(mantissa, exponent))


@functools.cache
def _text_form(style: str) -> _Form:
    return _Form(
        variable="x_{}".format,
        number=_decimal_text,
        operators=[_template(operator, style).format for operator in TABLE],
    )


def _template(operator: Operator, style: str) -> str:
    """The text of an operator with {} for each operand, or for the integer of `const`."""
    name = operator.name
    if name in ("const", "id"):
        return "{}"
    if style == "prefix":
        return ",".join([name] + ["{}"] * operator.arity)
    return _INFIX.get(name, (name, f"{name}({{}})", f"({{}} {name} {{}})")[operator.arity])


def _sympy_expressions(program: Program, evaluate: bool = False) -> list[Any]:
    """One expression per program of the batch, first to last; None for an unused output."""
    import sympy

    operators = [_sympy_operator(operator, program.protected) for operator in TABLE]
    form = _Form(
        variable=lambda index: sympy.Symbol(f"x_{index}", real=True),
        number=lambda mantissa, exponent: sympy.Float(_float(mantissa, exponent)),
        operators=operators,
    )
    with sympy.evaluate(evaluate):
        return _build(program, form)


def _sympy_operator(operator: Operator, protected: bool) -> Callable[..., Any]:
    import sympy

    symbol = operator.symbol
    if operator.name == "const":
        return lambda value: sympy.Float(float(value))
    if isinstance(symbol, str):
        function = getattr(sympy, symbol)
        if operator.arity == 0:
            return lambda: function
    else:
        function = symbol

    def apply(*operands):
        if protected and operator.protects:
            operands = (sympy.Abs(operands[0]), *operands[1:])
        if isinstance(symbol, str) and all(operand.is_Number for operand in operands):
            return function(*operands, evaluate=False)
        return function(*operands)

    return apply

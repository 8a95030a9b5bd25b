"""Programs as text, on the host.

The text is that of the reference implementation: binary words between parentheses, `pow2` and
`pow3` as `**2` and `**3`, all else as functions. It does not say whether operands are protected;
SymPy expressions do.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from s2jax.core import checks
from s2jax.programs import Program
from s2jax.programs.operators import TABLE, Operator
from s2jax.programs.program import NAN, VARIABLE_NAMES
from s2jax.text._write_sympy import sympy_expressions
from s2jax.text.form import Form, build, check_program, nest, nest_outputs, to_float

_SEPARATOR = {"reference": " | ", "prefix": ",|,", "sympy": " | "}
UNUSED = "0"
"""An output that is not used, whose value is 0; `s2jax.from_text` reads it so."""
_INFIX = {"pow2": "({})**2", "pow3": "({})**3"}


def to_text(program: Program, style: str = "reference") -> Any:
    """One string per row, in the notation of the reference implementation.

    Outputs are joined by `" | "`, or by `",|,"` in prefix style. An unused output is `0`, and those
    at the end of a row are left out, but for the first; the number 0 as an expression is `0.0`.

    Args:
        program: Of batch shape `(*batch, outputs)`, for example `batch.program`. A law's `sample`
            has no axis of outputs: pass `program[:, None]`.
        style: `"reference"`; `"prefix"`, with commas; or `"sympy"`, which prints `to_sympy`.

    Returns:
        A list of one string per row, nested like `*batch`; a string if that is `()`.

    Raises:
        TypeError: If `program` is no program, or is traced.
        ValueError: If `style` is unknown, or rows have no outputs.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.programs.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_text(program)
        '(7.46 add (0.695 mul sqrt(x_0)))'
        >>> to_text(program, style="prefix")
        'add,7.46,mul,0.695,sqrt,x_0'
    """
    check_program("to_text", program)
    if program.shape[-1:] == (0,) and math.prod(program.shape[:-1]):
        raise ValueError(
            f"to_text(program of shape {program.shape}): must have an output, because a row of "
            "text holds one at least. Leave these rows out."
        )
    if style not in _SEPARATOR:
        raise ValueError(f"to_text(style={style!r}): {checks.unknown(style, _SEPARATOR)}")
    if style == "sympy":
        texts = [f if f is None else str(f) for f in sympy_expressions(program)]
    else:
        texts = build(program, text_form(style))
    outputs = program.shape[-1] if program.shape else 1
    rows = [texts[start : start + outputs] for start in range(0, len(texts), max(outputs, 1))]
    joined = [_SEPARATOR[style].join(_outputs(row)) for row in rows]
    return nest(joined, program.shape[:-1])


def _outputs(texts: list[str | None]) -> list[str]:
    """The texts of a row up to its last used output."""
    last = max((output for output, text in enumerate(texts) if text is not None), default=0)
    # a word of its own, so that the number 0 does not come back as an unused output
    zero = lambda text: "0.0" if text == UNUSED else text
    return [UNUSED if text is None else zero(text) for text in texts[: last + 1]]


def to_prefix(program: Program) -> Any:
    """The words of every program in prefix order; a constant is one word.

    Args:
        program: Of any batch shape, for example `batch.program`.

    Returns:
        One list of words per program, empty for an unused output: a tuple of those of the outputs
        of a row, and rows in nested lists.

    Raises:
        TypeError: If `program` is no program, or is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.programs.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_prefix(program)
        ['add', '7.46', 'mul', '0.695', 'sqrt', 'x_0']
    """
    check_program("to_prefix", program)
    texts = build(program, text_form("prefix"))
    return nest_outputs([text.split(",") if text else [] for text in texts], program.shape)


@functools.lru_cache(maxsize=2**16)
def decimal_text(mantissa: int, exponent: int) -> str:
    """A whole number without a point, any other number with one; `nan` of the one that is none."""
    if exponent < 0 or mantissa == NAN[0]:
        return repr(to_float(mantissa, exponent))
    return str(mantissa * 10**exponent) if exponent <= 15 else f"{mantissa}e{exponent}"


@functools.cache
def text_form(style: str) -> Form:
    return Form(
        variable=VARIABLE_NAMES.__getitem__,
        number=decimal_text,
        operators=[_writer(operator, style) for operator in TABLE],
    )


def _writer(operator: Operator, style: str) -> Callable[..., str]:
    if operator.name == "lag" and style == "reference":
        return _lag
    return _template(operator, style).format


def _lag(state: str, delay: str) -> str:
    return f"{state}(t - {delay})" if state in VARIABLE_NAMES else f"lag({state}, {delay})"


def _template(operator: Operator, style: str) -> str:
    """The text of an operator with {} for each operand."""
    name = operator.name
    if name == "id":
        return "{}"
    if style == "prefix":
        return ",".join([name] + ["{}"] * operator.arity)
    return _INFIX.get(name, (name, f"{name}({{}})", f"({{}} {name} {{}})")[operator.arity])

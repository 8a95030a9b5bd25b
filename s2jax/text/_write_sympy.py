"""Programs as SymPy expressions."""

from collections.abc import Callable
from typing import Any

from s2jax.programs import Program
from s2jax.programs.operators import TABLE, Operator
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text.form import Form, build, check_program, nest_outputs, to_float


def to_sympy(program: Program, evaluate: bool = False) -> Any:
    """The functions that `s2jax.evaluate` computes, as SymPy expressions.

    The inputs are `Symbol("x_0", real=True)` and so on, the states of a differential equation
    `Symbol("y_0", real=True)`, and its time `Symbol("t", real=True)`. A constant is the Float
    nearest to its decimal: it prints like the text, and its digits can be read back; an integer is
    a Float too, because functions made by `lambdify` would compute with int64 and overflow. The
    operand of a protected operator stands in `Abs`. An unused output is `Integer(0)`.

    Args:
        program: Of any batch shape, for example `batch.program`.
        evaluate: Whether SymPy may rewrite expressions while they are built. False keeps every
            operation, constant and domain as drawn, and is ten times faster. True gives SymPy's
            usual form, in which equal sums and products compare equal; it merges constants and may
            widen a domain, as in `sqrt(x)**2 = x`. Functions of plain numbers then still stay as
            they are, because `exp(exp(1e9))` would not end, and so do `Max` and `Min`.

    Returns:
        One expression per program: a tuple of those of the outputs of a row, and rows in nested
        lists. For `batch.program` it is a list of tuples, which `s2jax.from_sympy` reads.

    Raises:
        TypeError: If `program` is no program, or is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.programs.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> to_sympy(program)
        0.695*sqrt(Abs(x_0)) + 7.46
    """
    import sympy

    check_program("to_sympy", program)
    zero = sympy.Integer(0)
    expressions = [zero if f is None else f for f in sympy_expressions(program, evaluate)]
    return nest_outputs(expressions, program.shape)


def sympy_expressions(program: Program, evaluate: bool = False) -> list[Any]:
    """One expression per program of the batch, first to last; None for an unused output."""
    import sympy

    operators = [_sympy_operator(operator, program.protected) for operator in TABLE]
    form = Form(
        variable=lambda index: sympy.Symbol(VARIABLE_NAMES[index], real=True),
        number=lambda mantissa, exponent: sympy.Float(to_float(mantissa, exponent)),
        operators=operators,
    )
    with sympy.evaluate(evaluate):
        return build(program, form)


def _sympy_operator(operator: Operator, protected: bool) -> Callable[..., Any]:
    import sympy

    symbol = operator.symbol
    if isinstance(symbol, str):
        function = getattr(sympy, symbol)
        if operator.arity == 0:
            return lambda: function
    else:
        function = symbol

    def apply(*operands):
        if protected and operator.protects:
            operands = (sympy.Abs(operands[0]), *operands[1:])
        # Max and Min would compare their operands, which may take for ever or fail
        is_plain = all(operand.is_Number for operand in operands)
        if isinstance(symbol, str) and (is_plain or symbol in ("Max", "Min")):
            return function(*operands, evaluate=False)
        return function(*operands)

    return apply

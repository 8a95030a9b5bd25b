"""Programs as LaTeX."""

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from s2jax.programs import Program
from s2jax.programs.operators import TABLE, Operator
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text.form import Form, build, check_program, nest_outputs
from s2jax.text.write_text import decimal_text

_SUM, _NEGATIVE, _PRODUCT, _FRACTION, _ATOM = range(5)
_CONSTANTS = {"e": "e", "pi": r"\pi", "euler_gamma": r"\gamma"}
_NO_COMMAND = ("sign", "arcsinh", "arccosh", "arctanh")
_LARGE = 10**7


class _Latex(NamedTuple):
    """LaTeX of an expression.

    Attributes:
        rank: The outermost operation; a lower rank needs parentheses where a higher one is wanted.
        text: The LaTeX; of rank `_NEGATIVE`, it starts with a minus sign.
        function: The function's name, if the expression is a function's value.
        divisor: u, if the expression is 1/u.
    """

    rank: int
    text: str
    function: str = ""
    divisor: str = ""

    def within(self, rank: int) -> str:
        return self.text if self.rank >= rank else rf"\left({self.text}\right)"


def to_latex(program: Program) -> Any:
    r"""The functions that `s2jax.evaluate` computes, as LaTeX, for papers and plots.

    Nothing is computed or rearranged; sums and products only lose parentheses that do not matter,
    and `c * (1/u)` is one fraction. The operand of a protected operator stands between bars, as it
    stands in `Abs` in `to_sympy`. An unused output is `0`.

    Args:
        program: Of any batch shape, for example `batch.program`.

    Returns:
        One string per program, without dollar signs: a tuple of those of the outputs of a row, and
        rows in nested lists.

    Raises:
        TypeError: If `program` is no program, or is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.programs.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sqrt"], -1, -1, 695, -3, 746, -2])[:, None]
        >>> program = Program(*fields, length=jnp.array(1))
        >>> print(to_latex(program))
        7.46 + 0.695 \sqrt{\left|x_{0}\right|}
    """
    check_program("to_latex", program)
    expressions = build(program, _form(program.protected))
    return nest_outputs(["0" if one is None else one.text for one in expressions], program.shape)


@functools.cache
def _form(protected: bool) -> Form:
    return Form(
        variable=[_Latex(_ATOM, latex_name(name)) for name in VARIABLE_NAMES].__getitem__,
        number=_number,
        operators=[_operator(operator, protected) for operator in TABLE],
    )


def latex_name(variable: str) -> str:
    """`x_{0}` of x_0, `t` of t."""
    letter, underscore, index = variable.partition("_")
    return f"{letter}_{{{index}}}" if underscore else letter


@functools.lru_cache(maxsize=2**14)
def _number(mantissa: int, exponent: int) -> _Latex:
    rank = _NEGATIVE if mantissa < 0 else _ATOM
    text = decimal_text(mantissa, exponent)
    if text == "nan":
        return _Latex(_ATOM, r"\mathrm{nan}")
    if "e" not in text and abs(float(text)) < _LARGE:
        return _Latex(rank, text)
    value = Decimal(mantissa).scaleb(exponent)
    digits = f"{value.scaleb(-value.adjusted()).normalize():f}"
    power = f"10^{{{value.adjusted()}}}"
    text = {"1": power, "-1": f"-{power}"}.get(digits, rf"{digits} \cdot {power}")
    return _Latex(min(rank, _PRODUCT), text)


def _operator(operator: Operator, protected: bool) -> Callable[..., _Latex]:
    name = operator.name
    if operator.arity == 0:
        constant = _Latex(_ATOM, _CONSTANTS.get(name, "1"))
        return lambda: constant
    write = _WRITERS.get(name) or functools.partial(_function, name)
    if not (protected and operator.protects):
        return write
    return lambda a, *rest: write(_absolute(a), *rest)


def _function(name: str, *operands: _Latex) -> _Latex:
    command = rf"\operatorname{{{name}}}" if name in _NO_COMMAND else rf"\{name}"
    text = ", ".join(operand.text for operand in operands)
    return _Latex(_ATOM, rf"{command}\left({text}\right)", function=command)


def _absolute(a: _Latex) -> _Latex:
    return _Latex(_ATOM, rf"\left|{a.text}\right|")


def _negative(a: _Latex) -> _Latex:
    return _Latex(_NEGATIVE, f"-{a.within(_PRODUCT)}")


def _sum(a: _Latex, b: _Latex) -> _Latex:
    if b.text.startswith("-"):
        return _Latex(_SUM, f"{a.text} - {b.text[1:]}")
    return _Latex(_SUM, f"{a.text} + {b.text}")


def _difference(a: _Latex, b: _Latex) -> _Latex:
    if b.rank == _NEGATIVE:
        return _Latex(_SUM, f"{a.text} + {b.text[1:]}")
    return _Latex(_SUM, f"{a.text} - {b.within(_PRODUCT)}")


def _product(a: _Latex, b: _Latex) -> _Latex:
    if b.divisor:
        return _fraction(a, _Latex(_ATOM, b.divisor))
    left, right = a.within(_NEGATIVE), b.within(_PRODUCT)
    times = r" \cdot " if right[0].isdigit() else " "
    return _Latex(_NEGATIVE if a.rank == _NEGATIVE else _PRODUCT, f"{left}{times}{right}")


def _fraction(a: _Latex, b: _Latex) -> _Latex:
    if a.rank == _NEGATIVE:
        return _Latex(_NEGATIVE, rf"-\frac{{{a.text[1:]}}}{{{b.text}}}")
    return _Latex(_FRACTION, rf"\frac{{{a.text}}}{{{b.text}}}")


def _inverse(a: _Latex) -> _Latex:
    return _Latex(_FRACTION, rf"\frac{{1}}{{{a.text}}}", divisor=a.text)


def _power(a: _Latex, b: _Latex) -> _Latex:
    return _Latex(_FRACTION, f"{a.within(_ATOM)}^{{{b.text}}}")


def _gate(c: _Latex, a: _Latex) -> _Latex:
    """The bracket of Iverson: 1 where the condition holds, else 0."""
    return _Latex(_PRODUCT, rf"\left[{c.text} > 0\right] {a.within(_FRACTION)}")


def _lag(state: _Latex, delay: _Latex) -> _Latex:
    return _Latex(_ATOM, rf"{state.within(_ATOM)}\left(t - {delay.within(_PRODUCT)}\right)")


def _whole_power(exponent: int, a: _Latex) -> _Latex:
    if not a.function:
        return _power(a, _Latex(_ATOM, str(exponent)))
    rest = a.text.removeprefix(a.function)
    return _Latex(_FRACTION, f"{a.function}^{{{exponent}}}{rest}")


_WRITERS: dict[str, Callable[..., _Latex]] = {
    "id": lambda a: a,
    "add": _sum,
    "sub": _difference,
    "mul": _product,
    "div": _fraction,
    "pow": _power,
    "neg": _negative,
    "inv": _inverse,
    "abs": _absolute,
    "gate": _gate,
    "lag": _lag,
    "sqrt": lambda a: _Latex(_FRACTION, rf"\sqrt{{{a.text}}}"),
    "pow2": functools.partial(_whole_power, 2),
    "pow3": functools.partial(_whole_power, 3),
}

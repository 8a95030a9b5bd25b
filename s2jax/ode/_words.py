"""SymPy expressions as text that is read back without running anything.

`Add(Mul(-1, y_0), sin(y_1))` names SymPy's classes; the reader makes those that `s2jax.lambdify`
can translate and no others.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from s2jax.text.functions import FUNCTIONS
from s2jax.text.lambdas import LEAVES, function_of, to_double

_WORD = re.compile(
    r"(?P<open>[A-Za-z]\w*)\(|(?P<name>[A-Za-z_]\w*)|(?P<close>\))|(?P<comma>, )"
    r"|(?P<number>-?[0-9]+(?:/[0-9]+|(?P<float>(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)))"
)
_NAMED = [name for name in LEAVES if name.isidentifier() and name != "nan"]


def write_words(expr: Any, name_of: Callable[[Any], str]) -> str:
    """The text of an expression, in which `name_of` names the symbols."""
    if expr.is_Symbol:
        return name_of(expr)
    if expr.is_Float:
        return repr(float(expr))
    if expr.is_Rational:
        return str(expr)
    if not expr.args:
        return str(expr)
    operands = ", ".join(write_words(operand, name_of) for operand in expr.args)
    return f"{type(expr).__name__}({operands})"


def read_words(text: str, symbols: Mapping[str, Any]) -> Any:
    """The expression of a text; the inverse of `write_words`.

    Raises:
        ValueError: If the text is none that `write_words` makes of these symbols.
    """
    import sympy

    stack: list[tuple[str, list[Any]]] = [("", [])]
    position = 0
    with sympy.evaluate(False):  # as it was written, so that it reads the same again
        while position < len(text):
            match = _WORD.match(text, position)
            if match is None:
                raise ValueError(f"cannot be read at position {position}")
            position = match.end()
            if match["open"]:
                if match["open"] not in FUNCTIONS:
                    raise ValueError(f"{match['open']} is no function of s2jax.lambdify")
                stack.append((match["open"], []))
            elif match["close"]:
                if len(stack) == 1:
                    raise ValueError(f"has one `)` too many at position {position - 1}")
                head, operands = stack.pop()
                stack[-1][1].append(function_of(head)(*operands))
            elif not match["comma"]:
                stack[-1][1].append(_leaf(match, symbols))
    if len(stack) > 1 or len(stack[0][1]) != 1:
        raise ValueError("must be one expression")
    return stack[0][1][0]


def _leaf(match: re.Match[str], symbols: Mapping[str, Any]) -> Any:
    import sympy

    name = match["name"]
    if name in symbols:
        return symbols[name]
    if name is not None:
        if name not in _NAMED:
            raise ValueError(f"unknown name {name}")
        named = {"True": sympy.true, "False": sympy.false}
        return named[name] if name in named else getattr(sympy, name)
    text = match["number"]
    if match["float"]:
        to_double(sympy.Float(text))  # refuses what would become 0 or infinite
        return sympy.Float(float(text))
    above, _, below = text.partition("/")
    return sympy.Rational(int(above), int(below or 1))

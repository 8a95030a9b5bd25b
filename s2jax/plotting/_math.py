"""Formulas as math text, in pieces between which a line may end."""

from decimal import Decimal
from typing import NamedTuple

from s2jax.programs.operators import TABLE
from s2jax.programs.program import MAX_STATES, VARIABLE_NAMES
from s2jax.text.read_text import read_expression
from s2jax.text.tree import Number, Operation, Parameter, Tree, Variable
from s2jax.text.write_latex import latex_name

_SHORT = 26  # letters up to which a fraction, a root or a power is set as one piece
_SUM, _PRODUCT, _APPLIED, _ATOM = 1, 2, 3, 4
_ONE_OVER = r"\dfrac{1}"
_FUNCTIONS = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "arcsin": r"\arcsin", "arccos": r"\arccos",
    "arctan": r"\arctan", "tanh": r"\tanh", "log": r"\log", "exp": r"\exp", "sinh": r"\sinh",
    "cosh": r"\cosh", "max": r"\max", "min": r"\min",
}  # fmt: skip
_NOISE = tuple(f"W_{state}" for state in range(MAX_STATES))
_NAMES = {"e": "e", "pi": r"\pi", "euler_gamma": r"\gamma"}


class _Math(NamedTuple):
    """Pieces of a formula without its sign, and how tightly they hold together."""

    pieces: list[str]
    level: int
    negative: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_fraction(self) -> bool:
        return self.text.startswith(_ONE_OVER)

    @property
    def signed(self) -> list[str]:
        """The pieces with their sign."""
        return ["{-}" + self.pieces[0], *self.pieces[1:]] if self.negative else self.pieces

    @property
    def is_short(self) -> bool:
        return _letters(self.text) <= _SHORT and "frac" not in self.text

    def inside(self, left: str, right: str) -> list[str]:
        """The signed pieces between brackets."""
        first, *rest = self.signed
        pieces = [left + first, *rest]
        return [*pieces[:-1], pieces[-1] + right]

    def at_least(self, level: int) -> "_Math":
        """The same in parentheses unless it holds together that tightly; signs stay outside."""
        if self.level >= level:
            return self
        plain = _Math(self.pieces, self.level)
        return _Math(plain.inside("(", ")"), _ATOM, self.negative)


def to_math(text: str, protected: bool = True) -> list[str]:
    """Pieces of math text of an expression.

    Args:
        text: Of one output, as `s2jax.to_text` prints it. The white noise that drives state k of a
            differential equation may stand there as W_k.
        protected: Whether `log`, `sqrt` and `pow` take an absolute value; the formula says so.

    Example:
        >>> "".join(to_math("(5.9 add (-2 mul sin(y_0)))"))
        '{-}2\\\\,\\\\sin(y_{0}) + 5.9'
    """
    return _math(read_expression(text, _NOISE), protected).signed


def _math(tree: Tree, protected: bool) -> _Math:
    if isinstance(tree, Number):
        return _number(tree)
    if isinstance(tree, Variable):
        return _Math([latex_name(VARIABLE_NAMES[tree.index])], _ATOM)
    if isinstance(tree, Parameter):
        return _Math([latex_name(tree.name).replace("W", r"\dot{W}")], _ATOM)
    name, operands = tree
    if not operands:
        return _Math([_NAMES[name]], _ATOM)
    parts = [_math(operand, protected) for operand in operands]
    is_scaled = isinstance(operands[0], Number)
    if name in ("add", "sub"):
        return _sum(name, *parts, moved=is_scaled)
    is_inverse = isinstance(operands[-1], Operation) and operands[-1].name == "inv"
    if name == "mul" and is_scaled and is_inverse:
        return _over(*parts)
    if name in ("mul", "div"):
        return _product(name, *parts, scaled=is_scaled)
    if name == "neg":
        part = parts[0].at_least(_PRODUCT)
        return part._replace(negative=not part.negative)
    return _apply(name, parts, protected)


def _over(scale: _Math, inverse: _Math) -> _Math:
    """A number times an inverse, as one fraction."""
    first, *rest = inverse.pieces
    if inverse.is_fraction:
        return _Math([first.replace("{1}", f"{{{scale.text}}}", 1)], _ATOM, scale.negative)
    return _Math([scale.text + first[1:], *rest], _PRODUCT, scale.negative)


def _number(number: Number) -> _Math:
    value = abs(Decimal(number.mantissa).scaleb(number.exponent))
    text = f"{value.normalize():f}" if Decimal("1e-6") < value < Decimal("1e7") else None
    if text is None and value:
        digits, power = f"{value.normalize():e}".split("e")
        text = f"{digits} \\times 10^{{{int(power)}}}"
    return _Math([text or "0"], _ATOM, number.mantissa < 0)


def _sum(name: str, left: _Math, right: _Math, moved: bool) -> _Math:
    if moved and name == "add":  # a bias is read last
        left, right = right, left
    minus = (name == "sub") != right.negative
    right = right.at_least(_PRODUCT) if name == "sub" or right.negative else right
    first = right.pieces[0]
    if first.startswith("{-}"):  # a sum that starts with a minus, added
        first, minus = first[3:], True
    sign = " - " if minus else " + "
    return _Math([*left.signed, sign + first, *right.pieces[1:]], _SUM)


def _product(name: str, left: _Math, right: _Math, scaled: bool) -> _Math:
    negative = left.negative != right.negative
    left = left.at_least(_PRODUCT)
    if name == "div":
        right = right.at_least(_APPLIED)
        sign = " / "
    else:
        right = right.at_least(_PRODUCT)
        starts_with_digit = right.pieces[0][:1].isdigit()
        sign = r"\," if scaled and not starts_with_digit else r" \cdot "
    if sign == r"\,":  # a coefficient stays with what it multiplies
        joined = [left.text + sign + right.pieces[0], *right.pieces[1:]]
    else:
        joined = [*left.pieces, sign + right.pieces[0], *right.pieces[1:]]
    return _Math(joined, _PRODUCT, negative)


def _apply(name: str, parts: list[_Math], protected: bool) -> _Math:
    """Everything that is no sum or product."""
    part = parts[0]
    bars = protected and any(op.name == name and op.protects for op in TABLE)
    if name == "abs":
        return _Math(_Math(part.signed, _SUM).inside("|", "|"), _ATOM)
    if name == "inv":
        if part.is_short:
            return _Math([f"{_ONE_OVER}{{{''.join(part.signed)}}}"], _ATOM)
        return _Math(_Math(part.signed, _SUM).inside("1/(", ")"), _PRODUCT)
    if name == "lag" and part.level == _ATOM:
        return _Math([f"{part.text}(t - {parts[1].text})"], _ATOM)
    if name in ("pow2", "pow3", "pow"):
        power = name[3:] or "".join(parts[1].signed)
        base = _base(part, bars)
        return _Math([*base[:-1], f"{base[-1]}^{{{power}}}"], _APPLIED)
    if name == "sqrt":
        if part.is_short:
            inner = "".join(part.signed)
            return _Math([f"\\sqrt{{|{inner}|}}" if bars else f"\\sqrt{{{inner}}}"], _ATOM)
        base = _base(part, bars)
        return _Math([*base[:-1], base[-1] + "^{1/2}"], _APPLIED)
    if name == "exp" and _letters(part.text) <= 12 and "frac" not in part.text:
        return _Math([f"e^{{{''.join(part.signed)}}}"], _APPLIED)
    if len(parts) > 1:
        part = _Math([", ".join("".join(one.signed) for one in parts)], _SUM)
    left, right = ("|", "|") if bars else ("(", ")")
    word = _FUNCTIONS.get(name, f"\\mathrm{{{name}}}")
    return _Math(part.inside(word + left, right), _APPLIED)


def _base(part: _Math, bars: bool) -> list[str]:
    """The base of a power."""
    if bars:
        return part.inside("|", "|")
    is_plain = part.level == _ATOM and not part.negative and "frac" not in part.text
    return part.pieces if is_plain else part.inside("(", ")")


def _letters(text: str) -> int:
    """About how many letters wide a piece of math text is."""
    count, inside = 0, False
    for letter in text:
        if letter == "\\":
            inside, count = True, count + 1
        elif inside and letter.isalpha():
            count += 1 if letter not in "dfracsqrto" else 0
        else:
            inside = False
            count += letter not in "{}_^$"
    return count

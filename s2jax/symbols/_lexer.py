"""The words of text: what they name, where they stand, and what is wrong with them."""

import difflib
import functools
import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from s2jax.expressions._program import MAX_INPUTS, MAX_STATES
from s2jax.operators import CONST, ID, TABLE
from s2jax.symbols._tree import (
    VARIABLES,
    Number,
    Operation,
    Parameter,
    Tree,
    number,
)

# `to_text` prints up to 3840 words for a program of MAX_NODES instructions; a row takes two of them
MAX_LENGTH, MAX_OUTPUTS, MAX_CHARACTERS = 2**15, 64, 40
MAX_WORDS, MAX_ROW_WORDS = 2**12, 2**13

_TOKEN = re.compile(
    r"""[ \t\r\n]*
    (?: (?P<number> (?:[0-9]+\.?[0-9]*|\.[0-9]+) (?:[eE][+-]?[0-9]+)?)
      | (?P<name> [A-Za-z_][A-Za-z0-9_]*)
      | (?P<bar> ,[ ]*\|[ ]*, | \|)
      | (?P<symbol> \*\* | [-+*/^(),])
      | (?P<end> \Z)
      | (?P<bad> .) )""",
    re.VERBOSE | re.DOTALL,
)
_ALIASES = {
    "ln": "log", "fabs": "abs", "absolute": "abs", "square": "pow2", "cube": "pow3",
    "reciprocal": "inv", "negative": "neg", "power": "pow",
}  # fmt: skip
_NAMED = [operator for code, operator in enumerate(TABLE) if code not in (CONST, ID)]
WORDS = {
    **_ALIASES,
    **{operator.symbol: operator.name for operator in _NAMED if isinstance(operator.symbol, str)},
    **{operator.name: operator.name for operator in _NAMED},
}
ARITY = {operator.name: operator.arity for operator in _NAMED}
PROTECTS = {operator.name for operator in _NAMED if operator.protects}
_NOT_OURS = (
    "Heaviside LambertW Max Min Mod Piecewise acosh acot acoth acsc airyai airybi arccosh arcsinh "
    "arctan2 arctanh arg asec asinh atan2 atanh besseli besselj besselk bessely beta binomial cbrt "
    "ceil ceiling conjugate cosh cot coth csc csch digamma erf erfc exp2 expm1 factorial floor "
    "gamma im lgamma log10 log1p log2 loggamma max min polygamma re root round sec sech sigmoid "
    "sign sinc sinh zeta"
)
_LOOKALIKES = {
    "MINUS SIGN": "-", "EN DASH": "-", "EM DASH": "-", "MULTIPLICATION SIGN": "*",
    "MIDDLE DOT": "*", "ASTERISK OPERATOR": "*", "DIVISION SIGN": "/", "DIVISION SLASH": "/",
    "FRACTION SLASH": "/", "SQUARE ROOT": "sqrt", "GREEK SMALL LETTER PI": "pi",
    "CYRILLIC SMALL LETTER HA": "x", "CYRILLIC SMALL LETTER IE": "e", "SUPERSCRIPT TWO": "**2",
    "SUPERSCRIPT THREE": "**3",
}  # fmt: skip
_VARIABLES_ARE = (
    f"variables are x_0 to x_{MAX_INPUTS - 1}; of a differential equation also its states y_0 to "
    f"y_{MAX_STATES - 1} and the time t"
)


class Problem(Exception):
    """What is wrong at a position of a row; `hint` says what to do."""

    def __init__(self, what: str, position: int, hint: str) -> None:
        super().__init__(f"{what} at position {position}: {hint}")
        self.position = position


class Token(NamedTuple):
    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        short = len(self.text) <= MAX_CHARACTERS
        return f"`{self.text}`" if short else f"`{self.text[:MAX_CHARACTERS]}...`"


def tokenize(text: str) -> list[list[Token]]:
    """The tokens of each output, closed by one of kind "end"."""
    if len(text) > MAX_LENGTH:
        hint = f"a row must have <= {MAX_LENGTH} characters and has {len(text)}. Split it"
        raise Problem("text too long", MAX_LENGTH, hint)
    tokens: list[Token] = []
    outputs = [tokens]
    for count, match in enumerate(_TOKEN.finditer(text)):
        kind = str(match.lastgroup)
        start = match.start(kind)
        if kind == "bad":
            raise _bad_character(match[kind], start)
        if len(tokens) >= MAX_WORDS:
            hint = f"an output must have <= {MAX_WORDS} words. Split it"
            raise Problem("expression too long", start, hint)
        if count >= MAX_ROW_WORDS or len(outputs) > MAX_OUTPUTS:
            hint = f"a row must have <= {MAX_ROW_WORDS} words, <= {MAX_OUTPUTS} outputs. Split it"
            raise Problem("row too long", start, hint)
        tokens.append(Token("end" if kind == "bar" else kind, match[kind], start))
        if kind == "end":
            break
        if kind == "bar":
            outputs.append(tokens := [])
    return outputs


def _bad_character(letter: str, position: int) -> Problem:
    name = unicodedata.name(letter, f"U+{ord(letter):04X}")
    plain = _LOOKALIKES.get(name) or unicodedata.normalize("NFKC", letter)
    hint = "expressions are plain ASCII letters, digits and + - * / ^ ( ) , |"
    if letter != plain and plain.isascii():
        hint = f"write `{plain}`"
    return Problem(f"character {letter!a} ({name})", position, hint)


def read_leaf(token: Token, parameters: Collection[str] = ()) -> Tree | str:
    """A number, a variable, a parameter or a named constant; of an operator its name."""
    if token.kind == "number":
        return _number(token)
    if token.text in VARIABLES:
        return VARIABLES[token.text]
    if token.text in parameters:
        return Parameter(token.text)
    if token.text not in WORDS:
        raise _unknown(token)
    name = WORDS[token.text]
    return name if ARITY[name] else Operation(name)


def _number(token: Token) -> Number:
    if len(token.text) > MAX_CHARACTERS:
        hint = f"a number must have <= {MAX_CHARACTERS} characters. Round it to 9 digits."
        raise Problem(f"number {token} too long", token.position, hint)
    try:
        return _literal(token.text)
    except ValueError as error:
        raise Problem("bad number", token.position, f"{error}. Rescale it.") from None


_literal = functools.lru_cache(maxsize=2**14)(number)


def _unknown(token: Token) -> Problem:
    text = token.text[:MAX_CHARACTERS]
    near = difflib.get_close_matches(text, [*WORDS, "x_0"], n=1)
    what = f"unknown operator {token}"
    hint = f"did you mean `{near[0]}`?" if near else f"choose among {', '.join(ARITY)}"
    if token.kind != "name":
        what, hint = f"unexpected {token}", "prefix notation has words and numbers only"
    elif text in _NOT_OURS.split():
        hint = "programs do not have it. Keep the SymPy expression and use s2jax.lambdify"
    elif text.lower() in ("nan", "inf", "infinity", "oo", "zoo"):
        what, hint = f"number {token}", "must be finite"
    elif re.fullmatch("[A-Za-z]|[xXyYtT]_?[0-9]*", text):
        what, hint = f"unknown variable {token}", _VARIABLES_ARE
    return Problem(what, token.position, hint)


def prefix_words(tokens: list[Token]) -> list[Token]:
    """The words between commas or blanks, signs joined to their numbers."""
    words: list[Token] = []
    before = ","
    for token in tokens:
        if before == "," and (token.text == "," or token.kind == "end"):
            raise Problem("missing word", token.position, "write one between two commas")
        if before in ("-", "+") and token.kind == "number":
            sign = words.pop()
            words.append(Token("number", sign.text.strip("+") + token.text, sign.position))
        elif token.text != ",":
            words.append(token)
        before = token.text
    return words

"""The words of text: what they name, where they stand, and what is wrong with them."""

import difflib
import functools
import re
import unicodedata
from typing import NamedTuple

from s2jax.programs.operators import CONST, ID, TABLE
from s2jax.text import compositions
from s2jax.text.tree import Number, Operation, Tree, number
from s2jax.text.variables import Names

# `to_text` prints up to 3840 words for a program of MAX_NODES instructions; a row takes two of them
MAX_LENGTH, MAX_OUTPUTS, MAX_CHARACTERS = 2**15, 64, 40
MAX_WORDS, MAX_ROW_WORDS = 2**12, 2**13

_TOKEN = re.compile(
    r"""[ \t\r\n]*
    (?: (?P<number> (?:[0-9]+\.?[0-9]*|\.[0-9]+) (?:[eE][+-]?[0-9]+)?)
      | (?P<name> [A-Za-z_][A-Za-z0-9_]*)
      | (?P<bar> ,[ ]*\|[ ]*, | \|)
      | (?P<symbol> \*\* | [<>]=? | [-+*/^(),])
      | (?P<end> \Z)
      | (?P<bad> .) )""",
    re.VERBOSE | re.DOTALL,
)
_ALIASES = {
    "ln": "log", "fabs": "abs", "absolute": "abs", "square": "pow2", "cube": "pow3",
    "reciprocal": "inv", "negative": "neg", "power": "pow", "maximum": "max", "fmax": "max",
    "minimum": "min", "fmin": "min", "sgn": "sign", "arsinh": "arcsinh", "arcosh": "arccosh",
    "artanh": "arctanh", "heaviside": "Heaviside",
    **{f"arc{name[1:]}": name for name in compositions.UNARY if name.startswith("a")},
}  # fmt: skip
_NAMED = [operator for code, operator in enumerate(TABLE) if code not in (CONST, ID)]
WORDS = {
    **_ALIASES,
    **{name: name for name in compositions.UNARY},
    **{operator.symbol: operator.name for operator in _NAMED if isinstance(operator.symbol, str)},
    **{operator.name: operator.name for operator in _NAMED},
}
ARITY = {operator.name: operator.arity for operator in _NAMED} | dict.fromkeys(
    compositions.UNARY, 1
)
MAX_OPERANDS = ARITY | {"log": 2, "Heaviside": 2, "max": MAX_WORDS, "min": MAX_WORDS}
"""As functions: `log(x, base)`, the value of `Heaviside` at 0, and as many as there are."""
FUNCTION_WORDS = {word for word, name in WORDS.items() if ARITY[name]}
_BARE = [word for word, name in WORDS.items() if ARITY[name] == 0]
_BARE += [operator.name for operator in _NAMED if operator.arity == 2]
PROTECTS = {operator.name for operator in _NAMED if operator.protects}
PROTECTS |= set(compositions.LOGARITHMS)
_NOT_OURS = {
    *compositions.INSTEAD,
    "LambertW", "Mod", "airyai", "airybi", "arg", "besseli", "besselj", "besselk", "bessely",
    "beta", "binomial", "ceil", "ceiling", "conjugate", "digamma", "erf", "erfc", "factorial",
    "floor", "gamma", "im", "lgamma", "loggamma", "polygamma", "re", "round",
    "zeta",
}  # fmt: skip
_LOOKALIKES = {
    "MINUS SIGN": "-", "EN DASH": "-", "EM DASH": "-", "MULTIPLICATION SIGN": "*",
    "MIDDLE DOT": "*", "ASTERISK OPERATOR": "*", "DIVISION SIGN": "/", "DIVISION SLASH": "/",
    "FRACTION SLASH": "/", "SQUARE ROOT": "sqrt", "GREEK SMALL LETTER PI": "pi",
    "CYRILLIC SMALL LETTER HA": "x", "CYRILLIC SMALL LETTER IE": "e", "SUPERSCRIPT TWO": "**2",
    "SUPERSCRIPT THREE": "**3",
}  # fmt: skip


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


def read_leaf(token: Token, names: Names, is_call: bool | None = None) -> Tree | str:
    """A number, a variable, a parameter or a named constant; of an operator its name.

    Args:
        token: Any.
        names: Those that the text may use; one that is also a named constant is meant.
        is_call: Whether `(` follows; None if that does not tell.
    """
    if token.kind == "number":
        return _number(token)
    if token.text in names.known:
        return names.known[token.text]
    if token.text not in WORDS:
        raise _unknown(token, names, is_call)
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


def _unknown(token: Token, names: Names, is_call: bool | None) -> Problem:
    text = token.text[:MAX_CHARACTERS]
    if token.kind != "name":
        hint = "prefix notation has words and numbers only"
        return Problem(f"unexpected {token}", token.position, hint)
    if text.lower() in ("nan", "inf", "infinity", "oo", "zoo"):
        return Problem(f"number {token}", token.position, "must be finite")
    if text in _NOT_OURS and is_call is not False:
        return Problem(f"unknown operator {token}", token.position, _lacking(text, names))
    letters = re.fullmatch("([A-Za-z])_?([0-9]*)", text)
    own = [*names.known] if names.are != Names({}).are else ["x_0"]
    words = [*own, *_BARE] if is_call is False else [*own, *WORDS]
    near = difflib.get_close_matches(text, words, n=1, cutoff=0.75 if is_call is False else 0.6)
    if letters and is_call is not True:
        meant = f"{letters[1].lower()}_{letters[2]}"
        near = [meant] if letters[2] and meant in names.known and meant != text else []
    is_name = is_call is False and not near
    if (letters and is_call is not True) or is_name or (near and near[0] in names.known):
        guess = f"did you mean `{near[0]}`? " if near else ""
        others = f". {names.others}" if names.others else ""
        return Problem(f"unknown variable {token}", token.position, f"{guess}{names.are}{others}")
    hint = f"did you mean `{near[0]}`?" if near else f"choose among {', '.join(ARITY)}"
    return Problem(f"unknown operator {token}", token.position, hint)


def _lacking(function: str, names: Names) -> str:
    """What to do about a function that programs do not have."""
    rewrite = "rewrite it"
    if function in compositions.INSTEAD:
        rewrite = f"write {compositions.INSTEAD[function]}"
    return f"programs do not have it; {rewrite}" + (f", or {names.instead}" * bool(names.instead))


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

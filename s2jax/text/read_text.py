"""Text read as programs.

One tokenizer and one precedence parser read every notation. Nothing is ever executed, no function
calls itself, and every length is bounded, so that text from anywhere is read or refused at once.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from s2jax.core import checks
from s2jax.programs import Program
from s2jax.programs.trees import MAX_NODES
from s2jax.text import compositions
from s2jax.text.form import to_float
from s2jax.text.lexer import (
    ARITY,
    FUNCTION_WORDS,
    MAX_OPERANDS,
    MAX_WORDS,
    PROTECTS,
    WORDS,
    Problem,
    Token,
    prefix_words,
    read_leaf,
    tokenize,
)
from s2jax.text.tree import Constant, Number, Operation, Tree, instructions, to_programs
from s2jax.text.variables import Names, given_names, with_parameters
from s2jax.text.write_text import UNUSED

MAX_DEPTH, MAX_AXES = 2**11, 8


@checks.suggest_names()
def from_text(
    text: str | tuple[str, ...] | list[Any], protected: bool = False, num_nodes: int | None = None,
    variables: Sequence[str] | Mapping[str, str] | None = None,
) -> Program:  # fmt: skip
    """Programs read from text, one row per string or tuple of them; the inverse of `to_text`.

    Every notation that `to_text` prints is read without being told which, and so is ordinary maths:
    `sin(x_0)**2 - 3*x_1`, `x_0^2`, `ln(x_0)/pi`. Variables are the inputs x_0, x_1, ... and, in
    differential equations, the states y_0, y_1, ... and the time t. Operators have Python's
    precedence, there is no implicit multiplication, and nothing is executed. Words, as in
    `(2.0 mul x_0)`, become the operators they name, in the order they stand; symbols become the
    form of fewest instructions: `1/x` is `inv`, `x**2` is `pow2`, and the number of a sum or a
    product comes first. Functions that are exact compositions of operators become those: `sec(x)`
    is `inv(cos(x))`, `log(x, 10)` is `log(x)/log(10)`, `Max(x, y, z)` is `max(max(x, y), z)`.

    Args:
        text: One row: a string, in which outputs are separated by `|`, or a tuple of strings, one
            per output; or nested lists of rows, as `to_text` returns them. An output that is only
            `0` is unused; the number is `0.0`. A number keeps 9 significant digits.
        protected: Whether `log`, `sqrt` and `pow` take the absolute value of their first operand;
            then `x_0**5` is `|x_0|**5`, too. SymPy's `sqrt(Abs(u))` is read as protected `sqrt(u)`.
        num_nodes: Instruction slots; by default as many as the longest expression needs.
        variables: The names that become x_0, x_1, ...; or what each of them is, as in
            `{"theta": "y_0", "time": "t", "m": "x_0"}`. Then there are no other variables, and a
            name that is also a constant, such as `e`, is the variable. By default the variables
            are named x_0, ..., y_0, ... and t.

    Returns:
        Programs of shape `(*batch, outputs)`, where batch is the shape of the lists; rows of fewer
        outputs end in unused ones.

    Raises:
        TypeError: If `text` holds anything but strings, `num_nodes` is no integer, or `variables`
            are neither a list nor a dict.
        ValueError: If `variables` are not distinct names, or one is that of a function; if a row
            cannot be read, with the position and a hint; if the lists are ragged;
            or if an expression needs more than `num_nodes` instructions, or more than 256.

    Example:
        >>> from s2jax.text import to_text
        >>> to_text(from_text("7.46 + 0.695*sqrt(x_0) | x_1**2/3"))
        '(7.46 add (0.695 mul sqrt(x_0))) | ((x_1)**2 div 3)'
        >>> from_text(("x_0", "x_1")).shape, from_text(["x_0", "x_1"]).shape  # outputs, rows
        ((2,), (2, 1))
        >>> to_text(from_text("m*cosh(theta)", variables=["m", "theta"]))
        '(x_0 mul cosh(x_1))'
        >>> from_text(["x_0", "x_0 + sen(x_1)"])
        Traceback (most recent call last):
        ValueError: from_text(row 1): unknown operator `sen` at position 6: did you mean `sin`?
            x_0 + sen(x_1)
                  ^
    """
    if num_nodes is not None:
        checks.check_static_integer("from_text", "num_nodes", num_nodes, 1, MAX_NODES)
    names = given_names(variables, FUNCTION_WORDS)
    texts, shape = _flatten(text)
    rows = [_read_row(text, index, shape, protected, names) for index, text in enumerate(texts)]
    width = max(map(len, rows), default=0)
    padded = [[*row, *[None] * (width - len(row))] for row in rows]
    try:
        program = to_programs(padded, protected, num_nodes)
    except ValueError as error:
        trees = [[tree for tree in row if tree is not None] for row in rows] if shape else []
        lengths = [max(map(len, map(instructions, row)), default=0) for row in trees]
        where = _where(int(np.argmax(lengths)), shape) if shape else ""
        raise ValueError(f"from_text{where}: {error}. Split it or raise num_nodes.") from None
    # in NumPy, because JAX would compile a reshape for every shape
    reshape = lambda leaf: jax.device_put(np.asarray(leaf).reshape(*shape, *leaf.shape[1:]))
    return jax.tree.map(reshape, program)


def _flatten(text: Any) -> tuple[list[str], tuple[int, ...]]:
    """The rows of nested lists as strings, first to last, and the lists' shape."""
    level, shape = [text], []
    while level and all(isinstance(item, list) for item in level):
        if len({len(item) for item in level}) > 1 or len(shape) == MAX_AXES:
            raise ValueError(
                f"from_text(text of {len(shape)} axes and more): lists on one level must be of one "
                f"length, and nest at most {MAX_AXES} deep, because they become the batch axes."
            )
        shape.append(len(level[0]))
        level = [part for item in level for part in item]
    return [_join(row) for row in level], tuple(shape)


def _join(row: Any) -> str:
    """The text of a row, whose outputs may be a tuple."""
    outputs = row if isinstance(row, tuple) else (row,)
    for output in outputs:
        if not isinstance(output, str):
            raise TypeError(
                f"from_text(text holding a {type(output).__name__}): must be a string, a tuple of "
                "strings, one per output, or lists of these, nested equally deep. For SymPy "
                "expressions use from_sympy."
            )
        if isinstance(row, tuple) and "|" in output:
            raise ValueError(
                f"from_text(({checks.shown(output)}, ...)): must hold one output per string of a "
                "tuple, because `|` separates outputs. Write one string, or split this one."
            )
    return " | ".join(outputs)


def _where(index: int, shape: tuple[int, ...]) -> str:
    place = tuple(map(int, np.unravel_index(index, shape))) if shape else ()
    return f"(row {place[0] if len(place) == 1 else place})" if place else ""


def _read_row(
    text: str, index: int, shape: tuple[int, ...], protected: bool, names: Names
) -> list[Tree | None]:
    """The outputs of one row; None is an unused one."""
    try:
        return [
            None if _is_unused(tokens) else _read_output(tokens, protected, names)
            for tokens in tokenize(text)
        ]
    except Problem as problem:
        message = f"from_text{_where(index, shape)}: {problem}\n{_excerpt(text, problem)}"
        raise ValueError(message) from None


def _is_unused(tokens: list[Token]) -> bool:
    return len(tokens) == 2 and tokens[0].text == UNUSED


def _excerpt(text: str, problem: Problem) -> str:
    """The text around a problem, and a mark below it."""
    start = max(0, problem.position - 40)
    excerpt = text[start : problem.position + 24]
    excerpt = "".join(letter if letter.isprintable() else "?" for letter in excerpt)
    return f"    {excerpt}\n    {' ' * (problem.position - start)}^"


def read_expression(text: str, parameters: Collection[str]) -> Tree:
    """The tree of one expression, in which these names are parameters.

    Raises:
        ValueError: If it cannot be read; the message starts with what is wrong.
    """
    try:
        first, *others = tokenize(text)
        if others:
            raise Problem("unexpected `|`", first[-1].position, "write one expression per string")
        return _read_output(first, False, with_parameters(parameters))
    except Problem as problem:
        raise ValueError(f"{problem}\n{_excerpt(text, problem)}") from None


def _read_output(tokens: list[Token], protected: bool, names: Names) -> Tree:
    if len(tokens) == 1:
        hint = "write an expression such as `2*x_0 + 1`"
        raise Problem("empty expression", tokens[0].position, hint)
    symbols = {token.text for token in tokens if token.kind == "symbol"}
    is_word = ARITY.get(WORDS.get(tokens[0].text, ""), 0) > 0
    if "(" not in symbols and ("," in symbols or (is_word and symbols <= {"-"})):
        return _read_prefix(prefix_words(tokens), names)
    return _Infix(protected, names).read(tokens)


def _read_prefix(words: list[Token], names: Names) -> Tree:
    open_slots = 1
    leaves = []
    for word in words[:-1]:
        if open_slots == 0:
            hint = "the expression is complete before it. Separate outputs by `|`"
            raise Problem(f"trailing {word}", word.position, hint)
        leaves.append(read_leaf(word, names))
        open_slots += (ARITY[leaves[-1]] if isinstance(leaves[-1], str) else 0) - 1
    if open_slots:
        hint = f"the operators before it take {open_slots} more"
        raise Problem("missing operand", words[-1].position, hint)
    stack: list[Tree] = []
    for leaf in reversed(leaves):
        if isinstance(leaf, str):
            leaf = compositions.apply(leaf, tuple(stack.pop() for _ in range(ARITY[leaf])))
        stack.append(leaf)
    return stack[0]


class _Guard(Operation):
    """An absolute value written `Abs`, as SymPy does; the protection of its reader implies it."""


_State: TypeAlias = Callable[[Token], Any]
_SIGN, _OPEN = 4, 0
_RANK = {"add": 1, "sub": 1, "mul": 2, "div": 2, "pow": 3, "+": 1, "-": 1, "*": 2, "/": 2}
_RANK |= {"max": 1, "min": 1, "**": 5, "^": 5}
"""How strongly operators bind. The word `pow` binds weaker than a sign: `(-2 pow x_0)` has the base
-2, but `-2**x_0` is `-(2**x_0)`."""


class _Pending(NamedTuple):
    """An operator that waits for its last operand, or an open parenthesis.

    Attributes:
        rank: How strongly it binds; of a parenthesis `_OPEN`.
        token: Where it stands.
        name: Of a parenthesis, the operator called; "" if none is.
        first: Number of values before it.
    """

    rank: int
    token: Token
    name: str = ""
    first: int = 0


class _Infix:
    """A precedence parser; its state is the method that reads the next token."""

    def __init__(self, protected: bool, names: Names) -> None:
        self.protected, self.names = protected, names
        self.is_call = False
        self.values: list[Tree] = []
        self.pending: list[_Pending] = []

    def read(self, tokens: list[Token]) -> Tree:
        state: _State = self._operand
        for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
            self.is_call = following.text == "("
            state = state(token)
        return self.values[0]

    def _operand(self, token: Token) -> _State:
        if token.kind in ("symbol", "end"):
            return self._sign(token)
        leaf = read_leaf(token, self.names, self.is_call)
        if isinstance(leaf, str):
            return functools.partial(self._call, leaf, token)
        self.values.append(leaf)
        return self._operator

    def _sign(self, token: Token) -> _State:
        if token.text == "(":
            self._push(_Pending(_OPEN, token))
        elif token.text == "-":
            self._push(_Pending(_SIGN, token))
        elif token.text != "+":
            what = "end" if token.kind == "end" else str(token)
            hint = f"write a number, a variable or a function before the {what}"
            raise Problem("missing operand", token.position, hint)
        return self._operand

    def _call(self, name: str, caller: Token, token: Token) -> _State:
        if token.text != "(":
            hint = f"write {caller.text}(...)"
            if caller.text in _RANK:
                hint = f"write an operand before it, or {caller.text}(..., ...)"
            raise Problem(f"operator {caller} without operands", caller.position, hint)
        self._push(_Pending(_OPEN, caller, name, len(self.values)))
        return self._operand

    def _push(self, pending: _Pending) -> None:
        if len(self.pending) >= MAX_DEPTH:
            hint = f"at most {MAX_DEPTH} operators and parentheses may be open. Split it."
            raise Problem("nested too deep", pending.token.position, hint)
        self.pending.append(pending)

    def _operator(self, token: Token) -> _State:
        rank = _RANK.get(token.text)
        if rank is not None:
            # equal ones from the left, powers from the right
            self._reduce(rank + 1 if token.text in ("**", "^", "pow") else rank)
            self._push(_Pending(rank, token))
            return self._operand
        if token.text not in (")", ",") and token.kind != "end":
            hint = "write an operator between the operands, for example `*`"
            raise Problem(f"missing operator before {token}", token.position, hint)
        self._reduce(_OPEN + 1)
        return self._end(token)

    def _end(self, token: Token) -> _State:
        """Read what ends an operand: `)`, `,` or the end of the output."""
        if token.kind == "end":
            if self.pending:
                opened = self.pending[-1].token
                raise Problem(f"{opened} never closed", opened.position, "write `)`")
        elif not self.pending:
            hint = "drop it, or write `(` before" if token.text == ")" else "outputs end with `|`"
            raise Problem(f"unexpected {token}", token.position, hint)
        elif token.text == ")":
            self._close(self.pending.pop())
        elif not self.pending[-1].name:
            hint = "commas stand between the operands of a function"
            raise Problem("unexpected `,`", token.position, hint)
        return self._operand if token.text == "," else self._operator

    def _close(self, opened: _Pending) -> None:
        name, token = opened.name, opened.token
        if not name:
            return
        operands = self.values[opened.first :]
        least, most = ARITY[name], MAX_OPERANDS[name]
        if not least <= len(operands) <= most:
            more = "" if most == least else f" to {most}" if most < MAX_WORDS else " or more"
            hint = f"it takes {least}{more}"
            what = f"{len(operands)} operand{'s' * (len(operands) > 1)} of {token}"
            raise Problem(what, token.position, hint)
        if name in PROTECTS:
            both = len(operands) if name in compositions.LOGARITHMS else 1
            operands[:both] = [_unguarded(u, self.protected) for u in operands[:both]]
        try:
            tree = compositions.apply(name, tuple(operands))
        except ValueError as error:
            raise Problem(f"bad operand of {token}", token.position, str(error)) from None
        self.values[opened.first :] = [
            _Guard("abs", tuple(operands)) if token.text == "Abs" else tree
        ]

    def _reduce(self, rank: int) -> None:
        """Apply the pending operators that bind at least so strongly."""
        values = self.values
        while self.pending and self.pending[-1].rank >= rank:
            pending = self.pending.pop()
            word, last = pending.token.text, values.pop()
            if pending.rank == _SIGN:
                values.append(_negated(last))
            elif word in ARITY:
                values.append(Operation(word, (values.pop(), last)))
            elif word in ("**", "^"):
                values.append(_power(values.pop(), last, self.protected))
            else:
                values.append(_SYMBOLS[word](values.pop(), last))


def _unguarded(tree: Tree, protected: bool) -> Tree:
    return tree.operands[0] if protected and isinstance(tree, _Guard) else tree


def _negated(tree: Tree) -> Tree:
    if isinstance(tree, Number):
        return tree._replace(mantissa=-tree.mantissa)
    if isinstance(tree, Operation) and tree.name == "neg":
        return tree.operands[0]
    if isinstance(tree, Operation) and tree.name == "mul" and isinstance(tree.operands[0], Number):
        return Operation("mul", (_negated(tree.operands[0]), tree.operands[1]))
    return Operation("neg", (tree,))


def _number_first(name: str, a: Tree, b: Tree) -> Tree:
    swap = isinstance(b, Constant) and not isinstance(a, Constant)
    return Operation(name, (b, a) if swap else (a, b))


def _minus(a: Tree, b: Tree) -> Tree:
    if isinstance(a, Number) or isinstance(b, Number):
        return _number_first("add", a, _negated(b))
    return Operation("sub", (a, b))


def _over(a: Tree, b: Tree) -> Tree:
    value = to_float(*a) if isinstance(a, Number) else 0.0
    if abs(value) != 1:
        return Operation("div", (a, b))
    inverse = Operation("inv", (b,))
    return inverse if value > 0 else Operation("mul", (a, inverse))


_HALF = Operation("inv", (Number(2, 0),))
_POWERS = {2.0: "pow2", 3.0: "pow3", -1.0: "inv", 0.5: "sqrt"}


def _power(a: Tree, b: Tree, protected: bool) -> Tree:
    exponent = 0.5 if b == _HALF else to_float(*b) if isinstance(b, Number) else 0.0
    name = _POWERS.get(exponent, "exp" if a == Operation("e") else "pow")
    if name in PROTECTS:
        a = _unguarded(a, protected)
    return Operation(name, {"pow": (a, b), "exp": (b,)}.get(name, (a,)))


_SYMBOLS: dict[str, Callable[[Tree, Tree], Tree]] = {
    "+": functools.partial(_number_first, "add"),
    "-": _minus,
    "*": functools.partial(_number_first, "mul"),
    "/": _over,
}

"""A precedence parser of infix notation.

It calls no function of its own again, however deep parentheses stand.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from s2jax.text import compositions, conditions
from s2jax.text.form import to_float
from s2jax.text.lexer import (
    ARITY,
    MAX_OPERANDS,
    MAX_WORDS,
    PROTECTS,
    Problem,
    Token,
    read_leaf,
)
from s2jax.text.tree import Constant, Number, Operation, Tree
from s2jax.text.variables import Names

MAX_DEPTH = 2**11


class _Guard(Operation):
    """An absolute value written `Abs`, as SymPy does; the protection of its reader implies it."""


class _Condition(NamedTuple):
    """What holds where `truth` is > 0; with a value, a piece of `Piecewise`."""

    truth: Tree
    value: Tree | None = None


_State: TypeAlias = Callable[[Token], Any]
_SIGN, _OPEN = 4, -1
_PIECEWISE = "Piecewise"
_RANK = {"add": 1, "sub": 1, "mul": 2, "div": 2, "pow": 3, "+": 1, "-": 1, "*": 2, "/": 2}
_RANK |= {"max": 1, "min": 1, "gate": 1, "**": 5, "^": 5}
_RANK |= dict.fromkeys((">", ">=", "<", "<="), 0)
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


class Infix:
    """A precedence parser; its state is the method that reads the next token."""

    def __init__(self, protected: bool, names: Names) -> None:
        self.protected, self.names = protected, names
        self.is_call = False
        self.values: list[Any] = []  # trees, and conditions and pieces of Piecewise
        self.pending: list[_Pending] = []

    def read(self, tokens: list[Token]) -> Tree:
        state: _State = self._operand
        for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
            self.is_call = following.text == "("
            state = state(token)
        return _number(self.values[0], tokens[-1])

    @property
    def _in_piece(self) -> bool:
        """Whether this is directly inside the parentheses of a piece."""
        opened = [pending for pending in self.pending if pending.rank == _OPEN][-2:]
        return len(opened) == 2 and opened[0].name == _PIECEWISE and not opened[1].name

    def _operand(self, token: Token) -> _State:
        if token.kind in ("symbol", "end"):
            return self._sign(token)
        if token.text == "True" and self._in_piece:
            self.values.append(_Condition(conditions.TRUE))
            return self._operator
        if token.text == _PIECEWISE and self.is_call:
            return functools.partial(self._call, _PIECEWISE, token)
        leaf = read_leaf(token, self.names, self.is_call)
        if isinstance(leaf, str):
            return functools.partial(self._call, leaf, token)
        self.values.append(leaf)
        if self.is_call and compositions.is_state(leaf):
            # y_0(t - 2.5): the state is the first operand
            self._push(_Pending(_OPEN, token, "lag", len(self.values) - 1))
            return self._delay
        return self._operator

    def _delay(self, token: Token) -> _State:
        del token  # the parenthesis that is known to follow
        return self._operand

    def _sign(self, token: Token) -> _State:
        if token.text == "(":
            self._push(_Pending(_OPEN, token, first=len(self.values)))
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
        elif not self.pending[-1].name and not self._in_piece:
            hint = "commas stand between the operands of a function"
            raise Problem("unexpected `,`", token.position, hint)
        return self._operand if token.text == "," else self._operator

    def _close(self, opened: _Pending) -> None:
        name, token = opened.name, opened.token
        operands = self.values[opened.first :]
        if not name:
            if self.pending and self.pending[-1].name == _PIECEWISE:
                self.values[opened.first :] = [_piece(operands, token)]
            return
        if name == _PIECEWISE:
            self.values[opened.first :] = [_piecewise(operands, token)]
            return
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
            if name == "lag" and token.text != "lag":
                operands[1] = compositions.delay_of(_number(operands[1], token))
            tree = compositions.apply(name, tuple(_number(u, token) for u in operands))
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
            word, last = pending.token.text, _number(values.pop(), pending.token)
            if pending.rank == _SIGN:
                values.append(_negated(last))
                continue
            first = _number(values.pop(), pending.token)
            if word in ARITY:
                values.append(Operation(word, (first, last)))
            elif word in ("**", "^"):
                values.append(_power(first, last, self.protected))
            elif pending.rank == _RANK[">"]:
                values.append(_Condition(conditions.relation(word, first, last)))
            else:
                values.append(_SYMBOLS[word](first, last))


def _piece(operands: list[Any], token: Token) -> _Condition:
    """A piece of `Piecewise`: a value and its condition."""
    if len(operands) != 2 or not isinstance(operands[1], _Condition):
        hint = "write (value, condition), as in Piecewise((x_0, x_0 > 1), (0, True))"
        raise Problem("bad piece", token.position, hint)
    return _Condition(operands[1].truth, _number(operands[0], token))


def _piecewise(pieces: list[Any], token: Token) -> Tree:
    for piece in pieces:
        if not isinstance(piece, _Condition) or piece.value is None:
            _piece([], token)
    try:
        return conditions.piecewise([(piece.value, piece.truth) for piece in pieces])
    except ValueError as error:
        raise Problem(f"bad operand of {token}", token.position, f"{error}.") from None


def _number(tree: Any, token: Token) -> Tree:
    """A number, and not a condition."""
    if isinstance(tree, _Condition):
        hint = "conditions stand in Piecewise((value, condition), ..., (value, True))"
        raise Problem(f"a condition as an operand of {token}", token.position, hint)
    return tree


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

"""Text read as programs.

One tokenizer and one precedence parser read every notation. Nothing is ever executed, no function
calls itself, and every length is bounded, so that text from anywhere is read or refused at once.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from s2jax.core import checks
from s2jax.programs import Program
from s2jax.programs.trees import MAX_NODES
from s2jax.text import compositions
from s2jax.text.infix import Infix
from s2jax.text.lexer import (
    ARITY,
    FUNCTION_WORDS,
    WORDS,
    Problem,
    Token,
    prefix_words,
    read_leaf,
    tokenize,
)
from s2jax.text.tree import Tree, instructions, to_programs
from s2jax.text.variables import Names, given_names, with_parameters
from s2jax.text.write_text import UNUSED

MAX_AXES = 8


@checks.suggest_names()
def from_text(
    text: str | tuple[str, ...] | list[Any], protected: bool = False, num_nodes: int | None = None,
    variables: Sequence[str] | Mapping[str, str] | None = None,
) -> Program:  # fmt: skip
    """Programs read from text, one row per string or tuple of them; the inverse of `to_text`.

    Every notation that `to_text` prints is read without being told which, and so is ordinary maths:
    `sin(x_0)**2 - 3*x_1`, `x_0^2`, `ln(x_0)/pi`. Variables are the inputs x_0, x_1, ... and, in
    differential equations, the states y_0, y_1, ... and the time t; `y_0(t - 2.5)` is a state some
    time before. Operators have Python's
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
    return Infix(protected, names).read(tokens)


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
            try:
                leaf = compositions.apply(leaf, tuple(stack.pop() for _ in range(ARITY[leaf])))
            except ValueError as error:
                raise Problem("bad operand", words[0].position, f"{error}.") from None
        stack.append(leaf)
    return stack[0]

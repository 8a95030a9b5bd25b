"""Conditions as trees: a condition holds where its tree is > 0.

So `a < b` is `b - a`, and `a <= b`, which holds at 0 too, is `sign(b - a) + 1/2`: exactly, for all
floats. Conjunctions are minima, disjunctions maxima, and a `Piecewise` is a sum of gates, each open
where its condition holds and none before it does.
"""

from collections.abc import Sequence

from s2jax.text.compositions import HALF, ONE, ZERO
from s2jax.text.sympy_trees import join_product, join_sum
from s2jax.text.tree import Number, Operation, Tree

TRUE, FALSE = ONE, Number(-1, 0)
RELATIONS = (">", ">=", "<", "<=", "==", "!=")


def relation(symbol: str, a: Tree, b: Tree) -> Tree:
    """Where `a symbol b` holds, a symbol being one of `RELATIONS`."""
    if symbol in ("<", "<="):
        a, b = b, a
    difference = _difference(a, b)
    if symbol in ("==", "!="):
        differ = Operation("abs", (difference,))
        return differ if symbol == "!=" else negate(differ)
    return difference if symbol in (">", "<") else _at_least(difference)


def negate(condition: Tree) -> Tree:
    """Where a condition does not hold."""
    inner = _inner(condition)
    if inner is not None:  # z >= 0
        return _opposite(inner)
    if isinstance(condition, Operation) and condition.name in ("min", "max"):
        other = {"min": "max", "max": "min"}[condition.name]
        return Operation(other, tuple(map(negate, condition.operands)))
    if isinstance(condition, Number):
        return _opposite(condition)
    return _at_least(_opposite(condition))


def join(name: str, conditions: Sequence[Tree]) -> Tree:
    """Where all of them hold, if `name` is min, or one does, if it is max."""
    total, *rest = conditions
    for condition in rest:
        total = Operation(name, (total, condition))
    return total


def piecewise(pieces: Sequence[tuple[Tree, Tree]]) -> Tree:
    """The value of the first piece whose condition holds; pieces are values and conditions.

    Raises:
        ValueError: If there is no value where none of the conditions holds.
    """
    terms: list[Tree] = []
    before: list[Tree] = []
    for value, condition in pieces:
        needed = [*before, *([] if condition == TRUE else [condition])]
        if value != ZERO:
            gated = Operation("gate", (join("min", needed), value)) if needed else value
            terms.append(gated)
        if condition == TRUE:
            return join_sum(terms) if terms else ZERO
        before.append(negate(condition))
    raise ValueError(
        "Piecewise must have a value everywhere. Let its last piece be (value, True), for example "
        "(0, True)"
    )


def _difference(a: Tree, b: Tree) -> Tree:
    if b == ZERO:
        return a
    minus = _opposite(b)
    return minus if a == ZERO else join_sum([a, minus])


def _opposite(tree: Tree) -> Tree:
    if isinstance(tree, Number):
        return tree._replace(mantissa=-tree.mantissa)
    if isinstance(tree, Operation) and tree.name == "sub":
        return Operation("sub", tree.operands[::-1])
    return join_product([Number(-1, 0), tree])


def _at_least(tree: Tree) -> Tree:
    return Operation("add", (HALF, Operation("sign", (tree,))))


def _inner(condition: Tree) -> Tree | None:
    """z, if the condition is z >= 0."""
    if isinstance(condition, Operation) and condition.name == "add":
        first, second = condition.operands
        if first == HALF and isinstance(second, Operation) and second.name == "sign":
            return second.operands[0]
    return None

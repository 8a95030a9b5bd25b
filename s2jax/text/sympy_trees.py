"""Trees of SymPy's sums, products and powers, which have any number of operands in any order."""

from typing import Any

from s2jax.text.form import to_float
from s2jax.text.tree import ONE, Number, Operation, Tree

_MINUS_ONE = Number(-1, 0)
_POWERS = {2.0: "pow2", 3.0: "pow3", 1.0: ""}


def join_sum(terms: list[Tree]) -> Tree:
    """A chain of sums and differences, numbers applied last."""
    numbers = [term for term in terms if isinstance(term, Number)]
    rest: list[Tree] = [term for term in terms if not isinstance(term, Number)]
    if not rest:
        rest.append(numbers.pop())
    first = next((k for k, term in enumerate(rest) if _negated(term) is None), 0)
    total = rest.pop(first)
    for term in rest:
        opposite = _negated(term)
        name = "add" if opposite is None else "sub"
        total = Operation(name, (total, term if opposite is None else opposite))
    for term in reversed(numbers):
        total = Operation("add", (term, total))
    return total


def _negated(tree: Tree) -> Tree | None:
    """f, if the tree is `-1 * f`."""
    if isinstance(tree, Operation) and tree.name == "mul" and tree.operands[0] == _MINUS_ONE:
        return tree.operands[1]
    return None


def join_product(factors: list[Tree]) -> Tree:
    """A chain of products, then of quotients; numbers applied last."""
    numbers = [f for f in factors if isinstance(f, Number) and f != ONE]
    below = [f.operands[0] for f in factors if isinstance(f, Operation) and f.name == "inv"]
    above = [
        f
        for f in factors
        if not isinstance(f, Number) and not (isinstance(f, Operation) and f.name == "inv")
    ]
    if above:
        total = above.pop(0)
    elif below:
        total = Operation("inv", (below.pop(0),))
    else:
        total = numbers.pop() if numbers else ONE
    for name, operands in (("mul", above), ("div", below)):
        for factor in operands:
            total = Operation(name, (total, factor))
    for factor in reversed(numbers):
        total = _scaled(factor, total)
    return total


def _scaled(factor: Number, tree: Tree) -> Tree:
    """A product; a sign joins the number that is there."""
    opposite = _negated(tree)
    if opposite is not None:
        return Operation("mul", (factor._replace(mantissa=-factor.mantissa), opposite))
    if factor == _MINUS_ONE and isinstance(tree, Number):
        return tree._replace(mantissa=-tree.mantissa)
    if factor == _MINUS_ONE and isinstance(tree, Operation) and tree.name == "mul":
        first, second = tree.operands
        if isinstance(first, Number):
            return Operation("mul", (first._replace(mantissa=-first.mantissa), second))
    return Operation("mul", (factor, tree))


def join_power(exponent: Any, operands: list[Tree], protected: bool) -> Tree:
    base, power = operands
    if base == Operation("e"):
        return exponential(power)
    value = to_float(*power) if isinstance(power, Number) else 0.0
    bare = without_guard(base, protected)
    if abs(value) == 0.5:
        return _inverted(value, Operation("sqrt", (bare,)))
    # a Float is a drawn number, and the `Abs` before it the protection of `pow`
    is_free = not exponent.is_Float or (bare is base and value >= -1)
    name = _POWERS.get(abs(value)) if is_free else None
    if name is not None:
        return _inverted(value, Operation(name, (base,)) if name else base)
    if protected and bare is base and abs(value) % 2 == 1 and not isinstance(base, Number):
        raise ValueError(
            f"an odd power such as {value:g} must be one of Abs(...) if protected=True, which "
            "implies it. Pass protected=False, or write Abs."
        )
    return Operation("pow", (bare, power))


def exponential(power: Tree) -> Tree:
    # SymPy has no other form of 1 / E than exp(-1)
    return (
        Operation("inv", (Operation("e"),)) if power == _MINUS_ONE else Operation("exp", (power,))
    )


def _inverted(value: float, tree: Tree) -> Tree:
    return Operation("inv", (tree,)) if value < 0 else tree


def without_guard(tree: Tree, protected: bool) -> Tree:
    """The operand of an absolute value that the reader's protection implies."""
    if protected and isinstance(tree, Operation) and tree.name == "abs":
        return tree.operands[0]
    return tree

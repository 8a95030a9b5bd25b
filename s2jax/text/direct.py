"""Trees computed at once, without a program: the same operators, compiled for these trees alone."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array

from s2jax.programs.operators import OPCODE, TABLE
from s2jax.text.form import to_float
from s2jax.text.tree import Number, Operation, Parameter, Tree, Variable, prefix


def compute_trees(
    trees: Sequence[Tree],
    leaf: Callable[[Variable | Parameter], Array],
    dtype: DTypeLike,
    apply: Callable[..., Array | None] | None = None,
) -> list[Array]:
    """The values of trees; equal parts of them are computed once.

    Args:
        trees: Unprotected: `log`, `sqrt` and `pow` have their own domains.
        leaf: The value of a variable or a parameter.
        dtype: Of numbers.
        apply: Of an operator's name and operands: its value, if it is not the table's.
    """
    values: list[Array] = []
    places: dict[tuple[object, ...], int] = {}

    def place(word: Tree, operands: tuple[int, ...]) -> int:
        key = (type(word).__name__, word.name if isinstance(word, Operation) else word, operands)
        if key not in places:
            places[key] = len(values)
            values.append(_value(word, [values[k] for k in operands], leaf, dtype, apply))
        return places[key]

    roots = []
    for tree in trees:
        stack: list[int] = []
        for word in reversed(list(prefix(tree))):
            count = len(word.operands) if isinstance(word, Operation) else 0
            stack.append(place(word, tuple(stack.pop() for _ in range(count))))
        roots.extend(stack)
    return [values[root] for root in roots]


def _value(word: Tree, operands: list[Array], leaf: Callable[..., Array], dtype, apply) -> Array:
    # arrays, because JAX caches NumPy constants across enable_x64
    if isinstance(word, Number):
        return jnp.asarray(to_float(*word), dtype)
    if not isinstance(word, Operation):
        return leaf(word)
    function = TABLE[OPCODE[word.name]].function
    if not callable(function):
        return jnp.asarray(np.array(function), dtype)
    operands = jnp.broadcast_arrays(*operands)
    own = None if apply is None else apply(word.name, *operands)
    return function(*operands) if own is None else own

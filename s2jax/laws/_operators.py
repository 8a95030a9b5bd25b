"""Which operators a law of trees draws, chosen by their names."""

from collections.abc import Mapping
from typing import Any

from s2jax.core import checks
from s2jax.programs import operators


def with_operators(law: Any, names: Any) -> Any:
    """A law of trees with these operators, alike or with their weights, and no others."""
    call = f"with_operators({checks.shown(names)})"
    is_list = isinstance(names, (list, tuple))
    if not (is_list or isinstance(names, Mapping)) or not all(isinstance(n, str) for n in names):
        raise TypeError(
            f"{call}: must be a list of names of operators, or a dict of their weights. Pass for "
            "example ['add', 'mul', 'sin'], or {'add': 2.0, 'sin': 1.0}."
        )
    weights = dict.fromkeys(names, 1.0) if is_list else dict(names)
    binary, unary = operators.drawable(2), operators.drawable(1)
    for name in weights:
        if name not in (*binary, *unary):
            raise ValueError(f"{call}: {checks.unknown(name, (*binary, *unary))}")
    of = lambda kind: {name: weight for name, weight in weights.items() if name in kind}
    if not of(binary):
        raise ValueError(
            f"{call}: must have one with two operands, because expressions are made of them. Add "
            f"one of {', '.join(binary)}."
        )
    fields: dict[str, Any] = {"binary_weights": of(binary)}
    if of(unary):
        fields["unary_weights"] = of(unary)
    elif hasattr(law, "max_unary"):
        fields |= {"min_unary": 0, "max_unary": 0}
    else:
        raise ValueError(
            f"{call}: must have one with one operand, because trees of a {type(law).__name__} have "
            f"both kinds. Add one of {', '.join(unary)}."
        )
    return law.replace(**fields)

"""Operators that are not smooth: what decides them, and what they are while that holds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.programs.operators import OPCODE, TABLE


class _Switch(NamedTuple):
    """A switch of two smooth functions.

    Attributes:
        operand: What decides; the switch is thrown where it passes through 0.
        above, below: The function where that is > 0, and < 0.
    """

    operand: Callable[..., Array]
    above: Callable[..., Array]
    below: Callable[..., Array]


SWITCHES: Mapping[str, _Switch] = {
    "sign": _Switch(lambda a: a, jnp.ones_like, lambda a: -jnp.ones_like(a)),
    "abs": _Switch(lambda a: a, lambda a: a, lambda a: -a),
    "max": _Switch(lambda a, b: a - b, lambda a, b: a, lambda a, b: b),
    "min": _Switch(lambda a, b: a - b, lambda a, b: b, lambda a, b: a),
    "gate": _Switch(lambda c, a: c, lambda c, a: a, lambda c, a: jnp.zeros_like(a)),
}


class Held:
    """Operators with their switches held; makes `apply` of `compute_trees`.

    Attributes:
        modes: By switch, in the order in which they are computed, and row; 0 leaves one free.
        operands: What decides each, filled as they are computed.
    """

    def __init__(self, modes: Float[Array, "switches rows"] | Float[Array, ""]) -> None:
        self.modes = modes
        self.operands: list[Array] = []

    def __call__(self, name: str, *operands: Any) -> Array | None:
        switch = SWITCHES.get(name)
        if switch is None:
            return None
        index = len(self.operands)
        self.operands.append(switch.operand(*operands))
        if not jnp.ndim(self.modes):
            return None  # all are free
        mode = self.modes[index]
        free = TABLE[OPCODE[name]].function(*operands)  # type: ignore[operator]
        held = jnp.where(mode > 0, switch.above(*operands), switch.below(*operands))
        return jnp.where(mode == 0, free, held)

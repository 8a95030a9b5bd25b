"""Whether programs cross a pole, which finite values on both sides of it do not show."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from s2jax.programs.engines.run import selecting, sequential
from s2jax.programs.lower import Lowered, functions
from s2jax.programs.operators import OPCODE

SIDES: dict[str, Callable[[Array, Array], Array]] = {
    "inv": lambda a, b: a > 0,
    "div": lambda a, b: b > 0,
    "log": lambda a, b: a > 0,
    "pow": lambda a, b: (a > 0) | (b >= 1),
    "tan": lambda a, b: jnp.floor(a / np.pi + 0.5),
}
"""On which side of its singularity the operand of an operator is."""


def pole_functions(protected: bool) -> list[Callable[..., Array]]:
    """The operators by opcode, NaN at all times where the operand crosses a singularity."""
    guarded = functions(protected)
    for name, side in SIDES.items():
        guarded[OPCODE[name]] = _guard(guarded[OPCODE[name]], side)
    return guarded


def _guard(function, side):
    def apply(a, b):
        sides = side(a, b)
        crosses = (sides[..., 1:] != sides[..., :-1]).any(-1, keepdims=True)
        return jnp.where(crosses, jnp.asarray(np.nan, a.dtype), function(a, b))

    return apply


def crosses_pole(
    lowered: Lowered, variables: Float[Array, "rows variables time"], protected: bool
) -> Bool[Array, " rows"]:
    """Whether some program of each row does, along the given values of its variables.

    Args:
        lowered: Flat programs in the order (states, rows).
        variables: At neighbouring times.
        protected: As in `Program`.
    """
    rows = variables.shape[0]
    by_state = lambda leaf: jnp.moveaxis(leaf.reshape(*leaf.shape[:-1], -1, rows), -2, 0)
    operators = pole_functions(protected)

    def one_state(lowered):
        run = lambda evaluator: lambda *a: evaluator(Lowered(*a[:-1]), a[-1], operators, 1)
        on_cpu, elsewhere = run(sequential), run(selecting)
        y = jax.lax.platform_dependent(*lowered, variables, cpu=on_cpu, default=elsewhere)
        return jnp.isnan(y).all(-1)

    return jax.lax.map(one_state, jax.tree.map(by_state, lowered)).any(0)

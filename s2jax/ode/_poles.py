"""Whether solutions of a given system step over poles of its right-hand side."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from s2jax.ode._field import operators_of, program_field
from s2jax.programs.engines.poles import SIDES
from s2jax.programs.operators import OPCODE, TABLE


def has_poles(equations: tuple[Any, ...]) -> bool:
    """Whether some operator of the right-hand sides has a singularity."""
    return not operators_of(*equations).isdisjoint(SIDES)


def steps_over_pole(
    equations: tuple[Any, ...], t: Float[Array, "rows time"], y: Float[Array, "states rows time"],
    x: Float[Array, "inputs rows time"], parameters: Float[Array, "parameters rows 1"],
) -> Bool[Array, " rows"]:  # fmt: skip
    """Whether an operand crosses its singularity between two times, where its value counts.

    Both times are marked by NaN, which reaches the slopes unless a gate shuts it out.
    """
    length = y.shape[-1]

    def apply(name: str, *operands: Array) -> Array | None:
        if name not in SIDES or operands[0].shape[-1:] != (length,):
            return None
        sides = SIDES[name](operands[0], operands[-1])
        crosses = sides[..., 1:] != sides[..., :-1]
        edge = [(0, 0)] * (crosses.ndim - 1)
        beside = jnp.pad(crosses, [*edge, (0, 1)]) | jnp.pad(crosses, [*edge, (1, 0)])
        value = TABLE[OPCODE[name]].function(*operands)  # type: ignore[operator]
        return jnp.where(beside, jnp.asarray(np.nan, value.dtype), value)

    marked = jnp.isnan(program_field(equations, t, y, x, parameters, apply))
    return (marked[..., 1:] & marked[..., :-1]).any((0, 2))

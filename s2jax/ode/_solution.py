"""What solving given equations comes to."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.core.status import StatusFlag


class SolveStatus(StatusFlag):
    """How a solution ended; 0 means that it reached the last time. A row has one reason at most.

    Example:
        >>> SolveStatus(1)
        <SolveStatus.MAX_STEPS: 1>
        >>> SolveStatus.MAX_STEPS.sentence
        'The largest number of steps was reached before the last time.'
    """

    OK = 0, "Solved up to the last time."
    MAX_STEPS = 1, "The largest number of steps was reached before the last time."
    NO_CONVERGENCE = 2, "The iteration of the implicit solver did not converge, for any step."
    NOT_FINITE = 4, "A value is not finite: the solution ends, or began so."
    STEP_TOO_SMALL = 8, "The step fell below the resolution of time: a pole, or too few digits."


class Solution(eqx.Module):
    """Solutions of given equations, and how each of them ended.

    Attributes:
        y: The states at the times that were asked for; NaN from where the solver failed.
        status: 0 where the last time was reached, else a bit of `SolveStatus`.
        num_steps: Steps taken, rejected ones included.
    """

    y: Float[Array, "*batch states time"]
    status: Int[Array, "*batch"]
    num_steps: Int[Array, "*batch"]


def solve_nothing(shape: tuple[int, ...], length: int, dtype) -> Solution:
    """The solution of no rows, or of no states, of shape `(*batch, states)`."""
    none = jnp.zeros(shape[:-1], jnp.int32)
    return Solution(y=jnp.zeros((*shape, length), dtype), status=none, num_steps=none)

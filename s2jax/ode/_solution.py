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
    EVENT = 16, "An event ended the solution before the last time."


class Solution(eqx.Module):
    """Solutions of given equations, and how each of them ended.

    Attributes:
        y: The states at the times that were asked for; NaN from where the solver failed, and
            behind an event.
        status: 0 where the last time was reached, else a bit of `SolveStatus`.
        num_steps: Steps taken, rejected ones included.
        event: Which event ended the solution, by its place in `events`; -1 for none. None, as
            those that follow, where no events were asked for.
        event_time, event_state: When it happened and in which state; NaN for none.
    """

    y: Float[Array, "*batch states time"]
    status: Int[Array, "*batch"]
    num_steps: Int[Array, "*batch"]
    event: Int[Array, "*batch"] | None = None
    event_time: Float[Array, "*batch"] | None = None
    event_state: Float[Array, "*batch states"] | None = None


def solve_nothing(shape: tuple[int, ...], length: int, dtype, has_events: bool = False) -> Solution:
    """The solution of no rows, or of no states, of shape `(*batch, states)`."""
    none, nothing = jnp.zeros(shape[:-1], jnp.int32), jnp.full(shape, jnp.nan, dtype)
    events = (none - 1, nothing.sum(-1), nothing) if has_events else ()
    return Solution(jnp.zeros((*shape, length), dtype), none, none, *events)

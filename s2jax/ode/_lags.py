"""States at delayed times as text, and as inputs of right-hand sides.

`y(t - tau)` is an input behind those of the system, in the order of `System.delays`. So whatever
computes right-hand sides knows nothing of delays; who solves them passes the values of before, and
the programs that are labels have the operator `lag` there.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.ode._given import CALL, variable_names
from s2jax.programs.program import FIRST_STATE, MAX_INPUTS
from s2jax.text.form import to_float
from s2jax.text.read_text import read_expression
from s2jax.text.tree import Number, Operation, Parameter


class Lag(NamedTuple):
    """A state at a delayed time.

    Attributes:
        state: Its number.
        delay: A number, or the number of a parameter.
        is_parameter: Which of both.
    """

    state: int
    delay: float
    is_parameter: bool


@functools.lru_cache(maxsize=256)
def read_delay(text: str, num_parameters: int) -> tuple[Lag, Operation]:
    """`y_0(t - 17)` or `y_0(t - p_1)`, and its tree.

    Raises:
        ValueError: If the text is none of these.
    """
    names = variable_names(0, 0, num_parameters)[:-1]
    tree = read_expression(text, names)
    if not isinstance(tree, Operation) or tree.name != "lag":
        raise ValueError("must be a state at a delayed time, as y_0(t - 2.5)")
    state, delay = tree.operands
    if isinstance(state, Parameter):
        raise ValueError("only states have delays")
    index = state.index - FIRST_STATE  # type: ignore[union-attr]
    if isinstance(delay, Parameter):
        return Lag(index, names.index(delay.name), True), tree
    assert isinstance(delay, Number)
    return Lag(index, to_float(*delay), False), tree


def lags_of(delays: Sequence[str], num_parameters: int) -> tuple[Lag, ...]:
    """The delays of a system."""
    return tuple(read_delay(text, num_parameters)[0] for text in delays)


def delay_values(
    lags: Sequence[Lag], parameters: Float[Array, "parameters rows"]
) -> Float[Array, "lags rows"]:
    """How long ago each is, in units of time."""
    rows = parameters.shape[1:]
    value = lambda lag: (
        parameters[int(lag.delay)]
        if lag.is_parameter
        else jnp.full(rows, np.array(lag.delay, parameters.dtype))
    )
    return jnp.stack([value(lag) for lag in lags])


def num_slots(delays: Sequence[str], inputs: Sequence[str]) -> int:
    """How many inputs right-hand sides have, delayed states included."""
    count = len(inputs) + len(delays)
    if count > MAX_INPUTS:
        raise ValueError(
            f"{CALL}({len(inputs)} inputs and {len(delays)} delayed states): must be at most "
            f"{MAX_INPUTS} together, because each is a variable of programs."
        )
    return count

"""Tries of a search: where their equations come from, how they are moved, and what is kept."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.types import Words
from s2jax.ode._forms import Layout
from s2jax.ode._integrate import Trajectories
from s2jax.ode._pilot import Wish
from s2jax.programs import Program
from s2jax.programs.program import pack, packed_width, unpack


class Tries(NamedTuple):
    """Equations of some lanes and where their solutions start; flat programs are (states, lanes).

    Attributes:
        program, diffusion: The equations.
        y0: Initial values.
        wish: What is drawn of the span.
        parameters: Of a given system, else none.
    """

    program: Program
    diffusion: Program
    y0: Float[Array, "states lanes"]
    wish: Wish
    parameters: Float[Array, "parameters lanes"]


class Engine(NamedTuple):
    """How to solve the equations of some lanes, each over its span.

    Attributes:
        derivative: Of times, which are those of the inputs where the wish has a span, and states.
        steps: Of spans, initial values, a number of steps, and whether there is noise.
        integral: Of spans; None where no equation is an integral.
        poles: Whether equations have poles on the way, of spans and solutions; None if not known.
    """

    derivative: Callable[[Array, Array], Array]
    steps: Callable[[Array, Array, Array, Array], Trajectories]
    integral: Callable[[Array], Trajectories] | None
    poles: Callable[[Array, Array], Array] | None


class AbstractSource(eqx.Module):
    """Where equations come from."""

    protected: eqx.AbstractVar[bool]
    fixed_span: eqx.AbstractVar[bool]
    max_substeps: eqx.AbstractVar[int]

    @property
    def is_switched(self) -> bool:
        """Whether steps have to end at all outputs, because there are switches between them."""
        return False

    @property
    @abc.abstractmethod
    def capacity(self) -> int:
        """How many instructions the equations of all lanes may have at a time."""

    @abc.abstractmethod
    def draw(self, words: Words, number: Int[Array, " lanes"], layout: Layout) -> Tries:
        """Draw try `number` of each lane."""

    @abc.abstractmethod
    def engine(
        self, tries: Tries, x: Float[Array, "time inputs lanes"], words: Words,
        number: Int[Array, " lanes"], bound: Float[Array, ""],
    ) -> Engine:  # fmt: skip
        """The engine for these tries."""


class Found(NamedTuple):
    """What the search finds for each row; zero where it found nothing.

    Attributes:
        series: The solutions.
        scale, shift: How they are scaled; the search itself does not.
        equations: Right-hand sides and diffusion, as `pack_equations` packs them.
        form: Which form they have.
        span: Length of the time span.
        error: Estimated error relative to the tolerance.
        growth: Logarithm of the growth of a small distance over the span.
        turns: How often the busiest state turns round.
        num_steps: Steps over the span.
        usable: Whether a usable solution was found.
        rejections: How many tries before were rejected, by reason.
    """

    series: Float[Array, "rows states time"]
    scale: Float[Array, "rows states"]
    shift: Float[Array, "rows states"]
    equations: Int[Array, "rows numbers"]
    form: Int[Array, " rows"]
    span: Float[Array, " rows"]
    error: Float[Array, " rows"]
    growth: Float[Array, " rows"]
    turns: Int[Array, " rows"]
    num_steps: Int[Array, " rows"]
    usable: Bool[Array, " rows"]
    rejections: Int[Array, "rows reasons"]


def pack_equations(
    program: Program, diffusion: Program, num_rows: int
) -> Int[Array, "rows numbers"]:
    """Flat programs of shape `(states, rows)`, all numbers of a row side by side."""

    def by_row(program: Program) -> Int[Array, "rows numbers"]:
        packed = pack(program).reshape(-1, num_rows, packed_width(program.num_nodes))
        return packed.swapaxes(0, 1).reshape(num_rows, -1)

    return jnp.concatenate([by_row(program), by_row(diffusion)], axis=1)


def unpack_equations(
    packed: Int[Array, "rows numbers"], num_states: int, protected: bool
) -> tuple[Program, Program]:
    """Inverse of `pack_equations`: right-hand sides and diffusion of shape `(rows, states)`."""
    first = packed.shape[1] - num_states * packed_width(1)
    parts = (packed[:, :first], packed[:, first:])
    program, diffusion = (
        unpack(part.reshape(part.shape[0], num_states, -1), protected) for part in parts
    )
    return program, diffusion

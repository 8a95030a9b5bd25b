"""One given system, with its own parameters, initial values and time span in every row."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from s2jax.core.streams import of_equations
from s2jax.ode._equations import input_at, solver_of
from s2jax.ode._integrate import integrate
from s2jax.ode._tries import AbstractSource, Engine, Tries
from s2jax.programs import Program
from s2jax.programs.operators import ID
from s2jax.programs.program import DTYPES


class OneSystem(AbstractSource):
    """The source of `System`, which makes it and is its `system`."""

    system: Any
    length: int = eqx.field(static=True)
    max_substeps: int = eqx.field(static=True)
    fixed_span: bool = eqx.field(static=True)
    protected: bool = eqx.field(static=True, default=False)

    @property
    def capacity(self) -> int:
        return 2**30  # the right-hand side is compiled: nothing is scheduled

    def draw(self, words, number, layout):
        drawn = self.system.draw(words, of_equations(number, 0))
        by_state = lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
        program = jax.tree.map(by_state, drawn.program)
        rows = words.shape[0]
        span = _FIRST_SPAN if drawn.duration is None else drawn.duration
        return Tries(
            program=program,
            diffusion=_no_noise(program.length.shape[0]),
            y0=drawn.initial.T,
            span=jnp.broadcast_to(jnp.asarray(span, drawn.initial.dtype), (rows,)),
            parameters=drawn.parameters.T,
        )

    def engine(self, tries, x, words, number, bound):
        def steps(span, num_steps, is_noisy):
            def derivative(tau, y):
                now = input_at(x, tau)[: len(self.system.inputs)]
                return span * self.system.program_field(tau * span, y, now, tries.parameters)

            solver: Any = solver_of(self.system.solver, unrolled=True)
            return integrate(solver, derivative, tries.y0, num_steps, self.length, bound)

        return Engine(steps, None, None)


_FIRST_SPAN = 10.0


def _no_noise(count: int) -> Program:
    unused = (ID, -1, -1, 1, 0, 0, 0)
    leaves = [jnp.full((count, 1), v, dtype) for v, dtype in zip(unused, DTYPES, strict=True)]
    return Program(*leaves, length=jnp.zeros(count, jnp.int32), protected=False)

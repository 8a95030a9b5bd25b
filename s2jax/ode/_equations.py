"""Random equations: how they are drawn and solved, many different ones at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core.random import random_bits
from s2jax.core.streams import of_equations
from s2jax.distributions import AbstractDistribution
from s2jax.laws import AbstractLaw
from s2jax.ode._forms import draw_equations
from s2jax.ode._integrate import integrate
from s2jax.ode._noise import noise
from s2jax.ode._quadrature import integrate_input
from s2jax.ode._tries import AbstractSource, Engine, Tries
from s2jax.programs import Program
from s2jax.programs.engines.grouped import evaluate_scheduled, schedule
from s2jax.programs.engines.poles import crosses_pole
from s2jax.programs.operators import NUM_LEAVES
from s2jax.programs.program import FIRST_STATE, TIME, VARIABLE_NAMES

_MEAN_INSTRUCTIONS = 7


class RandomEquations(AbstractSource):
    """The source of `s2jax.ODE`; for its fields see there."""

    law: AbstractLaw
    initial: AbstractDistribution
    duration: AbstractDistribution
    solver: Any
    length: int = eqx.field(static=True)
    num_inputs: int = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    num_lanes: int = eqx.field(static=True)
    extra_nodes: int = eqx.field(static=True)
    protected: bool = eqx.field(static=True)
    has_noise: bool = eqx.field(static=True)
    has_integrals: bool = eqx.field(static=True)
    max_substeps: int = eqx.field(static=True)
    fixed_span: bool = eqx.field(static=True, default=False)

    @property
    def capacity(self) -> int:
        longest = self.num_states * (self.law.num_nodes(self._num_variables) + self.extra_nodes)
        return max(_MEAN_INSTRUCTIONS * self.num_states * self.num_lanes, longest)

    @property
    def _num_variables(self) -> int:
        return self.num_states + self.num_inputs + 1

    def draw(self, words, number, layout):
        equations = draw_equations(
            words, number, layout, self.law, self.num_states, self._num_variables,
            self.extra_nodes, self.protected,
        )  # fmt: skip
        bits = random_bits(words, self.num_states + 1, of_equations(number, self.num_states + 1))
        dtype = jnp.result_type(float)
        state = jnp.arange(self.num_states, dtype=jnp.int32)[:, None]
        y0 = self.initial.from_bits(bits[:-1]).astype(dtype)
        return Tries(
            program=equations.program,
            diffusion=equations.diffusion,
            y0=jnp.where(state < layout.num_outputs, y0, 0),
            span=self.duration.from_bits(bits[-1]).astype(dtype),
            parameters=jnp.zeros((0, words.shape[0]), dtype),
        )

    def engine(self, tries, x, words, number, bound):
        program = bind(tries.program, self.num_states)
        lanes, dtype = tries.span.shape[0], tries.y0.dtype
        plan = schedule(program, self._num_variables, lanes, dtype, self.capacity)

        def field(span):
            def derivative(tau, y):
                now = jnp.concatenate([y, (tau * span)[None], input_at(x, tau)])
                return span * evaluate_scheduled(plan, now, self.protected).reshape(y.shape)

            return derivative

        def steps(span, num_steps, is_noisy):
            kick, solver = None, solver_of(self.solver)
            if self.has_noise:
                stream, step = (
                    of_equations(number, self.num_states + 2),
                    span / num_steps.astype(dtype),
                )
                kick = noise(tries.diffusion, self.num_states, step, words, stream)
            return integrate(
                solver, field(span), tries.y0, num_steps, self.length, bound, kick, is_noisy
            )

        def integral(span):
            by_row = x.transpose(2, 1, 0)
            return integrate_input(tries.program, by_row, span, tries.y0, bound)

        def poles(span, y):
            clock = span[:, None, None] * (jnp.arange(self.length, dtype=dtype) / (self.length - 1))
            parts = [y.transpose(2, 1, 0), clock, x.transpose(2, 1, 0)]
            return crosses_pole(plan.lowered, jnp.concatenate(parts, axis=1), self.protected)

        return Engine(steps, integral if self.has_integrals else None, poles)


def solver_of(solver: Any, unrolled: bool = False) -> Any:
    """The solver or, if it is None, Tsit5; a loop over stages is never run backwards."""
    import diffrax

    from s2jax.ode._unrolled import UnrolledTsit5

    if solver is None:
        solver = UnrolledTsit5() if unrolled else diffrax.Tsit5()
    return eqx.tree_at(lambda s: s.scan_kind, solver, "lax", is_leaf=lambda leaf: leaf is None)


def input_at(x: Float[Array, "time inputs lanes"], tau) -> Float[Array, "inputs lanes"]:
    """The inputs at a part `tau` of the span, linear between samples."""
    position = tau * (x.shape[0] - 1)
    index = jnp.clip(position.astype(jnp.int32), 0, x.shape[0] - 2)
    before, after = jax.lax.dynamic_slice_in_dim(x, index, 2)
    return before + (position - index.astype(x.dtype)) * (after - before)


def bind(program: Program, num_states: int) -> Program:
    """The programs with their variables numbered as states, time and inputs."""

    def rename(operand):
        old = -1 - operand.astype(jnp.int32)
        new = jnp.where(old == TIME, num_states, old + num_states + 1)
        state = old - FIRST_STATE
        state = jnp.where(state < num_states, state, len(VARIABLE_NAMES))  # a state that is missing
        new = jnp.where((old >= FIRST_STATE) & (old < TIME), state, new)
        is_variable = (old >= 0) & (program.op >= NUM_LEAVES)
        return jnp.where(is_variable, -1 - new, operand.astype(jnp.int32))

    renamed = rename(program.a), rename(program.b).astype(jnp.int16)
    return eqx.tree_at(lambda p: (p.a, p.b), program, renamed)

"""Random equations: how they are drawn and solved, many different ones at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core.random import random_bits, uniform
from s2jax.core.streams import of_equations
from s2jax.distributions import AbstractDistribution
from s2jax.laws import AbstractLaw
from s2jax.ode._forms import draw_equations
from s2jax.ode._integrate import integrate
from s2jax.ode._noise import follow_twice, noise
from s2jax.ode._pilot import Wish
from s2jax.ode._quadrature import integrate_input
from s2jax.ode._templates import Templates
from s2jax.ode._tries import AbstractSource, Engine, Tries
from s2jax.programs import Program
from s2jax.programs.engines.grouped import evaluate_scheduled, schedule
from s2jax.programs.engines.poles import crosses_pole
from s2jax.programs.operators import NUM_LEAVES
from s2jax.programs.program import FIRST_STATE, TIME, VARIABLE_NAMES

_MEAN_INSTRUCTIONS = 12
START, KICKS = 18, 19  # parts of a try; those before are of `_forms`
_POINTS = 13  # of a full period, where there are most turns
_LATE_SHARE = 0.7  # of rows begin where transients are over
_FIRST_PART, _LAST_PART = 0.5, 0.95  # of the time to an escape


class RandomEquations(AbstractSource):
    """The source of `s2jax.ODE`; for its fields see there."""

    law: AbstractLaw
    initial: AbstractDistribution
    duration: AbstractDistribution
    templates: Templates = eqx.field(static=True)
    solver: Any
    length: int = eqx.field(static=True)
    num_readings: int = eqx.field(static=True)
    num_inputs: int = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    num_lanes: int = eqx.field(static=True)
    protected: bool = eqx.field(static=True)
    has_noise: bool = eqx.field(static=True)
    max_substeps: int = eqx.field(static=True)
    fixed_span: bool = eqx.field(static=True, default=False)

    @property
    def capacity(self) -> int:
        longest = self.num_states * (
            self.law.num_nodes(self._num_variables) + self.templates.num_nodes
        )
        return max(_MEAN_INSTRUCTIONS * self.num_states * self.num_lanes, longest)

    @property
    def _num_variables(self) -> int:
        return self.num_states + self.num_inputs + 1

    def draw(self, words, number, layout):
        equations = draw_equations(
            words, number, layout, self.law, self.templates, self._num_variables, self.protected
        )
        bits = random_bits(words, self.num_states + 4, of_equations(number, START))
        dtype = jnp.result_type(float)
        state = jnp.arange(self.num_states, dtype=jnp.int32)[:, None]
        y0 = self.initial.from_bits(bits[:-4]).astype(dtype)
        has_span = (layout.num_inputs > 0) | layout.is_integral
        span = self.duration.from_bits(bits[-4]).astype(dtype)
        return Tries(
            program=equations.program,
            diffusion=equations.diffusion,
            y0=jnp.where(state < layout.num_outputs, y0, 0),
            wish=draw_wish(bits[-3:], jnp.where(has_span, span, 0), self.num_readings),
            parameters=jnp.zeros((0, words.shape[0]), dtype),
        )

    def engine(self, tries, x, words, number, bound):
        program = bind(tries.program, self.num_states)
        lanes, dtype = tries.wish.span.shape[0], tries.y0.dtype
        plan = schedule(program, self._num_variables, lanes, dtype, self.capacity)

        def derivative(t, y, x):
            now = jnp.concatenate([y, t[None], x])
            return evaluate_scheduled(plan, now, self.protected).reshape(y.shape)

        def alone(t, y):
            part = t / jnp.where(tries.wish.span > 0, tries.wish.span, 1)
            return derivative(t, y, inputs_at(x, part))

        def steps(span, y0, num_steps, is_noisy):
            field = lambda tau, y: span * derivative(tau * span, y, input_at(x, tau))
            options = solver_of(self.solver), field, y0
            if not self.has_noise:
                return integrate(*options, num_steps, self.length, bound)
            most = max(2, self.max_substeps) * (self.length - 1)
            path = span / most, words, of_equations(number, KICKS)

            def solve(steps):
                kick = noise(tries.diffusion, self.num_states, *path, most // steps)
                return integrate(*options, steps, self.length, bound, kick, is_noisy)

            return follow_twice(solve, num_steps, is_noisy)

        def integral(span):
            by_row = x.transpose(2, 1, 0)
            return integrate_input(tries.program, by_row, span, tries.y0, bound)

        def poles(span, y):
            clock = span[:, None, None] * (jnp.arange(self.length, dtype=dtype) / (self.length - 1))
            parts = [y.transpose(2, 1, 0), clock, x.transpose(2, 1, 0)]
            return crosses_pole(plan.lowered, jnp.concatenate(parts, axis=1), self.protected)

        return Engine(alone, steps, integral if self.templates.is_integral.any() else None, poles)


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


def inputs_at(
    x: Float[Array, "time inputs lanes"], part: Float[Array, " lanes"]
) -> Float[Array, "inputs lanes"]:
    """The inputs at a part of the span that differs from lane to lane; the last beyond it."""
    if x.shape[1] == 0:
        return x[0]
    position = jnp.clip(part, 0, 1) * (x.shape[0] - 1)
    index = jnp.clip(position.astype(jnp.int32), 0, x.shape[0] - 2)
    pick = lambda at: jnp.take_along_axis(x, at[None, None], axis=0)[0]
    before, after = pick(index), pick(index + 1)
    return before + (position - index.astype(x.dtype)) * (after - before)


def draw_wish(bits: Any, span: Float[Array, " lanes"], readings: int) -> Wish:
    """What is wished of spans, of three words of random bits; `span` as in `Wish`.

    The number of turns is log-uniform between seven and what so many readings show well.
    """
    least, dtype = jnp.float32(7.0), span.dtype
    most = jnp.maximum(least, jnp.float32(2 * readings / _POINTS))
    turns = least * (most / least) ** uniform(bits[0])
    part = _FIRST_PART + (_LAST_PART - _FIRST_PART) * uniform(bits[2])
    return Wish(
        span=span,
        turns=turns.astype(dtype),
        starts_late=uniform(bits[1]) < _LATE_SHARE,
        part=part.astype(dtype),
    )


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

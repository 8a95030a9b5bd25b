"""One given system, with its own parameters, initial values and time span in every row."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from s2jax.core.random import random_bits
from s2jax.core.streams import of_equations
from s2jax.ode._equations import KICKS, START, draw_wish, input_at, inputs_at, solver_of
from s2jax.ode._field import operators_of, switched_field
from s2jax.ode._follow_delayed import delayed_at_points, follow_delayed
from s2jax.ode._integrate import integrate
from s2jax.ode._lags import num_slots
from s2jax.ode._noise import follow_twice, noise
from s2jax.ode._poles import has_poles, steps_over_pole
from s2jax.ode._switched import integrate_switched
from s2jax.ode._switches import SWITCHES
from s2jax.ode._tries import AbstractSource, Engine, Tries


class OneSystem(AbstractSource):
    """The source of `System`, which makes it and is its `system`."""

    system: Any
    length: int = eqx.field(static=True)
    num_readings: int = eqx.field(static=True)
    max_substeps: int = eqx.field(static=True)
    fixed_span: bool = eqx.field(static=True)
    protected: bool = eqx.field(static=True, default=False)

    @property
    def equations(self) -> tuple[Any, ...]:
        system = self.system
        inputs = num_slots(system.delays, system.inputs)
        return system.expressions, len(system.states), inputs, len(system.parameters)

    @property
    def is_switched(self) -> bool:
        if self.system.noise:  # what a switch costs is in the difference of both solutions
            return False
        return not operators_of(*self.equations).isdisjoint(SWITCHES)

    @property
    def capacity(self) -> int:
        return 2**30  # the right-hand side is compiled: nothing is scheduled

    def draw(self, words, number, layout):
        drawn = self.system.draw(words, of_equations(number, 0))
        by_state = lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
        program = jax.tree.map(by_state, drawn.program)
        bits = random_bits(words, 3, of_equations(number, START))
        span = jnp.zeros(words.shape[0], drawn.initial.dtype)
        if drawn.duration is not None:
            span = jnp.broadcast_to(jnp.asarray(drawn.duration, span.dtype), span.shape)
        elif self.system.inputs:
            span = span + _FIRST_SPAN
        return Tries(
            program=program,
            diffusion=jax.tree.map(by_state, drawn.diffusion),
            y0=drawn.initial.T,
            wish=draw_wish(bits, span, self.num_readings),
            parameters=drawn.parameters.T,
        )

    def engine(self, tries, x, words, number, bound):
        count = len(self.system.inputs)

        def derivative(t, y, now):
            return self.system.program_field(t, y, now[:count], tries.parameters)

        def alone(t, y):
            part = t / jnp.where(tries.wish.span > 0, tries.wish.span, 1)
            return derivative(t, y, inputs_at(x, part))

        def steps(span, y0, num_steps, is_noisy):
            if self.is_switched:
                return switched_steps(span, y0, num_steps)
            if self.system.delays:
                return delayed_steps(span, y0, num_steps)
            field = lambda tau, y: span * derivative(tau * span, y, input_at(x, tau))
            solver: Any = solver_of(self.system.solver, unrolled=True)
            options = solver, field, y0
            if not self.system.noise:
                return integrate(*options, num_steps, self.length, bound)
            most = max(2, self.max_substeps) * (self.length - 1)
            path = span / most, words, of_equations(number, KICKS)

            def solve(steps):
                kick = noise(tries.diffusion, y0.shape[0], *path, most // steps)
                return integrate(*options, steps, self.length, bound, kick, is_noisy)

            return follow_twice(solve, num_steps, is_noisy)

        def switched_steps(span, y0, num_steps):
            def field(tau, y, modes):
                own = inputs_at(x, tau)[:count], tries.parameters
                slopes, operands = switched_field(self.equations, tau * span, y, *own, modes)
                return span * slopes, operands

            solver: Any = solver_of(self.system.solver, unrolled=True)
            return integrate_switched(solver, field, y0, num_steps, self.length, bound)

        def delayed_steps(span, y0, num_steps):
            # a loop over stages: to read what was before costs more than a loop does
            options = self.equations, solver_of(self.system.solver), span, y0, tries.parameters
            return follow_delayed(self.system, *options, x[:, :count], num_steps, bound)

        def poles(span, y):
            clock = span[:, None] * (jnp.arange(self.length, dtype=y.dtype) / (self.length - 1))
            inputs = x[:, :count]
            if self.system.delays:
                before = delayed_at_points(self.system, span, y, tries.parameters)
                inputs = jnp.concatenate([inputs, before], axis=1)
            along, inputs = (jnp.moveaxis(leaf, 0, -1) for leaf in (y, inputs))
            own = tries.parameters[..., None]
            return steps_over_pole(self.equations, clock, along, inputs, own)

        return Engine(alone, steps, None, poles if has_poles(self.equations) else None)


_FIRST_SPAN = 10.0

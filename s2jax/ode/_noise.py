"""Noise of each state's own: dy_i = f_i dt + g_i dW_i (Ito) with g_i = s, or s*y_i.

A step of the solver along f lies between two halves of the exact solution of dy = g dW, each with
half of the increment and of the time. This splitting is of strong order 1, and as accurate as the
solver where there is no noise; with all of the noise at the end of the step, errors are about twice
as large. As each g_i reads its own state only, noises commute, and no integrals of one W_i along
another enter.

References:
    Kloeden and Platen (1992), Numerical Solution of Stochastic Differential Equations, section 4.4
    for the solutions, section 10.3 for commutative noise; Strang (1968), On the construction and
    comparison of difference schemes, for splitting in the middle.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.random import normal_quantile, random_bits, signed_uniform
from s2jax.core.types import Words
from s2jax.ode._integrate import Kick, Trajectories
from s2jax.programs import Program
from s2jax.programs.operators import CONST
from s2jax.programs.program import decimal

_TINY = 1e-30


def noise(
    diffusion: Program, num_states: int, step: Float[Array, " rows"], words: Words,
    stream: Int[Array, " rows"], parts: Int[Array, ""] | int = 1,
) -> Kick:  # fmt: skip
    """What noise does at both ends of a step.

    Args:
        diffusion: Flat programs of one instruction, in the order (states, rows).
        num_states: Static.
        step: Time of an increment of the path.
        words, stream: Keys and their streams for the path.
        parts: How many increments a step takes together.
    """
    dtype = step.dtype
    is_used, is_number = diffusion.length > 0, diffusion.op[:, 0] == CONST
    number = decimal(diffusion.a[:, 0], diffusion.b[:, 0], dtype)
    slope = decimal(diffusion.scale_mantissa[:, 0], diffusion.scale_exponent[:, 0], dtype)
    pick = lambda when, value: jnp.where(is_used & when, value, 0).reshape(num_states, -1)
    number, slope = pick(is_number, number), pick(~is_number, slope)
    blocks, parts = -(-num_states // 2), jnp.asarray(parts, jnp.int32)
    half = step * parts.astype(dtype) / 2

    def draw(i):
        def add(part, change):
            bits = random_bits(words, num_states, stream, first=(parts * i + part) * blocks)
            return change + jnp.sqrt(step) * normal_quantile(signed_uniform(bits)).astype(dtype)

        return jax.lax.fori_loop(jnp.int32(0), parts, add, jnp.zeros(number.shape, dtype)) / 2

    def move(change, y):
        return y * jnp.exp(slope * change - slope**2 * half / 2) + number * change

    def start(i, y):
        change = draw(i)
        return move(change, y), change

    return Kick(start, move)


def follow_twice(
    solve: Callable[[Int[Array, ""]], Trajectories], num_steps: Int[Array, ""],
    is_noisy: Bool[Array, ""],
) -> Trajectories:  # fmt: skip
    """Solutions and, where there is noise, how far those with steps twice as long are from them.

    Args:
        solve: The solutions in a number of steps. It is compiled once.
        num_steps: How many; even where there is noise.
        is_noisy: Whether there is noise. Traced; if not, `solve` runs once.
    """
    zeros = lambda leaf: jnp.zeros(leaf.shape, leaf.dtype)
    blank = jax.tree.map(zeros, jax.eval_shape(solve, num_steps))
    runs = jnp.where(is_noisy, jnp.int32(2), jnp.int32(1))
    once_more = lambda run, found: (found[1], solve(num_steps // (runs - run)))
    before, now = jax.lax.fori_loop(jnp.int32(0), runs, once_more, (blank, blank))
    apart = jax.lax.cond(
        is_noisy, lambda: _distance(before.y, now.y), lambda: jnp.zeros_like(now.error)
    )
    return now._replace(halving=apart)


def _distance(
    other: Float[Array, "time states rows"], y: Float[Array, "time states rows"]
) -> Float[Array, " rows"]:
    """The largest difference of a state, relative to its largest value.

    Not to the largest so far: of what starts at 0 and is moved by noise, that is none at first.
    """
    return (jnp.abs(other - y).max(0) / (jnp.abs(y).max(0) + _TINY)).max(0)

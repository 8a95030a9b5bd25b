"""Noise of each state's own: dy_i = f_i dt + g_i dW_i (Ito) with g_i = s, or s*y_i.

A step of the solver along f is followed by the exact solution of dy = g dW over the same time. This
splitting is of strong order 1, and as accurate as the solver where there is no noise.

References:
    Kloeden and Platen (1992), Numerical Solution of Stochastic Differential Equations, section 4.4
    for the solutions.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.core.random import normal_quantile, random_bits, signed_uniform
from s2jax.core.types import Words
from s2jax.ode._integrate import Kick
from s2jax.programs import Program
from s2jax.programs.operators import CONST
from s2jax.programs.program import decimal


def noise(
    diffusion: Program, num_states: int, step: Float[Array, " rows"], words: Words,
    stream: Int[Array, " rows"],
) -> Kick:  # fmt: skip
    """What noise does in one step.

    Args:
        diffusion: Flat programs of one instruction, in the order (states, rows).
        num_states: Static.
        step: Time that a step takes.
        words, stream: Keys and their streams for the increments.
    """
    dtype = step.dtype
    is_used, is_number = diffusion.length > 0, diffusion.op[:, 0] == CONST
    number = decimal(diffusion.a[:, 0], diffusion.b[:, 0], dtype)
    slope = decimal(diffusion.scale_mantissa[:, 0], diffusion.scale_exponent[:, 0], dtype)
    pick = lambda when, value: jnp.where(is_used & when, value, 0).reshape(num_states, -1)
    number, slope = pick(is_number, number), pick(~is_number, slope)
    blocks = -(-num_states // 2)

    def kick(i, y):
        bits = random_bits(words, num_states, stream, first=i * blocks)
        change = jnp.sqrt(step) * normal_quantile(signed_uniform(bits)).astype(dtype)
        return y * jnp.exp(slope * change - slope**2 * step / 2) + number * change

    return kick

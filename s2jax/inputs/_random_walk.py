"""Random walks with drift and jumps."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from s2jax.core import checks
from s2jax.core.random import random_bits, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, check_draws
from s2jax.inputs._base import AbstractBatched
from s2jax.inputs._labels import pack, unpack
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import (
    check_degrees,
    check_size,
    sample_degrees,
    sample_innovations,
    sample_normals,
)

_NUM_WORDS = 6


class RandomWalkLaw(eqx.Module):
    """y_t = y_{t-1} + drift + e_t + jump_t, in deviations of e.

    Attributes:
        drift: Of each step.
        degrees_of_freedom: Of Student's law of e, which has variance 1; infinite if it is normal.
        jump_rate: Probability that a step has a jump; 0 if the series has none.
        jump_deviation: Of the normal sizes of jumps; 0 if the series has none.
        jumps: One bit per step, 32 in a word, set where there is a jump; `has_jump` unpacks them.
    """

    drift: Float[Array, "*channels"]
    degrees_of_freedom: Float[Array, "*channels"]
    jump_rate: Float[Array, "*channels"]
    jump_deviation: Float[Array, "*channels"]
    jumps: UInt32[Array, "*channels words"]

    def has_jump(self, length: int) -> Bool[Array, "*channels {length}"]:
        """Whether each step has a jump."""
        return map_channels(lambda law: unpack(law.jumps.T, 1, length) == 1, self, self.drift.shape)


class RandomWalk(AbstractBatched):
    """Random walks with drift, normal or Student's steps, and jumps at random times.

        y_t = y_{t-1} + drift + e_t + jump_t,    y_{-1} = 0

    e_t is of variance 1. A step has a jump with probability `jump_rate`, of normal size with mean
    0. The best forecast is the last value and the drift. Given the parameters, the law of the
    future given the past is tractable where e is normal and there are no jumps: it is normal; with
    jumps, a binomial mixture of normals.

    Attributes:
        drift: Of a step, in deviations of e.
        jump_probability: Probability that a series has jumps.
        jump_rate: Expected number of jumps per step; >= 0 and <= 1.
        jump_deviation: Of the sizes of jumps, in deviations of e; >= 0.
        normal_probability: Probability that e is normal.
        degrees_of_freedom: Of Student's law of the other series; >= 2.1.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> import jax
        >>> law = RandomWalk().sample(jax.random.key(0), n=2, length=40).law
        >>> law.jumps.shape, law.has_jump(40).shape
        ((2, 2), (2, 40))

    References:
        Merton (1976), Option pricing when underlying stock returns are discontinuous.
    """

    drift: AbstractDistribution = Normal(0.0, 0.15)
    jump_probability: Number = number(0.5)
    jump_rate: AbstractDistribution = LogUniform(0.004, 0.06)
    jump_deviation: AbstractDistribution = LogUniform(3.0, 30.0)
    normal_probability: Number = number(0.5)
    degrees_of_freedom: AbstractDistribution = LogUniform(3.0, 30.0)

    def __check_init__(self):
        check_size("RandomWalk", "drift", self.drift)
        checks.check_number("RandomWalk", "jump_probability", self.jump_probability, 0, 1)
        check_draws("RandomWalk", "jump_rate", self.jump_rate, 0, 1, "it is a probability")
        check_size("RandomWalk", "jump_deviation", self.jump_deviation, 0, "it is a deviation")
        check_degrees("RandomWalk", self.degrees_of_freedom, self.normal_probability)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> RandomWalkLaw:
        bits = random_bits(words, _NUM_WORDS, named("law", "parameters"))
        jumps = uniform(bits[0]) < self.jump_probability
        rate = jnp.where(jumps, jnp.clip(self.jump_rate.from_bits(bits[1]), 0, 1), 0)
        chosen = uniform(random_bits(words, length, named("law", "jumps"))) < rate
        return RandomWalkLaw(
            drift=self.drift.from_bits(bits[2]),
            degrees_of_freedom=sample_degrees(
                bits[3:5], self.degrees_of_freedom, self.normal_probability
            ),
            jump_rate=rate,
            jump_deviation=jnp.where(jumps, self.jump_deviation.from_bits(bits[5]), 0),
            jumps=pack(chosen.astype(jnp.int32), 1).T,
        )

    def draw_series(
        self, laws: RandomWalkLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        noise = sample_innovations(words, length, "steps", laws.degrees_of_freedom)
        sizes = laws.jump_deviation * sample_normals(words, length, "sizes")
        steps = laws.drift + noise + jnp.where(unpack(laws.jumps.T, 1, length) == 1, sizes, 0)

        def step(total, value):
            return total + value, total + value

        return jax.lax.scan(step, jnp.zeros_like(laws.drift), steps)[1]

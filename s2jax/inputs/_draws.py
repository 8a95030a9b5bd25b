"""What a family of inputs draws from: named random streams."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

from s2jax.core import checks
from s2jax.core.random import (
    categorical,
    fold_in,
    multiply_high,
    normal_quantile,
    random_bits,
    signed_uniform,
    uniform,
)
from s2jax.core.streams import named
from s2jax.distributions import AbstractDistribution

_MAX_SPAN = 2**31


class Draws:
    """Independent random streams of one channel, one for each name.

    Every method takes a name first, and each name can be drawn once: another draw has another name.
    What is drawn under a name depends on the key, the name and the shape alone, so that a draw may
    be added without moving any other. Draw outside of loops: in the body of `lax.scan` a stream
    would repeat itself at every step. Reals are float32.
    """

    def __init__(self, words: UInt32[Array, "2"], scope: str) -> None:
        self.words = words
        self._scope = scope
        self._names: dict[int, str] = {}

    def bits(self, name: str, shape: tuple[int, ...] = ()) -> UInt32[Array, "..."]:
        """Words of 32 random bits."""
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"draws of {checks.shown(name)}: must be of a name first, because each stream has "
                "one. Pass for example draws.normal('noise', (length,))."
            )
        stream = named(self._scope, name)
        taken = self._names.get(stream)
        if taken is not None:
            same = "twice" if taken == name else f"beside {taken!r}, which has the same stream"
            raise ValueError(
                f"draws of {name!r} in {self._scope}: must not be drawn {same}, because the draws "
                "would be equal. Give this one another name."
            )
        self._names[stream] = name
        if isinstance(shape, (int, np.integer)):
            shape = (int(shape),)
        if not all(isinstance(size, (int, np.integer)) for size in shape):
            raise TypeError(
                f"draws of {name!r} of shape {checks.shown(shape)}: must be of whole numbers that "
                "are known while JAX traces. Declare a field that decides a shape "
                "eqx.field(static=True, default=...); draw the largest number of things and mask."
            )
        count = math.prod(shape)
        return random_bits(self.words[None], count, stream)[:, 0].reshape(shape)

    def key(self, name: str) -> Key[Array, ""]:
        """A key for `jax.random`, where nothing here draws what is needed."""
        return jax.random.wrap_key_data(self.bits(name, (2,)), impl="threefry2x32")

    def within(self, name: str) -> "Draws":
        """Draws of a part, as of a family that this one is made of, with all names of its own."""
        return Draws(self.bits(name, (2,)), self._scope)

    def uniform(
        self, name: str, low: Any = 0.0, high: Any = 1.0, shape: tuple[int, ...] = ()
    ) -> Float[Array, "..."]:
        """Uniform in [low, high)."""
        part = uniform(self.bits(name, shape))
        return low * (1 - part) + high * part

    def log_uniform(
        self, name: str, low: Any, high: Any, shape: tuple[int, ...] = ()
    ) -> Float[Array, "..."]:
        """Uniform in its logarithm between two numbers > 0."""
        low, high = (jnp.asarray(value, jnp.float32) for value in (low, high))
        part = uniform(self.bits(name, shape))
        return jnp.clip(low * jnp.exp(jnp.log(high / low) * part), low, high)

    def normal(self, name: str, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Standard normal, within 5.5 standard deviations."""
        return normal_quantile(signed_uniform(self.bits(name, shape)))

    def exponential(self, name: str, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Exponential with mean 1."""
        return -jnp.log1p(-uniform(self.bits(name, shape)))

    def bernoulli(self, name: str, probability: Any = 0.5, shape: tuple[int, ...] = ()) -> Array:
        """True with this probability."""
        return uniform(self.bits(name, shape)) < probability

    def integers(
        self, name: str, low: Any, high: Any, shape: tuple[int, ...] = ()
    ) -> Int[Array, "..."]:
        """Uniform in {low, ..., high - 1}, as int32; exact to (high - low) * 2**-32."""
        known = checks.is_concrete(low) and checks.is_concrete(high)
        if known and not 0 < int(high) - int(low) < _MAX_SPAN:
            raise ValueError(
                f"draws.integers({name!r}, {low}, {high}): high must be above low by less than "
                "2**31, because draws are int32. Correct the bounds."
            )
        low = jnp.asarray(low).astype(jnp.int32)
        span = (jnp.asarray(high).astype(jnp.int32) - low).astype(jnp.uint32)
        return low + multiply_high(self.bits(name, shape), span).astype(jnp.int32)

    def categorical(
        self, name: str, weights: Any, shape: tuple[int, ...] = ()
    ) -> Int[Array, "..."]:
        """Positions in `weights`, drawn in proportion to them, as int32."""
        return categorical(self.bits(name, shape), jnp.asarray(weights, jnp.float32))

    def sample(
        self, name: str, distribution: AbstractDistribution, shape: tuple[int, ...] = ()
    ) -> Float[Array, "..."]:
        """Numbers of a distribution."""
        return distribution.from_bits(self.bits(name, shape))


def words_within(
    words: UInt32[Array, "channels 2"], scope: str, name: str
) -> UInt32[Array, "channels 2"]:
    """The raw keys that `Draws.within(name)` has for many channels."""
    return random_bits(words, 2, named(scope, name)).T


def words_of_channels(words: UInt32[Array, "rows 2"], count: int) -> UInt32[Array, "items 2"]:
    """Keys of so many channels of each row, which depend on each other, those of a row together."""
    number = jnp.arange(count, dtype=jnp.uint32)
    return fold_in(words[:, None], number[None]).reshape(-1, 2)

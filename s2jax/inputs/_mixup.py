"""Convex combinations of series, as a foundation model's training data are augmented."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.convex import check_concentration, draw_weights
from s2jax.core.part import check_part
from s2jax.core.streams import named
from s2jax.inputs._base import AbstractBatched, AbstractFamily, AbstractInput
from s2jax.inputs._draws import words_within


class MixupLaw(eqx.Module):
    """What a mixed series is made of.

    Attributes:
        parts: The laws of the series, used or not, of shape (*channels, parts).
        count: How many are used: the first ones.
        weights: Their weights, which sum to 1; 0 where a series is not used.

    Example:
        >>> import jax
        >>> from s2jax import inputs
        >>> mixup = TSMixup(inputs.Mixture(max_components=2), max_parts=2)
        >>> mixup.sample(jax.random.key(0), n=4, length=32).law.parts.means.shape
        (4, 2, 2)
    """

    parts: Any
    count: Int[Array, "*channels"]
    weights: Float[Array, "*channels parts"]


class TSMixup(AbstractBatched):
    """y = sum_i w_i z_i, a convex combination of k series of one family.

    k is uniform in {1, ..., max_parts}, the weights of the first k series are from the symmetric
    Dirichlet law, and z_i is series i over its mean absolute value. The published generator mixes
    windows of real series: `TSMixup(Given(series))`.

    Attributes:
        family: What series are drawn from: any family of single channels, choices too.
        max_parts: Largest k; so many series are drawn for every channel. Static.
        concentration: Of the Dirichlet law, a multiple of 1/2, of which the gamma law is a sum of
            exponentials and the square of a normal. Static.

    Raises:
        TypeError: If `family` is no family of single channels.
        ValueError: If a number is out of range.

    Example:
        >>> import jax, numpy as np
        >>> from s2jax import inputs
        >>> mixup = TSMixup(inputs.Given(np.sin(np.arange(300.0))), max_parts=2)
        >>> mixup.sample(jax.random.key(0), n=4, length=32).law.weights.shape
        (4, 2)

    References:
        Ansari et al. (2024), Chronos: Learning the language of time series, section 4.1 and
        algorithm 1, with K = 3 and alpha = 1.5.
    """

    family: AbstractInput
    max_parts: int = eqx.field(static=True, default=3)
    concentration: float = eqx.field(static=True, default=1.5)

    def __check_init__(self):
        check_part("TSMixup", "family", self.family, AbstractFamily)
        if not isinstance(self.family, AbstractInput):
            raise TypeError(
                f"TSMixup(family={checks.shown(self.family)}): must be a family of single "
                "channels, because one channel is made at a time."
            )
        checks.check_static_integer("TSMixup", "max_parts", self.max_parts, 1, 16)
        check_concentration("TSMixup", self.concentration)

    def check_length(self, length: int) -> None:
        self.family.check_length(length)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> MixupLaw:
        most, channels = self.max_parts, len(words)
        stream = named("law", "weights")
        count, weights = draw_weights(words, stream, most, self.concentration)
        laws = self.family.draw_laws(self._keys(words, "law"), length)
        by_channel = lambda leaf: leaf.reshape(most, channels, *leaf.shape[1:]).swapaxes(0, 1)
        return MixupLaw(jax.tree.map(by_channel, laws), count, weights.T)

    def draw_series(
        self, laws: MixupLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        most, channels = self.max_parts, len(words)
        by_part = lambda leaf: leaf.swapaxes(0, 1).reshape(most * channels, *leaf.shape[2:])
        parts = jax.tree.map(by_part, laws.parts)
        series = self.family.draw_series(parts, self._keys(words, "series"), length)
        size = jnp.abs(series).mean(0)
        series = series / jnp.where(size > 0, size, 1)
        series = series.reshape(length, most, channels)
        # a series that is not used may have overflowed
        used = jnp.arange(most)[:, None] < laws.count
        return jnp.where(used, series * laws.weights.T, 0).sum(1)

    def _keys(self, words: UInt32[Array, "channels 2"], scope: str) -> UInt32[Array, "keys 2"]:
        """Keys of all parts: those of part 0 of all channels first."""
        names = [f"part {index}" for index in range(self.max_parts)]
        return jnp.concatenate([words_within(words, scope, name) for name in names])

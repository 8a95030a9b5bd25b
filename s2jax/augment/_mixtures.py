"""Augmentations that mix rows: what a row becomes depends on others of its batch."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from s2jax.augment._base import AbstractAugmentation
from s2jax.core import checks
from s2jax.core.convex import check_concentration, draw_weights
from s2jax.core.random import random_bits
from s2jax.core.streams import named
from s2jax.core.types import Words
from s2jax.distributions import AbstractDistribution, Uniform, check_draws, distribution
from s2jax.transforms import mean_abs


class Mixup(AbstractAugmentation):
    """w y + (1 - w) z, z another row of the batch, by which no other row is mixed.

    All rows are put in a random order, and each is mixed with the next one, so that a row depends
    on its batch: another number of rows gives it another partner. One row alone stays as it is.

    Labels: y = f(x) does not hold; that of w f(x) + (1 - w) g(x') does, g and x' of the other row.

    Attributes:
        weight: w. `Uniform(0.5, 1)` is the Beta(1, 1) law of the weight of the larger part; a fixed
            number is that of s2generator.

    Raises:
        ValueError: If `weight` is not between 0 and 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> Mixup(weight=0.75)(jax.random.key(0), jnp.array([[0.0, 0.0], [4.0, 8.0]])).tolist()
        [[1.0, 2.0], [3.0, 6.0]]

    References:
        Zhang et al. (2018), mixup: Beyond empirical risk minimization.
    """

    weight: AbstractDistribution = distribution(Uniform(0.5, 1.0))

    def __check_init__(self):
        check_draws("Mixup", "weight", self.weight, 0, 1, "it is the share of the row itself")

    def augment_rows(self, words, series):
        bits = random_bits(words, 1, named("augment", "weight"))[0]
        weight = jnp.clip(self.weight.from_bits(bits), 0, 1).astype(series.dtype)[:, None, None]
        return weight * series + (1 - weight) * series[_partners(words, 2)[1]]


class TSMixup(AbstractAugmentation):
    """m(y) sum_i w_i z_i / m(z_i): the row itself, z_1, and rows of its batch, in its own units.

    As `s2jax.inputs.TSMixup` of rows: their number is uniform in {1, ..., max_parts}, the weights
    are of the symmetric Dirichlet law, and m is the mean absolute value of a channel. Rows are put
    in a random order, and each is mixed with those that follow, again with the first ones where
    rows are few: a row depends on its batch.

    Labels: y = f(x) does not hold.

    Attributes:
        max_parts: Most rows that are mixed, the row itself among them. Static.
        concentration: Of the Dirichlet law, a multiple of 1/2. Static.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> TSMixup(max_parts=2)(jax.random.key(0), jnp.ones((4, 2, 16))).shape
        (4, 2, 16)

    References:
        Ansari et al. (2024), Chronos: Learning the language of time series, section 4.1 and
        algorithm 1, with K = 3 and alpha = 1.5.
    """

    max_parts: int = eqx.field(static=True, default=3)
    concentration: float = eqx.field(static=True, default=1.5)

    def __check_init__(self):
        checks.check_static_integer("TSMixup", "max_parts", self.max_parts, 1, 16)
        check_concentration("TSMixup", self.concentration)

    def augment_rows(self, words, series):
        size, partners = mean_abs(series).scale, _partners(words, self.max_parts)
        stream = named("augment", "weights")
        _, weights = draw_weights(words, stream, self.max_parts, self.concentration)
        factors = weights.astype(series.dtype)[..., None] * size / size[partners]
        # part by part: XLA's sum over the first axis of what is gathered takes sixty times as long
        parts = [f[..., None] * series[p] for f, p in zip(factors, partners, strict=True)]
        return sum(parts[1:], parts[0])


def _partners(words: Words, count: int) -> Int[Array, "{count} rows"]:
    """For each row its own number, and those of the rows that follow it in one random circle."""
    rows = len(words)
    order = jnp.argsort(random_bits(words, 1, named("augment", "order"))[0]).astype(jnp.int32)
    place = jnp.zeros(rows, jnp.int32).at[order].set(jnp.arange(rows, dtype=jnp.int32))
    return order[(place + jnp.arange(count, dtype=jnp.int32)[:, None]) % rows]

"""Families made of others: weighted sums and products of their series."""

import abc
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.random import random_bits
from s2jax.core.streams import named
from s2jax.core.types import Number
from s2jax.distributions import AbstractDistribution, Constant, LogUniform, check_list
from s2jax.inputs._base import AbstractBatched, AbstractFamily, AbstractInput
from s2jax.inputs._draws import words_within

_GAINS = LogUniform(0.1, 1.0)


class CombinedLaw(eqx.Module):
    """What a sum or a product is made of.

    Attributes:
        parts: The law of each family, in order.
        gains: What each standardised series was multiplied by.

    Example:
        >>> import jax
        >>> from s2jax import inputs
        >>> both = Add([inputs.Mixture(max_components=2), inputs.Mixture()])
        >>> both.sample(jax.random.key(0), n=3, length=32).law.parts[0].means.shape
        (3, 2)
    """

    parts: tuple[Any, ...]
    gains: Float[Array, "*channels parts"]


class AbstractCombination(AbstractBatched):
    """Several families drawn for one channel, each standardised and multiplied by a drawn gain."""

    families: eqx.AbstractVar[tuple[AbstractInput, ...]]
    gains: eqx.AbstractVar[tuple[AbstractDistribution, ...]]

    def __check_init__(self):
        owner = type(self).__name__
        for index, family in enumerate(self.families):
            name = f"families[{index}]"
            check_part(owner, name, family, AbstractFamily)
            if not isinstance(family, AbstractInput):
                raise TypeError(
                    f"{owner}({name}={checks.shown(family)}): must be a family of single channels, "
                    "because one channel is made at a time. Choose it by s2jax.inputs.Choice."
                )
        if len(self.families) < 2 or len(self.gains) != len(self.families):
            raise ValueError(
                f"{owner}({len(self.families)} families, {len(self.gains)} gains): there must be "
                "at least two families, and one gain for each. Give as many gains as families."
            )
        for index, gain in enumerate(self.gains):
            check_part(owner, f"gains[{index}]", gain, AbstractDistribution)

    @abc.abstractmethod
    def join(self, terms: list[Float[Array, "time channels"]]) -> Float[Array, "time channels"]:
        """One series per channel of the terms, each with mean 0 and its gain as deviation."""

    def check_length(self, length: int) -> None:
        for family in self.families:
            family.check_length(length)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> CombinedLaw:
        bits = random_bits(words, len(self.gains), named("law", "gains"))
        gains = [gain.from_bits(row) for gain, row in zip(self.gains, bits, strict=True)]
        parts = [
            family.draw_laws(words_within(words, "law", f"part {index}"), length)
            for index, family in enumerate(self.families)
        ]
        return CombinedLaw(tuple(parts), jnp.stack(gains, axis=1))

    def draw_series(
        self, laws: CombinedLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        terms = []
        for index, (family, law) in enumerate(zip(self.families, laws.parts, strict=True)):
            own = words_within(words, "series", f"part {index}")
            terms.append(laws.gains[:, index] * standardise(family.draw_series(law, own, length)))
        return self.join(terms)


def standardise(series: Float[Array, "time channels"]) -> Float[Array, "time channels"]:
    """Series with mean 0 and deviation 1 over time; zeros where there is no deviation."""
    # the mean of a constant may be another number, by rounding
    centred = jnp.where(series.max(0) > series.min(0), series - series.mean(0), 0)
    # by its largest value first: the squares of large series overflow, those of small ones vanish
    largest = jnp.abs(centred).max(0)
    centred = centred / jnp.where(largest > 0, largest, 1)
    deviation = jnp.sqrt((centred * centred).mean(0))
    return centred / jnp.where(deviation > 0, deviation, 1)


def to_share(series: Float[Array, "time channels"]) -> Float[Array, "time channels"]:
    """Series brought to [0, 1] from the least to the largest value; 1 where they are constant."""
    low, high = series.min(0), series.max(0)
    is_flat = high <= low
    return jnp.where(is_flat, 1, (series - low) / jnp.where(is_flat, 1, high - low))


def _as_gains(gains: Any, count: int) -> tuple[Any, ...]:
    """One law for each family, of one law for all or of a list of laws and numbers."""
    if isinstance(gains, (list, tuple)):
        return tuple(
            gain if isinstance(gain, AbstractDistribution) else Constant(gain) for gain in gains
        )
    return (gains if isinstance(gains, AbstractDistribution) else Constant(gains),) * count


class Add(AbstractCombination):
    """A sum of families, y = sum_k g_k z_k.

    z_k is the series of family k with mean 0 and deviation 1, and the gains g_k are drawn anew for
    every channel. All families are drawn for every channel, so that a sum costs the sum of theirs;
    their laws are kept.

    Attributes:
        families: At least two families of single channels; sums, products and choices too.
        gains: The law of all gains, or a list of laws and numbers, one for each family.

    Raises:
        TypeError: If one is no family of single channels, or a gain no law.
        ValueError: If there are fewer than two families, or the gains do not fit them.

    Example:
        >>> import jax
        >>> from s2jax import inputs
        >>> both = Add([inputs.ARMA(), inputs.Mixture()], gains=[1.0, 0.2])
        >>> both.sample(jax.random.key(0), n=3, length=32).law.gains.tolist()[0]
        [1.0, 0.20000000298023224]
    """

    families: tuple[AbstractInput, ...]
    gains: tuple[AbstractDistribution, ...]

    def __init__(self, families, gains=_GAINS):
        self.families = _as_families("Add", families)
        self.gains = _as_gains(gains, len(self.families))

    def join(self, terms):
        return sum(terms[1:], terms[0])


class Multiply(AbstractCombination):
    """A product of families, y = prod_k (o_k + g_k z_k).

    z_k is the series of family k with mean 0 and deviation 1, and the gains g_k are drawn anew for
    every channel. With offset 0 a factor is a carrier, whose sign changes; with offset 1 it is an
    envelope or a level, around which the others vary. All families are drawn for every channel.

    Attributes:
        families: At least two families of single channels; sums, products and choices too.
        gains: The law of all gains, or a list of laws and numbers, one for each family.
        offsets: o_k, a number for each family; 1 if not given.

    Raises:
        TypeError: If one is no family of single channels, or a gain no law.
        ValueError: If there are fewer than two families, or gains or offsets do not fit them.

    Example:
        >>> from s2jax import inputs
        >>> Multiply([inputs.ARMA(), inputs.ARMA(max_ma_order=1)], offsets=[0, 1]).offsets
        (0, 1)
    """

    families: tuple[AbstractInput, ...]
    gains: tuple[AbstractDistribution, ...]
    offsets: Sequence[Number]

    def __init__(self, families, gains=_GAINS, offsets=None):
        self.families = _as_families("Multiply", families)
        self.gains = _as_gains(gains, len(self.families))
        check_list("Multiply", "offsets", offsets, optional=True)
        self.offsets = (1.0,) * len(self.families) if offsets is None else tuple(offsets)

    def __check_init__(self):
        if len(self.offsets) != len(self.families):
            raise ValueError(
                f"Multiply({len(self.families)} families, {len(self.offsets)} offsets): there must "
                "be one offset for each family. Give as many offsets as families."
            )
        for index, offset in enumerate(self.offsets):
            checks.check_number("Multiply", f"offsets[{index}]", offset, -1e6, 1e6)

    def join(self, terms):
        out = self.offsets[0] + terms[0]
        for offset, term in zip(self.offsets[1:], terms[1:], strict=True):
            out = out * (offset + term)
        return out


def _as_families(owner: str, families: Any) -> tuple[Any, ...]:
    if isinstance(families, (list, tuple)):
        return tuple(families)
    raise TypeError(
        f"{owner}(families={checks.shown(families)}): must be a list of input families. Pass for "
        "example [s2jax.inputs.ARMA(), s2jax.inputs.Mixture()]."
    )

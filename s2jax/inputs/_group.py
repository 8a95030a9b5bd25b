"""Families that one computation serves, as a choice sorts them."""

import functools
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from s2jax.core.part import signature_of
from s2jax.core.types import Words
from s2jax.inputs._process import AbstractProcess, merge
from s2jax.inputs.columns import label_of

_LAW_SHAPES: dict[Any, Any] = {}
"""By families, number of channels and length; a few for every configuration of a process."""


class Group(NamedTuple):
    """Families that one computation serves.

    Attributes:
        families: The families.
        indices: Their indices in the choice.
        makes_rows: Whether they draw all channels of a row as one.
    """

    families: tuple[Any, ...]
    indices: tuple[int, ...]
    makes_rows: bool

    @property
    def label(self) -> str:
        """What columns of a corpus are named after."""
        one = self.families[0]
        return "process" if isinstance(one, AbstractProcess) else label_of(type(one))

    def owns(self, family: Int[Array, "*items"]) -> Bool[Array, "*items"]:
        """Which items are of these families."""
        return is_among(family, self.indices)

    def law_shapes(self, channels: int, length: int) -> Any:
        """Shapes and dtypes of the laws of one row."""
        known = (*signature_of(self.families), self.indices, channels, length)
        if known not in _LAW_SHAPES:  # tracing all families takes longer than writing a file
            _LAW_SHAPES[known] = self._trace_laws(channels, length)
        return _LAW_SHAPES[known]

    def _trace_laws(self, channels: int, length: int) -> Any:
        one = jax.eval_shape(
            lambda words: self.draw_laws(words, jnp.zeros(1, jnp.int32), channels, length),
            jax.ShapeDtypeStruct((1, 2), jnp.uint32),
        )
        axes = () if self.makes_rows else (channels,)
        of_row = lambda leaf: jax.ShapeDtypeStruct((*axes, *leaf.shape[1:]), leaf.dtype)
        return jax.tree.map(of_row, one)

    def draw_laws(self, words: Words, family: Int[Array, " items"], channels: int, length: int):
        """The laws of items, of which `family` tells the family."""
        if self.makes_rows:
            return self.families[0].draw_laws(words, channels, length)
        laws = [member.draw_laws(words, length) for member in self.families]
        if len(laws) == 1:
            return laws[0]
        rank = jnp.zeros_like(family)
        for position, index in enumerate(self.indices):
            rank = jnp.where(family == index, position, rank)
        return merge(laws, rank)

    def draw(self, words: Words, family: Array, channels: int, length: int, store):
        """The series of items, time first, and their laws, as `store` keeps them."""
        if not self.makes_rows:
            laws = store(self.draw_laws(words, family, channels, length))
            return laws, self.families[0].draw_series(laws, words, length)
        laws, rows = self.families[0].draw_rows(words, channels, length, store)
        return laws, rows.reshape(-1, length).T

    def draw_series(self, laws, words: Words, channels: int, length: int):
        """The series of items, time first."""
        if not self.makes_rows:
            return self.families[0].draw_series(laws, words, length)
        rows = self.families[0].draw_series(laws, words, channels, length)
        return rows.reshape(-1, length).T


def is_among(family: Any, indices: tuple[int, ...]) -> Any:
    return functools.reduce(operator.or_, [family == index for index in indices])

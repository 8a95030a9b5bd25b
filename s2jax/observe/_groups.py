"""Effects by what computes them, and their laws as words."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core.items import choose_items
from s2jax.core.part import signature_of
from s2jax.core.queue import Queue
from s2jax.core.types import Words
from s2jax.core.words import Layout
from s2jax.inputs.columns import label_of
from s2jax.observe._base import AbstractEffect, AbstractShared, summarize
from s2jax.observe._record import EffectKind

_KINDS: dict[Any, tuple[EffectKind, ...]] = {}
"""By effects and length."""


class Group(NamedTuple):
    """Effects that one computation serves, and their places in the observation."""

    effects: tuple[AbstractEffect, ...]
    places: tuple[int, ...]

    @property
    def hides(self) -> bool:
        """Whether values may be missing after these effects."""
        return any(effect.hides for effect in self.effects)

    def compute(self, kinds: Sequence[EffectKind], laws, effect, words, series, observed):
        """What channels are measured as whose laws are these words."""
        decode = lambda place: kinds[place].layout.decode(laws[:, : kinds[place].layout.size])
        numbers = [
            one.to_numbers(decode(place))
            for one, place in zip(self.effects, self.places, strict=True)
        ]
        chosen = numbers[0]
        for place, other in zip(self.places[1:], numbers[1:], strict=True):
            chosen = choose_items(effect == place, other, chosen)
        new, seen = self.effects[0].compute(chosen, words, series, observed)
        return new.astype(series.dtype), seen


def groups_of(effects: Sequence[AbstractEffect]) -> list[Group]:
    """The effects by what computes them."""
    places: dict[Any, list[int]] = {}
    for place, effect in enumerate(effects):
        shared = isinstance(effect, AbstractShared)
        places.setdefault(type(effect).compute if shared else place, []).append(place)
    return [Group(tuple(effects[place] for place in own), tuple(own)) for own in places.values()]


def queue_of(groups: Sequence[Group], effect: Int[Array, " channels"]) -> Queue:
    """Channels in the order of the groups of their effects; -1 is none."""
    group_of = np.zeros(sum(len(group.places) for group in groups), np.int32)
    for position, group in enumerate(groups):
        group_of[list(group.places)] = position
    group = jnp.where(effect < 0, len(groups) + 1, jnp.asarray(group_of)[effect])
    return Queue.of(group, len(groups))


def kinds_of(effects: Sequence[AbstractEffect], length: int) -> tuple[EffectKind, ...]:
    """The effects as records know them."""
    known = (*signature_of(tuple(effects)), length)
    if known not in _KINDS:  # tracing all effects takes longer than measuring some series
        _KINDS[known] = _trace_kinds(effects, length)
    return _KINDS[known]


def _trace_kinds(effects: Sequence[AbstractEffect], length: int) -> tuple[EffectKind, ...]:
    words = jax.ShapeDtypeStruct((1, 2), jnp.uint32)
    series = jax.ShapeDtypeStruct((1, length), jnp.result_type(float))

    def draw(words, series):
        summary = summarize(series)
        return [effect.draw_laws(words, summary, length) for effect in effects]

    of_channel = lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)
    return tuple(
        EffectKind(label_of(type(effect)), Layout.of(jax.tree.map(of_channel, law)))
        for effect, law in zip(effects, jax.eval_shape(draw, words, series), strict=True)
    )


def width_of(kinds: Sequence[EffectKind]) -> int:
    """Words of the longest law; one at least, because columns of none cannot be stored."""
    return max(1, *(kind.layout.size for kind in kinds))


def draw_laws(
    effects: Sequence[AbstractEffect], kinds: Sequence[EffectKind], width: int, words: Words,
    effect: Int[Array, " channels"], series: Float[Array, "channels time"],
) -> UInt32[Array, "channels width"]:  # fmt: skip
    """The laws of the effects of channels, as words.

    All effects draw for all channels, from the same few streams, which costs less than to compile
    what draws for each group of them.
    """
    summary, length = summarize(series), series.shape[1]
    found = jnp.zeros((len(words), width), jnp.uint32)
    for place, (one, kind) in enumerate(zip(effects, kinds, strict=True)):
        laws = one.draw_laws(words, summary, length)
        own = kind.layout.encode(laws, (len(words),), width)
        found = jnp.where((effect == place)[:, None], own, found)
    return found


def join(law: UInt32[Array, "channels width"], keys: Words, effect: Int[Array, " channels"]):
    """What is known of the next effect of each channel as one array, which is moved as one."""
    return jnp.concatenate([law, keys, effect.astype(jnp.uint32)[:, None]], axis=1)


def split(about: UInt32[Array, "channels width_and_three"]) -> tuple[Array, Array, Array]:
    """The inverse of `join`."""
    return about[:, :-3], about[:, -3:-1], about[:, -1].astype(jnp.int32)

"""Input channels while they are made: each family draws the channels that chose it, in tiles."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.config import Config, Standardize
from s2jax.core.random import fold_in, uniform
from s2jax.core.streams import ROW_INPUT
from s2jax.core.types import Words
from s2jax.core.words import count_words, from_words, to_words
from s2jax.inputs import Source
from s2jax.inputs.choice import Group
from s2jax.targets.acceptance import Moments, is_usable_input, moments


class Channels(NamedTuple):
    """Input channels of rows.

    Few arrays, because each is moved by code of its own, which is compiled.

    Attributes:
        x: The scaled series; 0 where a row does not use the channel.
        family: The family of each channel in the choice.
        laws: What each group of families drew, as words: `(rows, inputs, words)`, of a group that
            makes whole rows `(rows, words)`; 0 for channels of other groups.
        scaling: Scale, shift, and 1 unless the row uses the channel and its series cannot be used.
        mask: Whether the row uses the channel.
    """

    x: Float[Array, "rows inputs time"]
    family: Int[Array, "rows inputs"]
    laws: tuple[UInt32[Array, "..."], ...]
    scaling: Float[Array, "rows inputs 3"]
    mask: Bool[Array, "rows inputs"]

    @property
    def usable(self) -> Bool[Array, " rows"]:
        """Whether all channels that a row uses can be used."""
        return (self.scaling[..., 2] > 0).all(1)

    def source(self, config: Config) -> Source:
        """Where the channels come from, the laws as they were drawn."""
        laws = []
        for words, law in zip(self.laws, _laws_of_items(config), strict=True):
            items = words.reshape(-1, words.shape[-1])
            found, axes = from_words(items, law), words.shape[:-1]
            laws.append(jax.tree.map(lambda leaf, a=axes: leaf.reshape(*a, *leaf.shape[1:]), found))
        return Source(self.family, tuple(laws))


class _Made(NamedTuple):
    """What a group makes of channels or, where it makes rows, of rows; the first axis is theirs.

    Few arrays, because each is moved by code of its own, which is compiled for every group.

    Attributes:
        laws: What the group drew, as words.
        x: The scaled series.
        scaling: Scale, shift, and 1 where the series can be used.
    """

    laws: UInt32[Array, "items words"]
    x: Float[Array, "..."]
    scaling: Float[Array, "... 3"]


def no_channels(config: Config, num_rows: int) -> Channels:
    """Channels that no row uses."""
    num_inputs, real = config.num_inputs, jnp.result_type(float)
    shape = (num_rows, num_inputs)
    laws = []
    for group, law in zip(config.choice.groups, _laws_of_items(config), strict=False):
        axes = (num_rows,) if group.makes_rows else shape
        laws.append(jnp.zeros((*axes, count_words(law)), jnp.uint32))
    return Channels(
        x=jnp.zeros((*shape, config.length), real),
        family=jnp.zeros(shape, jnp.int32),
        laws=tuple(laws),
        scaling=jnp.broadcast_to(jnp.array([1, 0, 1], real), (*shape, 3)),
        mask=jnp.zeros(shape, bool),
    )


def draw_channels(
    old: Channels, keys: Words, config: Config, mask: Bool[Array, "rows inputs"],
    wanted: Bool[Array, " rows"], bits: Array, tile: int,
) -> Channels:  # fmt: skip
    """Draw the inputs of the wanted rows; channels not used are zero.

    Channels stand in the order of their families, and each group of families draws tiles of its
    own: of one fixed size, so that caches hold a tile and the compiled arithmetic of a row does not
    depend on the batch.

    Args:
        old: What is known so far; rows that are not wanted have been drawn with these keys.
        keys: One raw key per row.
        config: What to draw.
        mask: Which channels are used.
        wanted: Which rows to draw.
        bits: A word of random bits per row, for the scale of its channels.
        tile: Channels drawn at a time. Static.
    """
    choice, (num_rows, num_inputs) = config.choice, mask.shape
    by_channel = lambda leaf: jnp.repeat(leaf, num_inputs, axis=0)
    channel = jnp.tile(jnp.arange(num_inputs, dtype=jnp.uint32), num_rows)
    flat = lambda leaf: leaf.reshape(num_rows * num_inputs, *leaf.shape[2:])
    by_row = lambda leaf: leaf.reshape(num_rows, num_inputs, *leaf.shape[1:])
    family = by_row(choice.draw_families(keys, fold_in(by_channel(keys), channel)))
    everything = len(choice.groups) == 1 and config.draws_all_inputs
    clear = lambda new, old: jnp.where(wanted.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
    known = jax.tree.map(clear, no_channels(config, num_rows), old)
    x, scaling, laws = known.x, known.scaling, []
    for group, item, own in zip(choice.groups, _laws_of_items(config), known.laws, strict=True):
        make, is_own = _maker(config, group, item), group.owns(family) & mask & wanted[:, None]
        if group.makes_rows:
            number = jnp.full(num_rows, ROW_INPUT, jnp.uint32)
            items = (keys, number, family[:, 0], mask, bits)
            state = _Made(own, x, scaling)
            rows_at_a_time = max(1, tile // num_inputs)
            state = _by_tiles(make, items, state, is_own[:, 0], everything, rows_at_a_time)
        else:
            items = (by_channel(keys), channel, flat(family), flat(mask), by_channel(bits))
            state = _Made(flat(own), flat(x), flat(scaling))
            state = _by_tiles(make, items, state, flat(is_own), everything, tile)
            state = _Made(*map(by_row, state))
        laws.append(state.laws)
        x, scaling = state.x, state.scaling
    return Channels(x, family, tuple(laws), scaling, mask)


def _laws_of_items(config: Config) -> list[Any]:
    """Shapes and dtypes of what each group draws for a channel or, where it makes rows, a row."""
    shapes = config.choice.law_shapes(config.num_inputs, config.length)
    groups = config.choice.groups[: len(shapes)]  # of no channels there are no laws
    of_channel = lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)
    return [
        law if group.makes_rows else jax.tree.map(of_channel, law)
        for group, law in zip(groups, shapes, strict=True)
    ]


def _by_tiles(
    make: Callable[..., _Made], items: tuple[Array, ...], state: _Made,
    wanted: Bool[Array, " items"], everything: bool, tile: int,
) -> _Made:  # fmt: skip
    """Make the wanted items, or all of them, a tile at a time."""
    num_items = wanted.shape[0]
    size = min(tile, num_items)
    if everything:  # they stand together: tiles are cut out, the last may overlap
        grow = lambda leaf: jnp.pad(leaf, ((0, tile - size), *((0, 0),) * (leaf.ndim - 1)))
        items = tuple(map(grow, items))

        def step(i, state):
            start = jnp.minimum(i * tile, num_items - size)
            cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, tile)
            put = lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new[:size], start, 0)
            return jax.tree.map(put, state, make(*map(cut, items)))

        count = jnp.int32(num_items)
    else:
        order = jnp.argsort(~wanted, stable=True).astype(jnp.int32)
        count = wanted.sum(dtype=jnp.int32)
        lane = jnp.arange(tile, dtype=jnp.int32)

        def step(i, state):
            place = i * tile + lane
            item = order[jnp.minimum(place, num_items - 1)]
            target = jnp.where(place < count, item, num_items)
            put = lambda old, new: old.at[target].set(new, mode="drop")
            return jax.tree.map(put, state, make(*(leaf[item] for leaf in items)))

    return jax.lax.fori_loop(jnp.int32(0), (count + tile - 1) // tile, step, state)


def _maker(config: Config, group: Group, item: Any) -> Callable[..., _Made]:
    """What draws and scales a tile of channels, or of rows of channels, with laws like `item`."""

    def make(keys: Words, number, family: Int[Array, " items"], mask, bits) -> _Made:
        # here, not before: XLA looks up what is read from outside anew for every word drawn
        words = fold_in(keys, number)
        laws = group.draw_laws(words, family, config.num_inputs, config.length)
        # stored: XLA would make what is computed for a channel part of the loops over its steps
        stored = jax.lax.optimization_barrier(to_words(laws, len(words)))
        laws = from_words(stored, item)
        raw = group.draw_series(laws, words, config.num_inputs, config.length)
        # draws have the resolution of float32; what follows has that of the default float
        raw = raw.astype(jnp.result_type(float))
        stats = moments(raw, axis=0)
        usable, used = is_usable_input(stats), mask.reshape(-1)
        bits = jnp.repeat(bits, used.shape[0] // bits.shape[0])
        scale, shift = draw_scaling(config.x_scaling, bits, stats)
        good = usable & used
        scale, shift = jnp.where(good, scale, 1), jnp.where(good, shift, 0)
        x = jnp.where(good[:, None], raw.T * scale[:, None] + shift[:, None], 0)
        scaling = jnp.stack([scale, shift, (usable | ~used).astype(scale.dtype)], axis=1)
        by_item = lambda leaf: leaf.reshape(*mask.shape, *leaf.shape[1:])
        return _Made(stored, by_item(x), by_item(scaling))

    return make


def draw_scaling(scaling: Standardize | None, bits, stats: Moments):
    """Scale and shift of each series: 1 and 0 where there is nothing to scale."""
    if scaling is None:
        return jnp.ones_like(stats.mean), jnp.zeros_like(stats.mean)
    # (low, high] rather than [low, high): the factor is never 0
    part = uniform(bits).astype(stats.mean.dtype)
    factor = scaling.high - (scaling.high - scaling.low) * part
    scale = factor / stats.deviation
    return scale, -stats.mean * scale

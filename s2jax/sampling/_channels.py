"""Input channels while they are made: each family draws the channels that chose it, in tiles."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.config import Config, Standardize
from s2jax.core.queue import Queue
from s2jax.core.random import fold_in, uniform
from s2jax.core.streams import ROW_INPUT
from s2jax.core.types import Words
from s2jax.inputs import Source
from s2jax.inputs.choice import Kind, word_shapes
from s2jax.targets.acceptance import Moments, is_usable_input, moments


class Channels(NamedTuple):
    """Input channels of rows.

    Few arrays, because each is moved by code of its own, which is compiled.

    Attributes:
        x: The scaled series; 0 where a row does not use the channel.
        family: The family of each channel in the choice.
        words: The law of each channel, as `Source` keeps it.
        row_words: The law of each row, of families that make whole rows.
        scaling: Scale, shift, and 1 unless the row uses the channel and its series cannot be used.
        mask: Whether the row uses the channel.
    """

    x: Float[Array, "rows inputs time"]
    family: Int[Array, "rows inputs"]
    words: UInt32[Array, "rows inputs words"]
    row_words: UInt32[Array, "rows words_of_rows"]
    scaling: Float[Array, "rows inputs 3"]
    mask: Bool[Array, "rows inputs"]

    @property
    def usable(self) -> Bool[Array, " rows"]:
        """Whether all channels that a row uses can be used."""
        return (self.scaling[..., 2] > 0).all(1)

    def source(self, config: Config) -> Source:
        """Where the channels come from."""
        return Source(self.family, self.words, self.row_words, _kinds(config))


def no_channels(config: Config, num_rows: int) -> Channels:
    """Channels that no row uses."""
    real, shape = jnp.result_type(float), (num_rows, config.num_inputs)
    family = jnp.zeros(shape, jnp.int32)
    words, row_words = (jnp.zeros(s, jnp.uint32) for s in word_shapes(family, _kinds(config)))
    return Channels(
        x=jnp.zeros((*shape, config.num_ticks), real),
        family=family,
        words=words,
        row_words=row_words,
        scaling=jnp.broadcast_to(jnp.array([1, 0, 1], real), (*shape, 3)),
        mask=jnp.zeros(shape, bool),
    )


def draw_channels(
    old: Channels, keys: Words, config: Config, mask: Bool[Array, "rows inputs"],
    wanted: Bool[Array, " rows"], bits: Array, tile: int, loops: bool,
) -> Channels:  # fmt: skip
    """Draw the inputs of the wanted rows; channels not used are zero.

    Channels stand in the order of their families, and each group of families draws tiles of its
    own: of one fixed size, so that caches hold a tile and the compiled arithmetic of a row does not
    depend on the batch. What all groups have in common is done for all channels after that: code
    is compiled once, not for every group.

    Args:
        old: What is known so far; rows that are not wanted have been drawn with these keys.
        keys: One raw key per row.
        config: What to draw.
        mask: Which channels are used.
        wanted: Which rows to draw.
        bits: A word of random bits per row, for the scale of its channels.
        tile: Channels drawn at a time. Static.
        loops: Whether a group without channels is passed over; see `Queue.change`. Static.
    """
    groups, (num_rows, num_inputs) = config.choice.groups, mask.shape
    by_channel = lambda leaf: jnp.repeat(leaf, num_inputs, axis=0)
    flat = lambda leaf: leaf.reshape(num_rows * num_inputs, *leaf.shape[2:])
    by_row = lambda leaf: leaf.reshape(num_rows, num_inputs, *leaf.shape[1:])
    number = jnp.tile(jnp.arange(num_inputs, dtype=jnp.uint32), num_rows)
    family = by_row(config.choice.draw_families(keys, fold_in(by_channel(keys), number)))
    of_channels = by_channel(keys), number, flat(family)
    of_rows = keys, jnp.full(num_rows, ROW_INPUT, jnp.uint32), family[:, 0]
    rows_at_a_time = max(1, tile // num_inputs)
    if len(groups) == 1 and config.draws_all_inputs:  # tiles are cut out of what stands in order
        if groups[0].makes_rows:
            state, items = (old.row_words, old.x, old.scaling), (*of_rows, mask, bits)
            row_words, x, scaling = _draw_all(config, state, items, rows_at_a_time)
            return Channels(x, family, old.words, row_words, scaling, mask)
        state = flat(old.words), flat(old.x), flat(old.scaling)
        items = *of_channels, flat(mask), by_channel(bits)
        words, x, scaling = map(by_row, _draw_all(config, state, items, tile))
        return Channels(x, family, words, old.row_words, scaling, mask)

    nobody = len(groups)  # draws channels that wanted rows do not use; other rows come last
    group = jnp.where(mask, jnp.asarray(config.choice.group_of)[family], nobody)
    group = jnp.where(wanted[:, None], group, nobody + 1)
    queue, row_queue = Queue.of(flat(group), nobody), Queue.of(group[:, 0], nobody)
    clear = lambda leaf: jnp.where(wanted.reshape(-1, *(1,) * (leaf.ndim - 1)), 0, leaf)
    words, row_words, x = flat(clear(old.words)), clear(old.row_words), flat(old.x)
    for position, one in enumerate(groups):
        draw = _drawer(config, position, (row_words if one.makes_rows else words).shape[-1])
        if one.makes_rows:
            state = row_words, by_row(x)
            state = row_queue.change(position, draw, of_rows, state, rows_at_a_time, loops)
            row_words, x = state[0], flat(state[1])
        else:
            words, x = queue.change(position, draw, of_channels, (words, x), tile, loops)
    scale = lambda raw, *rest: _scale(config, raw, moments(raw), *rest)
    state, of_series = (x, flat(old.scaling)), (x, flat(mask), by_channel(bits))
    x, scaling = queue.change_all(scale, of_series, state, tile, loops)
    return Channels(by_row(x), family, by_row(words), row_words, by_row(scaling), mask)


def _draw_all(config: Config, state, items, tile: int):
    """Draw all items of one group of families, and scale them while they are in the cache."""
    num_items, draw = len(items[0]), _drawer(config, 0, state[0].shape[-1])
    size = min(tile, num_items)
    grow = lambda leaf: jnp.pad(leaf, ((0, tile - size), *((0, 0),) * (leaf.ndim - 1)))
    items = tuple(map(grow, items))

    def make(keys, number, family, mask, bits):
        words, raw = draw(keys, number, family)
        used = mask.reshape(-1)
        bits = jnp.repeat(bits, used.shape[0] // bits.shape[0])
        series = raw.reshape(-1, config.num_ticks)
        of_series = _scale(config, series, moments(series.T, axis=0), used, bits)
        return words, *(leaf.reshape(*mask.shape, -1) for leaf in of_series)

    def step(i, state):
        start = jnp.minimum(i * tile, num_items - size)  # the last tile may overlap
        cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, tile)
        put = lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new[:size], start, 0)
        return jax.tree.map(put, state, make(*map(cut, items)))

    return jax.lax.fori_loop(0, -(-num_items // tile), step, state)


def _drawer(config: Config, position: int, width: int) -> Callable[..., tuple[Array, Array]]:
    """What draws a tile of channels, or of rows of channels, for a group: laws and raw series."""
    group, layout = config.choice.groups[position], _kinds(config)[position].layout

    def draw(keys: Words, number, family: Int[Array, " items"]) -> tuple[Array, Array]:
        # here, not before: XLA looks up what is read from outside anew for every word drawn
        words = fold_in(keys, number)
        kept: list[Array] = []

        def store(laws):
            # XLA would make what is computed for a channel part of the loops over its steps
            kept.append(jax.lax.optimization_barrier(layout.encode(laws, (len(words),), width)))
            return layout.decode(kept[-1])

        _, raw = group.draw(words, family, config.num_inputs, config.num_ticks, store)
        raw = raw.T
        # draws have the resolution of float32; what follows has that of the default float
        raw = raw.astype(jnp.result_type(float))
        if group.makes_rows:
            raw = raw.reshape(len(words), config.num_inputs, config.num_ticks)
        return kept[-1], raw

    return draw


def _scale(
    config: Config, raw: Float[Array, "channels time"], stats: Moments, mask, bits
) -> tuple[Array, Array]:
    """Scaled series, and `Channels.scaling`, of raw series and a word of random bits for each."""
    usable = is_usable_input(stats)
    scale, shift = draw_scaling(config.x_scaling, bits, stats)
    good = usable & mask
    scale, shift = jnp.where(good, scale, 1), jnp.where(good, shift, 0)
    x = jnp.where(good[:, None], raw * scale[:, None] + shift[:, None], 0)
    return x, jnp.stack([scale, shift, (usable | ~mask).astype(scale.dtype)], axis=1)


def _kinds(config: Config) -> tuple[Kind, ...]:
    return config.choice.kinds(config.num_inputs, config.num_ticks)


def draw_scaling(scaling: Standardize | None, bits, stats: Moments):
    """Scale and shift of each series: 1 and 0 where there is nothing to scale."""
    if scaling is None:
        return jnp.ones_like(stats.mean), jnp.zeros_like(stats.mean)
    # (low, high] rather than [low, high): the factor is never 0
    part = uniform(bits).astype(stats.mean.dtype)
    factor = scaling.high - (scaling.high - scaling.low) * part
    scale = factor / stats.deviation
    return scale, -stats.mean * scale

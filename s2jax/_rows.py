"""Rows while they are made: inputs tile by tile, then the search for each row's outputs."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax._random import below, fold_in, random_bits, uniform
from s2jax._tiles import at_a_time, programs_at_a_time
from s2jax._types import Words
from s2jax.acceptance import Moments, is_usable_input, moments
from s2jax.config import Config, Standardize
from s2jax.inputs import Source
from s2jax.targets import Sizes, Task

_MAX_ROUNDS = 32
_AT_END = 2**30  # sorts a row behind all others


class Channels(NamedTuple):
    """What is known of input channels beside their series.

    Attributes:
        source: Family and parameters.
        scale, shift: How the series was scaled.
        mask: Whether the row uses the channel.
        usable: False if the row uses the channel and its series cannot be used.
    """

    source: Source
    scale: Float[Array, "*channels"]
    shift: Float[Array, "*channels"]
    mask: Bool[Array, "*channels"]
    usable: Bool[Array, "*channels"]


class Rows(NamedTuple):
    """Rows in as few arrays as they go, because each is moved by code of its own.

    Attributes:
        index: Which candidates they are.
        x: The inputs.
        channels: Everything in `Channels`, as floats.
        y_mask: Which outputs the rows use.
        outputs: What the target found, as it keeps it.
    """

    index: Int[Array, " rows"]
    x: Float[Array, "rows inputs time"]
    channels: Float[Array, "rows inputs fields"]
    y_mask: Bool[Array, "rows outputs"]
    outputs: Any


def fill_rows(words: Words, config: Config, n: int, backend: str) -> Rows:
    """Give every row a candidate; a row whose candidate fails gets the next one not yet seen.

    If that happened, the rows of that key are put in order of their candidates, those that failed
    to the end, and drawn once more: it is rare, and drawing is the only way rows are made.

    Args:
        words: Raw keys, `(keys, 2)`.
        config: What to draw.
        n: Rows of each key; those of one key stand together.
        backend: For whose caches.
    """
    num_keys = words.shape[0]
    words = jnp.repeat(words, n, axis=0)
    by_key = lambda leaf: leaf.reshape(num_keys, n)

    def step(state):
        rows, wanted, rounds = state
        rows = draw_rows(words, config, rows, wanted, n, backend)
        index, failed = by_key(rows.index), by_key(~_is_usable(config, rows))
        retry = by_key(wanted) & failed & (rounds + 1 < _MAX_ROUNDS)
        following = index.max(1, keepdims=True) + jnp.cumsum(retry, axis=1, dtype=jnp.int32)
        ordered = jnp.sort(jnp.where(failed, _AT_END, 0) | index, axis=1) & ~_AT_END
        reorder = ~retry.any(1, keepdims=True) & (ordered != index).any(1, keepdims=True)
        index = jnp.where(retry, following, jnp.where(reorder, ordered, index))
        rows = rows._replace(index=index.reshape(-1))
        return rows, (retry | reorder).reshape(-1), rounds + 1

    index = jnp.tile(jnp.arange(n, dtype=jnp.int32), num_keys)
    start = no_rows(config, index), jnp.ones(num_keys * n, bool), jnp.int32(0)
    # reads two carried values: where it is one, XLA's analysis of trip counts clones the whole body
    unfinished = lambda state: state[1].any() & (state[2] <= _MAX_ROUNDS)
    return jax.lax.while_loop(unfinished, step, start)[0]


def no_rows(config: Config, index: Int[Array, " rows"]) -> Rows:
    """Rows of zeros for these candidates."""
    num_rows, dtype = index.shape[0], jnp.result_type(float)
    return Rows(
        index=index,
        x=jnp.zeros((num_rows, config.num_inputs, config.length), dtype),
        channels=jnp.zeros((num_rows, config.num_inputs, _num_fields(config)), dtype),
        y_mask=jnp.zeros((num_rows, config.num_outputs), bool),
        outputs=config.target.blank(num_rows, sizes_of(config)),
    )


def draw_rows(
    words: Words, config: Config, rows: Rows, wanted: Bool[Array, " rows"], n: int, backend: str
) -> Rows:
    """Draw the candidates `rows.index` of one key per row; rows not wanted stay as they are.

    `n` is the number of rows of each key, and with `backend` says how many are drawn at a time.
    """
    keys = fold_in(words, rows.index)
    bits = random_bits(keys, 4, stream=1)
    num_inputs = _draw_count(bits[0], config.min_inputs, config.num_inputs)
    num_outputs = _draw_count(bits[1], config.min_outputs, config.num_outputs)
    sizes = sizes_of(config)
    layout = config.target.lay_out(keys, num_inputs, num_outputs, sizes)
    rows = rows._replace(y_mask=layout.y_mask(config.num_outputs))
    if config.num_inputs > 0:
        x_mask = layout.x_mask(config.num_inputs)
        rows = _draw_inputs(keys, config, rows, x_mask, bits[2], _input_tile(config, n, backend))
    blank = config.target.blank(rows.index.shape[0], sizes)
    clear = lambda new, old: jnp.where(wanted.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
    task = Task(
        words=keys,
        x=rows.x,
        layout=layout,
        wanted=wanted & unpack_channels(config, rows).usable.all(1),
        acceptance=config.acceptance,
        split=config.split,
        rescale=lambda stats, row: _scaling(config.y_scaling, bits[3][row], stats),
        sizes=sizes,
        n=n,
        backend=backend,
    )
    return rows._replace(
        outputs=config.target.search(task, jax.tree.map(clear, blank, rows.outputs))
    )


def sizes_of(config: Config) -> Sizes:
    """The static numbers of a configuration that targets need."""
    return Sizes(config.length, config.num_inputs, config.num_outputs)


def _is_usable(config: Config, rows: Rows) -> Bool[Array, " rows"]:
    good = unpack_channels(config, rows).usable.all(1)
    return good & ~config.target.missing(rows.outputs, rows.y_mask).any(1)


def tile_size(config: Config, num_items: int, backend: str) -> int:
    """Programs tried at a time for so many items of one key."""
    width = config.num_inputs + config.target.num_nodes(config.num_inputs, config.num_outputs)
    return programs_at_a_time(config.length, width, num_items, backend)


def _input_tile(config: Config, n: int, backend: str) -> int:
    """Rows whose inputs are drawn at a time."""
    tile = tile_size(config, n, backend)
    if backend != "cpu":
        tile = min(tile, at_a_time(n * config.num_inputs, 1))
    return max(1, tile // config.num_inputs)


def _draw_inputs(
    keys: Words, config: Config, rows: Rows, mask: Bool[Array, "rows inputs"], bits, tile: int
) -> Rows:
    """Draw the inputs of all rows in tiles of one fixed size.

    So the caches hold a tile, and the compiled arithmetic of a row does not depend on the batch.
    """
    num_rows = mask.shape[0]
    size = min(tile, num_rows)
    grow = lambda leaf: jnp.pad(leaf, ((0, tile - size), *((0, 0),) * (leaf.ndim - 1)))
    per_row = jax.tree.map(grow, (keys, mask, bits))

    def step(i, state):
        start = jnp.minimum(i * tile, num_rows - size)
        cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, tile)
        keys, mask, bits = jax.tree.map(cut, per_row)
        drawn = _draw_tile(keys, mask, bits, config)
        put = lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new[:size], start, 0)
        return jax.tree.map(put, state, drawn)

    x, channels = jax.lax.fori_loop(
        jnp.int32(0), jnp.int32(-(-num_rows // tile)), step, (rows.x, rows.channels)
    )
    return rows._replace(x=x, channels=channels)


def _draw_tile(keys: Words, mask: Bool[Array, "rows inputs"], bits, config: Config):
    """Scaled series of all input channels of some rows, and their packed `Channels`."""
    rows, channels = mask.shape
    channel = jnp.tile(jnp.arange(channels, dtype=jnp.int32), rows)
    words = fold_in(jnp.repeat(keys, channels, axis=0), channel)
    source = config.choice.draw(words, config.length)
    # draws have the resolution of float32; all that follows has that of the default float
    raw = config.choice.series(source, words, config.length).astype(jnp.result_type(float))
    stats = moments(raw, axis=0)
    usable, mask = is_usable_input(stats), mask.reshape(-1)
    scale, shift = _scaling(config.x_scaling, jnp.repeat(bits, channels), stats)
    used = usable & mask
    scale, shift = jnp.where(used, scale, 1), jnp.where(used, shift, 0)
    x = jnp.where(used[:, None], raw.T * scale[:, None] + shift[:, None], 0)
    packed = _pack(Channels(source, scale, shift, mask, usable | ~mask))
    by_row = lambda leaf: leaf.reshape(rows, channels, leaf.shape[1])
    return by_row(x), by_row(packed)


def _channel_shapes(config: Config) -> Any:
    """Shapes of the leaves of `Channels` for one channel."""

    def draw(words):
        number, flag = jnp.zeros(1), jnp.zeros(1, bool)
        return Channels(config.choice.draw(words, config.length), number, number, flag, flag)

    return jax.eval_shape(draw, jax.ShapeDtypeStruct((1, 2), jnp.uint32))


def _num_fields(config: Config) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(_channel_shapes(config)))


def _pack(channels: Channels) -> Float[Array, "channels fields"]:
    """All leaves side by side, as floats: they are reals, flags and whole numbers below 2**24."""
    dtype = jnp.result_type(float)
    leaves = jax.tree.leaves(channels)
    return jnp.concatenate([leaf.reshape(leaf.shape[0], -1).astype(dtype) for leaf in leaves], 1)


def unpack_channels(config: Config, rows: Rows) -> Channels:
    """Inverse of `_pack`, with axes (rows, inputs)."""
    shapes, structure = jax.tree.flatten(_channel_shapes(config))
    leaves, first = [], 0
    for shape in shapes:
        last = first + math.prod(shape.shape)
        leaf = rows.channels[..., first:last].astype(shape.dtype)
        leaves.append(leaf.reshape(*leaf.shape[:2], *shape.shape[1:]))
        first = last
    return jax.tree.unflatten(structure, leaves)


def _draw_count(bits, low, high: int) -> Int[Array, " rows"]:
    """How many channels each row uses: U{low..high}, or all if `low` is None."""
    if low is None:
        return jnp.full(bits.shape, high, jnp.int32)
    low = jnp.asarray(low, jnp.int32)
    return low + below(bits, high - low + 1)


def _scaling(scaling: Standardize | None, bits, stats: Moments):
    """Scale and shift of each series: 1 and 0 where there is nothing to scale."""
    if scaling is None:
        return jnp.ones_like(stats.mean), jnp.zeros_like(stats.mean)
    # (low, high] rather than [low, high): the factor is never 0
    part = uniform(bits).astype(stats.mean.dtype)
    factor = scaling.high - (scaling.high - scaling.low) * part
    scale = factor / stats.deviation
    return scale, -stats.mean * scale

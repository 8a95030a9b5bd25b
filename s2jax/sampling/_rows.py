"""Rows while they are made: inputs tile by tile, then the search for each row's outputs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from s2jax.config import Config
from s2jax.core.items import choose_items
from s2jax.core.random import below, fold_in, random_bits
from s2jax.core.streams import ROW
from s2jax.core.tiles import at_a_time, programs_at_a_time
from s2jax.core.types import Words
from s2jax.sampling._channels import Channels, draw_channels, draw_scaling, no_channels
from s2jax.targets import Sizes, Task

_MAX_ROUNDS = 32
_DRAWN_AT_ONCE = 4096  # channels of which every family draws all on a GPU, its own or not
_AT_END = 2**30  # sorts a row behind all others


class Rows(NamedTuple):
    """Rows while they are made.

    Attributes:
        index: Which candidates they are.
        channels: The inputs.
        y_mask: Which outputs the rows use.
        outputs: What the target found, as it keeps it.
    """

    index: Int[Array, " rows"]
    channels: Channels
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
        reorder = ~retry.any(1, keepdims=True) & (ordered != index)
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
    num_rows = index.shape[0]
    return Rows(
        index=index,
        channels=no_channels(config, num_rows),
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
    bits = random_bits(keys, 4, ROW)
    num_inputs = _draw_count(bits[0], config.min_inputs, config.num_inputs)
    num_outputs = _draw_count(bits[1], config.min_outputs, config.num_outputs)
    sizes = sizes_of(config)
    layout = config.target.lay_out(keys, num_inputs, num_outputs, sizes)
    rows = rows._replace(y_mask=layout.y_mask(config.num_outputs))
    if config.num_inputs > 0:
        x_mask = layout.x_mask(config.num_inputs)
        tile = _input_tile(config, n, backend)
        # the host of a GPU would wait at each group; many series are worth it
        loops = backend != "gpu" or tile > _DRAWN_AT_ONCE
        channels = draw_channels(rows.channels, keys, config, x_mask, wanted, bits[2], tile, loops)
        rows = rows._replace(channels=channels)
    blank = config.target.blank(rows.index.shape[0], sizes)
    task = Task(
        words=keys,
        x=rows.channels.x,
        layout=layout,
        wanted=wanted & rows.channels.usable,
        acceptance=config.acceptance,
        split=config.split,
        rescale=lambda stats, row: draw_scaling(config.y_scaling, bits[3][row], stats),
        sizes=sizes,
        n=n,
        backend=backend,
    )
    return rows._replace(
        outputs=config.target.search(task, choose_items(wanted, blank, rows.outputs))
    )


def sizes_of(config: Config) -> Sizes:
    """The static numbers of a configuration that targets need."""
    return Sizes(config.num_ticks, config.num_inputs, config.num_outputs, config.ticks)


def _is_usable(config: Config, rows: Rows) -> Bool[Array, " rows"]:
    missing = config.target.missing(rows.outputs, rows.y_mask)
    return rows.channels.usable & ~missing.any(1)


def tile_size(config: Config, num_items: int, backend: str) -> int:
    """Programs tried at a time for so many items of one key."""
    width = config.num_inputs + config.target.num_nodes(config.num_inputs, config.num_outputs)
    return programs_at_a_time(config.num_ticks, width, num_items, backend)


def _input_tile(config: Config, n: int, backend: str) -> int:
    """Channels drawn at a time."""
    tile = tile_size(config, n, backend)
    if backend != "cpu":
        tile = min(tile, at_a_time(n * config.num_inputs, 1))
    return tile


def _draw_count(bits, low, high: int) -> Int[Array, " rows"]:
    """How many channels each row uses: U{low..high}, or all if `low` is None."""
    if low is None:
        return jnp.full(bits.shape, high, jnp.int32)
    low = jnp.asarray(low, jnp.int32)
    return low + below(bits, high - low + 1)

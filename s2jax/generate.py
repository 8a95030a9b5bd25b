"""From a key to batches: the one place that composes inputs, expressions and acceptance."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax._random import below, fold_in, random_bits, uniform, words_of
from s2jax._search import Outputs, Task, no_outputs, search
from s2jax._types import PRNGKey, Words
from s2jax.acceptance import REASONS, Moments, Status, is_usable_input, moments
from s2jax.config import Config, Standardize
from s2jax.expressions import Program
from s2jax.expressions._program import unpack
from s2jax.inputs import Source

_MAX_ROUNDS = 8
_AT_END = 2**30  # sorts a row behind all others


class Batch(eqx.Module):
    """Series-symbol pairs. In every row, `y = y_scale * f(x) + y_shift` with f the row's program.

    Attributes:
        x: The inputs, as f reads them; channels not used are zero.
        y: The outputs; outputs not used are zero.
        program: One program per row and output.
        status: 0 where the row is usable, else bits of `Status`.
        index: Which candidate of the key the row is.
        x_scale, x_shift: `x = x_scale * raw + x_shift` for the series `raw` that the input family
            drew, whose law `x_source` tells.
        y_scale, y_shift: How y was scaled.
        x_mask, y_mask: Which inputs and outputs the row uses.
        x_source: Family and parameters of every input channel.
        tries: Programs drawn until one was usable.
        rejections: How many of them were rejected, by reason, in the order of
            `s2jax.acceptance.REASONS`.
    """

    x: Float[Array, "batch inputs time"]
    y: Float[Array, "batch outputs time"]
    program: Program
    status: Int[Array, " batch"]
    index: Int[Array, " batch"]
    x_scale: Float[Array, "batch inputs"]
    x_shift: Float[Array, "batch inputs"]
    y_scale: Float[Array, "batch outputs"]
    y_shift: Float[Array, "batch outputs"]
    x_mask: Bool[Array, "batch inputs"]
    y_mask: Bool[Array, "batch outputs"]
    x_source: Source
    tries: Int[Array, "batch outputs"]
    rejections: Int[Array, "batch outputs reasons"]


def sample(key: PRNGKey, config: Config, n: int) -> Batch:
    """The first `n` usable candidates of the key, in order.

    Pure and jittable; a batch of 5 is the first 5 rows of a batch of 64. Rows are found by rounds
    inside jit. If the bounded search runs out, the rows that are missing have status
    `SEARCH_EXHAUSTED`.

    Args:
        key: Not consumed: the same key, config and n give the same batch. Fold a step number in.
        config: What to draw. Changing a leaf of it does not recompile.
        n: Number of rows. Static.

    Returns:
        A batch of `n` rows.

    Raises:
        TypeError: If `key` is not one typed key, `config` not a `Config` or `n` no Python integer.
        ValueError: If `n` is not positive.

    Example:
        >>> import jax, s2jax
        >>> batch = sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> batch.x.shape, batch.y.shape, int(batch.status.sum())
        ((4, 1, 64), (4, 1, 64), 0)
    """
    _check_call("sample", key, config)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(
            f"sample(n={n!r}): must be a Python integer, because it decides the shape of the batch. "
            "Mark it static in your jit."
        )
    if n < 1:
        raise ValueError(f"sample(n={n}): must be >= 1. Ask for at least one row.")
    return _sample(words_of(key), config, int(n), jax.default_backend())


def candidates(key: PRNGKey, config: Config, indices: Int[Array, " batch"]) -> Batch:
    """The candidates of the key with these indices, usable or not.

    Candidate i is a function of `fold_in(key, i)` alone. A candidate whose input is unusable, or
    for which no expression was accepted, has a nonzero status and zeros in place of the series.

    Args:
        key: Not consumed.
        config: What to draw.
        indices: Which candidates; integers >= 0 below 2**32.

    Returns:
        A batch with one row per index.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an index is negative or `indices` does not have one axis.

    Example:
        >>> import jax, jax.numpy as jnp, s2jax
        >>> config = s2jax.presets.s2(length=64)
        >>> candidates(jax.random.key(0), config, jnp.arange(3)).status.shape
        (3,)
    """
    _check_call("candidates", key, config)
    array = indices if isinstance(indices, jax.Array) else np.asarray(indices)
    if array.ndim != 1 or not jnp.issubdtype(array.dtype, jnp.integer) or array.size == 0:
        raise ValueError(
            f"candidates(indices of shape {array.shape}, {array.dtype}): must be a vector of "
            "integers. Pass for example jnp.arange(8)."
        )
    if not isinstance(array, jax.core.Tracer) and int(array.min()) < 0:
        raise ValueError(
            f"candidates(indices with {int(array.min())}): must be >= 0, because candidates are "
            "counted from 0."
        )
    return _candidates(words_of(key), config, jnp.asarray(array), jax.default_backend())


def _check_call(name: str, key, config) -> None:
    if not (isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)):
        raise TypeError(f"{name}(key={key!r}): must be a typed key. Pass jax.random.key(seed).")
    if key.shape != ():
        raise TypeError(
            f"{name}(key of shape {key.shape}): must be one key. Use jax.vmap for several."
        )
    if not isinstance(config, Config):
        raise TypeError(
            f"{name}(config={config!r}): must be an s2jax.Config. Pass s2jax.presets.s2(length=256)."
        )


def _tile_size(config: Config, backend: str) -> int:
    """Channels drawn, or programs tried, at a time: what the caches hold or an accelerator needs."""
    if backend == "cpu":
        return 256
    width = config.num_inputs + config.target.num_nodes(config.num_inputs)
    return max(256, min(2**31 // (4 * config.length * width), 2**16))


@partial(jax.jit, static_argnames=("n", "backend"))
def _sample(words: Words, config: Config, n: int, backend: str) -> Batch:
    @jax.custom_batching.custom_vmap
    def call(words, config):
        return _fill(words, config, n, backend)

    @call.def_vmap
    def _(axis_size, in_batched, words, config):
        """Keys one after another: each batch is a whole program with loops of its own."""

        def spread(leaf, batched):
            leaf = jnp.asarray(leaf)
            return leaf if batched else jnp.broadcast_to(leaf, (axis_size, *leaf.shape))

        arguments = jax.tree.map(spread, (words, config), tuple(in_batched))
        out = jax.lax.map(lambda pair: call(*pair), arguments)
        return out, jax.tree.map(lambda _: True, out)

    return call(words, config)


def _fill(words: Words, config: Config, n: int, backend: str) -> Batch:
    """Give every row a candidate; a row whose candidate fails gets the next one not yet seen.

    If that happened, the rows are put in order of their candidates, those that failed to the end,
    and drawn once more: it is rare, and drawing is the only way rows are made.
    """

    def step(state):
        rows, wanted, rounds = state
        rows = _draw(words, config, rows, wanted, backend)
        failed = ~_is_usable(rows)
        retry = wanted & failed & (rounds + 1 < _MAX_ROUNDS)
        next_index = rows.index.max() + jnp.cumsum(retry.astype(jnp.int32))
        index = jnp.where(retry, next_index, rows.index)
        ordered = jnp.sort(jnp.where(failed, _AT_END, 0) | index) & ~_AT_END
        reorder = ~retry.any() & (ordered != index).any()
        rows = rows._replace(index=jnp.where(reorder, ordered, index))
        return rows, retry | reorder, rounds + 1

    start = _no_rows(config, jnp.arange(n, dtype=jnp.int32)), jnp.ones(n, bool), jnp.int32(0)
    rows = jax.lax.while_loop(lambda state: state[1].any(), step, start)[0]
    return _to_batch(config, rows)


@partial(jax.jit, static_argnames="backend")
def _candidates(words: Words, config: Config, indices, backend: str) -> Batch:
    everyone = jnp.ones(indices.shape, bool)
    rows = _draw(words, config, _no_rows(config, indices), everyone, backend)
    return _to_batch(config, rows)


class _Inputs(NamedTuple):
    """The input side of rows, and whether it can be used."""

    x: Float[Array, "rows inputs time"]
    x_scale: Float[Array, "rows inputs"]
    x_shift: Float[Array, "rows inputs"]
    x_mask: Bool[Array, "rows inputs"]
    y_mask: Bool[Array, "rows outputs"]
    x_source: Source
    usable: Bool[Array, " rows"]


class _Rows(NamedTuple):
    """Rows while they are made."""

    index: Int[Array, " rows"]
    inputs: _Inputs
    outputs: Outputs


def _no_rows(config: Config, index: Int[Array, " rows"]) -> _Rows:
    """Rows of zeros for these candidates."""
    keys = jax.ShapeDtypeStruct((*index.shape, 2), jnp.uint32)
    shapes = jax.eval_shape(lambda keys: _draw_inputs(keys, config), keys)
    inputs = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    shape = (index.shape[0] * config.num_outputs, config.length)
    return _Rows(index, inputs, no_outputs(config.target, config.num_inputs, shape, inputs.x.dtype))


def _draw(
    words: Words, config: Config, rows: _Rows, wanted: Bool[Array, " rows"], backend: str
) -> _Rows:
    """Draw the candidates `rows.index` of the wanted rows; leave the others as they are."""
    tile = _tile_size(config, backend)
    keys = fold_in(jnp.broadcast_to(words, (*rows.index.shape, 2)), rows.index)
    inputs = _draw_inputs_by_tile(keys, config, rows.inputs, wanted, max(1, tile // config.num_inputs))
    factor = _row_bits(keys)[3]
    task = Task(
        target=config.target,
        acceptance=config.acceptance,
        words=keys,
        x=inputs.x,
        used_inputs=inputs.x_mask.sum(1, dtype=jnp.int32),
        rescale=lambda stats, row: _scaling(config.y_scaling, factor[row], stats),
    )
    keep = jnp.repeat(~wanted, config.num_outputs)[:, None]
    outputs = jax.tree.map(lambda leaf: jnp.where(keep, leaf, jnp.zeros_like(leaf)), rows.outputs)
    to_search = inputs.y_mask & (wanted & inputs.usable)[:, None]
    return _Rows(rows.index, inputs, search(task, outputs, to_search, tile))


def _is_usable(rows: _Rows) -> Bool[Array, " rows"]:
    mask = rows.inputs.y_mask
    return rows.inputs.usable & (rows.outputs.usable.reshape(mask.shape) | ~mask).all(1)


def _to_batch(config: Config, rows: _Rows) -> Batch:
    inputs, mask = rows.inputs, rows.inputs.y_mask
    found = jax.tree.map(lambda leaf: leaf.reshape(*mask.shape, *leaf.shape[1:]), rows.outputs)
    usable = found.scaling[..., 2] > 0
    missing = mask & ~usable
    happened = (found.rejections > 0) & missing[..., None]
    status = jnp.where(inputs.usable, 0, Status.INPUT_UNUSABLE.value)
    exhausted = inputs.usable & missing.any(1)
    status = status | jnp.where(exhausted, Status.SEARCH_EXHAUSTED.value, 0)
    for position, reason in enumerate(REASONS):
        status = status | jnp.where(happened[..., position].any(1), reason.value, 0)
    return Batch(
        x=inputs.x,
        y=found.series,
        program=unpack(found.program, config.target.protected),
        status=status,
        index=rows.index,
        x_scale=inputs.x_scale,
        x_shift=inputs.x_shift,
        y_scale=jnp.where(usable, found.scaling[..., 0], 1),
        y_shift=found.scaling[..., 1],
        x_mask=inputs.x_mask,
        y_mask=mask,
        x_source=inputs.x_source,
        tries=found.rejections.sum(-1) + usable,
        rejections=found.rejections,
    )


def _draw_inputs_by_tile(
    keys: Words, config: Config, old: _Inputs, wanted: Bool[Array, " rows"], tile: int
) -> _Inputs:
    """Draw the inputs of the wanted rows in tiles of one fixed size.

    So the caches hold a tile, and the compiled arithmetic of a row does not depend on the batch.
    """
    num_rows = wanted.shape[0]
    keys = jnp.pad(keys, ((0, max(tile - num_rows, 0)), (0, 0)))

    def step(i, inputs):
        start = jnp.minimum(i * tile, max(num_rows - tile, 0))
        cut = lambda leaf, size: jax.lax.dynamic_slice_in_dim(leaf, start, size)  # noqa: E731
        drawn, size = _draw_inputs(cut(keys, tile), config), min(tile, num_rows)

        def put(old, new):
            mask = cut(wanted, size).reshape(-1, *(1,) * (new.ndim - 1))
            new = jnp.where(mask, new[:size], cut(old, size))
            return jax.lax.dynamic_update_slice_in_dim(old, new, start, 0)

        return jax.tree.map(put, inputs, drawn)

    return jax.lax.fori_loop(0, -(-num_rows // tile), step, old)


def _row_bits(keys: Words):
    """Random words of each row: numbers of inputs and outputs used, factors of x and y."""
    return random_bits(keys, 4, stream=1)


def _draw_inputs(keys: Words, config: Config) -> _Inputs:
    """Series, sources and scaling of all input channels of some rows."""
    rows, channels, length = keys.shape[0], config.num_inputs, config.length
    bits = _row_bits(keys)
    x_mask = _mask(bits[0], config.min_inputs, channels)
    channel = jnp.tile(jnp.arange(channels, dtype=jnp.int32), rows)
    words = fold_in(jnp.repeat(keys, channels, axis=0), channel)
    parameters = config.choice.draw(words, length)
    raw = config.choice.series(parameters, words, length)
    stats = moments(raw, axis=0)
    good = is_usable_input(stats).reshape(rows, channels)
    scale, shift = _scaling(config.x_scaling, jnp.repeat(bits[2], channels), stats)
    used = (good & x_mask).reshape(-1)
    scale, shift = jnp.where(used, scale, 1), jnp.where(used, shift, 0)
    x = jnp.where(used[:, None], raw.T * scale[:, None] + shift[:, None], 0)
    by_row = lambda leaf: leaf.reshape(rows, channels, *leaf.shape[1:])  # noqa: E731
    return _Inputs(
        x=by_row(x),
        x_scale=by_row(scale),
        x_shift=by_row(shift),
        x_mask=x_mask,
        y_mask=_mask(bits[1], config.min_outputs, config.num_outputs),
        x_source=jax.tree.map(by_row, parameters),
        usable=(good | ~x_mask).all(1),
    )


def _mask(bits, low, high: int) -> Bool[Array, "rows channels"]:
    """Which channels each row uses: the first U{low..high}, or all if `low` is None."""
    if low is None:
        return jnp.ones((*bits.shape, high), bool)
    low = jnp.asarray(low, jnp.int32)
    return jnp.arange(high) < (low + below(bits, high - low + 1))[:, None]


def _scaling(scaling: Standardize | None, bits, stats: Moments):
    """Scale and shift of each series: 1 and 0 where there is nothing to scale."""
    if scaling is None:
        return jnp.ones_like(stats.mean), jnp.zeros_like(stats.mean)
    # (low, high] rather than [low, high): the factor is never 0
    factor = scaling.high - (scaling.high - scaling.low) * uniform(bits)
    scale = factor / stats.deviation
    return scale, -stats.mean * scale

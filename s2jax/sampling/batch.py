"""From a key to batches: the one place that composes inputs, expressions and acceptance."""

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.config import Config
from s2jax.core import checks, forks
from s2jax.core.part import check_part
from s2jax.core.random import fold_in, words_of
from s2jax.core.types import Indices, PRNGKey, Words
from s2jax.core.unroll import laid_out
from s2jax.inputs import Source
from s2jax.observe import Record, measure_rows
from s2jax.observe.times import draw_ticks, in_steps
from s2jax.ode.dynamics import Dynamics
from s2jax.programs import Program
from s2jax.sampling import _show
from s2jax.sampling._rows import Rows, draw_rows, fill_rows, no_rows, sizes_of
from s2jax.targets.acceptance import REASONS, Status

MAX_ROWS = 2**30
"""Of one batch: the numbers of its candidates are 32-bit integers."""


class Batch(eqx.Module):
    """Series-symbol pairs.

    In every row, `y = y_scale * f(x) + y_shift` with f the row's program; for a differential
    target, `y = y_scale * u + y_shift` with u the solution of `u' = f(t, u, x)` at the times `t`,
    and f has one program per state. Where the configuration has an `observation`, this is
    `y_clean`, and `y` what was measured of it.

    `batch[3]` is one row, without the axis of the batch; `batch[2:5]` and
    `batch[batch.status == 0]` are batches; and a batch can be iterated over, row by row.

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
        x_source: Family and law of every input channel; None if read from a corpus whose families
            are not registered.
        tries: Programs drawn until one was usable.
        rejections: How many of them were rejected, by reason, in the order of
            `s2jax.targets.REASONS`.
        t: The times of the series, where its target is differential; else in steps between
            readings, if the configuration has irregular `times`, and None if it has not.
        dynamics: What is known of the solutions; None if the target is algebraic.
        y_clean: The outputs before they were measured; None if the configuration measures nothing,
            as the two that follow.
        y_observed: True where a value was measured; elsewhere y has what the observation fills in.
        observation: What was done to each output.

    Example:
        >>> import jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> batch
        Batch: 4 rows of 64 time steps, float32, all usable
          x: 1 input
          y: 1 output, y_scale * f(x) + y_shift
          f of row 0: (-0.535 add ((58.3 mul inv(((-0.231 mul x_0) add (6.8 mul x_0)))) ...
        >>> len(batch), batch[3].y.shape, len(batch[1:3])
        (4, (1, 64), 2)
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
    x_source: Source | None
    tries: Int[Array, "batch outputs"]
    rejections: Int[Array, "batch outputs reasons"]
    t: Float[Array, "batch time"] | None = None
    dynamics: Dynamics | None = None
    y_clean: Float[Array, "batch outputs time"] | None = None
    y_observed: Bool[Array, "batch outputs time"] | None = None
    observation: Record | None = None

    def __len__(self) -> int:
        if self.status.ndim == 0:
            raise TypeError(
                "len(batch[...]): one row has no length. Ask the batch, or row.x.shape."
            )
        return self.status.shape[0]

    def __getitem__(self, index: Any) -> "Batch":
        return _show.take(self, index)

    def __iter__(self) -> Iterator["Batch"]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        return _show.describe(self)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a line for each row and time.

        Its columns are `row`, `t`, the inputs `x_0`, ..., the outputs `y_0`, ..., what was under
        them where they were measured, `expression` and `status`. Channels that a row does not use
        are NaN.

        Raises:
            ImportError: If pandas is not installed.

        Example:
            >>> import jax, s2jax
            >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
            >>> batch.to_pandas().columns.tolist()
            ['row', 't', 'x_0', 'y_0', 'expression', 'status']
        """
        return _show.to_frame(self)

    def plot(self, count: int = 6) -> Any:
        """Draw the first pairs, as `s2jax.plotting.plot_pairs` does.

        Example:
            >>> import jax, s2jax
            >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
            >>> len(batch.plot(2).axes) > 2
            True
        """
        return importlib.import_module("s2jax.plotting").plot_pairs(self, count)


@checks.suggest_names()
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
    checks.check_static_integer("sample", "n", n, 1, MAX_ROWS)
    return _sample(words_of(key), config, int(n), jax.default_backend())


@checks.suggest_names()
def candidates(key: PRNGKey, config: Config, indices: Indices) -> Batch:
    """The candidates of the key with these indices, usable or not.

    Candidate i is a function of `fold_in(key, i)` alone. A candidate whose input is unusable, or
    for which no expression was accepted, has a nonzero status and zeros for what
    is missing.

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
    if checks.is_concrete(array):
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= 2**32:
            raise ValueError(
                f"candidates(indices with {low if low < 0 else high}): must be >= 0 and < 2**32, "
                "because candidates are counted from 0 in 32 bits. Take another key for more."
            )
    return _candidates(words_of(key), config, jnp.asarray(array), jax.default_backend())


def _check_call(name: str, key, config) -> None:
    forks.check_can_draw(f"{name}()")
    checks.check_key(name, key)
    check_part(name, "config", config, Config)


@partial(jax.jit, static_argnames=("n", "backend"))
def _sample(words: Words, config: Config, n: int, backend: str) -> Batch:
    """The batch of a raw key. Several keys under `vmap` share one search."""

    def draw(words, config):
        rows = fill_rows(words, config, n, backend)
        batch = _to_batch(config, rows, jnp.repeat(words, n, axis=0), n, backend)
        ran_out = jnp.where(batch.status == 0, 0, Status.SEARCH_EXHAUSTED.value)
        batch = eqx.tree_at(lambda batch: batch.status, batch, batch.status | ran_out)
        return jax.tree.map(lambda leaf: leaf.reshape(len(words), n, *leaf.shape[1:]), batch)

    # solutions are found in loops whose steps are many kernels each: nothing is gained there
    layout = laid_out(draw, backend) if config.target.is_pointwise else draw
    call = jax.custom_batching.custom_vmap(layout)

    @call.def_vmap
    def _(axis_size, in_batched, words, config):
        has_keys, has_config = in_batched
        if any(jax.tree.leaves(has_config)):
            spread = lambda leaf, batched: (
                leaf if batched else jnp.broadcast_to(leaf, (axis_size, *jnp.shape(leaf)))
            )
            arguments = jax.tree.map(spread, (words, config), (has_keys, has_config))
            out = jax.lax.map(lambda pair: call(*pair), arguments)
        else:
            out = call(words.reshape(-1, 2), config)
            out = jax.tree.map(lambda leaf: leaf.reshape(*words.shape[:2], *leaf.shape[1:]), out)
        return out, jax.tree.map(lambda _: True, out)

    return jax.tree.map(lambda leaf: leaf[0], call(words[None], config))


@partial(jax.jit, static_argnames="backend")
def _candidates(words: Words, config: Config, indices, backend: str) -> Batch:
    everyone = jnp.ones(indices.shape, bool)
    words = jnp.broadcast_to(words, (*indices.shape, 2))
    rows = draw_rows(words, config, no_rows(config, indices), everyone, len(indices), backend)
    return _to_batch(config, rows, words, len(indices), backend)


def _to_batch(config: Config, rows: Rows, words: Words, n: int, backend: str) -> Batch:
    """The batch of rows, of which `words` are the keys whose candidates they are."""
    channels = rows.channels
    good_input = channels.usable
    fields = config.target.fields(rows.outputs, rows.y_mask, sizes_of(config))
    missing = config.target.missing(rows.outputs, rows.y_mask)
    happened = (fields["rejections"] > 0) & missing[..., None]
    status = jnp.where(good_input, 0, Status.INPUT_UNUSABLE.value)
    exhausted = good_input & missing.any(1)
    status = status | jnp.where(exhausted, Status.SEARCH_EXHAUSTED.value, 0)
    for position, reason in enumerate(REASONS):
        status = status | jnp.where(happened[..., position].any(1), reason.value, 0)
    usable = rows.y_mask & ~missing
    keys, x = fold_in(words, rows.index), channels.x
    if config.times is not None:
        tick = draw_ticks(config.times, keys, config.length, n, backend)
        x, fields["y"] = read_at(tick, x), read_at(tick, fields["y"])
        t = fields.get("t")
        fields["t"] = in_steps(config.times, tick) if t is None else read_at(tick, t)
    if config.observation is not None:
        clean = fields["y"]
        good = usable & (status == 0)[:, None]
        measured = measure_rows(config.observation, keys, clean, good, n, backend)
        fields |= {
            "y": measured.series,
            "y_clean": clean,
            "y_observed": measured.observed,
            "observation": measured.record,
        }
    return Batch(
        x=x,
        status=status,
        index=rows.index,
        x_scale=channels.scaling[..., 0],
        x_shift=channels.scaling[..., 1],
        x_mask=channels.mask,
        y_mask=rows.y_mask,
        x_source=channels.source(config),
        tries=fields["rejections"].sum(-1, dtype=jnp.int32) + usable.astype(jnp.int32),
        **fields,
    )


def read_at(
    tick: Int[Array, "batch time"], series: Float[Array, "batch *channels ticks"]
) -> Float[Array, "batch *channels time"]:
    """The series of each row at its ticks."""
    axes = tuple(range(1, series.ndim - 1))
    return jnp.take_along_axis(series, jnp.expand_dims(tick, axes), axis=-1)

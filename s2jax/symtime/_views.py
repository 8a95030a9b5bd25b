"""From a batch to what the model reads."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.sampling import Batch
from s2jax.symtime._config import Config
from s2jax.text import to_tokens
from s2jax.transforms import patchify, z_score

_LEAST = 1e-3  # a deviation of 0 has a logarithm too


class Inputs(eqx.Module):
    """What the model reads of a batch.

    Attributes:
        patches: z-scored, inputs first if the model reads them; the outputs come last.
        is_there: Patches in which something was observed.
        scales: Logarithm of the deviation of every input, then mean (as arcsinh) and logarithm of
            the deviation of every f; None if the model does not read them.
        ids: Words, padded with `<pad>`.
        has_series: Rows whose series are usable.
        has_symbols: Rows of which also all words are there.
    """

    patches: Float[Array, "batch channels patches time"]
    is_there: Bool[Array, "batch patches"]
    scales: Float[Array, "batch scales"] | None
    ids: Int[Array, "batch tokens"]
    has_series: Bool[Array, " batch"]
    has_symbols: Bool[Array, " batch"]


def to_inputs(config: Config, data: Batch | Mapping[str, Any]) -> Inputs:
    """What the model reads of series-symbol pairs; works inside jit.

    Rows of a corpus are as wide as their longest expression: call it outside of jit, and what it
    returns has the same shapes for every batch.

    Args:
        config: Of the model. Static.
        data: A batch of `sample`, `batches` or a corpus; or rows of a corpus as `stack_rows`
            returns them, with columns `x_0`, `y_0`, ..., `tokens`, and `y_scale` and the like.
            Where there are columns `status` and `y_observed_0`, they are heeded.

    Raises:
        ValueError: If the data have other channels or another length than the model, or no tokens.

    Example:
        >>> import s2jax
        >>> config = Config.tiny(length=64)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> inputs = to_inputs(config, batch)
        >>> inputs.patches.shape, inputs.scales.shape, inputs.ids.shape
        ((4, 2, 4, 16), (4, 3), (4, 48))
    """
    if isinstance(data, Batch):
        return _of_batch(config, data)
    if isinstance(data, Mapping):
        return _of_rows(config, data)
    raise TypeError(
        f"to_inputs(data of type {type(data).__name__}): must be a Batch, or columns of a corpus. "
        "Pass what s2jax.sample or s2jax.feeds.stack_rows returned."
    )


def _of_batch(config: Config, batch: Batch) -> Inputs:
    tokens = to_tokens(batch.program, config.vocabulary, config.max_tokens)
    has_series = batch.status == 0
    return _join(
        config, batch.x, batch.y, batch.y_observed, _numbers_of(batch), tokens.ids, has_series,
        has_series & (tokens.status == 0),
    )  # fmt: skip


def _numbers_of(batch: Batch) -> dict[str, Array]:
    """How the series were scaled."""
    return {"y_scale": batch.y_scale, "y_shift": batch.y_shift}


def _of_rows(config: Config, rows: Mapping[str, Any]) -> Inputs:
    if "tokens" not in rows:
        raise ValueError(
            f"to_inputs(columns {', '.join(rows)}): must have tokens, because symbols are what "
            "series are compared with. Read the corpus with its column `tokens`."
        )
    stack = lambda name, number, dtype=jnp.float32: jnp.stack(
        [jnp.asarray(rows[f"{name}_{k}"], dtype) for k in range(number)], axis=1
    )
    x = stack("x", config.num_inputs) if config.channels != "y" else None
    y, observed = stack("y", config.num_outputs), None
    if "y_observed_0" in rows:
        observed = stack("y_observed", config.num_outputs, bool)
    numbers = {}
    if config.num_scales:
        numbers = {
            name: jnp.asarray(rows[name], jnp.float32).reshape(len(y), -1)
            for name in ("y_scale", "y_shift")
        }
    ids, fits = _fit(_with_ends(config, jnp.asarray(rows["tokens"])), config.max_tokens)
    usable = jnp.ones(len(y), bool)
    if "status" in rows:
        usable = jnp.asarray(rows["status"]) == 0
    return _join(config, x, y, observed, numbers, ids, usable, usable & fits)


def _with_ends(config: Config, ids: Array) -> Array:
    """Ids with `<bos>` and `<eos>`, which corpora leave out; a row without words stays empty."""
    words = config.vocabulary
    number = (ids != words.pad).sum(axis=1, keepdims=True, dtype=jnp.int32)
    wide = jnp.pad(ids, ((0, 0), (1, 1)), constant_values=words.pad)
    place = jnp.arange(wide.shape[1])
    wide = jnp.where((place == number + 1) & (number > 0), words.eos, wide)
    wide = jnp.where((place == 0) & (number > 0), words.bos, wide)
    as_given = jnp.pad(ids, ((0, 0), (0, 2)), constant_values=words.pad)
    return jnp.where(ids[:, :1] == words.bos, as_given, wide)


def _fit(ids: Array, length: int) -> tuple[Array, Array]:
    """Ids in rows of a length, and which of them fit; those that do not are all padding."""
    fits = (ids[:, length:] == 0).all(axis=1) & (ids[:, 0] != 0)
    short = jnp.where(fits[:, None], ids[:, :length], 0)
    return jnp.pad(short, ((0, 0), (0, length - short.shape[1]))), fits


def _join(
    config: Config, x: Array | None, y: Array, observed: Array | None, numbers: dict[str, Array],
    ids: Array, has_series: Array, has_symbols: Array,
) -> Inputs:  # fmt: skip
    _check_shapes(config, x, y)
    y = y.astype(jnp.float32)
    scaled_y, parts, scales = z_score(y, observed), [], None
    if config.channels != "y":
        assert x is not None, "checked by shapes"
        scaled_x = z_score(x.astype(jnp.float32))
        parts.append(scaled_x.series)
        if config.channels == "xyf":
            scales = _scales(scaled_x.scale, scaled_y.shift, scaled_y.scale, numbers)
    series = jnp.concatenate([*parts, scaled_y.series], axis=1)
    seen = jnp.ones(y.shape[::2], bool) if observed is None else observed.any(1)
    if config.order == "x":
        place = jnp.argsort(series[:, 0], axis=-1)
        series = jnp.take_along_axis(series, place[:, None], axis=-1)
        seen = jnp.take_along_axis(seen, place, axis=-1)
    seen = seen.reshape(len(y), config.num_patches, config.patch_length).any(-1)
    return Inputs(
        patchify(series, config.patch_length), seen, scales, ids.astype(jnp.int32), has_series,
        has_symbols,
    )  # fmt: skip


def _scales(of_x: Array, mean: Array, deviation: Array, numbers: dict[str, Array]) -> Array:
    """What the z-score took away: of x, and of f where `y = y_scale * f + y_shift`."""
    given = numbers["y_scale"].astype(jnp.float32)
    scale = jnp.where(given > 0, given, 1)
    mean_f = jnp.arcsinh((mean - numbers["y_shift"].astype(jnp.float32)) / scale)
    logs = jnp.log(of_x + _LEAST), jnp.log(deviation / scale + _LEAST)
    return jax.lax.stop_gradient(jnp.concatenate([logs[0], mean_f, logs[1]], axis=1))


def _check_shapes(config: Config, x: Array | None, y: Array) -> None:
    """Refuse series of other sizes than the model's."""
    wanted = {
        "y": (config.num_outputs, config.length),
        "x": None if x is None or config.channels == "y" else (config.num_inputs, config.length),
    }
    for name, series in (("y", y), ("x", x)):
        sizes = wanted[name]
        if sizes is not None and series is not None and series.shape[1:] != sizes:
            raise ValueError(
                f"to_inputs({name} of {series.shape[1]} channels and {series.shape[2]} steps): "
                f"must have {sizes[0]} and {sizes[1]}, because the model was made for these. Take "
                f"symtime.Config(num_{'in' if name == 'x' else 'out'}puts={series.shape[1]}, "
                f"length={series.shape[2]}), or draw other series."
            )


def check_tokens(config: Config, inputs: Inputs, most_lost: float = 0.5) -> float:
    """The share of rows whose words do not fit, which must be small.

    Args:
        config: Of the model.
        inputs: A batch large enough to judge by, a thousand rows or so; not traced.
        most_lost: The largest share that is fine.

    Returns:
        The share of usable rows that training leaves out where it needs their symbols.

    Raises:
        ValueError: If it is larger.

    Example:
        >>> import s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> config = Config.tiny(length=64)
        >>> check_tokens(config, to_inputs(config, batch), most_lost=1.0) <= 1
        True
    """
    usable = int(inputs.has_series.sum())
    lost = 1 - int(inputs.has_symbols.sum()) / max(usable, 1)
    refuse_long(config, lost, most_lost)
    return lost


def refuse_long(config: Config, lost: float, most_lost: float = 0.5) -> None:
    """Refuse to train if too large a share of rows has more words than fit."""
    if lost > most_lost:
        raise ValueError(
            f"symtime.Config(max_tokens={config.max_tokens}): would lose {lost:.0%} of the rows, "
            f"and must lose at most {most_lost:.0%}, because these have more words. "
            "s2jax.laws.num_tokens(law, num_inputs, num_outputs) holds all; or draw shorter "
            "expressions, as with S2Law(max_binary_per_input=...), or pass most_lost."
        )

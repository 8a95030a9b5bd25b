"""Pairs to judge a model by, and what it makes of them."""

import functools
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.config import Config as DataConfig
from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.types import PRNGKey
from s2jax.programs import skeleton_hash
from s2jax.sampling import Batch, sample
from s2jax.symtime._config import Config
from s2jax.symtime._model import SymTime, check_config, encode_series, encode_symbols
from s2jax.symtime._views import Inputs, to_inputs

LINEAR = 0.99
"""Outputs whose correlation with an input is at least this are that input but for scale."""
_AT_ONCE = 1024  # rows drawn or encoded together
_DRAWS = 64  # times as many rows are drawn as are asked for, at most


class Pairs(eqx.Module):
    """Rows to judge a model by.

    Attributes:
        inputs: What the model reads; all rows are usable, and their words fit.
        groups: Hashes of the normal forms of the first output: rows that share one differ in
            numbers at most.
        correlation: The largest |correlation| of the first output and an input.
    """

    inputs: Inputs
    groups: UInt32[Array, "batch 2"]
    correlation: Float[Array, " batch"]

    def __len__(self) -> int:
        return len(self.correlation)

    def take(self, rows: Any) -> "Pairs":
        """Some of the rows.

        Args:
            rows: Their numbers, a slice or a mask.
        """
        return jax.tree.map(lambda leaf: leaf[rows], self)


def sample_pairs(
    key: PRNGKey,
    config: Config,
    data: DataConfig,
    rows: int,
    which: Literal["all", "nonlinear"] = "all",
) -> Pairs:
    """Draw rows to judge a model by: the first of a key that are usable and fit.

    Give a `data` of unseen expressions: `dataclasses.replace(data, split=s2jax.Split(0.9, 1))`,
    where training had `s2jax.Split(0, 0.9)`.

    Args:
        key: Of the rows; take another one than training.
        config: Of the model.
        data: What to draw.
        rows: How many.
        which: "nonlinear" leaves out rows whose output is an input but for scale and shift
            (|correlation| >= 0.99), which are all one expression after the z-score.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If `rows` is out of range, or fewer than one row in 64 is as asked for.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> data = s2jax.presets.s2(length=64)
        >>> pairs = sample_pairs(jax.random.key(0), config, data, 4, which="nonlinear")
        >>> len(pairs), bool((pairs.correlation < 0.99).all())
        (4, True)
    """
    checks.check_key("sample_pairs", key)
    check_config("sample_pairs", config)
    check_part("sample_pairs", "data", data, DataConfig)
    checks.check_static_integer("sample_pairs", "rows", rows, 1, 2**20)
    checks.check_word(f"sample_pairs(which={which!r})", which, ("all", "nonlinear"))
    found: list[Any] = []
    at_once, number = min(_AT_ONCE, max(4, rows)), 0
    for draw in range(-(-rows // at_once) * _DRAWS):
        pairs = jax.device_get(_draw(jax.random.fold_in(key, draw), config, data, at_once))
        keep = np.asarray(pairs.inputs.has_symbols)
        if which == "nonlinear":
            keep = keep & (pairs.correlation < LINEAR)
        found.append(pairs.take(keep))
        number += int(keep.sum())
        if number >= rows:
            joined = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:rows], *found)
            return jax.tree.map(jnp.asarray, joined)
    raise ValueError(
        f"sample_pairs(rows={rows}, which={which!r}): one row in {_DRAWS} must be as "
        f"asked for, and there are {number} in {(draw + 1) * at_once}. Raise max_tokens, or "
        "draw others."
    )


@functools.partial(jax.jit, static_argnums=(1, 3))
def _draw(key: PRNGKey, config: Config, data: DataConfig, rows: int) -> Pairs:
    batch = sample(key, data, rows)
    groups = skeleton_hash(batch.program, normal=True)[:, 0]
    return Pairs(to_inputs(config, batch), groups, _correlation(batch))


def _correlation(batch: Batch) -> Float[Array, " batch"]:
    """The largest |correlation| of the first output and an input."""
    unit = lambda values: values - values.mean(-1, keepdims=True)
    x, y = unit(batch.x), unit(batch.y[:, :1])
    norms = jnp.square(x).sum(-1) * jnp.square(y).sum(-1)
    found = jnp.abs((x * y).sum(-1)) * jax.lax.rsqrt(jnp.where(norms > 0, norms, 1))
    return found.max(1).astype(jnp.float32)


def embed(
    model: SymTime, pairs: Pairs
) -> tuple[Float[np.ndarray, "batch width"], Float[np.ndarray, "batch projection"],
           Float[np.ndarray, "batch projection"]]:  # fmt: skip
    """Features of [CLS] of the series, and projections of series and symbols, in tiles."""
    tiles = [
        jax.device_get(_embed(model, pairs.take(slice(first, first + _AT_ONCE)).inputs))
        for first in range(0, len(pairs), _AT_ONCE)
    ]
    features, series, symbols = (np.concatenate(one) for one in zip(*tiles, strict=True))
    return features, series, symbols


@eqx.filter_jit
def _embed(model: SymTime, inputs: Inputs) -> tuple[Array, Array, Array]:
    series, symbols = encode_series(model, inputs), encode_symbols(model, inputs)
    return series.features[:, 0], series.projected, symbols.projected


def has_words(pairs: Pairs, ids: Int[np.ndarray, " words"]) -> Bool[np.ndarray, "batch words"]:
    """Which rows have which words."""
    return (np.asarray(pairs.inputs.ids)[:, :, None] == ids).any(1)

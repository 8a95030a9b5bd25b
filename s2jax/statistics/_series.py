"""What all features share: rows of float32, tiles that fit the caches, and what is not there."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Num

from s2jax.core import checks

Series = Num[Array | np.ndarray, "*batch time"]
TILE = 128


def rows_of(owner: str, series: Any) -> Array:
    """The series in float32.

    Raises:
        TypeError, ValueError: If they are no real numbers, or have no axis of time.
    """
    values = checks.as_floats(owner, "series", series)
    if values.ndim < 1 or values.shape[-1] < 1:
        raise ValueError(
            f"{owner}(series of shape {values.shape}): must have time as its last axis, of at "
            "least one step, because features are of series. Pass an array (..., time)."
        )
    return values.astype(jnp.float32)


def undefined(series: Array) -> Array:
    """What a feature of series is that are too short for it."""
    return jnp.full(series.shape[:-1], jnp.nan, jnp.float32)


def map_rows(function: Callable[[Array], Any], series: Array) -> Any:
    """Apply a jitted function of `(rows, time)` to tiles of rows, one after another.

    A tile and what is computed from it stay in the caches, and all tiles have one size: the
    function is compiled once, whatever the number of rows. Inside a transformation the tiles are
    a loop of its program.
    """
    *batch, time = series.shape
    count = math.prod(batch)
    tiles = -(-count // TILE)
    rows = jnp.pad(series.reshape(count, time), ((0, tiles * TILE - count), (0, 0)))
    rows = rows.reshape(tiles, TILE, time)
    if tiles == 1:
        found = function(rows[0])
    elif tiles and checks.is_concrete(series):
        found = [function(tile) for tile in rows]
        found = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *found)
    else:
        found = lax.map(function, rows)
        found = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)
    return jax.tree.map(lambda leaf: leaf[:count].reshape(*batch, *leaf.shape[1:]), found)


def where_complete(series: Array, feature: Array) -> Array:
    """The feature of those series that lack nothing, NaN of the others."""
    return jnp.where(jnp.isfinite(series).all(-1), feature, jnp.nan)


def varies(series: Array) -> Array:
    """Whether a series has two different values; what is missing is none."""
    seen = jnp.isfinite(series)
    highest = jnp.where(seen, series, -jnp.inf).max(-1)
    return highest > jnp.where(seen, series, jnp.inf).min(-1)


def centre(series: Array) -> Array:
    return series - series.mean(-1, keepdims=True)


def standardize(series: Array, ddof: int = 0) -> Array:
    """Mean 0 and standard deviation 1; a constant becomes 0, for its mean is rounded."""
    centred = centre(series)
    deviation = jnp.sqrt((centred**2).sum(-1) / max(series.shape[-1] - ddof, 1))
    scale = jnp.where(varies(series) & (deviation > 0), 1 / deviation, 0)
    return centred * scale[..., None]


def missing_share(series: Series) -> Float[Array, "*batch"]:
    """The share of values that are missing: NaN or infinite.

    Range 0 to 1, no unit; of series of any length.

    Example:
        >>> float(missing_share(jnp.array([1.0, jnp.nan, 3.0, 4.0])))
        0.25
    """
    return (~jnp.isfinite(rows_of("missing_share", series))).mean(-1, dtype=jnp.float32)


def fill_gaps(series: Series) -> Float[Array, "*batch time"]:
    """Series with straight lines across what is missing, and the nearest value at the ends.

    As the TIME benchmark does before it computes features (Qiao et al. 2026, "It's TIME: Towards
    the Next Generation of Time Series Forecasting Benchmarks"). A series with no value at all
    stays NaN.

    Example:
        >>> fill_gaps(jnp.array([jnp.nan, 1.0, jnp.nan, 3.0])).tolist()
        [1.0, 1.0, 2.0, 3.0]
    """
    return map_rows(close_gaps, rows_of("fill_gaps", series))


@jax.jit
def close_gaps(series: Array) -> Array:
    seen = jnp.isfinite(series)
    length = series.shape[-1]
    step = lax.broadcasted_iota(jnp.int32, series.shape, series.ndim - 1)
    axis = series.ndim - 1
    before = lax.cummax(jnp.where(seen, step, -1), axis=axis)
    after = lax.cummin(jnp.where(seen, step, length), axis=axis, reverse=True)
    left = jnp.where(before < 0, after, before)
    right = jnp.where(after >= length, before, after)
    low, high = (
        jnp.take_along_axis(series, jnp.clip(one, 0, length - 1), -1) for one in (left, right)
    )
    share = (step - left).astype(jnp.float32) / jnp.maximum(right - left, 1).astype(jnp.float32)
    return jnp.where(seen, series, jnp.where(right > left, low + share * (high - low), low))

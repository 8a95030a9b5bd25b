"""What every family of one channel must do, whatever it draws, and moments of what it draws."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from s2jax.inputs import AbstractInput, Draws
from s2jax.inputs._base import _draw
from tests.drawn import channels
from tests.statistics import LEVEL


def repeat(kind: Any, fields: dict[str, Any], number: int) -> Any:
    """Return the law of this class with the same numbers for many channels."""

    def fill(value: Any) -> jax.Array:
        row = np.asarray(value)
        row = row.astype({"f": np.float32, "i": np.int32}.get(row.dtype.kind, row.dtype))
        return jnp.asarray(np.broadcast_to(row, (number, *row.shape)))

    return kind(**{name: fill(value) for name, value in fields.items()})


def check_contract(
    key: jax.Array, family: AbstractInput, other: AbstractInput, length: int
) -> None:
    """Check what holds for every family.

    Args:
        key: Of the draws.
        family: The family.
        other: The same with other numbers in the same fields: it must draw other series.
        length: Time steps.
    """
    drawn = family.sample(key, n=4, length=length)
    assert drawn.series.shape == (4, length)
    assert drawn.series.dtype == np.float32
    kinds = {leaf.dtype.name for leaf in jax.tree.leaves(drawn.law)}
    assert kinds <= {"float32", "int32", "uint32", "bool"}
    assert all(leaf.shape[0] == 4 for leaf in jax.tree.leaves(drawn.law))

    @jax.jit
    def draw_alone(words: jax.Array) -> Any:
        law = family.law(Draws(words, "law"), length)
        return law, family.series(law, Draws(words, "series"), length)

    alone = [draw_alone(words) for words in channels(key, 4)]
    for number, (law, series) in enumerate(alone):
        mine = jax.tree.map(lambda leaf, row=number: leaf[row], drawn.law)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), law, mine)
        scale = float(jnp.abs(series).max())
        np.testing.assert_allclose(drawn.series[number], series, rtol=1e-4, atol=1e-5 * scale)

    before = _draw._cache_size()
    changed = other.sample(key, n=4, length=length)
    assert _draw._cache_size() == before
    assert not np.array_equal(changed.series, drawn.series)


def worst_moment(products: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest deviation of means over channels (the last axis), in standard errors."""
    errors = products.std(-1) / np.sqrt(products.shape[-1])
    return float(np.max(np.abs(products.mean(-1) - expected) / errors))


def limit(comparisons: int) -> float:
    """Return the standard errors allowed, so that the worst of all is at the suite's level."""
    return float(stats.norm.isf(LEVEL / 2 / comparisons))


def lagged_products(values: np.ndarray, lags: list[int]) -> np.ndarray:
    """Return y_t y_{t+lag} of series `(time, channels)`, time by time, lag after lag."""
    return np.concatenate([values[: len(values) - lag] * values[lag:] for lag in lags])


def expand(covariances: np.ndarray, length: int, lags: list[int]) -> np.ndarray:
    """Return stationary autocovariances in the order of `lagged_products`."""
    return np.concatenate([np.full(length - lag, covariances[lag]) for lag in lags])

"""What tests of families of events share: many draws at once, and the contract of a family."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from s2jax.inputs import AbstractInput, Draws
from tests.drawn import channels

# fields are traced, as where configurations are drawn: one program for all laws of a class
_draw_laws = jax.jit(
    lambda family, words, length: family.draw_laws(words, length), static_argnums=2
)


def draw_laws(key: jax.Array, family: AbstractInput, number: int, length: int) -> Any:
    """Return laws of many channels, in NumPy."""
    return jax.device_get(_draw_laws(family, channels(key, number), length))


def dwell_law(length: int, dead_time: int, mean: int) -> np.ndarray:
    """P(X = 0, 1, ..., length) of a time between changes."""
    x = np.arange(length + 1)
    return stats.geom(1 / (mean - dead_time)).pmf(x - dead_time)


def residual_law(length: int, dead_time: int, mean: int) -> np.ndarray:
    """P(R = 0, 1, ..., length) of the time to the first change: P(X >= r) / mean."""
    pmf = dwell_law(length, dead_time, mean)
    return np.concatenate([[0], 1 - np.cumsum(pmf)[:-1]]) / mean


def count_times(is_change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First change, and the time from there to the second, censored: counts by time."""
    length = is_change.shape[1]
    first = np.where(is_change.any(1), is_change.argmax(1), length)
    later = is_change & (np.arange(length) > first[:, None])
    second = np.where(later.any(1), later.argmax(1), 2 * length)
    early = first < length // 2  # the time to the second change is independent of this
    window = length - length // 2
    dwell = np.minimum(second - first, window)[early]
    return np.bincount(first, minlength=length + 1), np.bincount(dwell, minlength=window + 1)


def censored(pmf: np.ndarray, at: int) -> np.ndarray:
    """Return the law of min(X, at)."""
    return np.append(pmf[:at], 1 - pmf[:at].sum())


def check_one_channel_is_a_batch_of_one(key: jax.Array, family: AbstractInput, length: int) -> None:
    """Check the one-channel form, and that neighbours change nothing."""
    words = channels(key, 5)

    @jax.jit
    def run(words):
        laws = family.draw_laws(words, length)
        return laws, family.draw_series(laws, words, length)

    @jax.jit
    def run_one(words):
        law = family.law(Draws(words, "law"), length)
        return law, family.series(law, Draws(words, "series"), length)

    laws, series = run(words)
    law, one = run_one(words[3])
    assert series.shape == (length, 5)
    assert series.dtype == one.dtype == jnp.float32
    for many, single in zip(jax.tree.leaves(laws), jax.tree.leaves(law), strict=True):
        assert many.dtype in (jnp.float32, jnp.int32, jnp.uint32, jnp.bool_)
        assert many.dtype == single.dtype
        np.testing.assert_allclose(many[3], single, rtol=2e-6)
    scale = np.ptp(np.asarray(one)) + 1
    np.testing.assert_allclose(series[:, 3], one, atol=1e-5 * scale)


def check_no_recompilation(first: AbstractInput, second: AbstractInput) -> None:
    """Check that numbers of a family are leaves: what `jax.jit` compiles by is equal."""
    assert first != second
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert set(map(type, jax.tree.leaves((first, second)))) == {float}

"""What every family of inputs must hold, in few and small programs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.core.random import fold_in, words_of
from s2jax.inputs import AbstractInput, Drawn, Draws


def channels(key: jax.Array, number: int) -> jax.Array:
    """Return one raw key per channel."""
    return fold_in(words_of(key), jnp.arange(number, dtype=jnp.int32))


def check_batch_does_not_matter(key: jax.Array, family: AbstractInput, length: int) -> None:
    """The first 3 of 16 series are the bits of 3 alone; laws and series are finite, in 32 bits."""
    many, few = family.sample(key, 16, length), family.sample(key, 3, length)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[:3], b), many, few)
    assert many.series.shape == (16, length)
    assert many.series.dtype == jnp.float32
    for leaf in jax.tree.leaves(many.law):
        assert leaf.shape[0] == 16
        assert leaf.dtype in (jnp.float32, jnp.int32, jnp.uint32, jnp.bool_)
        assert np.isfinite(leaf).all()


def check_batched_is_one_by_one(
    key: jax.Array, family: AbstractInput, length: int, tolerance: float
) -> None:
    """What is drawn many at once is what `law` and `series` say for one channel, up to rounding."""
    drawn = family.sample(key, 3, length)

    @jax.jit
    def draw_one(family: Any, words: jax.Array) -> tuple[Any, jax.Array]:
        law = family.law(Draws(words, "law"), length)
        return law, family.series(law, Draws(words, "series"), length)

    for index in range(2):
        words = jax.random.key_data(jax.random.fold_in(key, index))
        law, series = draw_one(family, words)
        scale = np.abs(drawn.series[index]).max()
        np.testing.assert_allclose(series, drawn.series[index], rtol=0, atol=tolerance * scale)
        leaves = zip(jax.tree.leaves(law), jax.tree.leaves(drawn.law), strict=True)
        for one, all_of_them in leaves:
            np.testing.assert_allclose(one, all_of_them[index], rtol=1e-5, atol=1e-6)


def check_fields_are_traced(family: AbstractInput, other: AbstractInput) -> None:
    """Another value of the same fields does not compile anew."""
    count = 0

    @jax.jit
    def leaves(family: Any) -> Any:
        nonlocal count
        count += 1
        return jax.tree.leaves(family)

    leaves(family)
    leaves(other)
    assert count == 1
    assert jax.tree.structure(family) == jax.tree.structure(other)


def sample_rows(
    key: jax.Array, family: AbstractInput, length: int = 64, rows: int = 64
) -> s2jax.Batch:
    """Rows of a configuration of this family alone, which comes back from JSON as it was."""
    config = s2jax.Config(length, inputs=family, target=s2jax.Identity())
    assert to_json(from_json(to_json(config))) == to_json(config)
    batch = s2jax.candidates(key, config, np.arange(rows, dtype=np.int32))
    assert np.isfinite(batch.x).all()
    return batch


def draw(key: jax.Array, family: AbstractInput, n: int, length: int) -> Drawn:
    """Series and laws in NumPy, in float64 where they are floats."""
    drawn = jax.device_get(family.sample(key, n, length))
    wide = lambda leaf: leaf.astype(np.float64) if leaf.dtype == np.float32 else leaf
    return jax.tree.map(wide, drawn)

"""What tests of families of events share: many draws at once, and the contract of a family."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.core.random import fold_in, words_of
from s2jax.inputs import AbstractInput, Draws


def channels(key: jax.Array, number: int) -> jax.Array:
    """Return one raw key per channel."""
    return fold_in(words_of(key), jnp.arange(number, dtype=jnp.int32))


# fields are traced, as where configurations are drawn: one program for all laws of a class
_draw_laws = jax.jit(
    lambda family, words, length: family.draw_laws(words, length), static_argnums=2
)


def draw_laws(key: jax.Array, family: AbstractInput, number: int, length: int) -> Any:
    """Return laws of many channels, in NumPy."""
    return jax.device_get(_draw_laws(family, channels(key, number), length))


def repeat(law: Any, number: int) -> Any:
    """Return many channels of the law of one."""
    return jax.tree.map(lambda leaf: jnp.repeat(jnp.asarray(leaf)[None], number, axis=0), law)


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


def check_configuration(key: jax.Array, family: AbstractInput, length: int) -> Any:
    """Check that rows are usable and the JSON form is complete; return the batch."""
    made = s2jax.Config(length=length, inputs=family, target=s2jax.Identity())
    again = from_json(to_json(made))
    assert to_json(again) == to_json(made)
    assert eqx.tree_equal(again, made)
    batch = s2jax.sample(key, made, 64)
    assert not np.any(batch.status)
    assert np.all(np.isfinite(batch.x))
    return batch


def check_no_recompilation(key: jax.Array, first: AbstractInput, second: AbstractInput) -> None:
    """Check that numbers of a family are leaves: a second one of other numbers traces nothing."""
    traces = []

    @jax.jit
    def run(family, words):
        traces.append(family)
        return family.draw_laws(words, 32)

    words = channels(key, 2)
    run(first, words)
    run(second, words)
    assert len(traces) == 1

"""What innovations are made of: elementary functions, and the cipher in the reader's kernel."""

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core.random import random_bits, random_pairs
from s2jax.inputs import _noise
from tests.drawn import channels


def test_pairs_are_the_halves_of_the_bits(key: jax.Array) -> None:
    words = channels(key, 3)
    bits = random_bits(words, 10, 7, 2)
    np.testing.assert_array_equal(jnp.concatenate(random_pairs(words, 5, 7, 2)), bits)


def test_elementary_functions() -> None:
    x = np.concatenate([np.geomspace(1e-10, 1, 10_001), np.linspace(0.5, 1, 10_001)])
    x = x.astype(np.float32)
    found = np.asarray(jax.jit(_noise._log)(x), np.float64)
    expected = np.log(x.astype(np.float64))
    assert np.all(np.abs(found - expected) <= 3e-7 * np.abs(expected))
    y = np.linspace(0, 23, 10_001, dtype=np.float32)
    assert_close = np.testing.assert_allclose
    assert_close(jax.jit(_noise._exp)(y), np.exp(y.astype(np.float64)), rtol=3e-7)
    quarter = np.linspace(-1, 1, 10_001, dtype=np.float32)
    sine = np.sin(np.pi / 2 * quarter.astype(np.float64))
    assert_close(jax.jit(_noise._sine)(quarter), sine, rtol=3e-7)

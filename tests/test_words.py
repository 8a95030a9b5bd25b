"""Pytrees as words: every dtype comes back exactly."""

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core.words import count_words, from_words, to_words

TREE = {
    "float32": jnp.array([[[1.5, np.nan]], [[-0.0, np.inf]], [[1e-42, -3]]], jnp.float32),
    "float16": jnp.array([1.5, -2, np.inf], jnp.float16),
    "bfloat16": jnp.array([1.5, -2, 3], jnp.bfloat16),
    "complex64": jnp.array([1 + 2j, -1j, 3], jnp.complex64),
    "int32": jnp.array([[-1, 5], [2**31 - 1, 0], [-(2**31), 1]], jnp.int32),
    "uint32": jnp.array([2**32 - 1, 0, 7], jnp.uint32),
    "int16": jnp.array([-5, 3, 2**15 - 1], jnp.int16),
    "uint8": jnp.array([255, 0, 7], jnp.uint8),
    "bool": jnp.array([True, False, True]),
    "nothing": jnp.zeros((3, 0)),
}


def test_every_dtype_comes_back() -> None:
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), TREE)
    words = to_words(TREE, 3)
    assert words.shape == (3, count_words(one))
    again = from_words(words, one)
    for name, leaf in TREE.items():
        assert again[name].dtype == leaf.dtype
        assert np.asarray(again[name]).tobytes() == np.asarray(leaf).tobytes(), name


def test_numbers_of_64_bits() -> None:
    with jax.enable_x64(True):
        tree = [jnp.array([[1 / 3], [-2.5]]), jnp.array([2**40 + 1, -(2**62)], jnp.int64)]
        one = [jax.ShapeDtypeStruct((1,), jnp.float64), jax.ShapeDtypeStruct((), jnp.int64)]
        again = from_words(to_words(tree, 2), one)
    assert [np.asarray(leaf).tobytes() for leaf in again] == [
        np.asarray(leaf).tobytes() for leaf in tree
    ]


def test_a_tree_without_arrays() -> None:
    assert to_words({}, 4).shape == (4, 0)
    assert from_words(jnp.zeros((4, 0), jnp.uint32), {}) == {}

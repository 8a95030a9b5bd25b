"""Pytrees as words: every dtype comes back exactly."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax.core.words import Layout

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


def on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def same_bits(tree: Any, again: Any) -> None:
    assert jax.tree.structure(tree) == jax.tree.structure(again)
    for leaf, other in zip(jax.tree.leaves(tree), jax.tree.leaves(again), strict=True):
        assert other.dtype == leaf.dtype
        assert other.shape == leaf.shape
        assert np.asarray(other).tobytes() == np.asarray(leaf).tobytes(), leaf.dtype


@pytest.mark.parametrize("tree", [TREE, on_host(TREE)], ids=["jax", "numpy"])
@pytest.mark.parametrize("place", [jnp.asarray, np.asarray], ids=["jax", "numpy"])
def test_every_dtype_comes_back(tree, place) -> None:
    layout = Layout.of(jax.tree.map(lambda leaf: leaf[0], TREE))
    words = layout.encode(tree, (3,), layout.size + 2)
    assert words.shape == (3, layout.size + 2)
    assert words.dtype == jnp.uint32
    same_bits(tree, layout.decode(place(words)))
    one = jax.tree.map(lambda leaf: leaf[1], tree)
    same_bits(one, layout.decode(place(words)[1]))
    same_bits(one, layout.decode(layout.encode(one, (), layout.size)))


def test_numbers_of_64_bits() -> None:
    """Also where JAX holds none: they come back in NumPy."""
    with jax.enable_x64(True):
        tree = [
            jnp.array([[1 / 3], [-2.5]]),
            jnp.array([2**40 + 1, -(2**62)], jnp.int64),
            jnp.array([1 / 3 + 2j, complex(0, -np.inf)], jnp.complex128),
        ]
        layout = Layout.of(jax.tree.map(lambda leaf: leaf[0], tree))
        words = layout.encode(tree, (2,), layout.size)
        same_bits(tree, layout.decode(words))
    same_bits(tree, layout.decode(words))
    same_bits(tree, layout.decode(layout.encode(on_host(tree), (2,), layout.size)))


def test_a_tree_without_arrays() -> None:
    layout = Layout.of({})
    assert layout.encode({}, (4,), 0).shape == (4, 0)
    assert layout.size == 0
    assert layout.decode(jnp.zeros((4, 0), jnp.uint32)) == {}


def test_layouts_are_equal_by_what_they_hold() -> None:
    """They are static in batches, so that equal ones may not compile again."""
    assert Layout.of(TREE) == Layout.of(on_host(TREE))
    assert hash(Layout.of(TREE)) == hash(Layout.of(on_host(TREE)))
    assert Layout.of(TREE) != Layout.of(TREE["bool"])

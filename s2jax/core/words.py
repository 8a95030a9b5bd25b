"""Pytrees as one array of 32-bit words, exactly: what is moved as one needs code for one move."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32


def to_words(tree: Any, items: int) -> UInt32[Array, "items words"]:
    """The arrays of a pytree, whose first axis is items, one after the other in each row."""
    columns = [_encode(leaf).reshape(items, -1) for leaf in jax.tree.leaves(tree)]
    return jnp.concatenate([jnp.zeros((items, 0), jnp.uint32), *columns], axis=1)


def count_words(item: Any) -> int:
    """Words of one item, of whose arrays the shapes and dtypes are given."""
    return sum(
        int(np.prod(_shape_of_words(leaf), dtype=np.int64)) for leaf in jax.tree.leaves(item)
    )


def from_words(words: UInt32[Array, "items words"], item: Any) -> Any:
    """The inverse of `to_words`, given shapes and dtypes of one item."""
    leaves, structure = jax.tree.flatten(item)
    found, start = [], 0
    for leaf in leaves:
        shape = _shape_of_words(leaf)
        end = start + int(np.prod(shape, dtype=np.int64))
        found.append(_decode(words[:, start:end].reshape(len(words), *shape), leaf.dtype))
        start = end
    return structure.unflatten(found)


def _shape_of_words(leaf: Any) -> tuple[int, ...]:
    return jax.eval_shape(_encode, jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)).shape


def _encode(leaf: Array) -> UInt32[Array, "..."]:
    """Numbers as words; those of 64 bits have an axis of two more."""
    if leaf.dtype == jnp.bool_:
        return leaf.astype(jnp.uint32)
    if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
        return _encode(jnp.stack([leaf.real, leaf.imag], axis=-1))
    if leaf.dtype.itemsize >= 4:
        return jax.lax.bitcast_convert_type(leaf, jnp.uint32)
    return jax.lax.bitcast_convert_type(leaf, _unsigned(leaf.dtype)).astype(jnp.uint32)


def _decode(words: UInt32[Array, "..."], dtype: Any) -> Array:
    if dtype == jnp.bool_:
        return words != 0
    if jnp.issubdtype(dtype, jnp.complexfloating):
        parts = _decode(words, jnp.finfo(dtype).dtype)
        return jax.lax.complex(parts[..., 0], parts[..., 1])
    if dtype.itemsize >= 4:
        return jax.lax.bitcast_convert_type(words, dtype)
    return jax.lax.bitcast_convert_type(words.astype(_unsigned(dtype)), dtype)


def _unsigned(dtype: Any) -> Any:
    """The unsigned integers as large as a number of 8 or 16 bits."""
    return jnp.uint8 if dtype.itemsize == 1 else jnp.uint16

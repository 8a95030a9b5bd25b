"""Pytrees as one array of 32-bit words, exactly: what is moved as one needs code for one move."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32


class Layout(NamedTuple):
    """How the words of an item are read: the shapes and dtypes of its arrays.

    Attributes:
        structure: Of the pytree.
        leaves: The arrays, one after the other.
    """

    structure: Any
    leaves: tuple[jax.ShapeDtypeStruct, ...]

    @classmethod
    def of(cls, item: Any) -> "Layout":
        """The layout of items of which this is one, or tells shapes and dtypes of one."""
        leaves, structure = jax.tree.flatten(item)
        shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        return cls(structure, tuple(shapes))

    def __reduce__(self) -> Any:
        """Structures of classes cannot be pickled, items can."""
        return Layout.of, (self.structure.unflatten(self.leaves),)

    @property
    def size(self) -> int:
        """Words of one item."""
        return sum(math.prod(_shape_of_words(leaf)) for leaf in self.leaves)

    def encode(self, items: Any, axes: tuple[int, ...], width: int) -> UInt32[Array, "*axes width"]:
        """Items as words, and zeros up to the width; their arrays have `axes` before their own."""
        leaves = self.structure.flatten_up_to(items)
        columns: list[Any] = []
        for places in self._by_dtype().values():  # each at once, which is less to compile
            flat = lambda place: leaves[place].reshape((*axes, math.prod(self.leaves[place].shape)))
            own = list(map(flat, places))
            on_host = all(isinstance(leaf, np.ndarray) for leaf in own)
            joined = (np.concatenate if on_host else jnp.concatenate)(own, axis=-1)
            size = sum(math.prod(_shape_of_words(self.leaves[place])) for place in places)
            columns.append(_encode(joined).reshape((*axes, size)))
        rest = jnp.zeros((*axes, width - self.size), jnp.uint32)
        return jnp.concatenate([*columns, rest], axis=-1)

    def decode(self, words: Any) -> Any:
        """The inverse; arrays are of NumPy if the words are, or where JAX holds no such dtype."""
        found: list[Any] = [None] * len(self.leaves)
        start = 0
        for dtype, places in self._by_dtype().items():
            is_on_host = not is_held(dtype)
            for place in places:
                shape = _shape_of_words(self.leaves[place])
                end = start + math.prod(shape)
                own = words[..., start:end].reshape((*words.shape[:-1], *shape))
                found[place] = _decode(np.asarray(own) if is_on_host else own, dtype)
                start = end
        return self.structure.unflatten(found)

    def _by_dtype(self) -> dict[np.dtype, list[int]]:
        """The places of the leaves of each dtype, in the order of their words."""
        places: dict[np.dtype, list[int]] = {}
        for place, leaf in enumerate(self.leaves):
            places.setdefault(np.dtype(leaf.dtype), []).append(place)
        return places


def is_held(dtype: Any) -> bool:
    """Whether JAX holds such numbers: those of 64 bits only with x64."""
    return jax.dtypes.canonicalize_dtype(dtype) == dtype


def _shape_of_words(leaf: Any) -> tuple[int, ...]:
    """Those of 64 bits have an axis of two more, complex ones too."""
    is_complex = jnp.issubdtype(leaf.dtype, jnp.complexfloating)
    size = leaf.dtype.itemsize // (2 if is_complex else 1)
    return (*leaf.shape, *((2,) if is_complex else ()), *((2,) if size == 8 else ()))


def _encode(leaf: Any) -> Any:
    """Numbers as words."""
    if leaf.dtype == np.bool_:
        return leaf.astype(np.uint32)
    if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
        stack = np.stack if isinstance(leaf, np.ndarray) else jnp.stack
        return _encode(stack([leaf.real, leaf.imag], axis=-1))
    if leaf.dtype.itemsize >= 4:
        return _bitcast(leaf, np.dtype(np.uint32))
    return _bitcast(leaf, _unsigned(leaf.dtype)).astype(np.uint32)


def _decode(words: Any, dtype: Any) -> Any:
    if dtype == np.bool_:
        return words != 0
    if jnp.issubdtype(dtype, jnp.complexfloating):
        parts = _decode(words, jnp.finfo(dtype).dtype)
        if isinstance(parts, np.ndarray):
            return np.ascontiguousarray(parts).view(dtype)[..., 0]
        return jax.lax.complex(parts[..., 0], parts[..., 1])
    if dtype.itemsize >= 4:
        return _bitcast(words, np.dtype(dtype))
    return _bitcast(words.astype(_unsigned(dtype)), np.dtype(dtype))


def _bitcast(numbers: Any, dtype: np.dtype) -> Any:
    """The same bits as numbers of another dtype; two words of a number are an axis at the end."""
    if not isinstance(numbers, np.ndarray):
        return jax.lax.bitcast_convert_type(numbers, dtype)
    if numbers.dtype.itemsize == dtype.itemsize:
        return numbers.view(dtype)
    if numbers.dtype.itemsize > dtype.itemsize:
        return np.ascontiguousarray(numbers)[..., None].view(dtype)
    return np.ascontiguousarray(numbers).view(dtype)[..., 0]


def _unsigned(dtype: Any) -> np.dtype:
    """The unsigned integers as large as a number of 8 or 16 bits."""
    return np.dtype(np.uint8 if dtype.itemsize == 1 else np.uint16)

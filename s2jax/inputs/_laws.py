"""Laws of many channels: mapped over axes of any number, and computed once for all steps."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from s2jax.core.random import store

Laws = TypeVar("Laws")


def store_laws(laws: Laws) -> Laws:
    """The same laws of many channels, computed before what reads them.

    XLA makes what is computed for a channel part of the loop over its steps, where it costs as much
    as there are steps, and where a look-up or a random word keeps the rest from being vectorised.
    """
    leaves, structure = jax.tree.flatten(laws)
    out: list[Any] = list(leaves)
    for dtype in dict.fromkeys(leaf.dtype for leaf in leaves):
        places = [index for index, leaf in enumerate(leaves) if leaf.dtype == dtype]
        # channels last, as series have them
        flat = [leaves[index].reshape(len(leaves[index]), -1).T for index in places]
        # of a single row, concatenated with itself: else nothing would be stored
        stored: tuple[Array, ...] = store(*flat, flat[-1][-1:])
        for index, leaf in zip(places, stored, strict=False):
            out[index] = leaf.T.reshape(leaves[index].shape)
    return jax.tree.unflatten(structure, out)


def map_channels(make: Callable[[Laws], Any], laws: Laws, axes: tuple[int, ...]) -> Any:
    """What `make` makes of laws with one axis of channels, arrays of `(time, channels)`, for laws
    with these axes before their own: arrays of `(*axes, time)`."""
    flat = jax.tree.map(lambda leaf: jnp.asarray(leaf).reshape(-1, *leaf.shape[len(axes) :]), laws)
    return jax.tree.map(lambda leaf: leaf.T.reshape(*axes, len(leaf)), make(flat))

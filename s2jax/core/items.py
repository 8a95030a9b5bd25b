"""Pytrees of many items, whose arrays have the axis of items first."""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

Items = TypeVar("Items")


def choose_items(is_first: Bool[Array, "#items"], first: Items, second: Items) -> Items:
    """Items of the first where that is said, else of the second, whose dtypes they have."""

    def choose(one, other):
        return jnp.where(
            is_first.reshape(-1, *(1,) * (one.ndim - 1)), one.astype(other.dtype), other
        )

    return jax.tree.map(choose, first, second)

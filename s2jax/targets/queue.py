"""Queues inside jit: which items of a table are next, and which of them gets the next try."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int


def positions(chosen: Bool[Array, " items"], count: int) -> Int[Array, " count"]:
    """Where the first `count` chosen items are; the number of items where there are no more."""
    size = chosen.shape[0]
    rank = jnp.cumsum(chosen, dtype=jnp.int32) - 1
    # a scatter, because sorting or searching costs more
    place = jnp.where(chosen, rank, count)
    items = jnp.arange(size, dtype=jnp.int32)
    return jnp.full(count, size, jnp.int32).at[place].set(items, mode="drop")


def deal(
    is_open: Bool[Array, " items"], num_lanes: int
) -> tuple[Int[Array, " lanes"], Int[Array, " lanes"]]:
    """Deal open items to the lanes in turn: the item of each lane, and how many it got before.

    While there are fewer items than lanes, an item gets several. If none is open, the items mean
    nothing.
    """
    size = is_open.shape[0]
    lane = jnp.arange(num_lanes, dtype=jnp.int32)
    count = jnp.maximum(is_open.sum(dtype=jnp.int32), 1)
    return positions(is_open, size)[lane % count] % size, lane // count

"""Items of several groups, each of which works on tiles of its own."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int


class Queue(NamedTuple):
    """Items in the order of the groups that draw them, worked on a tile at a time.

    Attributes:
        order: Their numbers.
        ends: Where the items of each group end; after them come those that no group draws, and
            after these those that stay as they are.
    """

    order: Int[Array, " items"]
    ends: Int[Array, " groups_and_one"]

    @classmethod
    def of(cls, group: Int[Array, " items"], num_groups: int) -> "Queue":
        """The queue of items of these groups; a group beyond their number stays as it is."""
        order = jnp.argsort(group, stable=True).astype(jnp.int32)
        ends = (group[:, None] <= jnp.arange(num_groups + 1, dtype=jnp.int32)).sum(
            0, dtype=jnp.int32
        )
        return cls(order, ends)

    def change(self, group: int, make, items, state, tile: int, loops: bool = True):
        """Put in the state what `make` says of the items of a group.

        Without `loops` a tile that has room for all items is worked on once, whether it has any:
        where a device would have to tell the host how often.
        """
        start = self.ends[group - 1] if group else jnp.int32(0)
        return self._change(start, self.ends[group], make, items, state, tile, loops)

    def change_all(self, make, items, state, tile: int, loops: bool = True):
        """Put in the state what `make` says of all items but those that stay as they are."""
        return self._change(jnp.int32(0), self.ends[-1], make, items, state, tile, loops)

    def _change(self, start: Array, end: Array, make, items, state, tile: int, loops: bool):
        # constants and few numbers: XLA compiles code for each that is known before a loop
        num_items, order = len(self.order), self.order
        lane = np.arange(max(tile, 2), dtype=np.int32)
        if num_items == 1:
            # the bits of one alone would be scalars in a loop over its series: LLVM asks of each
            # step of the cipher whether it is one, and of each step before it anew, without end
            order = jnp.arange(2, dtype=jnp.int32)
            items = [jnp.pad(leaf, [(0, 1)] + [(0, 0)] * (leaf.ndim - 1)) for leaf in items]
        last = len(order) - 1

        def step(carry):
            place, end, state = carry
            places = place + lane
            item = order[jnp.minimum(places, last)]
            target = jnp.where(places < end, item, num_items)
            put = lambda old, new: old.at[target].set(new, mode="drop")
            state = jax.tree.map(put, state, make(*(leaf[item] for leaf in items)))
            return place + len(lane), end, state

        if not loops and tile >= num_items:
            return step((start, end, state))[2]
        return jax.lax.while_loop(lambda carry: carry[0] < carry[1], step, (start, end, state))[2]

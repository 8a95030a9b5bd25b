"""Random trees, many at once, as words of node kinds in prefix order.

Arrays are `(nodes, batch)`, the batch minor, so that every step is one vector operation over the
batch; relations between nodes are found by loops over node positions, never over trees. With
`open` the number of open slots before a node is read, a sub-tree ends where `open` first falls
below its root's, and the right child of a binary node is the next node but one or later of equal
`open`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from s2jax.core.random import below

NONE, LEAF, UNARY, BINARY = -1, 0, 1, 2
MAX_NODES = 256


def sample_shapes(
    bits: UInt32[Array, "nodes batch"], num_binary: Int[Array, " batch"],
    num_unary: Int[Array, " batch"],
) -> Int[Array, "nodes batch"]:  # fmt: skip
    """Draw uniformly among the trees with the given numbers of binary and unary nodes.

    Node by node in prefix order. With e open slots and b binary, u unary and N = 2b + u + e nodes
    to come, e/N * N! / (b! u! (b+e)!) words complete the tree (cycle lemma), so that the next node
    is binary with probability (e+1) b / (e (N-1)) and unary with probability u / (N-1).
    """

    def step(carry, bits):
        slots, binary, unary = carry
        rest = 2 * binary + unary + slots - 1
        draw = below(bits, jnp.maximum(slots * rest, 0))
        is_binary = draw < (slots + 1) * binary
        is_unary = ~is_binary & (draw < (slots + 1) * binary + slots * unary)
        kind = jnp.where(is_binary, BINARY, jnp.where(is_unary, UNARY, LEAF))
        kind = jnp.where(slots > 0, kind, NONE)
        slots = slots + jnp.where(slots > 0, kind - 1, 0)
        binary = binary - is_binary.astype(jnp.int32)
        return (slots, binary, unary - is_unary.astype(jnp.int32)), kind

    start = (jnp.ones_like(num_binary), num_binary, num_unary)
    return jax.lax.scan(step, start, bits)[1]


def count_open(kind: Int[Array, "nodes batch"]) -> Int[Array, "nodes batch"]:
    """Number of open slots before each node is read."""
    step = lambda slots, kind: (slots + jnp.where(kind == NONE, 0, kind - 1), slots)
    return jax.lax.scan(step, jnp.ones_like(kind[0]), kind)[1]


def over_nodes(update, start, num_nodes: int, reverse: bool = False):
    """Fold `update(j, carry)` over node positions j."""
    body = (lambda j, carry: update(num_nodes - 1 - j, carry)) if reverse else update
    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(num_nodes), body, start)


def row_by_row(function, *arrays):
    """Apply an elementwise function to one row of nodes after another.

    A loop's results are stored; a fused expression would be compiled into, and computed again by,
    every kernel that reads it.
    """
    return jax.lax.map(lambda rows: function(*rows), arrays)


def by_tiles(function, tile: int, rows: int, arguments):
    """`function` of so many rows of the arguments at a time, one tile after another.

    So caches hold a tile. Rows of zeros fill the last one; theirs of the result are dropped.
    """
    tile = max(min(rows, tile), 1)
    count = -(-rows // tile)

    def split(leaf):
        extra = ((0, count * tile - rows), *[(0, 0)] * (leaf.ndim - 1))
        return jnp.pad(leaf, extra).reshape(count, tile, *leaf.shape[1:])

    out = jax.lax.map(function, jax.tree.map(split, arguments))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:rows], out)


def _positions(num_nodes: int) -> Int[Array, "nodes 1"]:
    return jnp.arange(num_nodes, dtype=jnp.int32)[:, None]


def rank_among(
    order: UInt32[Array, "nodes batch"], chosen: Bool[Array, "nodes batch"]
) -> Int[Array, "nodes batch"]:
    """Rank of each chosen node among the chosen ones of its tree, by the high bits of `order`.

    Ties go by position; a node not chosen ranks after all that are.
    """
    position = _positions(order.shape[0])
    key = ((order >> np.uint32(1)).astype(jnp.int32) & ~np.int32(MAX_NODES - 1)) | position
    key = jnp.where(chosen, key, np.int32(2**31 - 1))
    update = lambda j, rank: rank + (key[j] < key).astype(jnp.int32)
    return over_nodes(update, jnp.zeros(order.shape, jnp.int32), order.shape[0])


def subtree_sizes(
    kind: Int[Array, "nodes batch"], slots: Int[Array, "nodes batch"]
) -> Int[Array, "nodes batch"]:
    """Number of nodes of the sub-tree under each node, itself included."""
    nodes = _positions(kind.shape[0])
    length = (kind != NONE).sum(0, dtype=jnp.int32)

    def update(j, end):
        return jnp.where((j > nodes) & (slots[j] < slots) & (kind[j] != NONE), j, end)

    start = jnp.broadcast_to(length, kind.shape)
    return over_nodes(update, start, kind.shape[0], reverse=True) - nodes


def insert_unaries(
    kind: Int[Array, "nodes batch"], above: Bool[Array, "nodes batch"], num_slots: int
) -> Int[Array, "slots batch"]:
    """Insert a unary node above each marked node; the words grow to `num_slots`."""
    step = lambda total, mark: (total + mark, total + mark)
    marks = above.astype(jnp.int32)
    inserted = jax.lax.scan(step, jnp.zeros_like(marks[0]), marks)[1]
    position = inserted + _positions(kind.shape[0])
    slots = _positions(num_slots)

    def update(j, out):
        out = jnp.where(slots == position[j], kind[j], out)
        return jnp.where(above[j] & (slots == position[j] - 1), UNARY, out)

    start = jnp.full((num_slots, kind.shape[1]), NONE, jnp.int32)
    return over_nodes(update, start, kind.shape[0])


def of_parent(
    value: Int[Array, "nodes batch"], kind: Int[Array, "nodes batch"],
    slots: Int[Array, "nodes batch"], at_root: int,
) -> Int[Array, "nodes batch"]:  # fmt: skip
    """`value` at the parent of each node."""
    nodes = _positions(kind.shape[0])
    update = lambda j, out: jnp.where((j < nodes) & (slots[j] == slots), value[j], out)
    as_right = over_nodes(update, jnp.full(kind.shape, at_root, jnp.int32), kind.shape[0])
    root = jnp.full((1, kind.shape[1]), at_root, jnp.int32)
    previous = jnp.concatenate([jnp.zeros_like(root), kind[:-1]])
    first = jnp.concatenate([root, value[:-1]])
    return jnp.where(previous >= UNARY, first, as_right)


def of_right_child(
    value: Int[Array, "nodes batch"], slots: Int[Array, "nodes batch"]
) -> Int[Array, "nodes batch"]:
    """`value` at the right child of each binary node; anything elsewhere."""
    nodes = _positions(value.shape[0])
    update = lambda j, out: jnp.where((j >= nodes + 2) & (slots[j] == slots), value[j], out)
    return over_nodes(update, jnp.zeros_like(value), value.shape[0], reverse=True)

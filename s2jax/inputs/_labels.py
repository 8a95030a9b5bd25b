"""Small whole numbers of every step, as labels of series, packed into words."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

_WORD = 32


def pack(labels: Int[Array, "time *channels"], width: int) -> UInt32[Array, "words *channels"]:
    """Labels below 2**width, 32 / width in a word, the first in its lowest bits."""
    rest = [(0, -len(labels) % (_WORD // width))] + [(0, 0)] * (labels.ndim - 1)
    words = jnp.pad(labels.astype(jnp.uint32), rest)
    while width < _WORD:
        words = words[::2] | (words[1::2] << np.uint32(width))
        width = 2 * width
    return words


def unpack(
    words: UInt32[Array, "words *channels"], width: int, length: int
) -> Int[Array, "{length} *channels"]:
    """The labels that `pack` packed."""
    shifts = np.arange(0, _WORD, width, dtype=np.uint32)
    parts = words[:, None] >> shifts.reshape(-1, *(1,) * (words.ndim - 1))
    labels = (parts & np.uint32(2**width - 1)).astype(jnp.int32)
    return labels.reshape(-1, *words.shape[1:])[:length]

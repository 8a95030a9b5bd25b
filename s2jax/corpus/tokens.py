"""Tokens of a corpus: rows of token ids one after another, without padding.

A row holds the prefix forms of its outputs with `"|"` between them, and no `<bos>` and `<eos>`;
their words are stored beside them. `s2jax.text.from_tokens` reads them back exactly.
"""

import numpy as np
from jaxtyping import Int, Int16, Int32

from s2jax.text.tokens import Tokens


def ragged(
    tokens: Tokens,
) -> tuple[Int16[np.ndarray, " tokens"], Int32[np.ndarray, " rows_plus_one"]]:
    """Token ids of all rows one after another, and where each row starts.

    Args:
        tokens: Rows of `to_tokens`, each with status 0.

    Returns:
        Ids without `<bos>`, `<eos>` and `<pad>`, and the offsets: row i has the ids `offsets[i]` to
        `offsets[i + 1]`.

    Example:
        >>> import jax, s2jax
        >>> from s2jax.text.tokens import to_tokens
        >>> config = s2jax.presets.s2(length=64)
        >>> ids, offsets = ragged(to_tokens(s2jax.sample(jax.random.key(0), config, 4).program))
        >>> offsets.shape, int(offsets[-1]) == ids.size
        ((5,), True)
    """
    ids, size = np.asarray(tokens.ids, np.int16), np.asarray(tokens.length)
    place = np.arange(ids.shape[1])
    inside = (place >= 1) & (place < size[:, None] - 1)
    return ids[inside], np.cumsum([0, *(size - 2)]).astype(np.int32)


def padded(
    ids: Int[np.ndarray, " tokens"], offsets: Int[np.ndarray, " rows_plus_one"], pad: int = 0
) -> Int16[np.ndarray, "rows length"]:
    """Rows of one length again, for `from_tokens`.

    Args:
        ids, offsets: As stored.
        pad: Id of `<pad>`.

    Example:
        >>> padded(np.array([7, 8, 9], np.int16), np.array([0, 1, 3], np.int32)).tolist()
        [[7, 0], [8, 9]]
    """
    size = np.diff(offsets)
    inside = np.arange(max(size.max(initial=0), 1)) < size[:, None]
    out = np.full(inside.shape, pad, np.int16)
    out[inside] = ids[offsets[0] : offsets[-1]]
    return out

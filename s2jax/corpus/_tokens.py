"""Tokens of a corpus: rows of token ids one after another, without padding.

A row holds the prefix forms of its outputs with `"|"` between them, and no `<bos>` and `<eos>`;
their words are stored beside them. `s2jax.symbols.from_tokens` reads them back exactly.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int, Int16, Int32

from s2jax.operators import TABLE
from s2jax.symbols._tokens import Tokens
from s2jax.symbols._tree import Number


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
        >>> from s2jax.symbols._tokens import to_tokens
        >>> config = s2jax.presets.s2(length=64)
        >>> ids, offsets = ragged(to_tokens(s2jax.sample(jax.random.key(0), config, 3).program))
        >>> offsets.shape, int(offsets[-1]) == ids.size
        ((4,), True)
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


def to_trees(ids: Sequence[int], words: Sequence[str]) -> list[Any]:
    """One tree per output of a stored row: `("add", left, right)`, `"x_0"` or a `Number`.

    Plain Python, for pictures of single rows; `from_tokens` makes programs of many.

    Args:
        ids: Well-formed tokens of one row.
        words: The vocabulary, as stored.

    Example:
        >>> from s2jax.symbols import Vocabulary
        >>> words = Vocabulary().words
        >>> text = ["mul", "-", "N244", "E-3", "x_0", "|", "sin", "x_1"]
        >>> to_trees([words.index(word) for word in text], words)
        [('mul', Number(mantissa=-244, exponent=-3), 'x_0'), ('sin', 'x_1')]
    """
    arity = {operator.name: operator.arity for operator in TABLE}
    digits = len(words[-1]) - 1
    trees, stack = [], []
    for word in reversed([words[token] for token in ids]):
        if word == "|":
            trees.append(stack.pop())
        elif word in ("+", "-"):
            text = stack.pop()[1:]
            while stack[-1][0] == "N":
                text += stack.pop()[1:].zfill(digits)
            mantissa, exponent = int(text), int(stack.pop()[1:])
            stack.append(Number(-mantissa if word == "-" else mantissa, exponent))
        elif arity.get(word, 0):
            stack.append((word, *(stack.pop() for _ in range(arity[word]))))
        else:
            stack.append(word)
    (last,) = stack
    return [last, *reversed(trees)]

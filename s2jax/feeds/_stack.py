"""Rows of a stored corpus as arrays with a batch axis, by NumPy alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from s2jax.core import checks
from s2jax.corpus.tokens import padded


def stack_rows(
    rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None
) -> dict[str, Any]:
    """Rows of one corpus as one dict: what loaders call a collate function.

    Args:
        rows: What `corpus_source(path)[i]`, `Corpus.row(i)` or `ArrayRecords(path)[i]` gave; at
            least one.
        columns: Which to keep. By default all.

    Returns:
        By column, an array (rows, ...) that can be written to. Token ids are padded at the right
        with 0, the id of `<pad>`, to the longest of these rows. Text is a list. Unsigned integers
        become int64, which PyTorch has and which holds every `id`.

    Raises:
        ValueError: If there are no rows, or a column is unknown.

    Example:
        >>> import numpy as np
        >>> rows = [{"y_0": np.zeros(64), "tokens": np.arange(n, dtype=np.int16)} for n in (3, 5)]
        >>> {name: values.shape for name, values in stack_rows(rows).items()}
        {'y_0': (2, 64), 'tokens': (2, 5)}
    """
    if not len(rows):
        raise ValueError("stack_rows(rows=[]): must be at least one row. Pass rows of a corpus.")
    names = list(rows[0]) if columns is None else list(columns)
    for name in names:
        if name not in rows[0]:
            raise ValueError(f"stack_rows(columns={names}): {checks.unknown(name, rows[0])}")
    return {name: _stack(name, [row[name] for row in rows]) for name in names}


def _stack(name: str, cells: list[Any]) -> Any:
    if isinstance(cells[0], str):
        return cells
    if name.endswith("tokens"):
        return padded(np.concatenate(cells), np.cumsum([0, *map(len, cells)]))
    array = np.stack(cells)
    return array.astype(np.int64) if array.dtype.kind == "u" else array

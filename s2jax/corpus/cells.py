"""What tables of Arrow hold, as arrays, numbers and text."""

from typing import Any

import numpy as np


def values(column: Any) -> np.ndarray:
    """A column of numbers or of lists of one size as an array."""
    array = column.combine_chunks()
    if hasattr(array, "flatten"):
        flat = array.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(array), getattr(array.type, "list_size", -1))
    return array.to_numpy(zero_copy_only=False)


def flatten(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """The values of a column of lists, and where those of each row begin and the last end."""
    array = column.combine_chunks()
    return np.asarray(array.flatten()), np.asarray(array.offsets) - array.offsets[0].as_py()


def to_rows(table: Any) -> list[dict[str, Any]]:
    """Rows as dicts of arrays, numbers and text; arrays are views of the table."""
    cells = cells_of(table)
    return [{name: column[row] for name, column in cells.items()} for row in range(len(table))]


def cells_of(table: Any) -> dict[str, Any]:
    """One value per row, by column."""
    return {name: _cells(table[name]) for name in table.column_names}


def _cells(column: Any) -> Any:
    if str(column.type) == "string":
        return column.to_pylist()
    if hasattr(column.type, "value_type") and not hasattr(column.type, "list_size"):
        flat, offsets = flatten(column)
        return np.split(flat, offsets[1:-1])
    return values(column)

"""NumPy alone: `.npz` files of arrays."""

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.corpus.cells import flatten, values
from s2jax.corpus.tokens import padded
from s2jax.exporters._base import AbstractExporter, Written
from s2jax.exporters._rows import channels, mask
from s2jax.exporters._source import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Npz(AbstractExporter):
    """`data-*.npz` files that `numpy.load(..., allow_pickle=False)` opens, and `vocabulary.json`.

    `x` is (rows, inputs, time), `y` (rows, outputs, time), in the corpus' own precision;
    `tokens` are padded to one width in all files; every other column of the corpus has its name.

    Attributes:
        rows_per_file: By default what makes about 64 MB. A file is made in memory.
    """

    name: ClassVar[str] = "npz"
    about: ClassVar[str] = (
        "NumPy archives of x, y, tokens and all other columns, for anything else."
    )

    rows_per_file: int | None = None

    def check(self, source: Source) -> list[str]:
        if self.rows_per_file is not None:
            checks.check_static_integer("export", "rows_per_file", self.rows_per_file, 1)
        return []

    def write(self, source: Source, folder: Path) -> Written:
        rows = self.rows_per_file or max(64_000_000 // source.row_bytes, 1)
        for file, table in enumerate(source.tables(rows)):
            np.savez(folder / f"data-{file:05d}.npz", **_arrays(source, table))
        (folder / "vocabulary.json").write_text(source.corpus.vocabulary.to_json())
        return Written(source.series)


def _arrays(source: Source, table: Any) -> dict[str, Any]:
    """A table's columns as arrays, the channels of x and y stacked."""
    kind = values(table["y_0"]).dtype
    arrays = {
        "x": channels(table, "x", source.inputs, source.length, kind),
        "y": channels(table, "y", source.outputs, source.length, kind),
        "x_mask": mask(table, "x", source.inputs),
        "y_mask": mask(table, "y", source.outputs),
    }
    stacked = {
        f"{letter}_{c}" for letter in "xy" for c in range(max(source.inputs, source.outputs))
    }
    for name in table.column_names:
        if name not in stacked and name not in arrays:
            arrays[name] = _array(table[name], source.longest.get(name, 0))
    return arrays


def _array(column: Any, width: int) -> np.ndarray:
    """A column as an array; token ids get at least `width` columns."""
    if str(column.type) == "string":
        return np.array(column.to_pylist(), np.str_)
    if hasattr(column.type, "value_type") and not hasattr(column.type, "list_size"):
        ids = padded(*flatten(column))
        return np.pad(ids, ((0, 0), (0, max(width - ids.shape[1], 0))))
    return values(column)

"""Text that everything reads: tables of comma-separated values, and lines of JSON."""

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.corpus.cells import values
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._base import AbstractExporter, Written
from s2jax.exporters._missing import read_observed
from s2jax.exporters._rows import channels, mask
from s2jax.exporters._source import Source

_FILE_BYTES = 64_000_000  # of values; their text takes three times as many


class _Channels(NamedTuple):
    """Series of some rows, which channels these have, and where they were measured."""

    series: Float[np.ndarray, "rows channels time"]
    has: Bool[np.ndarray, "rows channels"]
    observed: Bool[np.ndarray, "rows channels time"] | None

    def columns(self) -> list[Any]:
        """The values of each channel, all rows one after another; null where there is none."""
        missing = np.broadcast_to(~self.has[..., None], self.series.shape)
        if self.observed is not None:
            missing = missing | ~self.observed
        make = lambda series, missing: pyarrow().array(series.ravel(), mask=missing.ravel())
        return [make(self.series[:, c], missing[:, c]) for c in range(self.series.shape[1])]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _AbstractText(AbstractExporter):
    """What both have in common.

    Attributes:
        rows_per_file: By default what makes some 200 MB.
    """

    rows_per_file: int | None = None

    def check(self, source: Source) -> list[str]:
        if self.rows_per_file is not None:
            checks.check_static_integer("export", "rows_per_file", self.rows_per_file, 1)
        return []

    def _tables(self, source: Source) -> Iterator[tuple[int, Any]]:
        """The rows of each file."""
        wanted = {"id", "status", "t", "expression", "x_mask", "y_mask"}
        for letter, count in (("x", source.inputs), ("y", source.outputs)):
            wanted |= {f"{letter}_{channel}" for channel in range(count)}
        wanted |= {f"y_observed_{output}" for output in range(source.outputs)}
        columns = [name for name in source.columns if name in wanted]
        rows = self.rows_per_file or max(_FILE_BYTES // source.row_bytes, 1)
        yield from enumerate(source.tables(rows, columns))


@dataclasses.dataclass(frozen=True, kw_only=True)
class CSV(_AbstractText):
    """`series-*.csv`, one line per row and time step, and `expressions.csv`, one per row.

    Columns are `id`, `step`, `t` where a row has times, and every input and output, empty where a
    value was not measured or a row lacks the channel. Numbers are the shortest text that is read
    back as the same value.
    """

    name: ClassVar[str] = "csv"
    about: ClassVar[str] = "Tables of comma-separated values, a line per time step, for anything."

    def write(self, source: Source, folder: Path) -> Written:
        pa = pyarrow()
        with open(folder / "expressions.csv", "w", newline="", encoding="utf-8") as stream:
            lines = csv.writer(stream)
            lines.writerow(["id", "expression"])
            for file, table in self._tables(source):
                flat = pa.table(_columns(source, table))
                require("pyarrow.csv", "Corpora").write_csv(flat, folder / f"series-{file:05d}.csv")
                ids = values(table["id"]).tolist()
                lines.writerows(zip(ids, table["expression"].to_pylist(), strict=True))
        return Written(source.series)


@dataclasses.dataclass(frozen=True, kw_only=True)
class JSONLines(_AbstractText):
    """`data-*.jsonl`, one object per row: `id`, `x`, `y`, `expression`, and `t` where it has times.

    `x` and `y` are lists of channels, null where a row lacks one; values that were not measured are
    null, too. Numbers are the shortest text that is read back as the same value.
    """

    name: ClassVar[str] = "jsonl"
    about: ClassVar[str] = "Lines of JSON, an object per row, for anything."

    def write(self, source: Source, folder: Path) -> Written:
        for file, table in self._tables(source):
            with open(folder / f"data-{file:05d}.jsonl", "w", encoding="utf-8") as stream:
                stream.writelines(_lines(source, table))
        return Written(source.series)


def _channels(source: Source, table: Any) -> dict[str, _Channels]:
    """Inputs and outputs, in the precision of the corpus."""
    kind, found = values(table["y_0"]).dtype, {}
    for letter, count in (("x", source.inputs), ("y", source.outputs)):
        series = channels(table, letter, count, source.length, kind)
        observed = read_observed(table, count) if letter == "y" else None
        found[letter] = _Channels(series, mask(table, letter, count), observed)
    return found


def _columns(source: Source, table: Any) -> dict[str, Any]:
    """Columns of a table with a line per row and step."""
    rows, length = len(table), source.length
    columns: dict[str, Any] = {
        "id": np.repeat(values(table["id"]), length),
        "step": np.tile(np.arange(length), rows),
    }
    if "t" in table.column_names:
        columns["t"] = values(table["t"]).reshape(-1)
    for letter, found in _channels(source, table).items():
        columns |= {f"{letter}_{c}": column for c, column in enumerate(found.columns())}
    return columns


def _lines(source: Source, table: Any) -> Iterator[str]:
    """A line per row."""
    parts = {"id": [str(number) for number in values(table["id"])]}
    for letter, found in _channels(source, table).items():
        texts = [_lists(column, source.length) for column in found.columns()]
        parts[letter] = [
            _list(
                text[row] if has else "null"
                for text, has in zip(texts, found.has[row], strict=True)
            )
            for row in range(len(table))
        ]
    if "t" in table.column_names:
        parts["t"] = _lists(pyarrow().array(values(table["t"]).reshape(-1)), source.length)
    parts["expression"] = [json.dumps(text) for text in table["expression"].to_pylist()]
    for cells in zip(*parts.values(), strict=True):
        fields = (f'"{name}": {cell}' for name, cell in zip(parts, cells, strict=True))
        yield f"{{{', '.join(fields)}}}\n"


def _lists(column: Any, length: int) -> list[str]:
    """Values as lists of JSON of so many each."""
    compute = require("pyarrow.compute", "Corpora")
    texts = compute.cast(column, pyarrow().string()).fill_null("null").to_pylist()
    return [_list(texts[first : first + length]) for first in range(0, len(texts), length)]


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"

"""ArrayRecord: what Grain reads in any order."""

import dataclasses
import itertools
import operator
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from s2jax.core.optional import require
from s2jax.corpus.cells import to_rows
from s2jax.corpus.places import local_of
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._base import AbstractExporter, Written
from s2jax.exporters._folder import naming
from s2jax.exporters._rows import cut, num_files
from s2jax.exporters._source import Source

SCHEMA = "schema.arrow"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArrayRecord(AbstractExporter):
    """`data-*.array_record` files, one record per row, with the columns of the corpus.

    A record is an Arrow record batch of one row as an IPC message; `schema.arrow` holds the schema
    of all. `ArrayRecords` reads them. Each record is a chunk of its own (`group_size:1`).
    """

    name: ClassVar[str] = "array-record"
    about: ClassVar[str] = (
        "ArrayRecord files with all columns, for Grain; s2jax.exporters.ArrayRecords reads them."
    )

    def check(self, source: Source) -> list[str]:
        _library("array_record_module")
        return []

    def write(self, source: Source, folder: Path) -> Written:
        library = _library("array_record_module")
        files = num_files(source.rows, source.row_bytes)
        parts = cut(source.tables(), source.rows, files)
        for file, group in itertools.groupby(parts, key=lambda part: part[0]):
            name = folder / f"data-{file:05d}-of-{files:05d}.array_record"
            writer = library.ArrayRecordWriter(str(name), "group_size:1")
            for _, table in group:
                for record in _records(table):
                    writer.write(record)
            writer.close()
        (folder / SCHEMA).write_bytes(_schema(source).serialize().to_pybytes())
        return Written(source.series)


def _schema(source: Source) -> Any:
    return next(source.tables()).schema


def _records(table: Any) -> Iterator[bytes]:
    for batch in table.to_batches():
        for row in range(len(batch)):
            yield batch.slice(row, 1).serialize().to_pybytes()


class ArrayRecords(Sequence):
    """Records of an export by their numbers, as a source of `grain.MapDataset`.

    A row is a dict of arrays, numbers and text by column, as `Corpus.row` gives it; masks say which
    channels it has. Nothing in the files is executed or unpickled.

    Args:
        path: What `export(..., format="array-record")` wrote.

    Raises:
        ImportError: If array-record is not installed.
        FileNotFoundError: If there is no such export.
        DamagedError: If its schema is cut off or damaged.

    Example:
        >>> source = ArrayRecords("corpus-records")  # doctest: +SKIP
        >>> data = grain.MapDataset.source(source).shuffle(seed=0).batch(32)  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = local_of(path, "ArrayRecords", "an export")
        library, pa = _library("array_record_data_source"), pyarrow()
        names = sorted(str(name) for name in self.path.glob("data-*.array_record"))
        if not names or not (self.path / SCHEMA).is_file():
            raise FileNotFoundError(
                f"ArrayRecords(path={str(path)!r}): the folder must hold {SCHEMA} and "
                "data-*.array_record files, but does not. Write them with "
                's2jax.exporters.export(..., format="array-record").'
            )
        self._source = library.ArrayRecordDataSource(names)
        with naming(self.path / SCHEMA):
            self._schema = pa.ipc.read_schema(pa.py_buffer((self.path / SCHEMA).read_bytes()))

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}  # workers open files of their own

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: Any) -> dict[str, Any]:
        """Row number `index`."""
        index = operator.index(index)
        if not 0 <= index < len(self):
            raise IndexError(f"ArrayRecords[{index}]: must be >= 0 and < {len(self)}.")
        return decode(self._source[index], self._schema)


def decode(record: bytes, schema: Any) -> dict[str, Any]:
    """The row of a record."""
    pa = pyarrow()
    batch = pa.ipc.read_record_batch(pa.py_buffer(record), schema)
    return to_rows(pa.Table.from_batches([batch]))[0]


def _library(module: str) -> Any:
    """A module of the optional dependency, or an error that says how to install it."""
    return require(f"array_record.python.{module}", "ArrayRecord files")

"""Row groups of the files of a corpus, the last of them kept in memory."""

import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from s2jax.corpus._spans import spans_of
from s2jax.corpus.cells import cells_of
from s2jax.corpus.footers import check_footer, naming, pyarrow
from s2jax.corpus.places import Place, readable
from s2jax.corpus.remote import Ranges, Remote

MAX_OPEN = 16
"""Files that a thread keeps open: each holds its footer in memory, and systems limit them."""
MAX_FOOTERS = 256
"""Footers of files behind an address that are kept, for all threads."""
CACHE_BYTES = 2**26


class _File(NamedTuple):
    """An open file, where its row groups begin, with its end, and what it is read from."""

    file: Any
    starts: np.ndarray
    stream: Ranges | None


class _Open(threading.local):
    """Open files by number of shard, for each thread: a file serves one reader at a time."""

    def __init__(self) -> None:
        self.files: dict[int, _File] = {}


class _Group:
    """A row group in memory."""

    def __init__(self, table: Any) -> None:
        self.table = table

    @cached_property
    def cells(self) -> dict[str, Any]:
        return cells_of(self.table)


class _Kept:
    """The groups that were used last, as many as there is room for; threads share them."""

    def __init__(self, most_bytes: int) -> None:
        self._groups: OrderedDict[tuple, _Group] = OrderedDict()
        self._most_bytes, self._bytes = most_bytes, 0
        self._lock = threading.Lock()

    def get(self, place: tuple) -> _Group | None:
        with self._lock:
            if place in self._groups:
                self._groups.move_to_end(place)
            return self._groups.get(place)

    def put(self, place: tuple, group: _Group) -> None:
        with self._lock:
            if place not in self._groups:
                self._groups[place] = group
                self._bytes += group.table.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._groups.popitem(last=False)[1].table.nbytes


class Groups:
    """Rows of the files of a corpus, read by row groups.

    Attributes:
        cache_bytes: How many bytes of groups are kept, those that were used last.
    """

    def __init__(self, path: Place, manifest: dict[str, Any], cache_bytes: int) -> None:
        self.cache_bytes = cache_bytes
        self._path, self._manifest = path, manifest
        self._begin()

    def _begin(self) -> None:
        self._open, self._kept, self._process = _Open(), _Kept(self.cache_bytes), os.getpid()
        self._footers: dict[int, tuple[int, Any]] = {}

    @cached_property
    def schema(self) -> Any:
        """The columns."""
        return self._file(0).file.schema_arrow

    def parts(self, shard: int, size: int, columns: list[str] | None) -> Iterator[Any]:
        """A file a few rows at a time, past what is kept."""
        for parts in self._iterators(shard, size, columns):
            while True:
                with naming(self._path, self._name(shard)):
                    part = next(parts, None)
                if part is None:
                    break
                yield part

    def _iterators(self, shard: int, size: int, columns: list[str] | None) -> Iterator[Any]:
        """What reads a file as it goes, or from behind an address by a few large requests."""
        found = self._file(shard)
        if found.stream is None:
            yield found.file.iter_batches(size, columns=columns)
            return
        for span in spans_of(found.file.metadata, columns):
            with naming(self._path, self._name(shard)):
                span.fetch(found.stream)
            yield found.file.iter_batches(size, span.groups, columns)
        found.stream.release()

    def rows(self, shard: int, numbers: np.ndarray, columns: list[str] | None) -> Any:
        """Rows of one file as a table, in ascending order of their numbers in it."""
        starts = self._file(shard).starts
        group_of = np.searchsorted(starts, numbers, side="right") - 1
        parts = []
        for group in np.unique(group_of):
            table = self._group(shard, int(group), columns).table
            local = numbers[group_of == group] - starts[group]
            parts.append(table if len(local) == len(table) else table.take(local))
        return pyarrow().concat_tables(parts)

    def row(self, shard: int, number: int, columns: list[str] | None) -> dict[str, Any]:
        """One row of a file by column, in arrays that hold no more than it."""
        starts = self._file(shard).starts
        group = int(np.searchsorted(starts, number, side="right")) - 1
        cells, local = self._group(shard, group, columns).cells, number - int(starts[group])
        own = lambda cell: cell.copy() if isinstance(cell, np.ndarray) else cell
        return {name: own(column[local]) for name, column in cells.items()}

    def _group(self, shard: int, group: int, columns: list[str] | None) -> _Group:
        file = self._file(shard).file
        place = shard, group, None if columns is None else tuple(columns)
        found = self._kept.get(place)
        if found is None:
            with naming(self._path, self._name(shard)):
                found = _Group(file.read_row_group(group, columns=columns))
            self._kept.put(place, found)
        return found

    def _file(self, shard: int) -> _File:
        if self._process != os.getpid():  # forked: a file serves one process, a lock may be held
            self._begin()
        files = self._open.files
        if shard not in files:
            if len(files) == MAX_OPEN:
                del files[next(iter(files))]
            name = self._name(shard)
            with naming(self._path, name):
                file, stream = self._opened(shard, self._path / name)
                check_footer(file.metadata, self._manifest, shard)
            sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
            files[shard] = _File(file, np.cumsum([0, *sizes]), stream)
        return files[shard]

    def _opened(self, shard: int, place: Place) -> tuple[Any, Ranges | None]:
        """A file, and its stream if it is remote; what was learnt of that is not asked again."""
        new = functools.partial(pyarrow().parquet.ParquetFile, page_checksum_verification=True)
        if not isinstance(place, Remote):
            return new(readable(place)), None
        if shard in self._footers:
            size, footer = self._footers[shard]
            stream = place.opened(size)
            return new(stream, metadata=footer, pre_buffer=True), stream
        stream = readable(place)
        file = new(stream, pre_buffer=True)
        stream.release()
        if len(self._footers) < MAX_FOOTERS:
            self._footers[shard] = stream.size, file.metadata
        return file, stream

    def _name(self, shard: int) -> str:
        return self._manifest["files"][shard]["name"]

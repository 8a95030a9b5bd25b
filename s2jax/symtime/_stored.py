"""Rows of a corpus as data of a run: in an order that a seed decides, as many as a call needs."""

import hashlib
import os
from typing import Any

import numpy as np

from s2jax.corpus import Corpus, padded, read_corpus
from s2jax.corpus.cells import flatten, values
from s2jax.corpus.places import OfProtocol
from s2jax.symtime._config import Config

_CHUNK = 256  # rows that lie together in a file, and are read together
_CHUNKS = 64  # of a window, whose rows are mixed
Columns = dict[str, np.ndarray]


def open_rows(data: Any) -> Corpus | None:
    """The corpus that data are, or whose folder they name; None if they are neither."""
    if isinstance(data, (str, os.PathLike, OfProtocol)):
        return read_corpus(data)
    return data if isinstance(data, Corpus) else None


def identity_of(corpus: Corpus) -> dict[str, Any]:
    """What tells the rows of a corpus from those of any other, wherever it lies."""
    manifest = corpus.manifest
    digests = "".join(entry["values_sha256"] for entry in manifest["files"])
    return {
        "rows": len(corpus),
        "fingerprint": manifest["fingerprint"],
        "values": hashlib.sha256(digests.encode()).hexdigest(),
    }


def check_rows(call: str, config: Config, corpus: Corpus) -> None:
    """Refuse rows whose words a model cannot read; their sizes are those of the configuration."""
    where = f"{call}(corpus {str(corpus.path)!r}"
    names = corpus.table([]).column_names
    first = corpus.table(slice(0, _CHUNK), ["tokens"])["tokens"] if "tokens" in names else None
    if first is None or not sum(map(len, first.to_pylist())):
        held = "without words in it" if "tokens" in names else f"of {', '.join(names)}"
        raise ValueError(
            f"{where}, {held}): must have a column `tokens` with words, because symbols are what "
            "series are compared with. Write it with s2jax.write_corpus or `s2jax generate`."
        )
    if config.vocabulary != corpus.vocabulary:
        raise ValueError(
            f"{where} of {len(corpus.vocabulary)} words, vocabulary of {len(config.vocabulary)}): "
            "must be the same, because numbers of tokens are read as words of it. Pass "
            "vocabulary=s2jax.read_corpus(path).vocabulary to the model."
        )


class StoredRows:
    """Rows of a corpus without an end: all in some order, then all in another one.

    Chunks of rows that lie together are mixed, and then the rows of a few chunks: a batch comes
    from many files, and every row group is read once in a round. Which row comes at a place depends
    on the seed and the place alone.

    Args:
        corpus: Where they are.
        config: Of the model that reads them.
        seed: Of their order.
    """

    def __init__(self, corpus: Corpus, config: Config, seed: int):
        self._corpus, self._seed, self._width = corpus, seed, config.max_tokens + 1
        self._columns = _columns_of(config, corpus.table([]).column_names)
        sizes = [entry["rows"] for entry in corpus.manifest["files"]]
        ends = np.cumsum(sizes)
        self._chunks = [
            (first, min(first + _CHUNK, int(end)))
            for size, end in zip(sizes, ends, strict=True)
            for first in range(int(end) - size, int(end), _CHUNK)
        ]
        self._held: tuple[tuple[int, int], Columns] | None = None

    def take(self, first: int, number: int) -> Columns:
        """Rows of the endless order by column, in single precision.

        Args:
            first: Place of the first one.
            number: How many.
        """
        parts: list[Columns] = []
        while not parts or number:
            window, place = self._find(first)
            part = {name: one[place : place + number] for name, one in window.items()}
            parts.append(part)
            taken = len(part["tokens"])
            first, number = first + taken, number - taken
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _find(self, place: int) -> tuple[Columns, int]:
        """The window in which a row is, and where in it."""
        turn, place = divmod(place, len(self._corpus))
        order = np.random.default_rng([self._seed, turn]).permutation(len(self._chunks))
        sizes = np.array([end - start for start, end in self._chunks])[order]
        ends = np.cumsum(np.add.reduceat(sizes, np.arange(0, len(sizes), _CHUNKS)))
        number = int(np.searchsorted(ends, place, side="right"))
        start = int(ends[number - 1]) if number else 0
        if self._held is None or self._held[0] != (turn, number):
            self._held = None  # lest two be in memory
            chunks = order[number * _CHUNKS : (number + 1) * _CHUNKS]
            self._held = (turn, number), self._read(turn, number, chunks)
        return self._held[1], place - start

    def _read(self, turn: int, number: int, chunks: np.ndarray) -> Columns:
        """The rows of some chunks, mixed."""
        rows = np.concatenate([np.arange(*self._chunks[chunk]) for chunk in chunks])
        mixed = np.random.default_rng([self._seed, turn, number + 1]).permutation(len(rows))
        table = self._corpus.table(rows, self._columns)
        return {name: self._array(name, table[name])[mixed] for name in self._columns}

    def _array(self, name: str, column: Any) -> np.ndarray:
        if name == "tokens":
            return self._ids(column)
        array = values(column)
        return array.astype(np.float32) if array.dtype == np.float64 else array

    def _ids(self, column: Any) -> np.ndarray:
        """Ids in rows of one length, at which those that do not fit are cut."""
        ids = padded(*flatten(column))[:, : self._width]
        return np.pad(ids, ((0, 0), (0, self._width - ids.shape[1])))


def _columns_of(config: Config, names: list[str]) -> list[str]:
    """The columns that a model reads."""
    number = {"y": config.num_outputs, "y_observed": config.num_outputs, "x": config.num_inputs}
    if config.channels == "y":
        del number["x"]
    wanted = [f"{name}_{k}" for name, count in number.items() for k in range(count)]
    wanted += [*(("y_scale", "y_shift") if config.num_scales else ()), "tokens", "status"]
    return [name for name in wanted if name in names]

"""Usable rows of a corpus, whole or one series per output, and how they are cut into files."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt64

from s2jax.corpus.cells import values
from s2jax.targets.acceptance import Status


class Series(NamedTuple):
    """One series per used output: what readers of single series take.

    Attributes:
        row: Position in the chunk of the row that each series is of.
        name: Its id: that of the row, and of the output if there are several.
        values: The series.
        symbol: Its expression.
        tokens: Its expression as ids of the vocabulary, without `<bos>` and `<eos>`.
    """

    row: np.ndarray
    name: list[str]
    values: Float32[np.ndarray, "series time"]
    symbol: list[str]
    tokens: list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Rows:
    """Usable rows of a corpus on the host, in single precision.

    Attributes:
        id: Numbers of the rows in the corpus.
        x, y: Inputs and outputs; NaN where an output is missing and stays so.
        y_mask: Outputs that each row has, and that are to be forecast.
        past, future: Inputs that are covariates, and known until the present or over the horizon.
        symbol: Expressions of these outputs, those of several with `" | "` between them.
        tokens: Ids of the vocabulary, one array per row.
        separator: The id between the expressions of several outputs.
    """

    id: UInt64[np.ndarray, " rows"]
    x: Float32[np.ndarray, "rows inputs time"]
    y: Float32[np.ndarray, "rows outputs time"]
    y_mask: Bool[np.ndarray, "rows outputs"]
    past: Bool[np.ndarray, "rows inputs"]
    future: Bool[np.ndarray, "rows inputs"]
    symbol: list[str]
    tokens: list[np.ndarray]
    separator: int

    def __len__(self) -> int:
        return len(self.id)

    def series(self) -> Series:
        """One series per row and output that it has, in this order."""
        row, output = np.nonzero(self.y_mask)
        pairs = list(zip(row.tolist(), output.tolist(), strict=True))
        several = self.y.shape[1] > 1
        names = [f"{self.id[r]}-y_{o}" if several else str(self.id[r]) for r, o in pairs]
        symbols = [part for text in self.symbol for part in text.split(" | ")]
        tokens = [part for ids in self.tokens for part in split(ids, self.separator)]
        assert len(symbols) == len(tokens) == len(row), "a row has one expression per output"
        return Series(row, names, self.y[row, output], symbols, tokens)


def split(ids: np.ndarray, separator: int) -> list[np.ndarray]:
    """The ids of each output."""
    between = np.flatnonzero(ids == separator)
    starts, ends = [0, *(between + 1)], [*between, len(ids)]
    return [ids[start:end] for start, end in zip(starts, ends, strict=True)]


def join(parts: list[np.ndarray], separator: int) -> np.ndarray:
    """The ids of several outputs: the inverse of `split`."""
    between = np.array([separator], parts[0].dtype)
    return np.concatenate([piece for part in parts for piece in (between, part)][1:])


def usable(tables: Iterator[Any]) -> Iterator[Any]:
    """The rows of tables whose status is 0; tables without any are left out."""
    for table in tables:
        kept = table.take(np.flatnonzero(values(table["status"]) == Status.OK.value))
        if len(kept):
            yield kept.combine_chunks()


def channels(table: Any, letter: str, count: int, length: int, kind: Any = None) -> np.ndarray:
    """The channels of x or y as one array (rows, channels, time)."""
    columns = [values(table[f"{letter}_{channel}"]) for channel in range(count)]
    if not columns:
        return np.zeros((len(table), 0, length), kind or np.float32)
    return np.stack(columns, 1).astype(kind or columns[0].dtype, copy=False)


def mask(table: Any, letter: str, count: int) -> np.ndarray:
    """Which channels of x or y each row has."""
    name = f"{letter}_mask"
    return values(table[name]) if name in table.column_names else np.ones((len(table), count), bool)


def cut(parts: Iterator[Any], total: int, files: int) -> Iterator[tuple[int, Any]]:
    """Parts of tables or arrays with the number of the file that holds them, evenly filled."""
    ends = [total * (file + 1) // files for file in range(files)]
    file = done = 0
    for part in parts:
        while len(part):
            taken = part[: ends[file] - done]
            part = part[len(taken) :]
            done += len(taken)
            yield file, taken
            file += done == ends[file]


def num_files(records: int, record_bytes: int, file_bytes: int = 256_000_000, few: int = 8) -> int:
    """Files of about so many bytes, but a few at least: readers cap their workers by files."""
    return max(-(-records * record_bytes // file_bytes), min(few, records), 1)

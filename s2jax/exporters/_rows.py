"""Usable rows of a corpus, a chunk at a time, whole or one series per output."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt64

from s2jax.corpus import Corpus
from s2jax.corpus import layout as layout
from s2jax.corpus.rows import values
from s2jax.corpus.shards import pyarrow
from s2jax.targets.acceptance import Status

CHUNK_BYTES = 16_000_000
"""Values of series held in memory at a time."""
SURVEY_ROWS = 65536


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
        x, y: Inputs and outputs.
        x_mask, y_mask: Which of them each row has.
        symbol: Expressions, those of several outputs with `" | "` between them.
        tokens: Ids of the vocabulary, one array per row.
        separator: The id between the expressions of several outputs.
    """

    id: UInt64[np.ndarray, " rows"]
    x: Float32[np.ndarray, "rows inputs time"]
    y: Float32[np.ndarray, "rows outputs time"]
    x_mask: Bool[np.ndarray, "rows inputs"]
    y_mask: Bool[np.ndarray, "rows outputs"]
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
        tokens = [part for ids in self.tokens for part in self._split(ids)]
        assert len(symbols) == len(tokens) == len(row), "a row has one expression per output"
        return Series(row, names, self.y[row, output], symbols, tokens)

    def _split(self, ids: np.ndarray) -> list[np.ndarray]:
        """The ids of each output."""
        between = np.flatnonzero(ids == self.separator)
        starts, ends = [0, *(between + 1)], [*between, len(ids)]
        return [ids[start:end] for start, end in zip(starts, ends, strict=True)]


class Source:
    """The usable rows of a corpus, counted beforehand and read in order.

    Attributes:
        corpus: Where they are.
        rows: Number of usable rows.
        series: Number of outputs that they have.
        longest: Number of tokens of the longest row, by column of tokens.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        kinds = layout.columns(pyarrow(), corpus.known_config)
        self.columns = list(kinds)
        self.rows = self.series = 0
        self.longest = {name: 0 for name, kind in kinds.items() if pyarrow().types.is_list(kind)}
        wanted = [name for name in ("status", "y_mask", *self.longest) if name in self.columns]
        for table in usable(corpus.tables(SURVEY_ROWS, columns=wanted)):
            self.rows += len(table)
            self.series += int(mask(table, "y", self.outputs).sum())
            for name, longest in self.longest.items():
                sizes = np.diff(table[name].combine_chunks().offsets)
                self.longest[name] = max(longest, int(sizes.max()))

    @property
    def length(self) -> int:
        """Time steps of every series."""
        return self.corpus.known_config.length

    @property
    def inputs(self) -> int:
        """Input channels; a row may have fewer."""
        return self.corpus.known_config.num_inputs

    @property
    def outputs(self) -> int:
        """Output channels; a row may have fewer."""
        return self.corpus.known_config.num_outputs

    @property
    def all_outputs(self) -> bool:
        """Whether every row has every output."""
        return "y_mask" not in self.columns

    @property
    def row_bytes(self) -> int:
        """Size of a row's series in single precision."""
        return 4 * self.length * (self.inputs + self.outputs)

    def tables(self, rows: int | None = None, columns: Any = None) -> Iterator[Any]:
        """Tables of the usable ones of so many rows; by default, of about `CHUNK_BYTES`."""
        size = rows or max(CHUNK_BYTES // self.row_bytes, 1)
        yield from usable(self.corpus.tables(size, columns=columns))

    def chunks(self) -> Iterator[Rows]:
        """All usable rows, a chunk at a time.

        Raises:
            ValueError: If a value is no finite number.
        """
        series = {f"{letter}_{c}" for letter in "xy" for c in range(max(self.inputs, self.outputs))}
        wanted = {"id", "status", "expression", "tokens", "x_mask", "y_mask"} | series
        for table in self.tables(columns=[name for name in self.columns if name in wanted]):
            rows = self._rows_of(table)
            self._check_finite(rows)
            yield rows

    def _rows_of(self, table: Any) -> Rows:
        tokens = table["tokens"].combine_chunks()
        offsets = np.asarray(tokens.offsets) - tokens.offsets[0].as_py()
        return Rows(
            id=table["id"].to_numpy(),
            x=channels(table, "x", self.inputs, self.length, np.float32),
            y=channels(table, "y", self.outputs, self.length, np.float32),
            x_mask=mask(table, "x", self.inputs),
            y_mask=mask(table, "y", self.outputs),
            symbol=table["expression"].to_pylist(),
            tokens=np.split(np.asarray(tokens.flatten()), offsets[1:-1]),
            separator=self.corpus.vocabulary.separator,
        )

    def _check_finite(self, rows: Rows) -> None:
        finite = np.isfinite(rows.x).all((1, 2)) & np.isfinite(rows.y).all((1, 2))
        if not finite.all():
            raise ValueError(
                f"export(path={str(self.corpus.path)!r}): the values of row "
                f"{rows.id[finite.argmin()]} must be finite as float32, because trainers take no "
                "infinite ones. Run `s2jax verify`; if the corpus is whole, draw one with a lower "
                "acceptance.bound."
            )


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

"""Stored corpora as arrays and programs again."""

import operator
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.config import Config
from s2jax.core import checks, forks
from s2jax.corpus._groups import CACHE_BYTES, Groups
from s2jax.corpus._heads import config_of, read_manifest
from s2jax.corpus._manifest import about_stranger, strangers
from s2jax.corpus.cells import flatten, to_rows, values
from s2jax.corpus.footers import DamagedError, pyarrow
from s2jax.corpus.info import facts
from s2jax.corpus.layout import observation_columns, source_columns, vocabulary_of
from s2jax.corpus.places import AnyPath, place_of
from s2jax.corpus.tokens import padded
from s2jax.inputs import Source
from s2jax.inputs.columns import SourceColumns
from s2jax.observe.columns import ObservationColumns
from s2jax.programs import Program
from s2jax.sampling import Batch
from s2jax.targets.acceptance import REASONS
from s2jax.text import Vocabulary, from_tokens

_OTHER_INPUTS = {"class": "Mixture"}  # which suit every length


def read_corpus(path: AnyPath, *, cache_bytes: int = CACHE_BYTES) -> "Corpus":
    """Open a finished corpus; rows are read when they are asked for.

    Args:
        path: Its folder, or an address that fsspec knows, such as `s3://bucket/corpus`; footers
            and row groups are then read by ranges, and no file as a whole.
        cache_bytes: How much of it is kept in memory. Files are read 256 rows at a time, and those
            that were read last are not read again: rows in their order, and rows at random of a
            corpus that fits.

    Raises:
        ImportError: If pyarrow is not installed.
        FileNotFoundError: If there is no finished corpus.
        DamagedError: If its manifest is damaged. Reading rows raises it too, if their file is
            damaged or of another corpus; it is a `ValueError` that names the file and the way out.
        ValueError: If it is of another version.

    Warns:
        UserWarning: If a Parquet file lies among those of the corpus that is none of them. It is
            not read.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> config = s2jax.presets.s2(length=64)
        >>> manifest = s2jax.write_corpus(folder, config, 4, block_size=4)
        >>> corpus = read_corpus(folder)
        >>> len(corpus), corpus[[2, 0]].y.shape, corpus.row(3)["x_0"].shape
        (4, (2, 1, 64), (64,))
    """
    pyarrow()
    return Corpus(path, cache_bytes)


class Corpus(Sequence):
    """Rows of a corpus on disk.

    `corpus[i]`, `corpus[10:20]` and `corpus[[3, 5]]` are batches; `corpus.row(i)` is one row as
    NumPy arrays and text, without JAX, and `corpus.rows([3, 5])` are several. Checksums of pages
    are verified whenever one is read, and nothing in the files is executed or unpickled. Programs
    come from the tokens; the column `expression` is a view of them. What is read is equal to what
    was drawn, the laws of inputs and their dtypes included.

    Where the configuration names a class that is not registered here, `config` says so, and rows
    are read all the same: batches without `x_source`, with a warning, if it is a family of inputs,
    and by `row`, `table` and `tables` whatever it is.
    """

    def __init__(self, path: AnyPath, cache_bytes: int = CACHE_BYTES) -> None:
        checks.check_static_integer("read_corpus", "cache_bytes", cache_bytes, 0)
        self.path = place_of(path, "read_corpus")
        self.manifest: dict[str, Any] = read_manifest(self.path)
        for name in strangers(self.path, self.manifest):
            warnings.warn(f"{self.path}: {about_stranger(name)}", stacklevel=3)
        sizes = [entry["rows"] for entry in self.manifest["files"]]
        self._starts = np.cumsum([0, *sizes])
        self._groups = Groups(self.path, self.manifest, cache_bytes)

    def __getstate__(self) -> dict[str, Any]:  # processes open files of their own
        return {
            "path": self.path,
            "cache_bytes": self._groups.cache_bytes,
            "files": len(self.manifest["files"]),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("files")
        self.__init__(**state)
        self._starts = self._starts[: files + 1]  # it may have grown meanwhile
        self.manifest["rows"], cuts = len(self), self.manifest["cuts"]
        self.manifest["cuts"] = [cut for cut in cuts if cut < len(self)]
        self.manifest["files"] = self.manifest["files"][:files]

    def __repr__(self) -> str:
        size = sum(entry["bytes"] for entry in self.manifest["files"])
        said = facts(self.manifest, size)
        shown = ("size", "length", "channels", "inputs", "target")
        return "\n".join([
            f"Corpus of {len(self):,} rows in {str(self.path)!r}",
            *(f"  {name:<10} {said[name]}" for name in shown if name in said),
        ])  # fmt: skip

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def config(self) -> Config:
        """The configuration the rows were drawn with."""
        return config_of(self.path, self.manifest)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the tokens."""
        return vocabulary_of(self.known_config)[0]

    @property
    def known_config(self) -> Config:
        """The configuration, but with other inputs if theirs are of a class that is not known here.

        What is read of the rest of a row does not depend on them.
        """
        return self._known[0]

    @cached_property
    def _known(self) -> tuple[Config, SourceColumns | None]:
        """The known configuration, and the columns with the laws of its own inputs."""
        try:
            config = self.config
        except DamagedError:
            raise
        except ValueError:
            head = self.manifest | {"config": self.manifest["config"] | {"inputs": _OTHER_INPUTS}}
            return config_of(self.path, head), None
        with jax.enable_x64(self.manifest["dtype"] == "float64"):  # as where they were written
            return config, source_columns(config)

    def __getitem__(self, rows: Any) -> Batch:
        """A batch of one row, of a slice, or of a list of row numbers.

        Raises:
            RuntimeError: In a process that was forked after JAX had started, where `row` works.
        """
        return self.batch_of(self.table(rows))

    def row(self, index: int, columns: list[str] | None = None) -> dict[str, Any]:
        """One row: arrays by column, text, and masks of channels; or some of its columns."""
        number = int(self._numbers(operator.index(index))[0])
        shard = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._groups.row(shard, number - int(self._starts[shard]), self._names(columns))

    def rows(self, numbers: Any, columns: list[str] | None = None) -> list[dict[str, Any]]:
        """Rows of a slice, or of a list of row numbers, in that order."""
        return to_rows(self.table(numbers, columns))

    def batches(self, size: int, start: int = 0) -> Iterator[Batch]:
        """The rows from `start` on in batches of `size`; the last may be smaller."""
        checks.check_static_integer("Corpus.batches", "size", size, 1)
        for table in self.tables(size, start):
            yield self.batch_of(table)

    def tables(self, size: int, start: int = 0, columns: list[str] | None = None) -> Iterator[Any]:
        """The rows from `start` on as Arrow tables of `size` rows, one file after another."""
        pa, names = pyarrow(), self._names(columns)
        held: list[Any] = []
        count = 0
        for shard, first in enumerate(self._starts[:-1]):
            if self._starts[shard + 1] <= start:
                continue
            skip = max(start - int(first), 0)
            for part in self._groups.parts(shard, size, names):
                kept = part.slice(min(skip, len(part)))
                skip -= len(part) - len(kept)
                held.append(kept)
                count += len(kept)
                while count >= size:
                    whole = pa.Table.from_batches(held)
                    yield whole.slice(0, size)
                    held = whole.slice(size).to_batches()
                    count -= size
        if count:
            yield pa.Table.from_batches(held)

    def table(self, rows: Any, columns: list[str] | None = None) -> Any:
        """Rows as an Arrow table; only the row groups that hold them are read."""
        index, names = self._numbers(rows), self._names(columns)
        if not index.size:
            schema = self._groups.schema
            return schema.empty_table().select(schema.names if names is None else names)
        shard_of = np.searchsorted(self._starts, index, side="right") - 1
        order = np.argsort(index, kind="stable")
        parts = []
        for shard in np.unique(shard_of):
            numbers = index[order][shard_of[order] == shard] - self._starts[shard]
            parts.append(self._groups.rows(int(shard), numbers, names))
        return pyarrow().concat_tables(parts).take(np.argsort(order, kind="stable"))

    def _names(self, columns: list[str] | None) -> list[str] | None:
        """Names of columns, checked."""
        if columns is None:
            return None
        known = self._groups.schema.names
        for name in columns:
            if name not in known:
                raise ValueError(f"Corpus(columns={columns}): {checks.unknown(name, known)}")
        return list(columns)

    def _numbers(self, rows: Any) -> np.ndarray:
        """Row numbers, checked."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        index = np.atleast_1d(np.asarray(rows))
        index = index if index.size else index.astype(np.int64)  # NumPy takes [] for floats
        if index.ndim > 1 or not np.issubdtype(index.dtype, np.integer):
            raise TypeError(
                f"Corpus[{rows!r}]: must be a row number, a slice or a list of row numbers."
            )
        if ((index < -len(self)) | (index >= len(self))).any():
            raise IndexError(f"Corpus[{rows!r}]: must be below {len(self)}, the number of rows.")
        return np.where(index < 0, index + len(self), index).astype(np.int64)

    def batch_of(self, table: Any) -> Batch:
        """A table with all columns as a batch.

        Raises:
            RuntimeError: In a process that was forked after JAX had started.
        """
        forks.check_can_draw(
            "Corpus[...]",
            "read rows by `Corpus.row` or `s2jax.feeds.corpus_source`, which do without JAX",
        )
        config, rows, get = (
            self.known_config,
            len(table),
            lambda name: jnp.asarray(values(table[name])),
        )
        channels = lambda letter, count: [get(f"{letter}_{channel}") for channel in range(count)]
        inputs, outputs = config.num_inputs, config.num_outputs
        real = get("y_0").dtype
        none = jnp.zeros((rows, 0), real)
        has = lambda name: name in table.column_names
        mask = lambda name, n: get(name) if has(name) else jnp.ones((rows, n), bool)
        shape = rows, outputs, len(REASONS)
        num_nodes = config.target.num_nodes(inputs, outputs)
        tries, rejections = get("tries"), get("rejections").reshape(shape)
        y_mask = mask("y_mask", outputs)
        x = channels("x", inputs)
        return Batch(
            x=jnp.stack(x, 1) if x else jnp.zeros((rows, 0, config.length), real),
            y=jnp.stack(channels("y", outputs), 1),
            program=self._programs(table, "tokens", tries > rejections.sum(-1), num_nodes),
            status=get("status"),
            index=get("candidate"),
            x_scale=get("x_scale") if inputs else none,
            x_shift=get("x_shift") if inputs else none,
            y_scale=get("y_scale"),
            y_shift=get("y_shift"),
            x_mask=mask("x_mask", inputs),
            y_mask=y_mask,
            x_source=self._source(table),
            tries=tries,
            rejections=rejections,
            **self._own_fields(table, y_mask),
            **self._measured(table),
        )

    def _own_fields(self, table: Any, y_mask: Any) -> dict[str, Any]:
        """Fields of a batch that are particular to the target, from its columns, and times."""
        found: dict[str, Any] = {}
        for name, column in self.known_config.target.columns().items():
            if column.kind == "tokens":
                found[name] = self._programs(table, name, y_mask, column.num_nodes)
            elif column.kind == "string":
                found[name] = table[name].to_pylist()
            else:
                found[name] = values(table[name])
        fields = self.known_config.target.fields_of_columns(found)
        times = {} if self.known_config.times is None else {"t": jnp.asarray(values(table["t"]))}
        return fields | times

    @cached_property
    def _observation_columns(self) -> ObservationColumns:
        """The columns with what was measured, in the dtypes in which it was written."""
        with jax.enable_x64(self.manifest["dtype"] == "float64"):
            return observation_columns(self.known_config)

    def _measured(self, table: Any) -> dict[str, Any]:
        """Fields of a batch of rows that were measured."""
        columns = self._observation_columns
        found = {name: values(table[name]) for name in columns.columns}
        return columns.fields(found, self.known_config.num_outputs)

    def _source(self, table: Any) -> Source | None:
        """Where inputs come from; None if a family is not known here."""
        expected = self._known[1]
        if expected is None:
            try:
                _ = self.config
            except ValueError as error:
                warnings.warn(f"Batches have no x_source. {error}", stacklevel=4)
            return None
        found = {}
        for name, column in expected.columns.items():
            array = values(table[name]) if name in table.column_names else None
            shape = (len(table), column.size) if column.is_list else (len(table),)
            if array is None or array.dtype != column.stored or array.shape != shape:
                held = "there is none" if array is None else f"it holds {array.dtype}"
                raise DamagedError(
                    f"{self.path}: its column {name} must hold {column} per row, as its config "
                    f"says, but {held}. If a class of your own draws another law now, read it with "
                    "the one that wrote it; else run `s2jax verify` and `s2jax repair`."
                )
            found[name] = array
        kinds = self.config.choice.kinds(self.config.num_inputs, self.config.num_ticks)
        return Source.of(*expected.arrays(found, len(table)), kinds)

    def _programs(self, table: Any, name: str, found: Any, num_nodes: int) -> Program:
        """Programs of a column of tokens, at the outputs for which one was found."""
        flat, offsets = flatten(table[name])
        ids = padded(flat, offsets)
        width = 1 << (ids.shape[1] - 1).bit_length()  # few different sizes, few compilations
        ids = np.pad(ids, ((0, 0), (0, width - ids.shape[1])))
        outputs, protected = found.shape[1], self.known_config.target.protected
        program, status = from_tokens(ids, self.vocabulary, outputs, num_nodes, protected)
        broken = np.asarray(status).astype(bool) & (np.diff(offsets) > 0)
        if broken.any():
            row = table["id"][int(broken.argmax())].as_py()
            raise DamagedError(
                f"{self.path}: the {name} of row {row} must be expressions, but are none. Run "
                "`s2jax verify` and `s2jax repair`."
            )
        found = found & (jnp.asarray(np.diff(offsets)) > 0)[:, None]
        blank = lambda leaf: jnp.where(jnp.expand_dims(found, range(2, leaf.ndim)), leaf, 0)
        return jax.tree.map(lambda leaf: blank(leaf).astype(leaf.dtype), program)

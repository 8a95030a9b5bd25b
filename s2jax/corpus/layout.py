"""Columns of a corpus, and how rows of a batch fill them and come back."""

import hashlib
import json
from typing import Any

import jax.numpy as jnp
import numpy as np

from s2jax.config import Config
from s2jax.corpus.tokens import ragged
from s2jax.inputs.columns import SourceColumns
from s2jax.laws import num_tokens
from s2jax.observe.columns import ObservationColumns
from s2jax.sampling import Batch
from s2jax.targets.acceptance import REASONS
from s2jax.text import Vocabulary, to_text
from s2jax.text.tokens import Tokens, to_tokens

SCHEMA_VERSION = 9
"""8 had the number of all rows in names and footers of files, 7 no measured outputs, 5 no laws of
inputs, 4 its columns in another order, 3 other ids of tokens, 2 no rejections, no noise as tokens
and no hash of values."""
GROWS = ("rows", "cuts")
"""What becomes more as a corpus grows, and is written in none of its files."""
ROW_GROUP = 256


def columns(pa: Any, config: Config) -> dict[str, Any]:
    """Name and type of every column, in order."""
    real = pa.from_numpy_dtype(np.dtype(jnp.result_type(float)))
    fixed = lambda kind, size: pa.list_(pa.field("element", kind, nullable=False), size)
    words = pa.list_(pa.field("element", pa.int16(), nullable=False))
    inputs, outputs, target = config.num_inputs, config.num_outputs, config.target
    kinds = {
        "series": fixed(real, config.length), "real": real, "int32": pa.int32(),
        "string": pa.string(), "tokens": words,
    }  # fmt: skip
    found: dict[str, Any] = {"id": pa.uint64()}
    found |= {f"x_{channel}": kinds["series"] for channel in range(inputs)}
    found |= {f"y_{channel}": kinds["series"] for channel in range(outputs)}
    found |= {"expression": pa.string(), "tokens": words}
    found |= {name: kinds[column.kind] for name, column in target.columns().items()}
    if config.times is not None:
        found["t"] = kinds["series"]
    for letter, size in (("x", inputs), ("y", outputs)):
        if size:  # a list of no elements cannot be stored
            found |= {f"{letter}_{word}": fixed(real, size) for word in ("scale", "shift")}
    if inputs and (target.chooses_channels or config.min_inputs is not None):
        found["x_mask"] = fixed(pa.bool_(), inputs)
    for name, column in source_columns(config).columns.items():
        kind = pa.from_numpy_dtype(column.stored)
        found[name] = fixed(kind, column.size) if column.is_list else kind
    measured = observation_columns(config)
    for name, column in measured.columns.items():
        found[name] = fixed(pa.from_numpy_dtype(column.stored), column.size)
    found |= {name: pa.string() for name in measured.texts}
    if target.chooses_channels or config.min_outputs is not None:
        found["y_mask"] = fixed(pa.bool_(), outputs)
    return found | {
        "status": pa.int32(),
        "tries": fixed(pa.int32(), outputs),
        "rejections": fixed(pa.int32(), outputs * len(REASONS)),
        "block": pa.uint32(),
        "candidate": pa.int32(),
    }


def source_columns(config: Config) -> SourceColumns:
    """The columns that hold where inputs come from."""
    return config.choice.columns(config.num_inputs, config.num_ticks)


def observation_columns(config: Config) -> ObservationColumns:
    """The columns that hold what was measured."""
    return ObservationColumns(config.observation, config.num_outputs, config.length)


def schema_of(pa: Any, config: Config, head: dict[str, Any]) -> Any:
    """The Arrow schema, with what decides the rows as metadata."""
    metadata = {name: value for name, value in head.items() if name not in GROWS}
    metadata["vocabulary"] = vocabulary_of(config)[0].to_json()
    text = lambda value: value if isinstance(value, str) else json.dumps(value)
    return pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in columns(pa, config).items()],
        metadata={f"s2jax.{name}": text(value) for name, value in metadata.items()},
    )


def vocabulary_of(config: Config) -> tuple[Vocabulary, int | None]:
    """The vocabulary of a corpus, one word per mantissa of the law, and a bound on its rows."""
    law = config.target.program_law
    if law is None:
        return Vocabulary(), None
    words = Vocabulary(law.num_digits or 3)
    return words, num_tokens(law, config.num_inputs, config.num_outputs, words)


def tokenize(batch: Batch, config: Config) -> dict[str, Tokens]:
    """Tokens of the programs by column; on the device."""
    words, length = vocabulary_of(config)
    others = config.target.column_programs(batch)
    return {"tokens": to_tokens(batch.program, words, length)} | {
        name: to_tokens(program, words) for name, program in others.items()
    }


class Tables:
    """How batches of a configuration become tables.

    Attributes:
        schema: Of the tables.
    """

    def __init__(self, pa: Any, config: Config, head: dict[str, Any]) -> None:
        self.schema = schema_of(pa, config, head)
        self._pa, self._config = pa, config
        self._sources = source_columns(config)  # once, because it traces the families
        self._measured = observation_columns(config)

    def table_of(self, batch: Batch, tokens: dict[str, Tokens], first: int, block: int) -> Any:
        """The rows of one block, of which row `first` is the first, all on the host."""
        pa, rows = self._pa, batch.status.shape[0]
        values: dict[str, Any] = {
            "id": np.arange(first, first + rows, dtype=np.uint64),
            "expression": to_text(batch.program),
            "block": np.full(rows, first // block, np.uint32),
            "candidate": batch.index,
        }
        values |= self._sources.values(batch.x_source)
        values |= self._measured.values(batch)
        values |= self._config.target.column_values(batch)
        values |= {name: _lists(pa, self.schema, name, ids) for name, ids in tokens.items()}
        value = lambda name: values[name] if name in values else _field(batch, name)
        arrays = [_column(pa, field.type, value(field.name)) for field in self.schema]
        return pa.table(arrays, schema=self.schema)


def _lists(pa: Any, schema: Any, name: str, tokens: Any) -> Any:
    assert not tokens.status.any(), "the vocabulary holds every constant of a law"
    ids, offsets = ragged(tokens)
    return pa.ListArray.from_arrays(offsets, ids, type=schema.field(name).type)


def _column(pa: Any, kind: Any, values: Any) -> Any:
    if isinstance(values, pa.Array):
        return values
    if not pa.types.is_fixed_size_list(kind):
        return pa.array(values, kind)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, type=kind)


def _field(batch: Batch, name: str) -> Any:
    """A column's values: a channel of x or y, or the batch's field of that name."""
    letter, _, channel = name.partition("_")
    return getattr(batch, letter)[:, int(channel)] if channel.isdigit() else getattr(batch, name)


class ValueHash:
    """SHA-256 of the values of tables, however they are cut into chunks and encoded in a file."""

    def __init__(self, schema: Any) -> None:
        self._columns = {field.name: (hashlib.sha256(), hashlib.sha256()) for field in schema}

    def update(self, table: Any) -> None:
        """Add the rows of a table."""
        for name, digests in self._columns.items():
            for chunk in table[name].chunks:
                for digest, values in zip(digests, _parts(chunk), strict=False):
                    digest.update(np.ascontiguousarray(values).view(np.uint8).data)

    def hexdigest(self) -> str:
        """The hash of all columns with their names, in hexadecimal digits."""
        total = hashlib.sha256()
        for name, digests in self._columns.items():
            total.update(" ".join([name, *(digest.hexdigest() for digest in digests)]).encode())
        return total.hexdigest()


def _parts(chunk: Any) -> list[np.ndarray]:
    """The values of a chunk, and before them their numbers per row where these differ."""
    numbers = lambda array: array.to_numpy(zero_copy_only=False)
    if hasattr(chunk, "flatten"):  # a list
        sizes = [np.diff(numbers(chunk.offsets))] if hasattr(chunk, "offsets") else []
        return [*sizes, numbers(chunk.flatten())]
    if str(chunk.type) == "string":
        coded = [text.encode() for text in chunk.to_pylist()]
        sizes = np.array([len(code) for code in coded], np.int32)
        return [sizes, np.frombuffer(b"".join(coded), np.uint8)]
    return [numbers(chunk)]

"""Columns of a corpus, and how blocks of rows fill them."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from s2jax.acceptance import REASONS, Status
from s2jax.config import Config
from s2jax.generate import Batch
from s2jax.ode import FORMS
from s2jax.symbols import Vocabulary, to_text

SCHEMA_VERSION = 2
"""1 had other ids of tokens, because states and time were no words."""
_ROW_GROUP = 256


class Block(NamedTuple):
    """A block on the host, with what is made there."""

    batch: Batch
    text: list[str]
    tokens: tuple[np.ndarray, np.ndarray]
    forms: Sequence[str] | None = None


def _columns(pa: Any, config: Config, batch: Batch) -> dict[str, Any]:
    """Name and type of every column, in order."""
    real = pa.from_numpy_dtype(np.dtype(jnp.result_type(float)))
    fixed = lambda kind, size: pa.list_(pa.field("element", kind, nullable=False), size)
    series = fixed(real, batch.y.shape[-1])
    inputs, outputs = batch.x.shape[1], batch.y.shape[1]
    is_solution = batch.dynamics is not None
    columns: dict[str, Any] = {"id": pa.uint64()} | ({"t": series} if is_solution else {})
    columns |= {f"x_{channel}": series for channel in range(inputs)}
    columns |= {f"y_{channel}": series for channel in range(outputs)}
    columns["expression"] = pa.string()
    if is_solution:
        columns |= {"diffusion": pa.string(), "form": pa.string()}
    columns["tokens"] = pa.list_(pa.field("element", pa.int16(), nullable=False))
    for letter, size in (("x", inputs), ("y", outputs)):
        if size:  # a list of no elements cannot be stored
            columns |= {f"{letter}_{word}": fixed(real, size) for word in ("scale", "shift")}
    if inputs and (is_solution or config.min_inputs is not None):
        columns["x_mask"] = fixed(pa.bool_(), inputs)
    if is_solution or config.min_outputs is not None:
        columns["y_mask"] = fixed(pa.bool_(), outputs)
    if is_solution:
        columns |= {"error": real, "num_steps": pa.int32()}
    return columns | {
        "status": pa.int32(),
        "tries": fixed(pa.int32(), batch.tries.shape[1]),
        "block": pa.uint32(),
        "candidate": pa.int32(),
    }


class Layout:
    """Columns of a corpus, and how batches fill them; `batch` is any batch of the config."""

    def __init__(
        self, pyarrow: Any, config: Config, facts: dict[str, Any], words: Vocabulary, batch: Batch
    ):
        pa = self._pa = pyarrow
        self._fields = _columns(pa, config, batch)
        metadata = facts | {"schema_version": SCHEMA_VERSION, "vocabulary": words.to_json()}
        self.schema = pa.schema(
            [pa.field(name, kind, nullable=False) for name, kind in self._fields.items()],
            metadata={
                f"s2jax.{name}": value if isinstance(value, str) else json.dumps(value)
                for name, value in metadata.items()
            },
        )

    def write(
        self, file: Any, blocks: Iterator[Block], ids: range, block: int,
        counts: "Counts", progress: Callable[[int], object] | None,
    ) -> None:  # fmt: skip
        """Write the rows `ids` of the stream of blocks, adding up the acceptance counts."""
        split = [
            f"{name}.list.element"
            for name, kind in self._fields.items()
            if self._pa.types.is_fixed_size_list(kind)
            and self._pa.types.is_floating(kind.value_type)
        ]
        with self._pa.parquet.ParquetWriter(
            file,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
            write_statistics=["id"],
            write_page_checksum=True,
        ) as writer:
            for first in range(ids.start, ids.stop, block):
                drawn = next(blocks)
                writer.write_table(self.table(drawn, first, block), row_group_size=_ROW_GROUP)
                counts.add(drawn)
                if progress is not None:
                    progress(min(first + block, ids.stop))

    def table(self, drawn: Block, first: int, block: int) -> Any:
        """The rows of a block as a table."""
        pa, batch = self._pa, drawn.batch
        rows = len(drawn.text)
        values: dict[str, Any] = {
            "id": np.arange(first, first + rows, dtype=np.uint64),
            "expression": pa.array(drawn.text, pa.string()),
            "status": batch.status,
            "block": np.full(rows, first // block, np.uint32),
            "candidate": batch.index,
        }
        if drawn.forms is not None and batch.dynamics is not None:
            values["form"] = pa.array(drawn.forms, pa.string())
            values["diffusion"] = pa.array(row_noise(batch), pa.string())
            values |= {"error": batch.dynamics.error, "num_steps": batch.dynamics.num_steps}
        arrays = {
            name: self._column(name, values[name] if name in values else _values(batch, name))
            for name in self._fields
            if name != "tokens"
        }
        ids, offsets = drawn.tokens
        arrays["tokens"] = pa.ListArray.from_arrays(offsets, ids, type=self._fields["tokens"])
        return pa.table([arrays[name] for name in self._fields], schema=self.schema)

    def _column(self, name: str, values: Any) -> Any:
        kind = self._fields[name]
        if isinstance(values, self._pa.Array):
            return values
        if not self._pa.types.is_fixed_size_list(kind):
            return self._pa.array(values, kind)
        flat = self._pa.array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
        return self._pa.FixedSizeListArray.from_arrays(flat, type=kind)


def _values(batch: Batch, name: str) -> Any:
    """A column's values: a channel of x or y, the times, or the batch's field of that name."""
    letter, _, channel = name.partition("_")
    return getattr(batch, letter)[:, int(channel)] if channel.isdigit() else getattr(batch, name)


def row_forms(batch: Batch) -> list[str] | None:
    """The name of each row's form of equation; None if there are no equations."""
    if batch.dynamics is None:
        return None
    return [FORMS[form] for form in np.asarray(batch.dynamics.form).tolist()]


def row_noise(batch: Batch) -> list[str] | None:
    """The factors of the noise of each row's states, 0 where there is none; "" for no noise."""
    if batch.dynamics is None:
        return None
    by_state = to_text(batch.dynamics.diffusion[..., None])
    rows = []
    for texts, used in zip(by_state, np.asarray(batch.y_mask).tolist(), strict=True):
        kept = [text for text, is_used in zip(texts, used, strict=True) if is_used]
        rows.append(" | ".join(text or "0" for text in kept) if any(kept) else "")
    return rows


class Counts(NamedTuple):
    """Tries by outcome with the rows that are not usable, and rows by form of equation."""

    acceptance: dict[str, int]
    forms: dict[str, int]

    def add(self, drawn: Block) -> None:
        batch = drawn.batch
        new = {"accepted": int((batch.tries - batch.rejections.sum(-1)).sum())}
        for position, reason in enumerate(REASONS):
            new[str(reason.name).lower()] = int(batch.rejections[..., position].sum())
        new["unusable_rows"] = int((batch.status != Status.OK.value).sum())
        for name, value in new.items():
            self.acceptance[name] = self.acceptance.get(name, 0) + value
        for form in drawn.forms or ():
            self.forms[form] = self.forms.get(form, 0) + 1

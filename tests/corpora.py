"""Corpora written by hand, of any length and shape, without drawing anything."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import s2jax
from s2jax.corpus._manifest import finish
from s2jax.corpus.footers import COUNTS, VALUES
from s2jax.corpus.layout import ValueHash, columns, schema_of
from s2jax.corpus.plan import Plan
from s2jax.stream import Stream
from s2jax.text import Vocabulary

WORDS = Vocabulary()
UNUSABLE = 5
"""The row whose status is not 0."""
LENGTH = 641
"""Enough for every reader but OpenLTM as it is set by default."""
CONFIGS = {
    "flat": s2jax.presets.s2(length=LENGTH),
    "wide": s2jax.presets.s2(length=LENGTH, num_inputs=2, num_outputs=2, min_outputs=1),
    "full": s2jax.presets.s2(length=LENGTH, num_outputs=2),
    "driven": s2jax.presets.ode(length=LENGTH),
    "free": s2jax.presets.ode(length=LENGTH, num_inputs=0),
}
OPTIONS: dict[str, dict[str, Any]] = {"utsd": {"context_length": 512, "columns": 3}}
"""With which every format takes them."""
SAVED: dict[str, Any] = {}
"""What the stand-in for torch was told to save."""


def store(
    folder: Path, config: s2jax.Config, rows: int = 7, unusable: bool = True, **given: Any
) -> pa.Table:
    """Write a corpus of two files and return its usable rows.

    Series are noise, except that row i's begin with i. Where rows may have fewer channels, even
    rows lack their last output and, of equations, all inputs. Columns may be given otherwise.
    """
    shard_rows = 4
    plan = Plan(Stream(config, 0, 4), rows, shard_rows)
    schema = schema_of(pa, config, plan.head)
    table = pa.table(_columns(config, rows, given), schema=schema)
    if unusable:
        status = np.where(np.arange(rows) == UNUSABLE, 1, 0).astype(np.int32)
        table = table.set_column(schema.get_field_index("status"), schema.field("status"), [status])
    (folder / "data").mkdir(parents=True)
    for shard in range(plan.num_shards):
        part = table.slice(shard * shard_rows, shard_rows)
        store_file(folder / plan.name(shard), part)
    assert finish(folder, plan, range(plan.num_shards)) is not None
    return table.filter(pa.array([i != UNUSABLE or not unusable for i in range(rows)]))


def store_file(file: Path, table: pa.Table) -> None:
    """Write a file of a corpus as it is, with the counts that a manifest adds up."""
    usable = int(np.sum(np.asarray(table["status"]) == 0))
    totals = {"accepted": usable, "unusable_rows": len(table) - usable}
    values = ValueHash(table.schema)
    values.update(table)
    facts = {COUNTS: json.dumps({"acceptance": totals, "forms": {}}), VALUES: values.hexdigest()}
    table = table.replace_schema_metadata(table.schema.metadata | facts)
    pq.write_table(table, file, write_page_checksum=True)


def _columns(config: s2jax.Config, rows: int, given: dict[str, Any]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    counts = _outputs(config, rows)
    equations = "t" in columns(pa, config)
    made: dict[str, Any] = {
        "id": np.arange(rows, dtype=np.uint64),
        "expression": [" | ".join(f"sin(x_{k})" for k in range(count)) for count in counts],
        "tokens": [_tokens(count) for count in counts],
        "x_mask": [[not equations or row % 2 == 1] * config.num_inputs for row in range(rows)],
        "y_mask": [[k < count for k in range(config.num_outputs)] for count in counts],
        "form": ["driven"] * rows,
        "diffusion": [""] * rows,
        "observation": [""] * rows,
    } | given
    return {
        name: pa.array(made[name] if name in made else _noise(rng, name, kind, rows, made), kind)
        for name, kind in columns(pa, config).items()
    }


def _outputs(config: s2jax.Config, rows: int) -> list[int]:
    """How many outputs each row has."""
    fewer = "y_mask" in columns(pa, config)
    return [config.num_outputs - (fewer and row % 2 == 0) for row in range(rows)]


def _tokens(count: int) -> list[int]:
    parts = [[WORDS.id_of("sin"), WORDS.id_of(f"x_{k}")] for k in range(count)]
    return [id for k, part in enumerate(parts) for id in ([WORDS.separator] if k else []) + part]


def _noise(rng: Any, name: str, kind: Any, rows: int, made: dict[str, Any]) -> Any:
    """Series with the number of the row in front, zero where there is none; zeros else."""
    if not pa.types.is_fixed_size_list(kind):
        none = [] if pa.types.is_list(kind) else False if pa.types.is_boolean(kind) else 0
        return [none] * rows
    letter, _, channel = name.partition("_")
    if not (channel.isdigit() or name == "t"):
        return np.zeros((rows, kind.list_size)).astype(kind.value_type.to_pandas_dtype()).tolist()
    series = rng.standard_normal((rows, kind.list_size)).astype(np.float32)
    series[:, 0] = np.arange(rows)
    if channel.isdigit():
        series[[not used[int(channel)] for used in made[f"{letter}_mask"]]] = 0
    return list(series)


class Stored:
    """A corpus on disk and its usable rows."""

    def __init__(self, path: Path, config: s2jax.Config) -> None:
        self.path, self.config = path, config
        self.table = store(path, config)
        self.x = self._channels("x", config.num_inputs)
        self.y = self._channels("y", config.num_outputs)
        self.x_mask, self.y_mask = self._mask("x", self.x), self._mask("y", self.y)

    @property
    def series(self) -> np.ndarray:
        """One series per used output, in order."""
        return self.y[self.y_mask]

    @property
    def symbols(self) -> list[str]:
        return [part for text in self.table["expression"].to_pylist() for part in text.split(" | ")]

    def _channels(self, letter: str, count: int) -> np.ndarray:
        found = [self.table[f"{letter}_{c}"].to_pylist() for c in range(count)]
        return np.array(found, np.float32).reshape(count, 6, LENGTH).swapaxes(0, 1)

    def _mask(self, letter: str, series: np.ndarray) -> np.ndarray:
        name = f"{letter}_mask"
        held = self.table[name].to_pylist() if name in self.table.column_names else None
        return np.ones(series.shape[:2], bool) if held is None else np.array(held)


def fake_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for torch and array-record that keep what they are given."""
    torch: Any = types.ModuleType("torch")
    torch.from_numpy = lambda array: array
    torch.full = np.full
    torch.nan = np.nan
    torch.save = lambda tensors, file: Path(file).write_bytes(b"") or SAVED.update({file: tensors})
    SAVED.clear()
    monkeypatch.setitem(sys.modules, "torch", torch)
    for name, fake in {
        "array_record_module": types.SimpleNamespace(ArrayRecordWriter=_FakeWriter),
        "array_record_data_source": types.SimpleNamespace(ArrayRecordDataSource=_fake_source),
    }.items():
        monkeypatch.setitem(sys.modules, f"array_record.python.{name}", fake)


class _FakeWriter:
    """Records as lines of hexadecimal digits."""

    def __init__(self, file: str, options: str) -> None:
        assert options == "group_size:1"
        self._file = Path(file)
        self._lines: list[str] = []

    def write(self, record: bytes) -> None:
        self._lines.append(record.hex() + "\n")

    def close(self) -> None:
        self._file.write_text("".join(self._lines))


def _fake_source(files: list[str]) -> list[bytes]:
    return [bytes.fromhex(line) for file in files for line in Path(file).read_text().splitlines()]

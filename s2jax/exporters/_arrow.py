"""Arrow files, and the folders that Hugging Face's `load_from_disk` reads."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Shaped

from s2jax.corpus.shards import pyarrow
from s2jax.exporters._rows import cut

FIRST_TIME = np.datetime64("2000-01-01T00:00:00", "s")
"""Where calendars of series begin that have none."""


def write_dataset(
    folder: Path, schema: Any, tables: Iterator[Any], records: int, files: int, title: str
) -> None:
    """Write a folder as Hugging Face's `save_to_disk` does; its index comes last.

    Args:
        folder: Where to.
        schema: Of the tables.
        tables: The records, in order.
        records: How many there are.
        files: Number of files.
        title: Name of the data set.
    """
    features = {field.name: feature_of(field.type) for field in schema}
    schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    names = write_arrow(folder, schema, tables, records, files, pyarrow().ipc.new_stream)
    info = dict.fromkeys(("citation", "description", "homepage", "license"), "")
    info |= {"dataset_name": title, "features": features}
    state = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": "s2jax",
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": "train",
    }
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=1))
    (folder / "state.json").write_text(json.dumps(state, indent=1))


def write_arrow(
    folder: Path, schema: Any, tables: Iterator[Any], records: int, files: int, new: Any
) -> list[str]:
    """Write `data-*.arrow` files; `new` makes a writer of streams or of random-access files."""
    names = [f"data-{file:05d}-of-{files:05d}.arrow" for file in range(files)]
    parts = cut(tables, records, files)
    for file, group in itertools.groupby(parts, key=lambda part: part[0]):
        with new(str(folder / names[file]), schema) as writer:
            for _, table in group:
                writer.write_table(table.cast(schema))
    return names


def feature_of(kind: Any) -> dict[str, Any]:
    """The Hugging Face feature of an Arrow type.

    Lists are of type "Sequence", which every version of `datasets` reads and uni2ts asks for.
    """
    if not hasattr(kind, "value_type"):
        return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}
    size = {"length": kind.list_size} if hasattr(kind, "list_size") else {}
    return {"feature": feature_of(kind.value_type), **size, "_type": "Sequence"}


def lists(values: Shaped[np.ndarray, "rows time"]) -> Any:
    """A list of numbers per row."""
    pa = pyarrow()
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.ListArray.from_arrays(_offsets(np.full(len(values), values.shape[1])), flat)


def nested(values: Float32[np.ndarray, "lists time"], sizes: np.ndarray) -> Any:
    """A list of so many lists per row."""
    return pyarrow().ListArray.from_arrays(_offsets(sizes), lists(values))


def fixed(values: Float32[np.ndarray, "rows channels time"]) -> Any:
    """A list of a fixed number of lists per row."""
    rows, channels, time = values.shape
    inner = lists(values.reshape(rows * channels, time))
    return pyarrow().FixedSizeListArray.from_arrays(inner, channels)


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.cumsum([0, *sizes], dtype=np.int32)

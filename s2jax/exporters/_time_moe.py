"""Time-MoE: one binary folder, as its `BinaryDataset` reads it."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.exporters._base import AbstractSeriesExporter, Written
from s2jax.exporters._rows import cut, num_files
from s2jax.exporters._source import Source

MANY = 4_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeMoE(AbstractSeriesExporter):
    """`data-i-of-n.bin` files of little-endian float32 values, and `meta.json`.

    One series per output; their order is that of rows and outputs.

    Attributes:
        context_length: That of the training, `--max_length`.
    """

    name: ClassVar[str] = "time-moe"
    about: ClassVar[str] = "Binary folder with meta.json, for Time-MoE; one series per output."
    why_no_nan: ClassVar[str] = "Time-MoE makes one NaN of the whole series"

    context_length: int = 1024

    def check(self, source: Source) -> list[str]:
        checks.check_static_integer("export", "context_length", self.context_length, 1)
        found = _windows(source, self.context_length)
        if source.series > MANY:
            found.append(
                f"meta.json describes {source.series} series and Time-MoE holds it in memory: "
                f"export corpora of at most {MANY}."
            )
        return found

    def write(self, source: Source, folder: Path) -> Written:
        files = num_files(source.series, 4 * source.length)
        names = [f"data-{file}-of-{files}.bin" for file in range(1, files + 1)]
        parts = cut((rows.series().values for rows in source.chunks()), source.series, files)
        sizes = {}
        for file, group in itertools.groupby(parts, key=lambda part: part[0]):
            with open(folder / names[file], "wb") as stream:
                for _, values in group:
                    stream.write(values.astype("<f4", copy=False).tobytes())
                sizes[names[file]] = stream.tell() // 4
        with open(folder / "meta.json", "w") as stream:
            stream.writelines(_meta(source, sizes))
        return Written(source.series)


def _windows(source: Source, context: int) -> list[str]:
    """How the reader cuts series into windows of `context + 1` values, one step of overlap."""
    full = (source.length - 1) // context
    if source.length == context * full + 1 and full:
        return []
    subject = f"All {source.series} series have {source.length} steps"
    fix = f"Draw a corpus with length = {context} k + 1, for example {context * max(full, 1) + 1}."
    if not full:
        padding = context + 1 - source.length
        return [f"{subject}: Time-MoE pads each with {padding} zeros at its end, masked. {fix}"]
    unused = source.length - context * full - 1
    return [
        f"{subject}: Time-MoE reads {full} windows of {context + 1} of each and never the last "
        f"{unused} steps. {fix}"
    ]


def _meta(source: Source, sizes: dict[str, Any]) -> Iterator[str]:
    """`meta.json` in pieces, because it has an entry per series."""
    head = {"num_sequences": source.series, "dtype": "float32", "files": sizes}
    yield json.dumps(head)[:-1] + ', "scales": ['
    offsets = np.arange(source.series) * source.length
    for start in range(0, len(offsets), 4096):
        part = offsets[start : start + 4096].tolist()
        entries = [json.dumps({"offset": offset, "length": source.length}) for offset in part]
        yield (", " if start else "") + ", ".join(entries)
    yield "]}"

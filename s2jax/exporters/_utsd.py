"""Timer, Timer-XL and OpenLTM: `.npy` files, as the reader `UTSD_Npy` takes them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.exporters._base import AbstractSeriesExporter, Written, longer
from s2jax.exporters._source import Source

SHIPPED = 2880 + 96
"""`seq_len + output_token_len` of its training script."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UTSD(AbstractSeriesExporter):
    """`data-*.npy` files (time, series), one column per output of a row.

    Attributes:
        context_length: `seq_len + output_token_len` of the training. By default that of the shipped
            script, 2880 + 96, or what the series have room for, with a warning.
        columns: Series per file. The last file has what remains.
    """

    name: ClassVar[str] = "utsd"
    about: ClassVar[str] = "Files .npy of shape (time, series), for Timer-XL and OpenLTM."
    why_no_nan: ClassVar[str] = "the loss of OpenLTM becomes NaN"

    context_length: int | None = None
    columns: int = 512

    def check(self, source: Source) -> list[str]:
        context, train = self.context_length, int(0.9 * source.length)
        checks.check_static_integer("export", "columns", self.columns, 1)
        if context is not None:
            checks.check_static_integer("export", "context_length", context, 1)
        needed = _needed(context or SHIPPED)
        if context is None and source.length < needed:
            return [
                f"All {source.series} series are shorter than {needed} steps: OpenLTM as it is "
                f"shipped skips them. Train with seq_len + output_token_len <= {train}, or draw a "
                f"corpus with length >= {needed}."
            ]
        rule = f"OpenLTM skips a file when int(.9 * T) < context_length = {context}"
        fix = (
            f"{longer(needed)[:-1]}, or train with seq_len + output_token_len <= {train} and pass "
            "that sum as context_length."
        )
        return self.refuse_short(source, needed, rule, fix)

    def write(self, source: Source, folder: Path) -> Written:
        for file, values in enumerate(_blocks(source, self.columns)):
            np.save(folder / f"data-{file:05d}.npy", np.ascontiguousarray(values.T))
        return Written(source.series)


def _needed(context: int) -> int:
    """The least length of which the reader takes windows of `context` steps."""
    needed = -(-10 * context // 9)
    return needed + (int(0.9 * needed) < context)  # the reader computes it in floats


def _blocks(source: Source, size: int) -> Iterator[np.ndarray]:
    """The series, `size` at a time."""
    held = np.zeros((0, source.length), np.float32)
    for rows in source.chunks():
        held = np.concatenate([held, rows.series().values])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held

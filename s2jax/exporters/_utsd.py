"""Timer, Timer-XL and OpenLTM: `.npy` files, as the reader `UTSD_Npy` takes them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from s2jax import _checks
from s2jax.exporters._base import AbstractExporter, Written
from s2jax.exporters._rows import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class UTSD(AbstractExporter):
    """`data-*.npy` files (time, series), one column per output of a row.

    Attributes:
        context_length: `seq_len + output_token_len` of the training; that of the shipped script is
            2880 + 96.
        columns: Series per file. The last file has what remains.
    """

    name: ClassVar[str] = "utsd"
    about: ClassVar[str] = "Files .npy of shape (time, series), for Timer-XL and OpenLTM."

    context_length: int = 2880 + 96
    columns: int = 512

    def check(self, source: Source) -> list[str]:
        for option in ("context_length", "columns"):
            _checks.check_static_integer("export", option, getattr(self, option), 1)
        needed = -(-10 * self.context_length // 9)
        needed += int(0.9 * needed) < self.context_length  # the reader computes it in floats
        train = int(0.9 * source.length)
        rule = f"OpenLTM skips a file when int(.9 * T) < context_length = {self.context_length}"
        fix = (
            f"Draw a corpus with length >= {needed}, or train with seq_len + output_token_len <= "
            f"{train} and pass that sum as context_length."
        )
        return self.refuse_short(source, needed, rule, fix)

    def write(self, source: Source, folder: Path) -> Written:
        for file, values in enumerate(_blocks(source, self.columns)):
            np.save(folder / f"data-{file:05d}.npy", np.ascontiguousarray(values.T))
        return Written(source.series)


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

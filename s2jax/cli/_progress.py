"""One line on stderr with rows, rows per second and time left."""

import sys
import time
from typing import Any


class Progress:
    """A line on stderr; called with the number of rows so far.

    Args:
        total: Rows in all.
    """

    def __init__(self, total: int):
        self._total = total
        self._first: tuple[int, float] | None = None
        self._drawn = 0.0
        self._bar: Any = None

    def __call__(self, rows: int) -> None:
        now = time.perf_counter()
        if self._first is None:  # rows of earlier calls count, but not as work of this one
            self._first = rows, now
            self._start_bar(rows)
        if self._bar is not None:
            self._bar.update(rows - self._bar.n)
            return
        if now - self._drawn < 0.5 and rows < self._total:
            return
        self._drawn = now
        before, start = self._first
        rate = max(rows - before, 1) / max(now - start, 1e-9)
        left = (self._total - rows) / rate
        line = f"\r{rows:,} of {self._total:,} rows, {rate:,.0f} rows/s, {left:.0f} s left "
        print(line, end="", file=sys.stderr, flush=True)

    def _start_bar(self, rows: int) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            return
        self._bar = tqdm(total=self._total, initial=rows, unit=" rows", file=sys.stderr)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
        elif self._drawn:
            print(file=sys.stderr)

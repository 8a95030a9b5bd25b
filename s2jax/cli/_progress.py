"""Rows, or what else is counted, how many per second and time left, on stderr."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from s2jax.cli._commands import UsageError

_FIRST, _LONGEST = 10.0, 600.0  # seconds between lines where there is no terminal


class Progress:
    """Called with the number of rows so far, it says on stderr how it goes.

    On a terminal it is one line that changes; elsewhere, as in the log of a batch job, whole lines
    at intervals that double from 10 seconds to 10 minutes, and one at the end. Speed is that since
    the last line, or since the first rows: what comes before them, such as compiling, is done once.

    Args:
        total: Rows in all.
        unit: What is counted.
        is_quiet: Whether nothing is said, and rows are only counted.

    Attributes:
        drawn: Rows since the first call: those of earlier runs are no work of this one.
    """

    def __init__(self, total: int, unit: str = "rows", is_quiet: bool = False):
        self._total, self._unit, self._is_quiet = total, unit, is_quiet
        self._is_terminal = sys.stderr.isatty()
        self._pause = 0.5 if self._is_terminal else _FIRST
        self._before, self._start, self._next = 0, 0.0, 0.0
        self._mark: tuple[float, int] | None = None  # when there were how many rows
        self._is_started = self._is_line_open = False
        self._bar: Any = None
        self.drawn = 0

    def __call__(self, rows: int) -> None:
        now = time.perf_counter()
        if not self._is_started:
            self._is_started = True
            self._before, self._start, self._next = rows, now, now + self._pause
            self._start_bar(rows)
        changed = rows != self._before + self.drawn
        self.drawn = rows - self._before
        if self._is_quiet:
            return
        if changed and self._mark is None:
            self._mark = now, rows
        if self._bar is not None:
            self._bar.update(rows - self._bar.n)
        elif changed and (now >= self._next or rows == self._total):
            self._tell(rows, now)
            self._mark = now, rows
            self._next = now + self._pause
            if not self._is_terminal:
                self._pause = min(2 * self._pause, _LONGEST)

    def _start_bar(self, rows: int) -> None:
        """The bar of tqdm, which writes carriage returns wherever it writes."""
        if not self._is_terminal or self._is_quiet or rows == self._total:
            return
        try:
            from tqdm import tqdm
        except ImportError:
            return
        self._bar = tqdm(total=self._total, initial=rows, unit=f" {self._unit}", file=sys.stderr)

    def _tell(self, rows: int, now: float) -> None:
        then, before = self._mark or (now, rows)
        if now == then and rows == self._total:  # all at once
            then, before = self._start, self._before
        rate = max(rows - before, 0) / max(now - then, 1e-9)
        left = (
            f"{rate:,.0f} {self._unit}/s, {(self._total - rows) / rate:,.0f} s left" if rate else ""
        )
        share = f"{rows:,} of {self._total:,} {self._unit} ({rows / self._total:.0%})"
        line = f"{share}, {left or 'time left unknown'}"
        if self._is_terminal:
            print(f"\r{line} ", end="", file=sys.stderr, flush=True)
            self._is_line_open = True
        else:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
        elif self._is_line_open:
            print(file=sys.stderr)


@contextlib.contextmanager
def resumable(progress: Progress) -> Iterator[None]:
    """Work that the same command goes on with where it failed and its arguments are right."""
    from s2jax.corpus import DamagedError

    try:
        yield
    except DamagedError:
        raise
    except (ValueError, TypeError, FileExistsError) as error:
        raise UsageError(str(error)) from error
    except (OSError, RuntimeError) as error:
        error.resumable = True  # type: ignore[attr-defined]
        raise
    finally:
        progress.close()

"""Ways for a corpus to be interrupted or damaged, counted by tests and by a benchmark."""

import concurrent.futures
import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow.parquet as pq

import s2jax
from s2jax.corpus import (
    files,
    read_corpus,
    read_manifest,
    repair_corpus,
    verify_corpus,
    write_corpus,
)

CONFIG = s2jax.presets.s2(length=64)
ROWS, SHARD, BLOCK, SEED = 64, 8, 4, 5
_DRIVER = """
import sys
from tests.faults import write
print("ready", flush=True)
write(sys.argv[1], int(sys.argv[2]), lambda rows: print(rows, flush=True))
"""


def write(folder: Any, workers: int = 1, progress: Any = None, rows: int = ROWS) -> Any:
    """Write the corpus of all experiments, or go on with it."""
    return write_corpus(folder, CONFIG, rows, SEED, SHARD, BLOCK, progress, workers=workers)


def content(folder: Path) -> list[str]:
    """Hashes of the values of all files, in order."""
    return [entry["values_sha256"] for entry in read_manifest(folder)["files"]]


def check_finals(folder: Path) -> None:
    """Every file that has its final name is whole."""
    for file in folder.glob("data/train-*"):
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            assert opened.read().num_rows == SHARD, file


def stats(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Number, time and size of each file with rows: others if anybody has written it again."""
    found = {file.name: file.stat() for file in folder.glob("data/train-*")}
    return {name: (s.st_ino, s.st_mtime_ns, s.st_size) for name, s in found.items()}


def check_readable(folder: Path, sizes: tuple[int, int]) -> None:
    """A corpus that is growing from one size to another is one of both, and whole."""
    corpus = read_corpus(folder)
    assert len(corpus) in sizes
    assert not verify_corpus(folder)
    assert corpus.table(slice(None))["id"].to_pylist() == list(range(len(corpus)))


def check_finished(folder: Path, wanted: list[str], rows: int = 0) -> None:
    """No row is lost, doubled or torn, and nothing else lies about."""
    assert content(folder) == wanted
    ids = np.concatenate([np.asarray(table["id"]) for table in read_corpus(folder).tables(ROWS)])
    np.testing.assert_array_equal(ids, np.arange(rows or len(wanted) * SHARD))
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert names[:2] == ["README.md", "_manifest.json"]
    assert all(name.startswith("train-") for name in names[2:])


# Killed processes.


def kill_while_growing(folder: Path, workers: int, kills: int, seed: int) -> int:
    """Kill so many times while half of the rows become all, then finish; number of kills."""
    rng, done, half = random.Random(seed), 0, ROWS // 2 - 1
    write(folder, rows=half)
    before = stats(folder)
    for number in range(kills):
        rows = half + int((number + rng.random()) / kills * (ROWS - half))
        done += kill_at(folder, workers, rows, rng.random() * 0.05)
        check_readable(folder, (half, ROWS))
        assert before.items() <= stats(folder).items()
    write(folder, workers)
    check_finished(folder, content(folder), ROWS)
    assert before.items() <= stats(folder).items()
    return done


def kill_at(folder: Path, workers: int, rows: int, delay: float) -> bool:
    """Start writing, and kill everything at once after so many rows; whether it was in time."""
    command = [sys.executable, "-c", _DRIVER, str(folder), str(workers)]
    root = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": root, "XLA_FLAGS": ""}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        for line in process.stdout or ():
            if line.strip().isdigit() and int(line) >= rows:
                break
        time.sleep(delay)
        in_time = process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return in_time


def kill_evenly(folder: Path, workers: int, kills: int, seed: int, wanted: list[str]) -> int:
    """Kill so many times at points spread evenly over progress, then finish; number of kills."""
    rng, done = random.Random(seed), 0
    for number in range(kills):
        rows = int((number + rng.random()) / kills * ROWS)
        done += kill_at(folder, workers, rows, rng.random() * 0.05)
        check_finals(folder)
    write(folder, workers)
    check_finished(folder, wanted)
    return done


# Commands that are started together.


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What calls give or raise that start at the same time."""
    barrier = threading.Barrier(len(calls))

    def start(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        except Exception as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))


def write_part(folder: Path, part: tuple[int, int] = (0, 1), seed: int = SEED) -> Any:
    """Write a part of the corpus of all experiments, or all of another seed's."""
    return write_corpus(folder, CONFIG, ROWS, seed, SHARD, BLOCK, part=part)


def start_parts(folders: Iterable[Path], wanted: list[str]) -> int:
    """Start three parts at the same time in each folder; number of starts, of which none fails."""
    starts = 0
    for folder in folders:
        results = together(*[lambda i=i, f=folder: write_part(f, (i, 3)) for i in range(3)])
        assert not [error for error in results if isinstance(error, Exception)], results
        assert any(result is not None for result in results), "nobody wrote the manifest"
        assert not verify_corpus(folder)
        check_finished(folder, wanted)
        starts += len(results)
    return starts


# Calls that fail.


class Died(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


@contextlib.contextmanager
def failing_call(number: int, kind: str) -> Iterator[Callable[[], bool]]:
    """Let call `number` to the file system fail; gives whether there were so many."""
    count = 0

    def reach(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == number:
            if kind == "die":
                raise Died
            raise OSError(getattr(errno, kind), os.strerror(getattr(errno, kind)))

    class File:
        """A file whose writes may fail."""

        def __init__(self, path: Any, mode: str) -> None:
            reach()
            self._file = open(path, mode)  # noqa: SIM115

        def write(self, data: Any) -> int:
            reach()
            return self._file.write(data)

        def __enter__(self) -> "File":
            return self

        def __exit__(self, *_: Any) -> None:
            self._file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            reach()
            return function(*arguments)

        return call

    unlink = Path.unlink
    left = lambda path, missing_ok=False: None if count >= number else unlink(path, missing_ok)
    with contextlib.ExitStack() as stack:
        patch = lambda *a, **k: stack.enter_context(mock.patch.object(*a, **k))
        for name in ("fsync", "replace", "link"):
            patch(files.os, name, wrap(getattr(os, name)))
        patch(files, "open", File, create=True)
        if kind == "die":
            patch(Path, "unlink", left)
        yield lambda: count >= number


def fail_everywhere(new_folder: Callable[[], Path], kinds: list[str], wanted: list[str]) -> int:
    """Let each call fail once, in a folder of its own, for two files; number of calls.

    They fail in the ways of `kinds` in turn.
    """
    number, rows = 1, 2 * SHARD
    while True:
        folder, kind = new_folder(), kinds[number % len(kinds)]
        with failing_call(number, kind) as reached:
            error = None
            try:
                write(folder, rows=rows)
            except (OSError, Died) as caught:
                error = caught
        if not reached():
            return number - 1
        assert error is not None, f"call {number} failed, and nobody noticed"
        assert kind == "die" or "MB free" in error.__notes__[0]
        check_finals(folder)
        write(folder, rows=rows)
        check_finished(folder, wanted[:2])
        number += 1


def fail_while_growing(
    new_folder: Callable[[], Path], kinds: list[str], small: Path, large: Path
) -> int:
    """Let each call fail once while a corpus becomes a larger one; number of calls."""
    number, sizes = 1, (len(read_corpus(small)), len(read_corpus(large)))
    while True:
        folder, kind = new_folder(), kinds[number % len(kinds)]
        shutil.copytree(small, folder)
        before = stats(folder)
        with failing_call(number, kind) as reached:
            error = None
            try:
                write(folder, rows=sizes[1])
            except (OSError, Died) as caught:
                error = caught
        if not reached():
            return number - 1
        assert error is not None, f"call {number} failed, and nobody noticed"
        check_readable(folder, sizes)
        assert before.items() <= stats(folder).items()
        write(folder, rows=sizes[1])
        check_finished(folder, content(large), sizes[1])
        assert before.items() <= stats(folder).items()
        assert (folder / "README.md").read_bytes() == (large / "README.md").read_bytes()
        assert read_manifest(folder) == read_manifest(large)
        number += 1


# Flipped bits.


def flip_bits(folder: Path, count: int, seed: int, wanted: list[str]) -> dict[str, int]:
    """Flip one bit at a time: how often a full read raises, and gives values that differ silently.

    A flip in bytes that hold no values is harmless. `verify` has to name the file each time;
    `repair` restores it the first few times, and the bit is flipped back otherwise.
    """
    rng = random.Random(seed)
    files = sorted(folder.glob("data/train-*"))
    truth = read_corpus(folder).table(slice(None))
    seen = {"raised": 0, "harmless": 0, "silent": 0}
    for number in range(count):
        file = rng.choice(files)
        good = file.read_bytes()
        bad, bit = bytearray(good), rng.randrange(8 * len(good))
        bad[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bad)
        try:
            same = read_corpus(folder).table(slice(None)).equals(truth)
            seen["harmless" if same else "silent"] += 1
        except (OSError, ValueError):
            seen["raised"] += 1
        (damage,) = verify_corpus(folder)
        assert folder / damage.name == file
        if number < 3:
            repair_corpus(folder)
            assert content(folder) == wanted
            good = file.read_bytes()
        file.write_bytes(good)
    assert not verify_corpus(folder)
    return seen

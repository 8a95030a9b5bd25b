"""What reading a corpus behind an address costs: requests, bytes, and time beside the local disk.

    python benchmarks/remote.py --out benchmarks/results/today.jsonl

20 000 rows of `presets.mix`, the same files on the disk and in a file system of fsspec that is
held in memory and counts what it is asked for. Nothing is kept in the cache of rows. A request
takes no time there: the rates say what the way through fsspec costs, and the requests what a
service adds.
"""

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import fsspec  # noqa: E402
import numpy as np  # noqa: E402
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402

import s2jax  # noqa: E402

ROWS, URL = 20_000, "counted://corpus"
ASKED: Counter[str] = Counter()
"""Requests by kind, and the bytes that came back."""


class Counted(MemoryFileSystem):
    """Files in memory that count requests."""

    protocol = "counted"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).removeprefix("counted://"))

    def info(self, path: str, **kwargs: Any) -> Any:
        ASKED["sizes"] += 1
        return super().info(path)

    def find(self, path: str, **kwargs: Any) -> Any:
        ASKED["listings"] += 1
        return super().find(path)

    def cat_file(self, path: str, start: Any = None, end: Any = None, **kwargs: Any) -> bytes:
        found = super().cat_file(path, start, end)
        ASKED["reads"] += 1
        ASKED["bytes"] += len(found)
        return found


fsspec.register_implementation("counted", Counted)


def cost(job: Callable[[], object]) -> dict[str, int]:
    """What a job asks for."""
    ASKED.clear()
    job()
    return dict(ASKED)


def costs() -> dict[str, dict[str, int]]:
    """What opening and reading ask for, step by step, of a corpus that nothing is known of."""
    corpus = s2jax.read_corpus(URL, cache_bytes=0)
    names = ["x_0", "y_0"]
    return {
        "opening": cost(lambda: s2jax.read_corpus(URL)),
        "the first row": cost(lambda: corpus.row(100)),
        "another row of the file": cost(lambda: corpus.row(3000)),
        "another row, x_0 and y_0": cost(lambda: corpus.row(3000, names)),
        "all rows": cost(lambda: list(corpus.tables(1024))),
        "all rows, x_0 and y_0": cost(lambda: list(corpus.tables(1024, columns=names))),
        "verifying": cost(lambda: s2jax.verify_corpus(URL)),
    }


def reading(corpus: s2jax.corpus.Corpus, columns: list[str] | None, way: str) -> Any:
    """Read some rows; how many these were."""
    if way == "in order":
        tables = (t for _ in itertools.count() for t in corpus.tables(1024, columns=columns))
        return lambda: float(len(next(tables)))
    order = itertools.cycle(np.random.default_rng(0).permutation(len(corpus)).tolist())
    return lambda: float(len([corpus.row(next(order), columns) for _ in range(8)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    config = s2jax.presets.mix()
    with tempfile.TemporaryDirectory() as folder:
        manifest = s2jax.write_corpus(folder, config, ROWS)
        assert manifest is not None
        assert s2jax.write_corpus(URL, config, ROWS) == manifest
        sizes = [file["bytes"] for file in manifest["files"]]
        for what, asked in costs().items():
            _record.write(
                options.out, "requests of a remote corpus", rows=ROWS, length=config.length,
                bytes=sum(sizes), files=len(sizes), what=what, asked=asked,
            )  # fmt: skip
        jobs = {}
        for place, path in (("disk", folder), ("disk again", folder), ("memory://", URL)):
            corpus = s2jax.read_corpus(path, cache_bytes=0)
            for columns in (None, ["x_0", "y_0"]):
                for way in ("at random", "in order"):
                    name = f"{way}, {'x and y' if columns else 'all columns'}"
                    jobs[f"{place}: {name}"] = reading(corpus, columns, way)
        rates = _record.paired_rates(jobs, options.rounds, options.seconds)
    for name in jobs:
        disk = f"disk: {name.partition(': ')[2]}"
        _record.write(
            options.out, "reading a remote corpus", rows=ROWS, length=config.length, reading=name,
            rows_per_cpu_second=_record.quartiles(rates[name]),
            of_disk=_record.quartiles(rates[name] / rates[disk]),
        )  # fmt: skip


if __name__ == "__main__":
    main()

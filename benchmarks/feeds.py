"""What feeds cost beside drawing: `batches` and the Grain source against a raw loop over `sample`.

All three draw the same blocks of 1024 pairs on one core; parity is asserted before anything is
timed. The raw loop runs against itself first: a claim inside that spread is no claim.

    python benchmarks/feeds.py --out benchmarks/results/today.jsonl
    python benchmarks/feeds.py small --out benchmarks/results/today.jsonl
    python benchmarks/feeds.py stored --out benchmarks/results/today.jsonl

`small` asks what a row of a small batch costs beside one of 4096, drawn one by one and ahead;
`stored` how fast rows of a corpus are read, one by one and 256 at a time, in order and at random,
where the corpus fits into what is kept in memory and where nothing is kept.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import grain  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402

import s2jax  # noqa: E402
from s2jax.feeds import batches, corpus_source, grain_source  # noqa: E402

ROWS, SEED = 1024, 0
LARGE = 4096  # rows that feeds draw ahead


def raw(config: s2jax.Config) -> Iterator[s2jax.Batch]:
    """The loop one would write by hand."""
    key = jax.random.key(SEED)
    for step in itertools.count():
        yield s2jax.sample(jax.random.fold_in(key, step), config, ROWS)


def by_grain(config: s2jax.Config) -> Iterator[s2jax.Batch]:
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=1)
    return iter(grain_source(config, SEED, ROWS, block_size=ROWS).to_iter_dataset(options))


def job(feed: Iterator[s2jax.Batch]) -> Callable[[], float]:
    """Draw one batch; its usable pairs."""

    def draw() -> float:
        batch = jax.block_until_ready(next(feed))
        return float((np.asarray(batch.status) == 0).sum())

    return draw


def assert_parity(feeds: dict[str, Iterator[s2jax.Batch]]) -> None:
    """The first batch of every feed has the same bits."""
    first = [jax.tree.leaves(next(feed)) for feed in feeds.values()]
    for leaves in zip(*first, strict=True):
        assert len({np.asarray(leaf).tobytes() for leaf in leaves}) == 1


def small(options: argparse.Namespace) -> None:
    """Rates of small batches, drawn one by one and ahead, and of batches that are not small."""
    presets = {"mix": s2jax.presets.mix(), "ode": s2jax.presets.ode()}
    for name, config in presets.items():
        jobs = {}
        for rows, ahead in ((16, 1), (16, None), (256, 1), (256, None), (4096, 1)):
            feed = batches(config, SEED, rows, block_size=rows, ahead=ahead)
            draw = several(job(feed), 1 if ahead else LARGE // rows)
            draw()  # compiles
            jobs[f"{rows} rows{', one by one' if ahead else ''}"] = draw
        rates = _record.paired_rates(jobs, options.rounds, options.seconds)
        for label in jobs:
            _record.write(
                options.out, "feeds of small batches", preset=name, feed=label,
                length=config.length, pairs_per_cpu_second=_record.quartiles(rates[label]),
                of_large=_record.quartiles(rates[label] / rates["4096 rows, one by one"]),
            )  # fmt: skip


def stored(options: argparse.Namespace) -> None:
    """Rates of reading rows of a corpus of `presets.mix`."""
    config, number = s2jax.presets.mix(), 20_000
    with tempfile.TemporaryDirectory() as folder:
        s2jax.write_corpus(folder, config, number)
        order = np.random.default_rng(SEED).permutation(number).tolist()
        jobs = {}
        for kept, cache_bytes in (("all kept", 2**28), ("none kept", 0)):
            for columns in (None, ["x_0", "y_0"]):
                rows = corpus_source(folder, columns, cache_bytes=cache_bytes)
                for way, numbers in (("in order", range(number)), ("at random", order)):
                    for size in (1, 256):
                        if size == 1 and cache_bytes == 0 and way == "in order":
                            continue  # reads each group again for every row
                        read = reading(rows, itertools.cycle(numbers), size)
                        name = f"{kept}, {'x and y' if columns else 'all columns'}"
                        jobs[f"{name}, {way}, {size} at once"] = read
                if cache_bytes:
                    rows.__getitems__(range(number))
        rates = _record.paired_rates(jobs, options.rounds, options.seconds)
    for name in jobs:
        _record.write(
            options.out, "feeds of stored rows", preset="mix", length=config.length, rows=number,
            reading=name, rows_per_cpu_second=_record.quartiles(rates[name]),
        )  # fmt: skip


def reading(rows: Any, numbers: Iterator[int], size: int) -> Callable[[], float]:
    """Read the next rows; how many these were."""

    def read() -> float:
        if size == 1:
            return float(len([rows[number] for number in itertools.islice(numbers, 64)]))
        return float(len(rows.__getitems__(list(itertools.islice(numbers, size)))))

    return read


def several(draw: Callable[[], float], number: int) -> Callable[[], float]:
    """All batches that are drawn at once."""
    return lambda: sum(draw() for _ in range(number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", default="all", choices=("all", "small", "stored"))
    parser.add_argument("--out")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    if options.what != "all":
        {"small": small, "stored": stored}[options.what](options)
        return
    config = s2jax.presets.s2()
    feeds: dict[str, Any] = {
        "raw": raw(config), "raw again": raw(config),
        "batches": batches(config, SEED, ROWS, block_size=ROWS, ahead=1), "grain": by_grain(config),
    }  # fmt: skip
    assert_parity(feeds)
    feeds["batches of eight blocks"] = batches(config, SEED, ROWS, ahead=1)  # other rows
    next(feeds["batches of eight blocks"])
    jobs = {name: job(feed) for name, feed in feeds.items()}
    rates = _record.paired_rates(jobs, options.rounds, options.seconds)
    for name in list(feeds)[1:]:
        _record.write(
            options.out, "feeds", feed=name, rows=ROWS, length=config.length,
            pairs_per_cpu_second=_record.quartiles(rates[name]),
            overhead=_record.quartiles(rates["raw"] / rates[name] - 1),
        )  # fmt: skip


if __name__ == "__main__":
    main()

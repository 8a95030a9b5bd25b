"""Which rows a corpus holds and in which files: all that a shard is a function of."""

import bisect
import dataclasses
import json
import os
import platform
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jaxlib.version
import numpy as np

from s2jax.config.serialize import from_json
from s2jax.core import checks
from s2jax.core.version import __version__
from s2jax.corpus.layout import SCHEMA_VERSION
from s2jax.stream import MAX_BLOCKS, Stream, difference, fingerprint_of

FORMAT = "s2jax-corpus"
DECIDES = ("shard_rows", "config", "seed", "block_size", "dtype", "s2jax")
COMPUTES = ("versions", "backend")  # what decides the last bits
MAX_FILES = 1_000_000  # as many as six digits number, so that names are in the order of rows
THREADS = "NPROC"  # the environment variable by which XLA is told the size of its pool


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A corpus before it is written: rows 0 to `rows - 1` of a stream, `shard_rows` to a file.

    Where it grew from fewer rows, whose last file was not full, that file stays as it is, and the
    rest of its rows are in a file of their own: `cuts` are the rows with which such files begin.
    """

    stream: Stream
    rows: int
    shard_rows: int
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        block = self.stream.block_size
        for name, high in (("rows", block * MAX_BLOCKS), ("shard_rows", float("inf"))):
            value = getattr(self, name)
            checks.check_static_integer("write_corpus", name, value, 1, high)
            object.__setattr__(self, name, int(value))
        if self.shard_rows % block:
            raise ValueError(
                f"write_corpus(shard_rows={self.shard_rows}, block_size={block}): shard_rows must "
                "be a multiple of block_size, because a file holds whole blocks. Choose "
                f"{-(-self.shard_rows // block) * block}."
            )
        if self.num_shards > MAX_FILES:
            files = max(MAX_FILES - len(self.cuts), 1)
            least = -(-self.rows // (files * block)) * block
            raise ValueError(
                f"write_corpus(rows={self.rows}, shard_rows={self.shard_rows}): must be at most "
                f"{MAX_FILES} files, because file systems are slow with more. Choose shard_rows >= "
                f"{least}."
            )

    @property
    def num_shards(self) -> int:
        """Number of files."""
        return num_files(vars(self))

    def name(self, shard: int) -> str:
        """The file of a shard, below the folder of the corpus."""
        return name_of(shard)

    def ids(self, shard: int) -> range:
        """The rows of a shard."""
        return ids_of(vars(self), shard)

    def after(self, head: Mapping[str, Any]) -> "Plan":
        """This plan where those of a head, with as many rows or fewer, keep their files."""
        return dataclasses.replace(self, cuts=cuts_after(head, self.rows))

    def shards_of(self, part: tuple[int, int]) -> range:
        """The shards of one of several calls that share the work.

        Raises:
            ValueError: If it is none of them.
        """
        index, count = part
        if not 0 <= index < count:
            raise ValueError(
                f"write_corpus(part={part}): must be (i, n) with 0 <= i < n. Count parts from 0."
            )
        return range(index, self.num_shards, count)

    @property
    def least_bytes_per_row(self) -> int:
        """A lower bound of the size on disk: half of what the series take in memory."""
        config, real = self.stream.config, np.dtype(self.stream.identity["dtype"])
        return (config.num_inputs + config.num_outputs) * config.length * real.itemsize // 2

    @cached_property
    def head(self) -> dict[str, Any]:
        """How many rows in which files, what decides them, and what they are made with."""
        identity = self.stream.identity
        versions = {"jax": jax.__version__, "jaxlib": jaxlib.version.__version__}
        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "rows": self.rows,
            "shard_rows": self.shard_rows,
            "cuts": [*self.cuts],
            **identity,
            "fingerprint": fingerprint_of({"schema_version": SCHEMA_VERSION, **identity}),
            "versions": {"s2jax": __version__} | versions,
            "backend": {"platform": jax.default_backend(), "device": _device()},
        }

    @staticmethod
    def of(head: dict[str, Any]) -> "Plan":
        """The plan that a head describes, for this version of the package."""
        config = from_json(json.dumps(head["config"]))
        stream = Stream(config, head["seed"], head["block_size"])
        return Plan(stream, head["rows"], head["shard_rows"], tuple(head["cuts"]))

    @staticmethod
    def joined(head: dict[str, Any]) -> "Plan":
        """The plan of another process, which this process of its own is to help with.

        Raises:
            RuntimeError: If it would draw other bits.
        """
        jax.config.update("jax_enable_x64", head["dtype"] == "float64")
        plan = Plan.of(head)
        pick = lambda head: {name: head[name] for name in (*plan.stream.identity, *COMPUTES)}
        different = difference(pick(head), pick(plan.head))
        if different:
            raise RuntimeError(
                f"write_corpus: all processes must draw the same bits, but {different}. Use "
                "machines of one kind with the same packages."
            )
        return plan


def num_files(head: Mapping[str, Any]) -> int:
    """Number of files of a corpus."""
    return -(-head["rows"] // head["shard_rows"]) + len(head["cuts"])


def name_of(shard: int) -> str:
    """The file of a shard, below the folder of the corpus, however many there are."""
    return f"data/train-{shard:06d}.parquet"


def ids_of(head: Mapping[str, Any], shard: int) -> range:
    """The rows of a shard."""
    return range(_start_of(head, shard), min(_start_of(head, shard + 1), head["rows"]))


def _start_of(head: Mapping[str, Any], shard: int) -> int:
    """The first row of a shard; of the one past the last, no less than the number of rows."""
    size, cuts = head["shard_rows"], head["cuts"]
    shard_at = lambda cut: cuts[cut] // size + 1 + cut
    before = bisect.bisect_left(range(len(cuts)), shard, key=shard_at)
    if before < len(cuts) and shard_at(before) == shard:
        return cuts[before]
    return (shard - before) * size


def cuts_after(head: Mapping[str, Any], rows: int) -> tuple[int, ...]:
    """The cuts of a corpus that grew from that of a head to so many rows."""
    is_cut = head["rows"] < rows and head["rows"] % head["shard_rows"]
    return (*head["cuts"], *([head["rows"]] if is_cut else []))


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _device() -> str:
    """The kind of device, finely enough that those of one kind draw the same bits.

    XLA compiles for the vector instructions of a processor, and otherwise for one thread than for
    several; how many does not matter.
    """
    device = jax.devices()[0]
    if device.platform != "cpu":
        return device.device_kind
    threads = int(os.environ.get(THREADS, processors()))
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    vectors = [name for name in ("avx512f", "avx2", "avx") if name in flags][:1]
    return " ".join(
        [platform.machine(), *vectors, "several threads" if threads > 1 else "1 thread"]
    )

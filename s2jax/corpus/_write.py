"""Corpora: shards written by whoever is there, until a manifest makes them one."""

import errno
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from s2jax.config import Config
from s2jax.core import checks, forks
from s2jax.corpus._heads import PLAN
from s2jax.corpus._manifest import begin, confirm, finish, look, lost, tidy, to_write
from s2jax.corpus._sending import begin_there, check_room, check_shared
from s2jax.corpus._workers import write_by_workers
from s2jax.corpus.card import begin_card, renew_card
from s2jax.corpus.files import TEMPORARY
from s2jax.corpus.footers import ABSENT
from s2jax.corpus.growth import about_growth
from s2jax.corpus.info import counted, sized
from s2jax.corpus.places import AnyPath, Place, place_of
from s2jax.corpus.plan import Plan, num_files
from s2jax.corpus.remote import Remote, forget
from s2jax.corpus.shards import (
    existing,
    explaining,
    free_bytes,
    measure,
    pyarrow,
    write_shard,
)
from s2jax.stream import Stream, check_stream

_NO_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ENOSYS}
"""What systems answer where folders cannot be made."""


@checks.suggest_names()
def write_corpus(
    path: AnyPath,
    config: Config,
    rows: int,
    seed: int = 0,
    shard_rows: int = 8192,
    block_size: int = 1024,
    progress: Callable[[int], object] | None = None,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    engine: "Engine | None" = None,
    announce: Callable[[str], object] | None = None,
) -> dict[str, Any] | None:
    """Draw pairs and write them as Parquet files, go on with that, or add rows to those there are.

    The corpus is rows 0 to `rows - 1` of `Stream(config, seed, block_size)`. Each row is a function
    of these arguments alone, whoever writes it. A file appears under its final name when it is
    complete and on disk; the manifest comes last. The same call again writes what is missing,
    and nothing if nothing is. A file that is there counts if its footer says that it is of this
    corpus. One that is damaged is drawn again while there is no manifest.

    With more rows than there are, the corpus grows. Its files stay as they are, new ones hold the
    rows from there on, and the corpus is the one of fewer rows until the manifest of all of them
    replaces that one's in one step. A last file that is not full stays as it is too, and the rest
    of its rows become a file of their own; rows in multiples of `shard_rows` are divided evenly.
    Fewer rows than there are, or than were begun, are refused. With those of the manifest there is
    nothing to do, also while it grows.

    Solutions of differential equations have columns more: the times `t`, the name of the `form`,
    the factors of the noise of the states as text `diffusion` ("" where there is none) and tokens,
    the estimated `error` and `num_steps`; the expressions are the right-hand sides.

    Args:
        path: A folder that does not exist, is empty, or holds a part of this corpus; a dataset card
            and files of systems, such as `README.md` and `.git`, may be in it. Or an address that
            fsspec knows, such as `s3://bucket/corpus`, or a `UPath`, which holds options of its
            own: files are then made on this machine and sent whole, one after another.
        config: What to draw.
        rows: Number of rows in all, those that are there included.
        seed: In [0, 2**32).
        shard_rows: Rows per file, a multiple of `block_size`.
        block_size: Rows drawn at a time. Part of the corpus' identity: others, other rows.
        progress: Called with the number of rows written so far, those of earlier calls included.
        workers: Processes that write, at most one per file: more are not started. 1 is this
            process. If one dies, another starts its file again.
        part: `(i, n)`: write only every n-th file, from number i on, as one of n calls that share a
            file system or an address; none, if there are not so many. The one that finds all files
            there writes the manifest.
        engine: Writes the shards elsewhere, instead of `workers`; see `ray_engine`.
        announce: Called before anything is written with a sentence if the corpus grows, one on each
            damaged file, one before a program is compiled, one on size and time, measured on a
            block, and one if fewer workers are started.

    Returns:
        The manifest: rows, files with the SHA-256 of their bytes and of their values, config,
        versions, how many programs were accepted and rejected, by reason, and how many rows of
        differential equations are of each form. None if files of other parts are missing still.

    Raises:
        ImportError: If pyarrow is not installed, or what an address needs.
        FileExistsError: If something else is there, with what differs, or more rows; if the corpus
            is to go on or to grow on another kind of machine or under other versions.
        DamagedError: If a file of a finished corpus has another size; `repair_corpus` draws it
            again. If its manifest or plan is damaged.
        RuntimeError: If a deleted file of a finished corpus comes out with other values.
        ValueError: If a number is out of range, or nothing can be written at the path.
        OSError: If the disk or the service fails; no incomplete file stays behind.
        RuntimeError: In a process that was forked after JAX had started.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> manifest["rows"], [file["name"] for file in manifest["files"]]
        (4, ['data/train-000000.parquet'])
        >>> manifest = write_corpus(folder, s2jax.presets.s2(length=64), 8, block_size=4)
        >>> manifest["rows"], [file["rows"] for file in manifest["files"]]
        (8, [4, 4])
    """
    pyarrow()
    check_stream("write_corpus", config, seed, block_size)
    forks.check_can_draw("write_corpus()")
    folder = place_of(path, "write_corpus")
    plan = Plan(Stream(config, seed, block_size), rows, shard_rows)
    plan.shards_of(part)  # refuses what is none
    checks.check_static_integer("write_corpus", "workers", workers, 1)
    check_shared(folder, workers, engine)
    forget(folder)
    with explaining(folder):
        plan, manifest, own, left = _look(folder, plan, part)
        todo = list(left)
        is_finished = manifest is not None and manifest["rows"] == plan.rows
        if is_finished:
            _close(folder, plan)
            if not todo:
                return manifest
        else:
            _begin(folder, plan, manifest, left, announce)
        report = _reporter(plan, todo, own, progress)
        if engine is not None and todo:
            engine(folder, plan, todo, report)
        elif (workers := _useful(workers, todo, announce)) > 1:
            write_by_workers(folder, plan, todo, report, workers)
        else:
            for shard in todo:
                write_shard(folder, plan, shard, report)
        if manifest is not None:
            old = num_files(manifest)
            confirm(folder, plan, manifest, [shard for shard in todo if shard < old])
        if is_finished:
            return manifest
        manifest = finish(folder, plan, own)
        if manifest is not None:
            _close(folder, plan)
        return manifest


class _Found(NamedTuple):
    """What there is of a corpus.

    Attributes:
        plan: Of all files, those that are there among them.
        manifest: Of as many rows or fewer; None if there is none.
        own: The shards of a call.
        left: Those of them that are not there whole, with the reason.
    """

    plan: Plan
    manifest: dict[str, Any] | None
    own: range
    left: dict[int, str]


def _look(folder: Place, plan: Plan, part: tuple[int, int]) -> _Found:
    """What there is of a corpus that is to be as planned, and what one part of it lacks."""
    plan, manifest = look(folder, plan)
    own = plan.shards_of(part)
    old = 0 if manifest is None else num_files(manifest)
    left = {}
    if manifest is not None:
        listed = (shard for shard in own if shard < old)
        left |= dict.fromkeys(lost(folder, plan, manifest, listed), ABSENT)
    left |= to_write(folder, plan, (shard for shard in own if shard >= old))
    return _Found(plan, manifest, own, left)


def _begin(
    folder: Place, plan: Plan, manifest: dict[str, Any] | None, left: dict[int, str], announce: Any
) -> None:
    """Check that what is left to write can be written, and say what grows or is drawn again."""
    if announce is not None and manifest is not None and left:
        announce(f"{folder}: {about_growth(manifest, plan)}")
    for shard, reason in left.items():
        if announce is not None and reason != ABSENT:
            announce(f"{folder / plan.name(shard)}: {reason}; it is drawn again")
    if not left:
        return
    if isinstance(folder, Remote):
        begin_there(folder, plan)
        _check_disk(folder, plan, list(left), announce)
    else:
        _check_place(folder)
        _check_disk(folder, plan, list(left), announce)
        begin(folder, plan)
    if manifest is None:
        begin_card(folder, plan)


def _close(folder: Place, plan: Plan) -> None:
    """Leave nothing of the work on a corpus that is finished."""
    (folder / "data").mkdir(exist_ok=True)
    if (folder / PLAN).exists():
        renew_card(folder, plan)
    tidy(folder, plan)


def _check_place(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before anything is compiled."""
    parent = existing(folder / "data")
    try:
        Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)).rmdir()
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        raise ValueError(
            f"write_corpus(path={str(folder)!r}): must be a folder that can be made and written "
            f"to, but nothing can be written in {parent} ({error.strerror}). Choose another path."
        ) from error


Engine = Callable[[Place, Plan, list[int], Callable[[int], object]], object]
"""Writes shards of a plan by `write_shard`, and reports rows as they are written."""


def _useful(workers: int, todo: Sequence[int], announce: Any) -> int:
    """How many workers have something to do; said if they are fewer."""
    if todo and workers > len(todo) and announce is not None:
        announce(
            f"{len(todo)} of {workers} workers will be used, because each writes whole files: with "
            "fewer rows per file there are more of them"
        )
    return min(workers, len(todo))


class Estimate(NamedTuple):
    """What is still to be written of a corpus, measured on a block.

    Attributes:
        rows, files: How many.
        size: Bytes they will take.
        seconds: CPU seconds they will take, without compiling.
        free: Bytes that are free on the disk; None behind an address.
    """

    rows: int
    files: int
    size: float
    seconds: float
    free: int | None

    def __str__(self) -> str:
        room = "" if self.free is None else f" of {self.free / 1e6:,.0f} MB free"
        return (
            f"{counted(self.rows, 'row')} in {counted(self.files, 'file')}: about "
            f"{sized(self.size)}{room}, and {self.seconds:,.0f} s on one processor"
        )


def estimate_corpus(
    path: AnyPath,
    config: Config,
    rows: int,
    seed: int = 0,
    shard_rows: int = 8192,
    block_size: int = 1024,
) -> Estimate:
    """What `write_corpus` with these arguments would write, and how long it would take.

    A block is drawn twice, in memory; nothing is written. What `write_corpus` would refuse is
    refused.

    Args:
        path: As of `write_corpus`; so are all others.
        config: What to draw.
        rows: Number of rows.
        seed: In [0, 2**32).
        shard_rows: Rows per file.
        block_size: Rows drawn at a time.

    Raises:
        FileExistsError: If something else is there.
        ValueError: If a number is out of range, nothing can be written at the path, or the disk is
            too small.

    Example:
        >>> import tempfile, s2jax
        >>> config = s2jax.presets.s2(length=64)
        >>> found = estimate_corpus(tempfile.mkdtemp(), config, 1000, block_size=4, shard_rows=500)
        >>> found.rows, found.files, found.size > 2 * 4 * 64 * 1000 * 0.5
        (1000, 2, True)
    """
    pyarrow()
    check_stream("estimate_corpus", config, seed, block_size)
    folder = place_of(path, "estimate_corpus")
    plan = Plan(Stream(config, seed, block_size), rows, shard_rows)
    with explaining(folder):
        plan, manifest, _, left = _look(folder, plan, (0, 1))
        is_new = manifest is None or manifest["rows"] < plan.rows
        if left and is_new and isinstance(folder, Path):
            _check_place(folder)
        found = _estimate(folder, plan, list(left))
        _refuse_estimate(folder, plan, found)
        return found


def _estimate(folder: Place, plan: Plan, todo: Sequence[int]) -> Estimate:
    size, seconds = measure(plan) if todo else (0.0, 0.0)
    rows = sum(len(plan.ids(shard)) for shard in todo)
    size = max(size, plan.least_bytes_per_row)
    free = None if isinstance(folder, Remote) else free_bytes(folder)
    return Estimate(rows, len(todo), rows * size, rows * seconds, free)


def _check_disk(folder: Place, plan: Plan, todo: list[int], announce: Any) -> None:
    """Refuse what the disk cannot hold; say how large it will be and how long it will take."""
    if announce is not None:
        announce("compiling: up to a minute the first time, a few seconds from then on")
        found = _estimate(folder, plan, todo)
        announce(str(found))
        _refuse_estimate(folder, plan, found)
    elif isinstance(folder, Path):
        rows = sum(len(plan.ids(shard)) for shard in todo)
        _refuse_large(folder, plan, rows * plan.least_bytes_per_row, free_bytes(folder))


def _refuse_estimate(folder: Place, plan: Plan, found: Estimate) -> None:
    if isinstance(folder, Remote):
        check_room(folder, plan, found.size / max(found.rows, 1))
    else:
        _refuse_large(folder, plan, found.size, free_bytes(folder))


def _refuse_large(folder: Place, plan: Plan, needed: float, free: int) -> None:
    if needed > free:
        raise ValueError(
            f"write_corpus(rows={plan.rows}): needs about {needed / 1e6:,.0f} MB, and {folder} has "
            f"{free / 1e6:,.0f} MB free. Draw fewer rows, or choose another disk."
        )


def _reporter(
    plan: Plan, todo: Sequence[int], own: range, progress: Any
) -> Callable[[int], object]:
    """Adds up rows written, of the shards that are this call's own."""
    done = sum(len(plan.ids(shard)) for shard in set(own) - set(todo))

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done)

    report(0)
    return report

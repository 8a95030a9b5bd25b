"""Damaged files of a corpus, found and drawn again."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from s2jax.corpus._files import replacing, sha256_of
from s2jax.corpus._manifest import describe, read_manifest, write_manifest
from s2jax.corpus._plan import Plan
from s2jax.corpus._shards import draw_shard, explaining


class Damage(NamedTuple):
    """A file that is not what the manifest says.

    Attributes:
        shard: Its number.
        name: Its path below the folder of the corpus.
        reason: What is wrong with it.
    """

    shard: int
    name: str
    reason: str


def verify(
    path: str | os.PathLike[str], progress: Callable[[int], object] | None = None
) -> list[Damage]:
    """Compare every file of a corpus with the manifest, bit by bit.

    Args:
        path: The folder of a finished corpus.
        progress: Called with the number of files looked at.

    Returns:
        The damaged files; none if all is well. `repair` draws them again.

    Raises:
        FileNotFoundError: If there is no finished corpus.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.corpus.write_corpus(folder, s2jax.presets.s2(length=64), 4, block=4)
        >>> verify(folder)
        []
    """
    folder, manifest = Path(path), read_manifest(path)
    found = []
    for shard, entry in enumerate(manifest["files"]):
        reason = _compare(folder / entry["name"], entry)
        if reason:
            found.append(Damage(shard, entry["name"], reason))
        if progress is not None:
            progress(shard + 1)
    return found


def _compare(file: Path, entry: dict[str, Any]) -> str:
    if not file.is_file():
        return "is not there"
    try:
        size = file.stat().st_size
        if size != entry["bytes"]:
            return f"has {size:,} bytes instead of {entry['bytes']:,}"
        return "" if sha256_of(file) == entry["sha256"] else "has other bytes than were written"
    except OSError as error:
        return f"cannot be read: {error}"


def repair(
    path: str | os.PathLike[str], progress: Callable[[int], object] | None = None
) -> list[Damage]:
    """Draw the damaged files of a corpus again, and check that they hold the same values.

    Args:
        path: The folder of a finished corpus.
        progress: Called with the number of rows drawn.

    Returns:
        What was damaged, and is whole now.

    Raises:
        FileNotFoundError: If there is no finished corpus.
        RuntimeError: If this machine or version draws other values; the damaged file stays.
        OSError: If the disk fails.
    """
    folder, manifest = Path(path), read_manifest(path)
    plan, damaged, done = Plan.of(manifest), verify(path), 0

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done)

    with explaining(folder):
        for shard, name, _ in damaged:
            manifest["files"][shard] = _redraw(folder / name, plan, shard, manifest, report)
        if damaged:
            write_manifest(folder, manifest)
    return damaged


def _redraw(
    file: Path, plan: Plan, shard: int, manifest: dict[str, Any], report: Callable[[int], object]
) -> dict[str, Any]:
    """Draw a file again, and put it into its place if its values are the right ones."""
    entry, facts = manifest["files"][shard], {}

    def check(new: Path) -> None:
        facts.update(describe(new)[0])
        if facts["values_sha256"] != entry["values_sha256"]:
            versions, backend = manifest["versions"], manifest["backend"]
            raise RuntimeError(
                f"repair({str(file.parent.parent)!r}): must draw the values of {entry['name']} "
                f"again, but they differ. Repair it where it was written: {versions}, {backend}."
            )

    draw_shard(replacing(file, check=check), plan, shard, report)
    return {"name": entry["name"]} | facts

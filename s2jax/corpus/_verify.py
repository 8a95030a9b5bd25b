"""Damaged files of a corpus, found and drawn again."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from s2jax.corpus._heads import MANIFEST, config_of, damaged, read_manifest
from s2jax.corpus._manifest import (
    check_data,
    describe,
    other_size,
    other_values,
    strangers,
    write_manifest,
)
from s2jax.corpus.files import replacing, sha256_of
from s2jax.corpus.footers import (
    ABSENT,
    Broken,
    Contradicted,
    DamagedError,
    Foreign,
    check_file,
    totals_of,
)
from s2jax.corpus.places import AnyPath, Place, place_of
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import Remote
from s2jax.corpus.shards import Counts, draw_shard, explaining

STRANGER = -1
"""In place of the number of a file that is none of the corpus."""
_STRANGE = "is no file of this corpus, but readers of data/*.parquet would take it for rows"


class Damage(NamedTuple):
    """A file that is not what the manifest says.

    Attributes:
        shard: Its number; -1 if it is none of the corpus, but lies among its files as if it were.
        name: Its path below the folder of the corpus.
        reason: What is wrong with it.
    """

    shard: int
    name: str
    reason: str


def verify_corpus(path: AnyPath, progress: Callable[[int], object] | None = None) -> list[Damage]:
    """Compare every file of a corpus with the manifest, bit by bit, and with its own footer.

    Files are read by as many threads as there are processors.

    Args:
        path: The folder of a finished corpus, or its address, as in `write_corpus`.
        progress: Called with the number of files looked at.

    Returns:
        The damaged files; none if all is well. `repair_corpus` draws them again, and
        leaves alone those that are none of the corpus.

    Raises:
        FileNotFoundError: If there is no finished corpus.
        DamagedError: If the manifest is damaged.
        OSError: If a service does not answer; a disk that does not is damage.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> verify_corpus(folder)
        []
    """
    folder = place_of(path, "verify_corpus")
    manifest = read_manifest(folder)
    found, counts = [], Counts()
    files = manifest["files"]
    threads = ThreadPoolExecutor(min(os.cpu_count() or 1, len(files)))
    try:
        compared = threads.map(lambda shard: _compare(folder, manifest, shard), range(len(files)))
        for shard, (reason, _, totals) in enumerate(compared):
            counts.merge(totals)
            if reason:
                found.append(Damage(shard, files[shard]["name"], reason))
            if progress is not None:
                progress(shard + 1)
    finally:  # without waiting for files that nobody asks for any more
        threads.shutdown(cancel_futures=True)
    if not found:
        _check_counts(folder, manifest, counts.totals)
    others = [Damage(STRANGER, name, _STRANGE) for name in strangers(folder, manifest)]
    return found + others


def _check_counts(folder: Place, manifest: dict[str, Any], totals: dict[str, Any]) -> None:
    """Refuse a manifest that does not add up what the files say."""
    for kind, counts in totals.items():
        told = manifest.get(kind, {})
        for name in {**counts, **told}:
            number, wrong = counts.get(name, 0), told.get(name, 0)
            if number != wrong:
                reason = f"{kind}.{name} must be {number}, the sum over the files, but is {wrong}"
                raise damaged(f"verify_corpus({str(folder)!r})", MANIFEST, reason)


def _compare(
    folder: Place, manifest: dict[str, Any], shard: int
) -> tuple[str, bool, dict[str, dict[str, int]]]:
    """What is wrong with a file, whether the manifest itself is of a wrong one, and the counts.

    Raises:
        DamagedError: If the file is as it was written, and the manifest says otherwise.
    """
    entry = manifest["files"][shard]
    file = folder / entry["name"]
    if not file.is_file():
        return ABSENT, False, {}
    try:
        size = file.stat().st_size
        if size != entry["bytes"]:
            return other_size(size, entry["bytes"]), False, {}
        if sha256_of(file) != entry["sha256"]:
            return "has other bytes than were written", False, {}
        return "", False, totals_of(check_file(file, manifest, shard))[1]
    except OSError as error:
        if isinstance(folder, Remote):
            raise  # a service that does not answer is no damage
        return f"cannot be read: {error}", False, {}
    except Contradicted as error:
        reason = f"{entry['name']}, whose bytes are as written, {error}"
        raise damaged(f"verify_corpus({str(folder)!r})", MANIFEST, reason) from error
    except (Broken, Foreign) as error:
        return str(error), True, {}


def repair_corpus(path: AnyPath, progress: Callable[[int], object] | None = None) -> list[Damage]:
    """Draw the damaged files of a corpus again, and check that they hold the same values.

    Args:
        path: The folder of a finished corpus, or its address, as in `write_corpus`.
        progress: Called with the number of rows drawn.

    Returns:
        What was damaged, and is whole now.

    Raises:
        FileNotFoundError: If there is no finished corpus.
        FileExistsError: If the folder of the files is a link, which leads elsewhere.
        DamagedError: If the manifest is damaged, or was written of another corpus' file.
        RuntimeError: If this machine or version draws other values; the damaged file stays.
        OSError: If the disk fails.

    Example:
        >>> import pathlib
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> file = pathlib.Path(folder, manifest["files"][0]["name"])
        >>> content = file.write_bytes(file.read_bytes()[:-1])
        >>> [damage.shard for damage in repair_corpus(folder)], verify_corpus(folder)
        ([0], [])
    """
    folder = place_of(path, "repair_corpus")
    manifest = read_manifest(folder)
    call = f"repair_corpus({str(path)!r})"
    check_data(folder, call)
    config_of(folder, manifest)
    plan, done = Plan.of(manifest), 0
    found = [damage for damage in verify_corpus(folder) if damage.shard != STRANGER]

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done)

    for shard, name, reason in found:
        if _compare(folder, manifest, shard)[1]:
            raise DamagedError(
                f"{call}: {name} {reason}, and so it was when {MANIFEST} was written. Delete both, "
                "and run the command that wrote the corpus again."
            )
    with explaining(folder):
        for shard, *_ in found:
            manifest["files"][shard] = _redraw(folder, plan, shard, manifest, call, report)
        if found:
            write_manifest(folder, manifest)
    return found


def _redraw(
    folder: Place, plan: Plan, shard: int, manifest: dict[str, Any], call: str, report: Any
) -> dict[str, Any]:
    """Draw a file again, and put it into its place if its values are the right ones."""
    entry, facts = manifest["files"][shard], {}

    def check(new: Path) -> None:
        facts.update(describe(folder, plan.head, shard, file=new)[0])
        if facts["values_sha256"] != entry["values_sha256"]:
            raise RuntimeError(other_values(call, entry["name"], manifest, plan))

    draw_shard(replacing(folder / entry["name"], check=check), plan, shard, report)
    return {"name": entry["name"]} | facts

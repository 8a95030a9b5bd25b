"""What makes files a corpus: the plan before the first of them, the manifest after the last."""

import concurrent.futures
import contextlib
import fnmatch
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from s2jax.corpus._heads import MANIFEST, PLAN
from s2jax.corpus.files import TEMPORARY, replacing, sha256_of, sweep
from s2jax.corpus.footers import Broken, DamagedError, Foreign, check_file, naming, totals_of
from s2jax.corpus.growth import call_of, growth_of, read_any, settle
from s2jax.corpus.layout import GROWS
from s2jax.corpus.places import Place
from s2jax.corpus.plan import COMPUTES, Plan, ids_of, name_of, num_files
from s2jax.corpus.remote import Remote, recall
from s2jax.corpus.shards import Counts
from s2jax.stream import difference

_BYSTANDERS = (
    ".*", f"{TEMPORARY}*", "README*", "LICENSE*", "CITATION*", "slurm-*", "Thumbs.db",
    "desktop.ini", "lost+found",
)  # fmt: skip
"""What people and systems lay into any folder, and no reader of a corpus takes for a part of it."""


def look(folder: Place, plan: Plan) -> tuple[Plan, dict[str, Any] | None]:
    """The plan with the files of what is there, and the manifest; writes nothing.

    The manifest is of fewer rows if the corpus is to grow, and None if it is new or unfinished.

    Raises:
        FileExistsError: If something else is there, with what differs.
        DamagedError: If what describes it is damaged.
    """
    call = call_of(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(
            f"{call}: must be a folder, but a file is there. Choose another path."
        )
    check_data(folder, call)
    plan, manifest = settle(folder, plan)
    if manifest is None and not (folder / PLAN).exists():
        _refuse_others(folder, plan, call)
        return plan, None
    for stranger in strangers(folder, plan.head):
        raise FileExistsError(f"{call}: {about_stranger(stranger)}")
    return plan, manifest


def check_data(folder: Place, call: str) -> None:
    """Refuse to write where names lead out of the folder of the corpus."""
    data = folder / "data"
    if data.is_symlink() or (data.exists() and not data.is_dir()):
        raise FileExistsError(
            f"{call}: its `data` must be a folder of its own and no link or file, because files in "
            "it are replaced. Put the whole corpus where the link leads, or choose another folder."
        )


def _refuse_others(folder: Place, plan: Plan, call: str) -> None:
    """Refuse a folder that is neither empty nor holds files of this corpus and bystanders only."""
    if not folder.exists():
        return
    own = {Path(plan.name(shard)).name for shard in range(plan.num_shards)}
    begun = (MANIFEST, PLAN)  # by another call, at this moment; `begin` compares them
    for path in sorted(path for path in folder.iterdir() if path.name not in begun):
        is_data = path.name == "data" and path.is_dir()
        held = (entry.name for entry in path.iterdir()) if is_data else (path.name,)
        foreign = [name for name in held if not _is_bystander(name)]
        if [name for name in foreign if not (is_data and name in own)]:
            raise FileExistsError(
                f"{call}: must be new, empty or the same corpus, but it holds {path.name!r}, which "
                "is no part of one. Choose another folder, for example "
                f"{str(folder / 'corpus')!r}."
            )


def _is_bystander(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _BYSTANDERS)


def strangers(folder: Place, head: Mapping[str, Any]) -> list[str]:
    """Parquet files among those of a corpus that are none of them, nor of what it grows to."""
    found = {
        f"data/{path}"
        for path in _names_below(folder / "data")
        if path.lower().endswith(".parquet") and not _is_bystander(path.rpartition("/")[2])
    }
    others = found - {name_of(shard) for shard in range(num_files(head))}
    growth = growth_of(folder, head) if others else None  # which a service is asked for
    new = num_files(growth) if growth else 0
    return sorted(others - {name_of(shard) for shard in range(new)})


def _names_below(folder: Place) -> list[str]:
    """The files in a folder and in its folders, but for those that readers pass over."""
    if isinstance(folder, Remote):
        is_hidden = lambda path: re.search(r"(^|/)[._][^/]*/", path)
        return [path for path in folder.names_below() if not is_hidden(path)]
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [(Path(place).relative_to(folder) / name).as_posix() for name in names]
    return found


def about_stranger(name: str) -> str:
    """What is to be said of one."""
    return (
        f"{name} is no file of this corpus, but readers of data/*.parquet would take it for rows. "
        "Move it elsewhere."
    )


def begin(folder: Place, plan: Plan) -> None:
    """Make the folder of a corpus and write down what will be in it.

    Raises:
        FileExistsError: If another corpus was begun there at the same time, or to grow otherwise.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    pick = lambda head: [head[name] for name in GROWS]
    for _ in range(2):  # of two that begin together, the second may find less begun than it wants
        there = read_any(folder, PLAN)
        if there is not None and (there["rows"] > plan.rows or pick(there) == pick(plan.head)):
            break
        if there is not None:
            _settle_again(folder, plan)
        with replacing(folder / PLAN, keep=there is None) as file:
            file.write(json.dumps(plan.head, indent=1).encode())
    _settle_again(folder, plan)


def _settle_again(folder: Place, plan: Plan) -> dict[str, Any] | None:
    """The manifest that is there by now, if the plan is still as it was."""
    now, manifest = settle(folder, plan)
    if now.cuts != plan.cuts:
        raise FileExistsError(
            f"{call_of(folder)}: must be the only call that makes it larger, or one of equal ones, "
            "because the files of others end elsewhere, but another one began at the same time. Do "
            "the same again."
        )
    return manifest


def examine(
    folder: Place, head: Mapping[str, Any], shards: Iterable[int], *, made_here: bool = False
) -> dict[int, Broken | Foreign]:
    """The files that are not there, damaged or of another corpus, and why; by their footers."""

    def problem(shard: int) -> Broken | Foreign | None:
        try:
            check_file(folder / name_of(shard), head, shard, made_here=made_here)
        except (Broken, Foreign) as error:
            return error
        return None

    numbers = list(shards)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        found = zip(numbers, threads.map(problem, numbers), strict=True)
        return {shard: error for shard, error in found if error is not None}


def to_write(folder: Place, plan: Plan, shards: Iterable[int]) -> dict[int, str]:
    """The shards of an unfinished corpus that are not there whole, with the reason.

    Raises:
        FileExistsError: If another corpus' file has the name of one; if one is damaged and no plan
            says that it was of this corpus.
    """
    found = examine(folder, plan.head, shards, made_here=True)
    begun = (folder / PLAN).exists()
    for shard, error in found.items():
        if isinstance(error, Foreign) or not (begun or error.is_absent):
            raise FileExistsError(_refuse_foreign(folder, plan, shard, error))
    return {shard: str(error) for shard, error in sorted(found.items())}


def _refuse_foreign(folder: Place, plan: Plan, shard: int, error: Exception) -> str:
    return (
        f"{call_of(folder)}: {plan.name(shard)} must be a file of this corpus to go on, but it "
        f"{error}. Move it away and do the same again, or choose another folder."
    )


def lost(folder: Place, plan: Plan, manifest: dict[str, Any], shards: Iterable[int]) -> list[int]:
    """Those of some shards of a finished corpus that were deleted.

    Raises:
        DamagedError: If one has another size than it was written with.
    """
    found = []
    for shard in shards:
        try:
            size = (folder / plan.name(shard)).stat().st_size
        except FileNotFoundError:
            found.append(shard)
            continue
        wanted = manifest["files"][shard]["bytes"]
        if size != wanted:
            raise DamagedError(
                f"{call_of(folder)}: {plan.name(shard)} {other_size(size, wanted)}. "
                f"`s2jax verify {folder}` finds all such files, and `s2jax repair {folder}` draws "
                "them again."
            )
    return found


def finish(folder: Place, plan: Plan, own: range) -> dict[str, Any] | None:
    """Write the manifest of a corpus, or None if files that others write are not there yet.

    What the manifest of fewer rows says of their files is taken over, and these are not read again.

    Raises:
        DamagedError: If one of the own files is not there or damaged.
        FileExistsError: If one is of another corpus, or if there are more rows by now.
    """
    if isinstance(folder, Remote):
        folder.refresh()  # others may have written
    old = _settle_again(folder, plan)
    if old is not None and old["rows"] == plan.rows:  # another one has just finished
        return old
    counts, files = Counts(), []
    if old is not None:
        files += old["files"]
        counts.merge({kind: old.get(kind, {}) for kind in counts.totals})

    def described(shard: int) -> Any:
        try:
            return describe(folder, plan.head, shard, made_here=True)
        except (Broken, Foreign) as error:
            return error

    others = (shard for shard in range(plan.num_shards) if shard not in own)
    if not all((folder / plan.name(shard)).exists() for shard in others):
        return None
    shards = range(len(files), plan.num_shards)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        results = list(threads.map(described, shards))
    for shard, result in zip(shards, results, strict=True):
        if isinstance(result, Foreign):
            raise FileExistsError(_refuse_foreign(folder, plan, shard, result))
        if isinstance(result, Broken):
            if shard not in own:
                return None
            raise DamagedError(
                f"{call_of(folder)}: {plan.name(shard)} was written, but {result}. Check the disk, "
                "and do the same again: it goes on where this stopped."
            )
        facts, totals = result
        files.append({"name": plan.name(shard)} | facts)
        counts.merge(totals)
    forms = {"forms": counts.totals["forms"]} if counts.totals["forms"] else {}
    manifest = plan.head | {"files": files, "acceptance": counts.totals["acceptance"], **forms}
    write_manifest(folder, manifest)
    return manifest


def confirm(folder: Place, plan: Plan, manifest: dict[str, Any], drawn: list[int]) -> None:
    """Enter files into the manifest that were drawn again because they had been deleted."""
    for shard in drawn:
        with naming(folder, plan.name(shard)):
            facts, _ = describe(folder, plan.head, shard)
        if facts["values_sha256"] != manifest["files"][shard]["values_sha256"]:
            (folder / plan.name(shard)).unlink()
            raise RuntimeError(other_values(call_of(folder), plan.name(shard), manifest, plan))
        manifest["files"][shard] = {"name": plan.name(shard)} | facts
    if drawn:
        write_manifest(folder, manifest)


def other_size(there: int, written: int) -> str:
    """What is to be said of a file that was cut off or has grown."""
    return f"has {there:,} bytes instead of {written:,}"


def other_values(call: str, name: str, manifest: dict[str, Any], plan: Plan) -> str:
    """What is to be said of a file that comes out otherwise than it was."""
    there = {part: manifest[part] for part in COMPUTES}
    different = difference(there, {part: plan.head[part] for part in COMPUTES})
    if different:
        why = f". {different}. Repair it where it was written."
    else:
        why = (
            f", although versions and device are those that wrote it: {MANIFEST} is damaged, or "
            f"the corpus was not drawn by this code. Delete {MANIFEST} and {name}, and run the "
            "command that wrote the corpus again, which keeps the files that are whole."
        )
    return f"{call}: must draw the values of {name} again, but they differ{why}"


def tidy(folder: Place, plan: Plan) -> None:
    """Remove what a finished corpus does not need, and what killed writers left."""
    if growth_of(folder, plan.head) is None:
        with contextlib.suppress(OSError):
            (folder / PLAN).unlink(missing_ok=True)
    _sweep(folder)


def _sweep(folder: Place) -> None:
    sweep(folder / "data")
    sweep(folder)


def write_manifest(folder: Place, manifest: dict[str, Any]) -> None:
    """Write the manifest, or nothing.

    Raises:
        FileExistsError: If the corpus has become larger meanwhile.
    """

    def check(_: Path) -> None:
        with contextlib.suppress(ValueError, TypeError, KeyError, FileNotFoundError):
            rows = json.loads((folder / MANIFEST).read_text("utf-8"))["rows"]
            if rows > manifest["rows"]:
                raise FileExistsError(
                    f"{folder}: must have {manifest['rows']} rows still, but another call has made "
                    f"them {rows} meanwhile, and its {MANIFEST} stays. Do the same again."
                )

    with replacing(folder / MANIFEST, check=check) as file:
        file.write(json.dumps(manifest, indent=1).encode())


def describe(
    folder: Place, head: Mapping[str, Any], shard: int, *, made_here: bool = False,
    file: Place | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """What the manifest says of a file beside its name, and the counts of its rows.

    Raises:
        Broken, Foreign: If it is not the right one.
    """
    file = file or folder / name_of(shard)
    stored = check_file(file, head, shard, made_here=made_here)
    values_sha256, counts = totals_of(stored)
    sent = recall(file)  # which spares to read it back
    facts = {
        "rows": len(ids_of(head, shard)),
        "bytes": file.stat().st_size,
        "sha256": sent.sha256 if sent is not None else sha256_of(file),
        "values_sha256": values_sha256,
    }
    return facts, counts

"""What makes files a corpus: the plan before the first of them, the manifest after the last."""

import concurrent.futures
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from s2jax.corpus._files import TEMPORARY, replacing, sha256_of, sweep
from s2jax.corpus._layout import SCHEMA_VERSION
from s2jax.corpus._plan import COMPUTES, FORMAT, Plan
from s2jax.corpus._shards import COUNTS, VALUES, Counts, pyarrow
from s2jax.stream import difference

MANIFEST, PLAN = "_manifest.json", "_plan.json"
_DECIDES = ("rows", "shard_rows", "config", "seed", "block_size", "dtype", "s2jax")
_OPTIONS = {"block_size": "block"}


def look(folder: Path, plan: Plan) -> dict[str, Any] | None:
    """The manifest if the corpus is complete, None if it is new or unfinished; writes nothing.

    Raises:
        FileExistsError: If something else is there, with what differs.
    """
    call = f"write_corpus(path={str(folder)!r})"
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(
            f"{call}: must be a folder, but a file is there. Choose another path."
        )
    present = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    foreign = [name for name in present if name not in (MANIFEST, PLAN, "data")]
    if not foreign and not {MANIFEST, PLAN} & set(present):
        foreign = [name for name in present if _holds_anything(folder / name)]
    foreign = [name for name in foreign if not name.startswith(TEMPORARY)]
    if foreign:
        raise FileExistsError(
            f"{call}: must be new, empty or the same corpus, but it holds {foreign[0]!r}, which is "
            f"no part of one. Choose another folder, for example {str(folder / 'corpus')!r}."
        )
    for name in (MANIFEST, PLAN):
        if name in present:
            there = read_head(folder, name)
            _compare(call, there, plan, _DECIDES)
            if name == MANIFEST:
                return there
            _compare(call, there, plan, COMPUTES)
    return None


def begin(folder: Path, plan: Plan) -> None:
    """Make the folder of a corpus and write down what will be in it."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    if not (folder / PLAN).exists():
        with replacing(folder / PLAN) as file:
            file.write(json.dumps(plan.head, indent=1).encode())


def _holds_anything(path: Path) -> bool:
    """Whether a path is more than an empty folder, or one with what a killed writer left."""
    if not path.is_dir():
        return not path.name.startswith(TEMPORARY)
    return any(not entry.name.startswith(TEMPORARY) for entry in path.iterdir())


def _compare(call: str, there: dict[str, Any], plan: Plan, names: tuple[str, ...]) -> None:
    """Refuse a corpus whose rows would be others, or might in their last bits."""
    pick = lambda head: {_OPTIONS.get(name, name): head.get(name) for name in names}
    different = difference(pick(there), pick(plan.head))
    if different and names is _DECIDES:
        raise FileExistsError(
            f"{call}: must be the same corpus to go on, but {different}. Choose another folder, or "
            "the same numbers."
        )
    if different:
        raise FileExistsError(
            f"{call}: must go on where it was begun, or floats may differ in their last bits, but "
            f"{different}. Choose another folder, or the same machine and versions."
        )


def missing(folder: Path, plan: Plan) -> list[int]:
    """The shards that are not there yet."""
    return [s for s in range(plan.num_shards) if not (folder / plan.name(s)).exists()]


def finish(folder: Path, plan: Plan) -> dict[str, Any]:
    """Write the manifest of a corpus of which all files are there."""
    counts = Counts()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        names = [plan.name(shard) for shard in range(plan.num_shards)]
        described = list(threads.map(lambda name: describe(folder / name), names))
    for _, totals in described:
        counts.merge(totals)
    forms = {"forms": counts.totals["forms"]} if counts.totals["forms"] else {}
    files = [{"name": name} | facts for name, (facts, _) in zip(names, described, strict=True)]
    manifest = plan.head | {"files": files, "acceptance": counts.totals["acceptance"], **forms}
    write_manifest(folder, manifest)
    tidy(folder)
    return manifest


def tidy(folder: Path) -> None:
    """Remove what a finished corpus does not need, and what killed writers left."""
    with contextlib.suppress(OSError):
        (folder / PLAN).unlink(missing_ok=True)
    sweep(folder / "data")
    sweep(folder)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, or nothing."""
    with replacing(folder / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=1).encode())


def describe(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the manifest says of a file beside its name, and the counts of its rows."""
    footer = pyarrow().parquet.read_metadata(file)
    stored = {key.decode(): value.decode() for key, value in footer.metadata.items()}
    facts = {
        "rows": footer.num_rows,
        "bytes": file.stat().st_size,
        "sha256": sha256_of(file),
        "values_sha256": stored[VALUES],
    }
    return facts, json.loads(stored[COUNTS])


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a finished corpus.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is of another format or of another version.
    """
    folder = Path(path)
    if (folder / MANIFEST).is_file():
        return read_head(folder, MANIFEST)
    begun = (folder / PLAN).is_file()
    why = "holds an unfinished one; run its command again" if begun else "holds no finished corpus"
    raise FileNotFoundError(
        f"read_manifest({str(path)!r}): must be a corpus with its {MANIFEST}, but it "
        f"{why if folder.is_dir() else 'is no folder'}. Write one with `s2jax generate`."
    )


def read_head(folder: Path, name: str) -> dict[str, Any]:
    """A manifest or plan, checked."""
    call = f"read_manifest({str(folder)!r})"
    try:
        head = json.loads((folder / name).read_text())
        version = int(head["schema_version"])
        known = head["format"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{call}: {name} must be JSON that s2jax wrote, but is damaged. Restore it, or delete "
            "it and run the command that wrote the corpus again."
        ) from error
    if not known or version != SCHEMA_VERSION:
        newer = known and version > SCHEMA_VERSION
        fix = "Update s2jax" if newer else f"Read it with s2jax {head.get('s2jax', '0.1')}"
        raise ValueError(
            f"{call}: {head['format']} version {version} must be {FORMAT} version "
            f"{SCHEMA_VERSION}. {fix}."
        )
    return head

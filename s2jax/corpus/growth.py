"""How a corpus becomes a larger one: its files stay as they are, and others are added.

A call for more rows than there are takes over what is there, be it finished or only begun. Until
the manifest of all rows replaces the one before in one step, that one describes a whole corpus, and
beside it lies the plan of the larger one. Files of rows that are there keep their names and rows,
also a last one that is not full, so whoever reads them can go on.
"""

import concurrent.futures
import contextlib
import dataclasses
import fnmatch
import os
from collections.abc import Mapping
from typing import Any

from s2jax.corpus._heads import MANIFEST, PLAN, read_head
from s2jax.corpus.footers import Broken, Foreign, rows_of_file
from s2jax.corpus.places import Place
from s2jax.corpus.plan import COMPUTES, DECIDES, Plan, cuts_after, num_files
from s2jax.stream import difference


def settle(folder: Place, plan: Plan) -> tuple[Plan, dict[str, Any] | None]:
    """The plan with the files of what is there, and the manifest, of as many rows or fewer.

    Raises:
        FileExistsError: If something else is there, or more rows, or if more rows would be drawn
            otherwise here; with what differs.
        DamagedError: If what describes it is damaged.
    """
    begun, manifest = _read_heads(folder, plan.rows)
    call = call_of(folder)
    for head in (manifest, begun):
        if head is not None:
            _check_same(call, head, plan)
    if manifest is not None and manifest["rows"] == plan.rows:
        return plan.after(manifest), manifest
    if manifest is not None and begun is not None and not _grows(manifest, begun):
        begun = None  # it was left behind
    _check_larger(call, plan, manifest, begun)
    for head in (manifest, begun):
        if head is not None:
            _check_machine(call, head, plan)
    last = begun or manifest
    return (_cut_as_files(folder, plan) if last is None else plan.after(last)), manifest


def growth_of(folder: Place, head: Mapping[str, Any]) -> dict[str, Any] | None:
    """The plan by which a corpus is to grow, or None; a damaged one is none to a reader."""
    with contextlib.suppress(ValueError, OSError):
        begun = read_head(folder, PLAN)
        if _grows(head, begun):
            return begun
    return None


def call_of(folder: Place) -> str:
    """The call as the user wrote it."""
    return f"write_corpus(path={str(folder)!r})"


def _read_heads(folder: Place, rows: int) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Plan and manifest. The plan first: it is removed when the manifest is there."""
    begun, damage = None, None
    try:
        begun = read_any(folder, PLAN)
    except ValueError as error:
        damage = error
    manifest = read_any(folder, MANIFEST)
    if damage is not None and not (manifest is not None and manifest["rows"] == rows):
        raise damage
    return begun, manifest


def read_any(folder: Place, name: str) -> dict[str, Any] | None:
    """A manifest or plan; None if there is none."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return read_head(folder, name)
    return None


def _grows(head: Mapping[str, Any], begun: Mapping[str, Any]) -> bool:
    """Whether a plan is one by which a corpus becomes larger, with its files as they are."""
    same = all(head[name] == begun[name] for name in ("fingerprint", "shard_rows"))
    kept = [cut for cut in begun["cuts"] if cut <= head["rows"]]
    return same and head["rows"] < begun["rows"] and kept == [*cuts_after(head, begun["rows"])]


def _check_same(call: str, there: Mapping[str, Any], plan: Plan) -> None:
    """Refuse a corpus whose rows would be others, or differently divided."""
    different = _difference(there, plan, DECIDES)
    if different:
        raise FileExistsError(
            f"{call}: must be the same corpus to go on, but {different}. Choose another folder, or "
            "the same numbers."
        )


def _check_larger(
    call: str, plan: Plan, manifest: dict[str, Any] | None, begun: dict[str, Any] | None
) -> None:
    """Refuse fewer rows than there are, or than were begun."""
    for head, fix in (
        (manifest, "Choose another folder, or as many rows or more"),
        (begun, "Run the command that began it again, or choose more rows or another folder"),
    ):
        if head is not None and head["rows"] > plan.rows:
            raise FileExistsError(
                f"{call}: must be the same corpus to go on, or to grow, but rows is {head['rows']} "
                f"there and {plan.rows} here, and no rows are taken away. {fix}."
            )


def _check_machine(call: str, there: Mapping[str, Any], plan: Plan) -> None:
    """Refuse to go on where floats may differ in their last bits."""
    different = _difference(there, plan, COMPUTES)
    if different:
        what = "grow where it was written" if "files" in there else "go on where it was begun"
        raise FileExistsError(
            f"{call}: must {what}, or floats may differ in their last bits, but {different}. "
            "Choose another folder, or the same machine and versions."
        )


def _difference(there: Mapping[str, Any], plan: Plan, names: tuple[str, ...]) -> str:
    pick = lambda head: {name: head.get(name) for name in names}
    return difference(pick(there), pick(plan.head))


def _cut_as_files(folder: Place, plan: Plan) -> Plan:
    """The plan with the files of a corpus that lost its manifest: their footers say where they end.

    Any cut is the end of one file and the beginning of the next, so that either tells.
    """
    data = folder / "data"
    there = data.iterdir() if data.is_dir() else ()
    files = [file for file in there if fnmatch.fnmatchcase(file.name, "train-*.parquet")]

    def edges(file: Place) -> tuple[int, ...]:
        with contextlib.suppress(Broken, Foreign, OSError):
            return rows_of_file(file, plan.head)
        return ()

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        found = {edge for ends in threads.map(edges, files) for edge in ends}
    cuts = (edge for edge in found if 0 < edge < plan.rows and edge % plan.shard_rows)
    return dataclasses.replace(plan, cuts=tuple(sorted(cuts)))


def about_growth(manifest: Mapping[str, Any], plan: Plan) -> str:
    """What is to be said of a corpus that grows."""
    files, new = plan.num_shards, plan.num_shards - num_files(manifest)
    verb = "is" if new == 1 else "are"
    rows = f"from {manifest['rows']:,} to {plan.rows:,} rows"
    return f"grows {rows}; {new:,} of {files:,} files {verb} new"

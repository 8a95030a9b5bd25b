"""Manifests and plans as they are read: checked before any of it is used.

They may be damaged, or written by somebody else. So names of files are not taken from them but
follow from their numbers, and every number is one that this package could have written.
"""

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from s2jax.config import Config
from s2jax.config.serialize import UnknownClassError, from_json
from s2jax.core import checks
from s2jax.core.version import __version__
from s2jax.corpus.footers import DamagedError
from s2jax.corpus.layout import SCHEMA_VERSION
from s2jax.corpus.places import AnyPath, Place, place_of
from s2jax.corpus.plan import FORMAT, MAX_FILES, ids_of, name_of, num_files
from s2jax.stream import MAX_BLOCKS, fingerprint_of

MANIFEST, PLAN = "_manifest.json", "_plan.json"
_LAST_VERSION = 1000  # of a schema, that is none but for damage
_LARGEST = 2**24 * MAX_BLOCKS
_IDENTITY = ("schema_version", "config", "seed", "block_size", "dtype", "s2jax")


def read_manifest(path: AnyPath) -> dict[str, Any]:
    """The manifest of a finished corpus.

    Args:
        path: Its folder, or an address that fsspec knows, such as `s3://bucket/corpus`.

    Raises:
        FileNotFoundError: If there is none.
        DamagedError: If it is not as it was written; a `ValueError`.
        ValueError: If it is of another format or of another version.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> read_manifest(folder) == manifest
        True
    """
    folder = place_of(path, "read_manifest")
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return read_head(folder, MANIFEST)
    why = "holds no finished corpus" if folder.is_dir() else "is no folder"
    fix = "Write one with `s2jax generate`."
    if (folder / PLAN).is_file():
        why = "holds an unfinished one"
        fix = "Run the command that began it again, which goes on where that stopped."
    raise FileNotFoundError(
        f"read_manifest({str(path)!r}): must be a corpus with its {MANIFEST}, but it {why}. {fix}"
    )


def read_head(folder: Place, name: str) -> dict[str, Any]:
    """A manifest or plan, checked.

    Raises:
        FileNotFoundError: If it is not there.
    """
    call = f"read_manifest({str(folder)!r})"
    try:
        head = json.loads((folder / name).read_text("utf-8"))
        reason = "" if isinstance(head, dict) else "holds no object"
    except (ValueError, RecursionError) as error:
        head, reason = {}, f"is no JSON ({error})"
    version = head.get("schema_version") if not reason and head.get("format") == FORMAT else None
    if type(version) is int and 0 < version < _LAST_VERSION and version != SCHEMA_VERSION:
        raise ValueError(f"{call}: {_refuse_version(head, version)}")
    reason = reason or _problem(head) or (_problem_of_files(head) if name == MANIFEST else "")
    if reason:
        raise damaged(call, name, reason)
    return head


def damaged(call: str, name: str, reason: str) -> DamagedError:
    """The error about a manifest or plan that is not as it was written."""
    return DamagedError(
        f"{call}: {name} must be what s2jax wrote, but is damaged: {reason}. Restore it, or delete "
        "it and run the command that wrote the corpus again, which keeps the files that are whole."
    )


def config_of(folder: Place, head: dict[str, Any]) -> Config:
    """The configuration in a manifest or plan.

    Raises:
        DamagedError: If there is none that this version could have written.
        ValueError: If it names a class that is not registered.
    """
    try:
        return from_json(json.dumps(head["config"]))
    except ValueError as error:
        if isinstance(error, UnknownClassError) and error.name.isidentifier():
            raise ValueError(
                f"{folder}: its config must be made of classes that are known here, but names "
                f"{checks.cut(error.name)}, and no file is trusted to say where that is. Import "
                "the module that registers it (s2jax.register; on the command line, --import "
                "MODULE). Corpus.row and Corpus.tables read the data without it."
            ) from error
        raise DamagedError(
            f"{folder}: the config of its {MANIFEST} must be one of this version, but is not: "
            f"{error} Restore the manifest, or read it where it was written, with s2jax "
            f"{head['s2jax']}."
        ) from error


def _is_config(value: Any) -> bool:
    """Whether it says what `describe_corpus` shows; `config_of` checks the rest."""
    if not isinstance(value, dict) or not isinstance(value.get("target"), dict):
        return False
    sizes = [value.get(name) for name in ("length", "num_inputs", "num_outputs")]
    return isinstance(value["target"].get("class"), str) and all(
        type(size) is int and 0 <= size < 2**31 for size in sizes
    )


def _refuse_version(head: dict[str, Any], version: int) -> str:
    written_by = head.get("s2jax")
    written_by = checks.cut(written_by) if isinstance(written_by, str) else "0.1"
    is_newer = version > SCHEMA_VERSION
    if written_by == __version__:  # before its release
        state = "later" if is_newer else "earlier"
        fix = f"A{'n' * (not is_newer)} {state} state of s2jax {written_by} than this one wrote it"
        fix += "; update it." if is_newer else ": read it with that one, or write it again."
    elif is_newer:
        fix = f"Update s2jax {__version__} to {written_by} or newer, which wrote it."
    else:
        fix = f"Read it with s2jax {written_by}."
    return f"{FORMAT} version {version} must be version {SCHEMA_VERSION}. {fix}"


Rule = tuple[str, Callable[[Any], Any]]
"""What must be there, and whether it is."""


def _whole(low: int, high: int) -> Rule:
    return f"an integer from {low} to {high}", lambda x: type(x) is int and low <= x <= high


_TEXT = "text", lambda x: isinstance(x, str)
_HASH = "64 hexadecimal digits", lambda x: isinstance(x, str) and re.fullmatch("[0-9a-f]{64}", x)
_TEXTS = (
    "names with texts",
    lambda x: isinstance(x, dict) and all(isinstance(v, str) for v in x.values()),
)
_NUMBERS = (
    "ascending integers >= 1",
    lambda x: (
        isinstance(x, list)
        and all(type(cut) is int for cut in x)
        and all(low < high for low, high in itertools.pairwise([0, *x]))
    ),
)
_COUNTS = (
    "names with counts",
    lambda x: isinstance(x, dict) and all(type(v) is int and v >= 0 for v in x.values()),
)
_RULES: dict[str, Rule] = {
    "format": (FORMAT, lambda x: x == FORMAT),
    "schema_version": (str(SCHEMA_VERSION), lambda x: type(x) is int and x == SCHEMA_VERSION),
    "rows": _whole(1, _LARGEST),
    "shard_rows": _whole(1, _LARGEST),
    "cuts": _NUMBERS,
    "config": ("a Config with its length, channels and target", _is_config),
    "seed": _whole(0, 2**32 - 1),
    "block_size": _whole(1, 2**24),
    "dtype": ("float32 or float64", lambda x: x in ("float32", "float64")),
    "s2jax": _TEXT,
    "fingerprint": _HASH,
    "versions": _TEXTS,
    "backend": (
        "platform and device",
        lambda x: _TEXTS[1](x) and {"platform", "device"} <= set(x),
    ),
}
_RULES_OF_FILES = {"bytes": _whole(1, 2**62), "sha256": _HASH, "values_sha256": _HASH}


def _problem(head: dict[str, Any]) -> str:
    """What is wrong with the numbers of a corpus; "" if nothing is."""
    reason = _first_wrong(head, _RULES)
    if reason:
        return reason
    if head["shard_rows"] % head["block_size"]:
        return "shard_rows is no multiple of block_size"
    if any(cut >= head["rows"] or cut % head["shard_rows"] == 0 for cut in head["cuts"]):
        return "cuts must be rows within files that would be full"
    if num_files(head) > MAX_FILES:
        return f"{num_files(head)} files are more than {MAX_FILES}"
    if head["fingerprint"] != fingerprint_of({name: head[name] for name in _IDENTITY}):
        return "the fingerprint is of another config, seed, block or version"
    return ""


def _problem_of_files(head: dict[str, Any]) -> str:
    """What is wrong with the files of a manifest; "" if nothing is."""
    files, number = head.get("files"), num_files(head)
    if not isinstance(files, list) or len(files) != number:
        held = f"{len(files)}" if isinstance(files, list) else "none"
        return f"it must name {number} files, but names {held}"
    for shard, entry in enumerate(files):
        rules = {
            "name": (name_of(shard), lambda x, shard=shard: x == name_of(shard)),
            "rows": _whole(len(ids_of(head, shard)), len(ids_of(head, shard))),
            **_RULES_OF_FILES,
        }
        reason = _first_wrong(entry, rules) if isinstance(entry, dict) else "is no object"
        if reason:
            return f"file {shard}: {reason}"
    counts = ("accepted", "unusable_rows")
    acceptance = (
        "counts of accepted and unusable_rows",
        lambda x: _COUNTS[1](x) and set(counts) <= set(x),
    )
    optional = {"forms": _COUNTS} if "forms" in head else {}
    return _first_wrong(head, {"acceptance": acceptance} | optional)


def _first_wrong(values: dict[str, Any], rules: Mapping[str, Rule]) -> str:
    for name, (rule, fits) in rules.items():
        if name not in values:
            return f"{name} is not there"
        if not fits(values[name]):
            return f"{name} must be {rule}, but is {checks.shown(values[name])}"
    return ""

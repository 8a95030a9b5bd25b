"""Pairs as Parquet files: shards of whole blocks, each visible only when it is complete."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jaxlib.version
import numpy as np

from s2jax import _checks
from s2jax._serialize import to_json
from s2jax._version import __version__
from s2jax.config import Config
from s2jax.corpus._layout import SCHEMA_VERSION, Block, Counts, Layout, row_forms
from s2jax.corpus._tokens import ragged
from s2jax.expressions._laws import AbstractTreeLaw
from s2jax.generate import Batch, sample
from s2jax.symbols import to_text
from s2jax.symbols._tokens import Tokens, num_tokens, to_tokens
from s2jax.symbols._vocabulary import Vocabulary
from s2jax.targets import Algebraic

MANIFEST = "_manifest.json"
_FORMAT = "s2jax-corpus"


def write_corpus(
    path: str | os.PathLike[str],
    config: Config,
    rows: int,
    seed: int,
    shard_rows: int = 65536,
    block: int = 1024,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Draw pairs and write them as Parquet files into a new folder.

    Block b holds the rows of `sample(fold_in(key(seed), b), config, block)`; the last block is cut.
    A file appears under its final name when it is complete and on disk; the manifest comes last.

    Solutions of differential equations have five columns more: the times `t`, the name of the
    `form`, the factors of the noise of the states as text `diffusion` ("" where there is none), the
    estimated `error` and `num_steps`; the expressions are the right-hand sides.

    Args:
        path: A folder that does not exist or is empty.
        config: What to draw.
        rows: Number of rows.
        seed: Below 2**32.
        shard_rows: Rows per file, a multiple of `block`.
        block: Rows drawn at a time. Part of the corpus' identity: another block, other rows.
        progress: Called with the number of rows written so far.

    Returns:
        The manifest: number of rows, files with their SHA-256, config, versions, how many programs
        were accepted and rejected, by reason, and how many rows of differential equations are of
        each form.

    Raises:
        ImportError: If pyarrow is not installed.
        FileExistsError: If something is there already.
        ValueError: If a number is out of range.
        OSError: If the disk fails; no incomplete file stays behind.
    """
    pyarrow = _pyarrow()
    _check_numbers(rows, seed, shard_rows, block)
    facts = _facts(config, int(seed), int(block))
    folder = _new_folder(Path(path))
    names = [
        (f"data/train-{shard:05d}-of-{-(-rows // shard_rows):05d}.parquet", range(start, stop))
        for shard, start in enumerate(range(0, rows, shard_rows))
        for stop in [min(start + shard_rows, rows)]
    ]
    counts = Counts({}, {})
    files = []
    try:
        batches = _blocks(config, rows, seed, block)
        first = next(batches)
        layout = Layout(pyarrow, config, facts, _words(config)[0], first.batch)
        batches = itertools.chain([first], batches)
        for name, ids in names:
            with _replacing(folder, name) as file:
                layout.write(file, batches, ids, block, counts, progress)
            files.append(_describe(folder, name, len(ids)))
        manifest = {
            "format": _FORMAT,
            "schema_version": SCHEMA_VERSION,
            "rows": rows,
            "shard_rows": shard_rows,
            **facts,
            "files": files,
            "acceptance": counts.acceptance,
            **({"forms": counts.forms} if counts.forms else {}),
        }
        with _replacing(folder, MANIFEST) as file:
            file.write(json.dumps(manifest, indent=1).encode())
    except BaseException as error:
        _leave(folder, error)
        raise
    return manifest


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a finished corpus.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is of another format or of a newer version.
    """
    file = Path(path) / MANIFEST
    if not file.is_file():
        why = "holds no finished corpus" if Path(path).is_dir() else "is no folder"
        raise FileNotFoundError(
            f"read_manifest({str(path)!r}): the folder must have a {MANIFEST}, but it {why}. Write "
            "one with `s2jax generate`."
        )
    try:
        manifest = json.loads(file.read_text())
        known = manifest["format"] == _FORMAT and manifest["schema_version"] <= SCHEMA_VERSION
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"read_manifest({str(path)!r}): {MANIFEST} is damaged.") from error
    if not known:
        raise ValueError(
            f"read_manifest({str(path)!r}): {manifest['format']} version "
            f"{manifest['schema_version']} must be {_FORMAT} of at most version {SCHEMA_VERSION}. "
            "Update s2jax."
        )
    return manifest


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            'A corpus is written with pyarrow. Install it: pip install "s2jax[corpus]"'
        ) from error
    return pyarrow


def _check_numbers(rows: int, seed: int, shard_rows: int, block: int) -> None:
    check = lambda name, value, *bounds: _checks.check_static_integer(
        "write_corpus", name, value, *bounds
    )
    check("seed", seed, 0, 2**32 - 1)
    check("block", block, 1, 2**20)
    check("rows", rows, 1, block * 2**32)
    check("shard_rows", shard_rows, 1)
    if shard_rows % block:
        raise ValueError(
            f"write_corpus(shard_rows={shard_rows}, block={block}): shard_rows must be a multiple "
            "of block, because a file holds whole blocks. Choose "
            f"{-(-shard_rows // block) * block}."
        )


def _facts(config: Config, seed: int, block: int) -> dict[str, Any]:
    """What decides the rows, its fingerprint, and what computed them."""
    device = jax.devices()[0]
    names = ("threefry_partitionable", "enable_x64")
    flags = {name: bool(getattr(jax.config, f"jax_{name}")) for name in names}
    identity = {
        "config": json.loads(to_json(config)),
        "seed": seed,
        "block": block,
        "prng": {"impl": str(jax.random.key_impl(jax.random.key(0)))} | flags,
    }
    text = json.dumps(
        identity | {"s2jax": __version__, "schema_version": SCHEMA_VERSION}, sort_keys=True
    )
    versions = {"jax": jax.__version__, "jaxlib": jaxlib.version.__version__}
    return identity | {
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
        "versions": {"s2jax": __version__} | versions,
        "backend": {"platform": device.platform, "device": device.device_kind},
    }


def _blocks(config: Config, rows: int, seed: int, block: int) -> Iterator[Block]:
    """The blocks in order; the device draws the next one while the caller works on the last."""
    key = jax.random.key(seed)
    words, length = _words(config)

    def draw(b: int) -> tuple[Batch, Tokens]:
        batch = sample(jax.random.fold_in(key, np.uint32(b)), config, block)
        return batch, to_tokens(batch.program, words, length)

    count = -(-rows // block)
    ahead = draw(0)
    for b in range(count):
        drawn, ahead = ahead, draw(b + 1) if b + 1 < count else None
        kept = min(block, rows - b * block)
        batch, tokens = jax.tree.map(lambda leaf: np.asarray(leaf)[:kept], drawn)  # noqa: B023
        assert not tokens.status.any(), "the vocabulary holds every constant of a law"
        yield Block(batch, to_text(batch.program), ragged(tokens), row_forms(batch))


def _words(config: Config) -> tuple[Vocabulary, int | None]:
    """The vocabulary of a corpus, one word per mantissa of the law, and a bound on its rows."""
    law = config.target.law if isinstance(config.target, Algebraic) else None
    if law is None:
        return Vocabulary(), None
    words = Vocabulary(max(law.constants.digits, 3) if isinstance(law, AbstractTreeLaw) else 3)
    return words, num_tokens(law, config.num_inputs, config.num_outputs, words)


def _new_folder(folder: Path) -> Path:
    """Create the folder; refuse one that holds anything."""
    call = f"write_corpus(path={str(folder)!r})"
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(
            f"{call}: must be a folder, but a file is there. Choose another path."
        )
    present = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    foreign = [name for name in present if name not in (MANIFEST, "data")]
    if foreign or (present and not _is_ours(folder)):
        raise FileExistsError(
            f"{call}: must be new or empty, but it holds {(foreign or present)[0]!r}, which is no "
            f"part of a corpus. Choose another folder, for example {str(folder / 'corpus')!r}."
        )
    if present:
        raise FileExistsError(
            f"{call}: must be new or empty, but it holds a corpus already, and this version cannot "
            f"resume one. Choose another folder, for example {str(folder) + '-2'!r}, or delete "
            "this one."
        )
    (folder / "data").mkdir(parents=True)
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether nothing but shards, finished or not, lies in `data`."""
    data = folder / "data"
    names = [entry.name for entry in data.iterdir()] if data.is_dir() else []
    shards = all(name.startswith(("train-", "_tmp-")) for name in names)
    return shards and (bool(names) or (folder / MANIFEST).is_file())


@contextlib.contextmanager
def _replacing(folder: Path, name: str) -> Iterator[Any]:
    """A file that gets its name when it is complete and on disk, or is removed."""
    final = folder / name
    temporary = folder / "data" / f"_tmp-{os.getpid()}-{final.name}"
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
        _sync_folder(final.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _describe(folder: Path, name: str, rows: int) -> dict[str, Any]:
    file = folder / name
    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "name": name,
        "rows": rows,
        "bytes": file.stat().st_size,
        "sha256": digest,
    }


def _leave(folder: Path, error: BaseException) -> None:
    """Remove folders that stayed empty; say what a disk error leaves behind."""
    finished = len(list((folder / "data").iterdir()))
    if not finished:
        with contextlib.suppress(OSError):
            (folder / "data").rmdir()
            folder.rmdir()
    if isinstance(error, OSError):
        place = folder if folder.exists() else folder.parent
        free = shutil.disk_usage(place).free / 1e6
        error.add_note(
            f"write_corpus(path={str(folder)!r}): the disk has {free:.0f} MB free. {finished} "
            "complete files are left, and no incomplete one. Free some space or choose another "
            "folder, delete this one and start again."
        )

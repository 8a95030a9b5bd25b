"""Pairs as Parquet files: shards of whole blocks, each visible only when it is complete."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np

from s2jax import _checks
from s2jax._serialize import to_json
from s2jax._version import __version__
from s2jax.acceptance import REASONS, Status
from s2jax.config import Config
from s2jax.corpus._tokens import ragged
from s2jax.expressions._laws import AbstractTreeLaw
from s2jax.generate import Batch, sample
from s2jax.symbols import to_text
from s2jax.symbols._tokens import Tokens, num_tokens, to_tokens
from s2jax.symbols._vocabulary import Vocabulary
from s2jax.targets import Algebraic

SCHEMA_VERSION = 1
MANIFEST = "_manifest.json"
_FORMAT = "s2jax-corpus"
_ROW_GROUP = 256


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

    Args:
        path: A folder that does not exist or is empty.
        config: What to draw.
        rows: Number of rows.
        seed: Below 2**32.
        shard_rows: Rows per file, a multiple of `block`.
        block: Rows drawn at a time. Part of the corpus' identity: another block, other rows.
        progress: Called with the number of rows written so far.

    Returns:
        The manifest: number of rows, files with their SHA-256, config, versions, and how many
        programs were accepted and rejected, by reason.

    Raises:
        ImportError: If pyarrow is not installed.
        FileExistsError: If something is there already.
        ValueError: If a number is out of range.
        OSError: If the disk fails; no incomplete file stays behind.
    """
    pyarrow = _pyarrow()
    _check_numbers(rows, seed, shard_rows, block)
    facts = _facts(config, int(seed), int(block))
    layout = _Layout(pyarrow, config, facts)
    folder = _new_folder(Path(path))
    names = [
        (f"data/train-{shard:05d}-of-{-(-rows // shard_rows):05d}.parquet", range(start, stop))
        for shard, start in enumerate(range(0, rows, shard_rows))
        for stop in [min(start + shard_rows, rows)]
    ]
    counts: dict[str, int] = {}
    batches = _blocks(config, rows, seed, block)
    files = []
    try:
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
            "acceptance": counts,
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


class _Block(NamedTuple):
    """A block on the host, with what is made there."""

    batch: Batch
    text: list[str]
    tokens: tuple[np.ndarray, np.ndarray]


def _blocks(config: Config, rows: int, seed: int, block: int) -> Iterator[_Block]:
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
        yield _Block(batch, to_text(batch.program), ragged(tokens))


def _words(config: Config) -> tuple[Vocabulary, int | None]:
    """The vocabulary of a corpus, one word per mantissa of the law, and a bound on its rows."""
    law = config.target.law if isinstance(config.target, Algebraic) else None
    if law is None:
        return Vocabulary(), None
    words = Vocabulary(max(law.constants.digits, 3) if isinstance(law, AbstractTreeLaw) else 3)
    return words, num_tokens(law, config.num_inputs, config.num_outputs, words)


class _Layout:
    """Columns of a corpus, and how batches fill them."""

    def __init__(self, pyarrow: Any, config: Config, facts: dict[str, Any]):
        pa = self._pa = pyarrow
        real = pa.from_numpy_dtype(np.dtype(jnp.result_type(float)))
        fixed = lambda kind, size: pa.list_(pa.field("element", kind, nullable=False), size)
        inputs, outputs = config.num_inputs, config.num_outputs
        self._fields = {
            "id": pa.uint64(),
            **{f"x_{c}": fixed(real, config.length) for c in range(inputs)},
            **{f"y_{c}": fixed(real, config.length) for c in range(outputs)},
            "expression": pa.string(),
            "tokens": pa.list_(pa.field("element", pa.int16(), nullable=False)),
            "x_scale": fixed(real, inputs),
            "x_shift": fixed(real, inputs),
            "y_scale": fixed(real, outputs),
            "y_shift": fixed(real, outputs),
        }
        if config.min_inputs is not None:
            self._fields["x_mask"] = fixed(pa.bool_(), inputs)
        if config.min_outputs is not None:
            self._fields["y_mask"] = fixed(pa.bool_(), outputs)
        self._fields |= {
            "status": pa.int32(),
            "tries": fixed(pa.int32(), outputs),
            "block": pa.uint32(),
            "candidate": pa.int32(),
        }
        words = _words(config)[0].to_json()
        metadata = facts | {"schema_version": SCHEMA_VERSION, "vocabulary": words}
        self.schema = pa.schema(
            [pa.field(name, kind, nullable=False) for name, kind in self._fields.items()],
            metadata={
                f"s2jax.{name}": value if isinstance(value, str) else json.dumps(value)
                for name, value in metadata.items()
            },
        )

    def write(
        self, file: Any, blocks: Iterator[_Block], ids: range, block: int,
        counts: dict[str, int], progress: Callable[[int], object] | None,
    ) -> None:  # fmt: skip
        """Write the rows `ids` of the stream of blocks, adding up the acceptance counts."""
        split = [
            f"{name}.list.element"
            for name, kind in self._fields.items()
            if name[:2] in ("x_", "y_") and self._pa.types.is_floating(kind.value_type)
        ]
        with self._pa.parquet.ParquetWriter(
            file,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
            write_statistics=["id"],
            write_page_checksum=True,
        ) as writer:
            for first in range(ids.start, ids.stop, block):
                drawn = next(blocks)
                writer.write_table(self.table(drawn, first, block), row_group_size=_ROW_GROUP)
                _count(drawn.batch, counts)
                if progress is not None:
                    progress(min(first + block, ids.stop))

    def table(self, drawn: _Block, first: int, block: int) -> Any:
        """The rows of a block as a table."""
        pa, batch = self._pa, drawn.batch
        rows = len(drawn.text)
        values: dict[str, Any] = {
            "id": np.arange(first, first + rows, dtype=np.uint64),
            "expression": pa.array(drawn.text, pa.string()),
            "status": batch.status,
            "block": np.full(rows, first // block, np.uint32),
            "candidate": batch.index,
        }
        arrays = {
            name: self._column(name, values[name] if name in values else _values(batch, name))
            for name in self._fields
            if name != "tokens"
        }
        ids, offsets = drawn.tokens
        arrays["tokens"] = pa.ListArray.from_arrays(offsets, ids, type=self._fields["tokens"])
        return pa.table([arrays[name] for name in self._fields], schema=self.schema)

    def _column(self, name: str, values: Any) -> Any:
        kind = self._fields[name]
        if isinstance(values, self._pa.Array):
            return values
        if not self._pa.types.is_fixed_size_list(kind):
            return self._pa.array(values, kind)
        flat = self._pa.array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
        return self._pa.FixedSizeListArray.from_arrays(flat, type=kind)


def _values(batch: Batch, name: str) -> Any:
    """A column's values: a channel of x or y, or the batch's field of that name."""
    letter, _, channel = name.partition("_")
    return getattr(batch, letter)[:, int(channel)] if channel.isdigit() else getattr(batch, name)


def _count(batch: Batch, counts: dict[str, int]) -> None:
    """Add the tries by outcome, and the rows that are not usable."""
    new = {"accepted": int((batch.tries - batch.rejections.sum(-1)).sum())}
    for position, reason in enumerate(REASONS):
        new[str(reason.name).lower()] = int(batch.rejections[..., position].sum())
    new["unusable_rows"] = int((batch.status != Status.OK.value).sum())
    for name, value in new.items():
        counts[name] = counts.get(name, 0) + value


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

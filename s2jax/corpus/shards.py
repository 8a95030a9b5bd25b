"""One file of a corpus: a function of the plan and its number."""

import concurrent.futures
import contextlib
import errno
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from s2jax.corpus.files import replacing
from s2jax.corpus.footers import COUNTS, VALUES, Broken, Foreign, check_file
from s2jax.corpus.footers import pyarrow as pyarrow
from s2jax.corpus.layout import ROW_GROUP, Tables, ValueHash, tokenize
from s2jax.corpus.places import Place
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import Remote
from s2jax.sampling import Batch
from s2jax.targets import AbstractTarget
from s2jax.targets.acceptance import REASONS, Status

Progress = Callable[[int], object]
"""Called with a number of rows that were written since the last call."""


def write_shard(folder: Place, plan: Plan, shard: int, progress: Progress | None = None) -> None:
    """Draw the rows of a shard and write them, unless the file is there and whole.

    Raises:
        FileExistsError: If another corpus' file has its name.
    """
    file = folder / plan.name(shard)
    try:
        check_file(file, plan.head, shard)
        if progress is not None:  # another one has just written it
            progress(len(plan.ids(shard)))
    except Broken as reason:
        draw_shard(replacing(file, keep=reason.is_absent), plan, shard, progress)
    except Foreign as reason:
        raise FileExistsError(
            f"{file}: must be a file of this corpus, but it {reason}. Move it away and do the same "
            "again, or choose another folder."
        ) from reason


def draw_shard(
    new: contextlib.AbstractContextManager[Any],
    plan: Plan,
    shard: int,
    progress: Progress | None = None,
) -> None:
    """Draw the rows of a shard into a new file.

    The device draws the next block while text is made of the last one and the one before is
    compressed in a thread.
    """
    pa = pyarrow()
    tables = Tables(pa, plan.stream.config, plan.head)
    counts, values = Counts(), ValueHash(tables.schema)

    def finish_table(writer: Any, table: Any, rows: int) -> None:
        writer.write_table(table, row_group_size=ROW_GROUP)
        values.update(table)
        if progress is not None:
            progress(rows)

    with (
        new as file,
        _writer(pa, file, tables.schema) as writer,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        pending: list[concurrent.futures.Future[None]] = []
        for first, batch, tokens in blocks(plan, shard):
            table = tables.table_of(batch, tokens, first, plan.stream.block_size)
            counts.add(batch, plan.stream.config.target)
            for before in pending:
                before.result()
            pending = [thread.submit(finish_table, writer, table, len(table))]
        for before in pending:
            before.result()
        facts = {COUNTS: json.dumps(counts.totals), VALUES: values.hexdigest()}
        writer.add_key_value_metadata(facts)


def blocks(plan: Plan, shard: int) -> Iterator[tuple[int, Batch, Any]]:
    """First row, batch and tokens of each block of a shard, on the host."""
    ids, size = plan.ids(shard), plan.stream.block_size
    numbers = range(ids.start // size, -(-ids.stop // size))

    def draw(block: int) -> Any:
        batch = plan.stream[block]
        return batch, tokenize(batch, plan.stream.config)

    ahead = draw(numbers.start)
    for block in numbers:
        drawn, ahead = ahead, draw(block + 1) if block + 1 in numbers else None
        first = block * size
        own = slice(max(ids.start - first, 0), min(ids.stop - first, size))
        yield first + own.start, *jax.tree.map(lambda leaf: np.asarray(leaf)[own], drawn)  # noqa: B023


def measure(plan: Plan) -> tuple[float, float]:
    """Bytes and CPU seconds per row, of the first block."""
    pa = pyarrow()
    tables = Tables(pa, plan.stream.config, plan.head)
    once = Plan(plan.stream, min(plan.rows, plan.stream.block_size), plan.shard_rows)
    rows = 0
    for _ in range(2):  # the first time compiles
        start = time.process_time()
        file = pa.BufferOutputStream()
        with _writer(pa, file, tables.schema) as writer:
            empty = file.tell()
            for first, batch, tokens in blocks(once, 0):
                table = tables.table_of(batch, tokens, first, plan.stream.block_size)
                writer.write_table(table, row_group_size=ROW_GROUP)
                rows = len(table)
            size = file.tell() - empty
    return size / rows, (time.process_time() - start) / rows


def _writer(pa: Any, file: Any, schema: Any) -> Any:
    split = [
        f"{field.name}.list.element"
        for field in schema
        if pa.types.is_fixed_size_list(field.type) and pa.types.is_floating(field.type.value_type)
    ]
    return pa.parquet.ParquetWriter(
        file, schema, compression="zstd", compression_level=1, use_dictionary=False,
        column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT"), write_statistics=["id"],
        write_page_checksum=True,
    )  # fmt: skip


class Counts:
    """Tries by outcome with the rows that are not usable, and rows by form of equation."""

    def __init__(self) -> None:
        self.totals: dict[str, dict[str, int]] = {"acceptance": {}, "forms": {}}

    def add(self, batch: Batch, target: AbstractTarget) -> None:
        """Add the rows of a batch of this target, on the host."""
        tries, rejections = batch.tries, batch.rejections
        if target.tries_outputs_together:
            tries, rejections = tries[:, :1], rejections[:, :1]
        counts = {"accepted": int((tries - rejections.sum(-1)).sum())}
        for position, reason in enumerate(REASONS):
            counts[str(reason.name).lower()] = int(rejections[..., position].sum())
        counts["unusable_rows"] = int((batch.status != Status.OK.value).sum())
        names, sizes = np.unique(target.row_kinds(batch), return_counts=True)
        forms = dict(zip(names.tolist(), sizes.tolist(), strict=True))
        self.merge({"acceptance": counts, "forms": forms})

    def merge(self, others: dict[str, dict[str, int]]) -> None:
        """Add the totals of other rows."""
        for kind, counts in others.items():
            own = self.totals[kind]
            for name, number in counts.items():
                own[name] = own.get(name, 0) + number


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above that exists."""
    return next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())


def free_bytes(folder: Place) -> int:
    """Bytes that are free where files are written: what goes to an address is first a file here."""
    if isinstance(folder, Remote):
        return shutil.disk_usage(tempfile.gettempdir()).free
    return shutil.disk_usage(existing(folder)).free


@contextlib.contextmanager
def explaining(folder: Place) -> Iterator[None]:
    """Say of a failing disk or service what it leaves behind, and how to go on."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        room = ""
        if is_full or isinstance(folder, Path):
            disk = "the disk" if isinstance(folder, Path) else tempfile.gettempdir()
            room = f"{disk} has {free_bytes(folder) / 1e6:,.0f} MB free. "
        error.add_note(
            f"{folder}: {room}Files that were complete are kept, and no incomplete one. "
            f"{'Free some space' if is_full else 'Mend that'} and do the same again: it goes on "
            "where this stopped."
        )
        raise

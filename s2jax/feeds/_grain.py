"""Streams and stored corpora as sources of Grain."""

import dataclasses
import operator
from collections.abc import Sequence
from typing import Any

from s2jax.config import Config
from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.corpus import Corpus
from s2jax.corpus.places import AnyPath
from s2jax.corpus.rows import CACHE_BYTES
from s2jax.feeds._shares import Share, divided
from s2jax.sampling import Batch
from s2jax.stream import MAX_BLOCKS


@checks.suggest_names()
def grain_source(
    config: Config,
    seed: int = 0,
    batch: int = 1024,
    *,
    block_size: int | None = None,
    shard_index: int = 0,
    shard_count: int = 1,
) -> Any:
    """A `grain.MapDataset` whose element number s is batch s of `batches`.

    An element is a whole batch, because Grain reads rows one by one, and batching them again takes
    several times longer than drawing them. Batches are drawn in this process, on the default
    device: read it with `grain.ReadOptions(num_threads=1)`, and leave Grain's worker processes to
    stored corpora, where they do not compete for the device.

    Args:
        config: What to draw.
        seed: In [0, 2**32).
        batch: Rows of the global batch.
        block_size: As in `batches`.
        shard_index, shard_count: Draw only this shard's rows; all shards one after another are the
            global batch. Grain's `ShardByJaxProcess()` knows both numbers.

    Returns:
        The dataset; all that Grain does with datasets it does with this one.

    Raises:
        ImportError: If Grain is missing.
        TypeError: If an argument is of the wrong kind.
        ValueError: If `block_size` does not divide `batch`, or `shard_count` the number of blocks.

    Example:
        >>> import s2jax
        >>> data = grain_source(s2jax.presets.s2(length=64), batch=8, block_size=4)
        >>> data = data.map(lambda batch: {"series": batch.y[:, 0]})
        >>> data[3]["series"].shape
        (8, 64)
    """
    grain = require("grain", "Sources of Grain", "Or use s2jax.batches, which needs nothing.")
    stream, count = divided("grain_source", config, seed, batch, block_size)
    checks.check_static_integer("grain_source", "shard_count", shard_count, 1)
    checks.check_static_integer("grain_source", "shard_index", shard_index, 0, shard_count - 1)
    if count % shard_count:
        raise ValueError(
            f"grain_source(shard_count={shard_count}): must divide the number of blocks, {count}, "
            f"because each shard draws whole ones. Choose a block_size that divides {batch} / "
            f"{shard_count}."
        )
    own = count // shard_count
    steps = _Steps(Share(stream, shard_index * own, own), count)
    return grain.MapDataset.source(steps)


@dataclasses.dataclass(frozen=True)
class _Steps:
    """Batches by their number: what Grain calls a RandomAccessDataSource."""

    share: Share
    count: int

    def __len__(self) -> int:
        return MAX_BLOCKS // 2 // self.count  # Grain shuffles up to 2**31 elements

    def __getitem__(self, index: int) -> Batch:
        return self.share.rows(operator.index(index) * self.count)


class CorpusSource:
    """Rows of a stored corpus; made by `corpus_source`."""

    def __init__(self, corpus: Corpus, columns: list[str] | None) -> None:
        self._corpus, self._columns = corpus, columns

    def __len__(self) -> int:
        return len(self._corpus)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self._corpus.row(row, self._columns)

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        return self._corpus.rows(rows, self._columns)  # PyTorch's loader asks for a whole batch

    def __repr__(self) -> str:  # Grain's DataLoader compares it when it restores
        rows, fingerprint = len(self), self._corpus.manifest["fingerprint"]
        return f"CorpusSource(rows={rows}, fingerprint={fingerprint!r})"


def corpus_source(
    path: AnyPath,
    columns: Sequence[str] | None = None,
    *,
    cache_bytes: int = CACHE_BYTES,
) -> CorpusSource:
    """Rows of a stored corpus as a source of Grain, for shuffled reading by several workers.

    A row is a dict of NumPy arrays, numbers and text by column. Nothing here starts a JAX backend,
    so workers take no memory of an accelerator and may be forked; they pickle the path, not the
    rows. Any loader that takes a `__len__` and a `__getitem__` takes this one, as
    `torch.utils.data.DataLoader`; `stack_rows` makes batches of its rows.

    Args:
        path: The folder of a finished corpus, or an address that fsspec knows; its options are
            pickled with it.
        columns: Which are read. By default all; few are read several times faster.
        cache_bytes: How much of the corpus each process keeps in memory, as in `read_corpus`.

    Raises:
        FileNotFoundError: If there is no finished corpus.
        ImportError: If pyarrow is missing.
        ValueError: If a column is unknown.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> config = s2jax.presets.s2(length=64)
        >>> manifest = s2jax.write_corpus(folder, config, 4, block_size=4)
        >>> rows = corpus_source(folder)
        >>> len(rows), rows[2]["y_0"].shape, rows[2]["id"]
        (4, (64,), np.uint64(2))
    """
    corpus = Corpus(path, cache_bytes)
    names = None if columns is None else list(columns)
    corpus.table([], names)  # refuses a column that is not there
    return CorpusSource(corpus, names)

"""SymTime: shards of patches and token ids, as its pre-training reader loads them."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.exporters._base import AbstractSeriesExporter, Written
from s2jax.exporters._rows import Series
from s2jax.exporters._source import Source
from s2jax.exporters._wordpiece import WordPiece
from s2jax.text import Vocabulary

PATCH = 16
MAX_TOKENS = 512
"""Positions of DistilBERT."""
CLS, SEP, FIRST_WORD = 101, 102, 1000
"""Ids of DistilBERT that the released code knows, and the first of its words."""
QUEUE = 60000


@dataclasses.dataclass(frozen=True, kw_only=True)
class SymTime(AbstractSeriesExporter):
    """`data-*.pt` files of `time`, `time_mask`, `sym_ids` and `sym_mask`; needs torch.

    One z-scored series per output, cut into patches of 16 with zeros at the right, and its
    expression. A patch is real in `time_mask` if any of its values is. Without `vocab`, word i of
    the corpus' vocabulary has the id 1000 + i between [CLS] = 101 and [SEP] = 102, padded with 0,
    so that the released masking works; such ids are to be learned from the beginning.

    Attributes:
        vocab: `vocab.txt` of `distilbert-base-uncased`: ids as the released model knows them.
        max_tokens: Ids per series. Series with longer expressions are left out.
        num_patches: Patches per series; by default as many as the series fills.
        series_per_file: The same for all files but the last.
    """

    name: ClassVar[str] = "symtime"
    about: ClassVar[str] = "Shards .pt of patches, masks and token ids, for SymTime; needs torch."
    why_no_nan: ClassVar[str] = "neither its z-score nor its model knows missing values"

    vocab: str | os.PathLike[str] | None = None
    max_tokens: int = 160
    num_patches: int | None = None
    series_per_file: int = 6000

    def check(self, source: Source) -> list[str]:
        _torch()
        checks.check_static_integer("export", "max_tokens", self.max_tokens, 3, MAX_TOKENS)
        checks.check_static_integer("export", "series_per_file", self.series_per_file, 1)
        filled = -(-source.length // PATCH)
        if self.num_patches is not None:
            checks.check_static_integer("export", "num_patches", self.num_patches, filled)
        self._tokenizer(source.corpus.vocabulary)
        found = []
        if source.length % PATCH:
            zeros = filled * PATCH - source.length
            found.append(
                f"The last patch of all {source.series} series ends with {zeros} zeros that count "
                f"as values. Draw a corpus with a length that is a multiple of {PATCH}."
            )
        return found

    def write(self, source: Source, folder: Path) -> Written:
        torch, shards = (
            _torch(),
            _Shards(self._tokenizer(source.corpus.vocabulary), self.max_tokens),
        )
        patches = self.num_patches or -(-source.length // PATCH)
        for file, (values, ids) in enumerate(shards.blocks(source, self.series_per_file)):
            tensors = {
                "time": patched(values, patches),
                "time_mask": np.tile(np.arange(patches) * PATCH < source.length, (len(values), 1)),
                "sym_ids": ids,
                "sym_mask": (ids != 0).astype(np.int64),
            }
            tensors = {name: torch.from_numpy(array) for name, array in tensors.items()}
            torch.save(tensors, str(folder / f"data-{file:05d}.pt"))
        return Written(shards.kept, self._warnings(source, shards))

    def _warnings(self, source: Source, shards: "_Shards") -> list[str]:
        found, fix = [], f"Pass a larger max_tokens, at most {MAX_TOKENS}."
        if not shards.kept:
            raise ValueError(
                f"export(path={str(source.corpus.path)!r}, format='symtime', "
                f"max_tokens={self.max_tokens}): must be >= the tokens of some expression, but all "
                f"{shards.long} are longer. {fix}"
            )
        if shards.long:
            found.append(
                f"{shards.long} of {source.series} series were left out, because their expressions "
                f"have more than {self.max_tokens} tokens. {fix}"
            )
        last = shards.kept % self.series_per_file
        if last:
            found.append(
                f"The last file has {last} series: the released training stops at a last batch "
                f"whose size does not divide {QUEUE}. Set drop_last in its loader, or export a "
                f"multiple of {self.series_per_file} series."
            )
        return found

    def _tokenizer(self, vocabulary: Vocabulary) -> Callable[[str, np.ndarray], list[int]]:
        """A function from an expression, as text and as tokens, to ids."""
        if self.vocab is None:
            assert vocabulary.pad == 0, "0 is the padding of DistilBERT too"
            return lambda text, tokens: [CLS, *(tokens + FIRST_WORD).tolist(), SEP]
        words = WordPiece(self.vocab)
        return lambda text, tokens: words(text)


class _Shards:
    """Series whose expressions are not too long, with their ids, and how many there were.

    Attributes:
        kept, long: Numbers of series so far that were kept, and that were not.
    """

    def __init__(self, tokenizer: Callable[[str, np.ndarray], list[int]], width: int) -> None:
        self._tokenizer, self._width = tokenizer, width
        self.kept = self.long = 0

    def blocks(self, source: Source, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Values and ids of `size` series at a time; the last may be fewer."""
        values = np.zeros((0, source.length), np.float32)
        ids = np.zeros((0, self._width), np.int64)
        for rows in source.chunks():
            more_values, more_ids = self._kept(rows.series())
            values, ids = np.concatenate([values, more_values]), np.concatenate([ids, more_ids])
            while len(values) >= size:
                yield values[:size], ids[:size]
                values, ids = values[size:], ids[size:]
        if len(values):
            yield values, ids

    def _kept(self, series: Series) -> tuple[np.ndarray, np.ndarray]:
        lists = list(map(self._tokenizer, series.symbol, series.tokens))
        short = np.array([len(ids) <= self._width for ids in lists])
        ids = np.zeros((int(short.sum()), self._width), np.int64)
        for row, found in zip(ids, (ids for ids in lists if len(ids) <= self._width), strict=True):
            row[: len(found)] = found
        self.kept += len(ids)
        self.long += len(lists) - len(ids)
        return series.values[short], ids


def patched(
    values: Float32[np.ndarray, "series time"], patches: int
) -> Float32[np.ndarray, "series patches patch"]:
    """Z-scored series in patches, with zeros at the right."""
    mean = values.mean(1, keepdims=True, dtype=np.float64)
    deviation = values.std(1, keepdims=True, dtype=np.float64)
    out = np.zeros((len(values), patches * PATCH), np.float32)
    out[:, : values.shape[1]] = (values - mean) / np.where(deviation == 0, 1, deviation)
    return out.reshape(len(values), patches, PATCH)


def _torch() -> Any:
    """The optional dependency, or an error that says how to install it."""
    return require("torch", "SymTime's shards", "Or export as npz, which needs NumPy alone.")

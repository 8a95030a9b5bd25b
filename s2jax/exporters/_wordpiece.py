"""Words of BERT's uncased tokenizer, for expressions."""

import os
import re
from pathlib import Path

SPECIAL = ("[UNK]", "[CLS]", "[SEP]")
_WORD = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


class WordPiece:
    """Ids of expressions as `transformers.BertTokenizer` gives them, for ASCII text.

    Args:
        vocab: The tokenizer's `vocab.txt`, a word per line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it lacks a special word, or does not begin with [PAD].
    """

    def __init__(self, vocab: str | os.PathLike[str]) -> None:
        words = Path(vocab).read_text(encoding="utf-8").splitlines()
        self._ids = {word.strip(): number for number, word in enumerate(words)}
        missing = [word for word in SPECIAL if word not in self._ids]
        if missing or self._ids.get("[PAD]") != 0:
            raise ValueError(
                f"export(vocab={str(vocab)!r}): must begin with [PAD] and hold [UNK], [CLS] and "
                "[SEP], as the vocab.txt of a BERT tokenizer does. Pass that file, or none for ids "
                "of this package's own vocabulary."
            )

    def __call__(self, text: str) -> list[int]:
        """The ids of a text between those of [CLS] and [SEP]."""
        pieces = [id for word in _WORD.findall(text.lower()) for id in self._pieces(word)]
        return [self._ids["[CLS]"], *pieces, self._ids["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """The longest piece first, then the longest of what remains; unknown if that fails."""
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((e for e in ends if prefix + word[start:e] in self._ids), None)
            if end is None:
                return [self._ids["[UNK]"]]
            found.append(self._ids[prefix + word[start:end]])
            start = end
        return found

"""What a corpus holds, as a table."""

import itertools
import re
from collections import Counter
from typing import Any

import numpy as np

from s2jax.corpus import read_corpus
from s2jax.corpus.info import counted, facts, lines, outcomes
from s2jax.corpus.places import AnyPath
from s2jax.programs.operators import TABLE

_MOST_LINES = 4  # of columns of laws that are worth reading beside a picture


def summarize(path: AnyPath) -> dict[str, str]:
    """What a corpus holds, as lines of a table; of the files only the tokens are read.

    Args:
        path: The folder of a finished corpus, or its address.

    Raises:
        FileNotFoundError, DamagedError: As in `s2jax.read_corpus`.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> summarize(folder)["rows"]
        '4'
    """
    corpus = read_corpus(path)
    manifest, words = corpus.manifest, list(corpus.vocabulary.words)
    operators, skeletons = Counter(), set()
    for table in corpus.tables(8192, columns=["tokens"]):
        _count_tokens(table["tokens"].combine_chunks(), words, operators, skeletons)
    size = sum(entry["bytes"] for entry in manifest["files"])
    accepted, rejected = outcomes(manifest)
    table = facts(manifest, size)
    if table.get("laws", "").count("\n") >= _MOST_LINES:
        names = corpus.table(np.arange(1)).column_names
        laws = sum(name.startswith("x_law_") for name in names)
        table["laws"] = f"x_family and {counted(laws, 'column')} x_law_*, which s2jax info lists"
    return {
        "corpus": str(path),
        **table,
        "rows": table["rows"] + _unusable(manifest["acceptance"]),
        "tries": accepted,
        **({"rejected": lines([rejected])} if rejected else {}),
        **_forms(manifest),
        "operators": lines(f"{name} {n:,}" for name, n in operators.most_common()),
        "skeletons": f"{counted(len(skeletons), 'distinct expression')} with numbers masked",
    }


def _forms(manifest: dict[str, Any]) -> dict[str, str]:
    """How many rows of differential equations are of each form."""
    forms = sorted(manifest.get("forms", {}).items(), key=lambda pair: -pair[1])
    return {"forms": lines(f"{name} {n:,}" for name, n in forms)} if forms else {}


def _unusable(counts: dict[str, int]) -> str:
    bad = counts["unusable_rows"]
    return f", {bad:,} of them with a nonzero status" if bad else ""


def _count_tokens(column: Any, words: list[str], operators: Counter, skeletons: set) -> None:
    """Add the operators and the expressions of a column of tokens."""
    ids = column.flatten().to_numpy()
    offsets = column.offsets.to_numpy() - column.offsets[0].as_py()
    names = {operator.name for operator in TABLE if operator.arity}
    for token, number in enumerate(np.bincount(ids, minlength=len(words))):
        if number and words[token] in names:
            operators[words[token]] += int(number)
    plus, minus, mantissa = words.index("+"), words.index("-"), words.index("N0")
    power = next(index for index, word in enumerate(words) if re.fullmatch("E-[0-9]+", word))
    kept = ids < power  # a sign stands for the number
    masked = np.where(ids == minus, plus, ids)[kept].astype(np.int16)
    ends = np.concatenate([[0], np.cumsum(kept)])[offsets]
    assert mantissa > power, "mantissas are the last words"
    skeletons.update(masked[a:b].tobytes() for a, b in itertools.pairwise(ends))

"""What a corpus holds, as a table."""

import itertools
import json
import os
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from s2jax.corpus import read_manifest
from s2jax.corpus._info import counted, facts, outcomes
from s2jax.corpus._shards import pyarrow
from s2jax.operators import TABLE


def summarize(path: str | os.PathLike[str]) -> dict[str, str]:
    """What a corpus holds, as lines of a table; of the files only the tokens are read."""
    pq = pyarrow().parquet
    manifest = read_manifest(path)
    operators, skeletons = Counter(), set()
    for entry in manifest["files"]:
        file = pq.ParquetFile(Path(path) / entry["name"], page_checksum_verification=True)
        words = _words(file)
        for part in file.iter_batches(columns=["tokens"], batch_size=8192):
            _count_tokens(part.column("tokens"), words, operators, skeletons)
    size = sum(entry["bytes"] for entry in manifest["files"])
    accepted, rejected = outcomes(manifest)
    table = facts(manifest, size)
    return {
        "corpus": str(path),
        **table,
        "rows": table["rows"] + _unusable(manifest["acceptance"]),
        "tries": accepted,
        **({"rejected": _lines([rejected])} if rejected else {}),
        **_forms(manifest),
        "operators": _lines(f"{name} {n:,}" for name, n in operators.most_common()),
        "skeletons": f"{counted(len(skeletons), 'distinct expression')} with numbers masked",
    }


def _forms(manifest: dict[str, Any]) -> dict[str, str]:
    """How many rows of differential equations are of each form."""
    forms = sorted(manifest.get("forms", {}).items(), key=lambda pair: -pair[1])
    return {"forms": _lines(f"{name} {n:,}" for name, n in forms)} if forms else {}


def _lines(parts: Iterable[str]) -> str:
    return textwrap.fill(", ".join(parts), 86, subsequent_indent=" " * 13)


def _unusable(counts: dict[str, int]) -> str:
    bad = counts["unusable_rows"]
    return f", {bad:,} of them with a nonzero status" if bad else ""


def _words(file: Any) -> list[str]:
    return json.loads(file.schema_arrow.metadata[b"s2jax.vocabulary"])


def _count_tokens(column: Any, words: list[str], operators: Counter, skeletons: set) -> None:
    """Add the operators and the expressions of a column of tokens."""
    ids = column.flatten().to_numpy()
    offsets = column.offsets.to_numpy() - column.offsets[0].as_py()
    names = {operator.name for operator in TABLE if operator.arity}
    for token, number in enumerate(np.bincount(ids, minlength=len(words))):
        if number and words[token] in names:
            operators[words[token]] += int(number)
    plus, minus, mantissa = words.index("+"), words.index("-"), words.index("N0")
    power = words.index("E-20")
    kept = ids < power  # a sign stands for the number
    masked = np.where(ids == minus, plus, ids)[kept].astype(np.int16)
    ends = np.concatenate([[0], np.cumsum(kept)])[offsets]
    assert mantissa > power, "mantissas are the last words"
    skeletons.update(masked[a:b].tobytes() for a, b in itertools.pairwise(ends))

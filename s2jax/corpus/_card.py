"""The dataset card of a corpus: a README that says what is in the folder, to people and to the Hub.

Its header is that of dataset cards of the Hugging Face Hub, so that the folder can be pushed as it
is, and `datasets.load_dataset(folder)` finds the files.
"""

import json
from typing import Any

from s2jax.corpus.files import replacing
from s2jax.corpus.info import facts
from s2jax.corpus.layout import columns
from s2jax.corpus.places import Place
from s2jax.corpus.plan import Plan
from s2jax.corpus.shards import pyarrow

CARD = "README.md"
_SIZES = {
    "n<1K": 1e3, "1K<n<10K": 1e4, "10K<n<100K": 1e5, "100K<n<1M": 1e6, "1M<n<10M": 1e7,
    "10M<n<100M": 1e8, "100M<n<1B": 1e9, "1B<n<10B": 1e10, "10B<n<100B": 1e11,
    "100B<n<1T": 1e12,
}  # fmt: skip
_SHOWN = ("length", "channels", "inputs", "target", "measured", "irregular", "seed", "made by")
_MEANINGS = {
    "id": "number of the row",
    "t": "times of the steps",
    "expression": "what made the outputs, as text, with bars between outputs",
    "tokens": "the same as ids of words; the vocabulary is in the footer of each file",
    "x_scale": "what inputs were multiplied by before f reads them",
    "x_shift": "what was added to them then",
    "x_mask": "which inputs the row has",
    "y_scale": "of outputs: y = y_scale * f(x) + y_shift",
    "y_shift": "see y_scale",
    "y_mask": "which outputs the row has",
    "x_family": "the number of the family that each input was drawn from",
    "form": "the form of the differential equation",
    "status": "0 if the row is usable",
    "tries": "how many expressions were drawn until one was accepted",
    "rejections": "why others were not, by number of the reason",
    "block": "where the row comes from: a block of the stream",
    "candidate": "and its candidate in it",
}

_TEXT = """---
pretty_name: Synthetic time series with the expressions that made them
tags:
- synthetic
- time-series
- symbolic-regression
- s2jax
task_categories:
- time-series-forecasting
size_categories:
- {size}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---

# Synthetic time series with the expressions that made them

{rows} rows, drawn by s2jax, a Python package for JAX.

| | |
|---|---|
{facts}

## Reading it

```python
import s2jax

corpus = s2jax.read_corpus(".")  # this folder
corpus[:16]  # a batch: arrays of JAX, with programs that can be evaluated
corpus.row(3)  # a row: arrays of NumPy and text
```

`datasets.load_dataset(".", split="train")`, pandas, polars and DuckDB read the Parquet files as
they are. `s2jax verify .` compares them with the checksums in `_manifest.json`, which is there when
the corpus is complete; `s2jax stats .` says what a forecaster could learn from it, and
`s2jax export` writes it in the formats of other trainers.

## Columns

| column | type | |
|---|---|---|
{columns}

## Configuration

The same configuration, seed and version draw the same rows.

```json
{config}
```
"""


def write_card(folder: Place, plan: Plan) -> None:
    """Write the card of a corpus, unless the folder has one: its author may have changed it."""
    if not (folder / CARD).exists():
        with replacing(folder / CARD, keep=True) as file:
            file.write(card_of(plan).encode())


def card_of(plan: Plan) -> str:
    """The card of a corpus."""
    size = next((name for name, most in _SIZES.items() if plan.rows < most), "n>1T")
    said = {name: text for name, text in facts(plan.head, 0).items() if name in _SHOWN}
    line = lambda *cells: f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"
    return _TEXT.format(
        size=size,
        rows=f"{plan.rows:,}",
        facts="\n".join(line(name, text) for name, text in said.items()),
        columns="\n".join(line(*cells) for cells in _columns(plan)),
        config=json.dumps(plan.head["config"], indent=1),
    )


def _columns(plan: Plan) -> list[tuple[str, str, str]]:
    """Name, type and meaning of columns, those of laws in one line."""
    found, laws = [], []
    for name, kind in columns(pyarrow(), plan.stream.config).items():
        if name.startswith("x_law_"):
            laws.append(name)
            continue
        letter, _, number = name.partition("_")
        series = {"x": "an input series", "y": "an output series"}.get(letter)
        meaning = series if series and number.isdigit() else _MEANINGS.get(name, "")
        found.append((f"`{name}`", _type(kind), meaning))
    if laws:
        found.append(("`x_law_*`", "", f"what inputs were drawn with: {len(laws)} columns"))
    return found


def _type(kind: Any) -> str:
    """A type of Arrow, in a word and the number of values."""
    if not hasattr(kind, "value_type"):
        return str(kind)
    size = getattr(kind, "list_size", -1)
    return f"{kind.value_type}[{size if size >= 0 else ''}]"

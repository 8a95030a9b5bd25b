"""The dataset card of a corpus: a README that says what is in the folder, to people and to the Hub.

Its header is that of dataset cards of the Hugging Face Hub, so that the folder can be pushed as it
is, and `datasets.load_dataset(folder)` finds the files.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from s2jax.config import Config
from s2jax.core import checks, forks
from s2jax.corpus.figures import figures_of
from s2jax.corpus.files import replacing
from s2jax.corpus.info import facts
from s2jax.corpus.layout import columns
from s2jax.corpus.places import AnyPath, Place
from s2jax.corpus.plan import Plan
from s2jax.corpus.rows import read_corpus
from s2jax.corpus.shards import pyarrow

CARD = "README.md"
FIGURES, _END = "<!-- figures -->", "<!-- end of figures -->"
_PLACE = re.compile(rf"^{FIGURES}\r?\n.*?^{_END}", re.MULTILINE | re.DOTALL)
_UNMEASURED = 'Not measured yet: `s2jax.corpus.write_card(".")` does it.'
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

## What it is like

{begin}
{unmeasured}
{end}

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


def write_card(path: AnyPath, rows: int = 1024) -> bool:
    """Measure rows of a finished corpus, and enter what they show into its dataset card.

    The card is the file `README.md` in the folder. What is between its two comments on figures is
    replaced, and the rest is left as its author has it: how many expressions were accepted and why
    others were not, features of the outputs, how many cannot be forecast, are constant or affine in
    an input, how many expressions differ as normal forms, and what solutions of differential
    equations do. `s2jax generate` does this at the end. It takes some ten CPU seconds, most of them
    for compiling.

    Args:
        path: The folder of the corpus, or its address.
        rows: How many rows are measured, in chunks that are spread over the corpus.

    Returns:
        Whether it has; a card without these comments, each once on a line of its own, is its
        author's and stays as it is.

    Raises:
        ImportError: If pyarrow is not installed.
        FileNotFoundError: If there is no finished corpus.
        DamagedError: If its manifest or a file is damaged.

    Example:
        >>> import pathlib, tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> write_card(folder)
        True
        >>> "| of 4 rows, 64 steps | median |" in pathlib.Path(folder, "README.md").read_text()
        True
    """
    checks.check_static_integer("write_card", "rows", rows, 1)
    forks.check_can_draw("write_card()")
    corpus = read_corpus(path)
    card = corpus.path / CARD
    text = card_of(corpus.manifest, corpus.config)
    if card.exists():
        try:
            text = card.read_bytes().decode()
        except ValueError:  # of another encoding: its author's
            return False
    place = _PLACE.findall(text)
    if len(place) != 1:
        return False
    figures = figures_of(corpus, rows)
    with replacing(card) as file:
        file.write(text.replace(place[0], f"{FIGURES}\n{figures}\n{_END}").encode())
    return True


def is_unmeasured(folder: Place) -> bool:
    """Whether a corpus has a card that has no figures yet."""
    with contextlib.suppress(OSError, ValueError):
        return _UNMEASURED in (folder / CARD).read_bytes().decode()
    return False


def begin_card(folder: Place, plan: Plan) -> None:
    """Write the card of a corpus, unless its author has changed the one that is there."""
    if (folder / CARD).exists():
        renew_card(folder, plan)
        return
    with replacing(folder / CARD, keep=True) as file:
        file.write(card_of(plan.head, plan.stream.config).encode())


def renew_card(folder: Place, plan: Plan) -> None:
    """Write the card of a corpus that has grown, where all but figures is as it was before."""
    try:
        there = (folder / CARD).read_text("utf-8")
    except (FileNotFoundError, ValueError):
        return
    said = re.search(r"^([0-9,]{1,25}) rows, drawn by", there, re.MULTILINE)
    rows = int(said[1].replace(",", "") or 0) if said else 0
    if not 0 < rows < plan.rows:
        return
    config = plan.stream.config
    without = lambda text: _PLACE.sub("", text)
    if without(there) == without(card_of({**plan.head, "rows": rows}, config)):
        with replacing(folder / CARD) as file:
            file.write(card_of(plan.head, config).encode())


def card_of(head: Mapping[str, Any], config: Config) -> str:
    """The card of a corpus that nobody has measured yet."""
    rows = head["rows"]
    size = next((name for name, most in _SIZES.items() if rows < most), "n>1T")
    said = {name: text for name, text in facts(dict(head), 0).items() if name in _SHOWN}
    line = lambda *cells: f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"
    return _TEXT.format(
        size=size,
        rows=f"{rows:,}",
        facts="\n".join(line(name, text) for name, text in said.items()),
        begin=FIGURES,
        unmeasured=_UNMEASURED,
        end=_END,
        columns="\n".join(line(*cells) for cells in _columns(config)),
        config=json.dumps(head["config"], indent=1),
    )


def _columns(config: Config) -> list[tuple[str, str, str]]:
    """Name, type and meaning of columns, those of laws in one line."""
    found, laws = [], []
    for name, kind in columns(pyarrow(), config).items():
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

"""Rows of a batch or of a corpus, drawn."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from s2jax._serialize import from_json
from s2jax.corpus import read_manifest
from s2jax.corpus._info import known_name
from s2jax.corpus._layout import row_forms, row_noise
from s2jax.corpus._shards import pyarrow
from s2jax.generate import Batch
from s2jax.plotting._figure import draw
from s2jax.plotting._panels import Pair
from s2jax.symbols import to_text


def plot_pairs(batch: Batch, count: int = 6) -> Any:
    """A figure of the first pairs of a batch: x on the left, y on the right, f above.

    A solution of differential equations is drawn over its times, without the scaling of y, beside
    its input, if it has one, and its path in the plane of two states. Channels of very different
    size are drawn apart.

    Args:
        batch: Its arrays are copied to the host.
        count: Number of pairs, at most those of the batch.

    Returns:
        A `matplotlib.figure.Figure`; a notebook shows it, `savefig` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"plot_pairs(count={count}): must be >= 1. Ask for at least one pair.")
    host = jax.tree.map(lambda leaf: np.asarray(leaf)[:count], batch)
    texts = to_text(host.program)
    forms, noise = row_forms(host), row_noise(host)
    names = ("x", "y", "x_mask", "y_mask", "y_scale", "y_shift")
    pairs = []
    for row, text in enumerate(texts):
        values = {name: getattr(host, name)[row] for name in names} | {"expression": text}
        if host.t is not None and forms is not None and noise is not None:
            values |= {"t": host.t[row], "form": forms[row], "diffusion": noise[row]}
        pairs.append(_pair(row, values))
    return draw(pairs, batch.program.protected)


def plot_corpus(path: str | os.PathLike[str], png: Path, count: int = 6, seed: int = 0) -> None:
    """Write a picture of random pairs of a corpus; only their row groups are read."""
    pq = pyarrow().parquet
    manifest = read_manifest(path)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(manifest["rows"], min(count, manifest["rows"]), replace=False)
    protected, first, pairs = _is_protected(manifest), 0, []
    for entry in manifest["files"]:
        here = np.sort(chosen[(chosen >= first) & (chosen < first + entry["rows"])]) - first
        if here.size:
            file = pq.ParquetFile(Path(path) / entry["name"], page_checksum_verification=True)
            pairs += [_read_pair(file, int(row), first) for row in here]
        first += entry["rows"]
    name = known_name(manifest["config"])
    if name is not None:
        pairs = [pair._replace(form=name) for pair in pairs]
    figure = draw(pairs, protected)
    figure.savefig(png, dpi=150)


def _is_protected(manifest: dict[str, Any]) -> bool:
    return from_json(json.dumps(manifest["config"])).target.protected


def _read_pair(file: Any, row: int, first: int) -> Pair:
    """One row of a file."""
    names = file.schema_arrow.names
    channels = {z: [n for n in names if n[:2] == f"{z}_" and n[2:].isdigit()] for z in "xy"}
    wanted = {"expression", "y_scale", "y_shift", "x_mask", "y_mask", "t", "form", "diffusion"}
    columns = [*wanted.intersection(names), *channels["x"], *channels["y"]]
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if row < size:
            break
        first, row = first + size, row - size
    values = file.read_row_group(group, columns=columns).slice(row, 1).to_pylist()[0]
    for letter, present in channels.items():
        values[letter] = np.array([values[name] for name in present])
        values.setdefault(f"{letter}_mask", [True] * len(present))
    return _pair(first + row, values)


def _pair(row: int, values: Mapping[str, Any]) -> Pair:
    used = np.asarray(values["y_mask"], bool)
    x_used = np.asarray(values["x_mask"], bool)
    split = lambda text: text.split(" | ") if text else []
    return Pair(
        row=row,
        x=values["x"][x_used] if x_used.size else np.zeros((0, 0)),
        y=values["y"][used],
        texts=split(values["expression"]),
        y_scale=np.asarray(values["y_scale"])[used],
        y_shift=np.asarray(values["y_shift"])[used],
        t=np.asarray(values["t"]) if "t" in values else None,
        form=values.get("form", ""),
        noise=split(values.get("diffusion", "")),
    )

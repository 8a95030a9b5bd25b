"""Rows of a batch or of a corpus, drawn."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from s2jax.corpus import read_corpus
from s2jax.corpus.files import replacing
from s2jax.corpus.info import known_name
from s2jax.corpus.places import AnyPath
from s2jax.inputs.causes import causes_of_laws
from s2jax.ode.dynamics import name_forms, write_noise
from s2jax.plotting._causes import causes_of_table, choose_rows
from s2jax.plotting._figure import draw
from s2jax.plotting._panels import Pair
from s2jax.sampling import Batch
from s2jax.text import to_text
from s2jax.text.write_text import UNUSED


def plot_pairs(batch: Batch, count: int = 6) -> Any:
    """A figure of the first pairs of a batch, or of its one: x at the left, y right, f above.

    A solution of differential equations is drawn over its times, without the scaling of y, beside
    its input, if it has one, and its path in the plane of two states. Channels of very different
    size are drawn apart. Beside inputs that cause each other stands their graph, with the lags, and
    thick arrows where causes are strong.

    Args:
        batch: Its arrays are copied to the host.
        count: Number of pairs, at most those of the batch.

    Returns:
        A `matplotlib.figure.Figure`; a notebook shows it, `savefig` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `count` is not positive.

    Example:
        >>> import jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> len(plot_pairs(batch, count=2).axes) > 2
        True
    """
    if count < 1:
        raise ValueError(f"plot_pairs(count={count}): must be >= 1. Ask for at least one pair.")
    is_one = np.ndim(batch.status) == 0
    host = jax.tree.map(lambda leaf: np.asarray(leaf)[None if is_one else slice(count)], batch)
    texts = to_text(host.program)
    solves = host.dynamics is not None
    forms = name_forms(host.dynamics) if solves else None
    noise = write_noise(host.dynamics, host.y_mask) if solves else None
    done = None if host.observation is None else host.observation.texts()
    causes = None if host.x_source is None else causes_of_laws(host.x_source.laws)
    names = ("x", "y", "x_mask", "y_mask", "y_scale", "y_shift")
    pairs = []
    for row, text in enumerate(texts):
        values = {name: getattr(host, name)[row] for name in names} | {"expression": text}
        if host.t is not None:
            values |= {"t": host.t[row]}
        if forms is not None and noise is not None:
            values |= {"form": forms[row], "diffusion": noise[row]}
        if done is not None:
            own = slice(row * host.y.shape[1], (row + 1) * host.y.shape[1])
            values |= {"y_clean": host.y_clean[row], "y_observed": host.y_observed[row]}
            values |= {"observation": " | ".join(done[own])}
        edges = None if causes is None else causes.edges(row)
        pairs.append(_pair(row, values)._replace(edges=edges))
    return draw(pairs, batch.program.protected)


def plot_corpus(path: AnyPath, png: str | os.PathLike[str], count: int = 6, seed: int = 0) -> None:
    """Write a picture of random pairs of a corpus; only their row groups are read.

    Args:
        path: The folder of a finished corpus, or its address.
        png: The file of the picture; its ending names the format.
        count: Number of pairs, at most those of the corpus.
        seed: Which pairs.

    Raises:
        ImportError: If matplotlib is not installed.
        FileNotFoundError, DamagedError: As in `s2jax.read_corpus`.

    Example:
        >>> import pathlib
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> plot_corpus(folder, pathlib.Path(folder, "pairs.png"), count=2)
        >>> pathlib.Path(folder, "pairs.png").is_file()
        True
    """
    corpus = read_corpus(path)
    table = corpus.table(choose_rows(len(corpus), count, seed))
    pairs = [_stored_pair(row) for row in table.to_pylist()]
    causes = causes_of_table(table, corpus.known_config.num_inputs)
    if causes is not None:
        pairs = [pair._replace(edges=causes.edges(row)) for row, pair in enumerate(pairs)]
    name = known_name(corpus.manifest["config"])
    if name is not None:
        pairs = [pair._replace(form=name) for pair in pairs]
    figure = draw(pairs, corpus.known_config.target.protected)
    picture = Path(png)
    with replacing(picture) as file:
        figure.savefig(file, dpi=150, format=picture.suffix[1:] or "png")


def _stored_pair(values: dict[str, Any]) -> Pair:
    """One row of a corpus."""
    for letter in "xy":
        names = [n for n in values if n[:2] == f"{letter}_" and n[2:].isdigit()]
        values[letter] = np.array([values[name] for name in names])
        values.setdefault(f"{letter}_mask", [True] * len(names))
    if "observation" in values:
        for name in ("y_clean", "y_observed"):
            values[name] = np.array([values[f"{name}_{k}"] for k in range(len(values["y"]))])
    return _pair(values["id"], values)


def _pair(row: int, values: Mapping[str, Any]) -> Pair:
    used = np.asarray(values["y_mask"], bool)
    x_used = np.asarray(values["x_mask"], bool)
    split = lambda text: [] if text in ("", UNUSED) else text.split(" | ")
    y, clean, effects = values["y"][used], None, ()
    if "observation" in values:
        y, clean = np.where(values["y_observed"][used], y, np.nan), values["y_clean"][used]
        every = zip(values["observation"].split(" | "), used, strict=True)
        effects = [text for text, is_used in every if is_used]
    return Pair(
        row=row,
        x=values["x"][x_used] if x_used.size else np.zeros((0, 0)),
        y=y,
        texts=split(values["expression"]),
        y_scale=np.asarray(values["y_scale"])[used],
        y_shift=np.asarray(values["y_shift"])[used],
        t=np.asarray(values["t"]) if "t" in values else None,
        form=values.get("form", ""),
        is_solution="form" in values,
        noise=split(values.get("diffusion", "")),
        clean=clean,
        effects=effects,
    )

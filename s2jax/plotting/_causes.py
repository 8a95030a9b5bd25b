"""The causal graph of a row, drawn and written."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2jax.corpus import read_corpus
from s2jax.corpus.cells import values
from s2jax.corpus.places import AnyPath
from s2jax.inputs.causes import Causes, Edge, causes_of_columns

_RADIUS, _NODE, _BEND = 1.0, 0.3, 0.15
_THINNEST, _THICKEST = 0.4, 2.6
_INK, _PAPER, _LABEL = "#7b8794", "white", "#374151"


def choose_rows(rows: int, count: int, seed: int) -> np.ndarray:
    """Random rows, in order: the same for a picture and for what is said of it."""
    random = np.random.default_rng(seed)
    return np.sort(random.choice(rows, min(count, rows), replace=False))


def causes_of_table(table: Any, channels: int) -> Causes | None:
    """The graphs of stored rows."""
    return causes_of_columns(lambda name: values(table[name]), table.column_names, channels)


def describe_causes(path: AnyPath, count: int = 6, seed: int = 0) -> dict[str, str]:
    """What causes what in the rows that `plot_corpus` draws, a line for each.

    An effect is followed by its causes at their lags, and the share of its innovations that they
    make. Rows of other families than `CausalGraph` have no line.

    Args:
        path: The folder of a finished corpus, or its address.
        count, seed: As in `plot_corpus`.

    Raises:
        FileNotFoundError, DamagedError: As in `s2jax.read_corpus`.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> describe_causes(folder)  # no causes, no lines
        {}
    """
    corpus = read_corpus(path)
    chosen = choose_rows(len(corpus), count, seed)
    found = causes_of_table(corpus.table(chosen), corpus.known_config.num_inputs)
    if found is None:
        return {}
    graphs = zip(chosen, map(found.edges, range(len(chosen))), strict=True)
    return {f"row {row}": write_edges(edges) for row, edges in graphs if edges is not None}


def write_edges(edges: Sequence[Edge]) -> str:
    """Edges as text, each effect once."""
    texts = []
    for effect in sorted({edge.effect for edge in edges}):
        own = [edge for edge in edges if edge.effect == effect]
        causes = ", ".join(f"x_{edge.cause}[t{_lag(edge)}]" for edge in own)
        texts.append(f"x_{effect}[t] of {causes} ({own[0].strength:.0%})")
    return "; ".join(texts) or "no causes"


def _lag(edge: Edge) -> str:
    return f"-{edge.lag}" if edge.lag else ""


def draw_graph(axes: Any, edges: Sequence[Edge], channels: int, colors: Sequence[str]) -> None:
    """Channels on a circle in their colours, and an arrow to each effect, as thick as it is strong.

    The number at an arrow is its lag; none is 0.
    """
    angle = np.pi / 2 - 2 * np.pi * np.arange(channels) / channels
    places = _RADIUS * np.stack([np.cos(angle), np.sin(angle)], 1)
    size = min(_NODE, 2.2 / max(channels, 1))
    for edge in edges:
        _draw_edge(axes, edge, places, size)
    for channel, (x, y) in enumerate(places):
        color = colors[channel % len(colors)]
        axes.text(
            x, y, f"$x_{{{channel}}}$", color=_PAPER, fontsize=7, ha="center", va="center",
            bbox={"boxstyle": "circle,pad=0.25", "facecolor": color, "edgecolor": _PAPER},
            zorder=3,
        )  # fmt: skip
    reach = _RADIUS + _NODE
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_axis_off()


def _draw_edge(axes: Any, edge: Edge, places: np.ndarray, size: float) -> None:
    """An arrow that is bent, so that it passes by the channels between, and its lag."""
    start, end = places[edge.cause], places[edge.effect]
    width = _THINNEST + (_THICKEST - _THINNEST) * edge.strength
    arrow = {
        "arrowstyle": f"-|>,head_length={0.25 + 0.05 * width},head_width={0.12 + 0.03 * width}",
        "connectionstyle": f"arc3,rad={_BEND}", "color": _INK, "linewidth": width,
        "shrinkA": 0, "shrinkB": 26 * size,
    }  # fmt: skip
    axes.annotate("", end, start, arrowprops=arrow, zorder=1)
    if not edge.lag:
        return
    along = end - start
    middle = (start + end) / 2 + _BEND / 2 * np.array([along[1], -along[0]])
    axes.text(
        *middle, str(edge.lag), color=_LABEL, fontsize=6.5, ha="center", va="center", zorder=2,
        bbox={"boxstyle": "round,pad=0.12", "facecolor": _PAPER, "edgecolor": "none"},
    )  # fmt: skip

"""One figure of many rows: formulas above, plots below. Sizes are in inches."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from s2jax.core.optional import require
from s2jax.plotting._math import to_math
from s2jax.plotting._panels import Y_COLORS, Pair, panels, style

_WIDTH, _LEFT, _RIGHT, _BETWEEN = 11.0, 0.55, 0.2, 0.55
_PLOT, _TALL_PLOT, _ABOVE, _BELOW = 1.15, 1.9, 0.32, 0.42
_TEXT_LINE, _FRACTION_LINE, _FONT_SIZE = 0.24, 0.40, 10
_MAX_LINES = 4
_GREY, _BLACK = "#6b7280", "#111827"

_Line = tuple[str, str]
"""Math text and its colour."""


def draw(pairs: Sequence[Pair], protected: bool) -> Any:
    """A figure of the pairs, one below the other.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    rows = [(pair, list(_formula_lines(pair, protected))) for pair in pairs]
    height = sum(_height(pair, lines) for pair, lines in rows) + 0.1

    figure = new_figure(_WIDTH, height)
    top = height - 0.1
    for pair, lines in rows:
        _draw_formulas(figure, lines, top)
        top -= _height(pair, lines)
        _draw_plots(figure, pair, top + _BELOW)
    return figure


def new_figure(width: float, height: float) -> Any:
    """An empty figure that a notebook shows, whichever backend it has.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figures = require("matplotlib.figure", "Pictures")
    canvases = require("matplotlib.backends.backend_agg", "Pictures")

    class Shown(figures.Figure):
        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    figure = Shown(figsize=(width, height), facecolor="white")
    canvases.FigureCanvasAgg(figure)
    return figure


def _height(pair: Pair, lines: Sequence[_Line]) -> float:
    return sum(map(_line_height, lines)) + _ABOVE + _plot_height(pair) + _BELOW


def _plot_height(pair: Pair) -> float:
    return _TALL_PLOT if any(one.is_square or one.is_tall for one in panels(pair)) else _PLOT


def _line_height(line: _Line) -> float:
    return _FRACTION_LINE if r"\dfrac" in line[0] else _TEXT_LINE


def _draw_formulas(figure: Any, lines: Sequence[_Line], top: float) -> None:
    for text, color in lines:
        line = _line_height((text, color))
        y = (top - line / 2 - 0.05) / figure.get_figheight()
        figure.text(_LEFT / _WIDTH, y, text, color=color, fontsize=_FONT_SIZE)
        top -= line


def _draw_plots(figure: Any, pair: Pair, bottom: float) -> None:
    """The plots of a row: squares on the right, the others share the width."""
    plots, height, total = panels(pair), _plot_height(pair), figure.get_figheight()
    squares = sum(plot.is_square for plot in plots)
    free = _WIDTH - _LEFT - _RIGHT - (len(plots) - 1) * _BETWEEN - squares * height
    left = _LEFT
    for plot in plots:
        width = height if plot.is_square else free / (len(plots) - squares)
        place = (left / _WIDTH, bottom / total, width / _WIDTH, height / total)
        axes = figure.add_axes(place)
        plot.draw(axes)
        style(axes)
        axes.set_title(plot.title, fontsize=7.5, color=_GREY, loc="left", pad=3)
        left += width + _BETWEEN


def _formula_lines(pair: Pair, protected: bool) -> Iterator[_Line]:
    """Lines of math text and their colours: one formula per output."""
    several = len(pair.texts) > 1
    if not pair.texts:
        yield "no expression", _GREY
    for k, text in enumerate(pair.texts):
        start = f"f_{{{k}}} = " if several else "f(x) = "
        if pair.t is not None:
            start = f"y_{{{k}}}' = "
        if pair.noise and pair.noise[k] != "0":
            text = f"({text} add ({pair.noise[k]} mul W_{k}))"
        color = Y_COLORS[k % len(Y_COLORS)] if several else _BLACK
        for line in _wrap(start, to_math(text, protected)):
            yield line, color


def _wrap(start: str, pieces: list[str]) -> list[str]:
    """Lines of math text, broken between pieces."""
    lines, current = [], start
    for piece in pieces:
        if current != start and _measure(current + piece) > _WIDTH - _LEFT - _RIGHT:
            lines.append(current)
            current = r"\qquad "
        current += piece
    lines.append(current)
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], lines[_MAX_LINES - 1] + r"\;\ldots"]
    return [f"${line}$" for line in lines]


def fit_formula(text: str, width: float) -> str:
    """Math text of an expression, cut if it is wider than so many inches."""
    line = ""
    for piece in to_math(text):
        if line and _measure(line + piece) > width:
            return f"${line}\\;\\ldots$"
        line += piece
    return f"${line}$"


def _measure(text: str) -> float:
    """Width of a line of math text in inches."""
    fonts = require("matplotlib.font_manager", "Pictures")
    mathtext = require("matplotlib.mathtext", "Pictures")
    font = fonts.FontProperties(size=_FONT_SIZE)
    return mathtext.MathTextParser("path").parse(f"${text}$", dpi=72, prop=font)[0] / 72

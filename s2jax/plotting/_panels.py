"""The plots of one row: series over time, and paths in the plane of two states."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

X_COLORS = ("#33658a", "#2f9c95", "#86bbd8", "#6a5d9c", "#9aa5b1")
Y_COLORS = ("#d1495b", "#e28413", "#7a9e3f", "#8e3b8a", "#5f6b76")
_LINES, _LABELS, _GRID = "#c4c9d0", "#4b5563", "#eceff2"


class Pair(NamedTuple):
    """What a picture shows of one row.

    Attributes:
        row: Its number.
        x, y: The channels that it uses.
        texts: The expression of each output.
        y_scale, y_shift: How y was scaled.
        t: The times, if y solves differential equations.
        form: Their form.
        noise: The factor of the noise of each state; none if there is no noise.
    """

    row: int
    x: np.ndarray
    y: np.ndarray
    texts: Sequence[str]
    y_scale: np.ndarray
    y_shift: np.ndarray
    t: np.ndarray | None = None
    form: str = ""
    noise: Sequence[str] = ()

    @property
    def states(self) -> np.ndarray:
        """The solution before it was scaled."""
        return (self.y - self.y_shift[:, None]) / self.y_scale[:, None]


class Panel(NamedTuple):
    """A plot: what draws it, what stands above it, and whether it is as wide as high."""

    draw: Callable[[Any], None]
    title: str
    is_square: bool = False


def panels(pair: Pair) -> list[Panel]:
    """The plots of a row, left to right."""
    row = f"row {pair.row}"
    if pair.t is None:
        x = _series(pair.x, None, X_COLORS, "x")
        return [Panel(x, f"x  ({row})"), Panel(_series(pair.y, None, Y_COLORS), _scaling(pair))]
    states = pair.states
    out = [Panel(_series(pair.x, pair.t, X_COLORS, "x"), "x")] if len(pair.x) else []
    where = f"y over t  ({row}{', ' * bool(pair.form)}{pair.form.replace('_', ' ')})"
    out.append(Panel(_series(states, pair.t, Y_COLORS, "y"), where))
    if len(states) > 1:
        out.append(Panel(_portrait(states), "$y_{1}$ over $y_{0}$", is_square=True))
    return out


def _series(
    series: np.ndarray, t: np.ndarray | None, colors: Sequence[str], letter: str = ""
) -> Callable[[Any], None]:
    """Lines over time; several are named by their letter."""

    def draw(axes: Any) -> None:
        times = np.arange(series.shape[-1]) if t is None else t
        width = 1.0 if series.shape[-1] <= 512 else 0.7
        for channel, values in enumerate(series):
            color = colors[channel % len(colors)]
            axes.plot(times, values, color=color, linewidth=width, alpha=0.9)
        axes.set_xlim(times[0], max(times[-1], times[0] + 1e-12))
        axes.locator_params(axis="x", nbins=6, integer=t is None)
        if letter and len(series) > 1:
            _name_channels(axes, letter, min(len(series), len(colors)), colors)

    return draw


def _portrait(states: np.ndarray) -> Callable[[Any], None]:
    """The path of the first two states, with a dot where it starts."""

    def draw(axes: Any) -> None:
        first, second = states[:2]
        axes.plot(first, second, color=Y_COLORS[0], linewidth=0.9, alpha=0.9)
        axes.plot(first[:1], second[:1], "o", color="#111827", markersize=3)
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=4)

    return draw


def style(axes: Any) -> None:
    """What all plots have in common."""
    axes.margins(y=0.08)
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(labelsize=7, color=_LINES, labelcolor=_LABELS, length=2.5)
    axes.grid(True, color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_LINES)


def _name_channels(axes: Any, letter: str, shown: int, colors: Sequence[str]) -> None:
    """The names of the channels in their colours, above the plot."""
    for channel in range(shown):
        place = (1 - 0.05 * (shown - 1 - channel), 1.04)
        name = f"${letter}_{{{channel}}}$"
        axes.text(
            *place, name, color=colors[channel], fontsize=8, ha="right", transform=axes.transAxes
        )


def _scaling(pair: Pair) -> str:
    """How y follows from f, which the formula above gives."""
    several = len(pair.texts) > 1
    parts = []
    for k, (scale, shift) in enumerate(zip(pair.y_scale, pair.y_shift, strict=True)):
        index = f"_{{{k}}}" if several else ""
        sign = "-" if shift < 0 else "+"
        numbers = _short(float(scale)), _short(abs(float(shift)))
        parts.append(f"$y{index} = {numbers[0]}\\,f{index} {sign} {numbers[1]}$")
    return "   ".join(parts[:3]) + (" ..." if len(parts) > 3 else "")


def _short(value: float) -> str:
    text = f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if exponent else text

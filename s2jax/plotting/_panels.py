"""The plots of one row: series over time, and paths in the plane of two states."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from s2jax.inputs.causes import Edge
from s2jax.plotting._causes import draw_graph

X_COLORS = ("#33658a", "#2f9c95", "#86bbd8", "#6a5d9c", "#9aa5b1")
Y_COLORS = ("#d1495b", "#e28413", "#7a9e3f", "#8e3b8a", "#5f6b76")
_MAX_APART, _TOO_FLAT, _ALIKE = 3, 12, 0.8
_EQUAL = 1e-3  # of the mean: steps that differ by less are equal
_ROUNDED = 1e-6  # of y: a shift that is what is left of rounding
_LINES, _LABELS, _GRID = "#c4c9d0", "#4b5563", "#eceff2"


class Pair(NamedTuple):
    """What a picture shows of one row.

    Attributes:
        row: Its number.
        x, y: The channels that it uses.
        texts: The expression of each output.
        y_scale, y_shift: How y was scaled.
        t: The times; None if they are regular, and y a function of x.
        form: The form of the differential equations that y solves.
        noise: The factor of the noise of each state; none if there is no noise.
        clean: The channels of y before they were measured, of which y then has what was; None if
            nothing was measured.
        effects: What was done to each channel when it was measured.
        edges: The causal graph of the inputs; None if they have none.
    """

    row: int
    x: np.ndarray
    y: np.ndarray
    texts: Sequence[str]
    y_scale: np.ndarray
    y_shift: np.ndarray
    t: np.ndarray | None = None
    form: str = ""
    is_solution: bool = False
    noise: Sequence[str] = ()
    clean: np.ndarray | None = None
    effects: Sequence[str] = ()
    edges: Sequence[Edge] | None = None

    def unscale(self, y: np.ndarray) -> np.ndarray:
        """The solution before it was scaled."""
        return (y - self.y_shift[:, None]) / self.y_scale[:, None]

    @property
    def measured(self) -> str:
        """The names of what was done, those of different channels apart; none if nothing was."""
        names = [re.sub(r"\(.*?\)", "", text).replace("_", " ") for text in self.effects]
        return f"measured: {' | '.join(name or 'as it is' for name in names)}" if any(names) else ""


class Panel(NamedTuple):
    """A plot: what draws it, what stands above it, whether it is as wide as high, or tall."""

    draw: Callable[[Any], None]
    title: str
    is_square: bool = False
    is_tall: bool = False


def panels(pair: Pair) -> list[Panel]:
    """The plots of a row, left to right."""
    row = f"row {pair.row}"
    graph = [] if pair.edges is None else [_graph(pair.edges, len(pair.x))]
    if not pair.is_solution:
        x = _series(pair.x, pair.t, X_COLORS, f"x  ({row})", "x")
        title = pair.measured or _scaling(pair)
        return [x, _series(pair.y, pair.t, Y_COLORS, title, "", pair.clean), *graph]
    states = pair.unscale(pair.y)
    under = None if pair.clean is None else pair.unscale(pair.clean)
    out = [_series(pair.x, pair.t, X_COLORS, "x", "x")] if len(pair.x) else []
    where = f"y over t  ({row}{', ' * bool(pair.form)}{pair.form.replace('_', ' ')})"
    out.append(_series(states, pair.t, Y_COLORS, pair.measured or where, "y", under))
    if len(states) > 1:
        out.append(_portrait(states))
    return [*out, *graph]


def _graph(edges: Sequence[Edge], channels: int) -> Panel:
    """What causes what, and how many steps later."""
    title = "cause to effect, steps later" if edges else "no causes"
    return Panel(lambda axes: draw_graph(axes, edges, channels, X_COLORS), title, is_square=True)


def _series(
    series: np.ndarray, t: np.ndarray | None, colors: Sequence[str], title: str, letter: str = "",
    under: np.ndarray | None = None,
) -> Panel:  # fmt: skip
    """Lines over time; several are named by their letter, and drawn apart if one would be flat.

    What is `under` them is drawn in grey.
    """
    groups = apart(series)

    def draw(axes: Any) -> None:
        times = np.arange(series.shape[-1]) if t is None else t
        width = 1.0 if series.shape[-1] <= 512 else 0.7
        steps = np.diff(times)
        is_regular = np.ptp(steps) <= _EQUAL * steps.mean()
        look = {} if is_regular else {"marker": ".", "markersize": 3 * width}
        for parts, group in zip(_stack(axes, len(groups)), groups, strict=True):
            for channel in group:
                color = colors[channel % len(colors)]
                if under is not None:
                    parts.plot(times, under[channel], color=_LINES, linewidth=width)
                parts.plot(times, series[channel], color=color, linewidth=width, alpha=0.9, **look)
            parts.set_xlim(times[0], max(times[-1], times[0] + 1e-12))
            parts.locator_params(axis="x", nbins=6, integer=t is None)
        if letter and len(series) > 1:
            _name_channels(axes, letter, min(len(series), len(colors)), colors)

    return Panel(draw, title, is_tall=len(groups) > 1)


def apart(series: np.ndarray) -> list[list[int]]:
    """Channels that share a plot: none in it has less than a twelfth of the common range.

    At most three plots; the last one takes what is left. Channels that do not vary go anywhere.
    """
    low, high = np.nanmin(series, -1), np.nanmax(series, -1)

    def suits(channel: int, group: list[int]) -> bool:
        both = [*group, channel]
        ranges = (high - low)[both]
        common = high[both].max() - low[both].min()
        return bool((_TOO_FLAT * ranges[ranges > 0] >= common).all())

    groups: list[list[int]] = []
    for channel in range(len(series)):
        found = next((group for group in groups if suits(channel, group)), None)
        if found is None and len(groups) == _MAX_APART:
            found = groups[-1]
        if found is None:
            groups.append([channel])
        else:
            found.append(channel)
    return groups


def _stack(axes: Any, count: int) -> list[Any]:
    """Plots above each other in the place of one, times below the last."""
    if count == 1:
        return [axes]
    axes.set_axis_off()
    step = 1 / count
    out = [axes.inset_axes((0, 1 - (k + 0.86) * step, 1, 0.86 * step)) for k in range(count)]
    for number, part in enumerate(out):
        style(part)
        if number < count - 1:
            part.tick_params(labelbottom=False)
    return out


def plane(states: np.ndarray) -> tuple[int, int]:
    """Two of the first three states that show the path: the first pair that is not one line.

    The first two of the Lorenz system nearly are; its wings are seen in the first and third.
    """
    pairs = [(0, 1), (0, 2), (1, 2)] if len(states) > 2 else [(0, 1)]
    centred = np.nan_to_num(states - np.nanmean(states, -1, keepdims=True))
    size = np.sqrt((centred**2).sum(-1))
    alike = [abs((centred[i] * centred[j]).sum()) / max(size[i] * size[j], 1e-30) for i, j in pairs]
    good = [pair for pair, value in zip(pairs, alike, strict=True) if value < _ALIKE]
    return good[0] if good else pairs[int(np.argmin(alike))]


def _portrait(states: np.ndarray) -> Panel:
    """The path in the plane of two states, with a dot where it starts."""
    across, up = plane(states)

    def draw(axes: Any) -> None:
        first, second = states[across], states[up]
        axes.plot(first, second, color=Y_COLORS[0], linewidth=0.9, alpha=0.9)
        axes.plot(first[:1], second[:1], "o", color="#111827", markersize=3)
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=4)

    return Panel(draw, f"$y_{{{up}}}$ over $y_{{{across}}}$", is_square=True)


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
    most = 3 if pair.edges is None else 2  # beside a graph there is less room
    for k, (scale, shift) in enumerate(zip(pair.y_scale, pair.y_shift, strict=True)):
        shift = shift if abs(shift) > _ROUNDED * np.nanmax(np.abs(pair.y[k])) else 0.0
        index = f"_{{{k}}}" if several else ""
        factor = "" if scale == 1 else f"{_short(float(scale))}\\,"
        sign = "-" if shift < 0 else "+"
        added = f" {sign} {_short(abs(float(shift)))}" if shift else ""
        parts.append(f"$y{index} = {factor}f{index}{added}$")
    return "   ".join(parts[:most]) + (" ..." if len(parts) > most else "")


def _short(value: float) -> str:
    text = f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if exponent else text

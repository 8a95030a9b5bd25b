"""What a model has learnt, in one picture."""

from typing import Any

import numpy as np

from s2jax.plotting._figure import fit_formula, new_figure
from s2jax.plotting._panels import X_COLORS, Y_COLORS, style
from s2jax.symtime import Evaluation, Neighbours, Run

_WIDTH, _HEIGHT = 12.0, 6.6
_SMOOTH = 50  # windows of a curve
_SHOWN = 48  # rows of the matrix of similarities
_DOTS = 2000  # of the map
_GREY, _PALE, _INK = "#9ca3af", "#e5e7eb", "#374151"
_SERIES, _SYMBOLS = X_COLORS[0], Y_COLORS[0]
_MARKED = {
    "sin": "#33658a", "cos": "#2f9c95", "tan": "#86bbd8", "exp": "#e28413", "log": "#7a9e3f",
    "sqrt": "#8e3b8a", "abs": "#d1495b", "inv": "#a67c52",
}  # fmt: skip
"""Operators that have a colour in the map; rows with several of them have none."""


def plot_run(run: Run, evaluation: Evaluation) -> Any:
    """Losses over steps, retrieval, similarities and a map of series: what a run has learnt.

    Args:
        run: What `s2jax.symtime.read_run` returned.
        evaluation: What `s2jax.symtime.evaluate_run` made of it.

    Returns:
        A figure of matplotlib.

    Raises:
        ImportError: If matplotlib is not installed.

    Example:
        >>> import tempfile, s2jax
        >>> from s2jax import symtime
        >>> sizes = {"length": 64, "width": 8, "symbol_width": 8, "batch": 16, "projection": 8}
        >>> config = symtime.Config.tiny(**sizes, hidden_width=8, symbol_hidden_width=8)
        >>> data = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))
        >>> folder = tempfile.mkdtemp()
        >>> state = symtime.pretrain(folder, config, data, num_steps=6)
        >>> run = symtime.read_run(folder)
        >>> figure = plot_run(run, symtime.evaluate_run(run, rows=64))
        >>> len(figure.axes) >= 7
        True
    """
    figure = new_figure(_WIDTH, _HEIGHT)
    steps = run.losses["step"]
    contrast = (run.losses["series_to_symbols"] + run.losses["symbols_to_series"]) / 2
    columns = {
        "hidden patches: squared error": {_SERIES: run.losses["mtm"]},
        "hidden words: nats": {_SYMBOLS: run.losses["mlm"]},
        "contrast: nats": {_INK: contrast},
    }
    for k, (title, curves) in enumerate(columns.items()):
        axes = figure.add_axes((0.045 + 0.247 * k, 0.62, 0.195, 0.32))
        _draw_curves(axes, steps, curves)
        _name(axes, title)
    axes = figure.add_axes((0.045 + 0.247 * 3, 0.62, 0.195, 0.32))
    found = {_SERIES: run.losses["series_found"], _SYMBOLS: run.losses["symbols_found"]}
    _draw_curves(axes, steps, found)
    axes.axhline(1 / run.config.batch, color=_INK, linewidth=1, linestyle=":")
    axes.set_ylim(bottom=0)
    _name(axes, f"found first among {run.config.batch}, in training")
    _draw_retrieval(figure.add_axes((0.045, 0.085, 0.3, 0.4)), evaluation)
    _draw_similarity(figure, figure.add_axes((0.385, 0.085, 0.22, 0.4)), evaluation)
    _draw_map(figure.add_axes((0.675, 0.085, 0.235, 0.4)), run, evaluation)
    return figure


def _draw_curves(axes: Any, steps: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """Means over windows, above the single steps in a pale colour."""
    size = max(1, len(steps) // _SMOOTH)
    whole = len(steps) // size * size
    middle = steps[:whole].reshape(-1, size).mean(1)
    low, high = [], []
    for color, curve in curves.items():
        smooth = curve[:whole].reshape(-1, size).mean(1)
        if size > 1:
            axes.plot(steps, curve, color=color, linewidth=0.5, alpha=0.2)
        axes.plot(middle, smooth, color=color, linewidth=1.4)
        low.append(np.nanmin(smooth))
        high.append(np.nanpercentile(smooth, 98))
    room = max(max(high) - min(low), 1e-6)
    axes.set_ylim(min(low) - 0.08 * room, max(high) + 0.15 * room)
    axes.set_xlim(0, max(steps[-1], 2))
    style(axes)
    axes.margins(y=0)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel("step", fontsize=7, color=_INK, labelpad=1)


def _draw_retrieval(axes: Any, evaluation: Evaluation) -> None:
    """Shares of partners that are found, beside chance and the ceiling."""
    style(axes)
    width = 0.36
    for place, one in enumerate(evaluation.retrieval.values()):
        shares = one.series_to_symbols_1, one.symbols_to_series_1
        for side, (share, color) in enumerate(zip(shares, (_SERIES, _SYMBOLS), strict=True)):
            left = place + (side - 0.5) * width
            axes.bar(left, share, 0.9 * width, color=color, zorder=2)
            axes.text(
                left, share, f"{share:.2f}", ha="center", va="bottom", fontsize=6.5, color=_INK
            )
        ends = place - width, place + width
        axes.plot(ends, (one.ceiling,) * 2, color=_GREY, linewidth=1.5, zorder=1)
        axes.plot(ends, (one.chance_1,) * 2, color=_INK, linewidth=1, linestyle=":", zorder=3)
    names = [f"{which.replace('nonlinear', 'non-linear')}\n{batch}" for which, batch in
             evaluation.retrieval]  # fmt: skip
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(0, 1.18 * max(one.ceiling for one in evaluation.retrieval.values()))
    unseen = "forms not seen in training" if evaluation.is_unseen else "forms of training"
    _name(axes, f"found first, {unseen}")
    legend = (("series ask", _SERIES), ("expressions ask", _SYMBOLS), ("ceiling", _GREY),
              ("chance", _INK))  # fmt: skip
    for (word, color), left in zip(legend, (0.02, 0.24, 0.56, 0.72), strict=True):
        axes.text(
            left, 0.94, word, color=color, fontsize=7, transform=axes.transAxes, fontweight="bold"
        )


def _draw_similarity(figure: Any, axes: Any, evaluation: Evaluation) -> None:
    """Cosines of some series and expressions, alike ones beside each other.

    Some series are near to many expressions: means of rows and columns are taken away.
    """
    rows = np.argsort(_principal(evaluation.symbols[:_SHOWN], 1)[:, 0])
    near = evaluation.series[rows] @ evaluation.symbols[rows].T
    near = near - near.mean(0) - near.mean(1, keepdims=True) + near.mean()
    reach = max(float(np.abs(near).max()), 1e-6)
    image = axes.imshow(near, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("expressions", fontsize=7, color=_INK)
    axes.set_ylabel("series", fontsize=7, color=_INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _name(axes, f"similarity of {len(rows)} pairs, less means of rows and columns")
    place = axes.get_position()
    bar = figure.add_axes((place.x1 + 0.006, place.y0, 0.007, place.height))
    figure.colorbar(image, cax=bar)
    bar.tick_params(labelsize=6, length=2, color=_GREY, labelcolor=_INK)
    bar.locator_params(nbins=5)
    bar.spines[:].set_visible(False)


def _draw_map(axes: Any, run: Run, evaluation: Evaluation) -> None:
    """Series in the plane in which they differ most, by the one operator that marks them."""
    vocabulary = run.config.vocabulary
    names = [name for name in _MARKED if name in vocabulary.words]
    ids = np.asarray(evaluation.pairs.inputs.ids)[:_DOTS]
    has = np.stack([(ids == vocabulary.id_of(name)).any(1) for name in names], axis=1)
    places = _principal(evaluation.features[:_DOTS], 2)
    number = has.sum(1)
    plain, several = places[number == 0], places[number > 1]
    axes.scatter(*several.T, s=5, color=_PALE, linewidths=0)
    axes.scatter(*plain.T, s=5, color=_GREY, linewidths=0)
    legend = [("none of these", _GREY), ("several", "#c4c9d0")]
    for k, name in reversed(list(enumerate(names))):
        own = places[has[:, k] & (number == 1)]
        if len(own):
            axes.scatter(*own.T, s=8, color=_MARKED[name], linewidths=0, alpha=0.9)
            legend.insert(0, (name, _MARKED[name]))
    low, high = np.percentile(places, (0.5, 99.5), axis=0)
    room = 0.08 * (high - low) + 1e-6
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(_PALE)
    _name(axes, "[CLS] of non-linear rows: first two components")
    for k, (word, color) in enumerate(legend):
        axes.text(
            1.03, 0.97 - 0.07 * k, word, color=color, fontsize=7, va="top", fontweight="bold",
            transform=axes.transAxes,
        )  # fmt: skip


def _principal(rows: np.ndarray, number: int) -> np.ndarray:
    """Coordinates along the directions in which rows differ most."""
    centred = rows.astype(np.float64) - rows.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:number].T


def _name(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=8, color=_INK, loc="left", pad=4)


def plot_neighbours(found: Neighbours) -> Any:
    """A series, and the curves of the expressions that it looks like to a model.

    Args:
        found: What `s2jax.symtime.nearest_expressions` returned.

    Returns:
        A figure of matplotlib: the series on the left, then the nearest ones with their
        expressions, all z-scored and in the order in which the model reads them. What is on the
        left is behind them in grey.

    Raises:
        ImportError: If matplotlib is not installed.

    Example:
        >>> import jax, numpy as np, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> bank = symtime.sample_pairs(jax.random.key(0), config, s2jax.presets.s2(length=64), 64)
        >>> model, x = symtime.SymTime(jax.random.key(1), config), np.linspace(-3, 3, 64)
        >>> found = symtime.nearest_expressions(model, bank, np.sin(x), x, count=2)
        >>> len(plot_neighbours(found).axes)
        3
    """
    number = len(found.texts)
    columns = min(number + 1, 3)
    lines = -(-(number + 1) // columns)
    figure = new_figure(_WIDTH, 2.3 * lines + 0.1)
    for k in range(number + 1):
        line, column = divmod(k, columns)
        height = 1.5 / (2.3 * lines + 0.1)
        place = (
            0.04 + 0.325 * column, 1 - (line + 1) * 2.3 / (2.3 * lines + 0.1) + 0.12 * height,
            0.29, height,
        )  # fmt: skip
        axes = figure.add_axes(place)
        curve = found.series if k == 0 else found.curves[k - 1]
        if k:
            _draw_channels(axes, found.series, behind=True)
        _draw_channels(axes, curve, behind=False)
        style(axes)
        if k == 0:
            _name(axes, "the series")
        else:
            formula = fit_formula(found.texts[k - 1].split(" | ")[0], 3.0)
            title = f"{found.similarity[k - 1]:.2f}   {formula}"
            axes.set_title(title, fontsize=8, color=_INK, loc="left", pad=4)
    return figure


def _draw_channels(axes: Any, channels: np.ndarray, behind: bool) -> None:
    """The last channel as dots over the first if that one is sorted, or all over time."""
    if len(channels) > 1 and (np.diff(channels[0]) >= 0).all():
        color = _PALE if behind else _SYMBOLS
        axes.plot(channels[0], channels[-1], ".", color=color, markersize=3)
        return
    for k, channel in enumerate(channels[-1:] if behind else channels):
        color = _SYMBOLS if k == len(channels) - 1 else X_COLORS[k % len(X_COLORS)]
        axes.plot(channel, color=_PALE if behind else color, linewidth=1)

"""The picture at the top of the README: `python docs/pictures.py` writes docs/hero.png.

All rows are drawn by the library from one key; which of them are shown was chosen by eye.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np

import s2jax
from s2jax.inputs.causes import causes_of_laws
from s2jax.plotting._causes import draw_graph
from s2jax.plotting._figure import fit_formula, new_figure
from s2jax.plotting._panels import X_COLORS, Y_COLORS, plane

KEY = jax.random.key(0)
MIX = s2jax.presets.mix(length=256, num_inputs=2)
SYSTEMS = s2jax.presets.ode(length=1024, num_inputs=0, dimension=3)
CAUSES = s2jax.Config(
    length=192,
    num_inputs=5,
    num_outputs=5,
    inputs=s2jax.inputs.CausalGraph(roots=s2jax.inputs.TrendSeason()),
    target=s2jax.Identity(),
)
MEASURED = s2jax.presets.mix(
    length=256,
    observation=s2jax.observe.Observation(share=1.0, least=2, most=3, fill="nan"),
)
WIDTH, HEIGHT = 12.4, 7.0
FORMULA_WIDTH = 5.7
PAIRS, PORTRAITS, GRAPH, SERIES = (41, 46, 47, 35, 23), (9, 44, 0, 47), 16, (29, 17)
"""Which rows of each configuration are shown."""
INK, GREY, PALE = "#1f2937", "#6b7280", "#c4c9d0"


def main() -> None:
    figure = new_figure(WIDTH, HEIGHT)
    draw_pairs(figure)
    draw_portraits(figure)
    draw_causes(figure)
    draw_measured(figure)
    figure.savefig(Path(__file__).with_name("hero.png"), dpi=110)


def add_axes(figure: Any, left: float, top: float, width: float, height: float) -> Any:
    """Axes without a frame, placed in inches from the upper left corner."""
    place = (left / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT)
    axes = figure.add_axes(place)
    axes.set_axis_off()
    return axes


def write(figure: Any, left: float, top: float, text: str, size: float, color: str) -> None:
    figure.text(
        left / WIDTH, 1 - top / HEIGHT, text, fontsize=size, color=color, ha="left", va="center"
    )


def name(figure: Any, left: float, top: float, title: str, said: str) -> None:
    """The title of a part, and what is shown in it."""
    figure.text(
        left / WIDTH, 1 - top / HEIGHT, title, fontsize=10.5, color=INK, weight="bold", va="center"
    )
    write(figure, left, top + 0.21, said, 8.5, GREY)


def draw_pairs(figure: Any) -> None:
    """Inputs in blue, outputs in red, and their formula above."""
    batch = s2jax.sample(KEY, MIX, 64)
    texts = s2jax.to_text(batch.program)
    name(
        figure,
        0.3,
        0.25,
        "y = f(x)",
        "inputs in blue, outputs in red, a formula of its own in every row",
    )
    for line, row in enumerate(PAIRS):
        top = 0.72 + 1.26 * line
        formula = fit_formula(texts[row], FORMULA_WIDTH - 0.6).replace("$", "$f(x) = ", 1)
        write(figure, 0.3, top + 0.08, formula, 9.5, INK)
        left = add_axes(figure, 0.3, top + 0.3, 2.3, 0.8)
        used = [k for k in range(2) if f"x_{k}" in texts[row]]
        for channel in used:
            left.plot(batch.x[row, channel], color=X_COLORS[channel], linewidth=0.9)
        right = add_axes(figure, 2.8, top + 0.3, 3.2, 0.8)
        right.plot(batch.y[row, 0], color=Y_COLORS[0], linewidth=1.1)
        for axes in (left, right):
            axes.margins(x=0.01, y=0.08)


def draw_portraits(figure: Any) -> None:
    """Paths of solutions in the plane of two states."""
    batch = s2jax.sample(KEY, SYSTEMS, 48)
    name(
        figure,
        6.6,
        0.25,
        "y' = f(t, y)",
        "solutions of random differential equations, two states of each",
    )
    for column, row in enumerate(PORTRAITS):
        axes = add_axes(figure, 6.6 + 1.42 * column, 0.7, 1.28, 1.45)
        states = np.asarray(batch.y[row])
        across, up = plane(states)
        color = (Y_COLORS[0], Y_COLORS[1], X_COLORS[1], Y_COLORS[3])[column]
        axes.plot(states[across], states[up], color=color, linewidth=0.8)


def draw_causes(figure: Any) -> None:
    """A causal graph beside the channels that it makes."""
    batch = s2jax.sample(KEY, CAUSES, 24)
    assert batch.x_source is not None
    causes = causes_of_laws(jax.tree.map(np.asarray, batch.x_source.laws))
    assert causes is not None
    edges = causes.edges(GRAPH)
    assert edges is not None
    name(
        figure,
        6.6,
        2.5,
        "Causes",
        "channels that cause each other, with lags in steps at the arrows",
    )
    draw_graph(add_axes(figure, 6.55, 2.9, 1.95, 1.95), edges, 5, X_COLORS)
    for channel in range(5):
        axes = add_axes(figure, 8.7, 2.92 + 0.385 * channel, 3.4, 0.35)
        axes.plot(batch.x[GRAPH, channel], color=X_COLORS[channel], linewidth=0.9)
        axes.margins(x=0.01)


def draw_measured(figure: Any) -> None:
    """What an instrument shows, over the clean series in grey."""
    batch = s2jax.sample(KEY, MEASURED, 40)
    assert batch.observation is not None
    assert batch.y_clean is not None
    texts = batch.observation.texts()
    name(figure, 6.6, 5.2, "Measured", "what an instrument shows, over the clean series in grey")
    for column, row in enumerate(SERIES):
        axes = add_axes(figure, 6.6 + 2.85 * column, 5.62, 2.65, 0.95)
        axes.plot(batch.y_clean[row, 0], color=PALE, linewidth=1.6)
        axes.plot(batch.y[row, 0], color=Y_COLORS[0], linewidth=0.9)
        axes.margins(x=0.01, y=0.08)
        steps = [step.split("(")[0].replace("_", " ") for step in texts[row].split(" > ")]
        write(figure, 6.6 + 2.85 * column, 6.72, ", ".join(steps), 7, GREY)


if __name__ == "__main__":
    main()

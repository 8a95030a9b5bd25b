"""The picture of the README: what rows are, drawn from keys by the library.

python benchmarks/overview.py              # docs/overview.png

The first rows of `presets.mix` in two lines, those with an expression above and series of input
families below; then solutions of random differential equations, a row of a causal graph, and a
measured series over the clean one, which are chosen.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np

import s2jax
from s2jax import inputs, observe
from s2jax.inputs.causes import causes_of_laws
from s2jax.plotting._causes import draw_graph
from s2jax.plotting._figure import fit_formula, new_figure

INK, GREY, CLEAN = "#1f2933", "#7b8794", "#c4c9d0"
BLUE, RED = "#33658a", "#d1495b"
COLORS = (BLUE, RED, "#7a9e3f", "#e28413")
ACROSS = 5
ROOM = {"left": 0.01, "right": 0.99, "bottom": 0.03, "top": 0.8}
FLOWS, MEASURED = (1, 9, 12, 21), (11, 59)


def draw_mix(lines: Any) -> None:
    """Rows of the default preset: y = f(x) with its expression, and series of families."""
    config = s2jax.presets.mix()
    batch = s2jax.sample(jax.random.key(2), config, 64)
    texts = s2jax.to_text(batch.program)
    families = [type(family).__name__ for family in config.choice.families]
    is_input = np.array([text == "x_0" for text in texts])
    for axes, rows, color in (
        (lines[0], np.flatnonzero(~is_input), RED), (lines[1], np.flatnonzero(is_input), BLUE),
    ):  # fmt: skip
        for axis, row in zip(axes, rows, strict=False):
            family = families[int(batch.x_source.family[row, 0])]
            title = family if is_input[row] else fit_formula(texts[row], 2.5)
            axis.plot(batch.y[row, 0], color=color, linewidth=0.8)
            name(axis, title)


def draw_flows(axes: Any) -> None:
    """Two states of solutions, with their form."""
    config = s2jax.presets.ode(512, 0, (2, 4))
    batch = s2jax.sample(jax.random.key(0), config, 24)
    for axis, row in zip(axes, FLOWS, strict=True):
        axis.plot(*batch.y[row, :2], color=RED, linewidth=0.6)
        form = s2jax.ode.FORMS[int(batch.dynamics.form[row])]
        name(axis, form.replace("_", " "))


def draw_causes(graph: Any, axes: Any) -> None:
    """A row whose channels cause each other."""
    config = s2jax.Config(
        length=256, num_inputs=4, num_outputs=4, target=s2jax.Identity(),
        inputs=inputs.CausalGraph(roots=inputs.TrendSeason()),
    )  # fmt: skip
    batch = s2jax.sample(jax.random.key(0), config, 64)
    causes = causes_of_laws([batch.x_source.law_of(inputs.CausalLaw)])
    assert causes is not None, "every row has a graph"
    edges = [causes.edges(row) or [] for row in range(64)]
    row = next(row for row in range(64) if len(edges[row]) > 3)
    draw_graph(graph, edges[row], 4, COLORS)
    for channel, axis in enumerate(axes):
        axis.plot(batch.y[row, channel], color=COLORS[channel], linewidth=0.7)
        name(axis, "")


def draw_measured(axes: Any) -> None:
    """Measured series over the clean ones."""
    observation = observe.Observation(share=1.0, most=3)
    config = s2jax.presets.mix(observation=observation)
    batch = s2jax.sample(jax.random.key(1), config, 64)
    assert batch.y_clean is not None
    assert batch.y_observed is not None
    texts = batch.observation.texts()
    for axis, row in zip(axes, MEASURED, strict=True):
        axis.plot(batch.y_clean[row, 0], color=CLEAN, linewidth=1.8)
        seen = np.where(batch.y_observed[row, 0], batch.y[row, 0], np.nan)
        axis.plot(seen, color=RED, linewidth=0.8)
        effects = [text.split("(")[0].replace("_", " ") for text in texts[row].split(" > ")]
        name(axis, ", ".join(effects))


def name(axis: Any, title: str) -> None:
    axis.set_title(title, fontsize=7.5, loc="left", color=GREY, pad=4)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(Path(__file__).parents[1] / "docs" / "overview.png"))
    arguments = parser.parse_args()
    figure = new_figure(11, 5.6)
    top, bottom = figure.subfigures(2, 1, height_ratios=[3, 2.5])
    left, middle, right = bottom.subfigures(1, 3, width_ratios=[3.2, 2.6, 2.2])
    graph, series = middle.subfigures(1, 2, width_ratios=[1, 1.2])
    mix = top.subplots(2, ACROSS, gridspec_kw=ROOM | {"top": 0.84, "hspace": 0.35, "wspace": 0.08})
    draw_mix(mix)
    draw_flows(left.subplots(1, len(FLOWS), gridspec_kw=ROOM | {"wspace": 0.1, "left": 0.035}))
    draw_causes(graph.subplots(), series.subplots(4, 1, gridspec_kw=ROOM))
    draw_measured(right.subplots(2, 1, gridspec_kw=ROOM | {"hspace": 0.3}))
    for part, title, x in (
        (top, "y = f(x), and series of many input families", 0.01),
        (left, "random differential equations", 0.035),
        (middle, "channels that cause each other", 0.02),
        (right, "what instruments make of them", 0.02),
    ):  # fmt: skip
        part.suptitle(title, x=x, y=0.99, ha="left", fontsize=9.5, color=INK, weight="bold")
    figure.savefig(arguments.out, dpi=100)


if __name__ == "__main__":
    main()

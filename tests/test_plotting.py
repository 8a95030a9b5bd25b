"""What a picture shows, and how counts and outcomes are put."""

from typing import Any

import jax
import numpy as np
import pytest

from s2jax.corpus.info import counted, known_name, outcomes, target_of
from s2jax.inputs import KernelSynth, PeriodicKernel, WhiteKernel
from s2jax.inputs.causes import Edge
from s2jax.ode import NAMES, named
from s2jax.plotting._causes import write_edges
from s2jax.plotting._family import write_law
from s2jax.plotting._figure import draw
from s2jax.plotting._panels import Pair, apart, panels, plane

TIME = np.linspace(0, 10, 200)
WAVE, OTHER = np.sin(TIME), np.cos(3 * TIME)


def pair_of(y: Any, scale: Any, shift: Any, **fields: Any) -> Pair:
    texts = [f"x_{k}" for k in range(len(y))]
    return Pair(0, np.stack([WAVE]), y, texts, np.asarray(scale), np.asarray(shift), **fields)


@pytest.mark.parametrize(
    "scale, shift, label",
    [
        (1.0, 0.0, "$y = f$"),
        (1.0, 2.5, "$y = f + 2.5$"),
        (1.0, -2.5, "$y = f - 2.5$"),
        (3.0, 0.0, "$y = 3\\,f$"),
        (1e-7, -0.0, "$y = 1 \\times 10^{-7}\\,f$"),
    ],
)
def test_the_label_has_no_ones_and_zeros(scale: float, shift: float, label: str) -> None:
    assert panels(pair_of(WAVE[None], [scale], [shift]))[1].title == label


def test_a_shift_within_rounding_error_is_none() -> None:
    assert panels(pair_of(WAVE[None], [3.0], [1e-8]))[1].title == "$y = 3\\,f$"


EDGES = [Edge(0, 1, 3, 0.9), Edge(2, 1, 0, 0.9), Edge(1, 3, 5, 0.1)]


def test_a_graph_has_all_channels_and_an_arrow_for_each_edge() -> None:
    x = np.stack([WAVE, OTHER, WAVE, OTHER])
    pair = pair_of(WAVE[None], [1.0], [0.0])._replace(x=x, edges=EDGES)
    axes = draw([pair], True).axes[-1]
    assert axes.get_title(loc="left") == "cause to effect, steps later"
    texts = [
        text.get_text()
        for text in axes.texts
        if getattr(text, "arrow_patch", None) is None and text.get_text()
    ]
    assert sorted(texts) == sorted(["3", "5", *(f"$x_{{{k}}}$" for k in range(4))])
    arrows = [text.arrow_patch for text in axes.texts if getattr(text, "arrow_patch", None)]
    widths = [arrow.get_linewidth() for arrow in arrows]
    assert widths[0] == widths[1] > 2 * widths[2]
    assert panels(pair._replace(edges=[]))[-1].title == "no causes"
    assert len(panels(pair)) == 1 + len(panels(pair._replace(edges=None)))


def test_edges_as_text() -> None:
    assert write_edges(EDGES) == "x_1[t] of x_0[t-3], x_2[t] (90%); x_3[t] of x_1[t-5] (10%)"
    assert write_edges([]) == "no causes"


def test_labels_of_several_outputs() -> None:
    title = panels(pair_of(np.stack([WAVE, OTHER]), [1.0, 2.0], [0.0, 1.0]))[1].title
    assert title == "$y_{0} = f_{0}$   $y_{1} = 2\\,f_{1} + 1$"


@pytest.mark.parametrize(
    "channels, groups",
    [
        ([WAVE, 2 * OTHER], [[0, 1]]),
        ([WAVE, 100 * OTHER], [[0], [1]]),
        ([WAVE, OTHER + 100], [[0], [1]]),
        ([WAVE, 100 * OTHER, 2 * WAVE], [[0, 2], [1]]),
        ([WAVE, 1e3 * WAVE, 1e6 * WAVE, 1e9 * WAVE], [[0], [1], [2, 3]]),
        ([WAVE, 0 * WAVE], [[0, 1]]),
    ],
)
def test_no_channel_is_flat_for_the_size_of_another(channels: Any, groups: Any) -> None:
    assert apart(np.stack(channels)) == groups
    figure = draw([pair_of(np.stack(channels), [1.0] * len(channels), [0.0] * len(channels))], True)
    outer = figure.axes[1]
    plots = outer.child_axes or [outer]
    assert [len(plot.lines) for plot in plots] == [len(group) for group in groups]
    for plot in plots[: 3 if len(groups) < 3 else 2]:
        low, high = plot.get_ylim()
        assert all(np.ptp(line.get_ydata()) > (high - low) / 15 for line in plot.lines[:1])


def lorenz() -> np.ndarray:
    y, out = np.array([1.0, 2.0, 25.0]), []
    for _ in range(4000):
        y = y + 0.0025 * np.array(
            [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]
        )
        out.append(y)
    return np.array(out).T


def test_a_path_is_drawn_in_a_plane_that_shows_it() -> None:
    assert plane(lorenz()) == (0, 2)
    assert plane(np.stack([WAVE, OTHER])) == plane(np.stack([WAVE, OTHER, WAVE])) == (0, 1)
    assert plane(np.stack([WAVE, 2 * WAVE])) == (0, 1)
    assert plane(np.stack([0 * WAVE, WAVE, OTHER])) == (0, 1)
    states = lorenz()
    pair = Pair(
        0, states[:0], states, ["y_0"] * 3, np.ones(3), np.zeros(3), np.arange(4000), "lorenz", True
    )
    over, path = panels(pair)
    assert over.title == "y over t  (row 0, lorenz)"
    assert path.title == "$y_{2}$ over $y_{0}$"
    assert path.is_square


def test_a_known_system_has_its_name() -> None:
    for name in ("lorenz", "rossler", "logistic"):
        system = named(name)
        target = {
            "class": "System",
            "states": [*system.states],
            "expressions": [*system.expressions],
        }
        assert known_name({"target": target}) == target_of({"target": target}) == name
        target["expressions"] = ["y_0", *target["expressions"][1:]]
        assert known_name({"target": target}) is None
        assert target_of({"target": target}) == "System"
    assert target_of({"target": {"class": "ODE"}}) == "ODE"
    assert "lorenz" in NAMES


def test_a_notebook_shows_the_figure() -> None:
    figure = draw([pair_of(WAVE[None], [1.0], [0.0])], True)
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_one_is_singular() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 1000)] == [
        "0 files",
        "1 file",
        "2 files",
        "1,000 files",
    ]
    assert counted(1, "series") == "1 series"
    assert counted(2, "series") == "2 series"


def test_outcomes_leave_out_what_did_not_happen() -> None:
    counts = {"accepted": 3, "too_large": 1, "constant": 0, "pole": 2, "unusable_rows": 1}
    assert outcomes({"acceptance": counts}) == (
        "3 of 6 expressions accepted (50.0%)",
        "pole 2 (33.3%), too_large 1 (16.7%)",
    )
    alone = {"accepted": 1, "too_large": 0, "unusable_rows": 0}
    expected = ("1 of 1 system accepted (100.0%)", "")
    assert outcomes({"acceptance": alone, "forms": {"driven": 1}}) == expected


def test_a_law_is_written_above_its_series() -> None:
    law = {"period": np.float32(24.31), "kinds": np.arange(3), "count": np.int32(5)}
    assert write_law(law) == "count 5, period 24.3"

    class Named:
        def text(self) -> str:
            return "Per(24) + White" + 60 * "."

    assert write_law(Named()).startswith("Per(24) + White...")
    assert len(write_law(Named())) <= 63


def test_a_kernel_expression_is_the_label() -> None:
    bank = (PeriodicKernel(24.0), WhiteKernel(0.1))
    drawn = KernelSynth(bank=bank, max_kernels=2).sample(jax.random.key(0), 3, 32)
    laws = [jax.tree.map(lambda leaf, row=row: leaf[row], drawn.law) for row in range(3)]
    assert [write_law(law) for law in laws] == [drawn.law[row].text() for row in range(3)]
    assert "Per(24)" in "".join(map(write_law, laws))

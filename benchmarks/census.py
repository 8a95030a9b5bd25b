"""What drawn solutions of differential equations do: the table of docs/differential-equations.md.

python benchmarks/census.py run --out benchmarks/results/today.jsonl  # one core, minutes
python benchmarks/census.py page          # the table of the page, from all results
python benchmarks/census.py picture       # docs/dynamics.png, the first rows of a key
python benchmarks/census.py forms         # docs/zoo/forms.md, with nine rows of each form
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import _record

if __name__ == "__main__":
    _record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import _pages
import jax
import numpy as np

import s2jax
from s2jax.ode._classify import classify

NOISE = "stochastic"  # of which nothing is known of chaos
STATES: dict[str, Any] = {"2": {"dimension": 2}, "2 to 4": {"dimension": (2, 4)}}
PAGE = Path(__file__).parents[1] / "docs" / "differential-equations.md"


def config_of(length: int, sizes: dict[str, Any]) -> s2jax.Config:
    """The preset without inputs and noise."""
    whole: Any = s2jax.presets.ode(length, num_inputs=0, **sizes)
    weights = {name: one for name, one in whole.target.weights.items() if name != NOISE}
    return dataclasses.replace(whole, target=dataclasses.replace(whole.target, weights=weights))


def measure(rows: int, length: int, seed: int, out: str | None) -> None:
    for states, sizes in STATES.items():
        batch = s2jax.sample(jax.random.key(seed), config_of(length, sizes), rows)
        s2jax.ode.census(batch)  # compiles
        start = time.process_time()
        found = s2jax.ode.census(batch)
        seconds = time.process_time() - start
        job = lambda batch=batch: len(jax.block_until_ready(classify(batch.y, batch.y_mask)).turns)
        groups = {"all": found.total, **found.by_form}
        _record.write(
            out,
            "census",
            states=states,
            rows=found.rows.index.size,
            length=length,
            seed=seed,
            systems=found.num_systems,
            groups={
                name: {what: [one.count, one.number] for what, one in shares.items()}
                for name, shares in groups.items()
            },
            followed=int(np.isfinite(found.rows.growth).sum()),
            census_s=float(f"{seconds:.3g}"),
            classify_us_per_row=float(f"{1e6 / _record.rate(job, 1.0, time.process_time):.3g}"),
        )


def write_page() -> None:
    table = _pages.table_of_census(_pages.read_results("census"))
    PAGE.write_text(_pages.replace_between(PAGE.read_text(), "census", table))


def draw_picture(out: Path, seed: int, across: int = 6, down: int = 4) -> None:
    """The first rows of a key, none left out: two states of each, and all of them over time."""
    from s2jax.plotting._figure import new_figure
    from s2jax.plotting._panels import Y_COLORS

    count = across * down
    batch = s2jax.sample(jax.random.key(seed), config_of(512, STATES["2 to 4"]), count)
    found = s2jax.ode.census(batch)
    figure = new_figure(2.1 * across, 2.5 * down)
    cells = figure.subplots(2 * down, across, height_ratios=[3, 1] * down)
    for row in range(count):
        line, column = divmod(row, across)
        plane, strip = cells[2 * line, column], cells[2 * line + 1, column]
        states = np.asarray(batch.y[row])[np.asarray(batch.y_mask[row])]
        plane.plot(*states[:2], color=Y_COLORS[0], linewidth=0.7)
        plane.plot(*states[:2, 0], "o", color="black", markersize=2.5)
        for number, one in enumerate(states):
            strip.plot(one, color=Y_COLORS[number % len(Y_COLORS)], linewidth=0.6)
        form = s2jax.ode.FORMS[int(batch.dynamics.form[row])].replace("_", " ")
        kind = "chaotic" if found.rows.is_chaotic[row] else found.rows.kind[row]
        plane.set_title(f"{form}, {kind}", fontsize=8, loc="left", pad=3)
        for axes in (plane, strip):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    figure.tight_layout(pad=0.4)
    figure.savefig(out, dpi=75)


def write_forms(folder: Path, seed: int, rows: int = 1024, across: int = 9) -> None:
    """A page with the formula, the first rows and the census of every form, and its pictures."""
    batch = s2jax.sample(jax.random.key(seed), config_of(512, STATES["2 to 4"]), rows)
    there = np.array([s2jax.ode.FORMS[one] for one in np.asarray(batch.dynamics.form)])
    last = {line["states"]: line for line in _pages.read_results("census")}["2 to 4"]
    tries = np.asarray(batch.tries)[:, 0]
    lines = [one for one in _pages.read_results("worth") if one["model"] == "mlp"]
    mase = [_pages.means_of(lines, kind)["ode"]["MASE"] for kind in (True, False)]
    parts = [FORMS_HEAD, WORTH_OF_ALL.format(*mase)]
    for name, form in s2jax.ode.forms.KNOWN.items():
        found = np.flatnonzero(there == name)[:across]
        if len(found) < across:
            continue
        draw_form(folder / f"form_{name}.png", batch, found)
        formula = (type(form).__doc__ or "").strip().splitlines()[0]
        formula = formula if "`" in formula else f"`{formula}`"
        shares = last["groups"].get(name)
        said = ""
        if shares:
            percent = lambda what, shares=shares: f"{100 * shares[what][0] / shares[what][1]:.0f} %"
            said = (
                f"Of {shares['periodic'][1]} rows {percent('at least 4 turns')} turn at least four "
                f"times, {percent('periodic')} are periodic, and {percent('chaotic')} are chaotic "
                f"({last['date'][:10]}, `python benchmarks/census.py run`)."
            )
        tried = tries[there == name]
        share = f"{100 * tried.size / tried.sum():.0f} %"
        said = f"Of {tried.sum():,} systems that were drawn, {share} are accepted. {said}".strip()
        title = name.replace("_", " ")
        parts.append(
            f"## {title}\n\n{formula}\n\n![Nine rows of {title}](form_{name}.png)\n\n{said}"
        )
    (folder / "forms.md").write_text("\n\n".join(parts) + "\n")


FORMS_HEAD = """# Forms of random equations

The picture of each form shows the first nine rows of a key that have it, none left out: two states
of each, with a dot where the row starts. In the formulas g is a random expression, another one in
every state of every row. [Differential equations](../differential-equations.md#forms) explains
them, and has the census with intervals. `driven` and `forced` follow inputs, and `stochastic` is
any other form with noise; they are not shown here. `python benchmarks/census.py forms` writes this
page."""


WORTH_OF_ALL = (
    "What a forecaster learns from all of them together, as `presets.ode` mixes them: {:.2f} and "
    "{:.2f} times the errors of repeating the last season, on the real series for choosing and on "
    "those that judge ([worth.md](../worth.md)); forms were not measured one by one. Given its "
    "equation and where it starts, the future of a row is known."
)


def draw_form(out: Path, batch: s2jax.Batch, rows: np.ndarray) -> None:
    """Two states of each row, side by side."""
    from PIL import Image

    from s2jax.plotting._figure import new_figure
    from s2jax.plotting._panels import Y_COLORS, plane

    figure = new_figure(1.25 * len(rows), 1.25)
    for axes, row in zip(figure.subplots(1, len(rows)), rows, strict=True):
        states = np.asarray(batch.y[row])[np.asarray(batch.y_mask[row])]
        first, second = states[list(plane(states))]
        axes.plot(first, second, color=Y_COLORS[0], linewidth=0.7)
        axes.plot(first[:1], second[:1], "o", color="black", markersize=2.5)
        axes.set_axis_off()
    figure.tight_layout(pad=0.3)
    figure.set_dpi(75)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).quantize(16).save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "page", "picture", "forms"))
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="append JSON lines to it, or write the picture")
    arguments = parser.parse_args()
    if arguments.what == "page":
        write_page()
    elif arguments.what == "forms":
        write_forms(Path(arguments.out or PAGE.parent / "zoo"), arguments.seed)
    elif arguments.what == "picture":
        draw_picture(Path(arguments.out or PAGE.with_name("dynamics.png")), arguments.seed)
    else:
        measure(arguments.rows, arguments.length, arguments.seed, arguments.out)


if __name__ == "__main__":
    main()

"""Tables of the documentation, written from the JSON lines of benchmarks and never by hand."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import _real
import numpy as np

RESULTS = Path(__file__).parent / "results"
Line = dict[str, Any]
FEATURES = {
    "skill_1": "skill_1",
    "skill_48": "skill_many",
    "entropy": "spectral_entropy",
    "acf_1": "acf_1",
    "season": "season_peak",
    "turning": "turning_points",
}
"""Columns of the table, and the names of `s2jax.statistics.describe`."""
SHARES = ("unforecastable", "affine", "unusable")
LENGTHS = (256, 1024)
WORTH = {"mlp": "worth", "transformer": "worth by a transformer"}
"""Where the tables of models stand in docs/worth.md."""
AGAINST = "mix, inputs only"
"""The source that others are compared with in the page."""


def read_results(benchmark: str, files: Iterable[Path] | None = None) -> list[Line]:
    """Lines of a benchmark in order of their dates, of all results that are kept if not said."""
    there = RESULTS.glob("*.jsonl") if files is None else (one for one in files if one.exists())
    lines = [json.loads(line) for one in there for line in one.read_text().splitlines()]
    own = [line for line in lines if line.get("benchmark") == benchmark]
    return sorted(own, key=lambda line: line["date"])


def show(text: str, name: str, page: str | None) -> None:
    """Print a table, and put it into a page if one is named."""
    print(text)
    if page:
        file = Path(page)
        file.write_text(replace_between(file.read_text(), name, text))


def replace_between(text: str, name: str, new: str) -> str:
    """A page with `new` between the comments `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: If it does not have both, once and in this order.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, is_there, rest = text.partition(start)
    _, is_closed, after = rest.partition(end)
    if not (is_there and is_closed) or start in after:
        raise ValueError(
            f"replace_between(name={name!r}): the page must have {start!r} and then {end!r} once, "
            "because the table goes between them. Put both where it belongs."
        )
    return f"{before}{start}{new.strip()}\n{end}{after}"


def cells_between(text: str, name: str) -> list[list[str]]:
    """Cells of the table that stands between the comments of a name, without its head."""
    own = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
    rows = [line for line in own.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


def rows_between(text: str, name: str) -> list[str]:
    """First cells of these rows."""
    return [cells[0] for cells in cells_between(text, name)]


def table_of(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")


def source_of(lines: Sequence[Line], command: str) -> str:
    """When lines were measured, and by what."""
    days = [line["date"][:10] for line in lines]
    period = " to ".join(dict.fromkeys([min(days), max(days)]))
    return f"\n\n{period}, `python benchmarks/{command}`."


def table_of_descriptors(lines: Sequence[Line], worth: Sequence[Line], names: list[str]) -> str:
    """What is known of families and presets by name, and what a forecaster made of them."""
    last = {line["name"]: line for line in lines}
    _check_all(last, names, "descriptors")
    mase = {kind: means_of(worth, kind) for kind in (True, False)}
    rows, used = [], []
    for name in names:
        line = last[name]
        used.append(line)
        medians = [f"{line['medians'][one]:.2f}" for one in FEATURES]
        shares = ["" if line["shares"][one] is None else f"{100 * line['shares'][one]:.0f} %"
                  for one in SHARES]  # fmt: skip
        trained = name.removeprefix("presets.")
        cells = [f"{one[trained]['MASE']:.2f}" if trained in one else "" for one in mase.values()]
        rows.append([f"`{name}`", *medians, *shares, *cells])
    heads = ["", *FEATURES, *SHARES, "MASE", "MASE, judging"]
    return table_of(heads, rows) + source_of(used, "inputs.py descriptors")


def figures_of_family(
    name: str,
    descriptors: Sequence[Line],
    speed: Sequence[Line],
    worth: Sequence[Line],
    future: str,
) -> str:
    """A line on a family, which stands under its picture."""
    line = next(one for one in reversed(descriptors) if one["name"] == name)
    fast = {one["config"]["length"]: one for one in speed if one["config"]["family"] == name}
    trained = [means_of(worth, kind).get(name) for kind in (True, False)]
    skills = [f"{line['medians'][one]:.2f}" for one in ("skill_1", "skill_48")]
    cells = {
        "[M points/s](../zoo.md#how-fast)": f"{fast[LENGTHS[0]]['points_per_s'] / 1e6:.1f}",
        "[skill](../zoo.md#what-can-be-learnt-from-them), 1 step": skills[0],
        "48 steps": skills[1],
        "unforecastable": f"{100 * line['shares']['unforecastable']:.0f} %",
        "[MASE](../worth.md), choosing and judging": ", ".join(
            f"{one['MASE']:.2f}" for one in trained if one
        )
        or "not measured",
        "law of the future": future,
    }
    return table_of(list(cells), [list(cells.values())])


def table_of_speed(lines: Sequence[Line], names: list[str]) -> str:
    """Millions of points per second by length."""
    last = {(line["config"]["family"], line["config"]["length"]): line for line in lines}
    _check_all(last, [(name, length) for name in names for length in LENGTHS], "speed")
    used = [last[name, length] for name in names for length in LENGTHS]
    cell = lambda name, length: f"{last[name, length]['points_per_s'] / 1e6:.1f}"
    rows = [[f"`{name}`", *(cell(name, length) for length in LENGTHS)] for name in names]
    heads = ["M points/s", *(f"T = {length}" for length in LENGTHS)]
    return table_of(heads, rows) + source_of(used, "inputs.py speed")


def _check_all(known: dict[Any, Line], needed: Sequence[Any], job: str) -> None:
    """Refuse to write a page that lacks a family."""
    if missing := [one for one in needed if one not in known]:
        raise ValueError(
            f"{job} of {missing}: must be in a file of {RESULTS}, because all are in the page. Run "
            f"`python benchmarks/inputs.py {job} --out FILE --only NAME` first."
        )


def logs_of(lines: Sequence[Line], is_for_choosing: bool) -> dict[str, np.ndarray]:
    """Logarithms of scores by source: `(seeds, sets, two scores)` of the sets that all have."""
    kind = _real.CHOOSING if is_for_choosing else _real.JUDGING
    names = [name for name, *_ in kind if all(name in line["sets"] for line in lines)]
    logs: dict[str, list[Any]] = {}
    for line in lines:
        scores = [[line["sets"][name][one] for one in ("MASE", "WQL")] for name in names]
        logs.setdefault(line["source"], []).append(np.log(scores))
    return {source: np.array(values) for source, values in logs.items()}


def means_of(lines: Sequence[Line], is_for_choosing: bool) -> dict[str, dict[str, float]]:
    """Geometric means of the scores of each source over sets and seeds."""
    found = {}
    for source, values in logs_of(lines, is_for_choosing).items():
        mase, wql = np.exp(values.mean((0, 1)))
        found[source] = {"MASE": float(mase), "WQL": float(wql)}
    return found


def table_of_worth(lines: Sequence[Line], against: str = AGAINST) -> str:
    """Scores of all sources on sets of both kinds, and how much worse than one of them they are."""
    logs = [logs_of(lines, is_for_choosing) for is_for_choosing in (True, False)]
    if against not in logs[0]:
        raise ValueError(
            f"--against {against!r}: must be one of the sources that were measured, "
            f"{', '.join(logs[0])}."
        )
    rows = []
    for source in sorted(logs[0], key=lambda name: logs[0][name][..., 0].mean()):
        own = [line["own_loss"] for line in lines if line["source"] == source]
        cells = []
        for one in logs:
            mase, wql = np.exp(one[source].mean((0, 1)))
            worse = _interval(one[source].mean(0)[:, 0] - one[against].mean(0)[:, 0])
            cells += [f"{mase:.3f}", f"{wql:.3f}", "" if source == against else worse]
        rows.append([f"`{source}`", *cells, f"{np.mean(own):.2f}", f"{len(own)}"])
    sets = [next(iter(one.values())).shape[1] for one in logs]
    heads = [f"MASE, {sets[0]} sets for choosing", "WQL", "MASE worse by"]
    heads += [f"MASE, {sets[1]} sets that judge", "WQL", "MASE worse by", "own", "seeds"]
    return table_of(["trained on", *heads], rows) + source_of(lines, "worth.py run")


def table_of_census(lines: Sequence[Line]) -> str:
    """What solutions do, of the last record of each number of states, by form."""
    from s2jax.ode._census import share_of, table_of_shares

    last = {line["states"]: line for line in lines}
    tables = []
    for states, line in sorted(last.items()):
        said = f"{states} states, {line['systems']} different systems among {line['rows']}:"
        groups = {
            name: {what: share_of(*pair) for what, pair in shares.items()}
            for name, shares in line["groups"].items()
        }
        tables.append(f"{said}\n\n{table_of_shares(groups)}")
    return "\n\n".join(tables) + source_of([*last.values()], "census.py run")


def _interval(differences: np.ndarray) -> str:
    """The mean difference of logarithms in percent, with a 95 % interval over sets."""
    random = np.random.default_rng(0)
    means = differences[random.integers(0, len(differences), (4000, len(differences)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    percent = lambda value: f"{100 * np.expm1(value):+.1f}"
    return f"{percent(differences.mean())} % [{percent(low)}, {percent(high)}]"

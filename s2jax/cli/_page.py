"""The page of `s2jax stats --html`: one file that shows what the numbers are about.

Its pictures are paths of SVG, written here: they are small, sharp at any size, take their colours
from the style of the page, light or dark, and need no other library.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from s2jax.cli._commands import UsageError
from s2jax.cli._series import Rows

_SHOWN = 9
_MOST_POINTS = 1500  # of a sample on a map
_WIDE, _HIGH, _MOST_STEPS = 1200, 300, 1024  # of a picture of a series
_TOLD = ("skill_many", "spectral_entropy", "turning_points")
_PAIRS = (
    ("spectral_entropy", "skill_many"),
    ("seasonal_strength", "trend_strength"),
    ("season_peak", "trend_strength"),
    ("permutation_entropy", "turning_points"),
    ("acf_1", "tail_index"),
)
"""Which single features are drawn against each other: the first three pairs that are defined."""
_ENDS = (
    ("spectral_entropy", "lowest"), ("spectral_entropy", "highest"), ("skill_many", "lowest"),
    ("skill_many", "highest"), ("season_peak", "highest"), ("trend_strength", "highest"),
    ("turning_points", "lowest"), ("turning_points", "highest"), ("tail_index", "lowest"),
    ("acf_1", "lowest"), ("cv2", "highest"), ("permutation_entropy", "lowest"),
)  # fmt: skip
"""Of which features the ends are drawn: the first nine that are defined."""
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>
:root {{ --back: #fff; --text: #1f2430; --dim: #667080; --line: #dfe3e8; --a: #2a6fab;
  --b: #d1495b }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: #15181e; --text: #e4e7ec; --dim: #98a2b0;
  --line: #343a44; --a: #6cb2ee; --b: #f2798a }} }}
body {{ background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 1120px; margin: 0 auto; padding: 1rem 1.25rem 4rem }}
h1, h2, h3 {{ line-height: 1.25; overflow-wrap: anywhere }}
h2 {{ margin: 2.5rem 0 .5rem }} h3 {{ margin: 1.75rem 0 .5rem }}
p {{ max-width: 46rem; margin: .5rem 0; overflow-wrap: anywhere }}
code {{ font-size: .9em }}
.scroll {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .9rem; margin: .75rem 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }}
th {{ font-weight: 600; white-space: nowrap }} td.said, .dim {{ color: var(--dim) }}
.series {{ display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(3, minmax(0, 1fr)) }}
.maps {{ display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(2, minmax(0, 1fr)) }}
@media (max-width: 720px) {{ .series, .maps {{ grid-template-columns: minmax(0, 1fr) }} }}
figure {{ margin: 0 }} svg {{ display: block; width: 100% }}
figcaption {{ font-size: .8rem; line-height: 1.4; overflow-wrap: anywhere }}
.series svg {{ border-bottom: 1px solid var(--line); margin-bottom: .25rem }}
path {{ fill: none; stroke-linecap: round; stroke-linejoin: round }}
.a {{ stroke: var(--a) }} .b {{ stroke: var(--b) }} .grid {{ stroke: var(--line) }}
.maps .a, .maps .b {{ stroke-width: 4.5; stroke-opacity: .5 }} .series path {{ stroke-width: 4 }}
svg text {{ fill: var(--dim); font: 12px system-ui, sans-serif }}
.key-a {{ color: var(--a) }} .key-b {{ color: var(--b) }}
</style></head><body>
"""


class Section(NamedTuple):
    """A table of the terminal and of the page.

    Attributes:
        title: What stands above the names of its rows.
        heads: What stands above the cells; none if each row has one cell.
        rows: Name, cells, and what the name says.
        note: A sentence below, or in place of the rows.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str], str]]
    note: str = ""


class Measured(NamedTuple):
    """Series of a source and their features.

    Attributes:
        rows: Where the series are from.
        points: Features `(points, features)`, of series that do not lack all values.
        series: The number of the series of each point, counted over rows and their outputs.
    """

    rows: Rows
    points: np.ndarray
    series: np.ndarray


class _Choice(NamedTuple):
    """Points to look at, and a word about each."""

    points: Sequence[int]
    notes: Sequence[str]


def check_page(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is drawn."""
    if out.is_dir():
        raise UsageError(
            f"--html {out}: must be a file, and is a folder. Pass a name in it, such as "
            f"{out / 'stats.html'}."
        )
    if not out.parent.is_dir():
        raise UsageError(
            f"--html {out}: must be in a folder that is there, and {out.parent} is none. Create "
            "it, or pass another name."
        )


def write_page(
    out: Path,
    sections: Iterable[Section],
    sources: Mapping[str, Measured],
    found: Mapping[str, Any],
    seed: int,
) -> None:
    """Write tables and pictures of the first source, beside those of the others.

    Args:
        out: The file.
        sections: The tables.
        sources: What was measured, by name.
        found: The comparisons of others with the first, by name; None where there is none.
        seed: Of the choice of series.
    """
    from s2jax.corpus.files import replacing

    first, *others = sources
    random = np.random.default_rng(seed)
    parts = [
        f"<h1>What {_safe(first)} is worth</h1>",
        _say("Features of its series, and the series themselves; written by s2jax stats."),
        "<h2>In numbers</h2>",
        _say("Medians over all series, with quartiles in brackets; shares of series by kind."),
        *map(_write_table, sections),
    ]
    for name, comparison in found.items():
        if comparison is not None:
            parts += _write_comparison(first, name, sources, comparison, random)
    parts += _write_typical(first, sources[first], random)
    parts += _write_extreme(first, sources[first])
    for name in others:
        parts += _write_typical(name, sources[name], random)
    page = _HEAD.format(title=_safe(f"s2jax stats {first}")) + "\n".join(parts) + "</body></html>\n"
    with replacing(out) as file:
        file.write(page.encode(errors="replace"))


def _safe(text: str) -> str:
    return html.escape(text)


def _say(text: str) -> str:
    return f"<p>{_safe(text)}</p>"


def _write_table(section: Section) -> str:
    heads = [section.title, *section.heads] if section.heads else []
    lines = ["".join(f"<th>{_safe(head)}</th>" for head in heads)]
    for name, cells, said in section.rows:
        texts = "".join(f"<td>{_safe(' '.join(cell.split()))}</td>" for cell in cells)
        lines.append(f'<th>{_safe(name)}</th>{texts}<td class="said">{_safe(said)}</td>')
    above = "" if heads else f"<h3>{_safe(section.title)}</h3>"
    rows = "".join(f"<tr>{line}</tr>" for line in lines if line)
    note = f'<p class="dim">{_safe(section.note)}</p>' if section.note else ""
    return f'{above}<div class="scroll"><table>{rows}</table></div>{note}'


# Series to look at.


def _write_typical(name: str, source: Measured, random: np.random.Generator) -> list[str]:
    from s2jax.statistics import standardize_samples

    parts = [f"<h2>Typical series of {_safe(name)}</h2>"]
    try:
        samples = standardize_samples(source.points, source.points)
    except ValueError as error:
        return [*parts, _say(f"None are chosen: {error}")]
    whole = np.flatnonzero(samples.real_rows)
    chosen = _choose_medoids(np.asarray(samples.real), random)
    chosen = chosen._replace(points=whole[chosen.points])
    said = (
        "Series are grouped by their features; of each group, the one in its middle, the largest "
        "group first. A forecaster sees mostly such series: are they what you would train on?"
    )
    return [*parts, _say(said), _tell_rows(source), _draw_all(source, chosen, "a")]


def _write_extreme(name: str, source: Measured) -> list[str]:
    said = (
        "The ends of single features, each a series of its own. What looks broken here, broke in "
        "few rows: the quartiles above say how few are like it."
    )
    pictures = _draw_all(source, _choose_extremes(source.points), "a")
    return [f"<h2>Extreme series of {_safe(name)}</h2>", _say(said), pictures]


def _choose_medoids(points: np.ndarray, random: np.random.Generator) -> _Choice:
    """Rows in the middle of clusters of `points`, found by k-means, the largest cluster first."""
    points = np.clip(points, -3, 3)  # or single outliers would be clusters
    middles = points[random.permutation(len(points))[:_SHOWN]]
    distances = lambda: ((points[:, None] - middles) ** 2).sum(-1)
    for _ in range(20):
        nearest = distances().argmin(1)
        for number in np.unique(nearest):
            middles[number] = points[nearest == number].mean(0)
    squares = distances()
    nearest = squares.argmin(1)
    sizes = np.bincount(nearest, minlength=len(middles))
    order = [number for number in np.argsort(-sizes, kind="stable") if sizes[number]]
    inside = [np.where(nearest == number, squares[:, number], np.inf) for number in order]
    shares = [f"stands for {sizes[number] / len(points):.0%}" for number in order]
    return _Choice([int(one.argmin()) for one in inside], shares)


def _choose_extremes(points: np.ndarray) -> _Choice:
    """The ends of single features, no series twice."""
    chosen, notes = [], []
    for name, end in _ENDS:
        values = np.array(_column(points, name))
        values[chosen] = np.nan
        if len(chosen) < _SHOWN and np.isfinite(values).any():
            values[~np.isfinite(values)] = np.nan
            chosen.append(int(np.nanargmin(values) if end == "lowest" else np.nanargmax(values)))
            notes.append(f"{end} {name}, {values[chosen[-1]]:.3g}")
    return _Choice(chosen, notes)


def _column(points: np.ndarray, name: str) -> np.ndarray:
    from s2jax.statistics import Features

    return points[:, Features._fields.index(name)]


def _tell_rows(source: Measured) -> str:
    return f"<p class='dim'>Row N is <code>{_safe(source.rows.recipe)}</code>.</p>"


def _draw_all(source: Measured, choice: _Choice, color: str) -> str:
    """Pictures of series, each above what is known of it."""
    series = source.rows.y.reshape(-1, source.rows.y.shape[-1])
    figures = []
    for point, note in zip(choice.points, choice.notes, strict=True):
        number = int(source.series[point])
        facts = (f"{name} {_column(source.points, name)[point]:.2g}" for name in _TOLD)
        where, what = _name_series(source.rows, number)
        lines = f"<b>{_safe(where)}</b> {_safe(note)}<br>{_safe(what)}{'<br>' * bool(what)}"
        figures.append(
            f"<figure>{_draw_series(series[number], color)}<figcaption>{lines}"
            f'<span class="dim">{_safe(", ".join(facts))}</span></figcaption></figure>'
        )
    return f'<div class="series">{"".join(figures)}</div>'


def _name_series(rows: Rows, number: int) -> tuple[str, str]:
    """Which series it is, and its expression and the families of its inputs, if it has them."""
    row, output = divmod(number, rows.y.shape[1])
    where = f"row {rows.numbers[row]}" + (f", output {output}" if rows.y.shape[1] > 1 else "")
    if rows.batch is None:
        return where, ""
    import jax

    from s2jax.core.checks import cut
    from s2jax.text import to_text
    from s2jax.text.write_text import UNUSED

    program = jax.tree.map(lambda leaf: np.asarray(leaf[row]), rows.batch.program)
    texts = to_text(program, style="sympy").split(" | ")
    text = texts[output] if output < len(texts) else ""
    start = "y = " if rows.batch.dynamics is None else "y' = "
    what = [cut(start + text, 240)] if text not in ("", UNUSED) else []
    source = rows.batch.x_source
    if source is not None and rows.x is not None:
        families = np.asarray(source.family[row])[np.asarray(rows.batch.x_mask[row])]
        names = [type(rows.config.choice.families[one]).__name__ for one in families]
        what += [" of ".join(["x", ", ".join(dict.fromkeys(names))])] if names else []
    return where, "; ".join(what)


def _draw_series(values: np.ndarray, color: str) -> str:
    """A series as a line, broken where values are missing; of a long one, ends of short spans."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    steps = np.arange(len(values), dtype=np.float64)
    if len(values) > _MOST_STEPS:
        starts = np.arange(_MOST_STEPS // 2) * len(values) // (_MOST_STEPS // 2)
        ends = [one.reduceat(values, starts) for one in (np.fmin, np.fmax)]
        values, steps = np.stack(ends, 1).reshape(-1), np.repeat(steps[starts], 2)
    low, high = np.nanmin(values), np.nanmax(values)
    x = 4 + (_WIDE - 8) * steps / max(steps[-1], 1)
    y = np.full(len(values), _HIGH / 2)
    if high > low:
        y = _HIGH - 6 - (_HIGH - 12) * (values / 2 - low / 2) / (high / 2 - low / 2)
    pen, path = "M", []
    for at, height, value in zip(x, y, values, strict=True):
        if np.isnan(value):
            pen = "M"
        else:
            path.append(f"{pen}{at:.0f} {height:.0f}{'h0' if pen == 'M' else ''}")
            pen = "L"
    return f'<svg viewBox="0 0 {_WIDE} {_HIGH}"><path class="{color}" d="{"".join(path)}"/></svg>'


# Two samples beside each other.


def _write_comparison(
    ours: str,
    theirs: str,
    sources: Mapping[str, Measured],
    found: Any,
    random: np.random.Generator,
) -> list[str]:
    """Maps of features, and series of one that the other has none beside."""
    a, b = sources[ours], sources[theirs]
    parts = [
        f"<h2>{_safe(ours)} beside {_safe(theirs)}</h2>",
        *_write_maps(ours, theirs, a, b, found, random),
    ]
    kinds = (
        (ours, theirs, b, found.samples.real, found.samples.real_rows, found.prdc.covered, "b"),
        (theirs, ours, a, found.samples.synthetic, found.samples.synthetic_rows,
         found.prdc.inside, "a"),
    )  # fmt: skip
    for without, name, source, points, kept, met, color in kinds:
        missing = np.flatnonzero(~np.asarray(met))
        whole = np.flatnonzero(kept)
        parts.append(f"<h3>What {_safe(name)} has and {_safe(without)} lacks</h3>")
        share = f"{len(missing):,} of {len(whole):,} series ({len(missing) / len(whole):.0%})"
        if not len(missing):
            parts.append(_say("Nothing: each of its series has one of the other beside it."))
            continue
        rule = (
            f"of {name} have none of {without} as near as their own fifth neighbour."
            if color == "b"
            else f"of {name} are farther from each of {without} than its own fifth neighbour is."
        )
        chosen = _choose_medoids(np.asarray(points)[missing], random)
        chosen = chosen._replace(points=whole[missing[chosen.points]])
        more = "Grouped as the typical ones below; shares are of these."
        parts += [_say(f"{share} {rule} {more}"), _tell_rows(source)]
        parts.append(_draw_all(source, chosen, color))
    return parts


def _write_maps(
    ours: str, theirs: str, a: Measured, b: Measured, found: Any, random: np.random.Generator
) -> list[str]:
    """The plane in which both vary most, and pairs of single features."""
    samples = found.samples
    names = [n for n, is_in in zip(_all_names(), samples.features, strict=True) if is_in]
    both = [np.asarray(samples.synthetic), np.asarray(samples.real)]
    whole = [a.points[samples.synthetic_rows], b.points[samples.real_rows]]
    few = [np.sort(random.permutation(len(one))[:_MOST_POINTS]) for one in both]
    planes, labels, share = _find_plane(both, names)
    drawn = [_draw_map([one[rows] for one, rows in zip(planes, few, strict=True)], labels)]
    pairs = [pair for pair in _PAIRS if set(pair) <= set(names)][:3]
    for pair in pairs:
        columns = [
            np.stack([_column(one, name)[rows] for name in pair], 1)
            for one, rows in zip(whole, few, strict=True)
        ]
        drawn.append(_draw_map(columns, pair))
    key = " and ".join(
        f'<b class="key-{color}">&#9679; {_safe(name)}</b> ({len(one):,} series)'
        for color, name, one in zip("ab", (ours, theirs), both, strict=True)
    )
    said = (
        f"Where {theirs} is alone, nothing like it is drawn; where {ours} is alone, it is unlike "
        f"any of {theirs}. The first map is the plane in which features vary most; {share:.0%} of "
        "their variance is in it, so that points that meet in it may be far apart, and points "
        "that are apart are. The others have two features each. What is beyond an edge is drawn "
        f"on it; of each, {_MOST_POINTS:,} points at most are drawn."
    )
    return [f"<p>{key}.</p>", _say(said), f'<div class="maps">{"".join(drawn)}</div>']


def _all_names() -> tuple[str, ...]:
    from s2jax.statistics import Features

    return Features._fields


def _find_plane(
    both: list[np.ndarray], names: Sequence[str]
) -> tuple[list[np.ndarray], tuple[str, str], float]:
    """Points in the first two principal components, what these are made of, and their share."""
    both = [np.clip(one, -5, 5) for one in both]  # or a few outliers would turn the plane
    middle = np.mean([one.mean(0) for one in both], 0)
    spread = sum((one - middle).T @ (one - middle) / len(one) for one in both)
    values, vectors = np.linalg.eigh(spread)
    axes = vectors[:, :-3:-1]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    labels = []
    for axis in axes.T:
        most = np.argsort(-np.abs(axis))[:3]
        labels.append(" ".join(f"{'+' if axis[k] > 0 else '-'} {names[k]}" for k in most))
    if len(labels) == 1:
        axes, labels = np.repeat(axes, 2, 1), labels * 2
    share = float(values[-2:].sum() / max(values.sum(), 1e-30))
    return [(one - middle) @ axes for one in both], (labels[0], labels[1]), share


def _draw_map(both: list[np.ndarray], labels: Sequence[str]) -> str:
    """Points of two samples; those beyond all but one in a hundred are put on the edge."""
    left, right, top, bottom = 46, 452, 8, 290
    points = np.concatenate(both)
    low, high = np.percentile(points, [1, 99], axis=0)
    wide = np.where(high > low, high - low, 1)
    low, high = low - 0.03 * wide, high + 0.03 * wide
    to_x = lambda v: left + (right - left) * (v - low[0]) / (high[0] - low[0])
    to_y = lambda v: bottom - (bottom - top) * (v - low[1]) / (high[1] - low[1])
    parts = [f'<path class="grid" d="M{left} {top}V{bottom}H{right}"/>']
    for tick in _find_ticks(low[0], high[0]):
        parts.append(f'<text x="{to_x(tick):.0f}" y="306" text-anchor="middle">{tick:g}</text>')
    for tick in _find_ticks(low[1], high[1]):
        parts.append(
            f'<text x="{left - 6}" y="{to_y(tick) + 4:.0f}" text-anchor="end">{tick:g}</text>'
        )
    for color, one in zip("ab", both, strict=True):
        x, y = (np.clip(one[:, k], low[k], high[k]) for k in (0, 1))
        dots = "".join(f"M{u:.0f} {v:.0f}h0" for u, v in zip(to_x(x), to_y(y), strict=True))
        parts.append(f'<path class="{color}" d="{dots}"/>')
    said = f"Across: {labels[0]}. Up: {labels[1]}."
    picture = f'<svg viewBox="0 0 460 312">{"".join(parts)}</svg>'
    return f"<figure>{picture}<figcaption>{_safe(said)}</figcaption></figure>"


def _find_ticks(low: float, high: float) -> list[float]:
    """Round numbers in a range, three to six of them."""
    size = 10.0 ** np.floor(np.log10((high - low) / 3))
    step = next(s * size for s in (5, 2, 1) if (high - low) / (s * size) >= 3)
    return [float(step * k) for k in range(int(np.ceil(low / step)), int(high // step) + 1)]

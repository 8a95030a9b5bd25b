"""The page of `s2jax stats --html`: one file that shows what the numbers are about.

Its pictures are paths of SVG: small, sharp at any size, in the colours of the page, light or dark,
and they need no other library.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from s2jax.cli._commands import UsageError
from s2jax.cli._series import Rows
from s2jax.cli._svg import HEAD, draw_map, draw_series

_SHOWN = 9
_MOST_POINTS = 1500  # of a sample on a map
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
    """Write tables, and pictures of the first of the sources beside the others.

    Args:
        out: The file.
        sections: The tables.
        sources: What was measured, by name.
        found: The comparisons of others with the first, by name; None where there is none.
        seed: Of the choice of series.
    """
    from s2jax.corpus.files import replacing

    names = {name: Path(name).name or name for name in sources}
    if len(set(names.values())) < len(names):
        names = {name: name for name in sources}
    first, *others = sources
    random = np.random.default_rng(seed)
    parts = [
        f"<h1>What {_safe(names[first])} is worth</h1>",
        _say("Features of its series, and the series themselves; written by s2jax stats."),
        "<h2>In numbers</h2>",
        _say("Medians over all series, with quartiles in brackets; shares of series by kind."),
        *map(_write_table, sections),
    ]
    for name, comparison in found.items():
        if comparison is not None:
            pair = (names[first], names[name]), (sources[first], sources[name])
            parts += _write_comparison(*pair, comparison, random)
    parts += _write_typical(names[first], sources[first], random, "a")
    parts += _write_extreme(names[first], sources[first])
    for name in others:
        parts += _write_typical(names[name], sources[name], random, "b")
    page = (
        HEAD.format(title=_safe(f"s2jax stats: {names[first]}"))
        + "\n".join(parts)
        + "</body></html>\n"
    )
    with replacing(out) as file:
        file.write(page.encode(errors="replace"))


def _safe(text: str) -> str:
    return html.escape(text)


def _say(text: str) -> str:
    return f"<p>{_safe(text)}</p>"


def _write_table(section: Section) -> str:
    heads = [section.title, *section.heads] if section.heads else []
    lines = ["".join(f"<th>{_safe(head)}</th>" for head in [*heads, ""])] if heads else []
    for name, cells, said in section.rows:
        texts = "".join(f"<td>{_safe(' '.join(cell.split()))}</td>" for cell in cells)
        lines.append(f'<th>{_safe(name)}</th>{texts}<td class="dim">{_safe(said)}</td>')
    above = "" if heads else f"<h3>{_safe(section.title)}</h3>"
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    note = f'<p class="dim">{_safe(section.note)}</p>' if section.note else ""
    return f'{above}<div class="scroll"><table>{rows}</table></div>{note}'


# Series to look at.


def _write_typical(
    name: str, source: Measured, random: np.random.Generator, color: str
) -> list[str]:
    from s2jax.statistics import standardize_samples

    parts = [f"<h2>Typical series of {_safe(name)}</h2>"]
    try:
        samples = standardize_samples(source.points, source.points)
    except ValueError:
        why = "None are chosen, because fewer than two of its series have features that vary."
        return [*parts, _say(why)]
    chosen = _choose_medoids(np.asarray(samples.real), random)
    chosen = chosen._replace(points=np.flatnonzero(samples.real_rows)[chosen.points])
    said = (
        "Series are grouped by their features; of each group, the one in its middle, the largest "
        "group first. Most of what a model is trained on, or judged by, looks like these."
    )
    return [*parts, _say(said), _tell_rows(source), _draw_all(source, chosen, color)]


def _write_extreme(name: str, source: Measured) -> list[str]:
    said = (
        "The ends of single features. Where one looks broken, the quartiles of the feature say "
        "how far it is from most."
    )
    parts = [f"<h2>Extreme series of {_safe(name)}</h2>", _say(said), _tell_rows(source)]
    return [*parts, _draw_all(source, _choose_extremes(source.points), "a")]


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
    shares = [f"stands for {sizes[number] / len(points):.0%} of these" for number in order]
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
        facts = (f"{name}\xa0{_column(source.points, name)[point]:.2g}" for name in _TOLD)
        where, what = _name_series(source.rows, number)
        lines = f"<b>{_safe(where)}</b> {_safe(note)}<br>{_safe(what)}{'<br>' * bool(what)}"
        figures.append(
            f"<figure>{draw_series(series[number], color)}<figcaption>{lines}"
            f'<span class="dim">{_safe(", ".join(facts))}</span></figcaption></figure>'
        )
    return f'<div class="series">{"".join(figures)}</div>'


def _name_series(rows: Rows, number: int) -> tuple[str, str]:
    """Which series it is, and its expression and the families of its inputs, if it has them."""
    row, output = divmod(number, rows.y.shape[1])
    name = f"y_{output}" if rows.y.shape[1] > 1 else "y"
    where = f"row {rows.numbers[row]}" + (f", {name}" if name != "y" else "")
    if rows.batch is None:
        return where, ""
    import jax

    from s2jax.core.checks import cut
    from s2jax.ode.dynamics import write_noise
    from s2jax.text import to_text
    from s2jax.text.write_text import UNUSED

    one = jax.tree.map(lambda leaf: np.asarray(leaf)[row : row + 1], rows.batch)
    get = lambda texts: dict(enumerate(texts[0].split(" | "))).get(output, UNUSED)
    text, what = get(to_text(one.program, style="sympy")), []
    if one.dynamics is not None:
        noise = get(write_noise(one.dynamics, one.y_mask))
        if noise not in ("", UNUSED):
            text += f" + {noise.replace(' mul ', '*')}*W_{output}"
        name += "'"
    if text not in ("", UNUSED):
        what.append(cut(f"{name} = {text}", 240))
    if one.x_source is not None and rows.x is not None:
        families = one.x_source.family[one.x_mask]
        names = [type(rows.config.choice.families[index]).__name__ for index in families]
        what += [f"x of {', '.join(dict.fromkeys(names))}"] if names else []
    return where, "; ".join(what)


# Two samples beside each other.


def _write_comparison(
    names: tuple[str, str],
    sources: tuple[Measured, Measured],
    found: Any,
    random: np.random.Generator,
) -> list[str]:
    """Maps of features of ours and theirs, and series of each that the other has none beside."""
    ours, theirs = names
    samples, flags = found.samples, found.prdc
    parts = [f"<h2>{_safe(ours)} beside {_safe(theirs)}</h2>"]
    parts += _write_maps(names, sources, samples, random)
    parts.append(f"<h3>What {_safe(theirs)} has and {_safe(ours)} lacks</h3>")
    rule = f"of {theirs} have none of {ours} as near as their own fifth neighbour"
    group = _Group(sources[1], samples.real, samples.real_rows, ~np.asarray(flags.covered))
    parts += _write_unmet(group, rule, "b", random)
    parts.append(f"<h3>What {_safe(ours)} has and {_safe(theirs)} lacks</h3>")
    rule = f"of {ours} are farther from each of {theirs} than its own fifth neighbour is"
    group = _Group(sources[0], samples.synthetic, samples.synthetic_rows, ~np.asarray(flags.inside))
    return parts + _write_unmet(group, rule, "a", random)


class _Group(NamedTuple):
    """A sample of a comparison: its source, its points, which of the source they are, and flags."""

    source: Measured
    points: Any
    kept: np.ndarray
    unmet: np.ndarray


def _write_unmet(group: _Group, rule: str, color: str, random: np.random.Generator) -> list[str]:
    """How many series the other sample has none beside, and what they look like."""
    missing, whole = np.flatnonzero(group.unmet), np.flatnonzero(group.kept)
    share = f"{len(missing):,} of {len(whole):,} series ({len(missing) / len(whole):.0%}) {rule}."
    if not len(missing):
        return [_say(share)]
    chosen = _choose_medoids(np.asarray(group.points)[missing], random)
    chosen = chosen._replace(points=whole[missing[chosen.points]])
    more = "They are grouped by their features; of each group, the one in its middle."
    pictures = _draw_all(group.source, chosen, color)
    return [_say(f"{share} {more}"), _tell_rows(group.source), pictures]


def _write_maps(
    names: tuple[str, str],
    sources: tuple[Measured, Measured],
    samples: Any,
    random: np.random.Generator,
) -> list[str]:
    """The plane in which both vary most, and pairs of single features."""
    from s2jax.statistics import Features

    features = [n for n, is_in in zip(Features._fields, samples.features, strict=True) if is_in]
    both = [np.asarray(samples.synthetic), np.asarray(samples.real)]
    kept = samples.synthetic_rows, samples.real_rows
    whole = [source.points[rows] for source, rows in zip(sources, kept, strict=True)]
    few = [np.sort(random.permutation(len(one))[:_MOST_POINTS]) for one in both]
    take = lambda tables: [one[rows] for one, rows in zip(tables, few, strict=True)]
    planes, labels, share = _find_plane(both, features)
    drawn = [draw_map(take(planes), labels)]
    for pair in [pair for pair in _PAIRS if set(pair) <= set(features)][:3]:
        columns = [np.stack([_column(one, name) for name in pair], 1) for one in whole]
        drawn.append(draw_map(take(columns), pair))
    key = " and ".join(
        f'<b class="key-{color}">&#9679; {_safe(name)}</b> ({len(one):,} series)'
        for color, name, one in zip("ab", names, both, strict=True)
    )
    ours, theirs = names
    said = (
        f"Each point is a series. Where {theirs} is alone, {ours} has nothing like it; where "
        f"{ours} is alone, it is unlike {theirs}. The first map is the plane in which all features "
        f"together vary most. It holds {share:.0%} of their variance: series that are apart in it "
        "differ, and series that meet may differ too. The other maps have two features each. What "
        f"is beyond an edge is drawn on it. Of each, {_MOST_POINTS:,} points at most are drawn."
    )
    return [f"<p>{key}.</p>", _say(said), f'<div class="maps">{"".join(drawn)}</div>']


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
        text = " ".join(f"{'+' if axis[k] > 0 else '-'} {names[k]}" for k in most)
        labels.append(text.removeprefix("+ "))
    if len(labels) == 1:
        axes, labels = np.repeat(axes, 2, 1), labels * 2
    share = float(values[-2:].sum() / max(values.sum(), 1e-30))
    return [(one - middle) @ axes for one in both], (labels[0], labels[1]), share

"""The command that says what a corpus is worth learning from."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2jax.cli._commands import Stats, StatsPreset, UsageError
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._page import Measured, Section, check_page, write_page
from s2jax.cli._series import Rows, draw_rows, read_rows
from s2jax.corpus.figures import SHOWN, shares_of

_SHARES = ("unforecastable", "constant", "affine", "monotone", "counts", "duplicates", "undefined")
_DISTANCES = {
    "precision": "share of series that lie among its series",
    "recall": "share of its series that lie among these",
    "density": "how densely they lie among its series; 1: as its own do",
    "coverage": "share of its series with one of these beside them",
    "sliced_wasserstein": "in standard deviations of its features",
    "mmd": "squared, of a Gaussian kernel; 0: equal laws",
    "energy_distance": "0: equal laws",
    "frechet": "between the normal laws of both",
    "nearest": "median distance to the nearest of its series",
    "nearest_own": "to the nearest of these series",
    "vendi_score": "how many different series equally many of these are worth",
    "vendi_of_it": "and of its",
}
"""Distances that are printed, and what they say."""
_NEIGHBOUR = 5


def stats(command: Stats) -> int:
    """Print features of series, beside those of others, and how far they are from them."""
    if command.html is not None:
        check_page(command.html)
    prepare_to_draw()
    if command.rows < 1:
        raise UsageError(f"--rows {command.rows}: must be >= 1.")
    first, sources = str(command.path), {}
    if isinstance(command, StatsPreset):
        first = f"preset {command.preset}"
        sources[first] = draw_rows(command)
    paths = [*command.against] if sources else [command.path, *command.against]
    sources |= {str(path): read_rows(path, command.rows, command.seed) for path in paths}
    both = {name: _measure(rows, command) for name, rows in sources.items()}
    tables = {name: table for name, (table, _) in both.items()}
    measured = {name: one for name, (_, one) in both.items()}
    found = {}
    for other in map(str, command.against):
        points = measured[other].points, measured[first].points
        table, found[other] = _compare(*points, command.seed)
        tables[first].setdefault("against", {})[other] = table
    if command.html is not None:
        write_page(command.html, _list_sections(tables), measured, found, command.seed)
    if command.json:
        json.dump(tables, sys.stdout, indent=1)
        print()
    else:
        _print(_list_sections(tables))
        if command.html is not None:
            print(f"\npage {command.html}")
    return 0


def _measure(rows: Rows, command: Stats) -> tuple[dict[str, Any], Measured]:
    """A table of what is known of series, and their features."""
    from s2jax import statistics

    series = rows.y.reshape(-1, rows.y.shape[-1])
    found = statistics.describe(series, period=command.period)
    kinds = shares_of(rows.y, rows.x)._asdict()
    if len(series) > 1:
        there = series[np.isfinite(series).any(-1)]
        kinds["duplicates"] = statistics.duplicate_share(there) if len(there) > 1 else np.nan
    quartiles = {}
    for name, values in found._asdict().items():
        known = np.asarray(values)[np.isfinite(np.asarray(values))]
        quartiles[name] = {
            "quartiles": _quartiles(known),
            "undefined": int(np.size(values) - known.size),
        }
    table = {
        "series": int(kinds["number"]),
        "steps": int(series.shape[-1]),
        "features": quartiles,
        "shares": {name: float(kinds.get(name, np.nan)) for name in _SHARES},
        **(_describe_programs(rows) if rows.batch is not None else {}),
    }
    points = np.stack([np.asarray(one) for one in found], -1)
    there = np.flatnonzero(np.asarray(found.missing) < 1)
    return table, Measured(rows, points[there], there)


def _quartiles(values: np.ndarray) -> list[float | None]:
    return np.percentile(values, [25, 50, 75]).tolist() if values.size else [None] * 3


def _describe_programs(rows: Rows) -> dict[str, Any]:
    """What the expressions, inputs and tries of rows are."""
    import s2jax
    from s2jax.corpus.shards import Counts
    from s2jax.programs.operators import TABLE

    program, source = rows.batch.program, rows.batch.x_source
    length = np.asarray(program.length)
    used = np.arange(program.num_nodes) < length[..., None]
    numbers = np.bincount(np.asarray(program.op)[used], minlength=len(TABLE))
    operators = {op.name: int(n) for op, n in zip(TABLE, numbers, strict=True) if n and op.arity}
    operators.pop("id", None)
    words = np.asarray(s2jax.skeleton_hash(program, normal=True))[length > 0]
    sizes, counts = np.unique(length[length > 0], return_counts=True)
    tries = Counts()
    tries.add(rows.batch, rows.config.target)
    found: dict[str, Any] = {
        "expressions": {
            "number": len(words),
            "skeletons": len(np.unique(words, axis=0)),
            "instructions": dict(zip(sizes.tolist(), counts.tolist(), strict=True)),
            "operators": dict(sorted(operators.items(), key=lambda pair: -pair[1])),
        },
        "tries": tries.totals,
    }
    if source is not None and rows.x is not None:
        names = [type(family).__name__ for family in rows.config.choice.families]
        channels = np.asarray(source.family)[np.asarray(rows.batch.x_mask)]
        shares = np.bincount(channels, minlength=len(names)) / max(channels.size, 1)
        found["families"] = [[name, float(one)] for name, one in zip(names, shares, strict=True)]
    return found


def _compare(
    real: np.ndarray, synthetic: np.ndarray, seed: int
) -> tuple[dict[str, Any], Any | None]:
    """Distances with their intervals, those of two halves of the real sample, and the comparison.

    There is no comparison where it was refused.
    """
    import jax

    from s2jax import statistics

    key, random = jax.random.key(seed), np.random.default_rng(seed)
    try:
        found = statistics.compare(key, real, synthetic, _NEIGHBOUR)
    except ValueError as error:  # too few rows, or none with all features
        return {"refused": str(error)}, None
    kept = found.samples.features
    table = {
        "distances": _list_distances(found),
        "features": [name for name, is_in in zip(_names(), kept, strict=True) if is_in],
        "left_out": {
            "features": [name for name, is_in in zip(_names(), kept, strict=True) if not is_in],
            "series": int((~found.samples.synthetic_rows).sum()),
            "of_it": int((~found.samples.real_rows).sum()),
        },
    }
    whole = np.asarray(found.samples.real)
    half = len(whole) // 2
    if half > _NEIGHBOUR:
        mixed = whole[random.permutation(len(whole))]
        halves = statistics.compare(key, mixed[:half], mixed[half:], _NEIGHBOUR, max_missing=0)
        table["halves_of_it"] = _list_distances(halves)
    return table, found


def _names() -> tuple[str, ...]:
    from s2jax.statistics import Features

    return Features._fields


def _list_distances(found: Any) -> dict[str, dict[str, Any]]:
    """Values, and the intervals of those that have one."""
    values = {"frechet": found.frechet}
    values["nearest"] = np.median(found.nearest.to_real)
    values["nearest_own"] = np.median(found.nearest.synthetic)
    values["vendi_score"], values["vendi_of_it"] = found.vendi_synthetic, found.vendi_real
    table: dict[str, dict[str, Any]] = {name: {"value": float(v)} for name, v in values.items()}
    estimates = {name: getattr(found.prdc, name) for name in list(_DISTANCES)[:4]}
    for name in ("sliced_wasserstein", "mmd", "energy_distance"):
        estimates[name] = getattr(found, name)
    for name, estimate in estimates.items():
        value, low, high = map(float, estimate)
        table[name] = {"value": value, "interval": [low, high]}
    return {name: table[name] for name in _DISTANCES}


def _list_sections(tables: Mapping[str, dict[str, Any]]) -> list[Section]:
    """The tables as they are read, in the terminal and on the page."""
    names = [Path(path).name or path for path in tables]
    rows = [("series", [f"{one['series']:,} of {one['steps']:,}" for one in tables.values()], "")]
    for name, said in SHOWN.items():
        cells = [one["features"][name]["quartiles"] for one in tables.values()]
        rows.append((name, [_as_text(cell) for cell in cells], said))
    for name in _SHARES:
        cells = [one["shares"][name] for one in tables.values()]
        rows.append((name, ["" if np.isnan(n) else f"{100 * n:.1f} %" for n in cells], ""))
    sections = [Section("", names, rows)]
    for name, table in zip(names, tables.values(), strict=True):
        if "expressions" in table:
            sections.append(_list_programs(name, table))
    against = next(iter(tables.values())).get("against", {})
    return sections + [_list_against(Path(path).name or path, one) for path, one in against.items()]


def _print(sections: list[Section]) -> None:
    for number, section in enumerate(sections):
        if number:
            print()
        if section.heads:
            _print_row(section.title, section.heads)
            for row in section.rows:
                _print_row(*row)
        elif section.rows:
            print(section.title)
            for name, cells, _ in section.rows:
                print(f"{name:<12}", *cells)
        else:
            print(f"{section.title}: {section.note}")
        if section.note and section.rows:
            print(section.note)


def _print_row(name: str, cells: Sequence[str], said: str = "") -> None:
    width = max(map(len, [*SHOWN, *_SHARES, *_DISTANCES]))
    print(" ".join([f"{name:<{width}}", *(f"{cell:>24}" for cell in cells), f" {said}"]).rstrip())


def _as_text(numbers: list[float | None]) -> str:
    if numbers[0] is None:
        return "not defined"
    low, middle, high = numbers
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _list_programs(name: str, table: dict[str, Any]) -> Section:
    from s2jax.corpus.info import lines, outcomes

    programs = table["expressions"]
    number, different = programs["number"], programs["skeletons"]
    accepted, rejected = outcomes(table["tries"])
    facts = {
        "skeletons": f"{different:,} among {number:,} expressions, like terms merged",
        "sizes": _list_sizes(programs["instructions"]),
        "operators": lines(f"{word}\xa0{n:,}" for word, n in programs["operators"].items()),
        "families": lines(f"{word}\xa0{100 * n:.1f}\xa0%" for word, n in table.get("families", ())),
        "tries": accepted,
        "rejected": lines([rejected]),
    }
    return Section(name, [], [(word, [value], "") for word, value in facts.items() if value])


def _list_sizes(counts: dict[int, int]) -> str:
    """Quartiles of a histogram."""
    if not counts:
        return ""
    sizes = np.repeat([*counts], [*counts.values()])
    low, middle, high = np.percentile(sizes, [25, 50, 75])
    return f"{middle:g} ({low:g} to {high:g}) instructions"


def _list_against(name: str, found: dict[str, Any]) -> Section:
    if "refused" in found:
        return Section(f"against {name}", [], [], found["refused"])
    halves = found.get("halves_of_it", {})
    rows = [
        (
            word,
            [_with_interval(cell) for cell in (found["distances"][word], halves.get(word))],
            said,
        )
        for word, said in _DISTANCES.items()
    ]
    left_out = found["left_out"]
    without = ", ".join(["", *left_out["features"]]).replace(", ", ", without ", 1)
    note = (
        f"of {len(found['features'])} features{without}; {left_out['series']:,} series and "
        f"{left_out['of_it']:,} of it are left out."
    )
    return Section(f"against {name}", ["", "its two halves"], rows, note)


def _with_interval(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    digits = lambda number: f"{number:.2f}" if abs(number) >= 0.1 else f"{number:.3f}"
    if "interval" not in cell:
        return digits(cell["value"])
    return f"{digits(cell['value'])} ({' to '.join(map(digits, cell['interval']))})"

"""The command that says what a corpus is worth learning from."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from s2jax.cli._commands import Stats, StatsPreset, UsageError
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._series import Rows, draw_rows, read_rows

_FEATURES = {
    "skill_1": "one step ahead, an autoregression explains (1: all, 0: nothing)",
    "skill_many": "the same for 48 steps at once",
    "spectral_entropy": "0: a line spectrum, 1: white noise",
    "permutation_entropy": "of the order of values, 1: white noise",
    "acf_1": "autocorrelation at one step",
    "season_peak": "highest later peak of the autocorrelation",
    "turning_points": "per 100 steps; white noise 67, a line 0",
    "trend_strength": "of a trend beside what is left",
    "tail_index": "Hill's: small is heavy",
}
"""Features that are printed, and what they say; --json has all."""
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
    prepare_to_draw()
    if command.rows < 1:
        raise UsageError(f"--rows {command.rows}: must be >= 1.")
    first, sources = str(command.path), {}
    if isinstance(command, StatsPreset):
        first = f"preset {command.preset}"
        sources[first] = draw_rows(command)
    paths = [*command.against] if sources else [command.path, *command.against]
    sources |= {str(path): read_rows(path, command.rows, command.seed) for path in paths}
    measured = {name: _measure(rows, command) for name, rows in sources.items()}
    tables = {name: table for name, (table, _) in measured.items()}
    if command.against:
        points = {name: one for name, (_, one) in measured.items()}
        others = [str(path) for path in command.against]
        found = {other: _compare(points[other], points[first], command.seed) for other in others}
        tables[first]["against"] = found
    if command.json:
        json.dump(tables, sys.stdout, indent=1)
        print()
    else:
        _print(tables)
    return 0


def _measure(rows: Rows, command: Stats) -> tuple[dict[str, Any], np.ndarray]:
    """A table of what is known of series, and their features: `(series, features)`."""
    from s2jax import statistics

    series = rows.y.reshape(-1, rows.y.shape[-1])
    found = statistics.describe(series, period=command.period)
    kinds = statistics.shares(rows.y, rows.x)._asdict()
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
    return table, points[np.asarray(found.missing) < 1]


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


def _compare(real: np.ndarray, synthetic: np.ndarray, seed: int) -> dict[str, Any]:
    """Distances with their intervals, and those of two halves of the real sample."""
    import jax

    from s2jax import statistics

    key, random = jax.random.key(seed), np.random.default_rng(seed)
    try:
        found = statistics.compare(key, real, synthetic, _NEIGHBOUR)
    except ValueError as error:  # too few rows, or none with all features
        return {"refused": str(error)}
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
    return table


def _names() -> tuple[str, ...]:
    from s2jax.statistics import Features

    return Features._fields


def _list_distances(found: Any) -> dict[str, dict[str, Any]]:
    """Values, and the intervals of those that have one."""
    values = {name: getattr(found.prdc, name) for name in list(_DISTANCES)[:4]}
    values["frechet"] = found.frechet
    values["nearest"] = np.median(found.nearest.to_real)
    values["nearest_own"] = np.median(found.nearest.synthetic)
    values["vendi_score"], values["vendi_of_it"] = found.vendi_synthetic, found.vendi_real
    table: dict[str, dict[str, Any]] = {name: {"value": float(v)} for name, v in values.items()}
    for name in ("sliced_wasserstein", "mmd", "energy_distance"):
        value, low, high = map(float, getattr(found, name))
        table[name] = {"value": value, "interval": [low, high]}
    return {name: table[name] for name in _DISTANCES}


def _print(tables: Mapping[str, dict[str, Any]]) -> None:
    names = [Path(path).name or path for path in tables]
    _print_row("", names)
    _print_row("series", [f"{one['series']:,} of {one['steps']:,}" for one in tables.values()])
    for name, said in _FEATURES.items():
        cells = [one["features"][name]["quartiles"] for one in tables.values()]
        _print_row(name, [_as_text(cell) for cell in cells], said)
    for name in _SHARES:
        cells = [one["shares"][name] for one in tables.values()]
        _print_row(name, ["" if np.isnan(cell) else f"{100 * cell:.1f} %" for cell in cells])
    for name, table in zip(names, tables.values(), strict=True):
        if "expressions" in table:
            _print_programs(name, table)
    against = next(iter(tables.values())).get("against", {})
    for path, one in against.items():
        _print_distances(Path(path).name or path, one)


def _print_row(name: str, cells: list[str], said: str = "") -> None:
    width = max(map(len, [*_FEATURES, *_SHARES, *_DISTANCES]))
    print(" ".join([f"{name:<{width}}", *(f"{cell:>24}" for cell in cells), f" {said}"]).rstrip())


def _as_text(numbers: list[float | None]) -> str:
    if numbers[0] is None:
        return "not defined"
    low, middle, high = numbers
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _print_programs(name: str, table: dict[str, Any]) -> None:
    from s2jax.corpus.info import lines, outcomes

    programs = table["expressions"]
    number, different = programs["number"], programs["skeletons"]
    print(f"\n{name}")
    accepted, rejected = outcomes(table["tries"])
    facts = {
        "skeletons": f"{different:,} among {number:,} expressions, like terms merged",
        "sizes": _list_sizes(programs["instructions"]),
        "operators": lines(f"{word}\xa0{n:,}" for word, n in programs["operators"].items()),
        "families": lines(f"{word}\xa0{100 * n:.1f}\xa0%" for word, n in table.get("families", ())),
        "tries": accepted,
        "rejected": lines([rejected]),
    }
    for word, value in facts.items():
        if value:
            print(f"{word:<12} {value}")


def _list_sizes(counts: dict[int, int]) -> str:
    """Quartiles of a histogram."""
    if not counts:
        return ""
    sizes = np.repeat([*counts], [*counts.values()])
    low, middle, high = np.percentile(sizes, [25, 50, 75])
    return f"{middle:g} ({low:g} to {high:g}) instructions"


def _print_distances(name: str, found: dict[str, Any]) -> None:
    print()
    if "refused" in found:
        print(f"against {name}: {found['refused']}")
        return
    _print_row(f"against {name}", ["", "its two halves"])
    halves = found.get("halves_of_it", {})
    for word, said in _DISTANCES.items():
        cells = [found["distances"][word], halves.get(word)]
        _print_row(word, [_with_interval(cell) for cell in cells], said)
    left_out = found["left_out"]
    print(f"of {len(found['features'])} features", end="")
    if left_out["features"]:
        print(", without", ", ".join(left_out["features"]), end="")
    print(f"; {left_out['series']:,} series and {left_out['of_it']:,} of it are left out.")


def _with_interval(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    digits = lambda number: f"{number:.2f}" if abs(number) >= 0.1 else f"{number:.3f}"
    if "interval" not in cell:
        return digits(cell["value"])
    return f"{digits(cell['value'])} ({' to '.join(map(digits, cell['interval']))})"

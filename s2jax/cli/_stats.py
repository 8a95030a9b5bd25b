"""The command that says what a corpus is worth learning from."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from s2jax.cli._commands import Stats, UsageError
from s2jax.cli._machine import prepare_to_draw

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
_SHARES = ("unforecastable", "constant", "affine", "monotone", "counts", "undefined")


def stats(command: Stats) -> int:
    """Print features of the series of a corpus, beside those of others."""
    prepare_to_draw()
    if command.rows < 1:
        raise UsageError(f"--rows {command.rows}: must be >= 1.")
    tables = {str(path): _measure(path, command) for path in [command.path, *command.against]}
    if command.json:
        json.dump(tables, sys.stdout, indent=1)
        print()
    else:
        _print(tables)
    return 0


def _measure(path: Path, command: Stats) -> dict[str, Any]:
    """Quartiles of all features, and shares by kind."""
    from s2jax import statistics

    y, x = _read(path, command.rows, command.seed)
    found = statistics.describe(y.reshape(-1, y.shape[-1]), period=command.period)
    kinds = statistics.shares(y, x)
    quartiles = {}
    for name, values in found._asdict().items():
        known = np.asarray(values)[np.isfinite(np.asarray(values))]
        numbers = np.percentile(known, [25, 50, 75]).tolist() if known.size else [None] * 3
        quartiles[name] = {
            "quartiles": numbers,
            "undefined": int(np.size(values) - known.size),
        }
    return {
        "series": int(kinds.number),
        "steps": int(y.shape[-1]),
        "features": quartiles,
        "shares": {name: float(getattr(kinds, name)) for name in _SHARES},
    }


def _read(path: Path, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Random rows: outputs in their own units and inputs of a corpus, or series of a .npy file."""
    random = np.random.default_rng(seed)
    if path.suffix == ".npy":
        try:
            series = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: is no file of an array of numbers: {error}") from error
        if series.ndim != 2 or series.dtype.kind not in "iuf":
            raise UsageError(
                f"{path}: must be numbers of shape (series, steps), and has {series.shape} of "
                f"{series.dtype}."
            )
        chosen = np.sort(random.permutation(len(series))[:rows])
        return series[chosen, None].astype(np.float32), None
    from s2jax.corpus import read_corpus

    try:
        corpus = read_corpus(path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    chosen = np.sort(random.permutation(len(corpus))[:rows])
    batch = corpus.batch_of(corpus.table(chosen))
    scale, shift = (np.asarray(one)[..., None] for one in (batch.y_scale, batch.y_shift))
    y = (np.asarray(batch.y) - shift) / scale
    used = np.asarray(batch.y_mask)
    if not used.all():  # the unused are zeros, which no statistic is about
        y = np.where(used[..., None], y, np.nan)
    return y, np.asarray(batch.x) if batch.x.shape[1] else None


def _print(tables: Mapping[str, dict[str, Any]]) -> None:
    width = max(map(len, [*_FEATURES, *_SHARES]))
    names = [Path(path).name or path for path in tables]
    row = lambda name, cells, said="": print(
        f"{name:<{width}}", *(f"{cell:>22}" for cell in cells), f" {said}".rstrip()
    )
    row("", names)
    row("series", [f"{one['series']:,} of {one['steps']:,}" for one in tables.values()])
    for name, said in _FEATURES.items():
        cells = [one["features"][name]["quartiles"] for one in tables.values()]
        row(name, [_quartiles(cell) for cell in cells], said)
    for name in _SHARES:
        cells = [one["shares"][name] for one in tables.values()]
        row(name, ["" if np.isnan(cell) else f"{100 * cell:.1f} %" for cell in cells])


def _quartiles(numbers: list[float | None]) -> str:
    if numbers[0] is None:
        return "not defined"
    low, middle, high = numbers
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"

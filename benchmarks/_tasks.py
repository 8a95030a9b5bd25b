"""Windows of real series to tune a network on and to judge it by, and guesses without training."""

from typing import Any, NamedTuple

import numpy as np
from _labelled import LabelledSet
from _real import RealSet

CONTEXT, HORIZON = 96, 24
LEAST = 240  # steps of a series
PARTS = ("train", "validation", "test")
ENDS = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}
MOST = {"train": 100, "validation": 20, "test": 40}  # windows of a set, evenly spaced
GAPS, GAP = 3, 8  # of a window, and their steps


class Windows(NamedTuple):
    """Windows of all sets.

    Attributes:
        series: (windows, time), in units of their own set.
        names: Of the set of each.
        seasons: Steps of the season of each.
    """

    series: np.ndarray
    names: np.ndarray
    seasons: np.ndarray


def windows(sets: list[RealSet], part: str, share: float = 1.0, seed: int = 0) -> Windows:
    """Windows whose futures lie in one part of every series; a share of those to learn from."""
    found: list[Any] = []
    random = np.random.default_rng(seed)
    for one in sets:
        rows = [row for series in one.series for row in _cut(series, part, one.season)]
        count = min(MOST[part], len(rows))
        chosen = np.unique(np.linspace(0, len(rows) - 1, count).astype(int)) if rows else []
        if part == "train" and share < 1 and len(chosen):
            count = max(1, round(share * len(chosen)))
            chosen = random.choice(chosen, count, replace=False)
        found += [(rows[row], one.name, one.season) for row in chosen]
    series, names, seasons = zip(*found, strict=True)
    return Windows(np.array(series, np.float32), np.array(names), np.array(seasons))


def _cut(series: np.ndarray, part: str, season: int) -> list[np.ndarray]:
    """Windows of a series; their contexts may begin in the part before."""
    low, high = (int(edge * len(series)) for edge in ENDS[part])
    first = max(low + HORIZON, CONTEXT + HORIZON)
    rows = [series[end - CONTEXT - HORIZON : end] for end in range(first, high + 1, 4)]
    context = [row[:CONTEXT] for row in rows]
    change = [np.abs(one[season:] - one[:-season]).mean() for one in context]
    return [row for row, one, c in zip(rows, context, change, strict=True) if c * one.std() > 0]


def by_set(of: Windows, errors: dict[str, np.ndarray], against: str) -> dict[str, float]:
    """Mean errors of guesses by set, relative to those of one that needs no training."""
    found = {}
    for name in np.unique(of.names):
        mine = of.names == name
        found[str(name)] = float(
            f"{errors['guess'][mine].mean() / errors[against][mine].mean():.4g}"
        )
    return found


def errors_of_forecasts(of: Windows, guess: np.ndarray) -> dict[str, np.ndarray]:
    """Mean absolute errors of each window, in units of what changes from season to season."""
    context, future = of.series[:, :CONTEXT], of.series[:, CONTEXT:]
    scale = np.array([
        np.abs(one[season:] - one[:-season]).mean()
        for one, season in zip(context, of.seasons, strict=True)
    ])  # fmt: skip
    place = CONTEXT - of.seasons[:, None] + np.arange(HORIZON) % of.seasons[:, None]
    seasonal = np.take_along_axis(context, place, axis=1)
    error = lambda one: np.abs(one - future).mean(1) / scale
    return {"guess": error(guess), "seasonal": error(seasonal)}


def with_gaps(series: np.ndarray, seed: int) -> np.ndarray:
    """Series with NaN in three gaps of eight steps, elsewhere in every row."""
    random, steps = np.random.default_rng([seed, 7]), series.shape[-1]
    holed = series.copy()
    for row in holed:
        for block in random.choice(steps // GAP, GAPS, replace=False):
            row[..., block * GAP : (block + 1) * GAP] = np.nan
    return holed


def errors_in_gaps(of: Windows, holed: np.ndarray, guess: np.ndarray) -> dict[str, np.ndarray]:
    """Mean absolute errors in the gaps of each window, in units of its deviation."""
    whole, missing = of.series[:, :CONTEXT], np.isnan(holed)
    scale = whole.std(1)
    error = lambda one: np.where(missing, np.abs(one - whole), 0).sum(1) / missing.sum(1) / scale
    lines = np.array([_lines(one) for one in holed])
    repeats = [_seasonal(one, int(s)) for one, s in zip(holed, of.seasons, strict=True)]
    seasonal = error(np.array(repeats))
    return {"guess": error(guess), "lines": error(lines), "seasonal": seasonal}


def _lines(holed: np.ndarray) -> np.ndarray:
    """Straight lines through gaps."""
    there = np.flatnonzero(np.isfinite(holed))
    return np.interp(np.arange(len(holed)), there, holed[there])


def _seasonal(holed: np.ndarray, season: int) -> np.ndarray:
    """The mean of the nearest values a season before and after; lines where there is none."""
    if season == 1:
        return _lines(holed)
    sides = np.full((2, len(holed)), np.nan)
    sides[0, season:], sides[1, :-season] = holed[:-season], holed[season:]
    count = np.isfinite(sides).sum(0)
    mean = np.nansum(sides, axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, _lines(holed))


def to_stop_by(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which rows to learn from are kept back: a quarter of every class, one at least."""
    is_kept, random = np.zeros(len(labels), bool), np.random.default_rng(seed)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        is_kept[rows[: max(1, len(rows) // 4)]] = True
    return is_kept


def simple_guesses(task: str, data: Any, share: float) -> dict[str, dict[str, float]]:
    """What needs no network, by name and set."""
    if task == "classes":
        return {"nearest neighbour": {one.name: _nearest(one) for one in data}}
    train, test = windows(data, "train", share), windows(data, "test")
    if task == "gaps":
        holed = with_gaps(test.series[:, None, :CONTEXT], 2)[:, 0]
        errors = errors_in_gaps(test, holed, test.series[:, :CONTEXT])
        return {"seasonal": by_set(test, errors | {"guess": errors["seasonal"]}, "lines")}
    return {"linear": by_set(test, errors_of_forecasts(test, _linear(train, test)), "seasonal")}


def _linear(train: Windows, test: Windows) -> np.ndarray:
    """Forecasts by one ridge regression on z-scored contexts."""

    def scaled(of: Windows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        context = of.series[:, :CONTEXT].astype(np.float64)
        shift, scale = context.mean(1, keepdims=True), context.std(1, keepdims=True)
        return (context - shift) / scale, shift, scale

    past, shift, scale = scaled(train)
    future = np.clip((train.series[:, CONTEXT:] - shift) / scale, -5, 5)
    weights = np.linalg.solve(past.T @ past + len(past) * 0.01 * np.eye(CONTEXT), past.T @ future)
    past, shift, scale = scaled(test)
    return past @ weights * scale + shift


def _nearest(one: LabelledSet) -> float:
    """Shares of rows whose nearest row to learn from, z-scored, is of their class."""
    unit = lambda x: (x - x.mean(-1, keepdims=True)) / np.maximum(x.std(-1, keepdims=True), 1e-6)
    mine, theirs = (unit(part).reshape(len(part), -1) for part in one.series)
    squares = (theirs**2).sum(1)[:, None] + (mine**2).sum(1) - 2 * theirs @ mine.T
    return round(float((one.classes[0][squares.argmin(1)] == one.classes[1]).mean()), 4)

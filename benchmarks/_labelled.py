"""Real series with classes that ship in the package `aeon`: files of text, of which nothing is
imported and nothing is kept here."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np

NAMES = ("GunPoint", "ArrowHead", "OSULeaf", "ItalyPowerDemand", "BasicMotions")


class LabelledSet(NamedTuple):
    """Rows to learn from and rows that judge, as they were published.

    Attributes:
        name: Of the set.
        series: Of both parts, (rows, channels, time) in float32.
        classes: Of both parts, numbers from 0 on.
    """

    name: str
    series: tuple[np.ndarray, np.ndarray]
    classes: tuple[np.ndarray, np.ndarray]


def load() -> list[LabelledSet]:
    """All sets; none if the package is not there."""
    spec = importlib.util.find_spec("aeon")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "datasets" / "data"
    return [_read(folder / name, name) for name in NAMES if (folder / name).is_dir()]


def _read(folder: Path, name: str) -> LabelledSet:
    parts = [parse((folder / f"{name}_{part}.ts").read_text()) for part in ("TRAIN", "TEST")]
    words = sorted({label for _, labels in parts for label in labels})
    numbers = [np.array([words.index(one) for one in labels], np.int32) for _, labels in parts]
    return LabelledSet(name, (parts[0][0], parts[1][0]), (numbers[0], numbers[1]))


def parse(text: str) -> tuple[np.ndarray, list[str]]:
    """Series and labels of a file: `1,2,3:4,5,6:label` is a row of two channels."""
    lines = [line.strip() for line in text.splitlines()]
    cells = [line.split(":") for line in lines if line and line[0] not in "#@"]
    series = [[one.split(",") for one in row[:-1]] for row in cells]
    return np.array(series, np.float32), [row[-1] for row in cells]

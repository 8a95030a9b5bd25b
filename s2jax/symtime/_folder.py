"""The folder of a run: what was asked for, a line per step, and checkpoints."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from s2jax.config import Config as DataConfig
from s2jax.config.serialize import from_json, to_plain
from s2jax.core.optional import require
from s2jax.core.version import __version__
from s2jax.corpus.files import TEMPORARY, replacing, whole_folder
from s2jax.stream import difference
from s2jax.symtime._config import Config
from s2jax.symtime._state import State
from s2jax.text import Vocabulary

RUN, LINES, SPEEDS, CHECKPOINTS = "_run.json", "losses.jsonl", "speed.jsonl", "checkpoints"
_KEPT = 2  # checkpoints: the last, and one before it should the last be damaged
_DIGEST = "sha256.txt"
_LAYOUT = 1


@dataclasses.dataclass(frozen=True)
class Asked:
    """What decides a run: the same of these gives the same weights.

    Attributes:
        config: Of the model and its training.
        data: What is drawn, or what the rows of the corpus were drawn by.
        num_steps: Of the whole run.
        seed: Of weights, data, masks and dropout.
        corpus: What tells its rows from those of any other; None if rows are drawn.
    """

    config: Config
    data: DataConfig
    num_steps: int
    seed: int
    corpus: dict[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "layout": _LAYOUT, "config": dataclasses.asdict(self.config) | {
                "betas": list(self.config.betas)
            },
            "data": to_plain(self.data), "num_steps": self.num_steps, "seed": self.seed,
            "corpus": self.corpus,
        }  # fmt: skip


def read_asked(folder: Path, call: str) -> Asked:
    """What a folder says it is a run of.

    Raises:
        FileNotFoundError: If it is none.
        ValueError: If what it says cannot be read.
    """
    there = _read_plain(folder)
    if there is None:
        raise FileNotFoundError(
            f"{call}: must be the folder of a run, and it has no {RUN}. Pass the path that "
            "symtime.pretrain or s2jax pretrain was given."
        )
    try:
        fields = there["config"] | {
            "betas": tuple(there["config"]["betas"]),
            "vocabulary": Vocabulary(**there["config"]["vocabulary"]),
        }
        data = from_json(json.dumps(there["data"]))
        numbers = there["num_steps"], there["seed"]
        return Asked(Config(**fields), data, *numbers, there.get("corpus"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{call}: {RUN} must be what this version of s2jax wrote, and it cannot be read: "
            f"{error}. Read it with the version that it names, {there.get('version')}."
        ) from error


def look(folder: Path, asked: Asked, call: str) -> bool:
    """Whether the folder holds a beginning of the same run; writes nothing.

    Raises:
        FileExistsError: If something else is there.
        ValueError: If it is a run of something else, with what differs.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{call}: must be a folder, and a file is there. Choose another.")
    there = _read_plain(folder)
    if there is None:
        others = [path.name for path in folder.iterdir()] if folder.exists() else []
        others = sorted(name for name in others if not name.startswith((".", TEMPORARY)))
        if others:
            raise FileExistsError(
                f"{call}: must be new, empty or of the same run, and it holds {others[0]}. "
                "Choose another folder."
            )
        return False
    here = asked.plain()
    told = {name: there.get(name) for name in here}
    if told != json.loads(json.dumps(here)):
        raise ValueError(
            f"{call}: must be new, empty or of the same run, and the checkpoint in it is of "
            f"another: {difference(told, json.loads(json.dumps(here)))}. Give the same values to "
            "go on with it, or choose another folder."
        )
    return True


def begin(folder: Path, asked: Asked) -> None:
    """Write what the folder is a run of."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = asked.plain()
    text = json.dumps(plain, sort_keys=True).encode()
    extra = {"version": __version__, "fingerprint": hashlib.sha256(text).hexdigest()}
    with replacing(folder / RUN) as file:
        file.write(json.dumps(plain | extra, indent=2, allow_nan=False).encode())


def _read_plain(folder: Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / RUN).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(
            f"{folder / RUN}: must be JSON, and cannot be read: {error}. Restore the file, or "
            "begin anew in another folder."
        ) from error


# ---- lines ----------------------------------------------------------------------------------


class Lines:
    """A file with a line of JSON per step, which can be cut back.

    Args:
        path: Its name.
        step: Lines that stay; all later ones are removed.
    """

    def __init__(self, path: Path, step: int):
        self._path = path
        self._size = _size_of(path, step)
        self.step = step
        with open(path, "ab") as file:
            file.truncate(self._size)

    def write(self, rows: list[dict[str, float]]) -> None:
        """Add lines; if it was interrupted in the middle of it, the same again."""
        text = "".join(json.dumps(_finite(row), allow_nan=False) + "\n" for row in rows).encode()
        with open(self._path, "rb+") as file:
            file.seek(self._size)
            file.truncate()
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._size, self.step = self._size + len(text), self.step + len(rows)


def read_lines(path: Path) -> dict[str, np.ndarray]:
    """Columns of a file of lines; NaN where a number was not finite."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return {}
    names = rows[0] if rows else ()
    as_float = lambda value: np.nan if value is None else value
    return {name: np.array([as_float(row.get(name)) for row in rows]) for name in names}


def _finite(row: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in row.items()}


def _size_of(path: Path, step: int) -> int:
    """Bytes of the first lines of a file.

    Raises:
        ValueError: If there are fewer.
    """
    if not step:
        return 0
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if len(lines) < step:
        raise ValueError(
            f"{path}: must have a line for each of the {step} steps of the checkpoint, and has "
            f"{len(lines)}. Restore the file, or begin anew in another folder."
        )
    return sum(map(len, lines[:step]))


# ---- checkpoints ----------------------------------------------------------------------------


def save(folder: Path, state: State) -> None:
    """Write a checkpoint, whole or not at all, and remove all but the last two."""
    checkpoint = require("orbax.checkpoint", "Checkpoints of symtime")
    named, step = _named(state), int(state.step)
    parent = folder / CHECKPOINTS
    parent.mkdir(exist_ok=True)
    for left in parent.glob(f"{TEMPORARY}*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(_place(folder, step))
    with whole_folder(_place(folder, step).absolute()) as temporary:
        with checkpoint.StandardCheckpointer() as writer:
            writer.save(temporary / "state", named)
        with open(temporary / _DIGEST, "xb") as file:
            file.write(_digest(named).encode())
    for old in steps_saved(folder)[:-_KEPT]:
        shutil.rmtree(_place(folder, old), ignore_errors=True)


def restore(folder: Path, like: State) -> State | None:
    """The last checkpoint that is not damaged; None if there is none at all.

    Args:
        folder: Of the run.
        like: A state of the same run, or its shapes.

    Raises:
        ValueError: If all are damaged.
    """
    steps = steps_saved(folder)
    damaged: list[str] = []
    for step in reversed(steps):
        try:
            return _restore(_place(folder, step), like)
        except Exception as error:  # whatever a damaged file makes of its readers
            damaged.append(f"{step} ({type(error).__name__}: {error})"[:200])
    if damaged:
        raise ValueError(
            f"{folder / CHECKPOINTS}: must hold a checkpoint that can be read, and all are "
            f"damaged: {', '.join(damaged)}. Restore them, or begin anew in another folder."
        )
    return None


def _restore(place: Path, like: State) -> State:
    checkpoint = require("orbax.checkpoint", "Checkpoints of symtime")
    shapes = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=_first_device())
        for name, leaf in _named(like).items()
    }
    with checkpoint.StandardCheckpointer() as reader:
        named = reader.restore(place.absolute() / "state", shapes)
    if _digest(named) != (place / _DIGEST).read_text():
        raise ValueError("its values are not those that were saved")
    leaves, tree = jax.tree.flatten(_without_key(like))
    assert len(leaves) == len(named), "names are unique"
    # arrays of numpy, lest they stay on a device by all means
    found = jax.tree.unflatten(tree, [jnp.asarray(np.asarray(named[name])) for name in shapes])
    return eqx.tree_at(lambda state: state.key, found, jax.random.wrap_key_data(found.key))


def _first_device() -> jax.sharding.Sharding:
    return jax.sharding.SingleDeviceSharding(jax.local_devices()[0])


def steps_saved(folder: Path) -> list[int]:
    """Numbers of the steps whose checkpoints are there, in order."""
    places = (folder / CHECKPOINTS).glob("*")
    return sorted(int(place.name) for place in places if place.name.isdigit())


def _place(folder: Path, step: int) -> Path:
    return folder / CHECKPOINTS / f"{step:09d}"


def _without_key(state: State) -> State:
    """The state with the words of its key in place of it."""
    data = jax.eval_shape if isinstance(state.key, jax.ShapeDtypeStruct) else lambda f, key: f(key)
    return eqx.tree_at(lambda state: state.key, state, data(jax.random.key_data, state.key))


def _named(state: State) -> dict[str, Any]:
    """All arrays of a state by their names, such as `model.series.patches`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(_without_key(state))
    name = lambda path: jax.tree_util.keystr(path, simple=True, separator=".")
    return {name(path): leaf for path, leaf in leaves}


def _digest(named: Mapping[str, Any]) -> str:
    """SHA-256 of all names and values."""
    found = hashlib.sha256()
    for name in sorted(named):
        found.update(name.encode())
        found.update(np.ascontiguousarray(jax.device_get(named[name])).tobytes())
    return found.hexdigest()

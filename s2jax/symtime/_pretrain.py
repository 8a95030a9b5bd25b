"""A whole run: drawn, trained, saved, and gone on with after it was stopped."""

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from s2jax.config import Config as DataConfig
from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.core.part import check_part
from s2jax.corpus import Corpus
from s2jax.corpus.places import AnyPath, local_of
from s2jax.symtime import _folder as folders
from s2jax.symtime._config import Config
from s2jax.symtime._model import check_config
from s2jax.symtime._state import State, init, optimizer
from s2jax.symtime._stored import StoredRows, check_rows, identity_of, open_rows
from s2jax.symtime._train import check_mesh, draw_inputs, train_step, with_automatic_axes
from s2jax.symtime._views import refuse_long

_AT_ONCE = 64  # steps of a call, at most
_VALUES = 2**24  # of series that are read for a call, at most
_SECONDS = 1.0  # that a call should take
_DRAWS = 3  # that are timed at the start


class Run(NamedTuple):
    """What the folder of a run holds.

    Attributes:
        config: Of the model and its training.
        data: What is drawn, or what the rows of the corpus were drawn by.
        num_steps: Of the whole run.
        seed: Of weights, data, masks and dropout.
        state: After the last step that is saved.
        losses: A column for each number of the lines of `losses.jsonl`, one line per step.
        speeds: The lines of `speed.jsonl`, one for each time that the run was started and ended.
        corpus: Number of rows and digests of the corpus that was read; None if rows were drawn.
    """

    config: Config
    data: DataConfig
    num_steps: int
    seed: int
    state: State
    losses: dict[str, np.ndarray]
    speeds: list[dict[str, Any]]
    corpus: dict[str, Any] | None = None


@checks.suggest_names()
def pretrain(
    path: str | os.PathLike[str], config: Config,
    data: DataConfig | Corpus | AnyPath, num_steps: int, seed: int = 0, *,
    save_every: int = 500, mesh: Mesh | None = None, axis: str = "data",
    progress: Callable[[int], object] = lambda pairs: None,
    announce: Callable[[str], object] = lambda text: None,
) -> State:  # fmt: skip
    """Train a model on pairs that are drawn as it learns, or are stored in a corpus; or go on.

    A run that was stopped, or killed, goes on when the same is called again, and ends with the same
    weights and the same lines, bit for bit, on the same machine, devices and versions. Stopped by
    Ctrl-C it saves first; killed, it has the last checkpoint. Nothing is compiled after the first
    step.

    Args:
        path: The folder: new, empty, or with the beginning of the same run.
        config: Of the model and its training.
        data: What to draw; or a corpus or its folder, of which a round has every row once, in
            another order than the round before. Rows with a status that is not zero are left out.
        num_steps: Of the whole run, >= 2; the learning rate follows a cycle of that many.
        seed: Of weights, data, masks and dropout.
        save_every: Steps between checkpoints; the last two are kept.
        mesh: Devices over which rows are spread; None is one.
        axis: Of the mesh.
        progress: Called with the number of pairs so far, about once per second.
        announce: Called with what takes long, before it does.

    Returns:
        The state after the last step.

    Raises:
        FileExistsError: If something else is in the folder.
        FileNotFoundError: If there is no finished corpus.
        ImportError: If optax or orbax-checkpoint is not installed, or pyarrow for a corpus.
        TypeError, ValueError: If an argument is of the wrong kind or out of range; if the folder is
            of another run, with what differs; if most rows would be left out because their words
            do not fit; if a corpus has no tokens, or other words or sizes than the model reads.
            Nothing is written then.

    Example:
        >>> import tempfile, s2jax
        >>> from s2jax import symtime
        >>> sizes = {"length": 64, "width": 8, "symbol_width": 8, "batch": 16, "projection": 8}
        >>> config = symtime.Config.tiny(**sizes, hidden_width=8, symbol_hidden_width=8)
        >>> data = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))
        >>> folder = tempfile.mkdtemp()
        >>> state = symtime.pretrain(folder, config, data, num_steps=6)
        >>> symtime.read_run(folder).losses["step"].tolist()
        [1, 2, 3, 4, 5, 6]
    """
    corpus = open_rows(data)
    asked = _check(config, data, corpus, num_steps, seed, save_every, mesh, axis)
    mesh = with_automatic_axes(mesh)
    folder, call = local_of(path, "pretrain", "a run"), f"pretrain(path={str(path)!r})"
    is_there = folders.look(folder, asked, call)
    rows = None if corpus is None else StoredRows(corpus, config, asked.seed)
    training = _Training(folder, asked, rows, save_every, mesh, axis, progress)
    training.find(is_there)
    if training.step < num_steps:
        announce("compiling: some half a minute, once")
        training.warm_up(is_new=not is_there)
        training.run()
    progress(num_steps * config.batch)
    return training.state


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read what `pretrain` wrote, finished or not.

    Args:
        path: The folder.

    Raises:
        FileNotFoundError: If it holds no run, or one without a checkpoint.
        ValueError: If a file is damaged.

    Example:
        >>> read_run("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: read_run('nowhere'): must be the folder of a run, and it has no
        _run.json. Pass the path that symtime.pretrain or s2jax pretrain was given.
    """
    folder, call = local_of(path, "read_run", "a run"), f"read_run({str(path)!r})"
    asked = folders.read_asked(folder, call)
    state = folders.restore(folder, _first_state(asked, eqx.filter_eval_shape))
    if state is None:
        raise FileNotFoundError(
            f"{call}: must hold a checkpoint, and no step is saved yet. Go on with the run."
        )
    losses = folders.read_lines(folder / folders.LINES)
    losses = {name: column[: int(state.step)] for name, column in losses.items()}
    speeds = folder / folders.SPEEDS
    lines = speeds.read_text().splitlines() if speeds.exists() else []
    return Run(
        asked.config, asked.data, asked.num_steps, asked.seed, state, losses,
        [json.loads(line) for line in lines], asked.corpus,
    )  # fmt: skip


def _check(
    config: Any, data: Any, corpus: Corpus | None, num_steps: Any, seed: Any, save_every: Any,
    mesh: Mesh | None, axis: str,
) -> folders.Asked:  # fmt: skip
    """What is asked for, if it can be done."""
    require("orbax.checkpoint", "Checkpoints of symtime")
    check_config("pretrain", config)
    data = data if corpus is None else corpus.config
    check_part("pretrain", "data", data, DataConfig)
    checks.check_static_integer("pretrain", "num_steps", num_steps, 2, 2**31 - 1)
    checks.check_static_integer("pretrain", "seed", seed, 0, 2**63 - 1)
    checks.check_static_integer("pretrain", "save_every", save_every, 1)
    check_mesh(config, mesh, axis)
    names = ("length", "num_outputs", *(("num_inputs",) if config.channels != "y" else ()))
    for name in names:
        mine, theirs = getattr(config, name), getattr(data, name)
        if mine != theirs:
            raise ValueError(
                f"pretrain(config with {name}={mine}, data with {name}={theirs}): must be the "
                f"same, because the model reads what is drawn. Pass {name}={theirs} to the model."
            )
    if corpus is not None:
        check_rows("pretrain", config, corpus)
    identity = None if corpus is None else identity_of(corpus)
    return folders.Asked(config, data, int(num_steps), int(seed), identity)


def _first_state(asked: folders.Asked, how: Any = lambda make: make()) -> Any:
    """The state before the first step, or its shapes."""

    def make() -> State:
        found = optimizer(asked.config, asked.num_steps)
        state = init(jax.random.key(np.uint64(asked.seed)), asked.config, found)
        # types of Python's numbers would change with the first step, and compile it anew
        return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), state)

    return how(make)


class _Training:
    """A run between its start and its end."""

    def __init__(
        self, folder: Path, asked: folders.Asked, rows: StoredRows | None, save_every: int,
        mesh: Mesh | None, axis: str, progress: Callable[[int], object],
    ):  # fmt: skip
        self._folder, self._asked, self._save_every = folder, asked, save_every
        self._mesh, self._axis, self._progress = mesh, axis, progress
        self._batch, self._rows = asked.config.batch, rows
        values = self._batch * asked.config.num_channels * asked.config.length
        self._most = _AT_ONCE if rows is None else min(max(_VALUES // values, _DRAWS), _AT_ONCE)
        self._last: tuple[State, Any] | None = None  # a state, and the numbers of its last steps
        self._lines: folders.Lines | None = None
        self._first = self._saved = 0
        self._compiling = self._drawing = self._reading = self._training = 0.0

    @property
    def state(self) -> State:
        assert self._last is not None, "it was found"
        return self._last[0]

    @property
    def step(self) -> int:
        return int(self.state.step)

    def find(self, is_there: bool) -> None:
        """The state to begin with."""
        state = None
        if is_there:
            state = folders.restore(self._folder, _first_state(self._asked, eqx.filter_eval_shape))
        state = _first_state(self._asked) if state is None else state
        self._last = self._everywhere(state), None
        self._first = self._saved = self.step

    def _everywhere(self, arrays: Any) -> Any:
        """Arrays on every device of the mesh, where calls leave them."""
        if self._mesh is None:
            return arrays
        return jax.device_put(arrays, NamedSharding(self._mesh, PartitionSpec()))

    def warm_up(self, is_new: bool) -> None:
        """Compile, measure what drawing costs, and see whether words fit; then write."""
        start = time.perf_counter()
        self._call(0, trains=False)
        self._compiling = time.perf_counter() - start
        start = time.perf_counter()
        self._call(_DRAWS, trains=False)
        self._drawing, self._reading = (time.perf_counter() - start) / _DRAWS, 0.0
        _, numbers = self._last or (None, {})
        if is_new:
            refuse_long(self._asked.config, float(np.mean(numbers["rows_too_long"][:_DRAWS])))
            folders.begin(self._folder, self._asked)
        step = self._everywhere(jnp.asarray(self._first, jnp.int32))
        self._last = eqx.tree_at(lambda state: state.step, self.state, step), None
        self._lines = folders.Lines(self._folder / folders.LINES, self._first)

    def run(self) -> None:
        """All steps that are left."""
        count, end = 1, self._asked.num_steps
        self._progress(self._first * self._batch)
        try:
            while self.step < end:
                to_save = self._save_every - self.step % self._save_every
                now = min(count, to_save, end - self.step)
                start = time.perf_counter()
                self._call(now, trains=True)
                seconds = time.perf_counter() - start
                self._training += seconds
                self._write()
                if self.step % self._save_every == 0 or self.step == end:
                    self._save()
                self._progress(self.step * self._batch)
                if seconds < _SECONDS and now == count:
                    count = min(2 * count, self._most)
        except KeyboardInterrupt as error:
            if self._can_be_saved():
                self._write()
                self._save()
            error.add_note(f"{self._saved:,} of {end:,} steps are saved.")
            raise
        finally:
            self._tell_speed()

    def _call(self, count: int, trains: bool) -> None:
        """Some steps, or what is drawn for them."""
        advance = _compile(self._asked.config, self._asked.num_steps, self._mesh, self._axis)
        data = self._asked.data if self._rows is None else self._read(self._rows, count)
        # assigned at once: what an interrupt finds belongs together
        self._last = advance(self.state, data, np.int32(count), np.bool_(trains))
        jax.block_until_ready(self._last)

    def _read(self, rows: StoredRows, count: int) -> dict[str, Any]:
        """Batches of the next steps, in arrays that have room for the most of a call."""
        start, batch = time.perf_counter(), self._batch
        found = {}
        for name, column in rows.take(self.step * batch, count * batch).items():
            found[name] = np.zeros((self._most, batch, *column.shape[1:]), column.dtype)
            found[name][:count] = column.reshape(count, batch, *column.shape[1:])
        if self._mesh is not None:
            found = jax.device_put(
                found, NamedSharding(self._mesh, PartitionSpec(None, self._axis))
            )
        self._reading += time.perf_counter() - start
        return found

    def _write(self) -> None:
        """Lines of the steps that have none."""
        assert self._lines is not None, "it is warm"
        assert self._last is not None, "it was found"
        first, last = self._lines.step, self.step
        if first == last:
            return
        columns = {name: np.asarray(values) for name, values in self._last[1].items()}
        self._lines.write([
            {"step": first + k + 1} | {name: float(one[k]) for name, one in columns.items()}
            for k in range(last - first)
        ])  # fmt: skip

    def _save(self) -> None:
        if self.step > self._saved:
            folders.save(self._folder, self.state)
            self._saved = self.step

    def _can_be_saved(self) -> bool:
        """Whether the state is there: while a call begins, it is neither here nor there."""
        return not any(leaf.is_deleted() for leaf in jax.tree.leaves(self.state))

    def _tell_speed(self) -> None:
        """How fast it was, since it was started."""
        steps = self._lines.step - self._first if self._lines is not None else 0
        if not steps:
            return
        seconds, drawing = self._training / steps, self._drawing + self._reading / steps
        line = {
            "first_step": self._first + 1, "last_step": self._first + steps,
            "pairs_per_second": round(self._batch / seconds, 1),
            "seconds_per_step": round(seconds, 6),
            "drawing_share": round(min(drawing / seconds, 1.0), 4),
            "compiling_seconds": round(self._compiling, 2),
            "device": jax.devices()[0].device_kind,
            "devices": 1 if self._mesh is None else int(self._mesh.devices.size),
        }  # fmt: skip
        with open(self._folder / folders.SPEEDS, "a") as file:
            file.write(json.dumps(line) + "\n")


@functools.lru_cache(maxsize=4)
def _compile(config: Config, num_steps: int, mesh: Mesh | None, axis: str) -> Any:
    """The one program of a run: any number of steps, or of drawings alone to be timed."""
    moves = optimizer(config, num_steps)

    def one(state: State, data: Any, trains: Array) -> tuple[State, dict[str, Array]]:
        inputs, left_out = draw_inputs(config, data, state, mesh, axis)
        train = lambda state: train_step(config, moves, inputs, state, mesh, axis)
        _, shapes = jax.eval_shape(train, state)

        def pass_by(state: State) -> tuple[State, dict[str, Array]]:
            zeros = {name: jnp.zeros(one.shape, one.dtype) for name, one in shapes.items()}
            return eqx.tree_at(lambda state: state.step, state, state.step + 1), zeros

        state, metrics = jax.lax.cond(trains, train, pass_by, state)
        return state, metrics | left_out

    def advance(
        state: State, data: Any, count: Array, trains: Array
    ) -> tuple[State, dict[str, Array]]:
        # of a configuration, batches are drawn; of columns that were read, each step has its own
        is_drawn = isinstance(data, DataConfig)
        of_step = lambda number: data if is_drawn else {n: one[number] for n, one in data.items()}
        _, shapes = jax.eval_shape(lambda: one(state, of_step(0), trains))

        def body(number: Array, carry: tuple[State, dict[str, Array]]) -> Any:
            state, numbers = carry
            state, metrics = one(state, of_step(number), trains)
            return state, {name: numbers[name].at[number].set(metrics[name]) for name in numbers}

        numbers = {name: jnp.zeros((_AT_ONCE,), shape.dtype) for name, shape in shapes.items()}
        return jax.lax.fori_loop(jnp.int32(0), count, body, (state, numbers))

    everywhere = None if mesh is None else NamedSharding(mesh, PartitionSpec())
    return jax.jit(advance, donate_argnums=0, out_shardings=everywhere)

"""`s2jax pretrain` and `s2jax pretrain report`."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from s2jax.cli._commands import Pretrain, PretrainReport, UsageError
from s2jax.cli._config import config_of, table_of
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._progress import Progress, resumable

_MODEL = "model"


def pretrain(command: Pretrain, options: dict[str, list[str]]) -> int:
    """Train a model, or go on with it."""
    prepare_to_draw()
    data, config = configs_of(command, options)
    from s2jax import symtime

    progress = Progress(command.steps * config.batch, "pairs")
    with resumable(progress):
        state = symtime.pretrain(
            command.path, config, data, command.steps, command.seed,
            save_every=command.save_every, mesh=_mesh(command.devices), progress=progress,
            announce=lambda text: print(text, file=sys.stderr),
        )  # fmt: skip
    _tell(command, symtime.read_run(command.path), int(state.step), bool(progress.drawn))
    return 0


def configs_of(command: Pretrain, options: dict[str, list[str]]) -> tuple[Any, Any]:
    """The configuration of the data, or their corpus; and the configuration of the model."""
    from s2jax import symtime

    is_model = lambda name: name.replace("-", "_").split(".")[0] == _MODEL
    table = table_of(command.config)
    given = table.pop(_MODEL, {})
    if not isinstance(given, dict):
        raise UsageError(f"--config {command.config}: model must be a table. Write [model].")
    of_data = {name: words for name, words in options.items() if not is_model(name)}
    typed = {name.partition(".")[2]: v for name, v in options.items() if is_model(name)}
    if command.corpus is None:
        data, fields = _drawn(command, of_data, table), {}
        sizes = data
    else:
        data = _stored(command, [*of_data, *table])
        sizes, fields = data.config, {"vocabulary": data.vocabulary}
    fields |= {"length": sizes.length, "num_outputs": sizes.num_outputs}
    fields |= {"num_inputs": sizes.num_inputs} if sizes.num_inputs else _OUTPUTS_ALONE
    fields |= {_name(name): _as_given(value) for name, value in given.items()}
    fields |= {_name(name): _as_typed(_name(name), value) for name, value in typed.items()}
    if command.batch_size:
        fields["batch"] = command.batch_size
    try:
        return data, getattr(symtime.Config, command.size)(**fields)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def _drawn(command: Pretrain, options: dict[str, list[str]], table: dict[str, Any]) -> Any:
    """The configuration of what is drawn; without the forms that the report asks for."""
    from s2jax import Split

    data = config_of(command, options, table)
    if "split" in {*table, *(name.split(".")[0] for name in options)}:
        return data
    return data.replace(split=Split(0, 0.9))


def _stored(command: Pretrain, names: list[str]) -> Any:
    """The corpus that is read, whose configuration is its own."""
    names += ["preset"] if command.preset != Pretrain.preset else []
    if names:
        raise UsageError(
            f"--{names[0]} with --corpus {command.corpus}: must be left out, because rows of a "
            "corpus are read as they are stored. Type fields of the model only, such as "
            "--model.width, or leave out --corpus."
        )
    from s2jax.corpus import read_corpus

    try:
        return read_corpus(str(command.corpus))
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error


_OUTPUTS_ALONE: dict[str, Any] = {"channels": "y", "order": "time"}


def _name(option: str) -> str:
    return option.replace("-", "_")


def _as_given(value: Any) -> Any:
    """A value of a TOML file."""
    return tuple(value) if isinstance(value, list) else value


def _as_typed(name: str, words: Sequence[str]) -> Any:
    """A value of the command line, of the kind of its field."""
    from s2jax.core import checks
    from s2jax.symtime import Config

    kinds = {field.name: field.type for field in dataclasses.fields(Config)}
    option = f"--{_MODEL}.{name.replace('_', '-')}"
    if name not in kinds:
        raise UsageError(f"{option}: {checks.unknown(name, kinds)}")
    kind, word = kinds[name], words[0]
    try:
        if kind is bool:
            return {"true": True, "false": False}[word.lower()]
        if kind is int and not float(word).is_integer():
            raise ValueError
        if kind is int:
            return int(float(word))
        if kind is float:
            return float(word)
        return word if kind is str else tuple(map(float, words))
    except (ValueError, KeyError):
        noun = {bool: "true or false", int: "an integer", float: "a number"}.get(kind, "numbers")
        raise UsageError(f"{option} {' '.join(words)}: must be {noun}.") from None


def _mesh(devices: int) -> Any:
    """As many devices of this machine; None if it is one."""
    if devices == 1:
        return None
    import jax

    if not 1 <= devices <= jax.device_count():
        raise UsageError(f"--devices {devices}: must be 1 to {jax.device_count()}, which are here.")
    return jax.make_mesh((devices,), ("data",), devices=jax.devices()[:devices])


def _tell(command: Pretrain, run: Any, step: int, has_trained: bool) -> None:
    """What was done, in a few lines."""
    last = {name: float(column[-min(100, step) :].mean()) for name, column in run.losses.items()}
    print(f"{command.path}: {step:,} steps, {step * run.config.batch:,} pairs", end="")
    if has_trained and run.speeds:
        speed = run.speeds[-1]
        print(
            f"; {speed['pairs_per_second']:,.0f} pairs/s, of which drawing takes "
            f"{speed['drawing_share']:.1%}", end="",
        )  # fmt: skip
    print(
        f"\nlast steps: loss {last['total']:.3f}, masked patches {last['mtm']:.3f}, masked words "
        f"{last['mlm']:.3f} ({last['words_right']:.0%} right), partners found "
        f"{last['series_found']:.1%} and {last['symbols_found']:.1%} of {run.config.batch}"
    )
    if last["rows_too_long"] > 0.01:
        print(f"{last['rows_too_long']:.0%} of the rows have more words than fit")
    print(f"What it has learnt: s2jax pretrain report {command.path}")


def report(command: PretrainReport) -> int:
    """Draw what was learnt, and print it."""
    prepare_to_draw()
    from s2jax import symtime
    from s2jax.plotting import plot_run

    try:
        run = symtime.read_run(command.path)
        found = symtime.evaluate_run(run, command.rows, command.seed)
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from error
    folder = command.path.resolve()
    png = command.png or folder.with_name(folder.name + ".png")
    plot_run(run, found).savefig(png, dpi=110)
    table = _facts(run) | found.table() | {"picture": str(png)}
    width = max(map(len, table))
    for name, value in table.items():
        print(f"{name:<{width}}  {value}")
    return 0


def _facts(run: Any) -> dict[str, str]:
    """What was trained, and how fast."""
    step = int(run.state.step)
    table = {
        "steps": f"{step:,} of {run.num_steps:,}, {step * run.config.batch:,} pairs",
        "temperature": f"{float(run.losses['temperature'][-1]):.3f}",
        "left out": f"{float(run.losses['rows_too_long'].mean()):.1%} of rows: too many words",
    }
    if run.corpus is not None:
        rounds = step * run.config.batch / run.corpus["rows"]
        table["corpus"] = f"{run.corpus['rows']:,} rows, {rounds:,.1f} rounds of all"
    if run.speeds:
        speed = run.speeds[-1]
        table["speed"] = (
            f"{speed['pairs_per_second']:,.0f} pairs/s, drawing {speed['drawing_share']:.1%} of a "
            f"step, compiling {speed['compiling_seconds']:.0f} s ({speed['device']})"
        )
    return table

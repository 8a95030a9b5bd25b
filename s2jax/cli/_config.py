"""Options that name fields of the configuration."""

import contextlib
import dataclasses
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from s2jax.cli._commands import CensusPreset, Fields, Generate, Pretrain, UsageError


def import_modules(arguments: list[str]) -> list[str]:
    """The arguments without `--import MODULE`, after importing these modules.

    They define and register classes of the user's own. Only what is typed is imported: no file says
    what is. Modules of the current folder are found, after those that are installed.
    """
    rest, words = [], iter(arguments)
    modules = []
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--import":
            modules.append(value if equals else next(words, ""))
        else:
            rest.append(word)
    for module in modules:
        _import_module(module)
    return rest


def _import_module(name: str) -> None:
    from s2jax.cli._machine import prepare_to_draw

    if not all(part.isidentifier() for part in name.split(".")) or name.endswith(".py"):
        raise UsageError(
            f"--import {name}: must be the name of a module, as in Python: --import pulse for the "
            "file pulse.py of the current folder."
        )
    prepare_to_draw()  # a module may compute when it is imported
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        importlib.import_module(name)
    except Exception as error:
        raise UsageError(
            f"--import {name}: cannot be imported ({type(error).__name__}: {error}). Looked in the "
            "current folder and where packages are installed."
        ) from error


def split(arguments: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Arguments of the command itself, and options that name fields of the configuration.

    A field takes one value, or as many as follow each other when they are numbers or, for
    `--inputs`, names of families; `--operators` takes names of operators.
    """
    command = next((word for word in arguments if not word.startswith("-")), None)
    kinds = {
        "generate": Generate, "fields": Fields, "census": CensusPreset, "pretrain": Pretrain,
    }  # fmt: skip
    if command not in kinds or arguments[:2] == ["pretrain", "report"]:
        return arguments, {}
    fields = dataclasses.fields(kinds[command])
    own = {f"--{field.name.replace('_', '-')}": field.type for field in fields}
    fixed, options = [], {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if own.get(name.replace("_", "-")) is int and (equals or (rest and rest[0][:2] != "--")):
            fixed.append(f"{name}={_whole(name, value if equals else rest.pop(0))}")
            continue
        if not name.startswith("--") or name.replace("_", "-") in own or name in ("--help", "--"):
            fixed.append(word)
            continue
        values = [value] if equals else []
        if not equals and rest and not rest[0].startswith("--"):
            values = [rest.pop(0)]
        more = _is_number if values and _is_number(values[0]) else _MANY.get(name)
        while not equals and rest and more is not None and more(rest[0]):
            values.append(rest.pop(0))
        if not values:
            raise UsageError(f"{name}: needs a value.")
        options[name[2:]] = values
    return fixed, options


def _whole(name: str, word: str) -> int:
    """An integer as it is typed, such as 20000 and 1e6."""
    with contextlib.suppress(ValueError):
        return int(word)
    with contextlib.suppress(ValueError):
        if float(word).is_integer():
            return int(float(word))
    raise UsageError(f"{name} {word[:60]}: must be an integer. Write for example {name} 1000.")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_family(word: str) -> bool:
    return not word.startswith("-") and word.replace(",", "").isidentifier() and word[:1].isupper()


def _is_operator(word: str) -> bool:
    return word.partition("=")[0].replace(",", "").isidentifier()


_MANY = {"--inputs": _is_family, "--operators": _is_operator}
"""Options that take several words."""


def _operators_of(words: list[str]) -> dict[str, float]:
    """Weights of operators as they are typed: `sin`, which is 1, or `add=2`."""
    found = {}
    for word in " ".join(words).replace(",", " ").split():
        name, equals, weight = word.partition("=")
        if equals and not _is_number(weight):
            raise UsageError(
                f"--operators {word[:60]}: must be a weight. Write for example {name}=2."
            )
        found[name] = float(weight) if equals else 1.0
    return found


def table_of(file: Path | None) -> dict[str, Any]:
    """The fields of a TOML file; none without one."""
    import tomllib

    try:
        return {} if file is None else tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--config {file}: cannot be read as TOML: {error}") from error


def config_of(
    command: Generate | Fields | CensusPreset | Pretrain, options: dict[str, list[str]],
    table: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """The preset with the fields of the file, or of this table of it, and the options."""
    from s2jax import presets
    from s2jax.config.options import with_options
    from s2jax.core import checks

    preset = getattr(presets, command.preset)()
    parts = [field.name for field in (*dataclasses.fields(preset), *dataclasses.fields(command))]
    allowed = [name.replace("_", "-") for name in (*parts, "operators")]
    options = dict(options)
    operators = options.pop("operators", None)
    for name in options:
        first = name.replace("_", "-").split(".")[0]
        if first not in allowed:
            raise UsageError(f"--{name}: {checks.unknown(first, allowed)}")

    layers = [table_of(command.config) if table is None else table]
    layers.append({name: v[0] if len(v) == 1 else v for name, v in options.items()})
    try:
        config = with_options(preset, *layers)
        return config if operators is None else config.with_operators(_operators_of(operators))
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error

"""`s2jax export`: its options are the fields of the formats, read from their classes."""

import dataclasses
import inspect
import re
import sys
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from s2jax.cli._commands import Export, UsageError
from s2jax.core.optional import require


def export_class() -> type[Export]:
    """`Export` with one option more for every field of a format.

    None is an option that was not given; of flags, which need no value, it is their default.
    """
    tyro = require("tyro", "The commands of s2jax")
    fields: list[Any] = []
    for name, takers in _takers().items():
        kind = Annotated[_kind_of(name, takers), tyro.conf.arg(help=_help(name, takers))]
        fields.append((name, kind, dataclasses.field(default=_not_given(name, takers))))
    made = dataclasses.make_dataclass("Export", fields, bases=(Export,), frozen=True)
    made.__doc__ = Export.__doc__
    return made


def export(command: Export) -> int:
    """Write a corpus in another format."""
    from s2jax import exporters
    from s2jax.corpus import DamagedError
    from s2jax.corpus.info import counted

    takers = _takers()
    values = {name: getattr(command, name) for name in takers}
    options = {name: v for name, v in values.items() if v != _not_given(name, takers[name])}
    try:
        done = exporters.export(command.path, command.dest, command.format, **options)
    except DamagedError:
        raise
    except (FileNotFoundError, FileExistsError, ValueError, TypeError) as error:
        raise UsageError(_as_typed(str(error), takers)) from error
    for sentence in done.warnings:
        print(f"s2jax: {_as_typed(sentence, takers)}", file=sys.stderr)
    print(f"{command.dest}: {done.series:,} series of {counted(done.rows, 'row')} as {done.format}")
    return 0


def _takers() -> dict[str, list[Any]]:
    """The formats that take an option, by its name."""
    from s2jax.exporters.registry import EXPORTERS

    found: dict[str, list[Any]] = {}
    for exporter in EXPORTERS.values():
        for field in dataclasses.fields(exporter):
            found.setdefault(field.name, []).append(exporter)
    return dict(sorted(found.items()))


def _kind_of(name: str, takers: list[Any]) -> Any:
    """What is typed: a flag, an integer, one of some words or a file."""
    kinds = [kind for exporter in takers for kind in _members(_field(exporter, name).type)]
    words = tuple(dict.fromkeys(kind for kind in kinds if isinstance(kind, str)))
    if words:
        one: Any = Literal[words]
        return one | None
    return bool if bool in kinds else int | None if int in kinds else Path | None


def _members(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a type, and the words of one of words."""
    parts = typing.get_args(kind)
    return tuple(one for part in parts for one in _members(part)) or (kind,)


def _field(exporter: Any, name: str) -> Any:
    return next(field for field in dataclasses.fields(exporter) if field.name == name)


def _not_given(name: str, takers: list[Any]) -> bool | None:
    default = _field(takers[0], name).default
    return default if isinstance(default, bool) else None


def _help(name: str, takers: list[Any]) -> str:
    """The formats, with their defaults if there are, and what the first says of its field."""
    defaults = [_field(exporter, name).default for exporter in takers]
    shown = [
        exporter.name if default is None or isinstance(default, bool)
        else f"{exporter.name} ({default})"
        for exporter, default in zip(takers, defaults, strict=True)
    ]  # fmt: skip
    return f"Of {', '.join(shown)}: {_sentence(takers[0], name)}"


def _sentence(exporter: Any, name: str) -> str:
    """What the class's documentation says of a field."""
    pages = [inspect.cleandoc(kind.__doc__ or "") for kind in exporter.__mro__]
    pattern = rf"^ +{name}: (.*?)(?=^ +\w+: |\Z)"
    found = next(filter(None, (re.search(pattern, page, re.DOTALL | re.M) for page in pages)))
    return " ".join(found[1].replace("`", "").split())


def _as_typed(text: str, options: Iterable[str]) -> str:
    """A message of the library whose advice names options as they are typed here."""
    names = "|".join(options)
    word = lambda found: f" {found[2]}" if found[2] else ""
    typed = lambda found: "--" + found[1].replace("_", "-") + word(found)
    return re.sub(
        r"\b(?:[Pp]ass|Choose among:) [^.]*",
        lambda advice: re.sub(rf"\b({names})(?:=True|='(\w+)')?(?!\w)", typed, advice[0]),
        text,
    )

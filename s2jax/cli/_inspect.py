"""Commands that read a corpus."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from s2jax.cli._commands import Info, List, Repair, Show, ShowFamily, UsageError, Verify
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._progress import Progress


def show(command: Show) -> int:
    """Draw a picture of a corpus and print what it holds."""
    from s2jax.corpus.places import place_of
    from s2jax.corpus.remote import Remote
    from s2jax.plotting import describe_causes, plot_corpus, summarize

    if command.pairs < 1:
        raise UsageError(f"--pairs {command.pairs}: must be >= 1.")
    try:
        table = summarize(command.path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    place = place_of(command.path, "show").resolve()
    here = Path() if isinstance(place, Remote) else place.parent
    png = command.png or here / f"{place.name}.png"
    plot_corpus(command.path, png, command.pairs, command.seed)
    causes = describe_causes(command.path, command.pairs, command.seed)
    _print(table | {"picture": str(png)} | causes)
    return 0


def show_family(command: ShowFamily) -> int:
    """Draw a picture of an input family."""
    prepare_to_draw()
    import jax

    from s2jax.config.serialize import classes
    from s2jax.core import checks
    from s2jax.inputs import AbstractFamily
    from s2jax.plotting import plot_family

    known = {name: kind for name, kind in classes().items() if issubclass(kind, AbstractFamily)}
    if command.family not in known:
        raise UsageError(f"--family: {checks.unknown(command.family, known)}")
    try:
        family = known[command.family]()
    except TypeError as error:
        raise UsageError(
            f"--family {command.family}: has no series of its own, because it is made of what it "
            "is given. Plot it in Python, by s2jax.plotting.plot_family."
        ) from error
    png = command.png or Path(f"{command.family}.png")
    key = jax.random.key(command.seed)
    try:
        figure = plot_family(family, key, command.count, command.length)
    except ValueError as error:
        raise UsageError(str(error)) from error
    figure.savefig(png, dpi=110)
    _print({"family": command.family, "picture": str(png)})
    return 0


def info(command: Info) -> int:
    """Print what a folder holds."""
    from s2jax.corpus import describe_corpus
    from s2jax.corpus.info import corpus_as_json

    try:
        if command.json:
            _print_json(corpus_as_json(command.path))
        else:
            _print(describe_corpus(command.path))
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    return 0


def verify(command: Verify) -> int:
    """Look for damaged files."""
    from s2jax import corpus
    from s2jax.corpus.info import counted

    try:
        number = len(corpus.read_manifest(command.path)["files"])
        progress = Progress(number, "files") if sys.stderr.isatty() else None
        with contextlib.closing(progress) if progress else contextlib.nullcontext():
            damaged = corpus.verify_corpus(command.path, progress)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    if command.json:
        found = [damage._asdict() for damage in damaged]
        _print_json({"corpus": str(command.path), "files": number, "damaged": found})
        return 1 if damaged else 0
    for damage in damaged:
        print(f"{command.path}: {damage.name} {damage.reason}")
    if any(damage.shard >= 0 for damage in damaged):
        print(f"To draw them again: s2jax repair {command.path}", file=sys.stderr)
    if any(damage.shard < 0 for damage in damaged):
        print("Move away what is no file of the corpus.", file=sys.stderr)
    if damaged:
        return 1
    are = "is as it was" if number == 1 else "are as they were"
    print(f"{command.path}: {counted(number, 'file')} {are} written.")
    return 0


def repair(command: Repair) -> int:
    """Draw damaged files again."""
    from s2jax import corpus

    prepare_to_draw()
    try:
        repaired = corpus.repair_corpus(command.path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    for damage in repaired:
        print(f"{command.path}: {damage.name} {damage.reason}; drawn again, with the same values.")
    if not repaired:
        print(f"{command.path}: nothing to repair.")
    return 0


def list_systems(command: List) -> int:
    """List the known systems of differential equations."""
    from s2jax.ode.known import SYSTEMS

    shown = {n: k for n, k in SYSTEMS.items() if command.kind in (None, k.kind)}
    width, wide = max(map(len, shown)), max(len(known.kind) for known in shown.values())
    for name, known in shown.items():
        states = len(known.states)
        print(f"{name:<{width}}  {states}  {known.kind:<{wide}}  {known.source}")
    return 0


def _print_json(table: dict[str, Any]) -> None:
    json.dump(table, sys.stdout, indent=1)
    print()


def _print(table: dict[str, str]) -> None:
    for name, value in table.items():
        print(f"{name:<12} {value}")

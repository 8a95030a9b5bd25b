"""The command line: `s2jax generate`, `show`, `info`, `verify`, `repair`, `export`, `fields`.

JAX and the plotting library are imported by the commands, when the arguments have been read.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

from s2jax._optional import require
from s2jax.cli._commands import (
    Export,
    Fields,
    Generate,
    Info,
    Repair,
    Show,
    UsageError,
    Verify,
)
from s2jax.cli._commands import Preset as Preset
from s2jax.cli._config import split

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 3

_INTRODUCTION = (
    "Series-symbol pairs: time series with the expressions that made them. "
    "First try: s2jax generate corpus --rows 2000, then s2jax show corpus; with --preset ode, "
    "solutions of random differential equations. Exit codes: 0 done, 1 failed or damaged, 2 wrong "
    "usage, 3 interrupted: the same command goes on"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 is done; 1 is failed, or damage found; 2 is wrong usage; 3 is interrupted, and the same
    command goes on where it stopped.

    Args:
        arguments: Those of the process if None.
    """
    warnings.filterwarnings("ignore", module="tyro")
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except UsageError as error:
        return _fail(USAGE, error)
    except KeyboardInterrupt as error:
        return _fail(INTERRUPTED, "interrupted.", *getattr(error, "__notes__", []))
    except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
        resumable = getattr(error, "resumable", False)
        code = INTERRUPTED if resumable else FAILED
        return _fail(code, error, *getattr(error, "__notes__", []))


def _fail(code: int, *parts: object) -> int:
    print("s2jax:", *parts, file=sys.stderr)
    return code


def _run(arguments: list[str]) -> int:
    tyro = require("tyro", "The commands of s2jax")
    fixed, options = split(arguments)
    subcommand = tyro.conf.subcommand
    command: Any = tyro.cli(
        Annotated[Generate, subcommand("generate")]
        | Annotated[Show, subcommand("show")]
        | Annotated[Info, subcommand("info")]
        | Annotated[Verify, subcommand("verify")]
        | Annotated[Repair, subcommand("repair")]
        | Annotated[Export, subcommand("export")]
        | Annotated[Fields, subcommand("fields")],
        args=fixed,
        prog="s2jax",
        description=_INTRODUCTION,
        config=(tyro.conf.PositionalRequiredArgs,),
    )
    from s2jax.cli import _generate, _inspect

    match command:
        case Generate():
            return _generate.generate(command, options, arguments)
        case Fields():
            return _generate.fields(command, options)
        case Show():
            return _inspect.show(command)
        case Info():
            return _inspect.info(command)
        case Verify():
            return _inspect.verify(command)
        case Repair():
            return _inspect.repair(command)
        case _:
            return _inspect.export(command)

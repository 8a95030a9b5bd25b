"""The commands of `s2jax`: generate, show, stats, census, info, verify, repair, export,
pretrain, list.

JAX and the plotting library are imported by the commands, when the arguments have been read.
"""

import contextlib
import os
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NoReturn, Union

from s2jax.cli._commands import (
    Census,
    CensusPreset,
    Fields,
    Generate,
    Info,
    List,
    Pretrain,
    PretrainReport,
    Repair,
    Show,
    ShowFamily,
    Stats,
    StatsPreset,
    UsageError,
    Verify,
)
from s2jax.cli._commands import Preset as Preset
from s2jax.cli._config import import_modules, split
from s2jax.core.interrupts import heard, sending_again
from s2jax.core.optional import require
from s2jax.core.version import __version__

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 3
_REPORT = "pretrain report"
_OTHERS: dict[Any, str] = {
    ShowFamily: "show", StatsPreset: "stats", CensusPreset: "census", PretrainReport: _REPORT,
}  # fmt: skip
"""What commands take in place of a corpus, by an option or a word, and the names of these."""

_INTRODUCTION = (
    "Series-symbol pairs: time series with the expressions that made them. "
    "First try: s2jax generate corpus --rows 2000, then s2jax show corpus; with --preset ode, "
    "solutions of random differential equations. With --import MODULE, any command first imports a "
    "module that registers classes of your own. Exit codes: 0 done, 1 failed or damaged, 2 wrong "
    "usage, 3 interrupted: the same command goes on"
)


def run() -> NoReturn:
    """Run the command of this process, and end it with its exit code.

    One that did not come to its end leaves at once, when its files are swept: XLA's threads may be
    compiling or computing still, and crash when Python takes down what they use.
    """
    code = main()
    if code == OK:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the terminal may be closed
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 is done; 1 is failed, or damage found; 2 is wrong usage; 3 is interrupted, and the same
    command goes on where it stopped. SIGTERM, which schedulers send, and SIGHUP, which a closing
    terminal sends, interrupt as Ctrl-C does.

    Args:
        arguments: Those of the process if None.
    """
    warnings.filterwarnings("ignore", module="tyro")
    words = list(sys.argv[1:] if arguments is None else arguments)
    again = f"To go on: {shlex.join(['s2jax', *words])}"
    with _signals_interrupt():
        try:
            return _run(words)
        except UsageError as error:
            return _fail(USAGE, error)
        except KeyboardInterrupt as error:
            return _fail(INTERRUPTED, "interrupted.", *getattr(error, "__notes__", []), again)
        except BrokenPipeError:  # who reads has enough, `head` for example
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
            notes = getattr(error, "__notes__", [])
            if getattr(error, "resumable", False):
                return _fail(INTERRUPTED, error, *notes, again)
            return _fail(FAILED, error, *notes)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let the signals that ask a process to end raise KeyboardInterrupt, and no longer than this.

    One that is ignored stays so, as under `nohup`, and so does a handler of Ctrl-C of one's own.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():  # no other may set handlers
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows lacks one
            now = None if number is None else signal.getsignal(number)
            own = name == "SIGINT" and now is not signal.default_int_handler
            if number is not None and now is not signal.SIG_IGN and not own:
                before[number] = signal.signal(number, heard(signal.default_int_handler))
    try:
        with sending_again():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(code: int, *parts: object) -> int:
    with contextlib.suppress(OSError):  # the terminal may be closed
        print("s2jax:", *parts, file=sys.stderr)
    return code


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["--version"]:
        print(f"s2jax {__version__}")
        return OK
    tyro = require("tyro", "The commands of s2jax")
    fixed, options = split(import_modules(arguments))
    from s2jax.cli import _census, _export, _generate, _inspect, _pretrain, _stats

    if fixed[:2] == _REPORT.split():
        fixed = [_REPORT, *fixed[2:]]
    has = lambda option: any(word.startswith(option) for word in fixed)
    shown = ShowFamily if has("--family") else Show
    described = StatsPreset if has("--preset") else Stats
    counted = CensusPreset if has("--preset") or has("--config") else Census
    kinds: list[Any] = [Generate, shown, described, counted, Info, Verify, Repair]
    kinds += [_export.export_class(), Pretrain, PretrainReport, Fields, List]
    named = tuple(
        Annotated[kind, tyro.conf.subcommand(_OTHERS.get(kind, kind.__name__.lower()))]
        for kind in kinds
    )
    commands: Any = Union[named]  # noqa: UP007
    command: Any = tyro.cli(
        commands,
        args=fixed,
        prog="s2jax",
        description=_INTRODUCTION,
        config=(tyro.conf.PositionalRequiredArgs,),
    )
    match command:
        case Generate():
            return _generate.generate(command, options)
        case Pretrain():
            return _pretrain.pretrain(command, options)
        case PretrainReport():
            return _pretrain.report(command)
        case Fields():
            return _generate.fields(command, options)
        case Show():
            return _inspect.show(command)
        case ShowFamily():
            return _inspect.show_family(command)
        case Stats():
            return _stats.stats(command)
        case Census():
            return _census.census(command, options)
        case Info():
            return _inspect.info(command)
        case Verify():
            return _inspect.verify(command)
        case Repair():
            return _inspect.repair(command)
        case List():
            return _inspect.list_systems(command)
        case _:
            return _export.export(command)

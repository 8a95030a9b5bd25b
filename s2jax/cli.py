"""The command line: `s2jax generate`, `s2jax show`, `s2jax fields`.

JAX and the plotting library are imported by the commands, when the arguments have been read.
"""

import dataclasses
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

Preset = Literal["s2", "reference", "ode"]
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 3

_INTRODUCTION = (
    "Series-symbol pairs: time series with the expressions that made them. "
    "First try: s2jax generate corpus --rows 2000, then s2jax show corpus; with --preset ode, "
    "solutions of random differential equations"
)


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write a corpus of Parquet files into a new folder.

    Every field of the configuration can be set by its dotted name, for example
    --length 512 --num-inputs 3 --acceptance.bound 1000 --target.law.max-unary 3
    --x-scaling.high 8 --inputs Mixture ARMA --inputs.weights 0.3 0.7.
    With none, a part or a weight is left out: --y-scaling none --target.weights.driven none.
    `s2jax fields` lists them all. Options win over the file, the file over the preset.
    """

    out: Path
    """The folder: new or empty."""
    preset: Preset = "s2"
    """Where fields that are not set come from."""
    rows: int = 20000
    """Number of pairs."""
    seed: int = 0
    """The same seed, configuration and block give the same pairs."""
    config: Path | None = None
    """TOML file with fields of the configuration, tables nested like dotted names."""
    shard_rows: int = 65536
    """Pairs per file, a multiple of block."""
    block: int = 1024
    """Pairs drawn at a time."""


@dataclasses.dataclass(frozen=True)
class Show:
    """Plot random pairs of a corpus with their formulas, and print what it holds.

    Solutions of differential equations are plotted over time and as paths in the plane.
    """

    out: Path
    """The folder of a corpus."""
    png: Path | None = None
    """Where the picture goes; by default OUT.png beside the folder."""
    pairs: int = 6
    """Number of pairs in the picture."""
    seed: int = 0
    """Which pairs."""


@dataclasses.dataclass(frozen=True)
class Fields:
    """List every field of a configuration with its value; `generate` can set them all.

    Takes the same options as `generate`, so that their effect can be seen.
    """

    preset: Preset = "s2"
    """Which configuration."""
    config: Path | None = None
    """TOML file with fields of the configuration."""


class UsageError(Exception):
    """The caller's mistake, to be told in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 3 interrupted.

    Args:
        arguments: Those of the process if None.
    """
    warnings.filterwarnings("ignore", module="tyro")
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except UsageError as error:
        return _fail(USAGE, error)
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted; files that were complete are kept.")
    except (OSError, ValueError, TypeError, ImportError) as error:
        return _fail(FAILED, error)


def _fail(code: int, error: object) -> int:
    notes = getattr(error, "__notes__", [])
    print("s2jax:", error, *notes, file=sys.stderr)
    return code


def _run(arguments: list[str]) -> int:
    try:
        import tyro
    except ImportError as error:
        raise ImportError(
            'The command line needs tyro. Install it: pip install "s2jax[cli]"'
        ) from error
    fixed, options = _split(arguments)
    subcommand = tyro.conf.subcommand
    command: Any = tyro.cli(
        Annotated[Generate, subcommand("generate")]
        | Annotated[Show, subcommand("show")]
        | Annotated[Fields, subcommand("fields")],
        args=fixed,
        prog="s2jax",
        description=_INTRODUCTION,
        config=(tyro.conf.PositionalRequiredArgs,),
    )
    if isinstance(command, Show):
        return _show(command)
    if isinstance(command, Fields):
        return _fields(command, options)
    return _generate(command, options)


def _split(arguments: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Arguments of the command itself, and options that name fields of the configuration.

    A field takes one value, or as many as follow each other when they are numbers or, for
    `--inputs`, names of families.
    """
    command = next((word for word in arguments if not word.startswith("-")), None)
    kinds = {"generate": Generate, "fields": Fields}
    if command not in kinds:
        return arguments, {}
    own = {f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(kinds[command])}
    fixed, options = [], {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name.replace("_", "-") in own or name in ("--help", "--"):
            fixed.append(word)
            continue
        values = [value] if equals else []
        if not equals and rest and not rest[0].startswith("--"):
            values = [rest.pop(0)]
        more = _is_number if values and _is_number(values[0]) else _is_family
        while not equals and rest and (more is _is_number or name == "--inputs") and more(rest[0]):
            values.append(rest.pop(0))
        if not values:
            raise UsageError(f"{name}: needs a value.")
        options[name[2:]] = values
    return fixed, options


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_family(word: str) -> bool:
    return not word.startswith("-") and word.replace(",", "").isalnum() and word[:1].isupper()


def _config(command: Generate | Fields, options: dict[str, list[str]]) -> Any:
    """The preset with the fields of the file and the options."""
    import tomllib

    from s2jax import _checks, presets
    from s2jax._options import with_options

    file, preset = command.config, getattr(presets, command.preset)()
    parts = [field.name for field in (*dataclasses.fields(preset), *dataclasses.fields(command))]
    allowed = [name.replace("_", "-") for name in parts]
    for name in options:
        first = name.replace("_", "-").split(".")[0]
        if first not in allowed:
            raise UsageError(f"--{name}: {_checks.unknown(first, allowed)}")

    layers: list[dict[str, Any]] = []
    if file is not None:
        try:
            layers.append(tomllib.loads(file.read_text()))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"--config {file}: cannot be read as TOML: {error}") from error
    layers.append({name: v[0] if len(v) == 1 else v for name, v in options.items()})
    try:
        return with_options(preset, *layers)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def _generate(command: Generate, options: dict[str, list[str]]) -> int:
    config = _config(command, options)
    from s2jax.corpus import write_corpus

    start = time.perf_counter()
    progress = _Progress(command.rows)
    try:
        manifest = write_corpus(
            command.out, config, command.rows, command.seed, command.shard_rows, command.block,
            progress,
        )  # fmt: skip
    except (ValueError, TypeError, FileExistsError) as error:
        raise UsageError(str(error)) from error
    finally:
        progress.close()
    seconds = time.perf_counter() - start
    size = sum(file["bytes"] for file in manifest["files"])
    print(
        f"{command.out}: {command.rows:,} rows, {size / 1e6:,.1f} MB, "
        f"{command.rows / seconds:,.0f} rows/s including compilation, "
        f"{_accepted(manifest['acceptance']):.1%} of the expressions accepted"
    )
    rejected = _rejected(manifest["acceptance"])
    if rejected:
        print("rejected:", rejected)
    unusable = manifest["acceptance"]["unusable_rows"]
    if unusable:
        print(
            f"s2jax: {unusable:,} rows have a nonzero status, because the search ran out. Raise "
            "--acceptance.max-tries or --acceptance.bound.",
            file=sys.stderr,
        )
    return OK


class _Progress:
    """One line on stderr with rows, rows per second and time left."""

    def __init__(self, total: int):
        self._total, self._first = total, (0, time.perf_counter())
        self._drawn = 0.0
        self._bar: Any = None
        try:
            from tqdm import tqdm
        except ImportError:
            return
        self._bar = tqdm(total=total, unit=" rows", unit_scale=False, file=sys.stderr)

    def __call__(self, rows: int) -> None:
        now = time.perf_counter()
        if self._bar is not None:
            self._bar.update(rows - self._bar.n)
            return
        if now - self._drawn < 0.5 and rows < self._total:
            return
        self._drawn = now
        rate = rows / max(now - self._first[1], 1e-9)
        left = (self._total - rows) / rate
        line = f"\r{rows:,} of {self._total:,} rows, {rate:,.0f} rows/s, {left:.0f} s left "
        print(line, end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
        elif self._drawn:
            print(file=sys.stderr)


def _accepted(counts: dict[str, int]) -> float:
    tries = sum(count for name, count in counts.items() if name != "unusable_rows")
    return counts["accepted"] / max(tries, 1)


def _rejected(counts: dict[str, int]) -> str:
    """The reasons for which expressions were rejected, the most frequent first."""
    tries = max(sum(count for name, count in counts.items() if name != "unusable_rows"), 1)
    reasons = {n: k for n, k in counts.items() if k and n not in ("accepted", "unusable_rows")}
    ordered = sorted(reasons.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,} ({count / tries:.1%})" for name, count in ordered)


def _show(command: Show) -> int:
    from s2jax.plotting import plot_corpus, summarize

    if command.pairs < 1:
        raise UsageError(f"--pairs {command.pairs}: must be >= 1.")
    try:
        table = summarize(command.out)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    png = command.png or command.out.resolve().with_name(command.out.resolve().name + ".png")
    plot_corpus(command.out, png, command.pairs, command.seed)
    print(_as_text(table))
    print(f"{'picture':<12} {png}")
    return OK


def _as_text(table: dict[str, str]) -> str:
    return "\n".join(f"{name:<12} {value}" for name, value in table.items())


def _fields(command: Fields, options: dict[str, list[str]]) -> int:
    from s2jax._options import names_of, show_value

    values = names_of(_config(command, options))
    shown: Callable[[str], str] = lambda name: "--" + name.replace("_", "-")
    width = max(len(shown(name)) for name in values)
    for name, value in values.items():
        print(f"{shown(name):<{width}}  {show_value(value)}")
    return OK


if __name__ == "__main__":
    sys.exit(main())

"""`s2jax generate` and `s2jax fields`."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from s2jax.cli._commands import Fields, Generate, UsageError
from s2jax.cli._config import config_of
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._progress import Progress, resumable


def generate(command: Generate, options: dict[str, list[str]]) -> int:
    """Write a corpus, or what is missing of it."""
    config, part = config_of(command, options), _part(command.shards)
    if command.card_rows < 0:
        raise UsageError(f"--card-rows {command.card_rows}: must be >= 0; 0 measures none.")
    from s2jax.corpus import write_corpus

    prepare_to_draw()
    shards = _shards(command, config, part)
    if command.dry_run:
        return _estimate(command, config)
    progress = Progress(sum(shards.values()), is_quiet=command.quiet)
    announce = None if command.quiet else lambda text: print(text, file=sys.stderr)
    start = time.perf_counter()
    with resumable(progress):
        manifest = write_corpus(
            command.path, config, command.rows, command.seed, command.shard_rows,
            command.block_size, progress, workers=command.workers, part=part,
            engine=_engine(command), announce=announce,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        if manifest is not None and command.card_rows:
            _measure(command, progress.drawn > 0, announce)
    if manifest is not None:
        _report(command, manifest, progress.drawn, seconds)
    elif command.quiet:
        pass
    elif shards:
        rate = _rate(progress.drawn, seconds)
        print(f"{command.path}: part {command.shards} is done{rate}; others are missing still.")
    else:
        print(f"{command.path}: part {command.shards} has nothing to do, as there are fewer files.")
    return 0


def _estimate(command: Generate, config: Any) -> int:
    """Say what would be written."""
    from s2jax.corpus import estimate_corpus

    try:
        found = estimate_corpus(
            command.path, config, command.rows, command.seed, command.shard_rows, command.block_size
        )
    except (ValueError, TypeError, FileExistsError) as error:
        raise UsageError(str(error)) from error
    left = str(found) if found.rows else "nothing is left to draw"
    print(f"{command.path}: {left}. Nothing was written.")
    return 0


def _shards(command: Generate, config: Any, part: tuple[int, int]) -> dict[int, int]:
    """The rows of each file that this command is to write."""
    from s2jax.corpus import DamagedError
    from s2jax.corpus.growth import settle
    from s2jax.corpus.places import place_of
    from s2jax.corpus.plan import Plan
    from s2jax.stream import Stream

    try:
        stream = Stream(config, command.seed, command.block_size)
        plan = Plan(stream, command.rows, command.shard_rows)
        with contextlib.suppress(OSError, DamagedError):  # which whoever writes it tells
            plan, _ = settle(place_of(command.path, "write_corpus"), plan)
        return {shard: len(plan.ids(shard)) for shard in plan.shards_of(part)}
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def _part(shards: str) -> tuple[int, int]:
    """`I/N` as two numbers."""
    index, slash, count = shards.partition("/")
    if not (slash and index.isdigit() and count.isdigit()):
        raise UsageError(f"--shards {shards}: must be I/N with 0 <= I < N, for example 0/4.")
    return int(index), int(count)


def _engine(command: Generate) -> Any:
    if command.engine == "local":
        if command.address is not None:
            raise UsageError(f"--address {command.address}: needs --engine ray.")
        return None
    from s2jax.corpus import ray_engine

    return ray_engine(command.address)


def _measure(command: Generate, has_drawn: bool, announce: Any) -> None:
    """Enter into the card what rows are like, if they are new or have not been measured."""
    from s2jax.corpus import write_card
    from s2jax.corpus.card import CARD, is_unmeasured
    from s2jax.corpus.places import place_of

    folder = place_of(command.path, "write_card")
    if has_drawn or is_unmeasured(folder):
        if announce is not None:
            announce(f"measuring rows for {folder / CARD}")
        write_card(command.path, command.card_rows)


def _rate(drawn: int, seconds: float) -> str:
    """What this run did; nothing if it had nothing to draw."""
    return f", {drawn / seconds:,.0f} rows/s including compilation" if drawn else ""


def _report(command: Generate, manifest: dict[str, Any], drawn: int, seconds: float) -> None:
    from s2jax.corpus.info import counted, outcomes, sized

    size = sum(file["bytes"] for file in manifest["files"])
    accepted, rejected = outcomes(manifest)
    rate = _rate(drawn, seconds) or ", there was nothing left to draw"
    rows = counted(command.rows, "row")
    if not command.quiet:
        print(f"{command.path}: {rows}, {sized(size)}{rate}, {accepted}")
    if rejected and not command.quiet:
        print("rejected:", rejected)
    unusable = manifest["acceptance"]["unusable_rows"]
    if unusable:
        verb = "has" if unusable == 1 else "have"
        tried = sum(n for name, n in manifest["acceptance"].items() if name != "unusable_rows")
        print(
            f"s2jax: {counted(unusable, 'row')} {verb} a nonzero status, because "
            + (
                "the search ran out. Raise --acceptance.max-tries or --acceptance.bound."
                if tried
                else "no input was usable: all were constant or not finite. Correct --inputs."
            ),
            file=sys.stderr,
        )


def fields(command: Fields, options: dict[str, list[str]]) -> int:
    """List the fields of a configuration."""
    from s2jax.config.options import names_of, show_value

    values = names_of(config_of(command, options))
    shown: Callable[[str], str] = lambda name: "--" + name.replace("_", "-")
    width = max(len(shown(name)) for name in values)
    for name, value in values.items():
        print(f"{shown(name):<{width}}  {show_value(value)}")
    return 0

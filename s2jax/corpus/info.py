"""What a folder holds, in a few lines."""

import json
import shlex
import textwrap
from collections.abc import Iterable
from typing import Any

import jax

from s2jax.config.serialize import UnknownClassError, from_json
from s2jax.core.checks import cut
from s2jax.corpus._heads import MANIFEST, PLAN, read_head, read_manifest
from s2jax.corpus._manifest import about_stranger, examine, other_size, strangers
from s2jax.corpus.footers import ABSENT
from s2jax.corpus.growth import growth_of
from s2jax.corpus.layout import source_columns
from s2jax.corpus.places import AnyPath, Place, place_of
from s2jax.corpus.plan import ids_of, name_of, num_files
from s2jax.ode.catalogue import name_of as name_of_system


def describe_corpus(path: AnyPath) -> dict[str, str]:
    """Rows, size, configuration and versions of a corpus, finished or not, as lines of a table.

    Raises:
        FileNotFoundError: If there is neither.
        DamagedError: If what describes it is damaged; damaged files are lines of the table.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> describe_corpus(folder)["rows"]
        '4'
    """
    folder = place_of(path, "describe_corpus")
    kind, head = _head_of(folder)
    names = [name_of(shard) for shard in range(num_files(head))]
    wrong = _reasons(folder, head, names)
    absent = [shard for shard, reason in wrong.items() if reason == ABSENT]
    damaged = [f"{names[shard]} {reason}" for shard, reason in wrong.items() if reason != ABSENT]
    state = [
        f"{len(shards):,} of {counted(len(names), 'file')} {_verb(len(shards))} {what}"
        for shards, what in ((absent, "missing"), (damaged, "damaged"))
        if shards
    ]
    other = [about_stranger(name) for name in strangers(folder, head)]
    listed = {"damaged": _few(damaged), "foreign": _few(other)}
    whole = [shard for shard in range(len(names)) if shard not in wrong]
    if kind == "plan":
        state.insert(0, "unfinished")
        listed["to go on"] = _command(path, head)
    elif growth := growth_of(folder, head):
        state = [*(state or ["whole"]), _about_growth(folder, head, growth)]
        listed["to go on"] = _command(path, growth)
    table = facts(head, sum((folder / names[shard]).stat().st_size for shard in whole))
    if wrong:
        rows = sum(len(ids_of(head, shard)) for shard in whole)
        table["rows"] = f"{rows:,} of {table['rows']}"
        table["size"] = table["size"].replace(" in ", f" in {len(whole):,} of ")
    return (
        {"corpus": str(path), "state": "; ".join(state) or "whole"}
        | {name: lines for name, lines in listed.items() if lines}
        | table
    )


def corpus_as_json(path: AnyPath) -> dict[str, Any]:
    """All that is known of a corpus, finished or not, as what JSON holds.

    The lines of `describe_corpus` on its state, and its manifest, or the plan of one that is not
    finished, under its own names; both of one that is to grow.

    Raises:
        FileNotFoundError: If there is neither.
        DamagedError: If what describes it is damaged.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.write_corpus(folder, s2jax.presets.s2(length=64), 4, block_size=4)
        >>> found = corpus_as_json(folder)
        >>> found["state"], found["manifest"]["rows"]
        ('whole', 4)
    """
    said = describe_corpus(path)
    state = ("corpus", "state", "damaged", "foreign", "to go on")
    folder = place_of(path, "describe_corpus")
    name, head = _head_of(folder)
    found = {line.replace(" ", "_"): said[line] for line in state if line in said} | {name: head}
    growth = growth_of(folder, head) if name == "manifest" else None
    return found | ({"plan": growth} if growth else {})


def _head_of(folder: Place) -> tuple[str, dict[str, Any]]:
    """What describes a corpus: its manifest, or its plan while it is unfinished."""
    if (folder / PLAN).is_file() and not (folder / MANIFEST).is_file():
        return "plan", read_head(folder, PLAN)
    return "manifest", read_manifest(folder)


def _about_growth(folder: Place, head: dict[str, Any], growth: dict[str, Any]) -> str:
    """How far a corpus has grown, by the footers of its new files."""
    new = range(num_files(head), num_files(growth))
    missing = len(examine(folder, growth, new))
    files = counted(len(new), "new file")
    return f"to grow to {growth['rows']:,} rows; {missing:,} of {files} {_verb(missing)} missing"


def _command(path: AnyPath, head: dict[str, Any]) -> str:
    """How an unfinished corpus, or one that is to grow, is finished."""
    numbers = {
        "rows": "rows",
        "seed": "seed",
        "block-size": "block_size",
        "shard-rows": "shard_rows",
    }
    options = " ".join(f"--{option} {head[name]}" for option, name in numbers.items())
    return (
        f"run the command that began it again: s2jax generate {shlex.quote(str(path))} {options} "
        "and its configuration"
    )


def _reasons(folder: Place, head: dict[str, Any], names: list[str]) -> dict[int, str]:
    """What is wrong with files, by their footers and sizes."""
    found = {shard: str(why) for shard, why in examine(folder, head, range(len(names))).items()}
    for shard, entry in enumerate(head.get("files", ())):
        size = entry["bytes"] if shard in found else (folder / names[shard]).stat().st_size
        if size != entry["bytes"]:
            found[shard] = other_size(size, entry["bytes"])
    return dict(sorted(found.items()))


def _few(sentences: list[str]) -> str:
    """The first sentences, and how many more there are."""
    more = f"; and {len(sentences) - 3:,} more" if len(sentences) > 3 else ""
    return "; ".join(sentences[:3]) + more


def _verb(number: int) -> str:
    return "is" if number == 1 else "are"


def counted(number: int, noun: str) -> str:
    """A number of things, in the singular where it is one."""
    many = noun if noun.endswith("series") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def sized(number: float) -> str:
    """A number of bytes."""
    small = number < 1e5
    return f"{number / (1e3 if small else 1e6):,.1f} {'kB' if small else 'MB'}"


def target_of(config: dict[str, Any]) -> str:
    """The target of a stored configuration: the name of a known system, or the class."""
    return known_name(config) or str(config["target"]["class"])


def known_name(config: dict[str, Any]) -> str | None:
    """The name of the known system that is the target of a stored configuration, if it is one."""
    target = config["target"]
    if "states" not in target or target.get("noise") or target.get("history"):
        return None
    return name_of_system(target["states"], target["expressions"], target.get("delays", ()))


def outcomes(manifest: dict[str, Any]) -> tuple[str, str]:
    """How many tries were accepted, and why others were not, the most frequent reason first."""
    counts = {name: n for name, n in manifest["acceptance"].items() if name != "unusable_rows"}
    total = sum(counts.values())
    share = lambda count: f"{count / max(total, 1):.1%}"
    what = counted(total, "system" if manifest.get("forms") else "expression")
    accepted = counts.pop("accepted")
    reasons = sorted(((n, name) for name, n in counts.items() if n), reverse=True)
    return (
        f"{accepted:,} of {what} accepted ({share(accepted)})",
        ", ".join(f"{name} {n:,} ({share(n)})" for n, name in reasons),
    )


def facts(head: dict[str, Any], size: int) -> dict[str, str]:
    """What a manifest or plan says, as lines of a table."""
    config = head["config"]
    backend = head["backend"]
    return {
        "rows": f"{head['rows']:,}",
        "size": f"{sized(size)} in {counted(num_files(head), 'file')}",
        "length": str(config["length"]),
        "channels": f"{config['num_inputs']} in, {config['num_outputs']} out",
        **_inputs(head),
        "target": target_of(config),
        **_measured(config.get("observation")),
        **_times(config.get("times")),
        "seed": f"{head['seed']}, blocks of {head['block_size']}",
        "made by": ", ".join(f"{name} {cut(v)}" for name, v in head["versions"].items())
        + f" on {cut(backend['platform'])} ({cut(backend['device'])})",
        "fingerprint": head["fingerprint"][:16],
    }


def _measured(observation: dict[str, Any] | None) -> dict[str, str]:
    """How many rows are measured, and what may happen to them."""
    if observation is None:
        return {}
    names = (cut(effect["class"]) for effect in observation["effects"])
    return {"measured": lines([f"{observation['share']:.0%}\xa0of\xa0rows", *names])}


def _times(times: dict[str, Any] | None) -> dict[str, str]:
    """How many rows are read at irregular times, and how far apart these are."""
    if times is None:
        return {}
    names = (cut(spacing["class"]) for spacing in times["spacings"])
    first = f"{times['share']:.0%}\xa0of\xa0rows, {times['ticks']}\xa0ticks a step"
    return {"irregular": lines([first, *names])}


def _inputs(head: dict[str, Any]) -> dict[str, str]:
    """The families of inputs, and the columns that hold what they drew."""
    try:
        config = from_json(json.dumps(head["config"]))
    except UnknownClassError as error:
        fix = "Import the module that registers it (--import MODULE)"
        return {"inputs": f"{cut(error.name)} is no class that is known here. {fix}"}
    except ValueError:  # who reads rows is told
        return {}
    if not config.num_inputs:
        return {}
    with jax.enable_x64(head["dtype"] == "float64"):
        columns = source_columns(config).columns
    families = (type(family).__name__ for family in config.choice.families)
    return {
        "inputs": ", ".join(families),
        "laws": lines(f"{name}\xa0{column}" for name, column in columns.items()),
    }


def lines(parts: Iterable[str]) -> str:
    """Parts of a value of a table, on as many lines as they need; unbroken at `\\xa0`."""
    return textwrap.fill(", ".join(parts), 86, subsequent_indent=" " * 13).replace("\xa0", " ")

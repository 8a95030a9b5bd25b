"""What a folder holds, in a few lines."""

import os
from pathlib import Path
from typing import Any

from s2jax.corpus._manifest import MANIFEST, PLAN, missing, read_head, read_manifest
from s2jax.corpus._plan import Plan
from s2jax.ode._named import name_of


def describe_corpus(path: str | os.PathLike[str]) -> dict[str, str]:
    """Rows, size, configuration and versions of a corpus, finished or not, as lines of a table.

    Raises:
        FileNotFoundError: If there is neither.

    Example:
        >>> import tempfile, s2jax
        >>> folder = tempfile.mkdtemp()
        >>> manifest = s2jax.corpus.write_corpus(folder, s2jax.presets.s2(length=64), 4, block=4)
        >>> describe_corpus(folder)["rows"]
        '4'
    """
    folder = Path(path)
    unfinished = (folder / PLAN).is_file() and not (folder / MANIFEST).is_file()
    head = read_head(folder, PLAN) if unfinished else read_manifest(folder)
    plan = Plan.of(head)
    size = sum(file.stat().st_size for file in (folder / "data").glob("train-*"))
    left = missing(folder, plan)
    verb = "is" if len(left) == 1 else "are"
    state = (
        f"{len(left):,} of {counted(plan.num_shards, 'file')} {verb} missing" if left else "whole"
    )
    return {"corpus": str(path), "state": state} | facts(head, size)


def counted(number: int, noun: str) -> str:
    """A number of things, in the singular where it is one."""
    many = noun if noun.endswith("series") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def target_of(config: dict[str, Any]) -> str:
    """The target of a stored configuration: the name of a known system, or the class."""
    return known_name(config) or str(config["target"]["class"])


def known_name(config: dict[str, Any]) -> str | None:
    """The name of the known system that is the target of a stored configuration, if it is one."""
    target = config["target"]
    return name_of(target["states"], target["expressions"]) if "states" in target else None


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
    files = -(-head["rows"] // head["shard_rows"])
    return {
        "rows": f"{head['rows']:,}",
        "size": f"{size / 1e6:,.1f} MB in {counted(files, 'file')}",
        "length": str(config["length"]),
        "channels": f"{config['num_inputs']} in, {config['num_outputs']} out",
        "target": target_of(config),
        "seed": f"{head['seed']}, blocks of {head['block_size']}",
        "made by": ", ".join(f"{name} {v}" for name, v in head["versions"].items())
        + f" on {backend['platform']} ({backend['device']})",
        "fingerprint": head["fingerprint"][:16],
    }

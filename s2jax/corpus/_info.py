"""What a folder holds, in a few lines."""

import os
from pathlib import Path
from typing import Any

from s2jax.corpus._manifest import MANIFEST, PLAN, missing, read_head, read_manifest
from s2jax.corpus._plan import Plan


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
    state = f"{len(left):,} of {plan.num_shards:,} files are missing" if left else "whole"
    return {"corpus": str(path), "state": state} | facts(head, size)


def facts(head: dict[str, Any], size: int) -> dict[str, str]:
    """What a manifest or plan says, as lines of a table."""
    config = head["config"]
    backend = head["backend"]
    return {
        "rows": f"{head['rows']:,}",
        "size": f"{size / 1e6:,.1f} MB in {-(-head['rows'] // head['shard_rows']):,} files",
        "length": str(config["length"]),
        "channels": f"{config['num_inputs']} in, {config['num_outputs']} out",
        "target": str(config["target"]["class"]),
        "seed": f"{head['seed']}, blocks of {head['block_size']}",
        "made by": ", ".join(f"{name} {v}" for name, v in head["versions"].items())
        + f" on {backend['platform']} ({backend['device']})",
        "fingerprint": head["fingerprint"][:16],
    }

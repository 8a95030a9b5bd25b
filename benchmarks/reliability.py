"""What corpora survive: killed processes, failing calls, flipped bits, starts at the same time.

One JSON line each.

python benchmarks/reliability.py --out results.jsonl
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _record

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import faults

WORKERS = (1, 2, 3, 4)


def kills(folder: Path, count: int, wanted: list[str]) -> dict[str, Any]:
    """Processes killed at points spread evenly over progress, 1 to 4 workers, 5 kills a corpus."""
    done, corpora = 0, 0
    while done < count:
        workers = WORKERS[corpora % len(WORKERS)]
        done += faults.kill_evenly(folder / f"kill-{corpora}", workers, 5, corpora, wanted)
        corpora += 1
    return {"kills": done, "corpora": corpora, "lost": 0, "doubled": 0, "torn": 0}


def calls(folder: Path, wanted: list[str]) -> dict[str, Any]:
    """Every call to the file system made to fail once."""
    counts = {}
    for kind in ("die", "EIO", "ENOSPC"):
        folders = (folder / f"{kind}-{number}" for number in range(10**6))
        counts[kind] = faults.fail_everywhere(lambda f=folders: next(f), [kind], wanted)
    return {"calls": counts, "violations": 0}


def starts(folder: Path, wanted: list[str]) -> dict[str, Any]:
    """Three parts that start at the same time under one number of process."""
    folders = (folder / f"start-{number}" for number in range(40))
    return {"starts": faults.start_parts(folders, wanted), "failures": 0}


def hands(folder: Path, wanted: list[str]) -> dict[str, Any]:
    """The same values by any number of workers, and the same batches on any number of devices."""
    for workers in (1, 2, 4):
        faults.write(folder / f"workers-{workers}", workers)
        assert faults.content(folder / f"workers-{workers}") == wanted, workers
    flags = "--xla_force_host_platform_device_count=8"
    root = str(Path(__file__).parents[1])
    environment = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": root}
    command = [sys.executable, "-c", _BATCHES]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    hashes = told.stdout.split()
    assert len(hashes) == 4, told
    assert len(set(hashes)) == 1, hashes
    return {"workers": [1, 2, 4], "devices": [1, 2, 4, 8], "differences": 0}


_BATCHES = """
import hashlib, jax, numpy as np, s2jax
from tests.faults import CONFIG, SEED
for count in (1, 2, 4, 8):
    mesh = jax.make_mesh((count,), ("data",), devices=jax.devices()[:count])
    batch = next(s2jax.batches(CONFIG, SEED, 64, mesh, start=3))
    leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(batch)]
    print(hashlib.sha256(b"".join(leaves)).hexdigest(), flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="What corpora survive.")
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--only", nargs="*", default=("kills", "calls", "flips", "hands", "starts"))
    arguments: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faults.write(folder / "whole")
        wanted = faults.content(folder / "whole")
        experiments = {
            "kills": lambda: kills(folder, arguments.kills, wanted),
            "calls": lambda: calls(folder, wanted),
            "starts": lambda: starts(folder, wanted),
            "hands": lambda: hands(folder, wanted),
            "flips": lambda: faults.flip_bits(folder / "whole", arguments.flips, 0, wanted),
        }
        for part in arguments.only:
            _record.write(arguments.out, f"reliability: {part}", **experiments[part]())


if __name__ == "__main__":
    main()

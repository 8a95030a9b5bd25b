"""What corpora survive: killed processes, failing calls, flipped bits; one JSON line each.

python benchmarks/reliability.py --out results.jsonl
"""

import argparse
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
        counts[kind] = faults.fail_everywhere(lambda f=folders: next(f), kind, wanted)
    return {"calls": counts, "violations": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description="What corpora survive.")
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--only", nargs="*", default=("kills", "calls", "flips"))
    arguments: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faults.write(folder / "whole")
        wanted = faults.content(folder / "whole")
        experiments = {
            "kills": lambda: kills(folder, arguments.kills, wanted),
            "calls": lambda: calls(folder, wanted),
            "flips": lambda: faults.flip_bits(folder / "whole", arguments.flips, 0, wanted),
        }
        for part in arguments.only:
            _record.write(arguments.out, f"reliability: {part}", **experiments[part]())


if __name__ == "__main__":
    main()

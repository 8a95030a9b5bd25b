"""How the cost of `presets.s2` grows with rows, time steps and channels; one core, CPU time.

python benchmarks/scaling.py --out benchmarks/results/today.jsonl
python benchmarks/scaling.py --lines rows        # rows, times or channels alone
"""

import argparse
import sys
import time
from pathlib import Path

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402

import s2jax  # noqa: E402

# rows of a batch, time steps, inputs, outputs
LINES = {
    "rows": [(n, 256, 1, 1) for n in (1, 16, 256, 65536)],
    "times": [(256, length, 1, 1) for length in (64, 1024, 4096, 16384)],
    "channels": [(256, 256, 1, 1), (256, 256, 3, 1), (256, 256, 6, 6)],
}


def measure(rows: int, length: int, inputs: int, outputs: int, seconds: float) -> dict[str, float]:
    """Usable rows and points of all channels per CPU second."""
    config = s2jax.presets.s2(length=length, num_inputs=inputs, num_outputs=outputs)
    keys = iter(range(2**31))

    def draw() -> float:
        batch = s2jax.sample(jax.random.key(next(keys)), config, rows)
        return float((jax.block_until_ready(batch).status == 0).sum())

    draw()
    rate = _record.rate(draw, seconds, time.process_time)
    return {
        "rows_per_s": float(f"{rate:.3g}"),
        "points_per_s": float(f"{rate * length * (inputs + outputs):.3g}"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--lines", nargs="*", default=list(LINES), choices=list(LINES))
    arguments = parser.parse_args()
    for line in arguments.lines:
        for rows, length, inputs, outputs in LINES[line]:
            _record.write(
                arguments.out,
                "scaling",
                config={"law": "s2 preset", "length": length},
                unit="usable rows and points of all channels per CPU second; one core",
                batch=rows,
                inputs=inputs,
                outputs=outputs,
                **measure(rows, length, inputs, outputs, arguments.seconds),
            )


if __name__ == "__main__":
    main()

"""CPU seconds to trace and compile the presets, and usable rows per CPU second; one core, no cache.

python benchmarks/compile.py --out benchmarks/results/today.jsonl
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

PRESETS = {"s2": s2jax.presets.s2, "ode": s2jax.presets.ode}


def measure(config: s2jax.Config, rows: int, seconds: float) -> dict[str, float]:
    """Seconds of the first program of `rows` rows, and what it yields afterwards."""
    start = time.process_time()
    lowered = jax.jit(lambda key: s2jax.sample(key, config, rows)).trace(jax.random.key(0)).lower()
    traced = time.process_time()
    compiled = lowered.compile()
    done = time.process_time()
    keys = iter(range(1, 2**31))

    def draw() -> float:
        batch = jax.block_until_ready(compiled(jax.random.key(next(keys))))
        return float((batch.status == 0).sum())

    draw()
    rate = _record.rate(draw, seconds, time.process_time)
    figures = {"trace_s": traced - start, "compile_s": done - traced, "rows_per_s": rate}
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS), choices=list(PRESETS))
    arguments = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    for name in arguments.presets:
        config = PRESETS[name](length=arguments.length)
        _record.write(
            arguments.out,
            "compile",
            config={"law": f"{name} preset", "length": arguments.length},
            unit="CPU seconds, and usable rows per CPU second; one core",
            batch=arguments.batch,
            **measure(config, arguments.batch, arguments.seconds),
        )


if __name__ == "__main__":
    main()

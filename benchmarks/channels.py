"""What channels that depend on each other, interventions and measurements cost, on one core.

python benchmarks/channels.py --out benchmarks/results/today.jsonl
python benchmarks/channels.py --peers  # beside s2generator's generators of channels, in turns
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402

import s2jax  # noqa: E402

ROWS, CHANNELS = 1024, 4


def job(draw: Callable[..., Any]) -> Callable[[], float]:
    """Draw batches, compiled; how many rows each has."""
    keys = iter(jax.random.split(jax.random.key(0), 100_000))

    def run() -> float:
        jax.block_until_ready(draw(next(keys)))
        return float(ROWS)

    run()
    return run


def comparisons() -> dict[str, dict[str, Callable[..., Any]]]:
    """Jobs that are compared with the first of them."""
    same, observation = s2jax.Identity(), s2jax.observe.Observation()
    graph = s2jax.Config(1024, CHANNELS, CHANNELS, inputs=s2jax.inputs.CausalGraph(), target=same)
    roots = s2jax.Config(1024, CHANNELS, CHANNELS, inputs=graph.inputs.roots, target=same)
    mix, measured = s2jax.presets.mix(512), s2jax.presets.mix(512, observation=observation)
    multivariate = s2jax.presets.multivariate(512, CHANNELS)
    sample = lambda config: lambda key: s2jax.sample(key, config, ROWS)
    return {
        "4 channels of 1024 steps": {
            "their roots alone": sample(roots),
            "a causal graph": sample(graph),
            "with and without an intervention": lambda key: s2jax.sample_pair(key, graph, ROWS),
        },
        "presets.mix, 512 steps": {
            "as it is": sample(mix),
            "half of the rows measured": sample(measured),
        },
        "presets.multivariate, 512 steps": {"4 channels": sample(multivariate)},
    }


def peers() -> dict[str, dict[str, Callable[[], float]]]:
    """Rows of 4 channels, by graphs of ours and by what s2generator draws one at a time.

    Its CauKer draws roots as Gaussian processes, and so does one of ours; its couplings leave
    values out.
    """
    import numpy as np
    from s2generator.scm.cauker import CaukerPipeline
    from s2generator.scm.coupling import CouplingPipeline

    found = {}
    for length in (512, 1024):
        random, cauker, tirex = np.random.RandomState(0), CaukerPipeline(), CouplingPipeline()
        of_processes = s2jax.inputs.CausalGraph(roots=s2jax.inputs.KernelSynth())

        def ours(graph: s2jax.inputs.CausalGraph, length: int = length) -> Callable[[], float]:
            config = s2jax.Config(length, CHANNELS, CHANNELS, inputs=graph, target=s2jax.Identity())
            return job(lambda key: s2jax.sample(key, config, ROWS))

        def theirs(
            generate: Callable[..., Any], random: Any = random, length: int = length
        ) -> Callable[[], float]:
            def run() -> float:
                series = np.asarray(generate(random, length, num_channels=CHANNELS))
                return series.size / (CHANNELS * length)  # now and then there are fewer

            return run

        found[f"4 channels of {length} steps"] = {
            "s2generator CaukerPipeline": theirs(cauker.generate),
            "s2generator CouplingPipeline": theirs(tirex.generate),
            "a causal graph": ours(s2jax.inputs.CausalGraph()),
            "a causal graph, KernelSynth at its roots": ours(of_processes),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="JSON lines, one per job")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a job in a round")
    parser.add_argument("--peers", action="store_true", help="beside s2generator")
    options = parser.parse_args()
    for what, draws in (peers() if options.peers else comparisons()).items():
        jobs = draws if options.peers else {name: job(draw) for name, draw in draws.items()}
        rates = _record.paired_rates(jobs, options.rounds, options.seconds)
        first = next(iter(jobs))
        for name in jobs:
            _record.write(
                options.out, "coupled and measured channels", what=what, job=name, rows=ROWS,
                rows_per_cpu_second=_record.quartiles(rates[name]),
                cost_of_the_first=_record.quartiles(rates[first] / rates[name]),
            )  # fmt: skip


if __name__ == "__main__":
    main()

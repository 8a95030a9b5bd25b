"""odeformer's generator in a process of its own, because it pins an old SymPy and needs torch.

Reads a number of CPU seconds per line, draws for at least that long, and answers with one JSON
line: accepted and attempted trajectories, CPU and wall seconds. `benchmarks/ode.py` starts it.

It pins SymPy 1.11.1, which no recent torch accepts, and does not name `numpy<2`:

    python -m venv peer
    peer/bin/pip install --no-deps odeformer==0.1.7 sympy==1.11.1 torch
    peer/bin/pip install "numpy<2" mpmath numexpr scipy pandas scikit-learn tqdm requests regex \\
        typing_extensions filelock jinja2 networkx fsspec seaborn matplotlib setproctitle
    echo 20 | peer/bin/python benchmarks/_odeformer.py 2 200

An attempt ends after 1 s by the wall clock, so a busy core flatters its count per CPU second.
"""

import argparse
import json
import resource
import sys
import time
from importlib import metadata

import numpy as np


def make(dimension: int):
    """Its environment with its own defaults, and a count of the attempts."""
    from odeformer.envs.environment import FunctionEnvironment

    parser = argparse.ArgumentParser()
    FunctionEnvironment.register_args(parser)
    params = parser.parse_args(["--max_dimension", str(dimension)])
    params.debug = False
    environment = FunctionEnvironment(params)
    environment.rng = np.random.RandomState(0)
    attempts = [0]
    generate = environment.generator.generate_multi_dimensional_tree

    def counting(*arguments, **options):
        attempts[0] += 1
        return generate(*arguments, **options)

    environment.generator.generate_multi_dimensional_tree = counting
    return environment, attempts


def cpu_seconds() -> float:
    """User and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    dimension, length = int(sys.argv[1]), int(sys.argv[2])
    environment, attempts = make(dimension)
    packages = ("odeformer", "numpy", "scipy", "sympy", "numexpr")
    versions = {name: metadata.version(name) for name in packages}
    for line in sys.stdin:
        start, wall, before, accepted = cpu_seconds(), time.time(), attempts[0], 0
        while cpu_seconds() - start < float(line):
            drawn, _ = environment.gen_expr(train=True, dimension=dimension, n_points=length)
            assert drawn["trajectory"].shape == (length, dimension)
            assert np.isfinite(drawn["trajectory"]).all()
            accepted += 1
        answer = {"accepted": accepted, "attempts": attempts[0] - before}
        answer |= {"cpu": cpu_seconds() - start, "wall": time.time() - wall, "versions": versions}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

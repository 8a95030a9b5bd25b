"""Usable pairs per second, against s2generator with the same inputs and by itself.

On CPU, by default: one core, CPU seconds, ours and the peer in turns.

    python benchmarks/pairs.py --out benchmarks/results/today.jsonl

On an accelerator there is no peer, and seconds are wall-clock seconds around `block_until_ready`:

    python benchmarks/pairs.py --device-batch 65536
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

if "--device-batch" not in " ".join(sys.argv):
    _record.use_one_core()

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np

import s2jax
from s2jax.inputs import ARMA, Choice, Mixture
from s2jax.targets.acceptance import Acceptance

LENGTH = 256
LENGTHS = {"s2": (256, 1024), "mix": (256, 512, 1024)}
OTHERS = ("forecast_pfn", "kernel_synth", "intrinsic_mode_function")  # of the peer's inputs


def like_the_peer(length: int) -> s2jax.Config:
    """The peer's own numbers for mixtures, ARMA orders and the bound, both families alike."""
    families = [
        Mixture(min_components=3, max_components=7),
        ARMA(max_ar_order=2, max_ma_order=4),
    ]
    return s2jax.Config(length=length, inputs=Choice(families), acceptance=Acceptance(bound=1000.0))


class Ours:
    """Batches of pairs, one key after another."""

    def __init__(self, config: s2jax.Config, batch_size: int) -> None:
        self.config, self.batch_size = config, batch_size
        self.key, self.step = jax.random.key(0), 0
        start = time.perf_counter()
        self.draw()
        self.first_call = time.perf_counter() - start

    def draw(self) -> s2jax.Batch:
        self.step += 1
        key = jax.random.fold_in(self.key, self.step)
        return jax.block_until_ready(s2jax.sample(key, self.config, self.batch_size))

    def pairs(self) -> float:
        """Draw a batch and count its usable pairs."""
        return float((np.asarray(self.draw().status) == 0).sum())

    def check(self) -> None:
        """Refuse to time rows that are not what they claim to be."""
        batch = self.draw()
        assert not np.asarray(batch.status).any(), "a row is not usable"
        few = jax.tree.map(lambda leaf: leaf[:64], batch)
        formula = np.asarray(s2jax.evaluate(few.program, few.x), np.float64)
        scale, shift = (np.asarray(v, np.float64)[..., None] for v in (few.y_scale, few.y_shift))
        expected = formula * scale + shift
        error = np.abs(expected - np.asarray(few.y)) / np.abs(expected).max(-1, keepdims=True)
        assert error.max() < 1e-5, f"y is not its formula: error {error.max():.2g}"
        assert np.abs(formula).max() <= float(self.config.acceptance.bound)
        x = np.asarray(batch.x)
        assert np.isfinite(x).all()
        assert (x.std(-1) > 0).all()


class Peer:
    """s2generator, of whose pairs only the intact ones count.

    It deletes every time step at which f is undefined or too large and splices what is left,
    drawing a new input up to 64 times. A pair is intact if its first input gave all time steps.

    Args:
        length: Of its series.
        weights: What is not as it comes in the shares of its kinds of inputs.
    """

    def __init__(self, length: int, **weights: float) -> None:
        from s2generator.symbol import SeriesParams, SeriesSymbolGenerator

        params = SeriesParams(**weights)  # pyright: ignore
        self.generator = SeriesSymbolGenerator(series_params=params)
        self.random, self.length = np.random.RandomState(0), length
        self.trials: list[bool] = []
        self.calls = self.returned = self.intact = 0
        get_rid = self.generator.get_rid

        def counting_get_rid(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            kept = get_rid(x, y)
            self.trials.append(len(kept[1]) == len(y))
            return kept

        self.generator.get_rid = counting_get_rid

    def pairs(self) -> float:
        """Draw one pair; 1 if it is intact."""
        self.trials.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree, x, y = self.generator.run(self.random, self.length)
        self.calls += 1
        self.returned += tree is not None
        finite = tree is not None and bool(np.isfinite(x).all() and np.isfinite(y).all())
        intact = finite and self.trials == [True]
        self.intact += intact
        return float(intact)


def compare(arguments: argparse.Namespace) -> None:
    """Ours against the peer and ours against ours, in turns."""
    halves = dict(mixed_distribution=0.5, autoregressive_moving_average=0.5)
    cheap = Peer(LENGTH, **halves, **dict.fromkeys(OTHERS, 0.0))
    laws = {
        "peer's mixtures and ARMA": (like_the_peer(LENGTH), cheap),
        "s2 preset": (s2jax.presets.s2(LENGTH), cheap),
        "peer as it comes": (s2jax.presets.reference(LENGTH), Peer(LENGTH)),
    }
    for name, (config, peer) in laws.items():
        ours = Ours(config, arguments.batch)
        ours.check()
        jobs: dict[str, Callable[[], float]] = {"ours": ours.pairs, "peer": peer.pairs}
        jobs["ours again"] = ours.pairs
        rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds)
        common = {
            "config": {"law": name, "length": LENGTH, "inputs": 1, "outputs": 1},
            "unit": "usable pairs per CPU second, one core",
            "batch": arguments.batch,
            "rounds": arguments.rounds,
            "seconds": arguments.seconds,
        }
        _record.write(
            arguments.out,
            "pairs vs s2generator",
            **common,
            ours=_record.quartiles(rates["ours"]),
            peer=_record.quartiles(rates["peer"]),
            ratio=_record.quartiles(rates["ours"] / rates["peer"]),
            peer_intact_per_call=round(peer.intact / peer.calls, 4),
            peer_returned_per_call=round(peer.returned / peer.calls, 4),
        )
        _record.write(
            arguments.out,
            "pairs vs ourselves",
            **common,
            ratio=_record.quartiles(rates["ours"] / rates["ours again"]),
        )


def alone(arguments: argparse.Namespace, batch: int, on_cpu: bool) -> None:
    """Pairs and time steps per second without a peer, and the share of each stage."""
    clock = time.process_time if on_cpu else time.perf_counter
    unit = "CPU second, one core" if on_cpu else "wall second"
    for name, length in ((name, one) for name, all in LENGTHS.items() for one in all):
        config = getattr(s2jax.presets, name)(length)
        ours = Ours(config, batch)
        ours.check()
        rates = _record.paired_rates(
            {"ours": ours.pairs}, arguments.rounds, arguments.seconds, clock
        )["ours"]
        _record.write(
            arguments.out,
            "pairs",
            config={"law": f"{name} preset", "length": length, "inputs": 1, "outputs": 1},
            unit=f"per {unit}",
            batch=batch,
            rounds=arguments.rounds,
            pairs=_record.quartiles(rates),
            points=_record.quartiles(rates * length),
            first_call_s=round(ours.first_call, 2),
            stages=stages(ours, float(np.median(rates)), clock, arguments.seconds),
        )


def stages(
    ours: Ours, pairs_per_second: float, clock: Callable[[], float], seconds: float
) -> dict[str, float]:
    """Microseconds per pair: the inputs by themselves, and all the rest; and tries per pair."""
    inputs = Ours(dataclasses.replace(ours.config, target=s2jax.Identity()), ours.batch_size)
    alone, total = 1e6 / _record.rate(inputs.pairs, seconds, clock), 1e6 / pairs_per_second
    tries = float(np.asarray(ours.draw().tries).sum(1).mean())
    return {
        name: float(f"{value:.4g}")
        for name, value in
        {"inputs": alone, "expressions": total - alone, "tries per pair": tries}.items()
    }  # fmt: skip


COLD_START = """
import sys, time
marks = [time.time()]
sys.path.insert(0, {root!r})
import jax, s2jax
marks.append(time.time())
config, key = s2jax.presets.{name}({length}), jax.random.key(0)
traced = jax.jit(lambda key: s2jax.sample(key, config, {batch})).trace(key)
lowered = traced.lower()
marks.append(time.time())
compiled = lowered.compile()
marks.append(time.time())
batch = jax.block_until_ready(compiled(key))
assert int(batch.status.sum()) == 0
marks.append(time.time())
import json
print(json.dumps(marks))
"""


def cold_start(arguments: argparse.Namespace, name: str, batch: int) -> None:
    """Wall and CPU seconds from the start of a process to its first batch, without any cache."""
    root = str(Path(__file__).parents[1])
    code = COLD_START.format(root=root, name=name, length=LENGTH, batch=batch)
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    parts: list[dict[str, float]] = []
    for _ in range(3):
        start, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        marks = [start, *json.loads(run.stdout.splitlines()[-1])]
        names = ("interpreter", "import", "trace", "compile", "run")
        steps = dict(zip(names, np.diff(marks), strict=True))
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        parts.append(steps | {"total": marks[-1] - start, "CPU": spent})
    middle = sorted(parts, key=lambda part: part["CPU"])[1]
    _record.write(
        arguments.out,
        "cold start",
        config={"law": f"{name} preset", "length": LENGTH, "inputs": 1, "outputs": 1},
        unit="wall seconds of the parts, and CPU seconds of all; median of 3 processes",
        batch=batch,
        seconds={name: round(value, 2) for name, value in middle.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="per job and round")
    parser.add_argument("--device-batch", type=int, help="no peer, wall-clock, any backend")
    parser.add_argument("--skip", nargs="*", default=[], choices=["peer", "alone", "cold"])
    arguments: Any = parser.parse_args()
    batch = arguments.device_batch or arguments.batch
    if "alone" not in arguments.skip:
        alone(arguments, batch, on_cpu=not arguments.device_batch)
    if not arguments.device_batch and "peer" not in arguments.skip:
        compare(arguments)
    if "cold" not in arguments.skip:
        for name in LENGTHS:
            cold_start(arguments, name, arguments.device_batch or 1024)


if __name__ == "__main__":
    main()

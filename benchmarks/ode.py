"""ODE trajectories per CPU second beside odeformer, SciPy and plain diffrax, and their accuracy.

odeformer draws its own systems, and its accepted trajectories count. SciPy and diffrax solve
systems that ours has accepted, over their own time grids: nothing they do is thrown away, and
SciPy's lambdified functions are made beforehand. Named systems are drawn by ours from their own
laws, and by diffrax from uniform parameters. On CPU: one core, CPU seconds, in turns.

    python benchmarks/ode.py --odeformer-python peer/bin/python --out results.jsonl

`_odeformer.py` says how to install odeformer. On an accelerator there is no peer, and seconds are
wall-clock seconds: `--device-batch 65536`.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import _record

if "--device-batch" not in " ".join(sys.argv):
    _record.use_one_core()

sys.path.insert(0, str(Path(__file__).parents[1]))

import _ode_peers as peers
import jax
import numpy as np

import s2jax
from s2jax.ode import FORMS
from s2jax.ode.forms import KNOWN
from s2jax.programs.operators import NUM_LEAVES
from s2jax.programs.program import FIRST_STATE
from tests.trajectories import relative_error

LENGTH, DIMENSION = 200, 2
UNIT = "accepted trajectories per CPU second, one core"
PARTS = ("random", "named", "accuracy")


class Ours:
    """Batches of trajectories, one key after another."""

    def __init__(self, config: Any, batch_size: int) -> None:
        self.config, self.batch_size, self.step = config, batch_size, 0
        start = time.perf_counter()
        self.draw()
        self.first_call = round(time.perf_counter() - start, 2)

    def draw(self) -> Any:
        self.step += 1
        key = jax.random.fold_in(jax.random.key(0), self.step)
        return jax.block_until_ready(s2jax.sample(key, self.config, self.batch_size))

    def __call__(self) -> float:
        return float((np.asarray(self.draw().status) == 0).sum())

    def accepted(self, count: int) -> Any:
        """So many accepted rows without input series and noise, on the host."""
        kept: list[Any] = []
        while sum(len(one.status) for one in kept) < count:
            batch = jax.device_get(self.draw())
            usable = (batch.status == 0) & ~driven(batch.program)
            usable &= ~(batch.dynamics.diffusion.length > 0).any(-1)
            kept.append(jax.tree.map(lambda leaf, usable=usable: leaf[usable], batch))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *kept)


def driven(program: Any) -> np.ndarray:
    """Which rows read an input series."""
    used = np.arange(program.op.shape[-1]) < np.asarray(program.length)[..., None]
    reads = (program.a < 0) & (program.a >= -FIRST_STATE)
    reads |= (program.b < 0) & (program.b >= -FIRST_STATE)
    return (used & reads & (program.op >= NUM_LEAVES)).any((-2, -1))


def problems(batch: Any) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """Right-hand side, time grid and start of each row, in float64, from the emitted SymPy."""
    expressions = s2jax.to_sympy(batch.program)
    t, y0 = np.asarray(batch.t, np.float64), np.asarray(batch.y[..., 0], np.float64)
    return [(peers.numpy_rhs(row), *rest) for row, *rest in zip(expressions, t, y0, strict=True)]


def accuracy(batch: Any) -> dict[str, Any]:
    """Errors against DOP853 on the emitted SymPy, float64; rows it cannot solve are counted."""
    equations = s2jax.to_sympy(batch.program)
    errors = np.array([relative_error(batch, i, row) for i, row in enumerate(equations)])
    finite = errors[np.isfinite(errors)]
    figures = zip(("p50", "p95", "max"), np.percentile(finite, [50, 95, 100]), strict=True)
    rounded: dict[str, Any] = {name: float(f"{value:.3g}") for name, value in figures}
    return {"rows": len(errors), "wrongly_accepted": len(errors) - len(finite), **rounded}


def compare(arguments: Any, name: str, jobs: dict[str, Any], clock: Any, **fields: Any) -> None:
    """Rates of all jobs in turns, and ours by each of them, a line each."""
    rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds, clock)
    for peer in list(rates)[1:]:
        _record.write(
            arguments.out, f"{name} vs {peer}", unit=UNIT, rounds=arguments.rounds,
            ours=_record.quartiles(rates["ours"]), peer=_record.quartiles(rates[peer]),
            ratio=_record.quartiles(rates["ours"] / rates[peer]), **fields,
        )  # fmt: skip


def random_systems(arguments: Any) -> None:
    """Random autonomous systems of dimension 2, 200 points: ours and all the others."""
    same_form = s2jax.ODE(weights={"autonomous": 1.0}, min_turns=0)  # odeformer asks for none
    config = s2jax.presets.ode(LENGTH, 0, DIMENSION, target=same_form)
    ours = Ours(config, arguments.batch)
    all_forms = Ours(s2jax.presets.ode(LENGTH, dimension=DIMENSION), arguments.batch)
    batch = ours.accepted(arguments.peer_rows)
    rows, program = problems(batch), batch.program
    solve = peers.diffrax_solve(peers.select_all, rtol=1e-3, atol=1e-6, max_steps=1024)
    starts = (batch.t, batch.y[..., 0], (program, program.constants))
    y, solved = jax.device_get(solve(*starts))
    error = np.abs(y - batch.y).max((1, 2)) / np.abs(batch.y).max((1, 2))
    assert np.median(error[solved]) < 1e-2, "diffrax and ours solve different systems"
    jobs: dict[str, Any] = {"ours": ours}
    cpu_seconds, config = time.process_time, {"length": LENGTH, "dimension": DIMENSION}
    common = {"config": config, "batch": arguments.batch, "first_call_s": ours.first_call}
    if arguments.odeformer_python:
        peer = peers.Odeformer(arguments.odeformer_python, DIMENSION, LENGTH, arguments.seconds)
        jobs["odeformer"] = peer
        cpu_seconds = lambda: time.process_time() + peer.total("cpu")
    jobs |= {f"solve_ivp, rtol {rtol}": peers.scipy_job(rows, rtol) for rtol in (1e-3, 1e-6)}
    jobs |= {"diffeqsolve": peers.diffrax_job(solve, *starts)}
    jobs |= {"ours again": ours, "ours, all forms": all_forms}
    compare(arguments, "ode", jobs, cpu_seconds, **common)
    if arguments.odeformer_python:
        totals = {name: peer.total(name) for name in ("accepted", "attempts", "cpu", "wall")}
        _record.write(arguments.out, "odeformer", **totals, peer=peer.versions, config=config)


def named_systems(arguments: Any) -> None:
    """Well-known systems, 512 points: ours, `diffeqsolve(SaveAt(ts))`, ours again."""
    for name, (_, rhs) in peers.NAMED.items():
        target = s2jax.ode.named(name, jitter=0.1)
        config = s2jax.Config(
            peers.NAMED_LENGTH, num_inputs=0, num_outputs=len(target.states), target=target,
            y_scaling=None, acceptance=s2jax.Acceptance(bound=1000.0),
        )  # fmt: skip
        ours = Ours(config, peers.NAMED_ROWS)
        solve = peers.diffrax_solve(rhs, rtol=1e-5, atol=1e-7, max_steps=4096)
        starts = peers.named_starts(name, peers.NAMED_ROWS)
        jobs = {"ours": ours, "diffeqsolve": peers.diffrax_job(solve, *starts), "ours again": ours}
        config = {"system": name, "length": peers.NAMED_LENGTH}
        common = {"config": config, "batch": peers.NAMED_ROWS, "first_call_s": ours.first_call}
        compare(arguments, "named ode", jobs, time.process_time, **common)
        errors = accuracy(ours.accepted(24))
        _record.write(arguments.out, "named ode accuracy", config=config, **errors)


def accuracies(arguments: Any) -> None:
    """Errors of accepted random systems of each form without noise, of 1 to 4 dimensions."""
    for dimension in (1, 2, 3, 4):
        names = [name for name, form in KNOWN.items() if dimension in form.dimensions]
        target = s2jax.ODE(weights=dict.fromkeys(names, 1.0))
        config = s2jax.presets.ode(LENGTH, 1, dimension, target=target)
        rows = arguments.accuracy_rows * len(names)
        batch = jax.device_get(s2jax.sample(jax.random.key(0), config, rows))
        for name in names:
            own = np.flatnonzero(batch.dynamics.form == FORMS.index(name))
            some = jax.tree.map(lambda leaf: leaf[own], batch)  # noqa: B023
            found = {"length": LENGTH, "dimension": dimension, "form": name}
            _record.write(arguments.out, "ode accuracy", config=found, **accuracy(some))


def alone(arguments: Any) -> None:
    """Ours by itself on any backend, wall clock."""
    for dimension in (1, 2, 3):
        config = s2jax.presets.ode(length=LENGTH, dimension=dimension)
        ours = Ours(config, arguments.device_batch)
        jobs = {"ours": ours}
        clock = time.perf_counter
        rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds, clock)["ours"]
        _record.write(
            arguments.out, "ode trajectories", unit="accepted trajectories per wall second",
            config={"length": LENGTH, "dimension": dimension}, batch=arguments.device_batch,
            ours=_record.quartiles(rates), first_call_s=ours.first_call,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--batch", type=int, default=32768)
    parser.add_argument("--peer-rows", type=int, default=256, help="of ours, for SciPy and diffrax")
    parser.add_argument("--accuracy-rows", type=int, default=200, help="per form and dimension")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5.0, help="per job and round")
    parser.add_argument("--odeformer-python", help="an interpreter that has odeformer")
    parser.add_argument("--device-batch", type=int, help="no peer, wall-clock, any backend")
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS)
    arguments: Any = parser.parse_args()
    if arguments.device_batch:
        return alone(arguments)
    parts = dict(zip(PARTS, (random_systems, named_systems, accuracies), strict=True))
    for name in arguments.only:
        parts[name](arguments)


if __name__ == "__main__":
    main()

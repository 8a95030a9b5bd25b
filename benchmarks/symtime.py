"""What SymTime learns on one core in ten CPU minutes, on expressions of unseen normal forms.

python -m pip install ".[train]"
python benchmarks/symtime.py run --out symtime.jsonl                     # three seeds of `tiny`
python benchmarks/symtime.py run --out symtime.jsonl --variants "y alone" "order of time"
python benchmarks/symtime.py run --out symtime.jsonl --data mix ode
python benchmarks/symtime.py table                                       # of benchmarks/results
python benchmarks/symtime.py table --out symtime.jsonl --page docs/symtime.md

A run that was interrupted goes on with the seed where it stopped. Trained on `Split(0, 0.9)` of
normal forms, and judged on rows of `Split(0.9, 1)`: those whose output is no input but for scale
and shift ("nonlinear"), and all. CPU time is that of training, with compiling.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _pages
import _record

if __name__ == "__main__":
    _record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np

import s2jax
from s2jax import symtime
from s2jax.targets import Acceptance

LENGTH, STEPS, STRIDE = 256, 2400, 50
PAIRS = 4096  # that judge
BATCHES = (64, 256)
SEEN, UNSEEN = s2jax.Split(0, 0.9), s2jax.Split(0.9, 1)
Line = dict[str, Any]


def _s2(split: s2jax.Split) -> s2jax.Config:
    """Half of the rows of the preset are an input but for scale: they teach nothing."""
    return s2jax.presets.s2(LENGTH, acceptance=Acceptance(max_correlation=0.99), split=split)


DATA: dict[str, Callable[[s2jax.Split], s2jax.Config]] = {
    "s2": _s2,
    "s2, all rows": lambda split: s2jax.presets.s2(LENGTH, split=split),
    "mix": lambda split: s2jax.presets.mix(LENGTH, split=split),
    "ode": lambda split: s2jax.presets.ode(LENGTH, 1, 1, split=split),
}
JUDGES = DATA | {"s2": DATA["s2, all rows"]}
VARIANTS: dict[str, dict[str, Any]] = {
    "tiny": {},
    "y alone": {"channels": "y", "order": "time"},
    "without scales": {"channels": "xy"},
    "order of time": {"order": "time"},
    "contrast on masked rows": {"contrast_on": "masked", "masked_every": 1},
    "double softmax": {"double_softmax": True},
    "words alone": {"words_see_series": False},
    "queue": {"queue": 4096},
}


def train(config: symtime.Config, data: s2jax.Config, seed: int, steps: int) -> tuple[Any, Line]:
    """A trained state, and what it cost."""
    start = time.process_time()
    optimizer = symtime.optimizer(config, steps)
    state = symtime.init(jax.random.key(seed), config, optimizer)

    @jax.jit
    def some(state: symtime.State) -> Any:
        body = lambda state, _: symtime.train_step(config, optimizer, data, state)
        return jax.lax.scan(body, state, None, length=STRIDE)

    first, metrics = 0.0, {}
    for number in range(STRIDE, steps + 1, STRIDE):
        state, metrics = some(state)
        metrics = {name: float(values.mean()) for name, values in metrics.items()}
        first = first or (time.process_time() - start)
        told = ", ".join(f"{n} {metrics[n]:.3f}" for n in ("total", "mtm", "mlm", "symbols_found"))
        print(f"\rstep {number} of {steps}: {told}  ", end="", flush=True)
    print()
    spent = time.process_time() - start
    per_step = (spent - first) / max(steps - STRIDE, 1)
    cost = {
        "cpu_s": round(spent), "first_call_s": round(first - STRIDE * per_step, 1),
        "ms_per_step": round(1e3 * per_step, 1),
        "pairs_per_s": round(config.batch / per_step),
        "last": {name: round(value, 4) for name, value in metrics.items()},
    }  # fmt: skip
    return state, cost


def judge(model: symtime.SymTime, name: str, seed: int) -> Line:
    """Everything that is asked of a model."""
    key, config = jax.random.key(2**20 + seed), model.config
    keys = jax.random.split(key, 5)
    data = JUDGES[name](UNSEEN)
    found: Line = {}
    for number, which in enumerate(("nonlinear", "all")):
        pairs = symtime.sample_pairs(keys[number], config, data, PAIRS, which)
        for batch in BATCHES:
            shares = symtime.evaluate_retrieval(model, pairs, batch)
            found[f"{which} {batch}"] = _rounded(shares)
            if which == "nonlinear":
                shares = symtime.evaluate_retrieval(model, pairs, batch, shuffled=True)
                found[f"shuffled {batch}"] = _rounded(shares)
        if which == "nonlinear":
            train = symtime.sample_pairs(keys[4], config, JUDGES[name](SEEN), PAIRS, which)
            found["patches"] = _rounded(symtime.evaluate_patches(keys[2], model, pairs))
            found["patches of seen forms"] = _rounded(
                symtime.evaluate_patches(keys[2], model, train)
            )
            found["words"] = _rounded(symtime.evaluate_words(keys[3], model, pairs))
            found["probe"] = _rounded(symtime.probe_operators(keys[4], model, train, pairs))
    return found


def _rounded(shares: Any) -> Line:
    digits = lambda value: round(value, 4) if isinstance(value, float) else value
    return {name: digits(value) for name, value in shares._asdict().items()}


def run(arguments: argparse.Namespace) -> None:
    done = {
        (line["variant"], line["data"], line["seed"], line["steps"])
        for line in _pages.read_results("symtime", [Path(arguments.out)])
    }
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for variant in arguments.variants:
            for data in arguments.data:
                if (variant, data, seed, arguments.steps) in done:
                    continue
                print(f"{variant}, {data}, seed {seed}")
                config = symtime.Config.tiny(**VARIANTS[variant])
                state, cost = train(config, DATA[data](SEEN), seed, arguments.steps)
                _record.write(
                    arguments.out,
                    "symtime",
                    variant=variant,
                    data=data,
                    seed=seed,
                    steps=arguments.steps,
                    batch=config.batch,
                    **cost,
                    **judge(state.model, data, seed),
                )


def table(arguments: argparse.Namespace) -> None:
    """The worst and the mean of the seeds of every variant, beside chance and what is aimed at."""
    found = _pages.read_results("symtime", [Path(arguments.out)] if arguments.out else None)
    text = table_of_learning(found)
    _pages.show(text, "symtime", arguments.page)


def table_of_learning(lines: list[Line]) -> str:
    """What was learnt by variant and data: means over seeds, and the worst for retrieval."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line["variant"], line["data"]), []).append(line)
    rows = []
    for (variant, data), group in groups.items():
        mean = lambda part, name, group=group: float(np.mean([one[part][name] for one in group]))
        rows.append([
            variant, data,
            *(_both_ways(group, f"nonlinear {batch}") for batch in BATCHES),
            f"{mean('nonlinear 64', 'ceiling'):.2f}",
            _both_ways(group, "all 64"),
            f"{mean('patches', 'model'):.2f} / {mean('patches', 'interpolation'):.2f}",
            _worst_of_forms(group),
            f"{mean('words', 'model'):.3f} / {mean('words', 'without_series'):.3f}",
            " / ".join(f"{mean('probe', n):.3f}" for n in ("model", "untrained", "features")),
            f"{np.mean([one['cpu_s'] for one in group]):.0f}", str(len(group)),
        ])  # fmt: skip
    heads = [
        "", "data", "R@1 of 64", "R@1 of 256", "ceiling", "R@1 of 64, all rows",
        "patches / lines", "patches / lines, forms alike", "words / without series",
        "probe / untrained / features", "CPU s", "seeds",
    ]  # fmt: skip
    used = [line for group in groups.values() for line in group]
    return _pages.table_of(heads, rows) + _pages.source_of(used, "symtime.py run")


def _worst_of_forms(group: list[Line]) -> str:
    """The mean error of patches, every form alike, beside lines, and the largest of all seeds."""
    models, lines = (
        [one["patches"][f"{name}_by_form"] for one in group] for name in ("model", "interpolation")
    )
    return f"{np.mean(models):.2f} (worst {max(models):.2f}) / {np.mean(lines):.2f}"


def _both_ways(group: list[Line], part: str) -> str:
    """The mean of both ways, and the worst of all seeds and ways."""
    values = [
        one[part][way] for one in group for way in ("series_to_symbols_1", "symbols_to_series_1")
    ]
    return f"{np.mean(values):.3f} (worst {min(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("--out", help="JSON lines, one per trained model")
    parser.add_argument("--variants", nargs="*", default=["tiny"], choices=list(VARIANTS))
    parser.add_argument("--data", nargs="*", default=["s2"], choices=list(DATA))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--page", help="page whose table is written anew")
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments)
    else:
        arguments.out = arguments.out or "symtime.jsonl"
        run(arguments)


if __name__ == "__main__":
    main()

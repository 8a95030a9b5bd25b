"""What series are worth to a forecaster that has seen nothing else: zero-shot, on real series.

A small forecaster is trained on one source, with the generator in the loop, and scored on real
series that ship in packages. Lower is better; 1 is the seasonal naive forecast.

python -m pip install ".[worth]"
python benchmarks/worth.py run --out worth.jsonl                  # three seeds of every source
python benchmarks/worth.py run --out worth.jsonl --sources mix s2 --model transformer
python benchmarks/worth.py table --out worth.jsonl --against mix            # lines of one file
python benchmarks/worth.py table --page docs/worth.md           # of benchmarks/results
python benchmarks/worth.py table --page docs/worth.md --model transformer
python benchmarks/worth.py windows --out real.npy                # for `s2jax stats --against`
python benchmarks/worth.py run --out worth.jsonl --sources variations    # for other weights in mix

A run that was interrupted goes on where it stopped. Sets are of two kinds: those by which defaults
may be chosen, and those that judge.
"""

import argparse
import dataclasses
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import _forecaster
import _pages
import _real
import _record
import jax
import numpy as np
from _forecaster import BATCH, CONTEXT, HORIZON, LEVELS, STEPS

import s2jax
from s2jax import inputs, observe

LENGTH = CONTEXT + HORIZON
WINDOWS = 48  # of a set, evenly spaced
STRIDE = 64  # between windows that are written
PAST = 48  # steps before a forecast, at least
FAMILIES = (
    "KernelSynth", "SARIMA", "StateSpace", "TrendSeason", "RandomWalk", "FractionalBrownian",
    "Held", "Waveforms", "ARMA", "FractionalNoise", "OrnsteinUhlenbeck", "GARCH", "Counts", "IMF",
    "Mixture", "SARIMA2", "Spikes", "RateNoise",
)  # fmt: skip
EFFECTS = {  # of measurements, by sort
    "measured": observe.Observation().effects,
    "noise": (
        observe.AdditiveNoise(), observe.MultiplicativeNoise(), observe.HeteroscedasticNoise(),
        observe.HeavyTailedNoise(),
    ),
    "faults": (observe.Outliers(), observe.Burst(), observe.DeadSensor()),
    "coarse": (observe.Hold(), observe.Aggregate(), observe.Round()),
    "counts": (observe.PoissonCounts(), observe.NegativeBinomialCounts()),
    "limits": (observe.Clip(), observe.Censor(), observe.GammaWarp()),
    "slow": (observe.GainDrift(), observe.OffsetDrift(), observe.Calendar()),
    "missing": (
        observe.MissingAtRandom(), observe.MissingBlocks(), observe.MissingPeriodic(),
        observe.MissingEnd(),
    ),
}  # fmt: skip
POOL = 4096  # series of a peer that draws one at a time, again and again
SOLUTIONS = 2**16  # of random differential equations, drawn ahead, as small batches cost more a row
HELD_BACK = 4 * BATCH  # series of a pool that are for its own loss
ODE_ROWS = 4096  # drawn at once
CHANNELS = 4  # of rows whose channels depend on each other
Draw = Callable[[Any], Any]


@dataclasses.dataclass
class Source:
    """Batches of series `(BATCH, LENGTH)`, of a key, to train on, and others of the same law."""

    draw: Draw
    draw_unseen: Draw


def _ours(config: s2jax.Config) -> Source:
    draw = lambda key: s2jax.sample(key, config, BATCH).y[:, 0]
    return Source(draw, draw)


def _pooled(series: np.ndarray) -> Source:
    """Series of a pool; the last are held back."""

    def draw_of(part: np.ndarray) -> Draw:
        rows = jax.numpy.asarray(part)
        return lambda key: rows[jax.random.randint(key, (BATCH,), 0, len(rows))]

    return Source(draw_of(series[:-HELD_BACK]), draw_of(series[-HELD_BACK:]))


def _mixed(common: Source, rare: Source, share: float) -> Source:
    """Batches with a share of another source."""
    number = round(share * BATCH)

    def both(one: Draw, other: Draw) -> Draw:
        return lambda key: jax.numpy.concatenate(
            [other(jax.random.fold_in(key, 2))[:number], one(key)[number:]]
        )

    return Source(both(common.draw, rare.draw), both(common.draw_unseen, rare.draw_unseen))


def _solutions(seed: int) -> Source:
    """Every state of rows of `presets.ode`, a pool of them, in random order."""
    config, draw, found = s2jax.presets.ode(LENGTH), jax.jit(s2jax.sample, static_argnums=2), []
    while sum(map(len, found)) < SOLUTIONS:
        batch = draw(jax.random.fold_in(jax.random.key(seed), len(found)), config, ODE_ROWS)
        is_there = np.asarray(batch.status == 0)[:, None] & np.asarray(batch.y_mask)
        found.append(np.asarray(batch.y)[is_there])
    return _pooled(np.random.default_rng(seed).permutation(np.concatenate(found))[:SOLUTIONS])


def _coupled() -> Source:
    """Every channel of causal graphs, whose roots are the inputs of `presets.mix`, as a series."""
    graph = inputs.CausalGraph(roots=s2jax.presets.mix(LENGTH).inputs)
    config = s2jax.Config(LENGTH, CHANNELS, CHANNELS, inputs=graph, target=s2jax.Identity())
    draw = lambda key: s2jax.sample(key, config, BATCH // CHANNELS).y.reshape(BATCH, LENGTH)
    return Source(draw, draw)


def _alone(name: str) -> Source:
    family = getattr(inputs, name)
    return _ours(s2jax.Config(LENGTH, inputs=family(), target=s2jax.Identity()))


def _observation(effects: tuple[Any, ...], share: float) -> observe.Observation:
    return observe.Observation(effects, share=share, most=min(3, len(effects)))


def _varied(text: str, seed: int) -> Source:
    """`presets.mix` with other weights, as "TrendSeason x3 + GARCH 10 % + 30 % f + 20 % ode".

    The inputs of mix alone, with a family drawn more or less often, a family more, or with a share
    of rows that are f of inputs, of series that solve differential equations or are channels of
    causal graphs, or of rows that are measured, by all effects or those of one sort.
    """
    config, share, observation = s2jax.presets.mix(LENGTH), 0.0, None
    others: dict[str, float] = {}
    families, weights = list(config.inputs.families), np.asarray(config.inputs.weights)
    names = [type(family).__name__ for family in families]
    weights = weights / weights.sum()
    for part in text.split(" + "):
        factor = re.fullmatch(r"(\w+) x([\d.]+)", part)
        more = re.fullmatch(r"(\w+) (\d+) %", part)
        other = re.fullmatch(r"(\d+) % (\w+)", part)
        if factor and factor[1] in names:
            is_it = np.array([name == factor[1] for name in names])
            weights = np.where(is_it, float(factor[2]) * weights, weights)
        elif more and more[1] in FAMILIES and more[1] not in names:
            families, part_of = [*families, getattr(inputs, more[1])()], int(more[2]) / 100
            weights = np.append(weights, part_of / (1 - part_of) * weights.sum())
        elif other and other[2] == "f":
            share = int(other[1]) / 100
        elif other and other[2] in ("ode", "coupled"):
            others[other[2]] = int(other[1]) / 100
        elif other and other[2] in EFFECTS:
            observation = _observation(EFFECTS[other[2]], int(other[1]) / 100)
        else:
            raise ValueError(
                f"--sources {text!r}: {part!r} must be like 'TrendSeason x3' (a family of mix), "
                "'GARCH 10 %' (another one), '30 % f', '10 % ode', '50 % coupled' or "
                "'50 % measured', or one of the names that --help lists."
            )
    target = s2jax.Algebraic(config.target.program_law, input_share=1 - share)
    choice = inputs.Choice(families, weights.tolist())
    fields = {"inputs": choice, "target": target, "observation": observation}
    varied = _ours(s2jax.presets.mix(LENGTH, **fields))
    for name, of_name in others.items():
        varied = _mixed(varied, _solutions(seed) if name == "ode" else _coupled(), of_name)
    return varied


def _reference() -> Source:
    """Series of s2generator as it comes, a pool of them."""
    from s2generator.symbol import SeriesSymbolGenerator

    generator, random, pool = SeriesSymbolGenerator(), np.random.RandomState(0), []
    while len(pool) < POOL:
        tree, _, y = generator.run(random, LENGTH)
        series = np.zeros((0, 1)) if tree is None else np.asarray(y, np.float32)
        if len(series) == LENGTH and np.isfinite(series).all():
            pool.append(series[:, 0])
    return _pooled(np.stack(pool))


SOURCES: dict[str, Callable[[int], Source]] = {  # of a seed
    "mix": lambda seed: _ours(s2jax.presets.mix(LENGTH)),
    "mix, f only": lambda seed: _varied("100 % f", seed),
    "mix, inputs only": lambda seed: _varied("0 % f", seed),
    "s2": lambda seed: _ours(s2jax.presets.s2(LENGTH)),
    "ode": _solutions,
    "reference": lambda seed: _ours(s2jax.presets.reference(LENGTH)),
    "sarsim": lambda seed: _ours(s2jax.presets.sarsim(LENGTH)),
    **{name: lambda seed, name=name: _alone(name) for name in FAMILIES},
    "s2generator": lambda seed: _reference(),
}
USUAL = [name for name in SOURCES if name != "s2generator"]  # which takes 20 minutes for its pool
VARIATIONS = [f"{name} x{factor}" for name in FAMILIES[:8] for factor in (0, 3)]
VARIATIONS += [f"{name} 10 %" for name in ("GARCH", "IMF", "OrnsteinUhlenbeck", "Counts")]


def source(name: str, seed: int) -> Source:
    """What draws batches of series, by its name."""
    return SOURCES[name](seed) if name in SOURCES else _varied(name, seed)


def windows_of(one: _real.RealSet) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Contexts, what is seen of them, futures, and the error of the seasonal naive in each."""
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, float]] = []
    per_series = max(1, WINDOWS // len(one.series))
    for series in one.series:
        ends = np.linspace(max(PAST, 2 * one.season), len(series) - HORIZON, per_series)
        for end in np.unique(ends.astype(int)):
            past = series[max(0, end - CONTEXT) : end]
            scale = np.abs(past[one.season :] - past[: -one.season]).mean()
            if scale > 0:
                missing = CONTEXT - len(past)
                context = np.concatenate([np.zeros(missing), past])
                seen = np.arange(CONTEXT) >= missing
                rows.append((context, seen, series[end : end + HORIZON], scale))
    context, seen, future, scale = (np.stack(part) for part in zip(*rows, strict=True))
    return context, seen, future, scale


def scores(quantiles: np.ndarray, future: np.ndarray, scale: np.ndarray) -> dict[str, float]:
    """MASE of the median, and the weighted quantile loss."""
    error = future[..., None] - quantiles
    losses = np.maximum(LEVELS * error, (LEVELS - 1) * error)
    middle = np.abs(error[..., len(LEVELS) // 2])
    return {
        "MASE": float((middle.mean(1) / scale).mean()),
        "WQL": float(2 * losses.mean(-1).sum() / np.abs(future).sum()),
    }


def judge(model: Any, sets: list[_real.RealSet]) -> dict[str, dict[str, float]]:
    """Scores of a forecaster by set, relative to those of the seasonal naive."""
    out = {}
    for one in sets:
        context, seen, future, scale = windows_of(one)
        found = scores(np.asarray(_forecaster.forecast(model, context, seen)), future, scale)
        naive = np.take(context, CONTEXT - one.season + np.arange(HORIZON) % one.season, axis=1)
        simple = scores(np.repeat(naive[..., None], len(LEVELS), -1), future, scale)
        out[one.name] = {name: found[name] / simple[name] for name in found}
    return out


def run(arguments: argparse.Namespace, sets: list[_real.RealSet]) -> None:
    done = {
        (line["source"], line["model"], line["seed"])
        for line in _pages.read_results("worth", [Path(arguments.out)])
    }
    for seed in range(arguments.seeds):
        for name in arguments.sources:
            if (name, arguments.model, seed) in done:
                continue
            start, drawn = time.process_time(), source(name, seed)

            def tell(step: int, loss: float, name: str = name, seed: int = seed) -> None:
                print(f"\r{name}, seed {seed}: step {step}, loss {loss:.3f}  ", end="", flush=True)

            model = _forecaster.train(drawn.draw, arguments.model, seed, arguments.steps, tell)
            print()
            _record.write(
                arguments.out,
                "worth",
                source=name,
                model=arguments.model,
                seed=seed,
                steps=arguments.steps,
                own_loss=float(f"{_forecaster.own_loss(model, drawn.draw_unseen):.4g}"),
                cpu_s=round(time.process_time() - start),
                sets=judge(model, sets),
            )


def table(arguments: argparse.Namespace) -> None:
    """Geometric means over sets, and how much worse than one source, by a bootstrap over sets."""
    found = _pages.read_results("worth", [Path(arguments.out)] if arguments.out else None)
    found = [line for line in found if line["model"] == arguments.model]
    text = _pages.table_of_worth(found, arguments.against)
    _pages.show(text, _pages.WORTH[arguments.model], arguments.page)


def write_windows(arguments: argparse.Namespace, sets: list[_real.RealSet]) -> None:
    """Windows of the real series as a file of `numpy.save`, and how many are of which set."""
    if arguments.kind != "all":
        sets = [one for one in sets if one.is_for_choosing == (arguments.kind == "choosing")]
    found = {one.name: _real.windows(one, arguments.length, STRIDE, WINDOWS) for one in sets}
    found = {name: windows for name, windows in found.items() if len(windows)}
    if not found:
        raise ValueError(
            f"windows --length {arguments.length}: no series is as long. Lower --length."
        )
    np.save(arguments.out, np.concatenate([*found.values()]))
    print(", ".join(f"{name} {len(windows)}" for name, windows in found.items()))
    number = sum(map(len, found.values()))
    print(f"{number} windows of {arguments.length} steps of {len(found)} sets: {arguments.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "table", "windows"))
    parser.add_argument("--out", help="JSON lines, one per trained model; or the file of windows")
    parser.add_argument(
        "--sources", nargs="*", default=USUAL,
        help="what to train on: " + ", ".join(SOURCES) + "; other weights of the inputs of mix, as "
        "'TrendSeason x3 + GARCH 10 %% + 30 %% f + 10 %% ode'; or `variations`, one at a time",
    )  # fmt: skip
    parser.add_argument("--model", default="mlp", choices=list(_forecaster.MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument(
        "--against", default=_pages.AGAINST, help="source that the table compares with"
    )
    parser.add_argument("--page", help="page whose table is written anew, docs/worth.md")
    parser.add_argument("--length", type=int, default=CONTEXT, help="steps of windows")
    parser.add_argument("--kind", default="all", choices=("all", "choosing", "judging"))
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments)
        return
    is_run = arguments.what == "run"
    arguments.out = arguments.out or ("worth.jsonl" if is_run else "real.npy")
    if "variations" in arguments.sources:
        arguments.sources = ["mix, inputs only", *VARIATIONS]
    sets, left_out = _real.load(PAST + HORIZON if is_run else arguments.length)
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    (run if is_run else write_windows)(arguments, sets)


if __name__ == "__main__":
    main()

"""Every input family: what a forecaster could learn from its series, and how fast they are drawn.

python benchmarks/inputs.py descriptors --out benchmarks/results/today.jsonl  # families, presets
python benchmarks/inputs.py speed --out benchmarks/results/today.jsonl     # one core, CPU time
python benchmarks/inputs.py speed --only SARIMA Counts
python benchmarks/inputs.py page          # figures of docs/zoo.md and docs/zoo, from all results
python benchmarks/inputs.py peers         # families of s2generator beside ours, in turns
python benchmarks/inputs.py picture --out docs/zoo.png         # all at a glance
python benchmarks/inputs.py pictures --out docs/zoo            # nine draws of each
"""

import argparse
import importlib
import inspect
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

if __name__ == "__main__":
    _record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import _pages
import jax
import numpy as np

import s2jax
from s2jax.core.random import fold_in, words_of

CHANNELS = 512
HORIZON = 48
WINDOW = 256 + HORIZON
PEERS = {
    "ARMA": "autoregressive_moving_average.AutoregressiveMovingAverage",
    "IMF": "intrinsic_mode_functions.IntrinsicModeFunction",
    "KernelSynth": "kernel_synth.KernelSynth",
    "Mixture": "mixed_distribution.MixedDistribution",
    "TrendSeason": "forecast_pfn.ForecastPFN",
}
"""Classes of `s2generator.excitation` that draw what ours do."""
ZOO = Path(__file__).parents[1] / "docs"
NOT_ALONE = ("Add", "Choice", "Given", "Multiply", "TSMixup")  # made of what they are given


def families() -> dict[str, Any]:
    """Every family that can be drawn without further ado, by name."""
    names = sorted(s2jax.inputs.__all__, key=str.lower)
    found = {name: getattr(s2jax.inputs, name) for name in names}
    return {
        name: kind()
        for name, kind in found.items()
        if inspect.isclass(kind)
        and issubclass(kind, s2jax.inputs.AbstractInput)
        and not inspect.isabstract(kind)
        and name not in NOT_ALONE
    }


def presets() -> dict[str, s2jax.Config]:
    return {name: getattr(s2jax.presets, name)(WINDOW) for name in s2jax.presets.__all__}


def names_of_all() -> list[str]:
    """Families and presets, as the tables of the documentation name them."""
    return [*families(), *(f"presets.{name}" for name in s2jax.presets.__all__)]


def measure_descriptors(only: list[str], windows: int, out: str | None) -> None:
    """Medians over windows of each family alone, and of y of each preset."""
    whole = {name: s2jax.Config(WINDOW, inputs=one, target=s2jax.Identity())
             for name, one in families().items() if not only or name in only}  # fmt: skip
    whole |= {f"presets.{name}": one for name, one in presets().items()
              if not only or name in only}  # fmt: skip
    for name, config in whole.items():
        rows = s2jax.candidates(jax.random.key(0), config, np.arange(windows, dtype=np.int32))
        usable = np.asarray(rows.status) == 0
        x, y = np.asarray(rows.x)[usable], np.asarray(rows.y)[usable]
        found = s2jax.statistics.describe(y[:, 0], horizon=HORIZON)
        has_inputs = not isinstance(config.target, s2jax.Identity) and config.num_inputs
        kinds = s2jax.statistics.shares(y[:, :1], x if has_inputs else None, horizon=HORIZON)
        median = lambda feature, found=found: np.nanmedian(getattr(found, feature))
        # neither the next step nor the horizon tells more than the mean does
        shares = (kinds.unforecastable, kinds.affine, 1 - usable.mean())
        _record.write(
            out,
            "descriptors",
            name=name,
            windows=windows,
            length=WINDOW,
            horizon=HORIZON,
            medians={column: _short(median(one)) for column, one in _pages.FEATURES.items()},
            shares=dict(zip(_pages.SHARES, map(_short, shares), strict=True)),
        )


def _short(value: Any) -> float | None:
    """Four digits of a number, for JSON, which has no NaN."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def tables() -> dict[str, str]:
    """What stands in docs/zoo.md, by the name of its comments, from the results that are kept."""
    worth = [one for one in _pages.read_results("worth") if one["model"] == "mlp"]
    return {
        "descriptors": _pages.table_of_descriptors(
            _pages.read_results("descriptors"), worth, names_of_all()
        ),
        "speed": _pages.table_of_speed(_pages.read_results("inputs"), list(families())),
    }


def figures() -> dict[str, str]:
    """What stands under the picture of each family in docs/zoo."""
    rows = _pages.cells_between((ZOO / "zoo.md").read_text(), "futures")
    futures = {name: law for names, law in rows for name in re.findall(r"`(\w+)`", names)}
    lines = [_pages.read_results(one) for one in ("descriptors", "inputs", "worth")]
    lines[2] = [one for one in lines[2] if one["model"] == "mlp"]
    return {
        name: _pages.figures_of_family(name, *lines, futures.get(name, "not known"))
        for name in families()
    }


def write_pages() -> None:
    """The tables of docs/zoo.md, and what stands under the pictures of the pages below it."""
    blocks = tables() | {f"figures of {name}": text for name, text in figures().items()}
    for page in (ZOO / "zoo.md", *(ZOO / "zoo").glob("*.md")):
        text = page.read_text()
        for name, block in blocks.items():
            if f"<!-- {name} -->" in text:
                text = _pages.replace_between(text, name, block)
        page.write_text(text)


def drawing(family: Any, length: int) -> Callable[[], float]:
    """A job that draws series by the family's own code, and returns the number of points."""
    draw = jax.jit(
        lambda family, words: family.draw_series(
            family.draw_laws(words, length), words, length
        ).sum(0),
    )
    channel = np.arange(CHANNELS, dtype=np.int32)
    words = [fold_in(words_of(jax.random.key(number)), channel) for number in range(8)]
    turn = iter(range(2**31))

    def job() -> float:
        jax.block_until_ready(draw(family, words[next(turn) % len(words)]))
        return float(CHANNELS * length)

    return job


def measure(family: Any, length: int, seconds: float) -> tuple[float, float]:
    """Points per CPU second, and CPU seconds until the first."""
    job, start = drawing(family, length), time.process_time()
    job()
    first = time.process_time() - start
    return _record.rate(job, seconds, time.process_time), first


def print_speed(only: list[str], seconds: float, out: str | None) -> None:
    for name, family in families().items():
        if only and name not in only:
            continue
        for length in _pages.LENGTHS:
            points, first = measure(family, length, seconds)
            print(f"{name:20s} T = {length:5d} {points / 1e6:8.1f} M points/s, first {first:.1f} s")
            _record.write(
                out,
                "inputs",
                config={"family": name, "length": length},
                unit="points per CPU second, and CPU seconds to the first batch; one core",
                batch=CHANNELS,
                points_per_s=float(f"{points:.3g}"),
                first_s=float(f"{first:.2g}"),
            )


def compare(only: list[str], seconds: float, rounds: int, out: str | None) -> None:
    """Series per second beside the classes of s2generator, which draw one at a time."""
    warnings.simplefilter("ignore")
    for name, place in PEERS.items():
        if only and name not in only:
            continue
        module, kind = place.split(".")
        peer = getattr(importlib.import_module(f"s2generator.excitation.{module}"), kind)()
        for length in _pages.LENGTHS:
            job, random = drawing(families()[name], length), np.random.RandomState(0)

            def draw_one(peer=peer, random=random, length=length) -> float:
                assert np.isfinite(peer.generate(random, length)).all()
                return float(length)

            job()
            draw_one()
            rates = _record.paired_rates({"ours": job, "peer": draw_one}, rounds, seconds)
            ratio = _record.quartiles(rates["ours"] / rates["peer"])
            print(
                f"{name:12s} T = {length:5d}: {ratio['median']:.0f} times s2generator", flush=True
            )
            _record.write(
                out,
                "inputs vs s2generator",
                config={"family": name, "length": length},
                unit="points per CPU second; one core",
                batch=CHANNELS,
                rounds=rounds,
                ours=_record.quartiles(rates["ours"]),
                peer=_record.quartiles(rates["peer"]),
                ratio=ratio,
            )


def draw_picture(out: str, across: int = 4, length: int = 256) -> None:
    """Some series of every family, a line for each."""
    from s2jax.plotting._figure import new_figure
    from s2jax.plotting._panels import X_COLORS

    found = families()
    figure = new_figure(11.0, 0.85 * len(found))
    for line, (name, family) in enumerate(found.items()):
        series = np.asarray(family.sample(jax.random.key(1), across, length).series)
        for column, one in enumerate(series):
            axes = figure.add_subplot(len(found), across, line * across + column + 1)
            axes.plot(one, color=X_COLORS[line % len(X_COLORS)], linewidth=0.7)
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_visible(False)
            if column == 0:
                axes.set_title(name, fontsize=8, loc="left", pad=2)
    figure.tight_layout(pad=0.3)
    figure.savefig(out, dpi=75)


def draw_pictures(only: list[str], out: str) -> None:
    """Nine series of every family with their laws, a file NAME.png for each."""
    from PIL import Image

    Path(out).mkdir(parents=True, exist_ok=True)
    for name, family in families().items():
        if not only or name in only:
            figure = s2jax.plotting.plot_family(family, count=9, length=256)
            figure.set_dpi(60)
            figure.canvas.draw()
            pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
            # a few shades of two colours: a fifth of the bytes
            Image.fromarray(pixels).quantize(16).save(Path(out, f"{name}.png"), optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    jobs = ("descriptors", "speed", "page", "peers", "picture", "pictures")
    parser.add_argument("what", choices=jobs)
    parser.add_argument("--only", nargs="*", default=[], help="names of families or presets")
    parser.add_argument("--windows", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5, help="of peers")
    parser.add_argument("--out", help="append JSON lines to it, or write the pictures")
    arguments = parser.parse_args()
    if arguments.what == "descriptors":
        measure_descriptors(arguments.only, arguments.windows, arguments.out)
    elif arguments.what == "page":
        write_pages()
    elif arguments.what == "peers":
        compare(arguments.only, arguments.seconds, arguments.rounds, arguments.out)
    elif arguments.what == "pictures":
        draw_pictures(arguments.only, arguments.out or "zoo")
    elif arguments.what == "picture":
        draw_picture(arguments.out or "zoo.png")
    else:
        print_speed(arguments.only, arguments.seconds, arguments.out)


if __name__ == "__main__":
    main()

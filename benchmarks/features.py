"""Time of the features of series beside tsfeatures, at values that are equal.

python -m pip install tsfeatures statsmodels
python benchmarks/features.py --out benchmarks/results/today.jsonl       # one core, CPU time

Seven of the eight features of the TIME benchmark, which are those that tsfeatures has. The parts of
series whose Hurst exponent, stability, lumpiness and entropy it is asked for are computed before:
its time is that of its own functions and of the one STL in them.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import _record

if __name__ == "__main__":
    _record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np

import s2jax

SERIES = 1024
PERIOD = 24
TOLERANCE = 1e-4  # of float32 beside float64


def draw_series(length: int) -> np.ndarray:
    """Seasons on a level that wanders, with noise, in NumPy's numbers."""
    random = np.random.default_rng(0)
    level, noise = random.normal(size=(2, SERIES, length))
    season = np.sin(2 * np.pi * (np.arange(length) / PERIOD + random.uniform(size=(SERIES, 1))))
    series = 0.1 * level.cumsum(1) + 2 * season + noise
    return ((series - series.mean(1, keepdims=True)) / series.std(1, ddof=1, keepdims=True)).astype(
        np.float32
    )


def peer_features(series: np.ndarray, parts: tuple[np.ndarray, ...]) -> dict[str, float]:
    """Of one series, by the functions of tsfeatures."""
    from tsfeatures import entropy, hurst, lumpiness, stability, stl_features

    trend, seasonal, remainder = parts
    found = stl_features(series, PERIOD)
    return {
        "trend_strength": found["trend"],
        "seasonal_strength": found["seasonal_strength"],
        "e_acf1": found["e_acf1"] * len(series) / (len(series) - 1),  # of as many terms as ours
        "trend_hurst": hurst(trend, PERIOD)["hurst"],
        "trend_stability": stability(trend, PERIOD)["stability"],
        "seasonal_lumpiness": lumpiness(seasonal, PERIOD)["lumpiness"],
        "e_entropy": entropy(remainder, PERIOD)["entropy"],
    }


def compare(length: int, rounds: int, seconds: float, out: str | None) -> None:
    from statsmodels.tsa.seasonal import STL

    series = draw_series(length)
    few = series[:16].astype(np.float64)
    fits = [STL(row, PERIOD, 13).fit() for row in few]
    parts = [(fit.trend, fit.seasonal, fit.resid) for fit in fits]
    peers = [peer_features(*both) for both in zip(few, parts, strict=True)]
    start = time.process_time()
    found = jax.block_until_ready(s2jax.statistics.time_features(series, PERIOD))
    first = time.process_time() - start
    apart = {}
    for name in peers[0]:
        expected = np.array([one[name] for one in peers])
        own = np.asarray(getattr(found, name))[: len(few)]
        apart[name] = float(f"{(abs(own - expected) / abs(expected).max()).max():.2g}")
    if max(apart.values()) > TOLERANCE:
        raise AssertionError(f"features differ from those of tsfeatures: {apart}")

    def ours() -> float:
        jax.block_until_ready(s2jax.statistics.time_features(series, PERIOD))
        return float(SERIES)

    def peer() -> float:
        for both in zip(few, parts, strict=True):
            peer_features(*both)
        return float(len(few))

    rates = _record.paired_rates({"ours": ours, "peer": peer}, rounds, seconds)
    _record.write(
        out,
        "features vs tsfeatures",
        config={"length": length, "period": PERIOD},
        unit="series per CPU second; one core",
        batch=SERIES,
        rounds=rounds,
        first_s=float(f"{first:.2g}"),
        largest_difference=apart,
        ours=_record.quartiles(rates["ours"]),
        peer=_record.quartiles(rates["peer"]),
        ratio=_record.quartiles(rates["ours"] / rates["peer"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="*", default=[256, 512, 1024])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--out", help="append JSON lines to it")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for length in arguments.lengths:
        compare(length, arguments.rounds, arguments.seconds, arguments.out)


if __name__ == "__main__":
    main()

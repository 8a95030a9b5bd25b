"""Features of series against statsmodels, SciPy and their formulas in plain NumPy.

The formulas of tsfeatures and antropy are written out here, in float64; those packages are not
needed. Each comparison is shown to reject a formula that is wrong in a usual way.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal
from statsmodels.tsa.seasonal import STL
from statsmodels.tsa.stattools import acf

from s2jax import statistics
from s2jax.statistics._series import rows_of

LENGTH, PERIOD, HORIZON, ORDER = 240, 12, 24, 12
Floats = NDArray[np.float64]
Oracle = Callable[[Floats], float]


def make_rows() -> NDArray[np.float32]:
    """Walks, seasons, noise, demands, heavy tails, a smooth curve; offset and scale differ."""
    random = np.random.default_rng(0)
    step = np.arange(LENGTH)
    wave = np.sin(2 * np.pi * step / PERIOD)
    rows = [
        random.normal(size=LENGTH).cumsum(),
        100 + 0.1 * step + 3 * wave * (1 + step / LENGTH) + random.normal(size=LENGTH),
        1e-3 * random.normal(size=LENGTH),
        random.poisson(0.7, LENGTH) * random.integers(1, 5, LENGTH),
        random.standard_cauchy(LENGTH),
        50 * np.exp(-step / 80) + wave + np.cos(step / 5) + 0.01 * random.normal(size=LENGTH),
    ]
    return np.array(rows, np.float32)


ROWS = make_rows()


@pytest.fixture(scope="module")
def found() -> statistics.Features:
    return jax.device_get(statistics.describe(ROWS, PERIOD, HORIZON, ORDER))


def quickly(call: Callable[[Any], Any], rows: NDArray[np.float32]) -> Any:
    """What a call returns, compiled in little time; floats are as good as any."""
    return jax.device_get(jax.jit(call)(rows))


# What the oracles are made of


def standardized(x: Floats, ddof: int = 1) -> Floats:
    return (x - x.mean()) / x.std(ddof=ddof)


def parts(x: Floats, window: int = 13, robust: bool = False) -> tuple[Floats, Floats, Floats]:
    """Trend, season and remainder as TIME has them."""
    fit = STL(standardized(x), period=PERIOD, seasonal=window, robust=robust).fit()
    return np.asarray(fit.trend), np.asarray(fit.seasonal), np.asarray(fit.resid)


def tiles(x: Floats, width: int = PERIOD) -> list[Floats]:
    return [x[start : start + width] for start in range(0, len(x) - width + 1, width)]


def strength(part: int, **options: int) -> Oracle:
    def of(x: Floats) -> float:
        split = parts(x, **options)
        return max(0, 1 - split[2].var() / (split[part] + split[2]).var())

    return of


def hurst(x: Floats) -> float:
    """Rescaled ranges, one prefix after another."""
    ratios = []
    for n in range(2, len(x) + 1):
        deviations = (x[:n] - x[:n].mean()).cumsum()
        ratios.append(np.ptp(deviations) / x[:n].std())
    return np.polyfit(np.log(np.arange(2, len(x) + 1)), np.log(ratios), 1)[0]


def mean_pair_correlation(x: Floats) -> float:
    pairs = itertools.combinations(tiles(x), 2)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def entropy(power: Floats, bins: int | None = None) -> float:
    share = power[power > 0] / power.sum()
    return float(-(share * np.log(share)).sum() / np.log(bins or len(power)))


def ar_skills(x: Floats, order: int = ORDER, ridge: float = 1e-3) -> tuple[float, float]:
    now = len(x) - HORIZON
    z = (x - x[:now].mean()) / x[:now].std()
    past = np.stack([z[t : t + order] for t in range(len(z) - order)])
    fit = now - order
    gram = past[:fit].T @ past[:fit] + ridge * fit * np.eye(order)
    weights = np.linalg.solve(gram, past[:fit].T @ z[order:now])
    truth, recent = z[now:], list(z[:now])
    for _ in truth:
        recent.append(float(np.clip(np.dot(recent[-order:], weights), -1e3, 1e3)))
    skill = lambda forecast: 1 - ((forecast - truth) ** 2).mean() / (truth**2).mean()
    return skill(past[fit:] @ weights), skill(np.array(recent[now:]))


def peak(x: Floats) -> tuple[float, float]:
    r = np.asarray(acf(x, nlags=len(x) // 2 - 1, fft=False))
    tops = [k for k in range(1, len(r) - 1) if r[k - 1] < r[k] >= r[k + 1] and r[k] > 0]
    best = max(tops, key=lambda k: r[k], default=0)
    return (r[best], best) if best else (0.0, 0.0)


def patterns(x: Floats, order: int = 3) -> float:
    windows = np.lib.stride_tricks.sliding_window_view(x, order)
    orders = np.argsort(windows, axis=1, kind="stable")
    _, counts = np.unique(orders, axis=0, return_counts=True)
    return entropy(counts.astype(float), math.factorial(order))


def of_demand(formula: Oracle) -> Oracle:
    """Not defined where a value is negative."""
    return lambda x: formula(x) if x.min() >= 0 else np.nan


def demands(x: Floats, ddof: int = 0) -> float:
    return (x[x != 0].std(ddof=ddof) / x[x != 0].mean()) ** 2


def hill(x: Floats, share: float = 0.05) -> float:
    far = np.sort(np.abs(x - np.median(x)))[::-1]
    number = math.ceil(share * len(x))
    return float(np.log(far[:number] / far[number]).mean())


def hann_power(x: Floats) -> Floats:
    return np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x)))[1:]) ** 2


def welch(x: Floats, **options: object) -> Floats:
    return signal.welch(x, nperseg=LENGTH // 4, **options)[1][1:]


def turns(x: Floats) -> float:
    return 100 * (np.diff(np.sign(np.diff(x))) != 0).mean()


ORACLES: dict[str, tuple[Oracle, Oracle]] = {
    "trend_strength": (strength(0), strength(0, window=7)),
    "trend_hurst": (lambda x: hurst(parts(x)[0]), hurst),
    "trend_stability": (
        lambda x: np.var([one.mean() for one in tiles(parts(x)[0])], ddof=1),
        lambda x: np.var([one.mean() for one in tiles(parts(x)[0])]),
    ),
    "seasonal_strength": (strength(1), strength(1, robust=True)),
    "seasonality_corr": (
        lambda x: mean_pair_correlation(parts(x)[1]),
        lambda x: mean_pair_correlation(x),
    ),
    "seasonal_lumpiness": (
        lambda x: np.var([one.var(ddof=1) for one in tiles(parts(x)[1])], ddof=1),
        lambda x: np.var([one.var() for one in tiles(parts(x)[1])], ddof=1),
    ),
    "e_acf1": (
        lambda x: acf(parts(x)[2], nlags=1, adjusted=True)[1],
        lambda x: acf(parts(x)[2], nlags=1)[1],
    ),
    "e_entropy": (
        lambda x: entropy(signal.periodogram(parts(x)[2])[1]),
        lambda x: entropy(signal.periodogram(parts(x)[2])[1][1:]),
    ),
    "skill_1": (lambda x: ar_skills(x)[0], lambda x: ar_skills(x, order=ORDER - 1)[0]),
    "skill_many": (lambda x: ar_skills(x)[1], lambda x: ar_skills(x, ridge=0.01)[1]),
    "spectral_entropy": (
        lambda x: entropy(hann_power(x)),
        lambda x: entropy(signal.periodogram(x)[1][1:]),
    ),
    "forecastability": (
        lambda x: 1 - entropy(welch(x)),
        lambda x: 1 - entropy(welch(x, noverlap=0)),
    ),
    "permutation_entropy": (patterns, lambda x: patterns(x, 4)),
    "turning_points": (turns, lambda x: 100 * (np.diff(x)[1:] * np.diff(x)[:-1] < 0).mean()),
    "acf_1": (lambda x: acf(x, nlags=1)[1], lambda x: acf(x, nlags=1, adjusted=True)[1]),
    "season_peak": (lambda x: peak(x)[0], lambda x: peak(x)[0] ** 2),
    "season_lag": (lambda x: peak(x)[1], lambda x: max(acf(x, nlags=119)[2:].argmax() + 2, 1)),
    "adi": (
        of_demand(lambda x: len(x) / (x != 0).sum()),
        of_demand(lambda x: np.diff(np.flatnonzero(x)).mean()),
    ),
    "cv2": (of_demand(demands), of_demand(lambda x: demands(x, 1))),
    "tail_index": (hill, lambda x: hill(x, 0.1)),
    "missing": (lambda x: 0.0, lambda x: 1 / len(x)),
}
"""By feature: its formula, and one that is wrong."""

# seasons' correlation and the rest in float32; the many-step forecast feeds its rounding back
TOLERANCE = {"skill_many": 2e-4, "trend_hurst": 2e-4}


def assert_is(name: str, values: Floats, oracle: Oracle) -> None:
    expected = [oracle(row.astype(np.float64)) for row in ROWS]
    tolerance = TOLERANCE.get(name, 3e-5)
    np.testing.assert_allclose(values, expected, tolerance, tolerance / 10, err_msg=name)


@pytest.mark.parametrize("name", ORACLES)
def test_features_are_their_formulas(name: str, found: statistics.Features) -> None:
    assert_is(name, getattr(found, name), ORACLES[name][0])


@pytest.mark.parametrize("name", ORACLES)
def test_wrong_formulas_are_rejected(name: str, found: statistics.Features) -> None:
    with pytest.raises(AssertionError):
        assert_is(name, getattr(found, name), ORACLES[name][1])


def test_every_feature_has_an_oracle() -> None:
    assert set(ORACLES) == set(statistics.Features._fields)


@pytest.mark.parametrize("length, period, window", [(61, 24, 7), (100, 2, 13), (52, 25, 9)])
def test_decomposition_is_that_of_statsmodels(length: int, period: int, window: int) -> None:
    rows = ROWS[:2, :length]
    found = statistics.decompose(rows, period, window)
    for index, row in enumerate(rows.astype(np.float64)):
        fit = STL(row, period=period, seasonal=window).fit()
        for ours, theirs in zip(found, (fit.trend, fit.seasonal, fit.resid), strict=True):
            np.testing.assert_allclose(ours[index], theirs, rtol=0, atol=2e-6 * np.ptp(row))


def test_without_a_period_the_trend_is_of_local_lines() -> None:
    line = np.linspace(-1, 3, 60, dtype=np.float32)
    found = statistics.decompose(line)
    np.testing.assert_allclose(found.trend, line, atol=1e-5)
    assert not np.asarray(found.seasonal).any()


def all_alone(rows: jax.Array) -> dict[str, jax.Array]:
    """Features by the functions of their own."""
    return {
        "spectral_entropy": statistics.spectral_entropy(rows),
        "forecastability": statistics.forecastability(rows),
        "permutation_entropy": statistics.permutation_entropy(rows),
        "turning_points": statistics.turning_points(rows),
        "acf_1": statistics.autocorrelations(rows, 1)[:, 1],
        "adi": statistics.intermittency(rows).adi,
        "tail_index": statistics.tail_index(rows),
        "skill_many": statistics.ar_skill(rows, HORIZON, ORDER).many,
        "season_lag": statistics.find_season(rows).lag,
    }


def test_single_functions_are_the_fields(found: statistics.Features) -> None:
    alone = jax.jit(all_alone)(ROWS)
    for name, values in alone.items():
        np.testing.assert_allclose(values, getattr(found, name), 1e-4, 1e-6, err_msg=name)


@pytest.mark.parametrize("order", [2, 4])
def test_other_orders_of_patterns(order: int) -> None:
    values = quickly(lambda y: statistics.permutation_entropy(y, order), ROWS[:, :200])
    expected = [patterns(row[:200].astype(float), order) for row in ROWS]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_hurst_of_series_themselves() -> None:
    rows = ROWS[[0, 1, 2], :100]
    expected = [hurst(row.astype(float)) for row in rows]
    np.testing.assert_allclose(quickly(statistics.hurst, rows), expected, rtol=2e-4)


def test_tiles_of_rows_are_rows() -> None:
    rows = np.random.default_rng(1).normal(size=(3, 50, 8)).astype(np.float32)
    found = statistics.turning_points(rows)  # 150 rows are two tiles
    assert found.shape == (3, 50)
    np.testing.assert_allclose(found, np.apply_along_axis(turns, -1, rows), rtol=1e-6)


# What is not there


def test_missing_values() -> None:
    rows = ROWS[:, :LENGTH].copy()
    rows[:, 5:8], rows[:, 100], rows[0] = np.nan, np.inf, np.nan
    found = jax.device_get(statistics.describe(rows, PERIOD, HORIZON, ORDER))
    whole = np.array(statistics.fill_gaps(rows))
    steps = np.arange(LENGTH)
    for row, filled in zip(rows[1:], whole[1:], strict=True):
        seen = np.isfinite(row)
        expected = np.interp(steps, steps[seen], row[seen])
        np.testing.assert_allclose(filled, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(whole[0]).all()
    closed = jax.device_get(statistics.describe(whole, PERIOD, HORIZON, ORDER))
    left_out = {"permutation_entropy", "turning_points", "adi", "cv2", "missing"}
    for name, values in found._asdict().items():
        if name not in left_out:
            np.testing.assert_array_equal(values, getattr(closed, name), err_msg=name)
    np.testing.assert_allclose(found.missing, [1, *[4 / LENGTH] * 5], rtol=1e-6)
    triples = np.lib.stride_tricks.sliding_window_view(rows[1].astype(float), 3)
    triples = triples[np.isfinite(triples).all(1)]
    rate = 100 * (np.diff(np.sign(np.diff(triples, axis=1)), axis=1) != 0).mean()
    np.testing.assert_allclose(found.turning_points[1], rate, rtol=1e-6)
    for name in set(found._fields) - {"missing"}:
        assert np.isnan(getattr(found, name)[0]), name
    # functions alone leave it to the caller: they know of no line across a gap
    assert np.isnan(statistics.spectral_entropy(rows)).all()
    assert np.isnan(statistics.autocorrelations(rows, 1)).all()


def test_constants_have_no_features() -> None:
    rows = np.stack([np.full(LENGTH, value, np.float32) for value in (0, 0.1, 1e6, -3, 7, 1 / 3)])
    found = jax.device_get(statistics.describe(rows, PERIOD, HORIZON, ORDER))
    defined = {"permutation_entropy": 0, "turning_points": 0, "missing": 0}
    demand = {"adi": [np.nan, 1, 1, np.nan, 1, 1], "cv2": [np.nan, 0, 0, np.nan, 0, 0]}
    for name, values in found._asdict().items():
        expected = defined.get(name, demand.get(name, np.nan))
        np.testing.assert_allclose(
            values, np.broadcast_to(expected, 6), rtol=1e-5, atol=1e-9, err_msg=name
        )


LEAST = {
    "decompose": (24, lambda y: statistics.decompose(y, 12).trend[..., 0]),
    "time_features": (24, lambda y: statistics.time_features(y, 12).trend_strength),
    "ar_skill": (15, lambda y: statistics.ar_skill(y, 6, 3).one),
    "find_season": (6, lambda y: statistics.find_season(y).lag),
    "spectral_entropy": (4, statistics.spectral_entropy),
    "forecastability": (32, statistics.forecastability),
    "permutation_entropy": (3, statistics.permutation_entropy),
    "turning_points": (3, statistics.turning_points),
    "tail_index": (20, statistics.tail_index),
    "stability": (20, statistics.stability),
    "lumpiness": (20, statistics.lumpiness),
    "seasonal_correlation": (24, lambda y: statistics.seasonal_correlation(y, 12)),
    "hurst": (3, statistics.hurst),
    "autocorrelations": (3, lambda y: statistics.autocorrelations(y, 2)[..., 2]),
}


@pytest.mark.parametrize("name", LEAST)
def test_series_below_the_least_length_are_nan(name: str) -> None:
    least, call = LEAST[name]
    rows = np.random.default_rng(2).normal(size=(2, least)).astype(np.float32)
    short = call(rows[:, : least - 1])
    assert short.shape == (2,)
    assert np.isnan(short).all()
    assert np.isfinite(quickly(call, rows)).all()


def test_short_series_are_described() -> None:
    found = quickly(statistics.describe, ROWS[:, :21])
    nothing = {"seasonal_strength", "seasonality_corr", "seasonal_lumpiness", "skill_1",
               "skill_many", "forecastability"}  # fmt: skip
    assert {name for name, one in found._asdict().items() if np.isnan(one).all()} == nothing
    assert ((found.trend_strength >= 0) & (found.trend_strength <= 1)).all()
    single = quickly(statistics.describe, ROWS[:, :1])
    defined = {name for name, one in single._asdict().items() if not np.isnan(one).all()}
    assert defined == {"adi", "cv2", "missing"}


# Shares


def test_shares_by_kind() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(5, 2, 150)).astype(np.float32)
    noise = random.normal(size=150)
    y = np.stack([
        2 - 3 * x[0, 1],
        np.full(150, 0.1),
        np.arange(150) ** 2,
        random.poisson(3, 150),
        np.sin(np.arange(150) / 3) + 0.1 * noise,
    ]).astype(np.float32)[:, None]  # fmt: skip
    y[3, 0, 4] = np.nan
    found = quickly(lambda y: statistics.shares(y, x, HORIZON, ORDER), y)
    assert found.number == 5
    np.testing.assert_allclose(
        [found.affine, found.constant, found.monotone, found.counts, found.undefined],
        [1 / 5, 1 / 5, 1 / 5, 2 / 5, 1 / 5],
        rtol=1e-6,
    )
    filled = np.nan_to_num(y[[0, 2, 3, 4], 0].astype(float), nan=0.5 * (y[3, 0, 3] + y[3, 0, 5]))
    lost = [max(ar_skills(row)) < 0.02 for row in filled]
    assert 0 < np.mean(lost) < 1
    np.testing.assert_allclose(found.unforecastable, np.mean(lost), rtol=1e-6)
    alone = quickly(statistics.shares, y[:, 0, :20])
    assert np.isnan(alone.affine)
    assert np.isnan(alone.unforecastable)
    assert alone.undefined == 1


# Bad input


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: statistics.describe(ROWS, period=1), ValueError, "period=1.*>= 2"),
        (lambda: statistics.describe(ROWS, horizon=0), ValueError, "horizon=0"),
        (lambda: rows_of("hurst", 1.0), ValueError, "time as its last axis"),
        (lambda: rows_of("hurst", "abc"), TypeError, "must be an array of numbers"),
        (lambda: rows_of("hurst", ROWS * 1j), TypeError, "real numbers"),
        (lambda: statistics.decompose(ROWS, 12, 8), ValueError, "window=8.*odd.*Pass 9"),
        (lambda: statistics.decompose(jnp.zeros(5000), 12), ValueError, "<= 4096.*windows"),
        (lambda: statistics.tail_index(ROWS, 0.6), ValueError, "share=0.6"),
        (lambda: statistics.permutation_entropy(ROWS, 6), ValueError, "order=6.*<= 5"),
        (lambda: statistics.shares(ROWS, ROWS[None]), ValueError, "rows, outputs"),
        (lambda: statistics.shares(ROWS[:0]), ValueError, "must have a series"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call()

"""Distances between samples against SciPy and their formulas in plain NumPy, in float64.

What papers say of a measure is tested too: what equal laws give, dropped modes, outliers. Each
comparison is shown to reject a formula that is wrong in a usual way.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats
from scipy.spatial.distance import cdist, pdist

from s2jax import statistics
from s2jax.statistics import _transport
from s2jax.statistics._discrepancy import evenly
from s2jax.statistics._neighbours import find_neighbours

Floats = NDArray[np.floating]
KEY = jax.random.key(0)
RESAMPLES = 200


def make_samples() -> tuple[Floats, Floats]:
    """More rows than a tile holds, of different numbers; the second is wider and moved."""
    random = np.random.default_rng(0)
    real = random.normal(size=(200, 3))
    return real.astype(np.float32), random.normal(0.3, 1.2, (150, 3)).astype(np.float32)


REAL, SYNTHETIC = make_samples()


def assert_close(found: Any, expected: Any, rtol: float = 1e-4) -> None:
    np.testing.assert_allclose(np.asarray(found), expected, rtol=rtol, atol=1e-5)


# Precision, recall, density, coverage


def dense_prdc(real: Floats, synthetic: Floats, k: int = 5) -> dict[str, Any]:
    """With the whole matrix: `distances[i, j]` is from real point i to synthetic point j."""
    radius = lambda points: np.sort(cdist(points, points), axis=1)[:, k]
    distances = cdist(real, synthetic)
    in_real = distances <= radius(real)[:, None]
    return {
        "inside": in_real.any(0),
        "reached": (distances <= radius(synthetic)).any(1),
        "covered": in_real.any(1),
        "density": in_real.sum() / (k * len(synthetic)),
    }


def assert_prdc(found: statistics.PRDC, expected: dict[str, Any]) -> None:
    for name, values in expected.items():
        one = getattr(found, name)
        one = one.value if name == "density" else one
        np.testing.assert_allclose(one, values, rtol=1e-6, err_msg=name)
    for share, flags in (("precision", "inside"), ("recall", "reached"), ("coverage", "covered")):
        np.testing.assert_allclose(getattr(found, share).value, expected[flags].mean(), rtol=1e-6)


def test_prdc_is_its_formula() -> None:
    found = statistics.prdc(KEY, REAL, SYNTHETIC)
    assert_prdc(found, dense_prdc(REAL, SYNTHETIC))
    assert 0.2 < found.coverage.value < 1  # the test sees something
    with pytest.raises(AssertionError):  # a point is not its own neighbour
        assert_prdc(found, dense_prdc(REAL, SYNTHETIC, k=4))
    with pytest.raises(AssertionError):  # recall is not precision
        assert_prdc(found, dense_prdc(SYNTHETIC, REAL))


def test_prdc_of_toy_examples() -> None:
    random = np.random.default_rng(1)
    measure = functools.partial(statistics.prdc, KEY, resamples=10)
    draw = lambda *centre: random.normal(size=(400, 2)) + centre
    first, second = draw(0, 0), draw(0, 0)
    alike = measure(first, second)
    assert abs(alike.coverage.value - (1 - 2**-5)) < 0.03  # Naeem et al., sec. 3.3
    assert abs(alike.density.value - 1) < 0.2
    assert min(alike.precision.value, alike.recall.value) > 0.9
    # a mode that is not drawn
    modes = np.where(np.arange(400)[:, None] % 2 == 0, first, first + 30)
    dropped = measure(modes, second)
    assert dropped.precision.value > 0.9
    assert abs(dropped.recall.value - 0.5) < 0.05
    assert abs(dropped.coverage.value - 0.5) < 0.05
    # points where nothing is real
    invented = measure(first, modes)
    assert abs(invented.precision.value - 0.5) < 0.05
    assert invented.recall.value > 0.9
    # one real outlier, whose ball holds all that is between: precision believes it
    outlying = first.copy()
    outlying[0] = 20
    between = measure(outlying, draw(12, 12))
    assert between.precision.value > 0.99
    assert between.density.value < 0.25
    assert between.coverage.value < 0.01
    # outliers of the other sample do the same to recall
    assert measure(draw(12, 12), outlying).recall.value > 0.99
    # equal points lie in balls of radius 0
    equal = measure(np.ones((400, 2)), np.ones((400, 2)))
    assert equal.precision.value == equal.coverage.value == equal.recall.value == 1


def test_prdc_bootstrap_draws_rows_and_their_balls() -> None:
    """The intervals against those of NumPy, from rows that are drawn one by one."""
    random, k = np.random.default_rng(3), 5
    radius = lambda points: np.sort(cdist(points, points), axis=1)[:, k]
    distances = cdist(REAL, SYNTHETIC)
    whole = distances <= radius(REAL)[:, None], distances <= radius(SYNTHETIC)
    balls, covered, reached = whole[0].sum(0), np.any(whole[0], 1), np.any(whole[1], 1)
    drawn, points = [], []
    for _ in range(2000):
        i, j = random.integers(0, 200, 200), random.integers(0, 150, 150)
        in_real, in_synthetic = (np.asarray(one)[np.ix_(i, j)] for one in whole)
        shares = in_real.any(0).mean(), in_synthetic.any(1).mean(), in_real.any(1).mean()
        drawn.append([shares[0], shares[1], in_real.sum() / (k * 150), shares[2]])
        inside = (balls[j] > 0).mean()
        points.append([inside, reached[i].mean(), balls[j].mean() / k, covered[i].mean()])
    find_ends = lambda values: np.percentile(values, [2.5, 97.5], axis=0) - np.mean(values, 0)
    found = statistics.prdc(KEY, REAL, SYNTHETIC, resamples=RESAMPLES)

    def assert_ends(ends: Floats) -> None:
        most = (1, 1, np.inf, 1)
        for one, low, high, bound in zip(found[:4], *ends, most, strict=True):
            margin = 0.2 * (high - low)  # four standard errors of such a quantile
            assert abs(one.low - (one.value + low)) < margin
            assert abs(one.high - min(one.value + high, bound)) < margin
            assert one.low < one.value < one.high

    assert_ends(find_ends(drawn))
    with pytest.raises(AssertionError):  # all balls are there in each
        assert_ends(find_ends(points))
    narrow = statistics.prdc(KEY, REAL, SYNTHETIC, resamples=RESAMPLES, level=0.5)
    for wide, one in zip(found[:4], narrow[:4], strict=True):
        assert wide.low < one.low < one.value < one.high < wide.high


def test_the_matrix_of_distances_is_never_whole() -> None:
    points = jax.ShapeDtypeStruct((10_000, 20), jnp.float32)
    program = find_neighbours.lower(points, points, 5).compile()
    assert program.memory_analysis().temp_size_in_bytes < 16e6  # the matrix has 400e6


def test_nearest_neighbours() -> None:
    found = statistics.nearest(REAL, SYNTHETIC)
    second = lambda points: np.sort(cdist(points, points), axis=1)[:, 1]
    between = cdist(REAL, SYNTHETIC)
    for values, expected in (
        (found.real, second(REAL)),
        (found.synthetic, second(SYNTHETIC)),
        (found.to_real, between.min(0)),
        (found.to_synthetic, between.min(1)),
    ):
        assert_close(values, expected)
    assert (statistics.nearest(REAL, REAL[:150]).to_real == 0).all()


# Transport


def dense_wasserstein(x: Floats, y: Floats, p: int) -> float:
    """Samples repeated to one length, which is exact."""
    n, m = len(x), len(y)
    first, second = (np.sort(np.repeat(*one)).astype(float) for one in ((x, m), (y, n)))
    return float((abs(first - second) ** p).mean() ** (1 / p))


@pytest.mark.parametrize("n, m", [(20, 20), (50, 30), (7, 5), (1, 4), (3, 1)])
def test_wasserstein_of_any_sizes(n: int, m: int) -> None:
    random = np.random.default_rng(n)
    x, y = random.normal(size=n), random.exponential(size=m)
    assert_close(statistics.wasserstein(x, y), stats.wasserstein_distance(x, y))
    assert_close(statistics.wasserstein(x, y, p=2), dense_wasserstein(x, y, 2))
    assert_close(statistics.wasserstein(y, x, p=2), dense_wasserstein(x, y, 2))
    if n == 50:  # quantiles between order statistics are not those of a sample
        levels = (np.arange(1000) + 0.5) / 1000
        wrong = abs(np.quantile(x, levels) - np.quantile(y, levels)).mean()
        with pytest.raises(AssertionError):
            assert_close(statistics.wasserstein(x, y), wrong)


@pytest.mark.parametrize("p", [1, 2])
def test_sliced_wasserstein_is_its_formula(p: int) -> None:
    draw = lambda x, y: statistics.sliced_wasserstein(KEY, x, y, p, 6, RESAMPLES)
    found = draw(REAL, SYNTHETIC)
    unit = np.asarray(_transport._draw_directions(jax.random.split(KEY)[0], 6, 3))
    assert_close(np.linalg.norm(unit, axis=1), 1)
    assert_close(unit[:3] @ unit[:3].T, np.eye(3))
    costs = [dense_wasserstein(REAL @ one, SYNTHETIC @ one, p) ** p for one in unit]
    assert_close(found.value, np.mean(costs) ** (1 / p))
    assert found.low < found.value < found.high
    line = draw(REAL[:, :1], SYNTHETIC[:, :1])  # in one dimension there is one direction
    assert_close(line.value, statistics.wasserstein(REAL[:, 0], SYNTHETIC[:, 0], p))
    if p == 1:  # inside a program, XLA sorts
        assert_close(jax.jit(draw)(REAL, SYNTHETIC), found)


def test_sliced_wasserstein_of_moved_points() -> None:
    move = np.array([3, 0, 0], np.float32)
    found = statistics.sliced_wasserstein(KEY, REAL, REAL + move, directions=6, resamples=RESAMPLES)
    assert_close(found.value, 3 / np.sqrt(3))  # exactly, as directions are orthogonal
    mixed = np.random.default_rng(7).permutation(np.concatenate([REAL, SYNTHETIC]))
    halves = statistics.sliced_wasserstein(
        KEY, mixed[:200], mixed[200:], directions=6, resamples=RESAMPLES
    )
    assert halves.value < 0.35
    assert halves.low < 0.2


def dense_frechet(x: Floats, y: Floats, root: Callable[[Floats], Floats]) -> float:
    """With the root of the product of both covariances."""
    first, second = np.cov(x.T), np.cov(y.T)
    spread = np.trace(first + second - 2 * root(first, second))
    return float(np.sqrt(((x.mean(0) - y.mean(0)) ** 2).sum() + spread))


def exact_root(first: Floats, second: Floats) -> Floats:
    half = linalg.sqrtm(first).real
    return linalg.sqrtm(half @ second @ half).real


def root_by_element(first: Floats, second: Floats) -> Floats:
    """As s2generator 0.0.23 has it."""
    return np.sqrt(np.abs(first * second))


def make_correlated() -> tuple[Floats, Floats]:
    """White noise and an AR(1) of 0.95, each series from 0 to 1, as s2generator scales them."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(1000, 364)) * np.sqrt(1 - 0.95**2)
    walk = np.zeros_like(noise)
    for step in range(1, 364):
        walk[:, step] = 0.95 * walk[:, step - 1] + noise[:, step]
    both = random.normal(size=(1000, 64)), walk[:, 300:]
    low, high = ([f(one, 1, keepdims=True) for one in both] for f in (np.min, np.max))
    first, second = ((x - a) / (b - a) for x, a, b in zip(both, low, high, strict=True))
    return first, second


def test_correlations_count() -> None:
    x, y = make_correlated()
    before = x.copy(), y.copy()
    found = statistics.frechet(x, y)
    assert_close(found, dense_frechet(x, y, exact_root), rtol=2e-3)
    assert (x == before[0]).all()
    assert (y == before[1]).all()
    wrong = dense_frechet(x, y, root_by_element)
    with pytest.raises(AssertionError):
        assert_close(found, wrong, rtol=2e-3)
    # by its weights of 1/2: 1.14, where it says 0.22
    assert 1.1 < found / np.sqrt(2) < 1.2
    assert 0.2 < wrong / np.sqrt(2) < 0.24
    assert_close(statistics.frechet(REAL, REAL + 1), np.sqrt(3), rtol=1e-3)
    assert statistics.frechet(REAL, REAL) < 5e-3


def test_the_reference_leaves_correlations_out(peer: Callable[[str], Any]) -> None:
    distance = peer("s2generator.utils.distance").wasserstein_distance
    x, y = make_correlated()
    wrong = dense_frechet(x, y, root_by_element) / np.sqrt(2)
    with np.errstate(invalid="ignore"):  # negative covariances have no root
        assert_close(distance(x.copy(), y.copy()), wrong, rtol=1e-3)


# Kernels


def dense_discrepancy(k: Callable[[Floats], Floats], unbiased: bool = True) -> float:
    def within(points: Floats) -> float:
        values, n = k(cdist(points, points)), len(points)
        return (values.sum() - np.trace(values)) / (n * (n - 1)) if unbiased else values.mean()

    return within(REAL) + within(SYNTHETIC) - 2 * k(cdist(REAL, SYNTHETIC)).mean()


def gaussian(width: float) -> Callable[[Floats], Floats]:
    return lambda distances: np.exp(-(distances**2) / (2 * width**2))


KERNELS = {
    "mmd": (functools.partial(statistics.mmd, KEY, bandwidth=1.7), gaussian(1.7)),
    "energy_distance": (
        functools.partial(statistics.energy_distance, KEY), lambda distances: -distances,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_discrepancies_are_their_formulas(name: str) -> None:
    draw, kernel = KERNELS[name]
    found = draw(REAL, SYNTHETIC, resamples=RESAMPLES)
    biased = draw(REAL, SYNTHETIC, resamples=RESAMPLES, unbiased=False)
    assert_close(found.value, dense_discrepancy(kernel))
    assert_close(biased.value, dense_discrepancy(kernel, unbiased=False))
    with pytest.raises(AssertionError):
        assert_close(found.value, dense_discrepancy(kernel, unbiased=False))
    assert 0 < found.low < found.value < found.high
    shuffled = np.random.default_rng(2).permutation(np.concatenate([REAL, SYNTHETIC]))
    alike = draw(shuffled[:200], shuffled[200:], resamples=RESAMPLES)
    assert alike.low < 0 < alike.high
    assert alike.high < found.value


def test_bootstrap_draws_rows_with_replacement() -> None:
    """The interval against one of NumPy, whose pairs of a row with itself are left out."""
    random = np.random.default_rng(3)
    whole = [-cdist(*both) for both in ((REAL, REAL), (SYNTHETIC, SYNTHETIC), (REAL, SYNTHETIC))]

    def resample(n: int) -> Floats:
        return np.bincount(random.integers(0, n, n), minlength=n) / n

    def within(values: Floats, weights: Floats) -> float:
        return weights @ values @ weights / (1 - (weights**2).sum())

    drawn = []
    for _ in range(2000):
        u, v = resample(200), resample(150)
        drawn.append(within(whole[0], u) + within(whole[1], v) - 2 * u @ whole[2] @ v)
    low, high = np.percentile(drawn, [2.5, 97.5])
    found = statistics.energy_distance(KEY, REAL, SYNTHETIC, resamples=RESAMPLES)
    margin = 0.2 * (high - low)  # four standard errors of such a quantile
    assert abs(found.low - low) < margin
    assert abs(found.high - high) < margin
    narrow = statistics.energy_distance(KEY, REAL, SYNTHETIC, resamples=RESAMPLES, level=0.5)
    assert found.low < narrow.low < narrow.value < narrow.high < found.high


def test_energy_distance_of_scipy() -> None:
    x, y = REAL[:, 0], SYNTHETIC[:, 0]
    flat = (one * np.eye(3, dtype=np.float32)[0] for one in (REAL, SYNTHETIC))
    found = statistics.energy_distance(KEY, *flat, unbiased=False, resamples=RESAMPLES)
    assert_close(found.value, stats.energy_distance(x, y) ** 2)


def test_bandwidth_is_the_median_distance() -> None:
    assert_close(statistics.median_bandwidth(REAL), np.median(pdist(REAL)))
    both = np.concatenate([REAL, SYNTHETIC])
    found = statistics.mmd(KEY, REAL, SYNTHETIC, resamples=RESAMPLES)
    assert_close(found.value, dense_discrepancy(gaussian(float(np.median(pdist(both))))))
    assert np.asarray(evenly(jnp.arange(5000), 6)).tolist() == [0, 999, 1999, 2999, 3999, 4999]
    assert statistics.median_bandwidth(0 * REAL) == 1
    lone = np.eye(200, 3)  # most are equal: the mean
    assert_close(statistics.median_bandwidth(lone), pdist(lone).mean())


# Within a sample


def test_vendi_score_is_its_formula() -> None:
    values = np.linalg.eigvalsh(gaussian(0.8)(cdist(REAL, REAL)) / len(REAL))
    values = values[values > 1e-12]
    expected = np.exp(-(values * np.log(values)).sum())
    found = statistics.vendi_score(REAL, 0.8)
    assert_close(found, expected, rtol=1e-3)
    with pytest.raises(AssertionError):  # of another bandwidth
        assert_close(statistics.vendi_score(REAL, 0.4), expected, rtol=1e-3)
    assert_close(statistics.vendi_score(np.ones((200, 3)), 0.8), 1)
    assert_close(statistics.vendi_score(1e3 * REAL, 0.8), 200)
    # seven different points, each many times
    assert_close(statistics.vendi_score(1e3 * REAL[np.arange(200) % 8], 0.8), 8)
    half = statistics.vendi_score(REAL, 0.8, max_rows=100)
    assert half < found


def test_duplicates_are_counted() -> None:
    y = np.random.default_rng(4).normal(size=(150, 60)).astype(np.float32)
    assert statistics.duplicate_share(y) == 0
    y[10], y[140], y[141] = 3 * y[4] + 100, 0.01 * y[4] - 7, -y[4]
    y[142], y[143] = y[5] + 0.01 * y[6], y[5] + 0.2 * y[6]
    y[20:24], y[22] = 5, 0.1
    y[144, 30], y[145] = np.nan, y[144]
    # two of the fourth, one nearly of the fifth, three constants, one with a gap
    assert_close(statistics.duplicate_share(y), 7 / 150)
    assert_close(statistics.duplicate_share(y, threshold=0.97), 8 / 150)


# Standardising


def test_samples_are_scaled_by_the_real_one() -> None:
    random = np.random.default_rng(5)
    real = random.normal([2, -5, 0, 0, 7], [1, 10, 1, 1, 0], (500, 5))
    synthetic = random.normal([3, -5, 0, 0, 8], 1, (300, 5))
    real[:100, 2] = np.nan  # in too many rows
    real[7, 0], synthetic[[3, 4], 1], real[108, 0] = np.nan, np.inf, 1e9
    real[20:450, 3] = 0  # more than half are equal
    found = statistics.standardize_samples(real, synthetic)
    assert found.features.tolist() == [True, True, False, True, False]
    assert found.real.shape == (499, 3)
    assert found.synthetic.shape == (298, 3)
    assert np.flatnonzero(~found.real_rows).tolist() == [7]
    assert np.flatnonzero(~found.synthetic_rows).tolist() == [3, 4]
    known = np.delete(real, 7, 0)
    low, middle, high = np.percentile(known[:, 0], [25, 50, 75])
    scaled = (known[:, 0] - middle) / (high - low) * (stats.norm.ppf(0.75) * 2)
    assert_close(found.real[:, 0], np.clip(scaled, -10, 10))
    assert_close(found.synthetic[:, 0].mean(), 1, rtol=0.3)
    assert_close(found.real[:, 2].std(), 1, rtol=0.01)  # that of all values, those left out too
    wide = statistics.standardize_samples(real, synthetic, max_missing=0.5, clip=np.inf)
    assert wide.real.shape == (400, 4)
    assert wide.real.max() > 1e8


def test_comparisons_are_of_what_is_defined() -> None:
    def features(points: Floats) -> statistics.Features:
        nothing = np.full(len(points), np.nan, np.float32)
        columns = dict.fromkeys(statistics.Features._fields, nothing)
        columns |= {"missing": 0 * points[:, 0]}  # a constant
        return statistics.Features(**columns | dict(zip(names, points.T, strict=True)))

    names = ("skill_1", "acf_1", "tail_index")
    moved = SYNTHETIC + 3
    found = statistics.compare(KEY, features(REAL), features(moved), resamples=RESAMPLES)
    kept = np.array(statistics.Features._fields)[found.samples.features]
    assert sorted(kept) == sorted(names)
    real, synthetic = found.samples.real, found.samples.synthetic
    assert (real.shape, synthetic.shape) == (REAL.shape, SYNTHETIC.shape)
    assert_prdc(found.prdc, dense_prdc(real, synthetic))
    assert_close(found.nearest.to_real, cdist(real, synthetic).min(0), rtol=1e-3)
    assert min(found.sliced_wasserstein.low, found.mmd.low, found.energy_distance.low) > 0.3
    assert_close(found.frechet, statistics.frechet(real, synthetic))
    width, rows = statistics.median_bandwidth(real), len(synthetic)
    assert_close(found.vendi_real, statistics.vendi_score(real, width, rows))
    assert_close(found.vendi_synthetic, statistics.vendi_score(synthetic, width, rows))


# Bad input


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: statistics.prdc(KEY, REAL[:1], SYNTHETIC), "real of shape.*at least 2 rows"),
        (lambda: statistics.prdc(KEY, REAL, SYNTHETIC[:5]), "k=5.*below 5.*its own neigh.*Lower k"),
        (lambda: statistics.prdc(KEY, REAL, SYNTHETIC, k=0), "k=0.*>= 1"),
        (lambda: statistics.prdc(KEY, REAL, SYNTHETIC, resamples=0), "resamples=0.*>= 1"),
        (lambda: statistics.prdc(KEY, REAL, SYNTHETIC[:, :2]), "3 features, synth.* of 2.*same f"),
        (lambda: statistics.nearest(REAL * np.nan, REAL), "must be finite.*standardize_samples"),
        (lambda: statistics.compare(KEY, REAL, REAL[:4]), "compare.k=5.*below 4"),
        (lambda: statistics.wasserstein(REAL[:0, 0], REAL[:, 0]), "real of shape.*at least a row"),
        (lambda: statistics.wasserstein(REAL, REAL), "sliced_wasserstein"),
        (lambda: statistics.wasserstein(REAL[:, 0], REAL[:, 0], p=3), "p=3.*<= 2"),
        (lambda: statistics.mmd(KEY, REAL, REAL, bandwidth=0.0), "bandwidth=0.0.*> 0"),
        (lambda: statistics.energy_distance(KEY, REAL, REAL, resamples=0), "resamples=0.*>= 1"),
        (lambda: statistics.sliced_wasserstein(KEY, REAL, REAL, level=2.0), "level=2.0.*<= 1"),
        (lambda: statistics.vendi_score(REAL, max_rows=1), "max_rows=1.*>= 2"),
        (lambda: statistics.duplicate_share(REAL[0]), "at least two series"),
        (lambda: statistics.standardize_samples(REAL * 0, REAL), "no feature is left.*Raise"),
        (lambda: statistics.standardize_samples(REAL, REAL, clip=0.0), "clip=0.0.*> 0"),
        (lambda: statistics.standardize_samples(np.ones((0, 3)), REAL), "at least a row"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_too_few_whole_rows_are_refused() -> None:
    real = np.arange(36.0).reshape(12, 3)
    other = np.full((4, 3), np.nan)
    other[0] = 1
    with pytest.raises(ValueError, match=r"synthetic of 1 whole rows.*>= 2 rows"):
        statistics.standardize_samples(real, other, max_missing=1)

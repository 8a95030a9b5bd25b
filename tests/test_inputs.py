"""The laws of the input series: of their parameters, and of a series given its parameters."""

from itertools import product
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.arima_process import arma_acovf

import s2jax
from s2jax.core.random import fold_in, words_of
from s2jax.distributions import Constant, LogUniform, Uniform
from s2jax.inputs import ARMA, AbstractInput, Choice, Given, LinearProcess, Mixture
from s2jax.inputs._process import _innovation
from tests.statistics import LEVEL, assert_counts_match, assert_ks, assert_same_law

NUM_CHANNELS = 100_000
SINE = np.sin(np.arange(300) / 7) + np.arange(300) / 100
SERIES = np.stack([np.arange(40.0), 100 + np.arange(40.0), 200 + np.arange(40.0) ** 2])
FAMILIES: dict[str, AbstractInput] = {
    "mixture": Mixture(),
    "arma paper": ARMA(max_ar_order=2, rule="paper"),
    "given": Given(SERIES),
    "choice": Choice([Mixture(), Given(SERIES), ARMA()], weights=[0.2, 0.3, 0.5]),
}
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def channels(key: jax.Array, number: int = NUM_CHANNELS) -> jax.Array:
    """Return one raw key per channel."""
    return fold_in(words_of(key), jnp.arange(number))


def parameters(key: jax.Array, family: AbstractInput, number: int = NUM_CHANNELS) -> Any:
    """Draw the parameters of many channels."""
    return jax.device_get(eqx.filter_jit(family.draw_laws)(channels(key, number), 32))


def series(words: jax.Array, family: AbstractInput, length: int) -> np.ndarray:
    """Draw one series per key, parameters and all: `(time, channels)`."""

    @jax.jit
    def run(words: jax.Array) -> jax.Array:
        drawn = family.draw_laws(fold_in(words, 0), length)
        return family.draw_series(drawn, fold_in(words, 1), length)

    return np.asarray(run(words))


def process(
    number: int = NUM_CHANNELS,
    components: list[tuple[float, str, float, float]] | None = None,
    ar: tuple[float, ...] = (),
    ma: tuple[float, ...] = (),
    spare: int = 0,
) -> LinearProcess:
    """Make channels of one process; components are `(weight, kind, mean, deviation)`.

    Args:
        number: Number of channels.
        components: The mixture of the innovations, by default one standard normal.
        ar, ma: phi and theta.
        spare: Number of further components that are not used.
    """
    components = components or [(1.0, "normal", 0.0, 1.0)]
    unused = [(0.0, "normal", 0.0, 0.0)] * spare
    weights, kinds, means, deviations = zip(*components, *unused, strict=True)

    def fill(values: Any, dtype: Any = np.float32) -> jax.Array:
        row = np.asarray(values, dtype)
        return jnp.asarray(np.broadcast_to(row, (number, *row.shape)))

    return LinearProcess(
        num_components=fill(len(components), np.int32),
        weights=fill(weights),
        means=fill(means),
        deviations=fill(deviations),
        is_uniform=fill([kind == "uniform" for kind in kinds], bool),
        ar_order=fill(len(ar), np.int32),
        ma_order=fill(len(ma), np.int32),
        ar=fill(ar),
        ma=fill(ma),
    )


def simulate(key: jax.Array, model: LinearProcess, length: int) -> np.ndarray:
    """Draw independent series of the channels: `(time, channels)`."""
    words = channels(key, model.num_components.shape[0])
    run = jax.jit(lambda model, words: model.simulate(words, length))
    return np.asarray(run(model, words), np.float64)


def count(values: np.ndarray, low: int, high: int) -> dict[int, int]:
    """Return how often each of low, ..., high came up; others fail."""
    cells, counts = np.unique(values, return_counts=True)
    assert set(cells.tolist()) <= set(range(low, high + 1))
    return dict(zip(cells.tolist(), counts.tolist(), strict=True))


def even(low: int, high: int) -> dict[int, float]:
    """Return the uniform law on low, ..., high."""
    return dict.fromkeys(range(low, high + 1), 1 / (high + 1 - low))


MIXTURES = {
    "normal": [(1.0, "normal", 0.7, 0.3)],
    "uniform below zero": [(1.0, "uniform", -1.3, 0.0)],
    "both": [(0.55, "normal", -1.0, 0.5), (0.15, "uniform", 2.0, 0.0), (0.3, "normal", 1.5, 0.05)],
    "rare": [
        (0.002, "normal", 9.0, 0.1),
        (0.5, "uniform", -0.4, 0.0),
        (0.001, "uniform", 4.0, 0.0),
        (0.2, "normal", 0.0, 1.0),
        (0.297, "uniform", 0.6, 0.0),
    ],
}


def mixture_cdf(components: list[tuple[float, str, float, float]], x: np.ndarray) -> np.ndarray:
    """Return the distribution function of a mixture."""
    laws = [
        stats.norm(mean, deviation) if kind == "normal" else stats.uniform(min(mean, 0), abs(mean))
        for _, kind, mean, deviation in components
    ]
    total = sum(weight * law.cdf(x) for (weight, *_), law in zip(components, laws, strict=True))
    return np.asarray(total)


class TestMixture:
    @pytest.mark.parametrize("name", MIXTURES)
    def test_values_given_the_parameters(self, key: jax.Array, name: str) -> None:
        components = MIXTURES[name]
        values = simulate(key, process(10_000, components, spare=2), 50)
        assert_ks(values, lambda x: mixture_cdf(components, x), what=name)

    def test_a_slightly_wrong_parameter_bites(self, key: jax.Array) -> None:
        values = simulate(key, process(10_000, MIXTURES["both"]), 50)
        wrong = [*MIXTURES["both"][:2], (0.3, "normal", 1.51, 0.05)]
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(values, lambda x: mixture_cdf(wrong, x))

    def test_rare_components_are_drawn_in_proportion(self, key: jax.Array) -> None:
        values = simulate(key, process(10_000, MIXTURES["rare"]), 50)
        rare, between = np.sum(values > 7), np.sum((values > 1.5) & (values < 4))
        edges = mixture_cdf(MIXTURES["rare"], np.array([1.5, 4.0, 7.0]))
        law = [1 - edges[2], edges[1] - edges[0], edges[2] - edges[1] + edges[0]]
        assert_counts_match([rare, between, values.size - rare - between], law)

    def test_values_are_independent_in_time(self, key: jax.Array) -> None:
        uniforms = stats.norm.cdf(simulate(key, process(), 3))
        cells = np.minimum(np.floor(uniforms * 8), 7).astype(int)
        flat = np.bincount(cells[0] * 64 + cells[1] * 8 + cells[2], minlength=512)
        assert_counts_match(flat, np.full(512, 1 / 512))

    @pytest.mark.parametrize("spare", [0, 1, 4])
    @pytest.mark.parametrize("name", MIXTURES)
    def test_the_outermost_words_are_finite(self, name: str, spare: int) -> None:
        """A single word of 2**32 that gives NaN would spoil one series in a million."""
        edge, *fields = process(1, MIXTURES[name], spare=spare)._shares()
        first, last = np.uint32(0), np.uint32(2**32 - 1)
        innovation = jax.jit(_innovation)
        for bits in [first, last, last - 1, *edge[0], *(edge[0] - np.uint32(1))]:
            value = innovation(jnp.full(1, bits), edge.T, *(field.T for field in fields))
            assert np.all(np.abs(value) < 20)

    def test_parameters(self, key: jax.Array) -> None:
        drawn = parameters(key, Mixture(min_components=2, uniform_probability=0.3))
        number = drawn.num_components
        assert_counts_match(count(number, 2, 5), even(2, 5), what="number of components")
        used = np.arange(5) < number[:, None]
        normal = used & ~drawn.is_uniform
        kinds = count(drawn.is_uniform[used].astype(int), 0, 1)
        assert_counts_match(kinds, {0: 0.7, 1: 0.3}, what="uniform components")
        assert_ks(drawn.means[used], stats.norm.cdf, what="means")
        assert_ks(drawn.deviations[normal], stats.uniform.cdf, what="deviations")
        for field in (drawn.weights, drawn.means, drawn.deviations, drawn.is_uniform):
            assert not np.any(field[~used])
        assert not np.any(drawn.deviations[drawn.is_uniform])

    def test_weights_are_normalised_uniforms(self, key: jax.Array) -> None:
        weights = parameters(key, Mixture(min_components=2, max_components=2)).weights
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
        # u / (u + v) of two uniforms: the ratio v / u is symmetric about 1 with density 1/2 below
        share = weights[:, 0].astype(np.float64)
        cdf = lambda s: np.where(s < 0.5, s / (1 - s) / 2, 1 - (1 - s) / s / 2)
        assert_ks(share, cdf)

    def test_shares_of_uniform_components(self, key: jax.Array) -> None:
        for probability in (0.0, 1.0):
            drawn = parameters(key, Mixture(uniform_probability=probability), 1000)
            used = np.arange(5) < drawn.num_components[:, None]
            assert np.all(drawn.is_uniform[used] == bool(probability))


def reflections(ar: np.ndarray) -> np.ndarray:
    """Return the partial autocorrelations of autoregressions `(lags, models)` in float64."""
    ar, out = ar.astype(np.float64), []
    for order in range(len(ar), 0, -1):
        last = ar[order - 1]
        out.append(last)
        with np.errstate(divide="ignore", invalid="ignore"):
            ar = (ar[: order - 1] + last * ar[: order - 1][::-1]) / (1 - last * last)
    return np.stack(out[::-1])


def is_stationary(ar: np.ndarray) -> np.ndarray:
    """Return whether autoregressions `(lags, models)` are stationary."""
    return np.all(np.abs(reflections(ar)) < 1, axis=0)


def fixed_order(order: int, rule: str = "stationary") -> ARMA:
    """Return a law of autoregressions of one order."""
    return ARMA(max_ar_order=order, min_ar_order=order, max_ma_order=1, rule=rule)  # type: ignore


class TestStationaryRule:
    @pytest.mark.parametrize("order", [1, 2, 3, 5])
    def test_all_draws_are_stationary(self, key: jax.Array, order: int) -> None:
        ar = parameters(key, fixed_order(order)).ar
        assert np.all(is_stationary(ar.T))
        for phi in ar[:500].astype(np.float64):
            roots = np.roots([1, *-phi])
            assert np.all(np.abs(roots) < 1)

    def test_order_two_is_uniform_in_the_triangle(self, key: jax.Array) -> None:
        assert_counts_match(*self.triangle(parameters(key, fixed_order(2)).ar))

    def test_uniform_reflections_bite(self, key: jax.Array) -> None:
        r1, r2 = np.random.default_rng(3).uniform(-1, 1, (2, NUM_CHANNELS))
        with pytest.raises(AssertionError, match="do not follow the law"):
            assert_counts_match(*self.triangle(np.stack([r1 * (1 - r2), r2], axis=1)))

    def triangle(self, ar: np.ndarray, parts: int = 12) -> tuple[np.ndarray, np.ndarray]:
        """Count draws in 144 triangles of equal area."""
        phi1, phi2 = ar.T.astype(np.float64)
        # barycentric in the triangle (-2, -1), (2, -1), (0, 1)
        top = (1 + phi2) / 2
        right = (phi1 + 2 * (1 - top)) / 4
        cells = np.floor(parts * np.stack([top, right, 1 - top - right])).astype(int)
        # the three floors add to parts - 1 or parts - 2: upright or turned
        turned = parts - 1 - cells.sum(0)
        assert np.all((turned == 0) | (turned == 1))
        assert cells.min() >= 0
        flat = np.bincount((cells[0] * parts + cells[1]) * 2 + turned, minlength=2 * parts**2)
        possible = [
            top + right <= parts - 1 - turned
            for top, right, turned in product(range(parts), range(parts), range(2))
        ]
        assert sum(possible) == parts**2
        return flat, np.array(possible) / parts**2

    def test_order_three_is_uniform(self, key: jax.Array) -> None:
        """Against rejection from a box, which knows nothing of reflections' laws."""
        ours = parameters(key, fixed_order(3)).ar.T
        box = np.random.default_rng(5).uniform(-1, 1, (3, 1_500_000)) * np.array([[3], [3], [1]])
        theirs = box[:, is_stationary(box)]
        edges = [np.linspace(-3, 3, 13), np.linspace(-3, 3, 13), np.linspace(-1, 1, 7)]
        counts = [np.histogramdd(phi.T, edges)[0] for phi in (ours, theirs)]
        assert_same_law(*counts)

    def test_order_three_reflections(self, key: jax.Array) -> None:
        drawn = reflections(parameters(key, fixed_order(3)).ar.T)
        for r, (a, b) in zip(drawn, [(1, 1), (1, 2), (2, 2)], strict=True):
            assert_ks((1 + r) / 2, stats.beta(a, b).cdf)

    def test_orders_and_moving_average(self, key: jax.Array) -> None:
        drawn = parameters(key, ARMA(min_ma_order=2))
        assert_counts_match(count(drawn.ar_order, 1, 3), even(1, 3), what="p")
        assert_counts_match(count(drawn.ma_order, 2, 5), even(2, 5), what="q")
        used = np.arange(5) < drawn.ma_order[:, None]
        assert_ks(drawn.ma[used], stats.uniform(-1, 2).cdf, what="theta")
        assert not np.any(drawn.ma[~used])
        assert not np.any(drawn.ar[np.arange(3) >= drawn.ar_order[:, None]])
        assert np.all(drawn.deviations == 1)
        assert not np.any(drawn.means)


class TestPaperRule:
    # order two: the square less one corner, less two; the others by 4e6 draws of the rule
    SHARES: ClassVar = {1: 0.0, 2: 1 / 7, 3: 0.4122, 5: 0.8062}

    @pytest.mark.parametrize("order", SHARES)
    def test_share_that_is_not_stationary(self, key: jax.Array, order: int) -> None:
        ar = parameters(key, fixed_order(order, "paper")).ar
        assert np.all(ar.sum(1) < 1)
        share = self.SHARES[order]
        counts = count(is_stationary(ar.T).astype(int), 0, 1)
        assert_counts_match(counts, {0: share, 1: 1 - share})

    def test_coefficients_are_uniform_below_the_plane(self, key: jax.Array) -> None:
        ar = parameters(key, fixed_order(2, "paper")).ar.astype(np.float64)
        cells = np.floor((ar + 1) * 5).astype(int)
        counts = np.bincount(cells[:, 0] * 10 + cells[:, 1], minlength=100).reshape(10, 10)
        # cells of side 0.2; the plane phi1 + phi2 = 1 halves those with i + j = 14
        i, j = np.indices((10, 10))
        area = np.where(i + j < 14, 1.0, np.where(i + j == 14, 0.5, 0.0))
        assert_counts_match(counts, area / area.sum())
        with pytest.raises(AssertionError):
            assert_counts_match(counts, np.full((10, 10), 0.01))


class TestSimulation:
    LENGTH = 24
    LAGS = 7
    MODELS: ClassVar = {
        "ar1": ((0.9,), ()),
        "ar2": ((1.2, -0.6), ()),
        "ma2": ((), (0.8, -0.5)),
        "arma": ((0.5, 0.3), (-0.7, 0.4, 0.9)),
        "arma3": ((-0.6, 0.2, 0.5), (0.9,)),
        "nearly a unit root": ((0.99,), (0.3,)),
    }

    @pytest.mark.parametrize("name", MODELS)
    def test_autocovariance_from_the_first_step_on(self, key: jax.Array, name: str) -> None:
        """At every time and lag: there is no start-up ramp, and theta is subtracted."""
        phi, theta = self.MODELS[name]
        values = simulate(key, process(ar=phi, ma=theta), self.LENGTH)
        assert self.worst(values, phi, theta) < self.limit()
        exact = self.exact(phi, theta)
        for step in (0, -1):
            assert_ks(values[step] / np.sqrt(exact[0]), stats.norm.cdf, what=f"step {step}")

    def test_wrong_models_bite(self, key: jax.Array) -> None:
        phi, theta = self.MODELS["arma"]
        values = simulate(key, process(ar=phi, ma=theta), self.LENGTH)
        assert self.worst(values, phi, tuple(-t for t in theta)) > self.limit()
        assert self.worst(values, phi[::-1], theta) > self.limit()
        # the same recursion started from zeros
        noise = np.random.default_rng(1).normal(size=(self.LENGTH, NUM_CHANNELS))
        ramp = np.zeros_like(noise)
        for step in range(self.LENGTH):
            ramp[step] = noise[step] + 0.9 * (ramp[step - 1] if step else 0)
        assert self.worst(ramp, (0.9,), ()) > self.limit()

    def limit(self) -> float:
        """Standard errors allowed, so that the worst of all comparisons is at the suite's level."""
        pairs = sum(self.LENGTH - lag for lag in range(self.LAGS))
        return float(stats.norm.isf(LEVEL / 2 / pairs))

    def exact(self, phi: tuple[float, ...], theta: tuple[float, ...]) -> np.ndarray:
        ar, ma = (np.array(c, np.float32).astype(np.float64) for c in (phi, theta))
        return arma_acovf(np.r_[1, -ar], np.r_[1, -ma], self.LAGS)

    def worst(self, values: np.ndarray, phi: tuple[float, ...], theta: tuple[float, ...]) -> float:
        """Return the largest deviation of y_t y_{t+lag} from its mean, in standard errors."""
        gamma = self.exact(phi, theta)
        deviations = [
            (np.mean(values[: self.LENGTH - lag] * values[lag:], axis=1) - gamma[lag])
            / np.sqrt((gamma[0] ** 2 + gamma[lag] ** 2) / values.shape[1])
            for lag in range(self.LAGS)
        ]
        return float(np.max(np.abs(np.concatenate(deviations))))

    def test_what_is_not_stationary_starts_from_zeros(self, key: jax.Array) -> None:
        values = simulate(key, process(50_000, ar=(0.4, 0.7)), 4)
        noise = [values[0], values[1] - 0.4 * values[0]]
        noise += [values[t] - 0.4 * values[t - 1] - 0.7 * values[t - 2] for t in (2, 3)]
        assert_ks(noise, stats.norm.cdf)

    def test_innovations_may_be_a_mixture(self, key: jax.Array) -> None:
        components = MIXTURES["both"]
        values = simulate(key, process(10_000, components, ar=(0.5,)), 50)
        innovations = values[1:] - 0.5 * values[:-1]
        assert_ks(innovations, lambda x: mixture_cdf(components, x))


class TestGiven:
    def test_windows_are_exact_slices(self, key: jax.Array) -> None:
        family, words = Given(SERIES), channels(key, 200)
        window = jax.device_get(family.draw_laws(words, 12))
        cut = np.asarray(family.draw_series(window, words, 12))
        for column, (row, start) in enumerate(zip(window.series_index, window.offset, strict=True)):
            expected = SERIES[int(row), int(start) : int(start) + 12].astype(np.float32)
            np.testing.assert_array_equal(cut[:, column], expected)

    def test_all_windows_are_equally_likely(self, key: jax.Array) -> None:
        window = jax.device_get(eqx.filter_jit(Given(SERIES).draw_laws)(channels(key), 12))
        counts = np.zeros((3, 29))
        np.add.at(counts, (window.series_index, window.offset), 1)
        assert_counts_match(counts, np.full((3, 29), 1 / 87))

    def test_windows_of_ragged_series(self, key: jax.Array) -> None:
        ragged = [SERIES[0, :20], SERIES[1, :5], SERIES[2, :13], SERIES[0, :12]]
        family, words = Given(ragged), channels(key)
        window = jax.device_get(eqx.filter_jit(family.draw_laws)(words, 12))
        counts = np.zeros((4, 9))
        np.add.at(counts, (window.series_index, window.offset), 1)
        law = np.zeros((4, 9))
        law[0], law[2, :2], law[3, 0] = 1 / 12, 1 / 12, 1 / 12
        assert_counts_match(counts, law)
        some = jax.tree.map(lambda leaf: leaf[:50], window)
        cut = np.asarray(family.draw_series(some, words[:50], 12))
        for column in range(50):
            start = some.offset[column]
            expected = ragged[some.series_index[column]][start : start + 12]
            np.testing.assert_array_equal(cut[:, column], expected.astype(np.float32))

    def test_stretched_windows_are_interpolated(self, key: jax.Array) -> None:
        ragged = [SERIES[0], SERIES[1, :14]]
        family, words = Given(ragged, stretch=LogUniform(0.4, 5.0)), channels(key, 2000)
        window = jax.device_get(eqx.filter_jit(family.draw_laws)(words, 12))
        drawn = np.asarray(eqx.filter_jit(family.draw_series)(window, words, 12))
        for column in range(200):
            own = ragged[window.series_index[column]]
            place = window.offset[column] + window.stretch[column] * np.arange(12)
            assert place[-1] <= len(own) - 1 + 1e-4
            expected = np.interp(place, np.arange(len(own)), own)
            np.testing.assert_allclose(drawn[:, column], expected, atol=1e-5)
        # what does not fit is cut: 13 steps for 11 of the short series, 39 of the long one
        longest = [window.stretch[window.series_index == row].max() for row in (0, 1)]
        np.testing.assert_allclose(longest, [39 / 11, 13 / 11], rtol=1e-6)
        wide = np.log(window.stretch[(window.series_index == 0) & (window.stretch < 3)] / 0.4)
        assert_ks(wide, lambda x: np.clip(x / np.log(3 / 0.4), 0, 1))

    def test_more_than_two_to_the_sixteen(self, key: jax.Array) -> None:
        family = Given(np.sin(np.arange(200_000.0)))
        drawn = family.sample(key, 8, 16)
        offsets = np.asarray(drawn.law.offset)
        assert offsets.max() > 2**16
        np.testing.assert_allclose(
            drawn.series, np.sin(offsets[:, None] + np.arange(16.0)), atol=1e-6
        )

    def test_a_window_as_long_as_the_series(self, key: jax.Array) -> None:
        words = channels(key, 4)
        drawn = series(words, Given(SERIES[0]), 40)
        np.testing.assert_array_equal(drawn, np.tile(SERIES[0, :, None], 4).astype(np.float32))

    @pytest.mark.parametrize(
        ("values", "error", "message"),
        [
            (np.ones(50), ValueError, "series 0 is constant"),
            (np.stack([SINE, np.full(300, 2.0)]), ValueError, "series 1 is constant"),
            (np.where(np.arange(300) == 7, np.nan, SINE), ValueError, "finite.* nan at step 7"),
            (np.where(np.arange(300) == 9, np.inf, SINE), ValueError, "finite.* inf at step 9"),
            (np.zeros((2, 3, 4)), ValueError, r"Given\(values"),
            (np.float64(3), ValueError, r"Given\(values"),
            (np.zeros(0), ValueError, r"Given\(values"),
            (np.array(["a", "b"]), TypeError, r"Given\(ndarray\)"),
            ([SINE, np.append(SINE, np.nan)], ValueError, "series 1 has nan at step 300"),
            ([SINE, np.zeros((2, 3))], TypeError, r"Given"),
            (SINE + 1j, TypeError, r"Given\(ndarray\)"),
            (np.arange("2020-01", "2021-01", dtype="datetime64[M]"), TypeError, r"Given"),
            (np.array(["1", "2"]), TypeError, r"Given\(ndarray\)"),
            (1e300 * SINE, ValueError, r"Given\(values with .*e\+2.*float32.*other units"),
        ],
    )
    @pytest.mark.usefixtures("unchecked")
    def test_messages(self, values: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            Given(values)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"lengths": 300}, r"Given\(lengths=300\): must be a list of integers"),
            ({"lengths": [300.5]}, r"Given\(lengths=\[300.5\]\): must be a list of integers"),
            ({"stretch": Constant(0.0)}, r"Given\(stretch=.*draws must be > 0"),
            ({"stretch": Uniform(-1.0, 2.0)}, r"Given\(stretch=.*draws must be > 0"),
        ],
    )
    @pytest.mark.usefixtures("unchecked")
    def test_bad_fields(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises((TypeError, ValueError), match=message):
            Given(SINE, **fields)

    def test_series_too_short_for_the_config(self) -> None:
        with pytest.raises(ValueError, match=r"Config\(length=301.*have 300 steps at most"):
            s2jax.Config(length=301, inputs=Given(SINE))


class TestChoice:
    FAMILIES: ClassVar = [
        Mixture(max_components=9),
        Given(SERIES),
        ARMA(max_ar_order=2, max_ma_order=3, rule="paper"),
        Given(SINE),
    ]
    WEIGHTS: ClassVar = [1.0, 0.5, 2.0, 0.5]

    def test_families_by_weight(self, key: jax.Array) -> None:
        source = parameters(key, Choice(self.FAMILIES, self.WEIGHTS))
        law = {index: weight / 4 for index, weight in enumerate(self.WEIGHTS)}
        assert_counts_match(count(source.family, 0, 3), law)
        equal = parameters(key, Choice(self.FAMILIES))
        assert_counts_match(count(equal.family, 0, 3), even(0, 3))

    def test_weight_zero_is_never_drawn(self, key: jax.Array) -> None:
        source = parameters(key, Choice(self.FAMILIES, [0, 1, 0, 0]), 1000)
        assert np.all(source.family == 1)

    def test_parameters_and_series_are_those_of_the_family(self, key: jax.Array) -> None:
        choice, words = Choice(self.FAMILIES, self.WEIGHTS), channels(key, 64)
        source = eqx.filter_jit(choice.draw_laws)(words, 16)
        drawn = np.asarray(eqx.filter_jit(choice.draw_series)(source, words, 16))
        assert set(np.asarray(source.family).tolist()) == {0, 1, 2, 3}
        for index, family in enumerate(self.FAMILIES):
            mine = np.asarray(source.family) == index
            own = eqx.filter_jit(family.draw_laws)(words, 16)
            if isinstance(family, Given):
                held = source.laws[1 if index == 1 else 2]
                expected = np.asarray(family.draw_series(own, words, 16))
                np.testing.assert_array_equal(drawn[:, mine], expected[:, mine])
            else:
                held = source.process
                # one computation for both families, with the longer memory of the two
                expected = np.asarray(eqx.filter_jit(held.simulate)(words, 16))
                np.testing.assert_allclose(drawn[:, mine], expected[:, mine], rtol=1e-4, atol=1e-4)
            for name in own.__dataclass_fields__:
                one, all_ = (np.asarray(getattr(part, name)) for part in (own, held))
                kept = all_[..., : one.shape[1]] if one.ndim > 1 else all_
                np.testing.assert_allclose(kept[mine], one[mine], rtol=1e-6, atol=1e-7)
                if one.ndim > 1:
                    assert not np.any(all_[mine][:, one.shape[1] :])

    def test_views_by_kind(self, key: jax.Array) -> None:
        source = Choice([Given(SERIES)]).draw_laws(channels(key, 4), 8)
        assert source.window.offset.shape == (4,)
        with pytest.raises(AttributeError, match="LinearProcess"):
            _ = source.process

    @pytest.mark.usefixtures("unchecked")
    @pytest.mark.parametrize(
        ("families", "weights", "error", "message"),
        [
            ([], None, ValueError, r"Choice\(0 families"),
            ([ARMA()], [1.0, 2.0], ValueError, r"1 families, 2 weights"),
            ([ARMA(), Mixture()], [0.0, 0.0], ValueError, r"Choice\(weights"),
            ([ARMA(), Mixture()], [-1.0, 2.0], ValueError, r"Choice\(weights"),
            ([ARMA(), "mixture"], None, TypeError, r"Choice\(families"),
            ([Choice([ARMA()])], None, TypeError, "must not be a choice itself"),
        ],
    )
    def test_messages(
        self, families: Any, weights: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            Choice(families, weights)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("kind", "name", "value", "error"),
    [
        (Mixture, "max_components", 0, ValueError),
        (Mixture, "max_components", 2.5, TypeError),
        (Mixture, "min_components", 6, ValueError),
        (Mixture, "min_components", 1.5, ValueError),
        (Mixture, "uniform_probability", 1.1, ValueError),
        (ARMA, "max_ar_order", 33, ValueError),
        (ARMA, "max_ma_order", "5", TypeError),
        (ARMA, "min_ar_order", 4, ValueError),
        (ARMA, "min_ma_order", -1, ValueError),
        (ARMA, "rule", "stationery", ValueError),
    ],
)
def test_messages_name_the_argument(
    kind: type, name: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=rf"{kind.__name__}\({name}"):
        kind(**{name: value})


def test_a_series_no_longer_than_the_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Config\(length=3\).*max_ar_order=3"):
        s2jax.Config(length=3, inputs=ARMA())


@pytest.mark.parametrize(
    "family",
    [
        ARMA(max_ma_order=0, min_ma_order=0),
        ARMA(max_ar_order=0, min_ar_order=0),
        ARMA(max_ar_order=0, min_ar_order=0, rule="paper"),
        Mixture(max_components=1),
    ],
)
def test_the_smallest_orders_work(key: jax.Array, family: AbstractInput) -> None:
    assert np.all(np.isfinite(series(channels(key, 50), family, 8)))


@every_family
class TestEveryFamily:
    def test_the_batch_does_not_matter(self, key: jax.Array, family: AbstractInput) -> None:
        words = channels(key, 16)
        many, few = series(words, family, 20), series(words[:5], family, 20)
        assert many.shape == (20, 16)
        assert many.dtype == np.float32
        assert np.all(np.isfinite(many))
        assert len(np.unique(many[0])) > 3
        np.testing.assert_allclose(many[:, :5], few, rtol=1e-5, atol=1e-5)

    def test_no_leaf_recompiles(self, key: jax.Array, family: AbstractInput) -> None:
        traces = []

        @jax.jit
        def run(words: jax.Array, family: AbstractInput) -> Any:
            traces.append(family)
            return family.draw_series(family.draw_laws(words, 20), words, 20)

        words = channels(key, 64)
        before = run(words, family)
        leaves, structure = jax.tree.flatten(family)
        for index, leaf in enumerate(leaves):
            if isinstance(leaf, np.ndarray) and leaf.dtype == np.int32:
                other = leaf - 1  # lengths
            else:
                other = leaf + 1 if isinstance(leaf, int) else leaf * 0.7
            after = run(words, structure.unflatten([*leaves[:index], other, *leaves[index + 1 :]]))
            assert np.any(before != after)
        assert len(traces) == 1

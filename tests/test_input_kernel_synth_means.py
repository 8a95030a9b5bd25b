"""Mean functions of Gaussian processes, and the future given the past, beside dense formulae."""

import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.config.options import names_of, show_value, with_options
from s2jax.config.serialize import from_json, to_json
from s2jax.distributions import Choices, LogUniform, Uniform
from s2jax.inputs import (
    Drawn,
    ExponentialMean,
    ExponentialMeanLaw,
    KernelLaw,
    KernelSynth,
    LinearKernel,
    LinearMean,
    LinearMeanLaw,
    PeriodicKernel,
    RBFKernel,
    SpikesMean,
    SpikesMeanLaw,
    WhiteKernel,
    ZeroMean,
)
from s2jax.inputs._kernel_synth import _add_mean
from tests.drawn import check_fields_are_traced
from tests.statistics import assert_counts_match, assert_ks

LENGTH, ROWS, START = 48, 512, 36
MEANS = (
    ZeroMean(), LinearMean(), ExponentialMean(), SpikesMean(LogUniform(3, 9), 3, min_spikes=2),
)  # fmt: skip
BANK = (PeriodicKernel(12), LinearKernel(1), WhiteKernel(0.3))
FAMILY = KernelSynth(BANK, max_kernels=2, means=MEANS)


SEED = 11


def draw_laws(family: KernelSynth, number: int) -> KernelLaw:
    words = jax.random.bits(jax.random.key(SEED), (number, 2), jnp.uint32)
    return jax.device_get(jax.jit(lambda words: family.draw_laws(words, LENGTH))(words))


@pytest.fixture(scope="module")
def laws() -> KernelLaw:
    return draw_laws(FAMILY, 40_000)


@pytest.fixture(scope="module")
def drawn(laws: KernelLaw) -> tuple[Drawn, np.ndarray]:
    """Series, and the same ones if all means were 0, by one program for all tests."""
    laws = laws[:ROWS]
    words = jax.random.bits(jax.random.key(SEED), (40_000, 2), jnp.uint32)[:ROWS]
    draw = jax.jit(lambda laws, words: FAMILY.draw_series(laws, words, LENGTH).T)
    silent = eqx.tree_at(lambda laws: laws.deviation, laws, np.zeros(ROWS, np.float32))
    series, without = (jax.device_get(draw(own, words)) for own in (laws, silent))
    return Drawn(series, laws), without


class TestLaw:
    def test_of_the_means_and_their_numbers(self, laws: KernelLaw) -> None:
        assert_counts_match(np.bincount(laws.mean_index), np.full(4, 0.25), what="means")
        _, line, growth, spikes = laws.means
        own = [laws.mean_index == i for i in range(4)]
        uniform = lambda low, high: stats.uniform(low, high - low).cdf
        assert_ks(line.slope[own[1]], uniform(-5, 5), what="slope")
        assert_ks(growth.rise[own[2]], uniform(-5, 5), what="rise")
        assert_ks(growth.rate[own[2]], uniform(-6, 6), what="rate")
        with pytest.raises(AssertionError):
            assert_ks(line.slope[own[1]], uniform(-5, 4.5))
        assert_counts_match(np.bincount(spikes.count[own[3]])[2:], [0.5, 0.5], what="spikes")
        there = np.arange(3) < spikes.count[:, None]
        assert_ks(np.log(spikes.heights[there]), uniform(np.log(3), np.log(9)), what="heights")
        steps = np.bincount(spikes.steps[there], minlength=LENGTH)
        assert_counts_match(steps, np.full(LENGTH, 1 / LENGTH), what="steps")
        for i, law in enumerate(laws.means):  # numbers that a series does not have
            assert not any(leaf[~own[i]].any() for leaf in jax.tree.leaves(law))
        assert not spikes.heights[~there].any()
        assert not spikes.steps[~there].any()

    def test_kernels_are_those_without_means(self, laws: KernelLaw) -> None:
        without = draw_laws(KernelSynth(BANK, max_kernels=2), 40_000)
        for name in ("kernels", "multiplies", "count"):
            np.testing.assert_array_equal(getattr(laws, name), getattr(without, name))
        assert len(jax.tree.leaves(without)) == 3
        assert without.mean_index is None
        assert not without[0].mean(LENGTH).any()

    def test_deviation_is_that_of_the_covariance(self) -> None:
        laws = draw_laws(KernelSynth(means=MEANS[:1]), 40)
        for i in range(40):
            variances = laws[i].covariance(LENGTH).diagonal()
            np.testing.assert_allclose(
                np.asarray(laws.deviation)[i] ** 2, variances.mean(), rtol=1e-5
            )

    def test_text(self, laws: KernelLaw) -> None:
        texts = set()
        for i in range(60):
            law, index = laws[i], np.asarray(laws.mean_index)[i]
            kernels = KernelLaw(*jax.tree.map(jnp.asarray, jax.tree.leaves(law)[:3]), bank=BANK)
            name = law.mean_name()
            lead = f"{name} + " if name else ""
            assert name == ("", "LinearMean", "ExponentialMean", "SpikesMean")[index]
            assert law.text() == lead + kernels.text()
            assert law.canonical() == lead + kernels.canonical()
            assert law.tokens() == [name, "+"] * bool(name) + kernels.tokens()
            texts.add(law.text())
        assert {"Per(12)", "LinearMean + Per(12)"} < texts
        with pytest.raises(ValueError, match="Index it"):
            laws.mean(LENGTH)


class TestValues:
    def test_lines(self) -> None:
        values = LinearMeanLaw(jnp.float32(-3.5)).values(33)
        np.testing.assert_allclose(values, -3.5 * np.linspace(0, 1, 33), rtol=1e-6)

    @pytest.mark.parametrize("rate", [-100.0, -3.0, -1e-3, -1e-5, 0.0, 1e-5, 1e-3, 2.0, 80.0])
    def test_growth(self, rate: float) -> None:
        time = np.linspace(0, 1, 65)
        exact = 2 * (np.expm1(rate * time) / np.expm1(rate) if rate else time)
        law = ExponentialMeanLaw(jnp.float32(2), jnp.float32(rate))
        np.testing.assert_allclose(law.values(65), exact, rtol=0, atol=3e-6)

    def test_spikes_at_one_step_add_up(self) -> None:
        law = SpikesMeanLaw(jnp.int32(3), jnp.array([5, 0, 5, 0]), jnp.array([1.0, 2.0, 0.5, 0.0]))
        exact = np.zeros(8)
        exact[[0, 5]] = 2.0, 1.5
        np.testing.assert_array_equal(law.values(8), exact)


class TestSeries:
    def test_are_those_without_means_and_the_mean(self, drawn: tuple[Drawn, np.ndarray]) -> None:
        (series, laws), without = drawn
        for i in range(100):
            mean = laws[i].mean(LENGTH)
            scale = np.abs(mean).max() + np.abs(without[i]).max()
            exact = np.asarray(without[i], np.float64) + mean
            np.testing.assert_allclose(series[i], exact, rtol=0, atol=1e-6 * scale)

    def test_of_another_batch_are_the_same(self, drawn: tuple[Drawn, np.ndarray]) -> None:
        (_, laws), without = drawn
        add = jax.jit(lambda series, laws: _add_mean(series.T, laws))
        many = add(without, laws)
        np.testing.assert_array_equal(add(without[:3], laws[:3]), many[:, :3])

    def test_have_the_mean_and_covariance_of_their_law(
        self, drawn: tuple[Drawn, np.ndarray]
    ) -> None:
        series, laws = drawn[0]
        white, wrong = [], []
        for i in find_noisy(laws):
            law = laws[i]
            root = np.linalg.cholesky(law.covariance(LENGTH))
            white.append(np.linalg.solve(root, series[i] - law.mean(LENGTH)))
            wrong.append(np.linalg.solve(root, series[i] - 0.7 * law.mean(LENGTH)))
        assert_ks(np.array(white), stats.norm.cdf, what="whitened series")
        with pytest.raises(AssertionError):
            assert_ks(np.array(wrong), stats.norm.cdf)

    def test_numbers_of_means_are_traced(self) -> None:
        other = (MEANS[0], LinearMean(Uniform(-1.0, 1.0)), *MEANS[2:])
        check_fields_are_traced(FAMILY, KernelSynth(BANK, max_kernels=2, means=other))
        fewer = KernelSynth(BANK, max_kernels=2, means=MEANS[:3])
        assert jax.tree.structure(FAMILY) != jax.tree.structure(fewer)

    def test_json_round_trip(self) -> None:
        config = s2jax.Config(length=32, inputs=FAMILY, target=s2jax.Identity())
        assert from_json(to_json(config)) == config

    def test_as_options(self) -> None:
        chosen: Any = {"inputs": "KernelSynth", "inputs.means": "ZeroMean, linearmean"}
        config = with_options(s2jax.Config(), chosen, {"inputs.means.1.slope.high": "2"})
        mean: Any = config.inputs
        assert mean.means == (ZeroMean(), LinearMean(Uniform(-5.0, 2.0)))
        config = with_options(config, {"inputs.means": "none"})
        assert config.inputs == KernelSynth()
        assert show_value(names_of(config)["inputs.means"]) == "none"
        with pytest.raises(ValueError, match="Did you mean 'LinearMean'"):
            with_options(config, {"inputs.means": "LinearMaen"})


def find_noisy(laws: KernelLaw) -> list[int]:
    """Series whose white noise is a term of its own, so that no covariance is degenerate."""
    words = [laws[i].canonical().split(" + ") for i in range(len(laws.count))]
    return [i for i in range(len(words)) if {"0.3*WN(1)", "0.6*WN(1)"} & set(words[i])]


def law_of(kernels: list[Any], multiplies: list[bool], slope: float) -> KernelLaw:
    """Of given kernels, with a line as its mean."""
    return KernelLaw(
        jnp.arange(len(kernels)), jnp.array(multiplies), jnp.int32(len(kernels)), tuple(kernels),
        jnp.int32(0), (LinearMeanLaw(jnp.float32(slope)),), jnp.float32(1), ("LinearMean",),
    )  # fmt: skip


class TestPredict:
    def test_is_that_of_scikit_learn(self, peer: Callable[[str], Any], seed: int) -> None:
        kernels = peer("sklearn.gaussian_process.kernels")
        regressor = peer("sklearn.gaussian_process").GaussianProcessRegressor
        time = np.linspace(0, 1, LENGTH)[:, None]
        periodic = kernels.ExpSineSquared(1.0, 12 / LENGTH)
        cases = [
            (law_of([PeriodicKernel(12), LinearKernel(1), WhiteKernel(0.1)], [True, False], 3),
             periodic * kernels.DotProduct(1.0) + kernels.WhiteKernel(0.1), 1e-3),
            (law_of([PeriodicKernel(12), RBFKernel(0.2)], [False], -1),
             periodic + kernels.RBF(0.2), 1e-6),
        ]  # fmt: skip
        past = np.random.default_rng(seed).standard_normal(START)
        for law, kernel, jitter in cases:
            kernel = kernel + kernels.WhiteKernel(jitter * kernel(time).diagonal().max())
            fitted = regressor(kernel, alpha=0, optimizer=None)
            fitted.fit(time[:START], past - law.mean(LENGTH)[:START])
            mean, covariance = fitted.predict(time[START:], return_cov=True)
            mine = law.predict(past, LENGTH, jitter=jitter)
            largest = np.abs(mean).max() + 1
            exact = mean + law.mean(LENGTH)[START:]
            np.testing.assert_allclose(mine[0], exact, rtol=0, atol=1e-8 * largest)
            np.testing.assert_allclose(mine[1], covariance, rtol=0, atol=1e-8)

    def test_is_calibrated(self, drawn: tuple[Drawn, np.ndarray]) -> None:
        series, laws = drawn[0]
        noisy = find_noisy(laws)
        scores, wrong, single = [], [], []
        for i, other in itertools.pairwise(noisy):
            past, future = np.split(series[i], [START])
            mean, covariance = laws[i].predict(past, LENGTH)
            root = np.linalg.cholesky(covariance)
            scores.append(np.linalg.solve(root, future - mean))
            single.append((future[-1] - mean[-1]) / np.sqrt(covariance[-1, -1]))
            # the future of another series is none of this one
            wrong.append(np.linalg.solve(root, series[other][START:] - mean))
        assert_ks(np.array(scores), stats.norm.cdf, what="whitened errors")
        assert_ks(np.array(single), stats.norm.cdf, what="errors of the last step")
        with pytest.raises(AssertionError):
            assert_ks(np.array(wrong), stats.norm.cdf)

    def test_of_series_without_noise(self, drawn: tuple[Drawn, np.ndarray]) -> None:
        series, laws = drawn[0]
        """Nearly degenerate: the jitter keeps it solvable, and what follows is what it says."""
        noisy = [i for i in range(120) if "WN" not in laws[i].text()]
        errors = []
        for i in noisy:
            mean, covariance = laws[i].predict(series[i, :START], LENGTH)
            errors.append((series[i, START:] - mean) / np.sqrt(covariance.diagonal()))
        assert len(noisy) > 30
        assert np.sqrt(np.mean(np.square(errors))) < 1.2

    def test_errors(self, unchecked: None) -> None:
        law = law_of([LinearKernel(0)], [], 1)
        past = np.zeros(START)
        for wrong in (past[:0], np.zeros(LENGTH), np.zeros((2, 4))):
            with pytest.raises(ValueError, match=r"past must be the first 1 to length - 1"):
                law.predict(wrong, LENGTH)
        with pytest.raises(ValueError, match="must be finite"):
            law.predict(past + np.nan, LENGTH)
        with pytest.raises(TypeError, match="past"):
            law.predict("abc", LENGTH)
        with pytest.raises(ValueError, match="jitter=2"):
            law.predict(past, LENGTH, jitter=2)
        with pytest.raises(ValueError, match="jitter=0.*singular"):
            law.predict(past, LENGTH, jitter=0)
        with pytest.raises(TypeError, match="length"):
            law.predict(past, 48.5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: KernelSynth(means=LinearMean()), TypeError, "a list of mean functions"),
        (lambda: KernelSynth(means=[RBFKernel(1)]), TypeError, r"means\[0\]=RBF.*this is a kernel"),
        (lambda: KernelSynth(means=[ZeroMean]), TypeError, r"not its class. Call it: ZeroMean\(\)"),
        (lambda: LinearMean(3.0), TypeError, "slope"),
        (lambda: LinearMean(Choices([1, 2e6])), ValueError, "slope.*deviations of the process"),
        (lambda: ExponentialMean(rise=Uniform(-2e6, 0)), ValueError, "rise"),
        (lambda: ExponentialMean(rate=Uniform(0, 101)), ValueError, "rate.*between -100 and 100"),
        (lambda: SpikesMean(max_spikes=65), ValueError, "max_spikes"),
        (lambda: SpikesMean(max_spikes=2, min_spikes=3), ValueError, "min_spikes"),
        (lambda: SpikesMean(heights=5), TypeError, "heights"),
    ],
)
def test_bad_input(
    make: Callable[[], Any], error: type[Exception], message: str, unchecked: None
) -> None:
    with pytest.raises(error, match=message):
        make()

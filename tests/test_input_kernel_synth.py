"""Gaussian processes with random kernels, beside dense covariances in float64."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.inputs import (
    ConstantKernel,
    Draws,
    KernelLaw,
    KernelSynth,
    LinearKernel,
    LinearMean,
    MaternKernel,
    PeriodicKernel,
    RationalQuadraticKernel,
    RBFKernel,
    SpikesMean,
    WhiteKernel,
)
from s2jax.inputs import _kernel_synth as drawing
from s2jax.inputs._kernel_products import expand
from s2jax.inputs._kernel_tables import tables_of
from s2jax.inputs._spectra import Spectra
from s2jax.inputs._spectral_lines import grid_size, num_cells, spread, transform
from s2jax.inputs.choice import as_choice
from s2jax.inputs.kernels import PUBLISHED
from tests.statistics import assert_counts_match, assert_ks

LENGTH, ROWS = 100, 256
CHUNK = 256  # lines whose series are computed at a time
MOST_LINES = 1500  # of the expressions that are checked
RARE = (
    PeriodicKernel(7), PeriodicKernel(12, 0.5), LinearKernel(1), RBFKernel(0.2),
    MaternKernel(0.5, 0.3), MaternKernel(1.5), MaternKernel(2.5, 0.5), WhiteKernel(0.3),
    ConstantKernel(2),
)  # fmt: skip
ALL = (*PUBLISHED, *RARE)


def test_texts_have_all_digits() -> None:
    bank = [PeriodicKernel(24.0), PeriodicKernel(24.1234567), PeriodicKernel(999999.5)]
    assert [kernel.text() for kernel in bank] == ["Per(24)", "Per(24.1234567)", "Per(999999.5)"]


def law_of(expression: str, bank: tuple[Any, ...] = ALL, size: int = 5) -> KernelLaw:
    """The law of kernels and operators in order, without parentheses: `Per(24) + C(2) * Lin(1)`."""
    words = re.split(" ([+*]) ", expression)
    texts = [kernel.text() for kernel in bank]
    kernels = [texts.index(word) for word in words[::2]]
    spare = size - len(kernels)
    return KernelLaw(
        kernels=jnp.array(kernels + [-1] * spare, jnp.int32),
        multiplies=jnp.array([word == "*" for word in words[1::2]] + [False] * spare, bool),
        count=jnp.int32(len(kernels)),
        bank=bank,
    )


def stack(laws: list[KernelLaw]) -> KernelLaw:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *laws)


class Drawn:
    """The covariance that is drawn from: of all lines through the transform, one after another."""

    def __init__(self, bank: tuple[Any, ...], max_kernels: int, length: int) -> None:
        tables = tables_of(bank, max_kernels, length)
        powers = max_kernels + 1
        self.length = length

        @jax.jit
        def read(law: KernelLaw) -> Any:
            products = expand(law, tables, length)
            row, power = jnp.zeros(powers, jnp.int32), jnp.arange(powers, dtype=jnp.int32)
            words, is_real = jnp.zeros((1, 2), jnp.uint32), jnp.ones(powers, bool)
            return products, drawing._list_jobs(products, words, row, power, is_real, tables)

        @jax.jit
        def series(jobs: Any, first: jax.Array) -> Any:
            blocks = first + jnp.arange(CHUNK // drawing._LINES, dtype=jnp.int32)
            lines = drawing._read_lines(jobs, blocks, tables)
            own = jnp.arange(CHUNK, dtype=jnp.int32)
            cells = jnp.zeros(CHUNK * num_cells(length), jnp.complex64)
            none = jnp.zeros_like(lines.amplitude)
            parts = [(lines.amplitude, none), (none, lines.amplitude)]
            drawn = [transform(spread(cells, own, lines.turns, z, length), length) for z in parts]
            return lines.job // max_kernels, drawn

        self._read, self._series = read, series

    def covariance(self, law: KernelLaw) -> np.ndarray | None:
        """In float64; None if there are too many lines to be checked one by one."""
        products, jobs = self._read(jax.tree.map(lambda leaf: leaf[None], law))
        if int(jobs.num_lines.sum()) > MOST_LINES:
            return None
        time = np.linspace(0, 1, self.length)
        total = np.zeros((self.length, self.length))
        for first in range(0, int(jobs.last_block[-1]), CHUNK // drawing._LINES):
            power, drawn = self._series(jobs, jnp.int32(first))
            for part in drawn:
                part = np.asarray(part, np.float64) * time ** np.asarray(power)[:, None]
                total += part.T @ part
        for k, (level, white) in enumerate(zip(products.level[0], products.white[0], strict=True)):
            total += float(level) * np.outer(time, time) ** k
            total += float(white) * np.diag(time ** (2 * k))
        return total


def assert_close(covariance: np.ndarray, exact: np.ndarray) -> None:
    error = np.abs(covariance - exact).max() / np.abs(exact).max()
    assert error <= 1e-5, error


def draw_laws(family: KernelSynth, seed: int, number: int, length: int = LENGTH) -> KernelLaw:
    words = jax.random.bits(jax.random.key(seed), (number, 2), jnp.uint32)
    return jax.jit(lambda words: family.draw_laws(words, length))(words)


class TestCovariance:
    @pytest.mark.parametrize(
        "bank, max_kernels, length, number", [(PUBLISHED, 5, 100, 110), (RARE, 2, 65, 40)],
        ids=["published", "rare"],
    )  # fmt: skip
    def test_of_random_expressions(
        self, bank: tuple[Any, ...], max_kernels: int, length: int, number: int
    ) -> None:
        laws = draw_laws(KernelSynth(bank, max_kernels), 5, number, length)
        drawn, checked = Drawn(bank, max_kernels, length), 0
        for i in range(number):
            covariance = drawn.covariance(laws[i])
            if covariance is not None:
                assert_close(covariance, laws[i].covariance(length))
                checked += 1
        assert checked >= 0.9 * number
        covariance = drawn.covariance(law_of("Per(7)", bank, max_kernels))
        nearly = law_of("Per(7.001)", (PeriodicKernel(7.001),))
        assert covariance is not None
        with pytest.raises(AssertionError):
            assert_close(covariance, nearly.covariance(length))

    def test_is_that_of_the_published_kernels(self, peer: Callable[[str], Any]) -> None:
        sklearn = peer("sklearn.gaussian_process.kernels")
        length = 50
        others = [
            sklearn.ExpSineSquared(periodicity=7 / length), sklearn.DotProduct(10.0),
            sklearn.RBF(0.1), sklearn.RationalQuadratic(alpha=0.1), sklearn.WhiteKernel(0.1),
            sklearn.ConstantKernel(2.0), sklearn.ExpSineSquared(0.5, 12 / length),
            sklearn.Matern(0.3, nu=0.5), sklearn.Matern(1.0, nu=1.5), sklearn.Matern(0.5, nu=2.5),
        ]  # fmt: skip
        ours = [
            "Per(7)", "Lin(10)", "RBF(0.1)", "RQ(0.1)", "WN(0.1)", "C(2)", "Per(12, 0.5)",
            "Mat(0.5, 0.3)", "Mat(1.5)", "Mat(2.5, 0.5)",
        ]  # fmt: skip
        time = np.linspace(0, 1, length)[:, None]
        for text, other in zip(ours, others, strict=True):
            np.testing.assert_allclose(law_of(text).covariance(length), other(time), atol=1e-12)
        theirs = (others[0] + others[1]) * others[2]
        mine = law_of("Per(7) + Lin(10) * RBF(0.1)").covariance(length)
        np.testing.assert_allclose(mine, theirs(time), atol=1e-12)

    def test_the_published_bank(self, peer: Callable[[str], Any]) -> None:
        module = peer("s2generator.excitation.kernel_synth")
        theirs = [
            *module.get_exp_sine_squared(64), *module.get_dot_product(), *module.get_rbf(),
            *module.get_rational_quadratic(), *module.get_white_kernel()[:2],
            *module.get_constant_kernel(),
        ]  # fmt: skip
        time = np.linspace(0, 1, 64)
        assert len(theirs) == len(PUBLISHED)
        for kernel, other in zip(PUBLISHED, theirs, strict=True):
            mine = kernel.covariance(time[:, None], time, 64)
            np.testing.assert_allclose(mine, other(time[:, None]), atol=1e-12)


def test_spectra_are_those_of_their_kernels() -> None:
    kernels = (
        RBFKernel(0.02), RBFKernel(0.1), RBFKernel(10), RationalQuadraticKernel(0.1),
        RationalQuadraticKernel(0.1, 0.3), RationalQuadraticKernel(1000, 0.3),
        MaternKernel(1.5, 0.05), MaternKernel(2.5, 10), MaternKernel(0.5, 10),
    )  # fmt: skip
    products = [(i,) for i in range(9)] + [(1, 1, 3, 5, 5), (2, 3, 4), (3, 6), (3, 7), (1, 8, 8)]
    for length in (64, 257):
        spectra = Spectra(kernels, length)
        lag = np.arange(length) / (length - 1)
        for factors in products:
            lines = spectra.of(factors).lines
            exact = np.prod([kernels[i].correlation(lag) for i in factors], axis=0)
            assert (lines.weight > 0).all()
            assert np.abs(lines.correlation(lag) - exact).max() < 1e-6, factors


def test_sizes_of_grids_have_small_factors() -> None:
    for length in (4, 64, 100, 997, 1024, 2**15 - 1):
        size = grid_size(length)
        assert 2 * length <= size <= 2.3 * length + 32
        assert size % 2 == 0
        for factor in (2, 3, 5):
            while size % factor == 0:
                size //= factor
        assert size == 1


EXPRESSIONS = (
    "Per(30)", "RBF(0.1)", "Per(4) * RQ(0.1) * Lin(1)", "Per(30) + Lin(10) + WN(1) * Lin(1)",
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """Many series of a few expressions by one program, `(expressions, rows, time)`.

    One of them is drawn alone as well, with the same bits.
    """
    laws = stack([law_of(text, PUBLISHED) for text in EXPRESSIONS] * (ROWS // 4))
    family = KernelSynth()
    draw = jax.jit(lambda laws, words: family.draw_series(laws, words, LENGTH))
    one = jax.jit(lambda law, words: family.series(law, Draws(words, "series"), LENGTH))
    batches = []
    for seed in range(16):
        words = jax.random.bits(jax.random.key(seed), (ROWS, 2), jnp.uint32)
        batches.append(np.asarray(draw(laws, words)))
    np.testing.assert_array_equal(one(laws[7], words[7]), batches[-1][:, 7])
    assert batches[0].shape == (LENGTH, ROWS)
    assert batches[0].dtype == np.float32
    values = np.concatenate(batches, axis=1).T.astype(np.float64)
    return values.reshape(-1, 4, LENGTH).transpose(1, 0, 2)


class TestSeries:
    def whiten(self, series: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Independent standard normals, if the covariance is right, in mixed directions."""
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 1e-4 * values[-1]
        mixing = stats.ortho_group(int(kept.sum())).rvs(random_state=1) if kept.sum() > 1 else 1
        return series @ vectors[:, kept] / np.sqrt(values[kept]) @ mixing

    def test_have_the_covariance_of_their_expression(self, drawn: np.ndarray) -> None:
        for text, series in zip(EXPRESSIONS, drawn, strict=True):
            covariance = law_of(text).covariance(LENGTH)
            white = self.whiten(series, covariance)
            assert_ks(white, stats.norm.cdf, what=text)
            # sum of squared deviations from the identity, in units of its mean
            size, number = white.shape[1], white.shape[0]
            off = (white.T @ white / number - np.eye(size)) ** 2
            assert 0.9 < off.sum() * number / (size * (size + 1)) < 1.1 + 3 / size, text

    def test_a_wrong_covariance_bites(self, drawn: np.ndarray) -> None:
        wrong = law_of("Per(26)").covariance(LENGTH)
        with pytest.raises(AssertionError):
            assert_ks(self.whiten(drawn[0], wrong), stats.norm.cdf)
        wrong = 1.2 * law_of(EXPRESSIONS[3]).covariance(LENGTH)
        with pytest.raises(AssertionError):
            assert_ks(self.whiten(drawn[3], wrong), stats.norm.cdf)


class TestLaw:
    def test_kernels_operators_and_counts(self, seed: int) -> None:
        laws = jax.device_get(draw_laws(KernelSynth(min_kernels=2), seed, 20_000))
        place = np.arange(5)
        there = place < laws.count[:, None]
        assert (laws.kernels[~there] == -1).all()
        assert not laws.multiplies[~there[:, 1:]].any()
        counts = np.bincount(laws.kernels[there], minlength=33)
        assert_counts_match(counts, np.full(33, 1 / 33), what="kernels")
        assert_counts_match(np.bincount(laws.count, minlength=6)[2:], np.full(4, 0.25))
        assert_counts_match(
            np.bincount(laws.multiplies[there[:, 1:]].astype(int)), [0.5, 0.5], what="operators"
        )

    def test_text(self) -> None:
        law = law_of("Per(30) + Lin(10) + WN(1) * Lin(1)")
        assert law.text() == "(Per(30) + Lin(10) + WN(1))*Lin(1)"
        assert law.tokens()[:3] == ["(", "Per(30)", "+"]
        assert law_of("Per(30) * C(2) * Lin(1)").text() == "Per(30)*C(2)*Lin(1)"
        nested = law_of("C(1) + C(2) * Lin(1) + Per(7) * Per(24)")
        assert nested.text() == "((C(1) + C(2))*Lin(1) + Per(7))*Per(24)"
        assert stack([law, nested])[1].text() == nested.text()
        with pytest.raises(ValueError, match="Index it"):
            stack([law, nested]).text()

    def test_canonical_form(self) -> None:
        same = [
            ("Per(7) + Lin(1) * Per(24)", "Lin(1) + Per(7) * Per(24)"),
            ("Per(7) * C(2) + Lin(1)", "Lin(1) + Per(7) + Per(7)"),
            ("WN(0.3) * Per(7) * Lin(1)", "Lin(1) * WN(0.3)"),
        ]
        for one, other in same:
            assert law_of(one).canonical() == law_of(other).canonical()
            covariances = [law_of(text).covariance(20) for text in (one, other)]
            np.testing.assert_allclose(*covariances, rtol=1e-12)
        assert law_of("Per(7) + Lin(1) * Per(24)").canonical() == "Lin(1)*Per(24) + Per(24)*Per(7)"
        assert law_of("C(1) + C(2)").canonical() == "3"
        assert law_of("Per(7)").canonical() != law_of("Per(24)").canonical()

    def test_the_least_number_is_traced(self) -> None:
        one, two = jax.tree.structure(KernelSynth()), jax.tree.structure(KernelSynth(min_kernels=3))
        assert one == two
        assert one != jax.tree.structure(KernelSynth(max_kernels=4))


def test_rows_of_a_configuration() -> None:
    bank = (PeriodicKernel(12), LinearKernel(1), WhiteKernel(1))
    family = KernelSynth(bank, max_kernels=1, means=[LinearMean(), SpikesMean(max_spikes=2)])
    config = s2jax.Config(length=32, inputs=family, target=s2jax.Identity())
    assert from_json(to_json(config)) == config
    batch = s2jax.sample(jax.random.key(0), config, 16)
    assert not np.asarray(batch.status).any()
    law = batch.x_source.law_of(KernelLaw)
    assert law.multiplies.shape == (16, 1, 0)
    mean, kernel = law[3, 0].text().split(" + ")
    assert mean in ("LinearMean", "SpikesMean")
    assert kernel in ("Per(12)", "Lin(1)", "WN(1)")
    assert law.means[1].steps.shape == (16, 1, 2)
    columns = as_choice(family).columns(1, 32).columns
    names = ("mean_index", "means_0_slope", "means_1_steps", "means_1_heights", "deviation")
    assert {f"x_law_kernel_synth_{name}" for name in names} < set(columns)
    assert len(as_choice(KernelSynth()).columns(1, 32).columns) == 4  # of means there are none


class TestErrors:
    @pytest.mark.parametrize(
        "make, error, message",
        [
            (lambda: KernelSynth(()), ValueError, "at least one kernel"),
            (lambda: KernelSynth(["RBF"]), TypeError, r"bank\[0\]='RBF'"),
            (lambda: KernelSynth(RBFKernel(1)), TypeError, "a list of kernels"),
            (lambda: KernelSynth(max_kernels=6), ValueError, "max_kernels"),
            (lambda: KernelSynth(max_kernels=2, min_kernels=3), ValueError, "min_kernels"),
            (lambda: KernelSynth().check_length(3), ValueError, "length=3"),
            (lambda: PeriodicKernel(1), ValueError, "period"),
            (lambda: PeriodicKernel(7, 0.1), ValueError, "length_scale"),
            (lambda: RBFKernel(0), ValueError, "length_scale"),
            (lambda: RationalQuadraticKernel(0.01), ValueError, "alpha"),
            (lambda: MaternKernel(1), ValueError, "0.5, 1.5 or 2.5"),
            (lambda: LinearKernel(-1), ValueError, "sigma"),
            (lambda: WhiteKernel(0), ValueError, "variance"),
            (lambda: ConstantKernel(-1), ValueError, "value"),
        ],
    )
    def test_name_the_argument(
        self, make: Callable[[], Any], error: type[Exception], message: str, unchecked: None
    ) -> None:
        with pytest.raises(error, match=message):
            make()

    def test_too_many_harmonics(self) -> None:
        bank = [PeriodicKernel(7, 0.2 + 0.01 * i) for i in range(4)]
        with pytest.raises(ValueError, match="Raise length_scale"):
            tables_of(KernelSynth(bank).bank, 5, 64)

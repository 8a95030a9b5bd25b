"""Each statistical assertion passes a right sampler and fails a slightly wrong one."""

import zlib
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from tests.statistics import LEVEL, assert_counts_match, assert_ks, assert_same_law

NUM_DRAWS = 1_000_000
LAW = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
# Two cells 0.6 percentage points off: with NUM_DRAWS, four times what is needed to see it.
WRONG_LAW = LAW + np.array([0.006, -0.006, 0.0, 0.0, 0.0])


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator seeded by the test's own name: adding a test moves no other."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


def draw_counts(
    rng: np.random.Generator, law: np.ndarray, num_draws: int = NUM_DRAWS
) -> np.ndarray:
    """Return the counts of `num_draws` draws."""
    return rng.multinomial(num_draws, law)


class TestCountsMatch:
    def test_right_sampler_passes(self, rng: np.random.Generator) -> None:
        assert assert_counts_match(draw_counts(rng, LAW), LAW) >= LEVEL

    def test_wrong_sampler_fails(self, rng: np.random.Generator) -> None:
        with pytest.raises(AssertionError, match=r"arity: .* p = .* < 2e-05"):
            assert_counts_match(draw_counts(rng, WRONG_LAW), LAW, what="arity")

    def test_mappings_are_matched_by_cell(self, rng: np.random.Generator) -> None:
        cells = ["add", "sub", "mul", "div", "pow"]
        counts = dict(zip(cells, draw_counts(rng, LAW).tolist(), strict=True))
        law = dict(reversed(list(zip(cells, LAW.tolist(), strict=True))))
        assert_counts_match(Counter(counts), law)
        law["add"], law["sub"] = law["sub"], law["add"]
        with pytest.raises(AssertionError, match="'add'"):
            assert_counts_match(counts, law)

    def test_a_draw_in_an_impossible_cell_fails(self) -> None:
        with pytest.raises(AssertionError, match=r"probability zero: \['div'"):
            assert_counts_match({"add": 10**6, "div": 1}, {"add": 1.0, "div": 0.0})
        with pytest.raises(AssertionError, match=r"probability zero: \['diff'"):
            assert_counts_match({"add": 10**6, "diff": 1}, {"add": 1.0})

    def test_wrong_tail_is_seen_after_merging(self, rng: np.random.Generator) -> None:
        law = stats.geom.pmf(np.arange(1, 60), 0.2)
        law[-1] += 1 - law.sum()
        assert_counts_match(draw_counts(rng, law), law)
        heavy = law.copy()
        heavy[40:] *= 4
        with pytest.raises(AssertionError, match="p = "):
            assert_counts_match(draw_counts(rng, heavy / heavy.sum()), law)

    def test_p_values_are_uniform(self, rng: np.random.Generator) -> None:
        law = stats.poisson.pmf(np.arange(40), 6.0)
        law[-1] += 1 - law.sum()
        p_values = [
            assert_counts_match(draw_counts(rng, law, 20_000), law, level=0.0) for _ in range(2_000)
        ]
        assert_ks(p_values, stats.uniform.cdf)

    def test_one_cell_is_certain(self) -> None:
        assert assert_counts_match([7], [1.0]) == 1.0

    def test_blind_test_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Draw more"):
            assert_counts_match([4, 2], [0.5, 0.5])

    @pytest.mark.parametrize("law", [[0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]])
    def test_no_law_is_refused(self, law: list[float]) -> None:
        with pytest.raises(ValueError, match="must be a law"):
            assert_counts_match([50, 50], law)

    @pytest.mark.parametrize("counts", [[0.5, 0.5], [-1, 3], [0, 0], [np.nan, 1]])
    def test_no_counts_are_refused(self, counts: list[float]) -> None:
        with pytest.raises(ValueError, match="Pass counts"):
            assert_counts_match(counts, [0.5, 0.5])

    def test_tables_of_two_kinds_are_refused(self) -> None:
        with pytest.raises(ValueError, match="both mappings"):
            assert_counts_match({0: 1}, [1.0])
        with pytest.raises(ValueError, match="shapes"):
            assert_counts_match([1, 2, 3], [0.5, 0.5])


class TestSameLaw:
    def test_right_sampler_passes(self, rng: np.random.Generator) -> None:
        counts = draw_counts(rng, LAW), draw_counts(rng, LAW, NUM_DRAWS // 3)
        assert assert_same_law(*counts) >= LEVEL

    def test_wrong_sampler_fails(self, rng: np.random.Generator) -> None:
        counts = draw_counts(rng, WRONG_LAW), draw_counts(rng, LAW)
        with pytest.raises(AssertionError, match=r"leaves: .* p = .* < 2e-05"):
            assert_same_law(*counts, what="leaves")

    def test_missing_cells_count_zero(self, rng: np.random.Generator) -> None:
        full = dict(enumerate(draw_counts(rng, LAW).tolist()))
        assert_same_law(full, {**full, "new": 2})
        with pytest.raises(AssertionError, match="'new'"):
            assert_same_law(full, {**full, "new": 60})

    def test_agrees_with_scipy(self, rng: np.random.Generator) -> None:
        counts = draw_counts(rng, LAW, 500), draw_counts(rng, LAW, 900)
        expected = stats.chi2_contingency(np.stack(counts), correction=False)[1]
        assert assert_same_law(*counts) == pytest.approx(expected)

    def test_p_values_are_uniform(self, rng: np.random.Generator) -> None:
        law = stats.poisson.pmf(np.arange(40), 6.0)
        law[-1] += 1 - law.sum()
        p_values = [
            assert_same_law(draw_counts(rng, law, 20_000), draw_counts(rng, law, 9_000), level=0.0)
            for _ in range(2_000)
        ]
        assert_ks(p_values, stats.uniform.cdf)

    def test_one_cell_is_certain(self) -> None:
        assert assert_same_law({"x_0": 7}, {"x_0": 9}) == 1.0

    def test_blind_test_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Draw more"):
            assert_same_law([4000, 2000], [3, 1])


class TestKs:
    def test_right_sampler_passes(self, rng: np.random.Generator) -> None:
        assert assert_ks(rng.normal(size=(100, 1_000)), stats.norm.cdf) >= LEVEL

    @pytest.mark.parametrize(("shift", "scale"), [(0.01, 1.0), (0.0, 1.02)])
    def test_wrong_sampler_fails(
        self, rng: np.random.Generator, shift: float, scale: float
    ) -> None:
        draws = rng.normal(shift, scale, size=1_000_000)
        with pytest.raises(AssertionError, match=r"noise: .* p = .* < 2e-05"):
            assert_ks(draws, stats.norm.cdf, what="noise")

    def test_p_values_are_uniform(self, rng: np.random.Generator) -> None:
        samples = rng.uniform(size=(2_000, 500))
        p_values = [assert_ks(row, stats.uniform.cdf, level=0.0) for row in samples]
        assert_ks(p_values, stats.uniform.cdf)

    def test_a_value_that_is_not_finite_fails(self, rng: np.random.Generator) -> None:
        draws = rng.normal(size=1_000)
        draws[3] = np.nan
        with pytest.raises(AssertionError, match="1 of 1000 draws are not finite"):
            assert_ks(draws, stats.norm.cdf)

    def test_no_draws_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no draws"):
            assert_ks([], stats.norm.cdf)

"""SARIMA2: broken orders of integration, poles in a disk, pairs of seasons, and how parts join."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.distributions import Constant, Uniform
from s2jax.inputs import SARIMA, SARIMA2, Draws, RateNoise, RateNoiseLaw, SARIMALaw, Waveforms
from s2jax.inputs._draws import words_within
from s2jax.inputs._recursions import sum_fraction
from tests.drawn import channels
from tests.statistics import assert_counts_match, assert_ks

LENGTH, NUMBER = 48, 50_000
PAIRS = [(24, 7), (7, 52), (0, 7), (0, 4), (0, 24), (0, 52)]
# as small as what it tests: it compiles in half the time of the default
SMALL = SARIMA(
    max_ar_order=1, max_ma_order=1, rule="disk", radius=Constant(0.8), season=Constant(5.0),
    max_season=12, fraction=Uniform(0.0, 1.0), seasonal_difference_probability=1,
)  # fmt: skip
FAMILY = SARIMA2(
    single=1.0, model=SMALL, base_seasons=[7, 0], envelope_seasons=[12, 4], depth=Uniform(0.2, 0.9)
)

_sum_fraction = jax.jit(sum_fraction)


class TestFraction:
    ORDERS = np.array([0.0, 0.02, 0.2, 0.5, 0.93, 0.999], np.float32)

    @staticmethod
    def exact(series: np.ndarray, orders: np.ndarray) -> np.ndarray:
        """The convolution with the power series of (1 - B)^-f, in float64."""
        lags = np.arange(1.0, len(series))
        out = np.empty_like(series)
        for column, order in enumerate(orders.astype(np.float64)):
            weights = np.r_[1.0, np.cumprod((lags - 1 + order) / lags)]
            if 0 < order < 1:  # the same by gamma functions
                logs = special.gammaln(lags + order) - special.gammaln(lags + 1)
                np.testing.assert_allclose(weights[1:], np.exp(logs) / special.gamma(order))
            out[:, column] = np.convolve(series[:, column], weights)[: len(series)]
        return out

    def test_is_a_convolution(self) -> None:
        series = np.random.default_rng(0).normal(size=(300, len(self.ORDERS)))
        found = np.asarray(_sum_fraction(jnp.asarray(series, jnp.float32), self.ORDERS))
        expected = self.exact(series, self.ORDERS)
        scale = np.abs(expected).max(0)
        off = lambda expected: (np.abs(found - expected) / scale).max(0)
        assert off(expected).max() < 2e-4
        np.testing.assert_allclose(found[:, 0], series[:, 0], atol=1e-6)
        assert off(self.exact(series, self.ORDERS + np.float32(3e-3)))[:-1].min() > 4e-4

    @pytest.mark.parametrize("length", [16, 1024])
    def test_weight_of_every_lag(self, length: int) -> None:
        impulse = np.zeros((length, len(self.ORDERS)))
        impulse[0] = 1
        found = np.asarray(_sum_fraction(jnp.asarray(impulse, jnp.float32), self.ORDERS))
        expected = self.exact(impulse, self.ORDERS)
        np.testing.assert_allclose(found, expected, rtol=3e-4, atol=1e-6)
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(found, self.exact(impulse, self.ORDERS * 1.001), 3e-4, 1e-6)

    def test_neighbours_do_not_matter(self) -> None:
        rng = np.random.default_rng(1)
        series = jnp.asarray(rng.normal(size=(100, 64)), jnp.float32)
        orders = jnp.asarray(rng.uniform(size=64), jnp.float32)
        many = _sum_fraction(series, orders)
        for few in (1, 17):
            np.testing.assert_array_equal(
                _sum_fraction(series[:, :few], orders[:few]), many[:, :few]
            )


@pytest.fixture(scope="module")
def law() -> Any:
    family = SARIMA2(single=1.0, additive=2.0, multiplicative=3.0)
    draw = jax.jit(lambda words: family.draw_laws(words, 300))
    return jax.device_get(draw(channels(jax.random.key(12), NUMBER)))


class TestLaw:
    def test_kinds_and_depth(self, law: Any) -> None:
        assert_counts_match(np.bincount(law.kind, minlength=3), np.array([1, 2, 3]) / 6)
        assert_ks(law.depth[law.kind == 2], stats.uniform.cdf, what="depth")
        assert not np.any(law.depth[law.kind < 2])

    def test_seasons_are_pairs(self, law: Any) -> None:
        drawn = zip(law.base.season[law.kind > 0], law.envelope.season[law.kind > 0], strict=True)
        counts = dict.fromkeys(PAIRS, 0)
        for pair in drawn:
            counts[pair] += 1
        assert_counts_match(counts, dict.fromkeys(PAIRS, 1 / 6))
        base, envelope = zip(*PAIRS, strict=True)
        apart = {(b, e): 0.0 for b in set(base) for e in set(envelope)}
        for b in base:
            for e in envelope:
                apart[b, e] += 1 / 36
        with pytest.raises(AssertionError):
            assert_counts_match(counts, apart)

    def test_seasons_of_bases_alone(self, law: Any) -> None:
        """Uniform in 0 to 52, rounded."""
        season = law.base.season[law.kind == 0]
        expected = np.r_[0.5, np.ones(51), 0.5] / 52
        assert_counts_match(np.bincount(season, minlength=53), expected)

    @pytest.mark.parametrize("name", ["base", "envelope"])
    def test_models(self, law: Any, name: str) -> None:
        part: SARIMALaw = getattr(law, name)
        is_seasonal = part.season > 0
        for order in (part.seasonal_ar_order, part.seasonal_ma_order, part.seasonal_differences):
            assert not np.any(order[~is_seasonal])
        assert np.all(part.seasonal_differences[is_seasonal] == 1)
        assert not np.any((part.ar_order > 0) & (part.seasonal_ar_order > 0))
        orders = np.bincount(part.ar_order, minlength=7)
        assert_counts_match(orders, 0.5 * (np.arange(7) == 0) + 0.5 / 7)
        assert_counts_match(np.bincount(part.ma_order, minlength=4), np.full(4, 0.25))
        has_ar = part.seasonal_ar_order[is_seasonal]
        assert_counts_match(np.bincount(has_ar), [2 / 3, 1 / 3])
        assert_ks(part.fraction, stats.uniform.cdf, what="broken order")
        assert np.isinf(part.degrees_of_freedom).all()

    def test_poles_are_uniform_by_area(self, law: Any) -> None:
        """And zeros, which have one sign with poles."""
        both = [(p.ar_order, p.ar) for p in (law.base, law.envelope)]
        both += [(p.ma_order, p.ma) for p in (law.base, law.envelope)]
        for order, values in both:
            first, second = values[order == 2, :2].astype(np.float64).T
            radius = np.sqrt(-second)
            assert_ks((radius / 0.9) ** 2, stats.uniform.cdf, what="moduli")
            angle = np.arccos(np.clip(first / 2 / radius, -1, 1)) / np.pi
            assert_ks(angle, stats.uniform.cdf, what="angles")
            real = values[order == 1, 0] / 0.9
            assert_ks(real, lambda x: (1 + np.sign(x) * x**2) / 2, what="real poles")
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(radius / 0.9, stats.uniform.cdf)
        for order in (5, 6):
            for ar in law.base.ar[law.base.ar_order == order][:100]:
                roots = np.roots([1, *-ar[:order].astype(np.float64)])
                assert np.abs(roots).max() < 0.92  # roots of rounded coefficients


@jax.jit
def draw(family: SARIMA2, words: jax.Array) -> tuple[Any, jax.Array]:
    laws = family.draw_laws(words, LENGTH)
    return laws, family.draw_series(laws, words, LENGTH)


def test_series_is_made_of_its_parts(key: jax.Array) -> None:
    words = channels(key, 300)
    laws, series = jax.device_get(draw(FAMILY, words))
    simulate = jax.jit(lambda law, words: SMALL.draw_series(law, words, LENGTH))
    part = lambda name: np.asarray(
        simulate(getattr(laws, name), words_within(words, "series", name)), np.float64
    )
    base, envelope = part("base"), part("envelope")
    low, high = envelope.min(0), envelope.max(0)
    turned = 2 * (envelope - low) / (high - low) - 1
    expected = np.select(
        [laws.kind == 0, laws.kind == 1], [base, base + envelope], (1 + laws.depth * turned) * base
    )
    scale = np.abs(base).max(0) + np.abs(envelope).max(0)
    off = lambda expected: (np.abs(series - expected) / scale).max(0)
    assert off(expected).max() < 1e-5
    assert np.median(off(base + envelope)[laws.kind == 2]) > 0.1
    assert np.bincount(laws.kind, minlength=3).min() > 50
    # with no season a base is no sum of itself; with one it is, from a pattern on
    assert set(laws.base.season[laws.kind > 0]) == {0, 7}
    assert np.isfinite(series).all()


def test_one_channel(key: jax.Array) -> None:
    """Is one of the batch, and neighbours change nothing."""
    words = channels(key, 300)
    laws, series = draw(FAMILY, words)

    @jax.jit
    def draw_one(family: SARIMA2, words: jax.Array) -> tuple[Any, jax.Array]:
        law = family.law(Draws(words, "law"), LENGTH)
        return law, family.series(law, Draws(words, "series"), LENGTH)

    for index in range(8):
        law, one = draw_one(FAMILY, words[index])
        mine = jax.tree.map(lambda leaf, index=index: leaf[index], laws)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), law, mine)
        scale = np.abs(one).max()
        np.testing.assert_allclose(series[:, index], one, rtol=0, atol=2e-5 * scale)


def test_without_season_the_model_is_stationary(key: jax.Array) -> None:
    """Two random words of a key give neither start nor seasons: an AR(1) of known variance."""
    law = dict(
        ar_order=1, ma_order=0, ar=[0.6], ma=[0.0], season=0, seasonal_ar_order=0,
        seasonal_ma_order=0, seasonal_ar=0.0, seasonal_ma=0.0, differences=0,
        seasonal_differences=0, drift=0.0, pattern=5.0, degrees_of_freedom=np.inf,
    )  # fmt: skip
    rows = {
        name: jnp.broadcast_to(
            jnp.asarray(value, jnp.int32 if isinstance(value, int) else jnp.float32),
            (20_000, *np.shape(value)),
        )
        for name, value in law.items()
    }
    simulate = jax.jit(lambda law, words: law.simulate(words, 4, 6))
    series = np.asarray(simulate(SARIMALaw(**rows), channels(key, 20_000)), np.float64)
    for row in (0, 3):
        assert_ks(series[row] * 0.8, stats.norm.cdf, what=f"step {row}")
    assert_ks((series[1] - 0.6 * series[0]), stats.norm.cdf, what="innovations")
    with pytest.raises(AssertionError, match="largest gap"):
        assert_ks(series[0], stats.norm.cdf)


def test_numbers_are_leaves() -> None:
    other = SARIMA2(
        single=0.0, model=SMALL, base_seasons=[6, 3], envelope_seasons=[2, 0], depth=Uniform(0.5, 1)
    )
    assert other != FAMILY
    assert jax.tree.structure(FAMILY) == jax.tree.structure(other)
    assert set(map(type, jax.tree.leaves((FAMILY, other)))) == {float, int}  # least orders


def test_a_single_pair_of_seasons(key: jax.Array) -> None:
    one = SARIMA2(model=SMALL, base_seasons=[4], envelope_seasons=[7])
    laws = jax.eval_shape(lambda words: one.draw_laws(words, LENGTH), channels(key, 3))
    assert laws.base.season.shape == laws.envelope.season.shape == (3,)


def test_rows_of_noise_about_it(key: jax.Array) -> None:
    """As `presets.sarsim` has it, in one program."""
    config = s2jax.presets.sarsim(LENGTH, inputs=RateNoise(intensity=FAMILY))
    indices = np.arange(64, dtype=np.int32)
    draw = jax.jit(lambda key: s2jax.candidates(key, config, indices))
    batch = jax.device_get(draw(key))
    assert np.mean(batch.status != 0) < 0.1
    assert np.isfinite(batch.x).all()
    np.testing.assert_array_equal(batch.x, batch.y)
    law = batch.x_source.law_of(RateNoiseLaw)
    counts = batch.x[law.kind == 0]
    np.testing.assert_array_equal(counts, np.round(counts))
    assert law.intensity.base.ar.shape == (64, 1, 1)
    assert set(law.intensity.envelope.season.ravel()) == {4, 12}


BAD = {
    "at least one weight": {"single": 0, "additive": 0, "multiplicative": 0},
    "SARIMA2(additive=-1": {"additive": -1},
    "SARIMA2(model=Waveforms()): must be a SARIMA": {"model": Waveforms()},
    "base_seasons[1]=53": {"base_seasons": [4, 53], "envelope_seasons": [7, 7]},
    "base_seasons[0]=3.5": {"base_seasons": [3.5], "envelope_seasons": [7]},
    "envelope_seasons[0]=-1": {"base_seasons": [4], "envelope_seasons": [-1]},
    "1 base_seasons, 2 envelope_seasons": {"base_seasons": [4], "envelope_seasons": [7, 7]},
    "0 base_seasons, 0 envelope_seasons": {"base_seasons": [], "envelope_seasons": []},
    "must be a list of numbers": {"base_seasons": 4},
    "draws must be between 0 and 1": {"depth": Constant(1.5)},
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.usefixtures("unchecked")
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        SARIMA2(**BAD[message])


@pytest.mark.usefixtures("unchecked")
def test_fraction_is_below_one() -> None:
    with pytest.raises(ValueError, match=r"fraction=.*between 0 and 1.*whole part"):
        SARIMA(fraction=Constant(1.5))


@pytest.mark.usefixtures("unchecked")
def test_too_short() -> None:
    with pytest.raises(ValueError, match=r"length=3.*>= 4 for SARIMA"):
        SARIMA2().sample(jax.random.key(0), n=1, length=3)


def test_json_form() -> None:
    config = s2jax.Config(LENGTH, inputs=SARIMA2(), target=s2jax.Identity())
    assert from_json(to_json(config)) == config

"""Counts: the exact laws of the inversions, counts given their rate, and what the law recovers."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.distributions import Constant
from s2jax.inputs import Choice, Counts, CountsLaw, Given, Held, Spikes, Waveforms
from s2jax.inputs.poisson import gamma_polynomials, gamma_share, poisson
from tests.drawn import channels
from tests.events import (
    censored,
    check_no_recompilation,
    check_one_channel_is_a_batch_of_one,
    count_times,
    draw_laws,
    dwell_law,
    residual_law,
)
from tests.statistics import LEVEL, assert_counts_match, assert_ks

LENGTH = 48
NUMBER = 10_000
KINDS = ("poisson", "negative_binomial", "zero_inflated", "intermittent")
WAVES = Waveforms(max_waves=1, noisy=0)

_poisson = jax.jit(poisson)


class TestPoisson:
    RATES = (1e-6, 0.01, 0.7, 4.0, 11.999, 12.0, 12.6, 17.0, 30.0, 90.0, 400.5, 3e3, 5e4, 1e6, 4e6)

    @staticmethod
    def exact_law(rates: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """P(X >= n) of the inversion: the share of words that give n or more, by bisection."""
        low, high = np.zeros(len(rates), np.int64), np.full(len(rates), 2**32, np.int64)
        for _ in range(33):  # words below `low` give n or more, those from `high` on do not
            middle = (low + high) // 2
            words = jnp.asarray(np.minimum(middle, 2**32 - 1).astype(np.uint32))
            reaches = np.asarray(_poisson(words, jnp.asarray(rates, jnp.float32))) >= counts
            open_ = low < high
            low = np.where(open_ & reaches, middle + 1, low)
            high = np.where(open_ & ~reaches, middle, high)
        return low / 2**32

    def test_distribution_function_at_every_rate(self) -> None:
        """Not sampled: the law of all 2**32 words."""
        grid = []
        for rate in np.asarray(self.RATES, np.float32).astype(np.float64):
            reach = 6 * np.sqrt(rate) + 8
            counts = np.unique(np.round(np.linspace(max(rate - reach, 1), rate + reach, 200)))
            grid += [(rate, count) for count in counts]
        rates, counts = np.array(grid).T
        found = self.exact_law(rates, counts)
        upper, lower = stats.poisson.sf(counts - 1, rates), stats.poisson.cdf(counts - 1, rates)
        assert np.abs(found - upper).max() < 3e-6
        for tail, mine in ((upper, found), (lower, 1 - found)):
            off = np.abs(mine / np.maximum(tail, 1e-9) - 1)
            assert off[tail > 1e-5].max() < 0.01
            assert off[tail > 1e-6].max() < 0.15
        rare = (rates < 12) & (upper > 1e-9)  # words of 2**-32
        assert np.abs(found[rare] / upper[rare] - 1).max() < 0.15
        # a rate that is wrong by 1e-4 of its deviation would be seen
        wrong = stats.poisson.sf(counts - 1, rates + 1e-4 * np.sqrt(rates))
        assert np.abs(found - wrong).max() > 1e-5

    @pytest.mark.parametrize("rate", [0.3, 5.0, 13.0, 150.0])
    def test_draws(self, key: jax.Array, rate: float) -> None:
        words = jax.random.bits(key, (200_000,), jnp.uint32)
        counts = np.asarray(_poisson(words, jnp.full(200_000, rate))).astype(int)
        cells = np.arange(counts.max() + 200)
        observed = np.bincount(counts, minlength=len(cells))
        assert_counts_match(observed, stats.poisson(rate).pmf(cells))
        wrong = stats.poisson(rate + 0.03 * np.sqrt(rate)).pmf(cells)
        with pytest.raises(AssertionError, match="do not follow"):
            assert_counts_match(observed, wrong)

    def test_ends(self) -> None:
        words = jnp.array([0, 1, 2**31, 2**32 - 2, 2**32 - 1] * 4, jnp.uint32)
        rates = jnp.repeat(jnp.array([0.0, 11.9, 12.0, 1e9]), 5)
        counts = np.asarray(jax.jit(poisson)(words, rates)).reshape(4, 5)
        assert np.all(counts[0] == 0)
        assert np.all(np.diff(counts[1:], axis=1) <= 0)
        assert 35 < counts[1, 0] < 43
        assert 32 < counts[2, 0] < 43
        assert np.all(counts[1:3, -1] == 0)
        assert np.all(np.abs(counts[3] - 2**22) < 6 * 2**11)
        assert np.isnan(jax.jit(poisson)(words, rates * np.nan)).all()


def test_gamma_shares_have_their_distribution_function() -> None:
    """Not sampled: at words spread over all of them."""
    shapes = np.array([0.5, 0.6, 0.8, 1, 1.5, 2, 3.3, 8, 40, 300, 1000])
    words = np.linspace(-(2**31) + 1, 2**31 - 1, 4001).astype(np.int64) | 1
    words = np.concatenate(
        [-(2**31) + 2 ** np.arange(10, 29), words, 2**31 - 2 ** np.arange(10, 29)]
    )
    bits = jnp.asarray(words.astype(np.uint32))[:, None] + jnp.zeros(11, jnp.uint32)

    @jax.jit
    def run(bits: jax.Array, shapes: jax.Array) -> jax.Array:
        polynomials = gamma_polynomials(shapes)
        return gamma_share(bits, polynomials)

    share = np.asarray(run(bits, jnp.asarray(shapes, jnp.float32)), np.float64)
    u = (words[:, None] / 2**31 + 1) / 2
    law = stats.gamma(shapes)
    below, above = law.cdf(share * shapes), law.sf(share * shapes)
    assert np.abs(below - u).max() < 3e-5
    assert np.abs(below - u)[:, shapes >= 2].max() < 2e-6
    for mine, exact in ((below, u), (above, 1 - u)):
        off = np.where(exact > 1e-6, np.abs(mine / exact - 1), 0)
        assert off.max() < 0.03
        assert off[:, shapes >= 2].max() < 3e-3
    wrong = stats.gamma(shapes * 1.001)
    assert np.abs(wrong.cdf(share * shapes) - u).max() > 1e-4


@jax.jit
def draw(family: Counts, words: jax.Array) -> tuple[CountsLaw, jax.Array, Any]:
    """One program for laws, series and paths."""
    law = family.draw_laws(words, LENGTH)
    return law, family.draw_series(law, words, LENGTH).T, family.path(law, LENGTH)


def sample(key: jax.Array, kind: str, **fields: Any) -> tuple[CountsLaw, np.ndarray, Any]:
    """Draw series of one kind, `(channels, time)`."""
    weights = {name: float(name == kind) for name in KINDS}
    family = Counts(**weights, intensity=WAVES, **fields)
    return jax.device_get(draw(family, channels(key, NUMBER)))


CONSTANT = {"amplitude": Constant(0.0), "dispersed": 0}


class TestCounts:
    def check(self, series: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> None:
        """Check the first 400 probabilities of independent counts."""
        observed = np.bincount(series.astype(int).ravel(), minlength=400)
        assert_counts_match(observed, right)
        with pytest.raises(AssertionError, match="do not follow"):
            assert_counts_match(observed, wrong)

    def test_poisson(self, key: jax.Array) -> None:
        _, series, _ = sample(key, "poisson", level=Constant(7.0), **CONSTANT)
        cells = np.arange(400)
        self.check(series, stats.poisson(7).pmf(cells), stats.poisson(7.05).pmf(cells))

    @pytest.mark.parametrize("shape", [0.7, 3.0])
    def test_negative_binomial(self, key: jax.Array, shape: float) -> None:
        fields = {"level": Constant(6.0), "shape": Constant(shape), **CONSTANT}
        _, series, _ = sample(key, "negative_binomial", **fields)
        law = lambda shape: stats.nbinom(shape, shape / (shape + 6)).pmf(np.arange(400))
        self.check(series, law(shape), law(shape * 1.05))

    def test_zero_inflated(self, key: jax.Array) -> None:
        fields = {"level": Constant(3.0), "presence": Constant(0.6), **CONSTANT}
        _, series, path = sample(key, "zero_inflated", **fields)
        law = 0.6 * stats.poisson(3).pmf(np.arange(400))
        wrong = law + 0.41 * (np.arange(400) == 0) - 0.01 * law / 0.6
        self.check(series, law + 0.4 * (np.arange(400) == 0), wrong)
        assert not np.any(series[~path.is_active])
        pairs = np.bincount(2 * path.is_active[:, 3] + path.is_active[:, 4], minlength=4)
        assert_counts_match(pairs, np.outer([0.4, 0.6], [0.4, 0.6]).ravel())

    def test_intermittent(self, key: jax.Array) -> None:
        """Gaps of 2 dead steps and a geometric time of mean 3."""
        gap = {"min_gap": 5.0, "max_gap": 5 / LENGTH, "regularity": Constant(0.5)}
        law, series, path = sample(key, "intermittent", level=Constant(2.0), **gap, **CONSTANT)
        assert set(law.gap) == {5}
        assert set(law.dead_time) == {2}
        demands = series[path.is_active] - 1
        self.check(
            demands, stats.poisson(2).pmf(np.arange(400)), stats.poisson(2.05).pmf(np.arange(400))
        )
        assert not np.any(series[~path.is_active])
        first, dwell = count_times(path.is_active)
        assert_counts_match(first, censored(residual_law(LENGTH, 2, 5)[1:], LENGTH))
        assert_counts_match(dwell, censored(dwell_law(LENGTH, 2, 5), LENGTH // 2))

    def test_rate_follows_an_intensity_of_any_size(self, key: jax.Array) -> None:
        z = np.sin(np.arange(900.0))
        rates = []
        for size in (1.0, 1e30, 1e-30):
            family = Counts(intensity=Given(size * z), amplitude=2.0, level=100.0)
            rate = lambda words, f=family: f.path(f.draw_laws(words, 16), 16).rate
            rates.append(np.asarray(jax.jit(rate)(channels(key, 5))))
        assert (rates[0].max(1) > 2 * rates[0].min(1)).all()
        for other in rates[1:]:
            np.testing.assert_allclose(other, rates[0], rtol=1e-3)

    def test_rate_follows_the_intensity(self, key: jax.Array) -> None:
        law, series, path = sample(key, "poisson")
        wave = np.asarray(jax.jit(lambda law: law.signal(LENGTH))(law.intensity), np.float64)
        z = (wave - wave.mean(1, keepdims=True)) / wave.std(1, keepdims=True)
        growth = np.exp(law.amplitude[:, None] * z)
        expected = law.level[:, None] * growth / growth.mean(1, keepdims=True)
        np.testing.assert_allclose(path.rate, expected, rtol=2e-3)
        np.testing.assert_allclose(path.rate.mean(1), law.level, rtol=1e-5)
        rest = (series - path.rate.astype(np.float64)) / np.sqrt(path.rate)
        for value, mean in ((rest, 0), (rest**2, 1)):
            error = value.std() / np.sqrt(value.size)
            assert error < 0.01
            assert abs(value.mean() - mean) < -stats.norm.ppf(LEVEL / 2) * error

    def test_parameters(self, key: jax.Array) -> None:
        law = draw_laws(key, Counts(poisson=1, intermittent=1.5, intensity=WAVES), NUMBER, 1000)
        assert_counts_match(np.bincount(law.kind, minlength=4), np.array([2, 2, 1, 3]) / 8)
        assert_ks(law.level, lambda x: np.log(x) / np.log(2000))
        assert np.array_equal(law.shape[law.kind < 2] > 0, law.kind[law.kind < 2] == 1)
        dispersed = law.shape[law.kind >= 2] > 0
        assert_counts_match(np.bincount(dispersed.astype(int)), [0.5, 0.5])
        assert_ks(law.shape[law.shape > 0], lambda x: np.log(x / 0.7) / np.log(50 / 0.7))
        steady = law.kind < 2
        assert set(law.presence[steady]) == {1}
        assert set(law.gap[steady]) == {1}
        gaps = law.gap[law.kind == 3]
        assert gaps.min() == 2
        assert gaps.max() == 80


def test_one_channel(key: jax.Array) -> None:
    check_one_channel_is_a_batch_of_one(key, Counts(intensity=WAVES), LENGTH)


def test_numbers_are_leaves() -> None:
    other = Waveforms(max_waves=1, saw=0, noisy=1)
    check_no_recompilation(Counts(intensity=WAVES), Counts(poisson=0, intensity=other))


def test_all_families_of_events_have_a_json_form() -> None:
    family = Choice([Counts(intensity=Choice([Held(), WAVES])), Held(duty=0.5), Spikes(), WAVES])
    made = s2jax.Config(length=LENGTH, inputs=family, target=s2jax.Identity())
    assert from_json(to_json(made)) == made


def test_rows_of_a_configuration(key: jax.Array) -> None:
    family = Counts(intensity=Held(max_states=3))
    made = s2jax.Config(length=LENGTH, inputs=family, target=s2jax.Identity())
    batch = s2jax.sample(key, made, 64)
    assert not np.any(batch.status)
    assert np.all(np.isfinite(batch.x))
    law = batch.x_source.law_of(CountsLaw)
    assert law.level.shape == (64, 1)
    assert law.intensity.dwell.shape == (64, 1, 3)


BAD = {
    "Counts(poisson=-1": {"poisson": -1},
    "at least one weight": dict.fromkeys(KINDS, 0),
    "Counts(dispersed=2": {"dispersed": 2},
    "Counts(min_gap=0": {"min_gap": 0},
    "Counts(max_gap=-1": {"max_gap": -1},
    "Counts(level='high'": {"level": "high"},
    "Counts(level=Constant(value=10000000.0)): draws must be between 0 and 1e+06": {"level": 1e7},
    "Counts(amplitude=Constant(value=-1.0)): draws must be between 0 and 1e+09": {
        "amplitude": -1.0
    },
    "Counts(presence=Constant(value=1.5)): draws must be between 0 and 1": {"presence": 1.5},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Counts(**BAD[message])


def test_too_short(key: jax.Array) -> None:
    with pytest.raises(ValueError, match=r"length=7.*Counts.*>= 8"):
        Counts().sample(key, 1, 7)

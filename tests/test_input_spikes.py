"""Spikes: their times, heights and shapes, the baseline, and what the law recovers."""

import re
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from s2jax.distributions import Constant
from s2jax.inputs import Spikes, SpikesLaw, SpikesPath
from tests.events import (
    check_no_recompilation,
    check_one_channel_is_a_batch_of_one,
    draw_laws,
)
from tests.statistics import LEVEL, assert_counts_match, assert_ks

LENGTH = 40
NUMBER = 30_000
TIMES = ("regular", "jittered", "poisson")
SHAPES = ("single", "exponential", "rounded", "box")

follow = jax.jit(lambda law: law.path(LENGTH))


def only(*kinds: str, gap: float, **fields: Any) -> Spikes:
    """Return a law of some kinds and one mean gap."""
    given = {names: kind for names in (TIMES, SHAPES) for kind in kinds if kind in names}
    weights = {name: float(name == kind) for names, kind in given.items() for name in names}
    return Spikes(**weights, min_gap=gap, max_gap=gap / LENGTH, **fields)


def path(key: jax.Array, family: Spikes) -> tuple[SpikesLaw, SpikesPath]:
    """Return paths of many channels, `(channels, time)`."""
    law = draw_laws(key, family, NUMBER, LENGTH)
    return law, jax.device_get(follow(law))


class TestTimes:
    def test_poisson_spikes_are_as_likely_at_every_step(self, key: jax.Array) -> None:
        _, drawn = path(key, only("poisson", gap=6.5))
        counts = np.bincount(drawn.is_spike.sum(1), minlength=LENGTH + 1)
        assert_counts_match(counts, stats.binom(LENGTH, 1 / 6.5).pmf(np.arange(LENGTH + 1)))
        with pytest.raises(AssertionError, match="do not follow"):
            assert_counts_match(counts, stats.binom(LENGTH, 1 / 6.3).pmf(np.arange(LENGTH + 1)))
        first = np.where(drawn.is_spike.any(1), drawn.is_spike.argmax(1), LENGTH)
        law = np.append(stats.geom(1 / 6.5).pmf(1 + np.arange(LENGTH)), (1 - 1 / 6.5) ** LENGTH)
        assert_counts_match(np.bincount(first, minlength=LENGTH + 1), law)

    def test_regular_spikes_keep_a_clock(self, key: jax.Array) -> None:
        _, drawn = path(key, only("regular", gap=6.0))
        first = drawn.is_spike.argmax(1)
        assert_counts_match(np.bincount(first, minlength=LENGTH), [1 / 6] * 6 + [0] * (LENGTH - 6))
        expected = (np.arange(LENGTH) - first[:, None]) % 6 == 0
        # a phase that is a whole number of steps, to 2**-24 turns, may lose a step once
        assert np.mean(np.any(drawn.is_spike != expected, axis=1)) < 1e-3
        _, drawn = path(key, only("regular", gap=7.3))
        for spikes in drawn.is_spike[:2000]:
            assert set(np.diff(np.flatnonzero(spikes))) <= {7, 8}

    def test_jittered_spikes_come_once_in_every_beat(self, key: jax.Array) -> None:
        """Place 5 U less the clock V at the beat's first step, rounded up."""
        law, drawn = path(key, only("jittered", gap=6.0, jitter=Constant(1.0)))
        beat = np.floor(law.phase[:, None].astype(np.float64) + np.arange(LENGTH) / 6 + 1e-9)
        begins = beat[:, 1:] > beat[:, :-1]
        second = begins.argmax(1) + 1  # the first step of the second beat
        window = np.take_along_axis(drawn.is_spike, second[:, None] + np.arange(24), axis=1)
        beats = window.reshape(-1, 4, 6)
        assert np.mean(beats.sum(-1) == 1) > 0.9999
        places = np.bincount(beats[:, 0].argmax(1), minlength=6)
        assert_counts_match(places, [0.1, 0.2, 0.2, 0.2, 0.2, 0.1])
        with pytest.raises(AssertionError, match="do not follow"):
            assert_counts_match(places, [1 / 6] * 6)
        pairs = np.bincount(beats[:, 0].argmax(1) * 6 + beats[:, 1].argmax(1), minlength=36)
        assert pairs.min() > NUMBER / 36 / 10  # the next beat draws anew


class TestValues:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_shapes_are_sums_over_spikes(self, key: jax.Array, shape: str) -> None:
        law, drawn = path(key, only(shape, gap=5.0, duration=Constant(0.7)))
        drawn = jax.tree.map(lambda leaf: leaf[:500], drawn)
        duration = 1 if shape == "single" else (4 if shape == "box" else 3.5)
        assert set(law.duration) == {duration}
        age = np.arange(LENGTH)[:, None] - np.arange(LENGTH)
        with np.errstate(over="ignore"):
            kernel = {
                "single": np.where(age == 0, 1, 0),
                "exponential": np.exp(-age / duration),
                "rounded": (age + 1) / duration * np.exp(1 - (age + 1) / duration),
                "box": np.where(age < 4, 1, 0),
            }[shape]
        kernel = np.where(age >= 0, kernel, 0)
        if shape == "box":  # until the next one at the latest
            last = np.maximum.accumulate(np.where(drawn.is_spike, np.arange(LENGTH), -1), axis=1)
            kept = kernel[None] * (np.arange(LENGTH) == last[:, :, None])
            expected = np.einsum("nts,ns->nt", kept, drawn.height)
        else:
            expected = drawn.height.astype(np.float64) @ kernel.T
        scale = np.abs(drawn.height).max(1, keepdims=True) + 1
        np.testing.assert_allclose(drawn.value / scale, expected / scale, atol=2e-6)
        assert not np.any(drawn.height[~drawn.is_spike])

    def test_heights(self, key: jax.Array) -> None:
        family = only("poisson", gap=2.0, spread=Constant(0.5), negative=Constant(0.2))
        law, drawn = path(key, family)
        size = lambda mine: np.log(np.abs(drawn.height[mine][drawn.is_spike[mine]])) / 0.5
        heavy, light = size(law.heavy), size(~law.heavy)
        assert_ks(light, stats.norm.cdf)
        assert_ks(heavy, stats.expon.cdf)
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(heavy, stats.norm.cdf)
        down = drawn.height[drawn.is_spike] < 0
        assert_counts_match(np.bincount(down.astype(int)), [0.8, 0.2])

    def test_baseline_is_stationary(self, key: jax.Array) -> None:
        family = Spikes(baseline=Constant(0.25), persistence=Constant(0.8), spread=Constant(0.02))
        drawn = family.sample(key, NUMBER, LENGTH)
        base = (np.asarray(drawn.series) - np.asarray(follow(drawn.law).value)) * 4
        for step in (0, 30):
            assert_ks(base[:, step], stats.norm.cdf)
        for lag in (1, 3):
            product = base[:, 10].astype(np.float64) * base[:, 10 + lag]
            error = product.std() / np.sqrt(len(product))
            assert error < 0.01
            assert abs(product.mean() - 0.8**lag) < -stats.norm.ppf(LEVEL / 2) * error


def test_parameters(key: jax.Array) -> None:
    law = draw_laws(key, Spikes(regular=2, poisson=1, box=0, heavy=0.25, jitter=0.5), NUMBER, 1000)
    assert_counts_match(np.bincount(law.times, minlength=3), [0.5, 0.25, 0.25])
    assert_counts_match(np.bincount(law.shape, minlength=4), [1 / 3] * 3 + [0])
    assert_ks(law.gap, lambda x: np.log(x / 5) / np.log(30))
    assert_counts_match(np.bincount(law.heavy.astype(int)), [0.75, 0.25])
    assert set(law.jitter[law.times == 1]) == {0.5}
    assert set(law.jitter[law.times != 1]) == {0}
    assert law.duration.min() == 1


def test_one_channel(key: jax.Array) -> None:
    check_one_channel_is_a_batch_of_one(key, Spikes(), 37)


def test_numbers_are_leaves() -> None:
    check_no_recompilation(Spikes(), Spikes(box=0, min_gap=7, heavy=1))


BAD = {
    "Spikes(poisson=-1": {"poisson": -1},
    "Spikes(regular=0, jittered=0, poisson=0": dict.fromkeys(TIMES, 0),
    "Spikes(single=0, exponential=0": dict.fromkeys(SHAPES, 0),
    "Spikes(min_gap=1": {"min_gap": 1},
    "Spikes(max_gap=-1": {"max_gap": -1},
    "Spikes(heavy=2": {"heavy": 2},
    "Spikes(spread='wide'": {"spread": "wide"},
    "Spikes(spread=Constant(value=-1.0)): draws must be between 0 and 5": {"spread": -1.0},
    "Spikes(spread=Constant(value=50.0)): draws must be between 0 and 5": {"spread": 50.0},
    "Spikes(negative=Constant(value=2.0)): draws must be between 0 and 1": {"negative": 2.0},
    "Spikes(baseline=Constant(value=-1.0)): draws must be between 0 and 1e+09": {"baseline": -1.0},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Spikes(**BAD[message])


def test_too_short(key: jax.Array) -> None:
    with pytest.raises(ValueError, match=r"length=7.*Spikes.*>= 8"):
        Spikes().sample(key, 1, 7)

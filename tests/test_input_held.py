"""Held series: times between changes, levels, and what the law recovers."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from s2jax.core.random import normal_quantile, random_bits, signed_uniform
from s2jax.core.streams import named
from s2jax.distributions import Constant
from s2jax.inputs import Held, HeldLaw, HeldPath
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
NUMBER = 50_000
FIXED = {"persistence": Constant(0.6), "max_states": 3, "noisy": 0.0}


@jax.jit
def follow(law: HeldLaw) -> HeldPath:
    """One program for all paths of 3 states."""
    return law.path(LENGTH)


def path(key: jax.Array, family: Held) -> tuple[HeldLaw, HeldPath]:
    """Return paths of many channels, `(channels, time)`."""
    law = draw_laws(key, family, NUMBER, LENGTH)
    return law, jax.device_get(follow(law))


def only(kind: str, dwell: float, regularity: float, **fields: Any) -> Held:
    """Return a law of one kind, mean dwell and regularity."""
    weights = {name: float(name == kind) for name in ("steps", "lines", "on_off", "schedule")}
    share = dwell / LENGTH  # min_dwell = 1 is the least: both ends where they shall be
    return Held(
        **weights, min_dwell=dwell, max_dwell=share, regularity=Constant(regularity), **fields
    )


TIMES = {"memoryless": (6, 0.0, 0), "half": (9, 0.5, 4), "near a clock": (7, 0.9, 5)}


class TestTimes:
    @pytest.mark.parametrize("name", TIMES)
    def test_dwells_and_the_first_change(self, key: jax.Array, name: str) -> None:
        mean, regularity, dead_time = TIMES[name]
        law, drawn = path(key, only("steps", mean, regularity, **FIXED))
        assert set(law.dwell[:, 0]) == {mean}
        assert set(law.dead_time[:, 0]) == {dead_time}
        first, dwell = count_times(drawn.is_change)
        assert_counts_match(
            first, censored(residual_law(LENGTH, dead_time, mean), LENGTH), what="first"
        )
        window = LENGTH - LENGTH // 2
        assert_counts_match(
            dwell, censored(dwell_law(LENGTH, dead_time, mean), window), what="dwell"
        )
        if dead_time:  # else the two laws are one
            with pytest.raises(AssertionError, match="do not follow|probability zero"):
                assert_counts_match(first, censored(dwell_law(LENGTH, dead_time, mean), LENGTH))
        with pytest.raises(AssertionError, match="do not follow|probability zero"):
            assert_counts_match(dwell, censored(dwell_law(LENGTH, dead_time + 1, mean + 1), window))

    def test_a_clock_repeats_exactly(self, key: jax.Array) -> None:
        law, drawn = path(key, only("schedule", 5, 1.0, **FIXED))
        period = law.dwell.sum(1)
        assert period.max() < LENGTH / 2
        rows = list(zip(drawn.value, drawn.state, period, strict=True))
        for value, state, steps in rows[:1000]:
            np.testing.assert_array_equal(value[steps:], value[:-steps])
            np.testing.assert_array_equal(state[steps:], state[:-steps])
        at = np.arange(NUMBER)
        np.testing.assert_array_equal(drawn.value[:, 7], law.levels[at, drawn.state[:, 7]])


class TestValues:
    def test_steps_have_their_autocovariance(self, key: jax.Array) -> None:
        """Of memoryless changes: (1 - p (1 - persistence))**lag, from the first step on."""
        _, drawn = path(key, only("steps", 5, 0.0, **FIXED))
        for start, lag in ((0, 0), (0, 1), (0, 8), (20, 8)):
            product = drawn.value[:, start].astype(np.float64) * drawn.value[:, start + lag]
            expected = (1 - 0.4 / 5) ** lag
            error = product.std() / np.sqrt(NUMBER)
            assert error < 0.01
            assert abs(product.mean() - expected) < -stats.norm.ppf(LEVEL / 2) * error
            if lag == 8:  # an independent level at each change would be seen
                assert abs(product.mean() - 0.8**8) > 10 * error
        assert_ks(drawn.value[:, 30], stats.norm.cdf)

    def test_on_off_is_a_stationary_markov_chain(self, key: jax.Array) -> None:
        law, drawn = path(key, only("on_off", 5, 0.0, duty=Constant(0.3), **FIXED))
        assert law.dwell[:, :2].tolist() == [[7, 3]] * NUMBER
        np.testing.assert_array_equal(drawn.value, drawn.state)
        for start, lag in ((0, 5), (30, 2)):
            kept = (1 - 1 / 7 - 1 / 3) ** lag
            on, off = 0.3 + 0.7 * kept, 0.3 * (1 - kept)
            law_of_pairs = [0.7 * (1 - off), 0.7 * off, 0.3 * (1 - on), 0.3 * on]
            pairs = 2 * drawn.state[:, start] + drawn.state[:, start + lag]
            counts = np.bincount(pairs, minlength=4)
            assert_counts_match(counts, law_of_pairs)
            with pytest.raises(AssertionError, match="do not follow"):
                assert_counts_match(counts, np.outer([0.7, 0.3], [0.7, 0.3]).ravel())

    def test_lines_have_held_slopes(self, key: jax.Array) -> None:
        _, drawn = path(key, only("lines", 6, 0.5, **FIXED))
        slope = np.diff(drawn.value.astype(np.float64), axis=1) * 6
        np.testing.assert_array_equal(drawn.value[:, 0], 0)
        turns = np.abs(np.diff(slope, axis=1)) > 1e-3
        assert not np.any(turns & ~drawn.is_change[:, 1:-1])
        assert np.mean(turns[drawn.is_change[:, 1:-1]]) > 0.99
        assert_ks(slope[:, 20], stats.norm.cdf)

    def test_against_a_loop(self, key: jax.Array) -> None:
        """Written anew step by step from the same random words."""
        law, drawn = path(key, Held(max_states=3))
        code = jnp.asarray(law.code[:200])
        hazard = np.asarray(random_bits(code, LENGTH, named("held", "changes"))).T
        words = random_bits(code, LENGTH, named("held", "levels"))
        jumps = np.asarray(normal_quantile(signed_uniform(words))).T
        assert set(law.kind) == {0, 1, 2, 3}
        # of 48 steps; of 256 they are one in 20 000
        assert np.mean(np.ptp(drawn.value, axis=1) == 0) < 0.02
        for i in range(200):
            state, left, rho = law.first_state[i], law.first_dead_time[i], law.persistence[i]
            level, line, is_change = law.levels[i, state], 0.0, False
            for t in range(LENGTH):
                value = line if law.kind[i] == 1 else level
                np.testing.assert_allclose(drawn.value[i, t], value, atol=1e-5)
                assert drawn.is_change[i, t] == is_change
                assert drawn.state[i, t] == state
                line += level / law.dwell[i, 0]
                free = law.dwell[i, state] - law.dead_time[i, state]
                is_change = bool(left == 0 and int(hazard[i, t]) <= (2**32 - 1) // int(free))
                left = max(left - 1, 0)
                if is_change:
                    state = (state + 1) % law.num_states[i]
                    left = law.dead_time[i, state]
                    jump = np.sqrt(1 - rho**2) * jumps[i, t]
                    level = law.levels[i, state] if law.kind[i] > 1 else rho * level + jump


class TestLaw:
    def test_parameters(self, key: jax.Array) -> None:
        family = Held(steps=3, lines=2, on_off=1, schedule=4, min_dwell=2, noisy=0.25)
        law = draw_laws(key, family, NUMBER, 1000)
        assert_counts_match(np.bincount(law.kind, minlength=4), [0.3, 0.2, 0.1, 0.4])
        states = np.bincount(law.num_states[law.kind == 3], minlength=7)[3:]
        assert_counts_match(states, [0.25] * 4)
        assert set(law.num_states[law.kind == 2]) == {2}
        # rounded to whole steps: of those above 20, which the rounding moves by little
        dwell = law.dwell[law.kind <= 1, 0]
        long = dwell[dwell >= 20] - np.random.default_rng(0).uniform(size=(dwell >= 20).sum()) + 0.5
        assert_ks(long, lambda x: np.log(x / 19.5) / np.log(200.5 / 19.5))
        assert 2 == dwell.min() < dwell.max() == 200
        duty = law.dwell[:, 1] / law.dwell.sum(1)
        long = (law.kind == 2) & (law.dwell.sum(1) > 100)
        assert_ks(duty[long], stats.uniform(0.1, 0.8).cdf)
        assert abs((law.noise > 0).mean() - 0.25) < 0.01
        used = np.arange(6) < law.num_states[:, None]
        for field in (law.dwell, law.dead_time, law.levels):
            assert not np.any(field[~used])
        assert law.dwell[used].min() >= 1
        assert np.all(law.dead_time[used] < law.dwell[used])

    def test_noise_is_added_to_the_path(self, key: jax.Array) -> None:
        family = Held(noisy=1, noise=Constant(0.2), max_states=3)
        drawn = family.sample(key, NUMBER, LENGTH)
        noise = (np.asarray(drawn.series) - np.asarray(follow(drawn.law).value))[:2000]
        assert np.abs(noise).max() < 5.6 * 0.2  # no change of level is at another step
        assert_ks(noise / 0.2, stats.norm.cdf)


def test_one_channel(key: jax.Array) -> None:
    check_one_channel_is_a_batch_of_one(key, Held(), 37)


def test_numbers_are_leaves() -> None:
    check_no_recompilation(Held(), Held(steps=0, min_dwell=5))


BAD = {
    "Held(lines=-1": {"lines": -1},
    "at least one weight": {"steps": 0, "lines": 0, "on_off": 0, "schedule": 0},
    "Held(min_dwell=0.5": {"min_dwell": 0.5},
    "Held(max_dwell=-1": {"max_dwell": -1},
    "Held(noisy=2": {"noisy": 2},
    "Held(max_states=2": {"max_states": 2},
    "Held(duty='half'": {"duty": "half"},
    "Held(noise=Constant(value=-1.0)): draws must be between 0 and 1e+09": {"noise": -1.0},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Held(**BAD[message])


def test_too_short(key: jax.Array) -> None:
    with pytest.raises(ValueError, match=r"length=7.*Held.*>= 8"):
        Held().sample(key, 1, 7)

"""Waveforms: the formulas of their page in float64, and the laws of their parameters."""

import re
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from s2jax.distributions import Constant
from s2jax.inputs import Waveforms
from tests.events import (
    check_no_recompilation,
    check_one_channel_is_a_batch_of_one,
    draw_laws,
)
from tests.statistics import assert_counts_match, assert_ks

LENGTH = 200
NUMBER = 20_000
KINDS = ("sine", "saw", "triangle", "square", "pulse", "chirp", "damped")
EDGE = 1e-4  # turns: float32 parameters move an edge by less

signal = jax.jit(lambda law: law.signal(LENGTH))


def frac(x: np.ndarray) -> np.ndarray:
    return x - np.floor(x)


def make_wave(law: dict[str, np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first wave by the table, and which values are not beside a jump."""
    t = np.arange(length)
    field = lambda name: np.asarray(law[name][:, 0], np.float64)[:, None]
    kind, period, last = law["kind"][:, 0], field("period"), field("last_period")
    duty, phase = field("duty"), field("phase")
    p = phase + t / period
    turns = frac(p)
    sweep = (1 / last - 1 / period) * t * (t - 1) / (2 * length - 2)
    interval, decay = np.maximum(field("interval"), 1), np.maximum(field("decay"), 1e-3)
    age = interval * frac(phase + t / interval)
    shapes = [
        np.sin(2 * np.pi * p),
        2 * turns - 1,
        np.where(
            turns < duty,
            2 * turns / np.maximum(duty, 1e-3) - 1,
            1 - 2 * (turns - duty) / (1 - duty),
        ),
        np.where(turns < duty, 1, -1),
        np.where(turns < duty, 1, 0),
        np.sin(2 * np.pi * (p + sweep)),
        np.exp(-age / decay) * np.sin(2 * np.pi * age / period),
    ]
    wave = np.select([(kind == i)[:, None] for i in range(7)], shapes)
    clock = np.where((kind == 6)[:, None], age / interval, turns)
    far = np.minimum(np.minimum(clock, 1 - clock), np.abs(clock - duty)) > EDGE
    return field("amplitude") * wave, far | np.isin(kind, (0, 5))[:, None]


@pytest.fixture(scope="module")
def drawn() -> tuple[Any, np.ndarray]:
    """Laws of one wave each, and their signals."""
    family = Waveforms(max_waves=1, modulated=0, noisy=0)
    law = draw_laws(jax.random.key(5), family, 2000, LENGTH)
    return law, np.asarray(signal(law))


class TestFormulas:
    @pytest.mark.parametrize("kind", range(7), ids=KINDS)
    def test_waves(self, drawn: tuple[Any, np.ndarray], kind: int) -> None:
        law, series = drawn
        mine = law.kind[:, 0] == kind
        assert mine.sum() > 50
        expected, far = make_wave(vars(law), LENGTH)
        assert far.mean() > 0.99
        gap = np.abs(series - expected)[mine] * far[mine]
        assert gap.max() < 2e-3  # frequencies are those of float32 periods: steep edges move
        assert np.median(gap) < 2e-6

    def test_another_duty_bites(self, drawn: tuple[Any, np.ndarray]) -> None:
        law, series = drawn
        wrong = {**vars(law), "duty": law.duty * 1.01}
        expected, far = make_wave(wrong, LENGTH)
        for kind in (2, 3, 4):
            mine = law.kind[:, 0] == kind
            assert (np.abs(series - expected) * far)[mine].max() > 0.01

    def test_waves_are_added_and_modulated(self) -> None:
        law = draw_laws(jax.random.key(7), Waveforms(max_waves=3, modulated=1), 300, LENGTH)
        assert set(law.num_waves) == {1, 2, 3}
        total, far = np.zeros((300, LENGTH)), np.ones((300, LENGTH), bool)
        for index in range(3):
            waves = {name: field[:, index:] for name, field in vars(law).items() if field.ndim == 2}
            for name in ("period", "last_period"):  # of waves that are not there
                waves[name] = np.maximum(waves[name], 2)
            wave, is_far = make_wave(waves, LENGTH)
            total, far = total + wave, far & is_far
        slow = law.modulation_phase[:, None] + np.arange(LENGTH) / law.modulation_period[:, None]
        total = total * (1 + law.depth[:, None] * np.sin(2 * np.pi * slow))
        gap = np.abs(np.asarray(signal(law)) - total) * far
        assert gap.max() < 4e-3
        assert np.median(gap) < 4e-6

    def test_long_series_do_not_drift(self) -> None:
        """The phase after 2**20 steps is that of the whole number of ticks a step."""
        length = 2**20
        family = Waveforms(
            max_waves=1,
            modulated=0,
            noisy=0,
            saw=0,
            triangle=0,
            square=0,
            pulse=0,
            chirp=0,
            damped=0,
        )
        law = draw_laws(jax.random.key(1), family, 2, length)
        late = np.asarray(jax.jit(lambda law: law.signal(length)[:, -1000:])(law))
        ticks = np.floor(2**32 / law.period[:, 0].astype(np.float64))
        t = np.arange(length - 1000, length)
        turns = law.phase + t * ticks[:, None] / 2**32
        expected = law.amplitude * np.sin(2 * np.pi * turns)
        # float32 divides 2**32 by the period to 2**-24 of it
        slack = 2 * np.pi * length / law.period * 2.0**-23
        assert np.all(np.abs(late - expected) < 1e-5 + slack)


class TestLaw:
    def test_parameters(self, key: jax.Array) -> None:
        family = Waveforms(sine=1, saw=2, triangle=0, square=1, pulse=3, chirp=2, damped=1)
        law = draw_laws(key, family, NUMBER, 1000)
        assert_counts_match(np.bincount(law.num_waves, minlength=4)[1:], [1 / 3] * 3)
        used = np.arange(3) < law.num_waves[:, None]
        kinds = np.bincount(law.kind[used], minlength=7)
        assert_counts_match(kinds, np.array([1, 2, 0, 1, 3, 2, 1]) / 10)
        log_uniform = lambda x: np.log(x / 4) / np.log(100)
        assert_ks(law.period[used], log_uniform)
        is_chirp = used & (law.kind == 5)
        assert_ks(law.last_period[is_chirp], log_uniform)
        assert np.array_equal(law.period[~is_chirp], law.last_period[~is_chirp])
        assert_ks(law.phase[used], stats.uniform.cdf)
        assert abs((law.amplitude[used] < 0).mean() - 0.5) < 0.02
        assert abs((law.depth > 0).mean() - 0.3) < 0.02
        assert abs((law.noise > 0).mean() - 0.8) < 0.02
        pulses = used & (law.kind == 4)
        assert np.all(law.duty[pulses] * law.period[pulses] > 1 - 1e-6)
        for field in (law.kind, law.period, law.phase, law.duty, law.amplitude, law.interval):
            assert not np.any(field[~used])
        struck = used & (law.kind == 6)
        assert np.array_equal(law.interval > 0, struck)
        assert np.all(law.interval[struck] >= 3 * law.period[struck] * (1 - 1e-6))

    def test_every_pulse_is_seen(self, key: jax.Array) -> None:
        family = Waveforms(max_waves=1, noisy=0, width=Constant(0.001), modulated=0, max_period=0.1)
        law = draw_laws(key, family, 2000, LENGTH)
        pulses = law.kind[:, 0] == 4
        height = np.asarray(signal(law))[pulses] / law.amplitude[pulses, :1]
        beaten = (height > 0.5).sum(1) / (LENGTH / law.period[pulses, 0])
        assert np.all(np.abs(beaten - 1) < 0.3)

    def test_noise_is_added_to_the_signal(self, key: jax.Array) -> None:
        drawn = Waveforms(noisy=1, noise=Constant(0.5)).sample(key, 500, LENGTH)
        assert_ks((drawn.series - signal(drawn.law)) * 2, stats.norm.cdf)


def test_one_channel(key: jax.Array) -> None:
    check_one_channel_is_a_batch_of_one(key, Waveforms(max_waves=2), 37)


def test_numbers_are_leaves() -> None:
    check_no_recompilation(Waveforms(), Waveforms(saw=0, min_period=5, noisy=1))


BAD = {
    "Waveforms(saw=-1": {"saw": -1},
    "at least one weight": dict.fromkeys(KINDS, 0),
    "Waveforms(min_period=1": {"min_period": 1},
    "Waveforms(max_period=-1": {"max_period": -1},
    "Waveforms(modulated=2": {"modulated": 2},
    "Waveforms(noisy=2": {"noisy": 2},
    "Waveforms(max_waves=0": {"max_waves": 0},
    "Waveforms(depth='half'": {"depth": "half"},
    "Waveforms(depth=Constant(value=-0.5)): draws must be between 0 and 1e+09": {"depth": -0.5},
    "Waveforms(noise=Constant(value=-1.0)): draws must be between 0 and 1e+09": {"noise": -1.0},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Waveforms(**BAD[message])


def test_too_short(key: jax.Array) -> None:
    with pytest.raises(ValueError, match=r"length=7.*Waveforms.*>= 8"):
        Waveforms().sample(key, 1, 7)

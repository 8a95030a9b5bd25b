"""RateNoise: the law of every kind given its rate, and the rate that the law tells."""

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
from s2jax.inputs import AbstractInput, Draws, RateNoise, RateNoiseLaw
from tests.drawn import channels
from tests.events import check_no_recompilation
from tests.statistics import LEVEL, assert_counts_match, assert_ks

LENGTH, NUMBER = 48, 10_000
KINDS = ("poisson", "gamma", "lognormal", "none")


class Wave(AbstractInput):
    """Sines about 3; without amplitude the series is constant, and its rate too."""

    amplitude: float = 1.0

    def law(self, draws: Draws, length: int) -> jax.Array:
        return draws.uniform("phase")

    def series(self, law: jax.Array, draws: Draws, length: int) -> jax.Array:
        return 3 + self.amplitude * jnp.sin(2 * jnp.pi * (law + jnp.arange(length) / 20))


FLAT, WAVES = Wave(0.0), Wave()


@jax.jit
def draw(family: RateNoise, words: jax.Array) -> tuple[RateNoiseLaw, jax.Array, Any]:
    """One program for laws, series and paths."""
    law = family.draw_laws(words, LENGTH)
    return law, family.draw_series(law, words, LENGTH).T, family.path(law, LENGTH)


def sample(
    key: jax.Array, kind: str, intensity: AbstractInput, **fields: Any
) -> tuple[RateNoiseLaw, np.ndarray, Any]:
    """Draw series of one kind, `(channels, time)`, in float64."""
    weights = {name: float(name == kind) for name in KINDS}
    family = RateNoise(**weights, intensity=intensity, **fields)
    law, series, path = jax.device_get(draw(family, channels(key, NUMBER)))
    return law, series.astype(np.float64), path


def check_mean(values: np.ndarray, mean: float, wrong: float) -> None:
    error = values.std() / np.sqrt(values.size)
    allowed = -stats.norm.ppf(LEVEL / 2) * error
    assert abs(values.mean() - mean) < allowed
    assert abs(values.mean() - wrong) > allowed


class TestGivenTheRate:
    @pytest.mark.parametrize("rate", [0.4, 30.0])
    def test_poisson(self, key: jax.Array, rate: float) -> None:
        _, series, path = sample(key, "poisson", FLAT, poisson_rate=Constant(rate))
        assert np.all(path.rate == np.float32(rate))
        counts = np.bincount(series.astype(int).ravel(), minlength=200)
        assert_counts_match(counts, stats.poisson(rate).pmf(np.arange(200)))
        with pytest.raises(AssertionError, match="do not follow"):
            assert_counts_match(counts, stats.poisson(rate * 1.03).pmf(np.arange(200)))

    @pytest.mark.parametrize(("shape", "power"), [(1.0, 0.5), (6.0, 1.5), (3.0, 1.0)])
    def test_generalised_gamma(self, key: jax.Array, shape: float, power: float) -> None:
        fields = {"gamma_shape": Constant(shape), "power": Constant(power)}
        _, series, _ = sample(key, "gamma", FLAT, gamma_rate=Constant(8.0), **fields)
        law = stats.gamma(shape, scale=8 / shape)
        assert_ks(series ** (1 / power), law.cdf, what="gamma variables")
        check_mean(series, law.expect(lambda x: x**power), law.expect(lambda x: x**power) * 1.02)
        check_mean(series ** (2 / power), 64 * (1 + 1 / shape), 64 * (1 + 1.06 / shape))
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(series ** (1 / power), stats.gamma(shape, scale=8.2 / shape).cdf)

    def test_lognormal_keeps_the_mean(self, key: jax.Array) -> None:
        fields = {"lognormal_rate": Constant(2.0), "lognormal_shape": Constant(0.8)}
        _, series, _ = sample(key, "lognormal", FLAT, **fields)
        assert_ks(series, stats.lognorm(0.8, scale=2 * np.exp(-0.32)).cdf)
        check_mean(series, 2, 2.05)
        check_mean(series**2, 4 * np.exp(0.64), 4.4 * np.exp(0.64))
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(series, stats.lognorm(0.82, scale=2 * np.exp(-0.32)).cdf)


class TestRate:
    @pytest.mark.parametrize("kind", KINDS)
    def test_follows_the_intensity(self, key: jax.Array, kind: str) -> None:
        law, series, path = sample(key, kind, WAVES)
        turns = law.intensity[:, None].astype(np.float64) + np.arange(LENGTH) / 20
        np.testing.assert_allclose(path.signal, 3 + np.sin(2 * np.pi * turns), atol=1e-5)
        low, high = path.signal.min(1, keepdims=True), path.signal.max(1, keepdims=True)
        share = (path.signal.astype(np.float64) - low) / (high - low)
        np.testing.assert_allclose(path.rate, law.rate[:, None] * share, rtol=1e-4, atol=1e-4)
        assert np.all(law.kind == KINDS.index(kind))
        if kind == "none":
            np.testing.assert_array_equal(series, path.signal)
            assert not np.any(path.rate)
            return
        rate = path.rate.astype(np.float64)
        assert not np.any(series[rate == 0])
        assert np.all(series >= 0)
        if kind == "poisson":
            rest = ((series - rate) / np.sqrt(np.maximum(rate, 1e-9)))[rate > 0.1]
            check_mean(rest, 0, 0.05)
            check_mean(rest**2, 1, 1.05)
        else:  # each over its law, given the rate, is uniform
            steps = (rate > 0) & (np.arange(LENGTH) % 7 == 0)
            rate, value = rate[steps], series[steps]
            wide = lambda field: np.broadcast_to(field[:, None], steps.shape)[steps]
            shape, power = wide(law.shape).astype(float), wide(law.power).astype(float)
            if kind == "gamma":
                share = stats.gamma(shape, scale=rate / shape).cdf(value ** (1 / power))
            else:
                share = stats.norm.cdf((np.log(value / rate) + shape**2 / 2) / shape)
            assert_ks(share, stats.uniform.cdf)

    def test_the_largest_poisson_rate_is_the_label(self, key: jax.Array) -> None:
        family = RateNoise(gamma=0, lognormal=0, none=0, intensity=WAVES, poisson_rate=1e9)
        laws = jax.jit(family.draw_laws, static_argnums=1)(channels(key, 3), LENGTH)
        assert set(np.asarray(laws.rate)) == {2.0**22}

    def test_parameters(self, key: jax.Array) -> None:
        family = RateNoise(poisson=1, gamma=2, lognormal=3, none=4, intensity=WAVES)
        law = jax.device_get(draw(family, channels(key, NUMBER))[0])
        assert_counts_match(np.bincount(law.kind, minlength=4), np.arange(1, 5) / 10)
        of = lambda field, kind: getattr(law, field)[law.kind == kind].astype(np.float64)
        for field, kind, low, high in (
            ("rate", 0, 0.1, 100), ("rate", 1, 0.1, 100), ("rate", 2, 0.1, 5),
            ("shape", 1, 1, 50), ("shape", 2, 1, 3),
        ):  # fmt: skip
            assert_ks(of(field, kind), stats.loguniform(low, high).cdf, what=f"{field} of {kind}")
        assert_ks(of("power", 1), stats.uniform(0.5, 1).cdf, what="power")
        assert set(law.power[law.kind != 1]) == {1}
        assert not np.any(law.rate[law.kind == 3])
        assert not np.any(law.shape[np.isin(law.kind, (0, 3))])


def test_one_channel(key: jax.Array) -> None:
    """Is one of the batch, and neighbours change nothing."""
    family, words = RateNoise(intensity=WAVES), channels(key, NUMBER)
    laws, series, _ = draw(family, words)

    @jax.jit
    def draw_one(family: RateNoise, words: jax.Array) -> tuple[Any, jax.Array]:
        law = family.law(Draws(words, "law"), LENGTH)
        return law, family.series(law, Draws(words, "series"), LENGTH)

    found = jax.device_get([draw_one(family, words[index]) for index in range(12)])
    for index, (law, one) in enumerate(found):
        mine = jax.tree.map(lambda leaf, index=index: leaf[index], laws)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6), law, mine)
        np.testing.assert_allclose(series[index], one, rtol=1e-4, atol=1e-5)
    assert {int(law.kind) for law, _ in found} == set(range(4))


def test_numbers_are_leaves() -> None:
    check_no_recompilation(RateNoise(intensity=WAVES), RateNoise(poisson=0, intensity=FLAT))


BAD = {
    "RateNoise(poisson=-1": {"poisson": -1},
    "at least one weight": dict.fromkeys(KINDS, 0),
    "RateNoise(gamma_rate=Constant(value=-1": {"gamma_rate": -1.0},
    "draws must be between 0.5 and 1000": {"gamma_shape": 0.1},
    "draws must be >= 0, because it is a deviation": {"lognormal_shape": Constant(-1.0)},
    "draws must be > 0": {"power": 0.0},
    "RateNoise(intensity=3": {"intensity": 3},
    "RateNoise(poisson_rate='high'": {"poisson_rate": "high"},
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.usefixtures("unchecked")
def test_bad_fields(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        RateNoise(**BAD[message])


@pytest.mark.usefixtures("unchecked")
def test_the_intensity_says_what_is_too_short() -> None:
    with pytest.raises(ValueError, match=r"length=7.*Waveforms.*>= 8"):
        RateNoise().sample(jax.random.key(0), 1, 7)


def test_preset_is_the_published_pipeline() -> None:
    config = s2jax.presets.sarsim(length=128)
    assert isinstance(config.target, s2jax.Identity)
    noise: Any = config.inputs
    assert (noise.intensity.single, noise.intensity.additive) == (2, 1)
    assert config == from_json(to_json(config))

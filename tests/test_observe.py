"""Each effect does to a series what its formula says, with the numbers of its record."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from s2jax import observe
from s2jax.core.random import random_bits, random_rows
from s2jax.inputs import Draws
from s2jax.observe._base import summarize
from tests.statistics import assert_ks

LENGTH = 400
ROWS = 64
SERIES = np.asarray(
    3 + 2 * jnp.cumsum(jax.random.normal(jax.random.key(7), (ROWS, LENGTH)), axis=1), np.float32
)
TIME = np.arange(LENGTH)


class Out(NamedTuple):
    series: np.ndarray
    observed: np.ndarray


def measured(effect: observe.AbstractEffect) -> tuple[Out, list[dict[str, Any]]]:
    """The series under this effect alone, and the numbers of each."""
    words = random_bits(jnp.arange(2 * ROWS, dtype=jnp.uint32).reshape(ROWS, 2), 2, 3).T
    series = jnp.asarray(SERIES)

    @jax.jit
    def measure(words, series):
        laws = effect.draw_laws(words, summarize(series), LENGTH)
        observed = jnp.ones(series.shape, bool)
        return laws, effect.compute(effect.to_numbers(laws), words, series, observed)

    laws, out = jax.device_get(measure(words, series))
    return Out(*out), [{name: laws[name][row] for name in laws} for row in range(ROWS)]


def column(numbers: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([one[name] for one in numbers])[:, None]


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    size = np.abs(SERIES).max(1, keepdims=True)
    np.testing.assert_allclose(got / size, wanted / size, rtol=0, atol=2e-5)


def looks_normal(residuals: np.ndarray) -> None:
    assert_ks(residuals.ravel(), stats.norm.cdf)


def test_words_along_rows_are_those_of_columns():
    words = random_bits(jnp.arange(10, dtype=jnp.uint32).reshape(5, 2), 2, 3).T
    for count in (1, 7, 8):
        assert (random_rows(words, count, 9) == random_bits(words, count, 9).T).all()


# Noise.


def test_additive_noise():
    out, numbers = measured(observe.AdditiveNoise(level=0.3))
    deviation = column(numbers, "deviation")
    np.testing.assert_allclose(deviation, 0.3 * SERIES.std(1, keepdims=True), rtol=1e-5)
    looks_normal((out.series - SERIES) / deviation)


def test_multiplicative_noise():
    out, numbers = measured(observe.MultiplicativeNoise(level=0.2))
    assert column(numbers, "share") == pytest.approx(0.2)
    far = np.abs(SERIES) > 1
    looks_normal(((out.series - SERIES) / (0.2 * SERIES))[far])


def test_heteroscedastic_noise():
    out, numbers = measured(observe.HeteroscedasticNoise(level=0.5))
    middle = column(numbers, "quiet_at")
    np.testing.assert_allclose(middle, SERIES.mean(1, keepdims=True), rtol=1e-4, atol=1e-4)
    size = 0.5 * np.abs(SERIES - middle)
    looks_normal(((out.series - SERIES) / size)[size > 0.1])


def test_heavy_tailed_noise():
    out, numbers = measured(observe.HeavyTailedNoise(level=0.5, tail=0.3))
    drawn = (out.series - SERIES) / column(numbers, "scale")
    assert column(numbers, "tail") == pytest.approx(0.3)
    normal = np.linspace(-5.5, 5.5, 20001)
    tukey = normal * np.exp(0.15 * normal**2)
    looks_normal(np.interp(drawn, tukey, normal))


def test_outliers():
    out, numbers = measured(observe.Outliers(rate=0.05, size=4.0))
    added = out.series - SERIES
    happens = np.abs(added) > 0
    assert abs(happens.sum() - 0.05 * added.size) < 4 * np.sqrt(0.05 * added.size)
    scaled = (np.abs(added) / column(numbers, "size"))[happens]
    assert scaled.min() > 1 - 1e-4
    least = stats.norm.isf(0.025)
    uniform = stats.norm.sf(scaled * least) / 0.025
    assert_ks(uniform, stats.uniform.cdf)
    assert 0.4 < (added[happens] > 0).mean() < 0.6


def test_burst():
    out, numbers = measured(observe.Burst(level=1.0, duration=0.25))
    start, stop = column(numbers, "start"), column(numbers, "stop")
    assert (stop - start == LENGTH // 4).all()
    within = (start <= TIME) & (stop > TIME)
    residuals = (out.series - SERIES) / column(numbers, "deviation")
    assert not residuals[~within].any()
    looks_normal(residuals[within])


# Maps.


@pytest.mark.parametrize("kind", [observe.GainDrift, observe.OffsetDrift])
def test_drift(kind):
    out, numbers = measured(kind(amount=0.5))
    of = {name: column(numbers, name) for name in numbers[0]}
    share = TIME / (LENGTH - 1)
    turns = of["cycles"] * share + of["phase"]
    course = of["slope"] * share + of["wave"] * np.sin(2 * np.pi * turns)
    if kind is observe.GainDrift:
        assert of["amount"] == pytest.approx(0.5)
        close(out.series, SERIES * (1 + 0.5 * course))
    else:
        np.testing.assert_allclose(of["amount"], 0.5 * SERIES.std(1, keepdims=True), rtol=1e-5)
        close(out.series, SERIES + of["amount"] * course)


def test_gamma_warp():
    out, _ = measured(observe.GammaWarp(exponent=2.0))
    low, high = SERIES.min(1, keepdims=True), SERIES.max(1, keepdims=True)
    close(out.series, low + (high - low) * ((SERIES - low) / (high - low)) ** 2)


def test_calendar():
    out, numbers = measured(observe.Calendar(period=7.0, closed=2 / 7, opening=0.25))
    first, low = column(numbers, "first"), SERIES.min(1, keepdims=True)
    closed = (TIME + first) % 7 < 2
    assert (column(numbers, "closed") == 2).all()
    assert set(first.ravel()) == set(range(7))
    close(out.series, np.where(closed, low + 0.25 * (SERIES - low), SERIES))


def test_clip():
    out, _ = measured(observe.Clip(limit=1.0))
    mean, deviation = SERIES.mean(1, keepdims=True), SERIES.std(1, keepdims=True)
    close(out.series, np.clip(SERIES, mean - deviation, mean + deviation))


def test_censor():
    out, numbers = measured(observe.Censor(limit=0.5))
    limit, is_upper = column(numbers, "limit"), column(numbers, "is_upper")
    wanted = np.where(is_upper, np.minimum(SERIES, limit), np.maximum(SERIES, limit))
    assert (out.series == wanted).all()
    assert 0.3 < is_upper.mean() < 0.7


def test_round():
    out, numbers = measured(observe.Round(step=0.5))
    step = column(numbers, "step")
    whole = out.series / step
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-3)
    assert (np.abs(out.series - SERIES) <= 0.501 * step).all()


# Blocks.


def blocks_of(size: int, phase: int) -> np.ndarray:
    """For each time, the number of its block."""
    return (TIME + phase) // size


def test_hold():
    out, numbers = measured(observe.Hold(size=8.0))
    for row, one in enumerate(numbers):
        block = blocks_of(one["size"], one["phase"])
        first = np.array([np.flatnonzero(block == b)[0] for b in block])
        assert (out.series[row] == SERIES[row, first]).all()
    assert {one["phase"] for one in numbers} == set(range(8))


def test_aggregate():
    out, numbers = measured(observe.Aggregate(size=7.0, sums=0.5))
    for row, one in enumerate(numbers):
        block = blocks_of(one["size"], one["phase"])
        reduce = np.sum if one["is_sum"] else np.mean
        wanted = np.array([reduce(SERIES[row, block == b].astype(float)) for b in block])
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(out.series[row] / scale, wanted / scale, atol=1e-5)
    assert 0.3 < np.mean([one["is_sum"] for one in numbers]) < 0.7


def test_dead_sensor():
    out, numbers = measured(observe.DeadSensor(duration=0.2))
    for row, one in enumerate(numbers):
        wanted = SERIES[row].copy()
        wanted[one["start"] : one["stop"]] = wanted[one["start"]]
        assert one["stop"] - one["start"] == LENGTH // 5
        assert (out.series[row] == wanted).all()


# Gaps.


def test_missing_at_random():
    out, _ = measured(observe.MissingAtRandom(rate=0.3))
    assert abs((~out.observed).sum() - 0.3 * SERIES.size) < 4 * np.sqrt(0.21 * SERIES.size)
    assert (out.series == SERIES).all()


def test_missing_blocks():
    out, numbers = measured(observe.MissingBlocks(duration=0.1))
    counts = []
    for row, one in enumerate(numbers):
        observed = np.ones(LENGTH, bool)
        for start, stop in zip(one["start"], one["stop"], strict=True):
            observed[start:stop] = False
        counts.append((one["stop"] > one["start"]).sum())
        assert (out.observed[row] == observed).all()
    assert set(counts) == {1, 2, 3, 4}


def test_missing_periodic():
    out, numbers = measured(observe.MissingPeriodic(period=7.0, share=2 / 7))
    first = column(numbers, "first")
    assert (out.observed == ~((TIME + first) % 7 < 2)).all()


def test_missing_end():
    out, numbers = measured(observe.MissingEnd(duration=0.25))
    assert (column(numbers, "start") == LENGTH - LENGTH // 4).all()
    assert (out.observed == (column(numbers, "start") > TIME)).all()


# Counts.


@pytest.mark.parametrize("shape", [None, 2.0])
def test_counts(shape):
    fields: dict[str, Any] = {"rate": 6.0, "spread": 0.5}
    effect = observe.PoissonCounts(**fields)
    if shape is not None:
        effect = observe.NegativeBinomialCounts(**fields, shape=shape)
    out, numbers = measured(effect)
    assert (out.series == np.round(out.series)).all()
    rate = 6 * np.exp(column(numbers, "slope") * (SERIES - column(numbers, "mean")))
    # a uniform between P(X < n) and P(X <= n) is uniform
    law = stats.poisson(rate) if shape is None else stats.nbinom(shape, shape / (shape + rate))
    below, upto = law.cdf(out.series - 1), law.cdf(out.series)
    uniform = below + np.random.default_rng(0).random(below.shape) * (upto - below)
    assert_ks(uniform.ravel(), stats.uniform.cdf)


# All of them.


@pytest.mark.parametrize(
    "effect", observe.Observation().effects, ids=lambda one: type(one).__name__
)
def test_one_channel_is_measured_as_many_are(effect):
    words = random_bits(jnp.arange(6, dtype=jnp.uint32).reshape(3, 2), 2, 3).T
    series = jnp.asarray(SERIES[:3])
    laws = effect.draw_laws(words, observe.Summary(*jnp.ones((4, 3))), LENGTH)
    observed = jnp.ones(series.shape, bool)
    many, seen = effect.compute(effect.to_numbers(laws), words, series, observed)
    for row in range(3):
        law = jax.tree.map(lambda leaf, row=row: leaf[row], laws)
        draws = _draws(words[row])
        one, is_there = effect.measure(law, draws, series[row], observed[row])
        np.testing.assert_allclose(one, many[row], rtol=1e-5, atol=1e-4)
        assert (is_there == seen[row]).all()


def _draws(words: jax.Array) -> Any:
    return Draws(words, "observe.series")

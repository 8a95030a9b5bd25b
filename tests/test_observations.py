"""Which effects a series meets, the record of it, and batches of measured rows."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import observe
from tests.statistics import assert_counts_match

KEY = jax.random.key(3)
SERIES = jnp.cumsum(jax.random.normal(jax.random.key(7), (4096, 32)), axis=1)
EVERYTHING = observe.Observation(share=0.7, most=3)


class Echo(observe.AbstractEffect):
    strength: float = 0.5

    def law(self, draws, summary, length):
        return {"delay": draws.integers("delay", 1, length // 2)}

    def measure(self, law, draws, series, observed):
        noise = 0.01 * draws.normal("noise", series.shape)
        return series + self.strength * jnp.roll(series, law["delay"]) + noise, observed & True


@pytest.fixture(scope="module")
def everything():
    return jax.device_get(EVERYTHING.measure(KEY, SERIES))


# The law.


@pytest.mark.floats
def test_a_share_of_the_series_is_measured(everything):
    is_measured = (everything.record.effect >= 0).any(1)
    untouched = (everything.series == SERIES).all(1) & everything.observed.all(1)
    assert untouched[~is_measured].all()
    assert 0.66 < is_measured.mean() < 0.74


def test_numbers_of_effects_are_alike_and_none_comes_twice():
    weights = [3.0, 1.0, 2.0]
    effects = [observe.AdditiveNoise(), observe.MultiplicativeNoise(), observe.Outliers(rate=0.5)]
    observation = observe.Observation(effects, weights, share=1.0, most=3)
    found = np.asarray(observation.measure(KEY, SERIES).record.effect)
    count = (found >= 0).sum(1)
    assert_counts_match(np.bincount(count, minlength=4)[1:], np.ones(3) / 3)
    assert all(len(set(row[:n])) == n for row, n in zip(found.tolist(), count, strict=True))
    assert_counts_match(np.bincount(found[:, 0], minlength=3), np.array(weights) / 6)
    # the second in proportion to the weights of those left
    after_first = found[(found[:, 0] == 0) & (count > 1), 1]
    assert_counts_match(np.bincount(after_first, minlength=3)[1:], np.array([1, 2]) / 3)


def test_an_effect_of_weight_zero_never_happens():
    effects = [observe.AdditiveNoise(), observe.Round(), observe.Clip()]
    observation = observe.Observation(effects, [1.0, 0.0, 0.0], share=1.0, most=2)
    found = np.asarray(observation.measure(KEY, SERIES[:256]).record.effect)
    assert (found[:, 0] == 0).all()
    assert (found[:, 1] == -1).all()


def test_any_prefix_holds_the_stated_mix():
    config = s2jax.presets.s2(16, observation=observe.Observation(share=0.5, most=1))
    batch = s2jax.sample(KEY, config, 512)
    happened = np.asarray(batch.observation.effect[:, 0, 0] >= 0).sum()
    assert abs(happened - 256) < 5 * np.sqrt(128)


def test_what_would_destroy_a_series_is_left_out():
    flat = jnp.zeros((64, 32)).at[:, 5].set(1.0)  # a clip at the mean takes the spike away
    observation = observe.Observation([observe.Clip(limit=0.1)], share=1.0, most=1)
    measured = observation.measure(KEY, flat)
    spread = measured.series.max(1) - measured.series.min(1)
    assert (spread > 0).all()
    gone = observe.Observation([observe.MissingEnd(duration=0.9)], share=1.0, most=1)
    late = jnp.zeros((64, 32)).at[:, 30].set(1.0)
    measured = gone.measure(KEY, late)
    assert measured.observed.all()
    assert (measured.record.effect == -1).all()
    assert measured.record.texts() == [""] * 64


def test_all_of_them_in_the_order_in_which_they_are_listed():
    effects = [observe.AdditiveNoise(), observe.Round(), observe.Outliers()]
    observation = observe.Observation(effects, share=1.0, least=3, most=3, ordered=True)
    found = np.asarray(observation.measure(KEY, SERIES[:256]).record.effect)
    assert (found == [0, 1, 2]).all()
    fewer = observe.Observation(effects, share=1.0, least=2, most=3, ordered=True)
    found = np.asarray(fewer.measure(KEY, SERIES).record.effect)
    assert (found[:, 0] < found[:, 1]).all()
    assert set(np.unique(found[:, 2])) == {-1, 2}


# The record.


@pytest.mark.floats
def test_a_record_replays_to_the_same_bits(everything):
    series, observed = EVERYTHING.replay(everything.record, SERIES)
    assert (series == everything.series).all()
    assert (observed == everything.observed).all()
    names = Counter(name for steps in everything.record.steps() for name, _ in steps)
    assert len(names) == len(EVERYTHING.effects)


def test_in_float64():
    with jax.enable_x64(True):
        series = jnp.asarray(np.asarray(SERIES[:512]), jnp.float64) + 1e9
        measured = EVERYTHING.measure(KEY, series)
        again, observed = EVERYTHING.replay(measured.record, series)
        assert measured.series.dtype == jnp.float64
        assert (again == measured.series).all()
        assert (observed == measured.observed).all()


def test_a_record_of_something_else_is_refused(unchecked, everything):
    with pytest.raises(ValueError, match=r"must have the same axes but for time.*Pass the clean"):
        EVERYTHING.replay(everything.record, SERIES[:5])
    with pytest.raises(TypeError, match="must be a Record. Pass batch.observation"):
        EVERYTHING.replay(everything, SERIES)
    with pytest.raises(ValueError, match="must be a record of this observation"):
        EVERYTHING.replay(everything.record, SERIES[:, :20])
    other = observe.Observation([observe.Round()], most=1)
    with pytest.raises(ValueError, match="must be a record of this observation"):
        other.replay(everything.record, SERIES)


def test_texts_name_effects_and_numbers():
    observation = observe.Observation([observe.Round(step=0.5)], share=1.0, most=1)
    text = observation.measure(KEY, SERIES[0]).record.texts()[0]
    step = 0.5 * float(SERIES[0].std())
    assert text == f"round(step={step:.4g})"


# What stands where a value is missing.


@pytest.mark.parametrize("fill", ["last", "zero", "nan"])
def test_fill(fill):
    effect = observe.MissingAtRandom(rate=0.5)
    observation = observe.Observation([effect], share=1.0, most=1, fill=fill)
    series, observed, _ = jax.device_get(observation.measure(KEY, SERIES[:64]))
    values = np.asarray(SERIES[:64])
    assert 0.4 < observed.mean() < 0.6
    for row in range(64):
        there = np.flatnonzero(observed[row])
        last = [max([t for t in there if t <= time], default=there[0]) for time in range(32)]
        filled = {"last": values[row, last], "zero": np.zeros(32), "nan": np.full(32, np.nan)}
        wanted = np.where(observed[row], values[row], filled[fill])
        np.testing.assert_array_equal(series[row], wanted)


# Batches.

ONE_OF_EACH = observe.Observation(
    [observe.Burst(), observe.Clip(), observe.Hold(), observe.MissingBlocks(), Echo()], most=2
)
CONFIG = s2jax.presets.s2(32, num_outputs=2, min_outputs=1, observation=ONE_OF_EACH)


@pytest.mark.floats
def test_measured_rows_of_a_batch():
    batch = s2jax.sample(KEY, CONFIG, 64)
    clean = s2jax.sample(KEY, s2jax.presets.s2(32, num_outputs=2, min_outputs=1), 64)
    assert clean.y_clean is None
    assert clean.y_observed is None
    assert clean.observation is None
    assert (batch.y_clean == clean.y).all()
    again, observed = ONE_OF_EACH.replay(batch.observation, batch.y_clean)
    assert (again == batch.y).all()
    assert (observed == batch.y_observed).all()
    assert (batch.observation.effect[~batch.y_mask] == -1).all()
    assert not batch.y[~batch.y_mask].any()


@pytest.mark.floats
def test_a_batch_of_five_is_the_first_five_rows_of_sixty_four():
    few, many = s2jax.sample(KEY, CONFIG, 5), s2jax.sample(KEY, CONFIG, 64)
    same = jax.tree.map(lambda a, b: bool((a == b[:5]).all()), few, many)
    assert all(jax.tree.leaves(same))
    some = s2jax.candidates(KEY, CONFIG, few.index)
    assert (some.y == few.y).all()


@pytest.mark.floats
def test_keys_under_vmap():
    keys = jax.random.split(KEY, 3)
    together = jax.vmap(lambda key: s2jax.sample(key, CONFIG, 4))(keys)
    for place, key in enumerate(keys):
        alone = s2jax.sample(key, CONFIG, 4)
        assert (together.y[place] == alone.y).all()
        assert (together.observation.laws[place] == alone.observation.laws).all()


def test_one_series_is_measured_as_the_first_of_two():
    """Of one alone LLVM once did not end compiling: see `core.queue.Queue`."""
    alone, both = ONE_OF_EACH.measure(KEY, SERIES[0]), ONE_OF_EACH.measure(KEY, SERIES[:2])
    assert (alone.record.effect == both.record.effect[0]).all()
    assert (alone.observed == both.observed[0]).all()
    np.testing.assert_allclose(alone.series, both.series[0], rtol=1e-5)
    again, _ = ONE_OF_EACH.replay(alone.record, SERIES[0])
    np.testing.assert_allclose(again, alone.series, rtol=1e-5)


def test_solutions_are_measured():
    target = s2jax.ode.named("lotka_volterra")
    observation = observe.Observation([observe.AdditiveNoise(level=0.1)], share=1.0, most=1)
    config = s2jax.Config(32, 0, 2, target=target, observation=observation, y_scaling=None)
    batch = s2jax.sample(KEY, config, 4)
    noise = np.asarray(batch.y - batch.y_clean)
    size = np.asarray(batch.y_clean).std(-1)
    np.testing.assert_allclose(noise.std(-1) / size, 0.1, rtol=0.5)
    clean = s2jax.sample(KEY, s2jax.Config(32, 0, 2, target=target, y_scaling=None), 4)
    found, wanted = (s2jax.ode.census(one, audit=0).rows.turns for one in (batch, clean))
    assert (found == wanted).all()


def test_turning_its_numbers_compiles_nothing():
    traced = []

    @jax.jit
    def draw(key, share, level, weight):
        traced.append(1)
        effects = [observe.AdditiveNoise(s2jax.distributions.Constant(level)), observe.Round()]
        observation = observe.Observation(effects, jnp.stack([weight, 1.0]), share=share, most=1)
        return s2jax.sample(key, s2jax.presets.s2(32, observation=observation), 8).y

    first = draw(KEY, 0.5, 0.1, 1.0)
    second = draw(KEY, 1.0, 0.2, 3.0)
    assert len(traced) == 1
    assert (first != second).any()


def test_every_number_moves_the_fingerprint():
    effects = [observe.AdditiveNoise(0.1), observe.Round()]
    of = lambda **fields: (
        s2jax.Stream(
            s2jax.presets.s2(32, observation=observe.Observation(**{"effects": effects} | fields))
        ).fingerprint
    )
    prints = [
        s2jax.Stream(s2jax.presets.s2(32)).fingerprint, of(), of(share=0.4), of(most=2), of(most=1),
        of(fill="zero"), of(weights=[1.0, 2.0]), of(effects=effects[::-1]),
        of(effects=[observe.AdditiveNoise(0.2), observe.Round()]),
    ]  # fmt: skip
    assert len(set(prints)) == len(prints) - 1  # 2 is most by default


# Effects of one's own.


def test_an_effect_of_ones_own():
    observation = observe.Observation([Echo(), observe.Round()], share=1.0, most=2)
    measured = observation.measure(KEY, SERIES[:64])
    again, _ = observation.replay(measured.record, SERIES[:64])
    assert (again == measured.series).all()
    delays = [dict(steps)["echo"] for steps in measured.record.steps() if "echo" in dict(steps)]
    assert {"delay"} == set(delays[0])
    assert len({int(one["delay"]) for one in delays}) > 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda series, observed: (series[:-1], observed), "must have shape"),
        (lambda series, observed: (series > 0, observed), "must be real floats"),
        (lambda series, observed: (series, observed[:-1]), "must be .* booleans"),
        (lambda series, observed: series, "must return two arrays"),
    ],
)
def test_an_effect_that_returns_something_else_is_refused(unchecked, make, message):
    class Wrong(observe.AbstractEffect):
        def law(self, draws, summary, length):
            return {}

        def measure(self, law, draws, series, observed):
            return make(series, observed)

    observation = observe.Observation([Wrong()], share=1.0, most=1)
    with pytest.raises((TypeError, ValueError), match=message):
        observation.measure(KEY, SERIES[:2])


# Bad input.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: observe.Observation(()), "at least one of effects"),
        (lambda: observe.Observation("noise"), "must be a list of effects"),
        (lambda: observe.Observation([observe.Round]), r"not its class\. Call it: Round\(\)"),
        (lambda: observe.Observation([s2jax.inputs.ARMA()]), "must be an effect of a measurement"),
        (lambda: observe.Observation(weights=[1.0]), "one weight for each"),
        (lambda: observe.Observation(share=1.5), "share=1.5"),
        (lambda: observe.Observation(most=0), "most=0"),
        (lambda: observe.Observation([observe.Round()], most=2), "most=2"),
        (lambda: observe.Observation(fill="mean"), "must be one of 'last', 'zero', 'nan'"),
        (lambda: observe.Observation(least=4), "least=4"),
        (lambda: observe.Observation(ordered=1), "ordered=1"),
        (lambda: EVERYTHING.measure(KEY, SERIES.at[0, 0].set(jnp.nan)), "must be finite"),
        (lambda: EVERYTHING.measure(KEY, jnp.zeros((0, 100))), "at least two values, time last"),
        (lambda: EVERYTHING.measure(KEY, 3.0), "at least two values, time last"),
        (lambda: observe.MissingAtRandom(rate=1.0), "some values have to be left"),
        (lambda: observe.MissingEnd(duration=1.0), "some values have to be left"),
        (lambda: observe.MissingBlocks(duration=0.5), "four have to leave some"),
        (lambda: observe.MissingPeriodic(share=1.0), "some values have to be left"),
        (lambda: observe.Censor(limit=-3.0), "all values of some series would be at the limit"),
        (lambda: observe.Clip(limit=0.0), "all values would be at a limit"),
        (lambda: observe.Round(step=10.0), "all values of most series would be one"),
        (lambda: observe.DeadSensor(duration=1.0), "a part of the series has to be left"),
        (lambda: observe.Calendar(closed=1.0), "a part of a period stays open"),
        (lambda: observe.Hold(size=1.0), "a block of one time is no block"),
        (lambda: observe.AdditiveNoise(level=1e6), "leaves nothing of the series"),
        (lambda: s2jax.presets.s2(observation=observe.Round()), "must be an s2jax.observe.Observ"),
    ],
)
def test_bad_input(unchecked, make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_show_says_what_is_measured(tmp_path):
    observation = observe.Observation([observe.Round(), observe.Clip()], share=0.25)
    s2jax.write_corpus(tmp_path, s2jax.presets.s2(32, observation=observation), 4, block_size=4)
    assert s2jax.describe_corpus(tmp_path)["measured"] == "25% of rows, Round, Clip"
    row = s2jax.read_corpus(tmp_path).row(0)
    assert {"y_clean_0", "y_observed_0", "observation"} <= set(row)

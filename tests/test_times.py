"""Irregular times: their laws, and that what is read does not depend on when one looks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sympy

import s2jax
from s2jax import observe
from s2jax.config.serialize import from_json, to_json
from tests.statistics import assert_counts_match

KEY = jax.random.key(5)
LENGTH = 32
TIMES = observe.Times()


def draw(*spacings, length=LENGTH, n=2000, **fields):
    return np.asarray(observe.Times(list(spacings), **fields).sample(KEY, n, length))


# The laws.


def test_times_rise_from_the_first_to_the_last():
    times = np.asarray(TIMES.sample(KEY, 2000, LENGTH))
    assert (times[:, 0] == 0).all()
    assert (times[:, -1] == LENGTH - 1).all()
    assert np.diff(times).min() >= 0.25
    assert (times * 4 == np.round(times * 4)).all()


def test_a_share_of_the_rows_is_irregular():
    times = draw(observe.Thinning(size=1.0), share=0.3, length=64)
    is_regular = (times == np.arange(64)).all(1)
    assert_counts_match(np.bincount(is_regular, minlength=2), np.array([0.3, 0.7]))


def test_spacings_come_as_often_as_their_weights_say():
    times = draw(
        observe.Thinning(size=0.0), observe.Gaps(rate=1.0, size=9.0), weights=[1.0, 3.0], length=64
    )
    is_regular = (times == np.arange(64)).all(1)
    assert_counts_match(np.bincount(is_regular, minlength=2), np.array([0.75, 0.25]))


def test_jitter_is_uniform_about_each_step():
    late = 4 * (draw(observe.Jitter(size=1.0)) - np.arange(LENGTH))[:, 1:-1]
    assert_counts_match(np.bincount(1 + late.astype(int).ravel(), minlength=3), np.ones(3) / 3)


def test_thinned_distances_are_exponential():
    distances = np.diff(draw(observe.Thinning(size=1.0), length=256, n=40, ticks=64))
    # a tick at least, and on ticks: what is left is exponential between two of them
    left = (distances * 64 - 1 + np.random.default_rng(0).uniform(-0.5, 0.5, distances.shape)) / 63
    assert scipy.stats.kstest(left.ravel()[::3], "expon").pvalue > 1e-3


def test_gaps_are_as_many_and_as_long_as_they_are_said_to_be():
    distances = np.diff(draw(observe.Gaps(rate=0.1, size=20.0), length=512, n=100, ticks=64))
    usual = np.median(distances, axis=1, keepdims=True)
    # each distance is a tick, and what is in proportion to it
    lost = (distances - 1 / 64) / (usual - 1 / 64) - 1
    assert abs((lost > 0.3).mean() - 0.1 * np.exp(-0.3 / 20)) < 0.005
    assert abs(lost[lost > 0.3].mean() / 20.3 - 1) < 0.05


@pytest.mark.floats
def test_times_of_a_row_depend_on_its_key_alone():
    many = np.asarray(TIMES.sample(KEY, 300, LENGTH))
    for n in (1, 2, 7):
        assert (np.asarray(TIMES.sample(KEY, n, LENGTH)) == many[:n]).all()


def test_a_spacing_that_says_nothing_is_regular_but_for_its_end():
    class Nothing(observe.AbstractSpacing):
        def distances(self, draws, count):
            return jnp.zeros(count)

    times = draw(Nothing(), n=2)
    assert (np.diff(times)[:, :-1] == 0.25).all()


# What is read.


@pytest.fixture(scope="module")
def batch():
    config = s2jax.presets.mix(length=LENGTH, times=TIMES, num_inputs=2)
    return jax.device_get(s2jax.sample(KEY, config, 64))


def test_outputs_are_functions_of_inputs_at_the_same_time(batch):
    assert batch.x.shape == (64, 2, LENGTH)
    assert batch.t.shape == (64, LENGTH)
    assert (np.diff(batch.t) > 0).all()
    values = np.asarray(s2jax.evaluate(batch.program, jnp.asarray(batch.x)))
    found = values * batch.y_scale[..., None] + batch.y_shift[..., None]
    np.testing.assert_allclose(found, batch.y, rtol=2e-3, atol=2e-3)


@pytest.mark.floats
def test_what_is_drawn_does_not_depend_on_when_one_looks():
    """Rows at two laws of times: alike at the ticks that both read, and as drawn at every tick."""
    at = lambda **fields: s2jax.sample(KEY, s2jax.presets.s2(**fields), 32)
    late, thin = (
        at(length=LENGTH, times=observe.Times([spacing]))
        for spacing in (observe.Jitter(size=1.0), observe.Thinning(size=1.0))
    )
    every = at(length=4 * (LENGTH - 1) + 1)
    common = 0
    for one in (late, thin):
        tick = np.asarray(4 * one.t).astype(int)
        for series, all_of_it in ((one.x, every.x), (one.y, every.y)):
            read = np.take_along_axis(np.asarray(all_of_it), tick[:, None], axis=2)
            assert (np.asarray(series) == read).all()
        common += len(np.unique(tick))
    assert common > LENGTH
    assert (np.asarray(late.program.op) == np.asarray(every.program.op)).all()


def hunting(**fields):
    x, y = sympy.symbols("x y")
    system = s2jax.System.from_sympy(
        [x * (1.1 - y), y * (x - 0.7)], [x, y], initial=[1.0, 1.5], duration=12.0
    )
    return s2jax.Config(64, 0, 2, target=system, y_scaling=None, **fields)


def test_solutions_are_those_at_the_times():
    config = hunting(times=observe.Times([observe.Thinning()], ticks=2))
    batch = jax.device_get(s2jax.sample(KEY, config, 3))
    assert (batch.status == 0).all()
    slope = lambda _, now: [now[0] * (1.1 - now[1]), now[1] * (now[0] - 0.7)]
    for t, found in zip(batch.t, batch.y, strict=True):
        assert np.ptp(np.diff(t)) > 0.5 * np.diff(t).mean()
        exact = scipy.integrate.solve_ivp(slope, (0, 12), [1.0, 1.5], "DOP853", t, rtol=1e-10)
        np.testing.assert_allclose(found, exact.y, rtol=2e-3, atol=2e-3)


@pytest.mark.slow
def test_random_equations_turn_as_slowly_as_readings_can_show():
    config = s2jax.presets.ode(length=64, num_inputs=0, times=TIMES)
    batch = jax.device_get(s2jax.sample(KEY, config, 64))
    assert (batch.status == 0).all()
    assert batch.t.shape == (64, 64)
    assert (np.diff(batch.t) > 0).all()
    smooth = ~np.isin([batch.dynamics.forms[form] for form in batch.dynamics.form], ["stochastic"])
    assert (batch.dynamics.turns[smooth] <= 63 / 6).all()


@pytest.mark.floats
def test_what_is_read_is_measured():
    observation = observe.Observation(share=1.0)
    config = s2jax.presets.s2(length=64, times=TIMES)
    measured = s2jax.sample(
        KEY, s2jax.presets.s2(length=64, times=TIMES, observation=observation), 8
    )
    assert (measured.y_clean == s2jax.sample(KEY, config, 8).y).all()
    again, observed = observation.replay(measured.observation, measured.y_clean)
    assert (again == measured.y).all()
    assert (observed == measured.y_observed).all()


def test_pairs_are_read_at_the_same_times():
    graph = s2jax.inputs.CausalGraph(roots=s2jax.inputs.ARMA())
    config = s2jax.Config(LENGTH, 3, inputs=graph, target=s2jax.Identity(), times=TIMES)
    pair = jax.device_get(s2jax.sample_pair(KEY, config, 32, s2jax.Do(channel=1, value=2.0)))
    done = np.arange(LENGTH) >= pair.start[:, None]
    assert (pair.x == pair.observed.x)[~np.broadcast_to(done[:, None], pair.x.shape)].all()
    assert (pair.start > 0).all()
    for row in range(32):
        assert (pair.x[row, 1, pair.start[row] :] == pair.values[row, pair.start[row] :]).all()
    given = s2jax.inputs.Intervention(
        np.ones(4, int), np.full(4, 40), np.full((4, config.num_ticks), 2.0)
    )
    same = s2jax.sample_pair(KEY, config, 4, given)
    at = np.asarray(4 * same.observed.t)
    assert (np.asarray(same.start) == (at < 40).sum(1)).all()


# In corpora, exports and pictures.


def test_corpora_keep_the_times(tmp_path):
    for name, config in (
        ("f", s2jax.presets.s2(length=64, times=TIMES)),
        ("ode", hunting(times=TIMES)),
    ):
        s2jax.write_corpus(tmp_path / name, config, 8, block_size=8)
        corpus = s2jax.read_corpus(tmp_path / name)
        batch = s2jax.Stream(config, block_size=8)[0]
        assert (corpus[0:8].t == batch.t).all()
        assert corpus.table([0]).column_names.count("t") == 1
        assert not s2jax.verify_corpus(tmp_path / name)
    done = s2jax.exporters.export(tmp_path / "f", tmp_path / "hf", "hf")
    assert any("irregular times" in text for text in done.warnings)
    s2jax.plotting.plot_corpus(tmp_path / "f", tmp_path / "picture.png", 2)
    facts = s2jax.corpus.info.facts(s2jax.read_corpus(tmp_path / "f").manifest, 0)
    assert "4\xa0ticks a step" in facts["irregular"]


def test_files_of_the_reference_have_no_place_for_them(tmp_path, batch):
    with pytest.raises(ValueError, match="no place for others"):
        s2jax.corpus.write_reference(batch, tmp_path / "pairs")


def test_a_spacing_of_ones_own_is_known_by_its_name():
    @s2jax.register
    class Slower(observe.AbstractSpacing):
        last: float = 4.0

        def distances(self, draws, count):
            return jnp.linspace(1.0, self.last, count)

    config = s2jax.presets.s2(length=LENGTH, times=observe.Times([Slower(last=8.0)]))
    again = from_json(to_json(config))
    assert again == config
    assert s2jax.Stream(again).fingerprint == s2jax.Stream(config).fingerprint


# Bad input.


class Short(observe.AbstractSpacing):
    def distances(self, draws, count):
        return jnp.ones(count - 1)


BAD = [
    (lambda: observe.Times([]), "at least one of spacings"),
    (lambda: observe.Times(observe.Jitter()), "must be a list of spacings"),
    (lambda: observe.Times([observe.Round()]), "must be a spacing of readings"),
    (lambda: observe.Times(weights=[1.0]), "Give as many weights as spacings"),
    (lambda: observe.Times(share=1.5), "share=1.5"),
    (lambda: observe.Times(ticks=1), "ticks=1"),
    (lambda: observe.Jitter(size=2.0), "readings stay in their order"),
    (lambda: observe.Gaps(rate=2.0), "it is a probability"),
    (lambda: observe.Gaps(size=-1.0), "it is a number of readings"),
    (lambda: observe.Thinning(size=2.0), "distances are not negative"),
    (lambda: s2jax.Config(times=observe.Jitter()), "must be an s2jax.observe.Times or None"),
    (lambda: s2jax.Config(2**23, times=TIMES), "must be at most 16777216 ticks"),
    (lambda: observe.Times([Short()]).sample(KEY, 2, 8), "must be 7 floats"),
    (lambda: TIMES.sample(KEY, 0, 8), "n=0"),
]


@pytest.mark.parametrize("make, message", BAD)
def test_bad_input(unchecked, make, message):
    with pytest.raises((ValueError, TypeError)) as error:
        make()
    assert message in str(error.value)

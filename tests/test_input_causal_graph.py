"""Rows whose channels cause each other: graphs, mechanisms, interventions."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.core.random import fold_in, words_of
from s2jax.inputs import ARMA, CausalGraph, Choice, Draws, Edges, Intervention
from s2jax.laws import S2Law
from tests.statistics import assert_counts_match, assert_ks

KEY = jax.random.key(11)
CHANNELS, LENGTH = 5, 96
WHITE = ARMA(min_ar_order=0, max_ar_order=0, min_ma_order=0, max_ma_order=0)
GRAPH = CausalGraph(roots=WHITE, density=0.5)
SIMPLE = CausalGraph(WHITE, S2Law(), density=0.5)  # compiles faster


@pytest.fixture(scope="module")
def drawn():
    return jax.device_get(GRAPH.sample(KEY, 512, CHANNELS, LENGTH))


def edges_of(graph: CausalGraph, n: int, channels: int) -> Edges:
    """Graphs alone, which are drawn before anything else."""
    words = fold_in(words_of(KEY), jnp.arange(n, dtype=jnp.int32))
    draw = lambda words: graph._draw_edges(Draws(words, "law"), channels)
    return jax.device_get(jax.jit(jax.vmap(draw))(words))


# The law of graphs.


def places(order: np.ndarray) -> np.ndarray:
    """The place of each channel in the causal order."""
    return np.argsort(order, axis=-1)


def test_causes_stand_before_their_effects(drawn):
    edges = drawn.law.edges
    place = places(edges.order)
    parents = edges.parents
    found = np.take_along_axis(place, np.maximum(parents, 0).reshape(512, -1), 1)
    found = found.reshape(parents.shape)
    assert (found < place[..., None])[parents >= 0].all()
    for row in parents.reshape(-1, 3):
        assert len(set(row[row >= 0])) == (row >= 0).sum()
    assert_counts_match(np.bincount(edges.order[:, 0], minlength=CHANNELS), np.ones(5) / 5)


def test_numbers_of_parents_are_binomial_up_to_the_largest():
    edges = edges_of(GRAPH, 512, CHANNELS)
    count = (edges.parents >= 0).sum(-1)
    by_place = np.take_along_axis(count, edges.order, 1)
    for q in range(CHANNELS):
        law = stats.binom.pmf(np.arange(5), q, 0.5)
        law = np.append(law[:3], law[3:].sum())
        assert_counts_match(np.bincount(by_place[:, q], minlength=4), law)


def test_every_cause_is_in_its_equation(drawn):
    for row, texts in enumerate(drawn.law.texts()):
        for j, text in enumerate(texts):
            causes = {int(k) for k in re.findall(r"x_(\d+)\[", text.split("=", 1)[1])} - {j}
            parents = drawn.law.edges.parents[row, j]
            assert causes == set(parents[parents >= 0].tolist()), text


def test_lags_are_alike(drawn):
    lags = drawn.law.edges.lags[drawn.law.edges.parents >= 0]
    assert_counts_match(np.bincount(lags, minlength=9), np.ones(9) / 9)
    matrix = drawn.law.lag_matrix
    assert ((matrix >= 0).sum((1, 2)) == (drawn.law.edges.parents >= 0).sum((1, 2))).all()


def test_scale_free_rows_have_hubs():
    graph = CausalGraph(roots=WHITE, density=0.3, max_parents=1, max_lag=0)
    edges = edges_of(graph, 2000, 12)
    effects = (np.asarray(edges.parents)[..., 0, None] == np.arange(12)).sum(1)
    free = np.asarray(edges.scale_free)
    # of the third channel's one parent, each of two is as likely in both; later ones differ
    largest = effects.max(1)
    assert 0.45 < free.mean() < 0.55
    assert largest[free].mean() > largest[~free].mean() + 0.3


def test_parents_are_chosen_in_proportion():
    """Of four channels with one parent each: the last one's parent, given those before."""
    graph = CausalGraph(roots=WHITE, density=1.0, max_parents=1, max_lag=0, scale_free=1.0)
    edges = edges_of(graph, 4000, 3)
    by_place = np.take_along_axis(edges.parents[..., 0], edges.order, 1)
    first = edges.order[:, 0]
    assert (by_place[:, 1] == first).all()
    # the first channel causes one already: weights 2 and 1
    hits = (by_place[:, 2] == first).sum()
    assert_counts_match([hits, 4000 - hits], [2 / 3, 1 / 3])


# Mechanisms.


def lagged(series: np.ndarray, lag: int) -> np.ndarray:
    return np.concatenate([np.full(lag, np.nan), series[: LENGTH - lag]])


def test_equations_reproduce_every_channel(drawn):
    """With the mechanism of the law, read again from its text, and the noise that is left."""
    law, left, checked = drawn.law, [], 0
    texts = s2jax.to_text(
        jax.tree.map(lambda leaf: leaf.reshape(-1, 1, *leaf.shape[2:]), law.mechanisms)
    )
    for row in range(40):
        for j in range(CHANNELS):
            parents = law.edges.parents[row, j]
            if (parents < 0).all():
                assert abs(drawn.series[row, j].mean()) < 0.5
                continue
            x = np.stack([
                lagged(drawn.series[row, k], lag) if k >= 0 else np.zeros(LENGTH)
                for k, lag in zip(parents, law.edges.lags[row, j], strict=True)
            ])  # fmt: skip
            program = s2jax.from_text([texts[row * CHANNELS + j]], protected=True)
            g = np.asarray(s2jax.evaluate(program, jnp.asarray(x[None], jnp.float32)))[0, 0]
            of = lambda leaf, row=row, j=j: leaf[row, j]
            mechanism = of(law.scale) * g + of(law.shift)
            after = slice(9, None)
            assert abs(np.nanmean(mechanism[after])) < 0.5
            bound = of(law.edges.coupling) * mechanism
            own = drawn.series[row, j]
            rest = own - of(law.edges.self_loop) * lagged(own, 1) - bound
            left.append((rest / of(law.edges.noise))[after])
            checked += 1
    assert checked > 60
    assert_ks(np.concatenate(left), stats.norm.cdf)


def test_with_its_noise_added_back_a_channel_is_exact(drawn):
    words = fold_in(words_of(KEY), jnp.arange(512, dtype=jnp.int32))
    law = jax.tree.map(jnp.asarray, drawn.law)
    again = jax.jit(lambda *given: GRAPH.draw_series(*given, CHANNELS, LENGTH))(law, words)
    np.testing.assert_allclose(again, drawn.series, rtol=1e-3, atol=1e-3)


def test_mechanisms_stay_within_bounds(drawn):
    assert np.isfinite(drawn.series).all()
    assert np.abs(drawn.series).max() < 200
    assert (drawn.law.scale[drawn.law.edges.coupling > 0] > 0).all()


def test_lagged_correlations_of_a_linear_graph():
    """x_1(t) = a x_1(t-1) + c x_0(t-L) + s e(t), x_0 white: corr(x_1(t), x_0(t-L-k)) = c a^k."""
    graph = CausalGraph(roots=WHITE, density=1.0, self_loop=0.6, coupling=0.5, linear=1.0)
    out = jax.device_get(graph.sample(KEY, 256, 2, 512))
    cause, effect = out.law.edges.order.T
    lag = out.law.edges.lags[np.arange(256), effect, 0]
    rows = np.arange(256)
    x, y = out.series[rows, cause], out.series[rows, effect]
    for k in (0, 1, 3):
        found = [
            np.corrcoef(y[row, lag[row] + k :], x[row, : 512 - lag[row] - k])[0, 1] for row in rows
        ]
        wanted = np.sqrt(0.5) * np.sqrt(1 - 0.36) * 0.6**k
        assert np.mean(found) == pytest.approx(wanted, abs=4 * 0.06 / 16)
    ahead = [np.corrcoef(y[row, :500], x[row, 12:])[0, 1] for row in rows]
    assert np.mean(ahead) == pytest.approx(0, abs=0.015)


def test_coupling_of_nothing_and_of_everything():
    for share in (0.0, 1.0):
        edges = edges_of(CausalGraph(roots=WHITE, coupling=share, self_loop=0.0), 64, 3)
        bound = (edges.parents >= 0).any(-1)
        np.testing.assert_allclose(edges.coupling[bound], share, atol=1e-6)
        np.testing.assert_allclose(edges.noise[bound], 1 - share, atol=1e-6)
        assert not edges.coupling[~bound].any()


# Batches.

CONFIG = s2jax.Config(LENGTH, 3, 3, inputs=GRAPH, target=s2jax.Identity())


@pytest.fixture(scope="module")
def many():
    return s2jax.sample(KEY, CONFIG, 40)


@pytest.mark.floats
def test_batches_do_not_depend_on_their_size(many):
    few = s2jax.sample(KEY, CONFIG, 3)
    assert (few.x == many.x[:3]).all()
    a, b = few.x_source.laws[0], many.x_source.laws[0]
    assert all(jax.tree.leaves(jax.tree.map(lambda p, q: bool((p == q[:3]).all()), a, b)))


def test_the_law_of_a_batch_is_that_of_its_rows(many):
    texts = many.x_source.laws[0].texts()
    assert len(texts) == 40
    assert all(text.startswith(f"x_{j}[t] = ") for row in texts for j, text in enumerate(row))
    assert any("[t-" in text for row in texts for text in row)


def test_a_choice_mixes_graphs_with_independent_channels():
    config = s2jax.Config(32, 2, inputs=Choice([SIMPLE, WHITE]), target=s2jax.Identity())
    batch = s2jax.sample(KEY, config, 64)
    is_graph = np.asarray(batch.x_source.family[:, 0] == 0)
    assert 15 < is_graph.sum() < 49
    law = batch.x_source.law_of(s2jax.inputs.CausalLaw)
    assert [bool(texts) for texts in law.texts()] == is_graph.tolist()
    assert not np.asarray(law.edges.coupling)[~is_graph].any()


# Interventions.


def test_before_it_begins_nothing_differs_and_after_it_only_what_it_causes():
    pair = jax.device_get(s2jax.sample_pair(KEY, CONFIG, 64))
    law = jax.device_get(pair.observed.x_source.laws[0])
    time = np.arange(LENGTH)
    before = time < pair.start[:, None]
    differs = pair.x != pair.observed.x
    assert not (differs & before[:, None]).any()
    assert not ((pair.y != pair.observed.y) & before[:, None]).any()
    causes = law.lag_matrix >= 0
    reach = causes | np.eye(3, dtype=bool)
    reach = reach @ reach @ reach  # of effect from cause
    for row in range(64):
        hit = differs[row].any(-1)
        assert hit[pair.channel[row]]
        assert (hit <= reach[row, :, pair.channel[row]]).all()
        own = pair.x[row, pair.channel[row], pair.start[row] :]
        np.testing.assert_allclose(own, pair.values[row, pair.start[row] :], rtol=1e-6, atol=4e-6)
    assert pair.finite.all()
    assert set(pair.channel.tolist()) == {0, 1, 2}
    # and not before the lags of the causes between have passed
    first = np.where(np.arange(3) == pair.channel[:, None], pair.start[:, None], LENGTH)
    for _ in range(2):
        after = np.where(causes, first[:, None] + law.lag_matrix, LENGTH).min(2)
        first = np.minimum(first, after)
    assert not (differs & (time < first[..., None])).any()
    assert (differs.any(-1) & (first < LENGTH)).sum() > 80


def test_the_effect_is_that_of_the_mechanism():
    """A child without other causes: its difference follows from the change of its cause alone."""
    graph = CausalGraph(roots=WHITE, density=1.0, coupling=0.9, max_lag=4)
    config = s2jax.Config(LENGTH, 2, 2, inputs=graph, target=s2jax.Identity(), x_scaling=None)
    pair = jax.device_get(s2jax.sample_pair(KEY, config, 64, s2jax.Do(value=1.5)))
    law = jax.device_get(pair.observed.x_source.laws[0])
    checked = 0
    for row in range(64):
        cause, effect = law.edges.order[row]
        if pair.channel[row] != cause:
            assert (pair.x[row, cause] == pair.observed.x[row, cause]).all()
            continue
        lag = law.edges.lags[row, effect, 0]
        program = jax.tree.map(lambda leaf: leaf[None, None], law.mechanisms[row, effect])
        values = []
        for x in (pair.observed.x, pair.x):
            late = np.concatenate([np.full(lag, x[row, cause, 0]), x[row, cause, : LENGTH - lag]])
            given = np.stack([late, 0 * late, 0 * late])[None]
            values.append(np.asarray(s2jax.evaluate(program, jnp.asarray(given)))[0, 0])
        change = law.edges.coupling[row, effect] * law.scale[row, effect] * (values[1] - values[0])
        wanted, loop = np.zeros(LENGTH), law.edges.self_loop[row, effect]
        for t in range(pair.start[row], LENGTH):
            wanted[t] = loop * wanted[t - 1] + change[t]
        found = pair.x[row, effect] - pair.observed.x[row, effect]
        np.testing.assert_allclose(found, wanted, atol=2e-3 * max(1, np.abs(wanted).max()))
        checked += 1
    assert checked > 15


def test_a_series_of_ones_own_is_done():
    values = jnp.tile(jnp.sin(jnp.arange(float(LENGTH))), (4, 1))
    done = Intervention(jnp.full(4, 1), jnp.full(4, 10), values)
    config = s2jax.Config(LENGTH, 3, inputs=SIMPLE, x_scaling=None)
    pair = s2jax.sample_pair(KEY, config, 4, done)
    np.testing.assert_allclose(pair.x[:, 1, 10:], values[:, 10:], rtol=1e-5, atol=1e-6)
    f = s2jax.evaluate(pair.observed.program, pair.x)
    wanted = pair.observed.y_scale[..., None] * f + pair.observed.y_shift[..., None]
    np.testing.assert_allclose(pair.y, wanted, atol=1e-3 * float(jnp.abs(wanted).max()))


def test_instruments_do_the_same_to_both():
    observation = s2jax.observe.Observation([s2jax.observe.AdditiveNoise(0.3)], share=1.0)
    config = s2jax.Config(16, 2, 2, inputs=SIMPLE, target=s2jax.Identity(), observation=observation)
    pair = s2jax.sample_pair(KEY, config, 8)
    one = pair.observed.y - pair.observed.y_clean
    other = pair.y - pair.y_clean
    np.testing.assert_allclose(one, other, atol=2e-5 * float(jnp.abs(pair.y).max()))


# Bad input.

ZEROS, VALUES = jnp.zeros(2, jnp.int32), jnp.zeros((2, LENGTH))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: s2jax.Config(8, 2, inputs=CausalGraph(max_lag=8)), "an effect would begin after"),
        (lambda: s2jax.Config(64, 17, inputs=CausalGraph()), "must be at most 16"),
        (lambda: CausalGraph(roots=CausalGraph()), "must be families of single channels"),
        (lambda: CausalGraph(self_loop=1.0), "a channel would not stay where it is"),
        (lambda: CausalGraph(density=1.5), "it is a share"),
        (lambda: CausalGraph(linear=2.0), "linear=2.0"),
        (lambda: CausalGraph(max_parents=0), "max_parents=0"),
        (lambda: s2jax.Do(channel=-1), "channel=-1"),
        (lambda: s2jax.Do(start=2.0), "it is a share of the series"),
        (lambda: s2jax.Do(channel="x_0"), "must be the number of an input"),
        (lambda: s2jax.sample_pair(KEY, CONFIG, 2, s2jax.Do(channel=3)), "channel=3"),
        (lambda: s2jax.sample_pair(KEY, s2jax.presets.s2(32), 2), "must be a causal graph"),
        (
            lambda: s2jax.sample_pair(
                KEY, CONFIG, 2, Intervention(ZEROS, ZEROS, jnp.zeros((2, 5)))
            ),
            r"must be of shape \(2, 96\)",
        ),
        (
            lambda: s2jax.sample_pair(KEY, CONFIG, 2, Intervention(ZEROS + 7, ZEROS, VALUES)),
            "< 3, the number of inputs",
        ),
        (
            lambda: s2jax.sample_pair(KEY, CONFIG, 2, Intervention(ZEROS, ZEROS + 500, VALUES)),
            "< 96, the points",
        ),
        (
            lambda: s2jax.sample_pair(
                KEY, CONFIG, 2, Intervention(ZEROS.astype(float), ZEROS, VALUES)
            ),
            "must be integers",
        ),
        (lambda: s2jax.sample_pair(0, CONFIG, 2), r"sample_pair\(key=0"),
        (
            lambda: s2jax.sample_pair(KEY, s2jax.presets.ode(32, 1, 2, inputs=GRAPH), 2),
            "the target must be a function of the inputs",
        ),
    ],
)
def test_bad_input(unchecked, make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()

"""Augmentations: their formulas and laws, and what holds for all of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from s2jax import augment
from s2jax.augment._base import _augment
from s2jax.augment._courses import draw_knots, follow
from s2jax.distributions import Constant, Normal, Uniform
from s2jax.inputs import Draws
from tests.statistics import assert_counts_match, assert_ks

KEY = jax.random.key(7)
ROWS, CHANNELS, LENGTH = 12, 2, 32
MANY = 4096

KINDS = {
    name: kind
    for name in augment.__all__
    if isinstance(kind := getattr(augment, name), type) and not name.startswith("Abstract")
}
MIXING = ("Mixup", "TSMixup")
every_kind = pytest.mark.parametrize("name", KINDS)


def make(name: str, **fields: Any) -> augment.AbstractAugmentation:
    """One of a kind, of which all rows are changed."""
    fields = {"probability": 1.0, **fields}
    if name == "Compose":
        return augment.Compose([augment.TimeFlip(), augment.ChannelDropout()], **fields)
    return KINDS[name](**fields)


def walks(*shape: int) -> np.ndarray:
    """Random walks."""
    return np.random.default_rng(3).normal(size=shape).cumsum(-1).astype(np.float32)


def as_wide(series: Any) -> np.ndarray:
    return np.asarray(series, np.float64)


# What holds for all.

SERIES = walks(ROWS, CHANNELS, LENGTH)
SERIES[3] = 2.5


@every_kind
def test_rows_are_changed_as_they_are_alone_under_vmap_and_in_float64(name: str) -> None:
    augmentation = make(name)
    changed = np.asarray(augmentation(KEY, SERIES))
    assert changed.shape == SERIES.shape
    assert changed.dtype == SERIES.dtype
    assert np.isfinite(changed).all()
    assert (changed != SERIES).any()
    keys, groups = jax.random.split(KEY, 2), SERIES.reshape(2, 6, CHANNELS, LENGTH)
    keys = jnp.stack([KEY, keys[1]])
    with jax.enable_x64(True):

        def loss(series: Any) -> tuple[Any, Any]:
            changed = jax.vmap(augmentation)(keys, series)
            return (changed**2).sum(), changed

        whole = jax.jit(jax.grad(loss, has_aux=True))
        gradient, wide = map(np.asarray, whole(groups.astype(np.float64)))
    assert wide.dtype == gradient.dtype == np.float64
    # rows that are mixed depend on their batch
    alone = augmentation(KEY, SERIES[:6]) if name in MIXING else changed[:6]
    np.testing.assert_allclose(wide[0], alone, rtol=1e-4, atol=1e-4)
    assert np.isfinite(wide).all()
    assert np.isfinite(gradient).all()
    assert (gradient != 0).any((-2, -1)).mean() > 0.6


@every_kind
def test_of_no_probability_nothing_changes_and_numbers_compile_nothing(name: str) -> None:
    whole = np.asarray(make(name)(KEY, SERIES))
    programs = _augment._cache_size()
    np.testing.assert_array_equal(make(name, probability=0.0)(KEY, SERIES), SERIES)
    some = np.asarray(make(name, probability=0.5)(KEY, SERIES))
    is_changed = (some == whole).all((1, 2))
    np.testing.assert_array_equal(some[~is_changed], SERIES[~is_changed])
    assert 0 < is_changed.sum() < ROWS
    assert _augment._cache_size() == programs


def test_numbers_of_an_augmentation_can_be_learnt() -> None:
    def end(curvature: Any) -> Any:
        trend = augment.NonlinearTrend(
            1.0, 1.0, curvature=Constant(curvature), turned=0.0, kind="power", normalize=False
        )
        return trend(KEY, np.zeros(16, np.float32))[-1]

    # u**c is the lower the larger c, so that its end is the higher above its root mean square
    slope = jax.grad(end)(jnp.float32(2.0))
    assert np.isfinite(slope)
    assert slope > 0


def test_axes_are_rows_channels_and_time() -> None:
    rows, modulation = walks(ROWS, 8), augment.AmplitudeModulation()
    changed = np.asarray(modulation(KEY, rows))
    np.testing.assert_allclose(modulation(KEY, rows[:, None]), changed[:, None], rtol=1e-6)
    np.testing.assert_allclose(modulation(KEY, rows[0]), changed[0], rtol=1e-6)
    assert modulation(KEY, list(range(8))).dtype == jnp.float32
    factors = as_wide(modulation(KEY, np.ones_like(SERIES)))
    assert np.abs(factors[:, 0] - factors[:, 1]).max() > 0.1  # each channel has its own


def test_what_moves_values_in_time_moves_those_of_inputs_and_outputs_alike() -> None:
    x = np.repeat(walks(ROWS, 1, LENGTH), CHANNELS, axis=1)
    for name in ("TimeWarp", "Upsampling", "Mixup"):
        augmentation = make(name, probability=0.5)
        changed = np.asarray(augmentation(KEY, x))
        np.testing.assert_allclose(augmentation(KEY, x[:, :1]), changed[:, :1], atol=1e-5)
        np.testing.assert_allclose(changed[:, 1], changed[:, 0], atol=1e-5)
    flip = augment.TimeFlip()
    flipped = np.asarray(flip(KEY, SERIES))
    y = SERIES[:, :1] * np.sin(SERIES[:, 1:])
    np.testing.assert_allclose(flip(KEY, y), flipped[:, :1] * np.sin(flipped[:, 1:]), rtol=1e-6)


def test_a_row_is_changed_with_the_probability(seed: int) -> None:
    series = np.broadcast_to(np.arange(1, 3, dtype=np.float32), (MANY, 2, 2))
    for number, flip in enumerate((augment.ValueFlip, augment.TimeFlip)):
        key = jax.random.key(seed + number)
        changed = np.asarray(flip(probability=0.3)(key, series))
        wanted = -series if flip is augment.ValueFlip else series[..., ::-1]
        is_changed = (changed == wanted).all((1, 2))
        np.testing.assert_array_equal(changed[~is_changed], series[~is_changed])
        count = int(is_changed.sum())
        assert_counts_match([MANY - count, count], [0.7, 0.3])


def test_parts_follow_each_other_with_streams_of_their_own() -> None:
    series = SERIES
    np.testing.assert_array_equal(augment.Compose()(KEY, series), series)
    flip = augment.ValueFlip(probability=1.0)
    np.testing.assert_array_equal(augment.Compose([flip, flip])(KEY, series), series)
    coin = augment.ValueFlip(probability=0.5)
    twice = np.asarray(augment.Compose([coin, coin])(KEY, series))
    assert 0 < (twice == series).all((1, 2)).sum() < ROWS
    both = augment.Compose([augment.TimeFlip(probability=1.0), flip])(KEY, series)
    np.testing.assert_array_equal(both, -series[..., ::-1])
    inner = augment.Compose([flip], probability=0.0)
    np.testing.assert_array_equal(augment.Compose([inner])(KEY, series), series)


# Values.


def test_modulation_is_of_lines_between_its_amplitudes(seed: int) -> None:
    modulation = augment.AmplitudeModulation(Uniform(0.2, 1.8), num_changepoints=4)
    factors = as_wide(modulation(jax.random.key(seed), np.ones((MANY, 24), np.float32)))
    for end in (0, -1):
        assert_ks(factors[:, end], stats.uniform(0.2, 1.6).cdf)
    # three lines have two bends, each between two times at most
    bends = (np.abs(np.diff(factors, 2)) > 1e-4).sum(1)
    assert bends.max() <= 4
    assert (bends >= 2).mean() > 0.9
    series = walks(MANY, 24)
    changed = modulation(jax.random.key(seed), series)
    np.testing.assert_allclose(changed, series * factors, rtol=1e-5)


def test_change_points_are_uniform_but_for_their_gaps(seed: int) -> None:
    words = jax.random.key_data(jax.random.split(jax.random.key(seed), MANY))
    draw = jax.vmap(lambda words: draw_knots(Draws(words, "a"), 4, 33, 5.0))
    knots = as_wide(jax.jit(draw)(words))
    assert (knots[:, 0] == 0).all()
    assert (knots[:, -1] == 32).all()
    assert np.diff(knots).min() >= 5 - 1e-5
    # of two sorted uniform numbers u, v on what three gaps leave
    left = 32 - 15
    assert_ks((knots[:, 1] - 5) / left, stats.beta(1, 2).cdf)
    assert_ks((knots[:, 2] - 10) / left, stats.beta(2, 1).cdf)


@pytest.mark.parametrize("shape", ["gaussian", "triangular", "rectangular"])
def test_spikes_have_the_shape_of_their_formula(shape: str, seed: int) -> None:
    spike = augment.SpikeInjection(2.0, 2.5, num_spikes=1, shape=shape)
    # of a constant series the unit is 1
    spikes = as_wide(spike(jax.random.key(seed), np.full((1024, 16), 5, np.float32))) - 5
    centre = np.abs(spikes).argmax(1)
    if shape == "rectangular":
        is_in = np.abs(spikes) > 1
        centre = np.where(is_in[:, 0], is_in.sum(1) - 3, is_in.argmax(1) + 2)
    assert_counts_match(np.bincount(centre, minlength=16), np.full(16, 1 / 16))
    distance = np.abs(np.arange(16) - centre[:, None]) / 2.5
    wanted = {
        "gaussian": np.exp(-(distance**2) / 2),
        "triangular": np.maximum(1 - distance, 0),
        "rectangular": distance <= 1,
    }[shape]
    np.testing.assert_allclose(np.abs(spikes), 2 * wanted, atol=1e-5)
    ups = int((spikes.sum(1) > 0).sum())
    assert_counts_match([1024 - ups, ups], [0.5, 0.5])


def test_spikes_are_as_large_as_the_series_varies(seed: int) -> None:
    series = 100 * walks(1024, 16)
    spike = augment.SpikeInjection(Uniform(1.0, 3.0), 0.5, num_spikes=1, shape="rectangular")
    change = as_wide(spike(jax.random.key(seed), series)) - as_wide(series)
    size = np.abs(change).max(1) / as_wide(series).std(1)
    assert_ks(size, stats.uniform(1, 2).cdf)


def test_at_least_one_channel_is_left(seed: int) -> None:
    rate, fill = 0.6, -2.0
    series = np.ones((MANY, 3, 4), np.float32)
    dropped = augment.ChannelDropout(rate, fill)(jax.random.key(seed), series)
    is_silent = (np.asarray(dropped) == fill).all(2)
    np.testing.assert_array_equal(dropped, np.where(is_silent[..., None], fill, series))
    # three silent ones become two
    wanted = stats.binom(3, rate).pmf(np.arange(4))
    wanted = [wanted[0], wanted[1], wanted[2] + wanted[3]]
    assert_counts_match(np.bincount(is_silent.sum(1), minlength=3), wanted)
    left = np.flatnonzero(~is_silent[is_silent.sum(1) == 2]) % 3
    assert_counts_match(np.bincount(left, minlength=3), np.full(3, 1 / 3))
    np.testing.assert_array_equal(augment.ChannelDropout(1.0)(KEY, series[:, :1]), series[:, :1])


# Trends.


def without_scale(series: np.ndarray) -> np.ndarray:
    return (series - series.mean(-1, keepdims=True)) / series.std(-1, keepdims=True)


def test_trends_leave_mean_and_deviation() -> None:
    series = np.delete(as_wide(SERIES), 3, axis=0)  # one is constant
    for name in ("LinearTrend", "PiecewiseLinearTrend", "NonlinearTrend"):
        changed = np.delete(as_wide(make(name)(KEY, SERIES)), 3, axis=0)
        np.testing.assert_allclose(changed.mean(-1), series.mean(-1), atol=1e-5)
        np.testing.assert_allclose(changed.std(-1), series.std(-1), rtol=1e-4)
    free = np.delete(as_wide(make("LinearTrend", normalize=False)(KEY, SERIES)), 3, axis=0)
    changed = np.delete(as_wide(make("LinearTrend")(KEY, SERIES)), 3, axis=0)
    np.testing.assert_allclose(without_scale(free), without_scale(changed), atol=1e-4)


def test_lines_have_the_size_of_their_strength(seed: int) -> None:
    trend = augment.LinearTrend(Uniform(0.5, 2.0), upward=0.3, normalize=False)
    lines = as_wide(trend(jax.random.key(seed), np.zeros((MANY, 8), np.float32)))
    np.testing.assert_allclose(lines, lines[:, -1:] * np.arange(8) / 7, atol=1e-5)
    assert_ks(np.sqrt((lines**2).mean(1)), stats.uniform(0.5, 1.5).cdf)
    ups = int((lines[:, -1] > 0).sum())
    assert_counts_match([MANY - ups, ups], [0.7, 0.3])


def test_broken_lines_bend_where_segments_meet(seed: int) -> None:
    trend = augment.PiecewiseLinearTrend(1.5, num_segments=2, normalize=False)
    lines = as_wide(trend(jax.random.key(seed), np.zeros((512, 41), np.float32)))
    bends = np.abs(np.diff(lines, 2)) > 1e-3
    assert bends.sum(1).max() <= 2
    assert not bends[:, :8].any()  # each part is 10 intervals of 40 at least
    assert not bends[:, -8:].any()
    ends = np.round(lines[:, -1] / 1.5, 4)
    assert set(ends) == {-2.0, 0.0, 2.0}
    assert_counts_match([(ends == end).sum() for end in (-2, 0, 2)], [0.25, 0.5, 0.25])


def formula(kind: str, c: float, length: int) -> np.ndarray:
    u = np.linspace(0, 1, length)
    logistic = 1 / (1 + np.exp(-4 * c * (u - 0.5)))
    return {
        "power": u**c,
        "exponential": np.expm1(c * u) / np.expm1(c),
        "logarithmic": np.log1p(c * u) / np.log1p(c),
        "sigmoid": (logistic - logistic[0]) / (logistic[-1] - logistic[0]),
    }[kind]


def test_curves_are_those_of_their_formulas() -> None:
    drawn = augment.NonlinearTrend(1.0, 0.5, curvature=3.0, turned=0.5, normalize=False)
    found = as_wide(drawn(KEY, np.zeros((128, 20), np.float32)))
    found = np.abs(found / found[:, -1:])
    seen = set()
    for row in found:
        for kind in ("power", "exponential", "logarithmic", "sigmoid"):
            curve = formula(kind, 3.0, 20)
            for turned, one in enumerate((curve, 1 - curve[::-1])):
                if np.allclose(row, one, atol=1e-5):
                    seen.add((kind, turned if kind != "sigmoid" else 0))
    assert len(seen) == 7  # the logistic curve turned round is itself


# Time.


def test_time_is_warped_from_end_to_end_and_never_back(seed: int) -> None:
    line = np.arange(64, dtype=np.float32)
    lines = np.broadcast_to(line, (256, 64))
    warp = as_wide(augment.TimeWarp(0.5)(jax.random.key(seed), lines))
    assert (np.diff(warp) > 0).all()
    assert (warp[:, 0] == 0).all()
    np.testing.assert_allclose(warp[:, -1], 63, rtol=1e-6)
    middle = warp[:, 32]
    assert middle.std() > 2
    assert abs(middle.mean() - 32) < 5 * middle.std() / 16
    np.testing.assert_allclose(augment.TimeWarp(0.0)(KEY, lines[0]), line, atol=1e-4)
    # with two times the logarithm of the speed is one line
    one = np.diff(as_wide(augment.TimeWarp(0.5, num_knots=2)(KEY, line)))
    np.testing.assert_allclose(np.diff(np.log(one), 2), 0, atol=1e-4)


def test_windows_are_stretched(seed: int) -> None:
    lines = np.broadcast_to(np.arange(41, dtype=np.float32), (MANY, 41))
    read = as_wide(augment.Upsampling(0.25)(jax.random.key(seed), lines))
    np.testing.assert_allclose(np.diff(read), 0.25, atol=1e-4)
    assert_ks(read[:, 0] / 30, stats.uniform.cdf)


def test_fewer_values_are_joined_by_lines() -> None:
    series = walks(3, 31)
    coarse = augment.Downsampling(3.0)(KEY, series)
    places = np.linspace(0, 30, 10)  # 31 / 3, rounded
    for ours, row in zip(np.asarray(coarse), as_wide(series), strict=True):
        values = np.interp(places, np.arange(31), row)
        np.testing.assert_allclose(ours, np.interp(np.arange(31), places, values), atol=1e-5)
    np.testing.assert_allclose(augment.Downsampling(1.0)(KEY, series), series, atol=1e-5)
    ends = augment.Downsampling(100.0)(KEY, series)
    np.testing.assert_allclose(np.diff(ends, 2), 0, atol=1e-5)
    line = np.arange(50, dtype=np.float32)
    np.testing.assert_allclose(augment.Downsampling()(KEY, line), line, atol=1e-4)


def test_resampling_reads_lines_between_values() -> None:
    series = walks(2, 3, 20)
    for length in (2, 45):
        places = np.linspace(0, 19, length)
        wanted = [np.interp(places, np.arange(20), row) for row in as_wide(series).reshape(6, 20)]
        found = augment.resample(series, length)
        np.testing.assert_allclose(np.reshape(found, (6, length)), wanted, atol=1e-5)
    line = augment.resample(np.tile(np.arange(20, dtype=np.float32), (2, 3, 1)), 45)
    np.testing.assert_allclose(np.diff(line, 2), 0, atol=1e-5)


# Spectra.


@pytest.mark.parametrize("length", [31, 32])
def test_surrogates_have_the_spectrum_and_random_phases(length: int, seed: int) -> None:
    with jax.enable_x64(True):
        series = as_wide(walks(1, 2, length)) + 3
        rows = np.broadcast_to(series, (1024, 2, length))
        surrogates = np.asarray(augment.PhaseSurrogate()(jax.random.key(seed), rows))
        apart = np.asarray(augment.PhaseSurrogate(together=False)(KEY, rows[:8]))
        some = np.asarray(augment.PhaseSurrogate(0.25)(KEY, rows))
        nothing = augment.PhaseSurrogate(0.0)(KEY, rows)
    before, after = np.fft.rfft(series), np.fft.rfft(surrogates)
    np.testing.assert_allclose(abs(after), abs(before) + 0 * abs(after), rtol=1e-9)
    np.testing.assert_allclose(surrogates.mean(-1), series.mean(-1) + np.zeros((1024, 2)))
    cross = lambda f: f[:, 0] * f[:, 1].conj()
    np.testing.assert_allclose(cross(after), cross(before) + 0 * cross(after), rtol=1e-9)
    for frequency in (1, 4, 15):
        angle = np.angle(after[:, 0, frequency] / before[:, 0, frequency])
        assert_ks(angle / np.pi, stats.uniform(-1, 2).cdf)
    np.testing.assert_allclose(abs(np.fft.rfft(apart)), abs(before) + np.zeros((8, 1, 1)))
    assert abs(cross(np.fft.rfft(apart)) - cross(before))[:, 1].min() > 1e-3
    angles = np.angle(np.fft.rfft(some)[..., 1:-1] / before[..., 1:-1])
    assert 0.9 < abs(angles).max() / (np.pi / 4) <= 1 + 1e-6
    np.testing.assert_allclose(nothing, rows, rtol=1e-12)


def test_frequencies_are_disturbed_by_their_share(seed: int) -> None:
    length = 33
    series = walks(512, length) + 10
    perturbation = augment.FrequencyPerturbation(Uniform(0.1, 0.3), share=0.25)
    changed = perturbation(jax.random.key(seed), series)
    change = np.fft.rfft(as_wide(changed) - as_wide(series))
    change /= as_wide(series).std(1, keepdims=True) * np.sqrt(length)
    assert abs(change[:, 0]).max() < 1e-4
    is_chosen = abs(change[:, 1:]) > 0.05
    assert_counts_match([(~is_chosen).sum(), is_chosen.sum()], [0.75, 0.25])
    for part in (change.real, change.imag):
        sizes = part[:, 1:][is_chosen]
        assert_ks(np.abs(sizes), stats.uniform(0.1, 0.2).cdf)
        assert_counts_match([(sizes > 0).sum(), (sizes < 0).sum()], [0.5, 0.5])


# Mixtures.


def test_every_row_is_mixed_into_one_other(seed: int) -> None:
    rows = 2048
    mixed = as_wide(augment.Mixup()(jax.random.key(seed), np.eye(rows, dtype=np.float32)))
    weight = mixed.diagonal()
    assert_ks(weight, stats.uniform(0.5, 0.5).cdf)
    partner = np.where(np.eye(rows, dtype=bool), 0, mixed).argmax(1)
    assert sorted(partner) == list(range(rows))
    assert (partner != np.arange(rows)).all()
    np.testing.assert_allclose(mixed[np.arange(rows), partner], 1 - weight, atol=1e-6)
    steps, row = 1, int(partner[0])
    while row != 0:
        steps, row = steps + 1, int(partner[row])
    assert steps == rows  # one circle
    alone = walks(1, 8)
    np.testing.assert_allclose(augment.Mixup()(KEY, alone), alone, rtol=1e-6)


def test_mixtures_of_many_have_dirichlet_weights(seed: int) -> None:
    rows = 2048
    mixed = as_wide(augment.TSMixup()(jax.random.key(seed), np.eye(rows, dtype=np.float32)))
    count = (mixed > 0).sum(1)
    assert_counts_match(np.bincount(count, minlength=4)[1:], np.full(3, 1 / 3))
    np.testing.assert_allclose(mixed.sum(1), 1, rtol=1e-5)
    for parts, law in ((2, stats.beta(1.5, 1.5)), (3, stats.beta(1.5, 3))):
        assert_ks(mixed.diagonal()[count == parts], law.cdf)
    series = np.array([[1, -3], [10, 10]], np.float32)
    found = as_wide(augment.TSMixup(max_parts=2)(KEY, series))
    # each in units of its row: (1, -3) / 2 and (1, 1)
    for row, unit, other, size in ((0, (0.5, -1.5), (1, 1), 2), (1, (1, 1), (0.5, -1.5), 10)):
        rest = found[row] / size - unit
        share = rest / (np.array(other) - unit)
        assert share[0] == pytest.approx(share[1], abs=1e-5)
        assert -1e-6 <= share[0] <= 1


# The same numbers in the package whose names these are.


class Scripted:
    """Stands for a generator of random numbers; says what was planned."""

    def __init__(self, choice: Any = None, normal: Any = None) -> None:
        self._choice, self._normal = choice, normal

    def choice(self, *args: Any, **fields: Any) -> Any:
        return self._choice

    def normal(self, *args: Any, **fields: Any) -> Any:
        return self._normal


def test_modulation_is_that_of_the_peer(peer) -> None:
    theirs = peer("s2generator.augmentation").amplitude_modulation
    rng = np.random.default_rng(0)
    series, levels, inner = rng.normal(size=50), rng.normal(1, 1, 5), np.array([30, 4, 17])
    wanted = theirs(series, rng=Scripted(choice=inner, normal=levels))
    with jax.enable_x64(True):
        knots = jnp.array([0, *np.sort(inner) + 1, 49], jnp.float64)
        np.testing.assert_allclose(series * follow(knots, jnp.asarray(levels), 50), wanted)


def test_trends_are_those_of_the_peer(peer) -> None:
    module = peer("s2generator.augmentation")
    series = np.random.default_rng(1).normal(size=40).cumsum()
    series -= series.mean()  # there, the unit is the root mean square
    names = {"power": "power", "exponential": "exp", "logarithmic": "log", "sigmoid": "sigmoid"}
    with jax.enable_x64(True):
        for upward in (0.0, 1.0):
            direction = "upward" if upward else "downward"
            for normalize in (True, False):
                # not normalised, it is halved there
                shared: Any = {"upward": upward, "normalize": normalize}
                size = 1.0 if normalize else 0.5
                theirs = module.add_linear_trend(series, 0.75, direction, normalize)
                ours = size * augment.LinearTrend(0.75, **shared)(KEY, series)
                np.testing.assert_allclose(ours, theirs, atol=1e-5)
            for kind, name in names.items():
                for turned in (0.0, 1.0):
                    theirs = module.add_nonlinear_trend(
                        series, name, 0.75, direction, convex=not turned, curvature=3.0
                    )
                    trend = augment.NonlinearTrend(
                        0.75, upward, curvature=3.0, turned=turned, kind=kind
                    )
                    np.testing.assert_allclose(trend(KEY, series), theirs, atol=1e-5)


def test_resampling_flips_and_mixtures_are_those_of_the_peer(peer) -> None:
    module = peer("s2generator.augmentation")
    series = np.random.default_rng(2).normal(size=(2, 30))
    with jax.enable_x64(True):
        more = module.time_series_upsampling(series[0], 47)
        np.testing.assert_allclose(augment.resample(series[0], 47), more)
        fewer = module.time_series_downsampling(series, 11)
        np.testing.assert_allclose(augment.resample(series, 11), fewer)
        flipped = augment.ValueFlip(probability=1.0)(KEY, series)
        np.testing.assert_array_equal(flipped, module.value_flipping(series))
        mixed = augment.Mixup(0.75)(KEY, series)
        np.testing.assert_allclose(mixed[0], module.time_series_mixup(*series, alpha=0.75))


# What is refused.


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("TimeFlip", {"probability": 1.5}, r"TimeFlip\(probability=1.5\): must be a number >= 0"),
        ("Compose", {"probability": -1.0}, r"Compose\(probability=-1.0\): must be"),
        ("AmplitudeModulation", {"amplitude": Normal(0.0, 100.0)}, "draws must be between -100"),
        ("AmplitudeModulation", {"num_changepoints": 1}, "num_changepoints=1.*>= 2"),
        ("SpikeInjection", {"amplitude": -1.0}, "amplitude.*between 0 and 1000"),
        ("SpikeInjection", {"width": 0.0}, "width.*>= 0.1"),
        ("SpikeInjection", {"num_spikes": 0}, "num_spikes=0"),
        ("SpikeInjection", {"shape": "round"}, "shape='round'.*'gaussian', 'triangular'"),
        ("ChannelDropout", {"rate": 2.0}, "rate=2.0"),
        ("ChannelDropout", {"fill": np.nan}, "fill=nan"),
        ("LinearTrend", {"strength": -0.1}, "strength.*between 0 and 1000"),
        ("LinearTrend", {"upward": 2.0}, "upward=2.0"),
        ("PiecewiseLinearTrend", {"num_segments": 0}, "num_segments=0"),
        ("NonlinearTrend", {"curvature": 0.0}, "curvature.*between 0.01 and 20"),
        ("NonlinearTrend", {"turned": -1.0}, "turned=-1.0"),
        ("NonlinearTrend", {"kind": "line"}, "kind='line'.*'sigmoid'"),
        ("TimeWarp", {"strength": 3.0}, "strength.*between 0 and 2"),
        ("TimeWarp", {"num_knots": 1}, "num_knots=1"),
        ("Upsampling", {"share": 1.5}, "share.*between 0 and 1"),
        ("Downsampling", {"factor": 0.5}, "factor.*>= 1"),
        ("FrequencyPerturbation", {"amount": -1.0}, "amount.*between 0 and 100"),
        ("FrequencyPerturbation", {"share": 1.5}, "share=1.5"),
        ("PhaseSurrogate", {"amount": 1.5}, "amount.*between 0 and 1"),
        ("Mixup", {"weight": 1.5}, "weight.*between 0 and 1"),
        ("TSMixup", {"max_parts": 0}, "max_parts=0"),
        ("TSMixup", {"concentration": 1.2}, "multiple of 0.5"),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, fields: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name, **fields)


def test_other_kinds_are_refused(unchecked: None) -> None:
    for fields in ({"normalize": 1}, {"strength": "much"}):
        with pytest.raises(TypeError, match=rf"LinearTrend\({next(iter(fields))}="):
            augment.LinearTrend(**fields)
    with pytest.raises(TypeError, match=r"PhaseSurrogate\(together=0\): must be True or False"):
        augment.PhaseSurrogate(together=0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"Compose\(parts=.*must be a list of augmentations"):
        augment.Compose(augment.TimeFlip())
    with pytest.raises(TypeError, match=r"Compose\(parts\[0\]=.*not its class. Call it: TimeFlip"):
        augment.Compose([augment.TimeFlip])
    with pytest.raises(TypeError, match="Did you mean 'strength'"):
        augment.TimeWarp(strenght=1.0)  # pyright: ignore[reportCallIssue]


def test_series_of_other_kinds_are_refused(unchecked: None) -> None:
    flip = augment.TimeFlip()
    for shape in ((), (1,), (2, 2, 2, 4)):
        with pytest.raises(ValueError, match=r"TimeFlip\(series of shape .*must be of shape"):
            flip(KEY, jnp.zeros(shape))
    with pytest.raises(TypeError, match="typed key"):
        flip(0, jnp.zeros(4))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"TimeFlip\(series of dtype complex64\)"):
        flip(KEY, jnp.zeros(4, jnp.complex64))
    with pytest.raises(ValueError, match=r"num_changepoints=5\) of 4 times: must be at most"):
        augment.Compose([augment.AmplitudeModulation()])(KEY, jnp.zeros(4))
    with pytest.raises(ValueError, match=r"num_segments=3\) of 3 times: must be fewer"):
        augment.PiecewiseLinearTrend()(KEY, jnp.zeros(3))
    with pytest.raises(ValueError, match=r"resample\(series of shape \(3, 1\)\): must have"):
        augment.resample(jnp.zeros((3, 1)), 5)
    with pytest.raises(ValueError, match="length=1"):
        augment.resample(jnp.zeros(3), 1)


def test_what_own_classes_return_is_checked() -> None:
    class Shorter(augment.AbstractRowAugmentation):
        def augment(self, draws, series):
            return series[:, 1:]

    with pytest.raises(ValueError, match=r"Shorter.augment.*must have shape \(1, 8\)"):
        Shorter()(KEY, jnp.zeros(8))

"""The default configuration: what it mixes, and that there is something in it to learn."""

import jax
import numpy as np
import pytest

import s2jax
from s2jax import statistics
from s2jax.config.serialize import from_json, to_json
from s2jax.presets import mix, s2
from tests.statistics import assert_counts_match

ROWS, LENGTH = 1024, 304


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    config = mix(LENGTH)
    draw = jax.jit(lambda key, config: s2jax.sample(key, config, ROWS))
    return jax.device_get(draw(jax.random.key(0), config))


def test_families_are_drawn_by_group(batch: s2jax.Batch) -> None:
    weights = np.array(mix().choice.weights)
    assert_counts_match(
        np.bincount(batch.x_source.family.ravel(), minlength=len(weights)), weights / weights.sum()
    )
    of_group = [1, 2, 1, 2, 2]
    groups = np.split(weights, np.cumsum(of_group)[:-1])
    np.testing.assert_allclose([group.sum() for group in groups], 1)


def test_a_share_of_rows_is_the_input_and_no_other_is_affine_in_it(batch: s2jax.Batch) -> None:
    copies = np.array([text == "x_0" for text in s2jax.to_text(batch.program)])
    assert_counts_match([copies.sum(), (~copies).sum()], [0.5, 0.5])
    others = statistics.shares(batch.y[~copies], batch.x[~copies])
    assert others.affine < 0.005  # one whose correlation is rounded across the bound
    assert statistics.shares(batch.y[copies], batch.x[copies]).affine == 1


def test_there_is_something_to_learn(batch: s2jax.Batch) -> None:
    assert (batch.status == 0).all()
    series = batch.y[:, 0]
    assert 0.3 < np.median(statistics.spectral_entropy(series)) < 0.65
    turns = np.asarray(statistics.turning_points(series))
    assert np.median(turns) > 5
    assert (turns < 1).mean() < 0.1  # as half of `ode` has
    noise = s2jax.sample(jax.random.key(0), s2(64), 64)  # the measure tells what is not
    assert np.median(statistics.spectral_entropy(noise.y[:, 0])) > 0.8


def test_configurations_are_written_and_read() -> None:
    config = mix(64, num_inputs=2, acceptance=s2jax.Acceptance(bound=7.0))
    assert from_json(to_json(config)) == config
    assert config.acceptance.bound == 7
    assert mix(64).length == 64

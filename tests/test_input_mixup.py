"""Convex combinations of series: their law, their values, and what is refused."""

import jax
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.inputs import ARMA, Given, Mixture, TSMixup
from tests.statistics import assert_counts_match, assert_ks

KEY = jax.random.key(2)
SERIES = np.random.default_rng(0).normal(size=(3, 400)) + 2
FAMILY = TSMixup(Given(SERIES), max_parts=3)


@pytest.fixture(scope="module")
def drawn() -> s2jax.inputs.Drawn:
    return jax.device_get(FAMILY.sample(KEY, 6000, 16))


def test_counts_are_uniform_and_weights_dirichlet(drawn: s2jax.inputs.Drawn) -> None:
    law = drawn.law
    assert_counts_match(np.bincount(law.count, minlength=4), [0, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(law.weights.sum(1), 1, rtol=1e-6)
    assert ((law.weights > 0).sum(1) == law.count).all()
    first = lambda count: law.weights[law.count == count, 0]
    np.testing.assert_allclose(first(1), 1, rtol=1e-6)
    assert_ks(first(2), lambda x: stats.beta.cdf(x, 1.5, 1.5))
    assert_ks(first(3), lambda x: stats.beta.cdf(x, 1.5, 3.0))
    with pytest.raises(AssertionError):  # a wrong concentration is seen
        assert_ks(first(3), lambda x: stats.beta.cdf(x, 1.0, 2.0))


def test_series_are_the_sum_of_windows(drawn: s2jax.inputs.Drawn) -> None:
    law = drawn.law
    for row in range(100):
        parts = zip(law.parts.series_index[row], law.parts.offset[row], strict=True)
        windows = np.stack([SERIES[index, start : start + 16] for index, start in parts])
        windows /= np.abs(windows).mean(1, keepdims=True)
        np.testing.assert_allclose(drawn.series[row], law.weights[row] @ windows, atol=1e-5)


@pytest.mark.floats
def test_rows_do_not_depend_on_the_batch() -> None:
    config = s2jax.Config(
        16, inputs=TSMixup(Mixture(max_components=2), 2, 0.5), target=s2jax.Identity()
    )
    batch = s2jax.sample(KEY, config, 6)
    assert (batch.status == 0).all()
    assert np.array_equal(s2jax.sample(KEY, config, 2).x, batch.x[:2])


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"family": 3}, "must be an input family"),
        ({"family": ARMA(), "max_parts": 0}, "max_parts=0"),
        ({"family": ARMA(), "concentration": 1.2}, "multiple of 0.5"),
        ({"family": ARMA(), "concentration": 0.0}, "concentration=0.0"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_is_refused(fields, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        TSMixup(**fields)

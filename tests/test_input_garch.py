"""GARCH: moments against their formulae from the first step on, and what drives the series."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from s2jax.distributions import Constant, Normal, Uniform
from s2jax.inputs import GARCH, GARCHLaw
from s2jax.inputs._noise import student
from tests.drawn import channels
from tests.linear_families import check_contract, limit, repeat, worst_moment
from tests.statistics import assert_counts_match, assert_ks

NUM_CHANNELS = 100_000
LENGTH, LAGS = 24, 6
draw = jax.jit(lambda laws, words: GARCH().draw_series(laws, words, LENGTH))


def make_law(alpha: float, beta: float, degrees: float = np.inf, **fields: Any) -> dict[str, Any]:
    """Return the numbers of a law of unconditional variance 1."""
    plain = {"mean": 0.0, "is_summed": False, "degrees_of_freedom": degrees}
    return {"omega": 1 - alpha - beta, "alpha": alpha, "beta": beta, **plain, **fields}


def simulate(key: jax.Array, law: dict[str, Any]) -> np.ndarray:
    """Draw independent series of one law: `(time, channels)`."""
    laws = repeat(GARCHLaw, law, NUM_CHANNELS)
    return np.asarray(draw(laws, channels(key, NUM_CHANNELS)), np.float64)


def squares(law: dict[str, Any]) -> np.ndarray:
    """Return E r_t**2 r_{t+h}**2 after Bollerslev (1986, 1987)."""
    alpha, beta, degrees = law["alpha"], law["beta"], law["degrees_of_freedom"]
    fourth = 3 if np.isinf(degrees) else 3 + 6 / (degrees - 4)
    both = alpha + beta
    kurtosis = fourth * (1 - both**2) / (1 - both**2 - alpha**2 * (fourth - 1))
    first = alpha * (1 - alpha * beta - beta**2) / (1 - 2 * alpha * beta - beta**2)
    correlations = np.r_[1, first * both ** np.arange(LAGS - 1)]
    return 1 + correlations * (kurtosis - 1)


ALLOWED = limit(LENGTH + sum(LENGTH - lag for lag in range(LAGS)))
MODELS = {
    "normal": make_law(0.15, 0.6),
    "student": make_law(0.1, 0.75, degrees=30.0),
    "independent": make_law(0.0, 0.0),
}


def worst(values: np.ndarray, law: dict[str, Any]) -> float:
    """Return the largest deviation of second and fourth moments, in standard errors."""
    square, expected = values**2, squares(law)
    fourth = [square[: LENGTH - lag] * square[lag:] for lag in range(LAGS)]
    wanted = [np.full(LENGTH - lag, expected[lag]) for lag in range(LAGS)]
    return worst_moment(
        np.concatenate([square, *fourth]), np.concatenate([np.ones(LENGTH), *wanted])
    )


class TestSeries:
    @pytest.mark.parametrize("name", MODELS)
    def test_moments_from_the_first_step_on(self, key: jax.Array, name: str) -> None:
        assert worst(simulate(key, MODELS[name]), MODELS[name]) < ALLOWED

    def test_wrong_models_bite(self, key: jax.Array) -> None:
        values = simulate(key, MODELS["normal"])
        assert worst(values, make_law(0.18, 0.6)) > ALLOWED
        # the same recursion, started from the unconditional variance
        noise = np.random.default_rng(0).normal(size=values.shape)
        variance = np.ones(NUM_CHANNELS)
        for row in noise:
            row *= np.sqrt(variance)
            variance = 0.25 + 0.15 * row**2 + 0.6 * variance
        assert worst(noise, MODELS["normal"]) > ALLOWED

    def test_variance_of_a_persistent_model(self, key: jax.Array) -> None:
        """It is exact whatever is left of the start."""
        values = simulate(key, make_law(0.03, 0.969))
        assert worst_moment(values**2, np.ones(LENGTH)) < limit(LENGTH)

    @pytest.mark.parametrize("degrees", [np.inf, 5.0])
    def test_innovations(self, key: jax.Array, degrees: float) -> None:
        """Those that the recursion gives back, once its start is forgotten."""
        law = make_law(0.2, 0.4, degrees, mean=0.5)
        returns = simulate(key, law)
        variance, noise = np.ones(NUM_CHANNELS), []
        for row in returns - 0.5:
            noise.append(row / np.sqrt(variance))
            variance = 0.4 + 0.2 * row**2 + 0.4 * variance
        exact = stats.norm() if np.isinf(degrees) else stats.t(5, scale=np.sqrt(0.6))
        assert_ks(noise[-2:], exact.cdf)
        assert np.corrcoef(noise[-1] ** 2, noise[-2] ** 2)[0, 1] < 0.03
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(returns[-2:] - 0.5, exact.cdf)
        summed = simulate(key, {**law, "is_summed": True})
        np.testing.assert_allclose(summed, np.cumsum(returns, axis=0), atol=1e-3)


def test_law(key: jax.Array) -> None:
    family = GARCH(persistence=Uniform(0.5, 0.9), mean=Normal(0.0, 2.0), sum_probability=0.2)
    sample = jax.jit(lambda family, words: family.draw_laws(words, LENGTH))
    law = jax.device_get(sample(family, channels(key, 20_000)))
    assert_ks(law.alpha + law.beta, stats.uniform(0.5, 0.4).cdf)
    assert_ks(law.alpha / (law.alpha + law.beta), stats.uniform(0.05, 0.3).cdf)
    np.testing.assert_allclose(law.alpha + law.beta + law.omega, 1, rtol=1e-6)
    assert_ks(law.mean, stats.norm(0, 2).cdf)
    assert_counts_match([law.is_summed.sum(), (~law.is_summed).sum()], [0.2, 0.8])


def test_the_largest_persistence_is_allowed() -> None:
    """Though 0.9995 is less than itself in float32, which draws have."""
    assert GARCH(persistence=Constant(0.9995)).persistence == Constant(0.9995)


@pytest.mark.parametrize("degrees", [1e15, 1e19, 1e21, 1e38])
def test_many_degrees_of_freedom_are_a_normal_law(degrees: float) -> None:
    bits = jnp.asarray(np.random.default_rng(0).integers(2**32, size=(2, 500)), jnp.uint32)
    values = [student(*bits, 1 / jnp.float32(n)) for n in (degrees, np.inf)]
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_contract(key: jax.Array) -> None:
    check_contract(key, GARCH(), GARCH(persistence=Uniform(0.1, 0.2), sum_probability=1), 20)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"persistence": Constant(1.0)}, r"persistence=.*between 0 and 0\.9995.*stationary"),
        ({"news": Constant(1.1)}, r"news=.*between 0 and 1"),
        ({"degrees_of_freedom": Uniform(1.0, 3.0)}, r"degrees_of_freedom=.*>= 2\.1"),
        ({"sum_probability": 2.0}, "sum_probability"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GARCH(**fields)

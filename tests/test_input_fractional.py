"""Fractional noise and Brownian motion against their covariances in closed form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg, stats

from s2jax.distributions import Constant, LogUniform, Normal, Uniform
from s2jax.inputs import Draws, FractionalBrownian, FractionalLaw, FractionalNoise
from s2jax.inputs._fractional import autocovariance, find_period
from tests.drawn import (
    check_batch_does_not_matter,
    check_fields_are_traced,
    draw,
    sample_rows,
)
from tests.statistics import assert_ks

FAMILIES = (FractionalNoise, FractionalBrownian)
HURSTS = np.array([0.005, 0.1, 0.3, 0.5, 0.7, 0.9, 0.995])


class Fixed(Draws):
    """Draws whose normals are given."""

    def __init__(self, normals: jax.Array) -> None:
        super().__init__(jnp.zeros(2, jnp.uint32), "series")
        self.normals = normals

    def normal(self, name: str, shape: tuple[int, ...] = ()) -> jax.Array:
        assert name == "waves"
        assert shape == self.normals.shape
        return self.normals


def noise_covariance(hurst: float, length: int) -> np.ndarray:
    lags = np.arange(length, dtype=np.longdouble)
    power = 2 * np.longdouble(hurst)
    gamma = (np.abs(lags + 1) ** power - 2 * lags**power + np.abs(lags - 1) ** power) / 2
    return linalg.toeplitz(gamma.astype(np.float64))


def path_covariance(hurst: float, length: int) -> np.ndarray:
    t = np.arange(1.0, length + 1)
    power = 2 * hurst
    far = np.abs(t[:, None] - t) ** power
    return (t[:, None] ** power + t**power - far) / 2


EXPECTED = {FractionalNoise: noise_covariance, FractionalBrownian: path_covariance}


def covariance_error(family: Any, length: int, hursts: Any, expected: Any) -> float:
    """Largest error of an entry over the largest entry: series are linear in their normals."""
    period = find_period(2 * length)

    @jax.jit
    def of_waves(hurst: jax.Array) -> jax.Array:
        series = lambda normals: family().series(FractionalLaw(hurst), Fixed(normals), length)
        return jax.vmap(series)(jnp.eye(period, dtype=jnp.float32))

    worst = 0.0
    for hurst in hursts:
        waves = np.asarray(of_waves(jnp.float32(hurst)), np.float64)
        wanted = expected(float(np.float32(hurst)), length)
        worst = max(worst, np.abs(waves.T @ waves - wanted).max() / np.abs(wanted).max())
    return worst


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("length", [50, 127])
def test_covariances_are_exact(family: Any, length: int) -> None:
    assert covariance_error(family, length, HURSTS, EXPECTED[family]) < 5e-6


def test_a_slightly_wrong_exponent_bites() -> None:
    wrong = lambda hurst, length: noise_covariance(hurst + 1e-4, length)
    assert covariance_error(FractionalNoise, 50, [0.7], wrong) > 2e-5


def test_autocovariance_keeps_its_digits_at_large_lags() -> None:
    lags = np.array([0, 1, 2, 3, 10, 1000, 100_000, 10_000_000])
    for hurst in HURSTS:
        power = 2 * float(np.float32(hurst))
        far = lags[2:].astype(np.float64)
        # two terms of the series in 1 / lag suffice from 1000 on
        tail = power * (power - 1) / 2 * far ** (power - 2)
        tail *= 1 + (power - 2) * (power - 3) / 12 / far**2
        exact = noise_covariance(power / 2, 11)[0, [0, 1, 2, 3, 10]]
        wanted = np.concatenate([exact, tail[3:]])
        found = np.asarray(autocovariance(jnp.float32(hurst), lags))
        np.testing.assert_allclose(found, wanted, rtol=3e-5, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_whitened_series_are_normal(key: jax.Array, family: Any) -> None:
    """KS on 512 x 64 values sees a deviation that is wrong by 3 %."""
    drawn = draw(key, family(Uniform(0.2, 0.8)), 512, 64)
    white = [
        linalg.solve_triangular(
            np.linalg.cholesky(EXPECTED[family](float(hurst), 64)), series, lower=True
        )
        for hurst, series in zip(drawn.law.hurst, drawn.series, strict=True)
    ]
    assert_ks(np.stack(white), stats.norm.cdf, what="whitened values")
    assert_ks(np.stack(white)[:, -1], stats.norm.cdf, what="whitened last values")
    assert_ks(drawn.law.hurst, stats.uniform(0.2, 0.6).cdf, what="Hurst exponents")
    with pytest.raises(AssertionError, match="do not follow"):
        assert_ks(1.06 * np.stack(white), stats.norm.cdf)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_a_configuration(key: jax.Array, family: Any) -> None:
    batch = sample_rows(key, family(), length=50)
    assert (batch.status == 0).all()
    assert batch.x_source.law_of(FractionalLaw).hurst.shape == (64, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_batch_does_not_matter(key: jax.Array, family: Any) -> None:
    check_batch_does_not_matter(key, family(), 50)
    check_fields_are_traced(family(Uniform(0.2, 0.8)), family(Uniform(0.3, 0.4)))


def test_what_is_drawn_outside_comes_back_inside(key: jax.Array) -> None:
    hurst = np.asarray(FractionalNoise(Normal(0.5, 2.0)).sample(key, 64, 8).law.hurst)
    assert hurst.min() == np.float32(0.005)
    assert hurst.max() == np.float32(0.995)


@pytest.mark.parametrize("least", [2, 3, 14, 510, 2048, 2050])
def test_periods_are_smooth(least: int) -> None:
    found = find_period(least)
    smooth = [2 * 2**a * 3**b * 5**c for a in range(11) for b in range(7) for c in range(5)]
    assert found == min(size for size in smooth if size >= least)


@pytest.mark.parametrize("family", FAMILIES)
def test_messages(unchecked: None, family: Any) -> None:
    for wrong in (Constant(0.0), Constant(1.0), Uniform(-0.1, 0.5), LogUniform(0.1, 2.0)):
        with pytest.raises(ValueError, match=r"must draw numbers between 0 and 1, because"):
            family(hurst=wrong)
    with pytest.raises(TypeError, match=r"hurst=0\.5\): must be a distribution"):
        family(hurst=0.5)

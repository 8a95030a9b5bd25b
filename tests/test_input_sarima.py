"""SARIMA: the law of the series given its parameters from the first step on, and of these."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.arima_process import arma_acovf

from s2jax.distributions import Choices, Constant, Normal, Uniform
from s2jax.inputs import SARIMA, SARIMALaw
from s2jax.inputs._poles import coefficients_of_poles, find_pull
from s2jax.inputs._process import partial_autocorrelations
from tests.drawn import channels
from tests.linear_families import (
    check_contract,
    expand,
    lagged_products,
    limit,
    repeat,
    worst_moment,
)
from tests.statistics import assert_counts_match, assert_ks

NUM_CHANNELS = 100_000
LENGTH, LONGEST = 16, 7
LAGS = [0, 1, 2, 3, 4, 5, 6, 8, 10]
SIZE = 3

_simulate = jax.jit(
    lambda law, words: law.simulate(words, LENGTH, LONGEST),
)


_reflections = jax.jit(partial_autocorrelations)


@jax.jit
@jax.vmap
def _of_poles(radii: jax.Array, cosines: jax.Array) -> tuple[jax.Array, jax.Array]:
    order = jnp.int32(8)
    coefficients = coefficients_of_poles(radii, cosines, radii, order, 8)
    return coefficients, find_pull(radii, cosines, radii, order)


def make_law(
    ar: tuple[float, ...] = (),
    ma: tuple[float, ...] = (),
    seasonal_ar: float = 0.0,
    seasonal_ma: float = 0.0,
    season: int = 5,
    **fields: Any,
) -> dict[str, Any]:
    """Return the numbers of a law; arrays are of one size, so that one program draws all."""
    pad = lambda values: np.array([*values, *[0.0] * (SIZE - len(values))], np.float32)
    plain = {
        "differences": 0, "seasonal_differences": 0, "drift": 0.0, "pattern": 1.0,
        "degrees_of_freedom": np.inf,
    }  # fmt: skip
    return dict(
        ar_order=len(ar),
        ma_order=len(ma),
        ar=pad(ar),
        ma=pad(ma),
        season=season,
        seasonal_ar_order=int(seasonal_ar != 0),
        seasonal_ma_order=int(seasonal_ma != 0),
        seasonal_ar=seasonal_ar,
        seasonal_ma=seasonal_ma,
        **{**plain, **fields},
    )


def simulate(key: jax.Array, law: dict[str, Any]) -> np.ndarray:
    """Draw independent series of one law: `(time, channels)`."""
    laws = repeat(SARIMALaw, law, NUM_CHANNELS)
    return np.asarray(_simulate(laws, channels(key, NUM_CHANNELS)), np.float64)


def covariances(law: dict[str, Any]) -> np.ndarray:
    """Return the autocovariances of the product of the polynomials, by statsmodels."""
    season = law["season"]
    seasonal = lambda value: np.r_[1, np.zeros(season - 1), -np.float64(np.float32(value))]
    ar = np.convolve(np.r_[1, -np.float64(law["ar"])], seasonal(law["seasonal_ar"]))
    ma = np.convolve(np.r_[1, -np.float64(law["ma"])], seasonal(law["seasonal_ma"]))
    return arma_acovf(ar, ma, LENGTH)


def worst(values: np.ndarray, law: dict[str, Any]) -> float:
    """Return the largest deviation of products of values from their means, in standard errors."""
    return worst_moment(lagged_products(values, LAGS), expand(covariances(law), LENGTH, LAGS))


ALLOWED = limit(sum(LENGTH - lag for lag in LAGS))
MODELS = {
    "seasonal": make_law(seasonal_ar=0.8),
    "airline": make_law(ma=(0.4,), seasonal_ma=0.6),
    "product": make_law(ar=(0.9,), seasonal_ar=0.9, season=3),
    "pair": make_law(ar=(1.6, -0.8), ma=(-0.5,), seasonal_ar=0.7, seasonal_ma=0.3, season=7),
    "three": make_law(ar=(1.2, -0.6, 0.2), ma=(0.3, 0.2), seasonal_ar=-0.6, season=2),
    "student": make_law(ar=(0.8,), seasonal_ar=0.6, season=4, degrees_of_freedom=9.0),
}


class TestSeries:
    @pytest.mark.parametrize("name", MODELS)
    def test_autocovariance_from_the_first_step_on(self, key: jax.Array, name: str) -> None:
        values = simulate(key, MODELS[name])
        assert worst(values, MODELS[name]) < ALLOWED
        if name != "student":
            scale = np.sqrt(covariances(MODELS[name])[0])
            assert_ks(values[0] / scale, stats.norm.cdf, what="first step")

    def test_wrong_models_bite(self, key: jax.Array) -> None:
        values = simulate(key, MODELS["product"])
        wrong = [{"ar": (0.9,), "seasonal_ar": 0.89}, {"ar": (0.89,), "seasonal_ar": 0.9}]
        for fields in wrong:
            assert worst(values, make_law(season=3, **fields)) > ALLOWED
        # the short recursion started as if what enters it were white
        noise = np.random.default_rng(1).normal(size=(LENGTH + 3, NUM_CHANNELS))
        noise[:3] /= np.sqrt(1 - 0.81)
        for row in range(3, LENGTH + 3):
            noise[row] += 0.9 * noise[row - 3]
        noise[3] /= np.sqrt(1 - 0.81)
        for row in range(4, LENGTH + 3):
            noise[row] += 0.9 * noise[row - 1]
        assert worst(noise[3:], MODELS["product"]) > ALLOWED

    def test_innovations(self, key: jax.Array) -> None:
        """Of Student's law or the normal one, both of variance 1 and independent."""
        for degrees, law in ((np.inf, stats.norm()), (4.0, stats.t(4, scale=np.sqrt(0.5)))):
            values = simulate(key, make_law(degrees_of_freedom=degrees))
            assert_ks(values, law.cdf, what=f"{degrees} degrees of freedom")
            cells = np.minimum(np.floor(law.cdf(values[:3]) * 8), 7).astype(int)
            flat = np.bincount(cells[0] * 64 + cells[1] * 8 + cells[2], minlength=512)
            assert_counts_match(flat, np.full(512, 1 / 512), what="three steps")
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(values, stats.t(4.5, scale=np.sqrt(2.5 / 4.5)).cdf)

    @pytest.mark.parametrize("times", [0, 1, 2])
    def test_differences_of_sums_are_what_was_summed(self, key: jax.Array, times: int) -> None:
        plain: dict[str, Any] = {"ar": (0.7,), "seasonal_ar": 0.5, "drift": 0.3}
        stationary = simulate(key, make_law(**plain))
        summed = make_law(**plain, differences=times, seasonal_differences=1, pattern=2.0)
        levels = simulate(key, summed)
        for _ in range(times):
            levels = np.diff(levels, axis=0, prepend=0)
        np.testing.assert_allclose(levels[5:] - levels[:-5], stationary[5:], atol=1e-3)
        first = levels[:5] - stationary[:5]
        assert_ks(first / 2, stats.norm.cdf, what="first season")
        assert worst_moment(stationary, np.full((LENGTH, 1), 0.3)[:, 0]) < limit(LENGTH)


def draw_laws(key: jax.Array, family: SARIMA, length: int = 300) -> SARIMALaw:
    """Draw the parameters of many channels."""
    draw = jax.jit(lambda family, words: family.draw_laws(words, length))
    return jax.device_get(draw(family, channels(key, 50_000)))


class TestLaw:
    FAMILY: ClassVar = SARIMA(
        max_ar_order=4, radius=Uniform(0.3, 0.9), period=Uniform(5.0, 20.0),
        season=Choices((4.0, 7.0, 12.0), (2.0, 1.0, 1.0)), seasonal_ar_probability=0.25,
        seasonal_ma=Uniform(-0.5, 0.5), normal_probability=0.3, drift=Normal(1.0, 2.0),
    )  # fmt: skip

    def test_of_poles(self, key: jax.Array) -> None:
        law = draw_laws(key, self.FAMILY)
        for name, values, weights in (
            ("ar_order", range(5), [0.2] * 5),
            ("ma_order", range(3), [1 / 3] * 3),
            ("season", (4, 7, 12), (0.5, 0.25, 0.25)),
            ("seasonal_ar_order", (0, 1), (0.75, 0.25)),
            ("seasonal_ma_order", (0, 1), (0.6, 0.4)),
            ("differences", (0, 1, 2), (0.5, 0.42, 0.08)),
            ("seasonal_differences", (0, 1), (0.65, 0.35)),
        ):
            cells, counts = np.unique(getattr(law, name), return_counts=True)
            table = dict(zip(cells.tolist(), counts.tolist(), strict=True))
            assert_counts_match(table, dict(zip(values, weights, strict=True)), what=name)
        radii, periods = self.poles(law, 2)
        assert_ks(radii, stats.uniform(0.3, 0.6).cdf, what="moduli")
        assert_ks(periods, stats.uniform(5, 15).cdf, what="periods")
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(radii, stats.uniform(0.3, 0.62).cdf)
        real = law.ar[law.ar_order == 1]
        assert_ks(real[:, 0], stats.uniform(0.3, 0.6).cdf, what="a real pole")
        assert not np.any(law.ar[np.arange(4) >= law.ar_order[:, None]])
        assert_ks(law.seasonal_ma[law.seasonal_ma_order == 1], stats.uniform(-0.5, 1).cdf)
        assert_ks(law.drift, stats.norm(1, 2).cdf)
        is_normal = np.isinf(law.degrees_of_freedom)
        assert_counts_match([is_normal.sum(), (~is_normal).sum()], [0.3, 0.7])
        degrees = np.log(law.degrees_of_freedom[~is_normal] / 3) / np.log(10)
        assert_ks(degrees, stats.uniform.cdf, what="degrees of freedom")
        for order in (3, 4):
            for ar in law.ar[law.ar_order == order][:200]:
                roots = np.abs(np.roots([1, *-ar.astype(np.float64)]))
                assert np.all((roots < 0.901) & (roots > 0.299) | (roots == 0))

    @pytest.mark.floats
    def test_poles_that_rounding_moves_out_are_drawn_inwards(self, key: jax.Array) -> None:
        family = SARIMA(max_ar_order=8, min_ar_order=8, radius=Uniform(0.9, 0.9995))
        laws = draw_laws(key, family)
        reflections = np.asarray(_reflections(laws.ar.T))
        assert np.all(np.abs(reflections) < 1)  # else it starts from zeros
        largest = lambda ar: np.abs(np.roots([1, *-ar.astype(np.float64)])).max()
        assert max(largest(ar) for ar in laws.ar[:2000]) < 1
        # as they were drawn: moduli uniform, and one model in ten has none
        radii = np.random.default_rng(1).uniform(0.9, 0.9995, (2000, 4))
        periods = np.exp(np.random.default_rng(2).uniform(np.log(4), np.log(64), (2000, 4)))
        poles = np.float32(radii), np.float32(np.cos(2 * np.pi / periods))
        drawn, pulls = (np.asarray(values) for values in _of_poles(*poles))
        reflections = np.asarray(_reflections(drawn.T))
        starts_from_zeros = ~np.all(np.abs(reflections) < 1, axis=0)
        assert np.mean(starts_from_zeros) > 0.05
        assert np.all(pulls[starts_from_zeros] < 1)
        assert 0.5 < np.mean(pulls == 1) < 0.75

    def poles(self, law: SARIMALaw, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the moduli and periods of the pairs of models of order two."""
        first, second = law.ar[law.ar_order == order, :2].astype(np.float64).T
        radius = np.sqrt(-second)
        return radius, 2 * np.pi / np.arccos(first / 2 / radius)

    def test_of_the_stationary_region(self, key: jax.Array) -> None:
        """Of order two: uniform in the triangle, of which (1 + phi_2) / 2 has a known law."""
        law = draw_laws(key, SARIMA(rule="uniform", min_ar_order=2, min_ma_order=2))
        for values in (law.ar[law.ar_order == 2], law.ma):
            assert_ks((1 + values[:, 1]) / 2, lambda x: 1 - (1 - x) ** 2)

    def test_seasons_fit_the_length(self, key: jax.Array) -> None:
        season = draw_laws(key, SARIMA(), length=50).season
        assert season.min() == 4
        assert season.max() == 25


def test_contract(key: jax.Array) -> None:
    check_contract(key, SARIMA(), SARIMA(radius=Uniform(0.1, 0.5), min_ar_order=1), 48)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"radius": Uniform(0.5, 1.0)}, r"radius=.*between 0 and 0\.9995.*unit circle"),
        ({"period": Constant(1.5)}, r"period=.*>= 2"),
        ({"season": Uniform(4.0, 100.0)}, r"season=.*between 0 and 64"),
        ({"seasonal_ar": Constant(1.0)}, r"seasonal_ar=.*> -1 and < 1"),
        ({"differences": Constant(3.0)}, "summed at most twice"),
        ({"degrees_of_freedom": Constant(2.0)}, "variance 1"),
        ({"normal_probability": 1.5}, "normal_probability"),
        ({"rule": "pole"}, "Did you mean 'poles'"),
        ({"min_ar_order": 4}, "min_ar_order"),
        ({"max_season": 1}, "max_season"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SARIMA(**fields)


@pytest.mark.usefixtures("unchecked")
def test_short_series_are_refused() -> None:
    with pytest.raises(ValueError, match=r"length=3.*>= 4 for SARIMA"):
        SARIMA().sample(jax.random.key(0), n=1, length=3)

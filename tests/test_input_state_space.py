"""StateSpace: moments against the matrices of statsmodels, paths against its ETS models."""

from typing import Any, Literal

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy import stats
from scipy.linalg import block_diag
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.structural import UnobservedComponents

from s2jax.distributions import Choices, Constant, LogUniform, Uniform
from s2jax.inputs import StateSpace, StateSpaceLaw
from s2jax.inputs._noise import sample_innovations
from tests.drawn import channels
from tests.linear_families import check_contract, limit, repeat, worst_moment
from tests.statistics import assert_counts_match, assert_ks

NUM_CHANNELS = 50_000
LENGTH = 16
Seasonal = Literal["dummy", "trigonometric"]
draw = eqx.filter_jit(lambda family, laws, words: family.draw_series(laws, words, LENGTH))


def make_law(**fields: Any) -> dict[str, Any]:
    """Return the numbers of a law: of a level that moves, unless told otherwise."""
    plain = {
        "level_noise": 0.5, "slope_noise": 0.0, "seasonal_noise": 0.0, "damping": 1.0,
        "slope": 0.0, "season": 5, "pattern": 0.0, "degrees_of_freedom": np.inf,
    }  # fmt: skip
    plain.update(fields)
    has = {"has_slope": bool(plain["slope"]), "has_season": bool(plain["pattern"])}
    return {**has, **plain}


MODELS = {
    "level": make_law(),
    "trend": make_law(slope_noise=0.3, slope=0.4),
    "damped": make_law(slope_noise=0.4, slope=1.0, damping=0.8, degrees_of_freedom=12.0),
    "season": make_law(seasonal_noise=0.7, pattern=2.0),
    "all": make_law(
        slope_noise=0.1, slope=-0.3, damping=0.9, seasonal_noise=0.3, pattern=1.0, season=4
    ),
}


def moments(law: dict[str, Any], kind: Seasonal, harmonics: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of y_0, ..., y_{T-1}, from statsmodels' system matrices."""
    season = law["season"]
    variances = [law["level_noise"], law["slope_noise"], law["seasonal_noise"]]
    options: dict[str, Any] = {"seasonal": season}
    if kind == "trigonometric":
        options = {"freq_seasonal": [{"period": season, "harmonics": harmonics}]}
    model = UnobservedComponents(np.zeros(40), "local linear trend", **options)
    model.update(np.array([1.0, *np.square(variances)]))
    ssm = model.ssm
    move = np.array(ssm["transition"]).copy()
    move[1, 1] = law["damping"]
    see, select = np.array(ssm["design"]), np.array(ssm["selection"])
    noise = select @ np.array(ssm["state_cov"]) @ select.T
    if kind == "dummy":
        size = season - 1
        before = law["pattern"] ** 2 * (np.eye(season) - 1 / season)[:size, :size]
        within = move[2:, 2:] @ before @ move[2:, 2:].T + noise[2:, 2:]
    else:
        parts = np.repeat(1 / np.arange(1, harmonics + 1) ** 2, 2)
        within = np.diag(law["pattern"] ** 2 * parts[: len(move) - 2])
    mean, spread = np.zeros(len(move)), block_diag(np.zeros((2, 2)), within)
    mean[1] = law["slope"]
    means, covariance = [], np.zeros((LENGTH, LENGTH))
    for t in range(LENGTH):
        means.append(float((see @ mean)[0]))
        ahead = see.copy()
        for u in range(t, LENGTH):
            covariance[t, u] = covariance[u, t] = (ahead @ spread @ see.T)[0, 0] + (t == u)
            ahead = ahead @ move
        mean, spread = move @ mean, move @ spread @ move.T + noise
    return np.array(means), covariance


def worst(values: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Return the largest deviation of a first or second moment, in standard errors."""
    centred = values - mean[:, None]
    rows, columns = np.triu_indices(LENGTH)
    products = np.concatenate([centred, centred[rows] * centred[columns]])
    return worst_moment(products, np.concatenate([0 * mean, covariance[rows, columns]]))


ALLOWED = limit(LENGTH * (LENGTH + 3) // 2)
FAMILIES = {
    "dummy": StateSpace(),
    "trigonometric": StateSpace(seasonal_form="trigonometric", harmonics=2),
}


def simulate(key: jax.Array, kind: Seasonal, law: dict[str, Any]) -> np.ndarray:
    """Draw independent series of one law: `(time, channels)`."""
    laws = repeat(StateSpaceLaw, law, NUM_CHANNELS)
    return np.asarray(draw(FAMILIES[kind], laws, channels(key, NUM_CHANNELS)), np.float64)


class TestStructural:
    @pytest.mark.parametrize("name", MODELS)
    def test_moments(self, key: jax.Array, name: str) -> None:
        values = simulate(key, "dummy", MODELS[name])
        assert worst(values, *moments(MODELS[name], "dummy", 0)) < ALLOWED

    @pytest.mark.parametrize("name", ["season", "all"])
    def test_moments_of_waves(self, key: jax.Array, name: str) -> None:
        values = simulate(key, "trigonometric", MODELS[name])
        assert worst(values, *moments(MODELS[name], "trigonometric", 2)) < ALLOWED

    def test_wrong_models_bite(self, key: jax.Array) -> None:
        values = simulate(key, "dummy", MODELS["all"])
        for fields in ({"level_noise": 0.53}, {"seasonal_noise": 0.25}, {"pattern": 1.1}):
            wrong = {**MODELS["all"], **fields}
            assert worst(values, *moments(wrong, "dummy", 0)) > ALLOWED, fields

    def test_normal(self, key: jax.Array) -> None:
        values = simulate(key, "dummy", MODELS["trend"])
        mean, covariance = moments(MODELS["trend"], "dummy", 0)
        root = np.linalg.cholesky(covariance)
        assert_ks(np.linalg.solve(root, values - mean[:, None]), stats.norm.cdf, what="whitened")


class TestSmoothing:
    LAW = make_law(
        level_noise=0.3, slope_noise=0.1, slope=0.5, damping=0.9, seasonal_noise=0.2, pattern=3.0,
        season=4, degrees_of_freedom=5.0,
    )  # fmt: skip

    def draw(self, key: jax.Array, family: StateSpace) -> tuple[np.ndarray, np.ndarray]:
        """Return series and their e."""
        laws = repeat(StateSpaceLaw, self.LAW, 3)
        words = channels(key, 3)
        noise = sample_innovations(words, LENGTH, "irregular", laws.degrees_of_freedom)
        series = draw(family, laws, words)
        return np.asarray(series, np.float64).T, np.asarray(noise, np.float64).T

    def test_paths_of_statsmodels(self, key: jax.Array) -> None:
        family = StateSpace(form="smoothing")
        for series, noise in zip(*self.draw(key, family), strict=True):
            # y_t - l_{t-1} - damping b_{t-1} - e_t is the first season
            level, slope, pattern = 0.0, self.LAW["slope"], []
            for t in range(4):
                seen = level + 0.9 * slope
                pattern.append(series[t] - seen - noise[t])
                level, slope = seen + 0.3 * noise[t], 0.9 * slope + 0.1 * noise[t]
            assert abs(sum(pattern)) < 1e-4
            model = ETSModel(
                np.ones(40), error="add", trend="add", damped_trend=True, seasonal="add",
                seasonal_periods=4, initialization_method="known", initial_level=0.0,
                initial_trend=self.LAW["slope"], initial_seasonal=pattern,
            )  # fmt: skip
            # alpha, beta, gamma, phi, then the states, the first of which is of y_0's season
            params = np.array([0.3, 0.1, 0.2, 0.9, 0.0, self.LAW["slope"], *pattern[::-1]])
            drawn = model.smooth(params).simulate(
                LENGTH, anchor="start", random_errors=noise[:, None]
            )
            np.testing.assert_allclose(np.ravel(drawn), series, atol=1e-3)

    def test_waves(self, key: jax.Array) -> None:
        family = StateSpace(form="smoothing", seasonal_form="trigonometric")
        for series, noise in zip(*self.draw(key, family), strict=True):
            level, slope, season = 0.0, self.LAW["slope"], []
            for t in range(LENGTH):
                seen = level + 0.9 * slope
                season.append(series[t] - seen - noise[t])
                level, slope = seen + 0.3 * noise[t], 0.9 * slope + 0.1 * noise[t]
            # of season 4 there are waves of 1 and of 2 turns: their part that is free of noise
            lags = np.arange(LENGTH)
            kernel = np.r_[0, 0.2 * (np.cos(np.pi * lags / 2) + np.cos(np.pi * lags))]
            free = np.array(season) - np.convolve(noise, kernel)[:LENGTH]
            np.testing.assert_allclose(free[4:], free[:-4], atol=1e-4)
            assert np.ptp(free) > 0.1


def test_law(key: jax.Array) -> None:
    family = StateSpace(
        slope_probability=0.25, season_probability=0.6, season=Choices((4.0, 7.0)),
        level_noise=Uniform(0.0, 2.0), damping=Uniform(0.5, 0.9), level_probability=0.5,
    )  # fmt: skip
    sample = jax.jit(lambda family, words: family.draw_laws(words, 100))
    law = jax.device_get(sample(family, channels(key, 20_000)))
    moves = law.level_noise > 0
    is_damped = law.damping < 1
    for what, chosen, share in (
        ("slopes", law.has_slope, 0.25), ("seasons", law.has_season, 0.6), ("moves", moves, 0.5),
        ("damped", is_damped[law.has_slope], 0.5), ("sevens", law.season == 7, 0.5),
    ):  # fmt: skip
        assert_counts_match([chosen.sum(), (~chosen).sum()], [share, 1 - share], what=what)
    assert not np.any(is_damped[~law.has_slope])
    assert not np.any(law.slope_noise[~law.has_slope])
    assert not np.any(law.pattern[~law.has_season])
    assert_ks(law.level_noise[moves], stats.uniform(0, 2).cdf)
    assert_ks(law.damping[is_damped], stats.uniform(0.5, 0.4).cdf)


def test_contract(key: jax.Array) -> None:
    check_contract(key, StateSpace(), StateSpace(level_noise=LogUniform(2.0, 3.0)), 30)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"form": "ets"}, "form='ets'"),
        ({"seasonal_form": "dummies"}, "Did you mean 'dummy'"),
        ({"level_noise": Uniform(-1.0, 1.0)}, r"level_noise=.*between 0.*deviation"),
        ({"form": "smoothing", "level_noise": Constant(1.5)}, "smoothing parameter"),
        ({"damping": Constant(1.1)}, "without bound"),
        ({"season": Constant(65.0)}, "room"),
        ({"slope_probability": -0.1}, "slope_probability"),
        ({"harmonics": 0}, "harmonics"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StateSpace(**fields)


@pytest.mark.usefixtures("unchecked")
def test_short_series_are_refused() -> None:
    with pytest.raises(ValueError, match=r"length=3.*>= 4 for StateSpace"):
        StateSpace().sample(jax.random.key(0), n=1, length=3)

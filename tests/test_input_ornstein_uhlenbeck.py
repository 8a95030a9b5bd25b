"""OrnsteinUhlenbeck: moments of the switching process from its first step on, and its chain."""

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from s2jax.distributions import Choices, Constant, LogUniform, Normal, Uniform
from s2jax.inputs import OrnsteinUhlenbeck, OrnsteinUhlenbeckLaw
from s2jax.inputs._labels import pack, unpack
from tests.drawn import channels
from tests.linear_families import check_contract, limit, worst_moment
from tests.statistics import assert_counts_match, assert_ks

LENGTH, LAGS = 10, 6
DWELLS = (3.0, 9.0)
FAMILY = OrnsteinUhlenbeck(dwell=Choices(DWELLS), max_regimes=2)
draw_laws = eqx.filter_jit(lambda family, words: family.draw_laws(words, LENGTH))
draw_series = eqx.filter_jit(lambda family, laws, words: family.draw_series(laws, words, LENGTH))


@pytest.fixture(scope="module")
def chains() -> tuple[OrnsteinUhlenbeckLaw, jax.Array]:
    """Laws of two regimes that last for 3 and 9 steps, and their keys."""
    words = channels(jax.random.key(7), 200_000)
    laws = draw_laws(FAMILY, words)
    chosen = np.flatnonzero(np.all(np.asarray(laws.dwells) == DWELLS, axis=1))[:40_000]
    assert len(chosen) == 40_000
    return jax.tree.map(lambda leaf: leaf[chosen], laws), words[chosen]


def with_numbers(laws: Any, means: Any, rates: Any, deviations: Any) -> Any:
    """Return the laws with these numbers in every channel."""
    rates = np.asarray(rates)
    rows = (np.asarray(means), rates, np.asarray(deviations) * np.sqrt(2 * rates))
    like = lambda row: jnp.asarray(np.broadcast_to(row, laws.means.shape), jnp.float32)
    where = lambda law: (law.means, law.rates, law.volatilities)
    return eqx.tree_at(where, laws, tuple(like(row) for row in rows))


def products(means: Any, rates: Any, deviations: Any) -> tuple[float, np.ndarray]:
    """Return E x_t and E x_t x_{t+h} of the stationary process, by linear equations."""
    leave = 1 / np.array(DWELLS)
    move = np.array([[1 - leave[0], leave[0]], [leave[1], 1 - leave[1]]])
    share = np.array(DWELLS) / sum(DWELLS)
    kept = np.exp(-np.asarray(rates))
    shift = np.asarray(means) * (1 - kept)
    noise = np.asarray(deviations) ** 2 * (1 - kept**2)
    first = np.linalg.solve(np.eye(2) - kept[:, None] * move.T, shift * share)
    come = move.T @ first  # E x_{t-1}, given the regime of t
    square = np.linalg.solve(
        np.eye(2) - kept[:, None] ** 2 * move.T,
        2 * kept * shift * come + (shift**2 + noise) * share,
    )
    out, moment = [square.sum()], first
    for _ in range(LAGS - 1):
        square, moment = kept * (move.T @ square) + shift * (move.T @ moment), move.T @ moment
        out.append(square.sum())
    return float(first.sum()), np.array(out)


MODELS: dict[str, Any] = {
    "apart": {"means": (-1.0, 2.0), "rates": (0.5, 0.1), "deviations": (0.3, 1.0)},
    "slow": {"means": (0.0, 3.0), "rates": (0.1, 0.06), "deviations": (1.0, 0.2)},
}
ALLOWED = limit(LENGTH + sum(LENGTH - lag for lag in range(LAGS)))


def worst(values: np.ndarray, mean: float, expected: np.ndarray) -> float:
    """Return the largest deviation of a mean or a product from what is expected."""
    pairs = [values[: LENGTH - lag] * values[lag:] for lag in range(LAGS)]
    wanted = [np.full(LENGTH - lag, expected[lag]) for lag in range(LAGS)]
    return worst_moment(
        np.concatenate([values, *pairs]), np.concatenate([np.full(LENGTH, mean), *wanted])
    )


class TestSeries:
    @pytest.mark.parametrize("name", MODELS)
    def test_moments_from_the_first_step_on(self, chains: Any, name: str) -> None:
        laws, words = chains
        laws = with_numbers(laws, **MODELS[name])
        values = np.asarray(draw_series(FAMILY, laws, words), np.float64)
        mean, expected = products(**MODELS[name])
        assert worst(values, mean, expected) < ALLOWED
        for field, number in (("rates", (0.5, 0.12)), ("deviations", (0.3, 1.1))):
            wrong = {**MODELS["apart"], field: number}
            assert name != "apart" or worst(values, *products(**wrong)) > ALLOWED

    def test_a_start_in_the_law_of_the_first_regime_bites(self, chains: Any) -> None:
        laws, words = chains
        laws = with_numbers(laws, **MODELS["slow"])
        path = np.asarray(laws.regimes(LENGTH))
        values = np.asarray(draw_series(FAMILY, laws, words), np.float64)
        noise = np.random.default_rng(0).normal(size=len(path))
        parts = {name: np.asarray(field)[path[:, 0]] for name, field in MODELS["slow"].items()}
        wrong = parts["means"] + parts["deviations"] * noise
        assert worst(np.concatenate([wrong[None], values[1:]]), *products(**MODELS["slow"])) > 20

    def test_a_single_regime_starts_in_its_law(self, key: jax.Array) -> None:
        """However slow it is: one that forgets nothing of the past that is drawn."""
        family = OrnsteinUhlenbeck(
            1, 1, mean=Constant(0.0), relaxation=Constant(1e4), deviation=Constant(1.0)
        )
        words = channels(key, 4000)
        values = np.asarray(draw_series(family, draw_laws(family, words), words), np.float64)
        for row in (0, -1):
            assert_ks(values[row], stats.norm.cdf, what=f"step {row}")

    def test_steps_given_the_path(self, chains: Any) -> None:
        """The path that the law keeps is the one whose parameters the series has."""
        laws, words = chains
        laws = with_numbers(laws, **MODELS["apart"])
        values = np.asarray(draw_series(FAMILY, laws, words), np.float64)
        path = np.asarray(laws.regimes(LENGTH)).T
        mean, rate, deviation = (np.array(v)[path[1:]] for v in MODELS["apart"].values())
        kept = np.exp(-rate)
        noise = (values[1:] - mean - (values[:-1] - mean) * kept) / deviation
        noise = noise / np.sqrt(1 - kept**2)
        assert_ks(noise, stats.norm.cdf)
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(noise[:, path[1] == 0] * 1.05, stats.norm.cdf)


class TestLaw:
    def test_chain(self, chains: Any) -> None:
        path = np.asarray(chains[0].regimes(LENGTH))
        leave = 1 / np.array(DWELLS)
        move = np.array([[1 - leave[0], leave[0]], [leave[1], 1 - leave[1]]])
        for start in (0, LENGTH - 4):
            cells = path[:, start : start + 4] @ np.array([8, 4, 2, 1])
            law = np.zeros(16)
            for cell in range(16):
                steps = [cell >> k & 1 for k in (3, 2, 1, 0)]
                law[cell] = DWELLS[steps[0]] / sum(DWELLS)
                for a, b in pairwise(steps):
                    law[cell] *= move[a, b]
            assert_counts_match(np.bincount(cells, minlength=16), law)

    def test_parameters(self, key: jax.Array) -> None:
        family = OrnsteinUhlenbeck(
            min_regimes=1, relaxation=LogUniform(2.0, 20.0), deviation=Uniform(0.5, 1.0),
            mean=Normal(1.0, 2.0), dwell=Constant(4.0),
        )  # fmt: skip
        laws = jax.device_get(draw_laws(family, channels(key, 40_000)))
        assert_counts_match(np.bincount(laws.num_regimes, minlength=5)[1:], np.full(4, 0.25))
        used = np.arange(4) < laws.num_regimes[:, None]
        assert_ks(laws.means[used], stats.norm(1, 2).cdf)
        assert_ks(1 / laws.rates[used], stats.loguniform(2, 20).cdf)
        deviations = laws.volatilities[used] / np.sqrt(2 * laws.rates[used])
        assert_ks(deviations, stats.uniform(0.5, 0.5).cdf)
        for field in (laws.means, laws.rates, laws.volatilities, laws.dwells):
            assert not np.any(field[~used])
        path = np.asarray(laws.regimes(LENGTH))
        assert np.all(path < laws.num_regimes[:, None])
        pairs = path[laws.num_regimes == 3][:, 4:6] @ np.array([3, 1])
        move = (np.full((3, 3), 1 / 8) + np.eye(3) * 5 / 8) / 3
        assert_counts_match(np.bincount(pairs, minlength=9).reshape(3, 3), move, what="three")


@pytest.mark.parametrize(("length", "width"), [(1, 2), (37, 2), (33, 1)])
def test_labels_are_kept(length: int, width: int) -> None:
    labels = np.random.default_rng(length).integers(0, 2**width, (length, 5)).astype(np.int32)
    words = pack(jnp.asarray(labels), width)
    assert words.shape == (-(-length * width // 32), 5)
    np.testing.assert_array_equal(unpack(words, width, length), labels)


def test_contract(key: jax.Array) -> None:
    other = OrnsteinUhlenbeck(dwell=LogUniform(2.0, 4.0), min_regimes=3)
    check_contract(key, OrnsteinUhlenbeck(), other, 20)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"relaxation": Uniform(0.0, 2.0)}, r"relaxation=.*> 0"),
        ({"deviation": Normal()}, r"deviation=.*> 0.*nothing moves"),
        ({"dwell": Constant(0.5)}, r"dwell=.*>= 1"),
        ({"max_regimes": 5}, "max_regimes=5"),
        ({"min_regimes": 5}, "min_regimes=5"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrnsteinUhlenbeck(**fields)

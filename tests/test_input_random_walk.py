"""RandomWalk: its steps, and jumps where the law says that they are."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy import stats

from s2jax.distributions import Constant, LogUniform, Normal, Uniform
from s2jax.inputs import RandomWalk
from tests.drawn import channels
from tests.linear_families import check_contract
from tests.statistics import assert_counts_match, assert_ks

LENGTH, NUM_CHANNELS = 40, 20_000


@eqx.filter_jit
def draw(family: RandomWalk, words: jax.Array) -> Any:
    laws = family.draw_laws(words, LENGTH)
    return laws, family.draw_series(laws, words, LENGTH), laws.has_jump(LENGTH)


def simulate(key: jax.Array, **fields: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return laws, steps `(time, channels)` less the drift, and where there are jumps."""
    plain: dict[str, Any] = {
        "drift": Constant(0.3), "jump_probability": 1.0, "jump_rate": Constant(0.1),
        "jump_deviation": Constant(4.0), "normal_probability": 1.0,
        "degrees_of_freedom": Constant(4.0),
    }  # fmt: skip
    family = RandomWalk(**{**plain, **fields})
    laws, series, jumps = jax.device_get(draw(family, channels(key, NUM_CHANNELS)))
    steps = np.diff(series.astype(np.float64), axis=0, prepend=0) - laws.drift
    return laws, steps, jumps.T


class TestSeries:
    def test_steps_and_jumps(self, key: jax.Array) -> None:
        _, steps, jumps = simulate(key)
        assert_ks(steps[~jumps], stats.norm.cdf, what="steps")
        assert_ks(steps[jumps], stats.norm(scale=np.sqrt(17)).cdf, what="jumps")
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(steps, stats.norm.cdf)

    def test_times_of_jumps(self, key: jax.Array) -> None:
        """Independent from step to step, over the edge of a word too."""
        _, _, jumps = simulate(key)
        for time in (0, 31):
            cells = jumps[time] * 2 + jumps[time + 1]
            law = [0.81, 0.09, 0.09, 0.01]
            assert_counts_match(np.bincount(cells, minlength=4), law, what=f"step {time}")
        total = np.bincount(jumps.sum(0), minlength=LENGTH + 1)
        assert_counts_match(total, stats.binom(LENGTH, 0.1).pmf(np.arange(LENGTH + 1)))

    def test_student(self, key: jax.Array) -> None:
        _, steps, jumps = simulate(key, normal_probability=0.0, jump_probability=0.0)
        assert not jumps.any()
        assert_ks(steps, stats.t(4, scale=np.sqrt(0.5)).cdf)
        uniforms = stats.t(4, scale=np.sqrt(0.5)).cdf(steps[:2])
        cells = np.minimum(np.floor(uniforms * 8), 7).astype(int)
        assert_counts_match(np.bincount(cells[0] * 8 + cells[1], minlength=64), np.full(64, 1 / 64))

    def test_of_rate_one(self, key: jax.Array) -> None:
        assert simulate(key, jump_rate=Constant(1.0))[2].all()


def test_law(key: jax.Array) -> None:
    laws, _, jumps = simulate(
        key, jump_probability=0.3, jump_rate=LogUniform(0.01, 0.1), drift=Normal(0.0, 2.0),
        jump_deviation=Uniform(2.0, 4.0), normal_probability=0.6,
    )  # fmt: skip
    has_jumps = laws.jump_rate > 0
    assert_counts_match([has_jumps.sum(), (~has_jumps).sum()], [0.3, 0.7])
    assert_ks(laws.jump_rate[has_jumps], stats.loguniform(0.01, 0.1).cdf)
    assert_ks(laws.jump_deviation[has_jumps], stats.uniform(2, 2).cdf)
    assert not np.any(laws.jump_deviation[~has_jumps])
    assert not np.any(jumps[:, ~has_jumps])
    assert_ks(laws.drift, stats.norm(0, 2).cdf)
    is_normal = np.isinf(laws.degrees_of_freedom)
    assert_counts_match([is_normal.sum(), (~is_normal).sum()], [0.6, 0.4])


def test_contract(key: jax.Array) -> None:
    check_contract(key, RandomWalk(), RandomWalk(drift=Normal(1.0, 0.1)), 40)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"jump_rate": Constant(1.5)}, r"jump_rate=.*between 0 and 1.*probability"),
        ({"jump_deviation": Normal()}, r"jump_deviation=.*between 0"),
        ({"jump_probability": -0.5}, "jump_probability"),
        ({"normal_probability": 1.5}, "normal_probability"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RandomWalk(**fields)

"""Solutions of one path of noise with steps of different lengths: order, and the estimate."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from s2jax.core.random import words_of
from s2jax.ode._equations import solver_of
from s2jax.ode._integrate import Trajectories, integrate
from s2jax.ode._noise import follow_twice, noise
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID
from s2jax.programs.program import DTYPES, FIRST_STATE

ROWS, SPAN, FINEST, LENGTH = 512, 2.0, 2048, 17
Solve = Callable[..., Trajectories]


def _factors(kind: str) -> Program:
    """0.5, or half the state itself, for both states."""
    state = -1 - (FIRST_STATE + np.repeat([0, 1], ROWS))
    fields = {
        "additive": (CONST, 5, -1, 1, 0, 0, 0),
        "multiplicative": (ID, state, state, 5, -1, 0, 0),
    }[kind]
    column = lambda leaf, dtype: jnp.asarray(np.broadcast_to(leaf, 2 * ROWS).astype(dtype))[:, None]
    leaves = [column(leaf, dtype) for leaf, dtype in zip(fields, DTYPES, strict=True)]
    return Program(*leaves, length=jnp.ones(2 * ROWS, jnp.int32), protected=False)


def _pitchfork(y: Array) -> Array:
    return jnp.stack([y[0] - y[0] ** 3, y[0] - y[1]])


def _solver(kind: str, field: Callable[[Array], Array], key: jax.Array) -> Solve:
    words = words_of(jax.random.split(key, ROWS))
    y0 = jnp.stack([jnp.linspace(0.5, 1.5, ROWS), jnp.ones(ROWS)])

    def solve(num_steps: Array, is_noisy: Array | bool = True) -> Trajectories:
        path = jnp.full(ROWS, SPAN / FINEST), words, jnp.full(ROWS, 3, jnp.int32)
        kick = noise(_factors(kind), 2, *path, FINEST // num_steps)
        right = lambda tau, y: SPAN * field(y)
        return integrate(
            solver_of(None), right, y0, num_steps, LENGTH, jnp.float32(1e3), kick, is_noisy
        )

    return jax.jit(solve)


@pytest.fixture(scope="module", params=["additive", "multiplicative"])
def errors(request: Any) -> dict[int, np.ndarray]:
    """Errors at the end by number of steps, against the shortest steps along the same paths."""
    with jax.enable_x64(False):
        solve = _solver(request.param, _pitchfork, jax.random.key(20261130))
        at = lambda steps: np.asarray(solve(jnp.int32(steps)).y, float)
        exact = at(FINEST)
        return {steps: np.abs(at(steps) - exact).max((0, 1)) for steps in (16, 32, 64, 128)}


def _order(errors: dict[int, np.ndarray]) -> float:
    """The slope of the mean error over the length of steps, on logarithmic scales."""
    steps = np.array(list(errors))
    means = np.array([error.mean() for error in errors.values()])
    return float(np.polyfit(-np.log(steps), np.log(means), 1)[0])


def test_errors_are_of_strong_order_one(errors: dict[int, np.ndarray]) -> None:
    assert 0.85 < _order(errors) < 1.15
    assert errors[128].mean() < 1e-2


def test_another_order_is_seen(errors: dict[int, np.ndarray]) -> None:
    slower = {steps: error * np.sqrt(steps) for steps, error in errors.items()}
    assert not 0.85 < _order(slower) < 1.15


def test_what_commutes_has_no_error(key: jax.Array) -> None:
    solve = _solver("multiplicative", lambda y: jnp.stack([0.3 * y[0], -0.7 * y[1]]), key)
    long, short = (np.asarray(solve(jnp.int32(steps)).y) for steps in (16, 512))
    np.testing.assert_allclose(long, short, rtol=3e-4)
    assert np.std(np.log(short[-1, 0])) > 0.5


def test_the_difference_from_longer_steps_is_about_the_error(key: jax.Array) -> None:
    solve = _solver("additive", _pitchfork, key)
    twice = jax.jit(lambda steps, noisy: follow_twice(
        lambda n: solve(n, noisy), steps, noisy))  # fmt: skip
    found, exact = twice(jnp.int32(64), jnp.bool_(True)), solve(jnp.int32(FINEST))
    np.testing.assert_array_equal(found.y, solve(jnp.int32(64)).y)
    largest = np.abs(found.y).max(0)
    other = solve(jnp.int32(32)).y
    np.testing.assert_allclose(
        found.halving, (np.abs(found.y - other) / largest).max((0, 1)), rtol=1e-5
    )
    true = (np.abs(found.y - exact.y) / largest).max((0, 1))
    assert 0.4 < np.median(true / found.halving) < 0.8  # 1 / sqrt(3) where noise is additive
    assert np.mean(true <= 2 * found.halving) > 0.95
    still = twice(jnp.int32(64), jnp.bool_(False))
    assert not np.asarray(still.halving).any()
    np.testing.assert_array_equal(still.y, solve(jnp.int32(64), False).y)

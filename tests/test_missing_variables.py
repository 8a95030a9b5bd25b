"""A variable without values is refused by name, or NaN where a program is traced."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import FitStatus

X = jnp.linspace(-1.0, 1.0, 24).reshape(1, 3, 8)
MISSING = ["x_0 + x_5", "y_0", "t*x_1", "2.0*x_3 + 1.5", "x_63", "3.5*sin(x_4) - x_1", "x_0*y_15"]
NAMES = ["x_5", "y_0", "t", "x_3", "x_63", "x_4", "y_15"]
CALLS: dict[str, Callable[..., Any]] = {
    "evaluate": lambda p: s2jax.evaluate(p, X),
    "gradient": lambda p: jax.grad(lambda x: s2jax.evaluate(p, x).sum())(X),
    "constants": lambda p: s2jax.evaluate(p, X, p.constants),
    "evaluate_jvp": lambda p: s2jax.evaluate_jvp(p, X, X),
    "fit_constants": lambda p: s2jax.fit_constants(p, X, X[:, :1]),
    "traced x": lambda p: jax.jit(lambda x: s2jax.evaluate(p, x))(X),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("text, name", list(zip(MISSING, NAMES, strict=True)))
def test_a_program_that_holds_numbers_is_refused(call: str, text: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"program\[0, 0\]\): reads {name}, .*x_0 to x_2\. "):
        CALLS[call](s2jax.from_text([text]))


def test_the_first_wrong_program_of_a_batch_is_named() -> None:
    program = s2jax.from_text([["x_0 | x_1", "x_2 | 0"], ["x_0 | x_1", "x_2 | x_3"]])
    with pytest.raises(ValueError, match=r"evaluate\(program\[1, 1, 1\]\): reads x_3"):
        s2jax.evaluate(program, jnp.ones((2, 2, 3, 8)))
    with pytest.raises(ValueError, match="must read what has values: none"):
        s2jax.evaluate(program, jnp.ones((2, 2, 0, 8)))


def test_variables_of_unused_slots_do_not_count() -> None:
    program = s2jax.from_text(["2.5", "x_0"], num_nodes=3)[:1]
    assert program.num_nodes == 3
    np.testing.assert_array_equal(s2jax.evaluate(program, jnp.ones((1, 0, 8))), 2.5)


def test_a_traced_program_is_nan_and_its_neighbours_are_not() -> None:
    program = s2jax.from_text([*MISSING, "x_0 + x_2"])
    x = jnp.tile(X, (len(MISSING) + 1, 1, 1))
    y = jax.jit(s2jax.evaluate)(program, x)
    np.testing.assert_array_equal(np.isnan(y).all((1, 2)), [True] * len(MISSING) + [False])
    loss = lambda program, x: (s2jax.evaluate(program, x) ** 2).sum()
    slope = jax.jit(jax.grad(loss, argnums=1))(program, x)
    assert np.isfinite(slope[-1]).all()
    assert np.isnan(slope[0, 0]).all()  # x_0 + x_5


def test_a_traced_fit_says_so() -> None:
    program = s2jax.from_text(["2.5*x_5 + 0.5", "2.5*x_2 + 0.5"])
    x = jnp.tile(X, (2, 1, 1))
    fit = jax.jit(s2jax.fit_constants)(program, x, x[:, 2:])
    assert fit.status.tolist() == [[FitStatus.MISSING_VARIABLE.value], [FitStatus.OK.value]]
    assert "no channel of x" in FitStatus.MISSING_VARIABLE.sentence


@pytest.mark.parametrize("text, name", [("y_1 | y_2", "y_2"), ("x_1*y_0 | y_1", "x_1")])
def test_equations_are_refused(text: str, name: str) -> None:
    program = s2jax.from_text(text)
    with pytest.raises(ValueError, match=rf"solve\(program\[\d\]\): reads {name}, "):
        s2jax.ode.solve(program, jnp.ones(2), jnp.linspace(0.0, 1.0, 3), jnp.ones((1, 3)))


def test_a_missing_state_is_nan_and_no_other_variable() -> None:
    from s2jax.ode._equations import bind
    from s2jax.programs.engines.run import evaluate_rows

    bound = bind(s2jax.from_text(["y_1", "y_2", "x_0", "x_1", "t"])[:, 0], 2)
    values = jnp.arange(1.0, 5.0)[None, :, None]  # y_0, y_1, t, x_0
    y = evaluate_rows(bound, values, 5)[:, 0]
    np.testing.assert_array_equal(y, [2, np.nan, 4, np.nan, 3])

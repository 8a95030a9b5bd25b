"""Fits of constants: exact recovery, bounds, missing values, and SciPy beside it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

import s2jax
from s2jax.programs.fit import FitStatus

FORMS = (
    "2.5*sin(1.3*x_0 + 0.4) + 0.7", "1.5*exp(-0.8*x_0) - 0.3", "0.4*x_0**3 - 1.1*x_0 + 0.2",
    "3.0/(1 + 0.5*x_0**2)", "0.9*tanh(2.2*x_0 - 0.5)", "log(2.5*x_0**2 + 1.5)*0.6",
)  # fmt: skip


def data(*last: str) -> tuple[s2jax.programs.Program, jax.Array, jax.Array]:
    """The forms, the last of them replaced; one shape for all, because a fit compiles for 10 s."""
    forms = [*FORMS[: len(FORMS) - len(last)], *last]
    program = s2jax.from_text(forms, num_nodes=4)
    x = jnp.broadcast_to(jnp.linspace(-2, 2, 60), (len(forms), 1, 60))
    return program, x, s2jax.evaluate(program, x)


def perturbed(program, size: float, seed: int):
    key = jax.random.key(seed)
    noise = lambda leaf, free: leaf * (1 + size * free * jax.random.normal(key, leaf.shape))
    free = jax.tree.map(lambda leaf: leaf.astype(float), s2jax.free_constants(program))
    return s2jax.with_constants(program, jax.tree.map(noise, program.constants, free))


def test_constants_are_recovered(seed: int) -> None:
    program, x, y = data()
    guess = perturbed(program, 0.2, seed)
    fit = s2jax.fit_constants(guess, x, y)
    assert not fit.status.any()
    free = s2jax.free_constants(program)
    for got, truth, chosen in zip(
        jax.tree.leaves(fit.constants), jax.tree.leaves(program.constants), jax.tree.leaves(free),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(got[chosen], truth[chosen], rtol=2e-3)
    rounded = s2jax.with_constants(guess, fit.constants, digits=2)
    assert s2jax.to_text(rounded)[0] == "(0.7 add (2.5 mul sin((0.4 add (1.3 mul x_0)))))"


@pytest.mark.long
def test_scipy_finds_no_better_minimum(seed: int) -> None:
    """From the same start, on noisy data, in float64."""
    with jax.enable_x64(True):
        program, x, y = data()
        y = y + 0.1 * jax.random.normal(jax.random.key(seed), y.shape)
        guess = perturbed(program, 0.1, seed)
        fit = s2jax.fit_constants(guess, x, y, tolerance=1e-12)
        free = s2jax.free_constants(guess)
        for row in range(len(FORMS)):
            chosen = [np.asarray(leaf[row, 0]) for leaf in (free.scale, free.bias)]
            own = [np.array(leaf[row, 0]) for leaf in jax.tree.leaves(guess.constants)]

            def residual(theta, row=row, chosen=chosen, own=own):
                new = [value.copy() for value in own]
                new[0][chosen[0]] = theta[: chosen[0].sum()]
                new[1][chosen[1]] = theta[chosen[0].sum() :]
                constants = s2jax.programs.Constants(*(jnp.asarray(v)[None, None] for v in new))
                one = slice(row, row + 1)
                return np.asarray(s2jax.evaluate(program[one], x[one], constants) - y[one]).ravel()

            start = np.concatenate([own[0][chosen[0]], own[1][chosen[1]]])
            peer = least_squares(residual, start, method="lm")
            ours = float(fit.loss[row, 0])
            assert ours <= np.mean(peer.fun**2) * (1 + 1e-6)


def test_whole_numbers_stay(seed: int) -> None:
    program, x, y = data("2*sin(1.3*x_0) + x_0**3")
    fit = s2jax.fit_constants(program, x, 1.5 * y)
    own = program.constants
    changed = [
        int((one != two)[-1].sum())
        for one, two in zip(jax.tree.leaves(fit.constants), jax.tree.leaves(own), strict=True)
    ]
    assert changed == [1, 0]
    everything = s2jax.free_constants(program)
    everything = jax.tree.map(lambda free, leaf: free.at[-1].set(leaf[-1] != 0), everything, own)
    assert float(s2jax.fit_constants(program, x, 1.5 * y, free=everything).loss.max()) < 1e-8


def test_missing_values_are_left_out(seed: int) -> None:
    program, x, y = data()
    hole = jax.random.bernoulli(jax.random.key(seed), 0.3, y.shape)
    fit = s2jax.fit_constants(perturbed(program, 0.1, seed), x, jnp.where(hole, jnp.nan, y))
    assert not fit.status.any()
    assert float(fit.loss.max()) < 1e-8


def test_random_starts_help_and_depend_on_the_key_alone(seed: int) -> None:
    program, x, y = data(*["2.5*sin(3.3*x_0 + 0.4) + 0.7"] * 6)
    guess = s2jax.with_constants(
        program, jax.tree.map(lambda leaf: jnp.where(leaf != 0, 1.0, leaf), program.constants)
    )
    one = s2jax.fit_constants(guess, x, y)
    key = jax.random.key(seed)
    many = s2jax.fit_constants(guess, x, y, key=key, starts=32)
    assert float(one.loss.min()) > 0.01 > 1e-6 > float(many.loss.min())
    again = s2jax.fit_constants(guess, x, y, key=key, starts=32)
    np.testing.assert_array_equal(many.loss, again.loss)


def test_a_row_that_cannot_be_evaluated_says_so() -> None:
    program, x, y = data("log(1.5*x_0) + 2.0")
    fit = s2jax.fit_constants(program, x.at[-1].set(-1.0), y)
    statuses = [FitStatus(int(status)) for status in fit.status[:, 0]]
    assert statuses == [FitStatus.OK] * 5 + [FitStatus.NOT_FINITE]
    assert "finite" in FitStatus.NOT_FINITE.sentence
    assert np.isinf(fit.loss[-1, 0])
    np.testing.assert_array_equal(fit.constants.bias[-1], program.constants.bias[-1])


def test_it_runs_inside_jit_and_rows_do_not_depend_on_their_neighbours(seed: int) -> None:
    program, x, y = data()
    guess = perturbed(program, 0.1, seed)
    all_rows = s2jax.fit_constants(guess, x, y)
    inside = jax.jit(s2jax.fit_constants)(guess[1:5], x[1:5], y[1:5])
    assert float(inside.loss.max()) < 1e-8 > float(all_rows.loss.max())
    np.testing.assert_allclose(all_rows.constants.bias[1:5], inside.constants.bias, rtol=1e-3)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"starts": 4}, "must have a key"),
        ({"starts": 0}, "starts=0"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"y": jnp.ones((6, 1, 59))}, "must have equal lengths"),
        ({"y": jnp.ones((6, 2, 60))}, r"must be \(\*batch, outputs\)"),
    ],
)
def test_bad_calls_are_refused(changes: dict, message: str, unchecked: None) -> None:
    program, x, y = data()
    arguments = {"program": program, "x": x, "y": y} | changes
    with pytest.raises(ValueError, match=message):
        s2jax.fit_constants(**arguments)


@pytest.mark.parametrize("digits", [2, 4, 6])
def test_decimals_are_the_nearest(digits: int, seed: int) -> None:
    from s2jax.programs.program import decimal, to_decimal

    rng = np.random.default_rng(seed)
    value = (rng.normal(size=20_000) * 10.0 ** rng.integers(-6, 6, 20_000)).astype(np.float32)
    mantissa, exponent = to_decimal(jnp.asarray(value), digits)
    assert (np.abs(mantissa) < 10 ** max(digits + 1, 9)).all()
    back = np.asarray(decimal(mantissa, exponent), np.float64)
    assert (np.abs(back - value) <= 0.5001 * 10.0 ** (1 - digits) * np.abs(value)).all()
    assert (np.asarray(exponent)[np.abs(value) < 1000] < 0).all()
    zero = to_decimal(jnp.zeros(()), digits)
    assert (int(zero[0]), int(zero[1])) == (0, 0)


def test_nothing_to_fit_to_is_no_fit() -> None:
    x = jnp.linspace(-1.0, 1.0, 8)[None]
    y = jnp.stack([jnp.full(8, jnp.nan)])
    fit = s2jax.fit_constants(s2jax.from_text("2.0*x_0"), x, y)
    assert fit.status.tolist() == [FitStatus.NOT_FINITE.value]
    assert np.isinf(np.asarray(fit.loss)).all()

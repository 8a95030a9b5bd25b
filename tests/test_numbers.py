"""One range of numbers, 1e-100 to 1e100, whichever way they come into a program."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax.distributions import Choices, Constant, LogUniform, Normal, Uniform
from s2jax.ode._words import read_words
from s2jax.programs.program import NAN, decimal, to_decimal
from s2jax.text.form import to_float

PLANCK = 6.62607015e-34
TINY, HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
y, h = sympy.symbols("y h")


def value_of(mantissa: Any, exponent: Any) -> np.ndarray:
    pairs = zip(np.ravel(mantissa).tolist(), np.ravel(exponent).tolist(), strict=True)
    return np.array([to_float(m, e) for m, e in pairs]).reshape(np.shape(mantissa))


def ulps(got: Any, expected: np.ndarray, dtype: Any) -> np.ndarray:
    return np.abs(np.asarray(got, float) - expected) / np.spacing(expected.astype(dtype))


# Decimals and floats.


@pytest.mark.parametrize("dtype, exact", [(np.float32, 10), (np.float64, 22)])
def test_a_decimal_is_the_nearest_float_or_within_4_ulps(dtype: Any, exact: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    digits = 7 if dtype == np.float32 else 9
    exponent = np.arange(-108, 101)[None] + np.zeros((50, 1), int)
    mantissa = rng.integers(1, 10**digits, exponent.shape)
    expected = value_of(mantissa, exponent)
    with jax.enable_x64(dtype == np.float64):
        pair = jnp.asarray(mantissa, jnp.int32), jnp.asarray(exponent, jnp.int32)
        got = np.asarray(jax.jit(decimal, static_argnums=2)(*pair, dtype))
    info = np.finfo(dtype)
    far = (expected < 0.999 * float(info.tiny)) | (expected > 1.001 * float(info.max))
    assert np.isnan(got[far]).all()
    assert far.any() == (dtype == np.float32)
    held = (expected > 1.001 * float(info.tiny)) & (expected < 0.999 * float(info.max))
    assert ulps(got[held], expected[held], dtype).max() < 4
    near = held & (np.abs(exponent) <= exact) & (mantissa < 2**24)
    np.testing.assert_array_equal(got[near], expected[near].astype(dtype))


@pytest.mark.parametrize("dtype, low, high", [(np.float32, -37, 38), (np.float64, -100, 99)])
@pytest.mark.parametrize("digits", [3, 6])
def test_every_float_has_its_nearest_decimal(
    dtype: Any, low: int, high: int, digits: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    value = rng.uniform(1.0, 3.4, 5000) * 10.0 ** rng.integers(low, high + 1, 5000)
    value = (value * rng.choice([-1, 1], 5000)).astype(dtype)
    with jax.enable_x64(dtype == np.float64):
        mantissa, exponent = jax.jit(to_decimal, static_argnums=1)(jnp.asarray(value), digits)
    error = np.abs(value_of(mantissa, exponent) - value) / np.abs(value)
    assert error.max() <= 0.501 * 10.0 ** (1 - digits)


def test_what_is_no_number_stays_none() -> None:
    as_decimal = jax.jit(to_decimal, static_argnums=1)
    back = jax.jit(decimal, static_argnums=2)
    wrong = jnp.array([np.nan, np.inf, -np.inf], jnp.float32)
    mantissa, exponent = as_decimal(wrong, 6)
    assert mantissa.tolist() == [int(NAN[0])] * 3
    assert np.isnan(back(mantissa, exponent, jnp.float32)).all()
    with jax.enable_x64(True):
        mantissa, exponent = as_decimal(jnp.array([np.nan, 1e101, -1e300, 1e-101, 1e100]), 9)
        np.testing.assert_array_equal(
            back(mantissa, exponent), [np.nan, np.nan, np.nan, np.nan, 1e100]
        )
    assert [int(leaf) for leaf in as_decimal(jnp.float32(-0.0), 6)] == [0, 0]
    np.testing.assert_array_equal(back(jnp.int32(0), jnp.int32(200), jnp.float32), 0)


# The ways in.


@pytest.mark.parametrize("number", ["6.62607015e-34", "1e50", "1e100", "1.23456789e-100", "-9e99"])
def test_text_sympy_and_tokens_keep_the_same_numbers(number: str) -> None:
    program = s2jax.from_text([f"{number}*x_0"])
    scale = program.scale_mantissa[0, 0, 0], program.scale_exponent[0, 0, 0]
    assert to_float(*map(int, scale)) == float(number)
    read_back = (
        s2jax.from_text(s2jax.to_text(program)),
        s2jax.from_text(s2jax.to_text(program, style="sympy")),
        s2jax.from_sympy(s2jax.to_sympy(program)),
        s2jax.from_tokens(s2jax.to_tokens(program).ids, num_nodes=1)[0],
    )
    for again in read_back:
        for one, other in zip(jax.tree.leaves(program), jax.tree.leaves(again), strict=True):
            np.testing.assert_array_equal(one, other)
    with jax.enable_x64(True):
        x = jnp.ones((1, 1, 8))
        np.testing.assert_allclose(s2jax.evaluate(program, x), float(number), rtol=1e-15)
        zero = jax.tree.map(jnp.zeros_like, program.constants)
        factor = 0.5 if abs(float(number)) > 1 else 2.0
        other = jax.tree.map(lambda leaf: factor * leaf, program.constants)
        new = s2jax.with_constants(program, other, digits=9)
        np.testing.assert_allclose(s2jax.evaluate(new, x), factor * float(number), rtol=1e-8)
        assert s2jax.to_text(s2jax.with_constants(program, zero)) == ["(0 mul x_0)"]


TOO_FAR: dict[str, Callable[[], Any]] = {
    "text": lambda: s2jax.from_text("1e101*x_0"),
    "text below": lambda: s2jax.from_text("x_0 + 1e-101"),
    "sympy": lambda: s2jax.from_sympy(sympy.Float("1e101") * sympy.Symbol("x_0")),
    "law": lambda: s2jax.GivenLaw("1e101*x_0"),
    "evaluate": lambda: s2jax.evaluate(s2jax.from_text("1e50*x_0"), jnp.ones((1, 8))),
    "evaluate below": lambda: s2jax.evaluate(s2jax.from_text("x_0 + 1e-50"), jnp.ones((1, 8))),
    "product": lambda: s2jax.evaluate(s2jax.from_text("1e25*(1e25)"), jnp.ones((1, 8))),
    "fit": lambda: s2jax.fit_constants(
        s2jax.from_text("1.5e50*x_0"), jnp.ones((1, 8)), jnp.ones((1, 8))
    ),
    "Constant": lambda: Constant(1e50),
    "Uniform": lambda: Uniform(0.0, 1e39),
    "LogUniform": lambda: LogUniform(1e-50, 1.0),
    "Normal": lambda: Normal(0.0, 1e-40),
    "Choices": lambda: Choices([1.0, 1e39]),
    "parameter": lambda: s2jax.ode.System.from_sympy([-h * y], [y], parameters={h: 1e50}),
    "solve": lambda: decay(1.0).solve([1.0], [0.0, 1.0], {h: 1e50}),
    "system": lambda: s2jax.ode.System.from_sympy([-1e50 * y], [y]).solve([1.0], [0.0, 1.0]),
    "drawn system": lambda: drawn(s2jax.ode.System.from_sympy([-1e50 * y], [y])),
    "drawn law": lambda: s2jax.GivenLaw("1e50*x_0").draw(WORDS, ONES, 1, False),
    "lambdify": lambda: s2jax.lambdify(1e50 * y, [y])(jnp.ones(2)),
    "with_constants": lambda: with_scale(np.inf),
    "with_constants nan": lambda: with_scale(np.nan),
}
WORDS, ONES = jnp.zeros((2, 2), jnp.uint32), jnp.ones(2, jnp.int32)


def decay(rate: Any) -> Any:
    return s2jax.ode.System.from_sympy([-h * y], [y], parameters={h: rate}, initial=[0.123456789])


def drawn(system: Any) -> Any:
    return jax.jit(lambda system: system.draw(WORDS))(system)


def with_scale(value: float) -> Any:
    program = s2jax.from_text(["2.5*x_0"])
    constants = jax.tree.map(lambda leaf: leaf * jnp.float32(value), program.constants)
    return s2jax.with_constants(program, constants)


@pytest.mark.parametrize("name", TOO_FAR)
def test_a_number_out_of_range_is_refused_and_named(name: str) -> None:
    named = r"(e[+-]?(101|50|39|40)|inf|nan)\D"
    with pytest.raises(ValueError, match=rf"{named}[^$]*must be") as error:
        TOO_FAR[name]()
    assert "finite" in str(error.value) or "magnitude" in str(error.value)


def test_a_traced_number_that_the_dtype_lacks_is_nan() -> None:
    program = s2jax.from_text(["1e50*x_0", "1e-50*x_0", "1e30*x_0"])
    values = jax.jit(s2jax.evaluate)(program, jnp.ones((3, 1, 8)))
    np.testing.assert_array_equal(np.isnan(values[:, 0, 0]), [True, True, False])
    broken = jax.jit(with_scale)(np.inf)
    assert s2jax.to_text(broken) == ["(nan mul x_0)"]
    assert s2jax.to_latex(broken) == [(r"\mathrm{nan} x_{0}",)]
    assert s2jax.to_sympy(broken)[0][0].has(sympy.nan)
    assert s2jax.to_tokens(broken).status.tolist() == [s2jax.TokenStatus.UNREPRESENTABLE.value]
    assert np.isnan(s2jax.evaluate(broken, jnp.ones((1, 1, 8)))).all()  # data never raises


# Parameters.


def test_fixed_parameters_are_the_numbers_given_in_float64_and_have_6_digits_in_float32() -> None:
    rounded = drawn(decay(PLANCK))
    np.testing.assert_allclose(rounded.parameters, 6.62607e-34, rtol=1e-6)
    assert s2jax.to_text(rounded.program)[0] == "(-1 mul (6.62607e-34 mul y_0))"
    with jax.enable_x64(True):
        exact = drawn(decay(PLANCK))
        np.testing.assert_allclose(exact.parameters, PLANCK, rtol=3e-16)
        np.testing.assert_array_equal(exact.initial, 0.123456789)
        assert s2jax.to_text(exact.program)[0] == "(-1 mul (6.62607015e-34 mul y_0))"
        large = drawn(decay(1e50))
        np.testing.assert_allclose(large.parameters, 1e50, rtol=1e-15)
        coarse = drawn(decay(Uniform(0.1, 0.2)))
        assert all(abs(p * 1e6 - round(p * 1e6)) < 1e-6 for p in coarse.parameters[:, 0].tolist())


def test_parameters_of_expressions_keep_the_range_of_floats() -> None:
    draw = jax.jit(lambda law: law.draw(WORDS, ONES, 1, False))
    law = s2jax.GivenLaw("h*x_0", parameters={"h": LogUniform(1e-37, 1e-36)})
    program = draw(law)
    scale = decimal(program.scale_mantissa, program.scale_exponent, jnp.float32)
    assert ((scale > 0.99e-37) & (scale < 1.01e-36)).all()
    law = s2jax.GivenLaw("h*x_0", parameters={"h": Constant(PLANCK)})
    assert s2jax.to_text(draw(law)[:, None])[0] == "(6.62607e-34 mul x_0)"


# Floats of NumPy and SymPy, which hold more than programs do.


def constants(value: Any) -> Any:
    program = s2jax.from_text(["2.5*x_0 + 3"])
    return program, jax.tree.map(lambda leaf: np.full(leaf.shape, value), program.constants)


@pytest.mark.parametrize("value", [1e39, 1e-40, 1e-100, -3.5e38])
def test_float64_constants_are_refused_before_they_are_rounded(
    value: float, unchecked: None
) -> None:
    program, wide = constants(value)
    calls: list[Callable[[], Any]] = [
        lambda: s2jax.with_constants(program, wide),
        lambda: jax.jit(lambda p: s2jax.with_constants(p, wide))(program),
        lambda: s2jax.evaluate(program, jnp.ones((1, 1, 8)), wide),
        lambda: s2jax.evaluate_jvp(program, *[jnp.ones((1, 1, 8))] * 2, constants=wide),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"constants.*scale.*must be 0 or of magnitude 1\.2e"):
            call()
    with jax.enable_x64(True):
        assert "nan" not in s2jax.to_text(s2jax.with_constants(program, wide))[0]


def test_float64_constants_that_are_held_are_used(unchecked: None) -> None:
    program, wide = constants(0.1)
    assert s2jax.to_text(s2jax.with_constants(program, wide)) == ["(0.1 add (0.1 mul x_0))"]
    values = s2jax.evaluate(program, jnp.ones((1, 1, 8)), wide)
    np.testing.assert_allclose(values, 0.2, rtol=1e-6)


def test_the_mark_of_no_number_survives_decimals_and_products(unchecked: None) -> None:
    with np.errstate(over="ignore"):
        mantissa, _ = to_decimal(np.array([1e39, np.inf, np.nan]), 6)  # pyright: ignore
    assert mantissa.tolist() == [int(NAN[0])] * 3
    program = s2jax.from_text(["2*(3)"])
    for name in ("scale_mantissa", "a"):
        broken = dataclasses.replace(program, **{name: jnp.full_like(program.a, NAN[0])})
        assert np.isnan(s2jax.evaluate(broken, jnp.ones((1, 1, 8)))).all(), name


BEYOND_DOUBLES: dict[str, Callable[[Any], Any]] = {
    "factor": lambda n: s2jax.from_sympy(n * y, [y]),
    "exponent": lambda n: s2jax.from_sympy(y**n, [y]),
    "exp": lambda n: s2jax.from_sympy(sympy.exp(n * y), [y]),
    "system": lambda n: s2jax.ode.System.from_sympy([n * y], [y]),
    "parameter": lambda n: s2jax.ode.System.from_sympy([-h * y], [y], parameters={h: n}),
    "initial": lambda n: s2jax.ode.System.from_sympy([-y], [y], initial=[n]),
    "lambdify": lambda n: s2jax.lambdify(n * y, [y]),
}


@pytest.mark.parametrize("name", BEYOND_DOUBLES)
@pytest.mark.parametrize("number", ["1e-400", "1e400"])
def test_sympy_floats_beyond_doubles_are_refused_by_their_value(name: str, number: str) -> None:
    with pytest.raises(ValueError, match=rf"number 1\.0*e[+]?{number[2:]} must be"):
        BEYOND_DOUBLES[name](sympy.Float(number))


@pytest.mark.parametrize("number", ["1e-400", "1e400"])
def test_words_of_systems_beyond_doubles_are_refused(number: str) -> None:
    with pytest.raises(ValueError, match="must be of magnitude"):
        read_words(f"Mul({number}, y)", {"y": y})

"""Functions of SymPy and text as programs: the value over all floats, and every round trip."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy

import s2jax
from s2jax.ode import System
from s2jax.programs.lower import functions
from s2jax.programs.operators import OPCODE, TABLE
from s2jax.text.lexer import WORDS
from s2jax.text.read_sympy import _functions

EPS = 2.0**-23
Y = sympy.Symbol("y_0", real=True)
"""A state of a differential equation, so that one expression serves both kinds of target."""
SIZES = 10.0 ** np.linspace(-30, 30, 121)
MODERATE = np.linspace(0.05, 95, 120)
NEAR_ONE = 1 + 2.0 ** -np.arange(1, 20)
POINTS = np.concatenate([SIZES, MODERATE, NEAR_ONE, 1 / NEAR_ONE, [1.0]]).astype(np.float32)
POINTS = np.concatenate([-POINTS, POINTS])

UNARY = [
    function
    for function in _functions()
    if isinstance(function, type) and function not in (sympy.Max, sympy.Min, sympy.Piecewise)
]
CASES = [function(Y) for function in UNARY]
CASES += [
    sympy.Max(Y**3, 1), sympy.Min(Y, sympy.Float("1e-3")), sympy.Max(Y, -Y, 2), sympy.Min(1 / Y, Y),
    sympy.Heaviside(Y, 0), sympy.Heaviside(Y, 1), sympy.log(Y, 3), sympy.Max(sympy.exp(Y), Y),
    sympy.sign(Y) * sympy.Abs(Y) ** sympy.Rational(1, 3), sympy.real_root(Y, 3), sympy.sqrt(Y),
    sympy.Abs(Y) ** sympy.Rational(3, 2), 1 / Y, Y**2, Y**3, sympy.Max(Y**3, 1) - sympy.asinh(Y),
    sympy.Piecewise((sympy.log(Y), Y > 2), (sympy.exp(Y), Y <= -1), (Y, True)),
    sympy.Piecewise((sympy.sqrt(-Y), (Y < 0) & (Y**2 >= 4)), (0, True)),
]  # fmt: skip


def true_values(expr: sympy.Expr, points: np.ndarray) -> np.ndarray:
    """Values with 120 digits; NaN where there is none, an infinite or a complex one."""
    function = sympy.lambdify(Y, sympy.expand_func(expr), "mpmath")
    values = np.full(points.shape, np.nan)
    with mpmath.workdps(120):
        for index, point in enumerate(points.tolist()):
            try:
                value = mpmath.mpmathify(function(mpmath.mpf(point)))
            except (ZeroDivisionError, ValueError, TypeError):
                continue
            is_real = isinstance(value, mpmath.mpf) or value.imag == 0
            values[index] = float(value.real) if is_real and mpmath.isfinite(value) else np.nan
    return values


def errors(expr: sympy.Expr, got: np.ndarray) -> np.ndarray:
    """Errors in units of what a relative change of eps in the points and in the values makes."""
    points = POINTS.astype(np.float64)
    value = true_values(expr, points)
    near = [true_values(expr, points * (1 + sign * EPS)) for sign in (-1, 1)]
    with np.errstate(all="ignore"):
        spread = np.max([np.nan_to_num(np.abs(one - value), posinf=0.0) for one in near], axis=0)
        allowed = EPS * np.abs(value) + spread + 2.0**-126
        error = np.abs(got - value) / allowed
        overflows = np.abs(value) > 3.3e38
    error = np.where(np.isnan(value), np.where(np.isnan(got), 0, np.inf), error)
    error = np.where(overflows & ~np.isnan(got) & (np.abs(got) > 3.2e38), 0, error)
    return np.where(np.isnan(error), np.inf, error)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Of every case at every point, in one evaluation."""
    x = jnp.asarray(POINTS)[None, None]
    programs = s2jax.from_sympy([tuple(CASES)], {Y: "x_0"})
    return np.asarray(s2jax.evaluate(programs, x))[0].astype(np.float64)


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: str(CASES[case]))
def test_programs_have_the_value_of_the_function_over_all_floats(
    values: np.ndarray, case: int
) -> None:
    error = errors(CASES[case], values[case])
    worst = np.argmax(error)
    assert error[worst] <= 16, (POINTS[worst], values[case][worst], error[worst])


def test_the_bound_catches_the_rewriting_that_cancelled() -> None:
    x = POINTS
    with np.errstate(all="ignore"):
        one = np.float32(1)
        wrong = {
            sympy.asinh(Y): np.log(x + np.sqrt(x * x + one)),
            sympy.Max(Y**3, 1): (x**3 + one + np.abs(x**3 - one)) / 2,
            sympy.csch(Y): 2 / (np.exp(x) - np.exp(-x)),
        }
    for expr, got in wrong.items():
        assert errors(expr, got.astype(np.float64)).max() > 1000, expr


def test_a_system_integrates_the_program_that_is_its_label() -> None:
    states = sympy.symbols(f"u:{len(CASES)}")
    assert len(CASES) > 16, "more systems than one"
    for start in range(0, len(CASES), 16):
        cases, some = CASES[start : start + 16], states[: len(CASES[start : start + 16])]
        exprs = [case.subs(Y, u) for case, u in zip(cases, some, strict=True)]
        system = System.from_sympy(exprs, some)
        y = jnp.broadcast_to(jnp.asarray(POINTS), (len(some), len(POINTS)))
        x, parameters = jnp.zeros((0, len(POINTS))), jnp.zeros((0, len(POINTS)))
        slopes = np.asarray(jax.jit(system.program_field)(0.0, y, x, parameters))
        for case, slope in zip(cases, slopes, strict=True):
            assert errors(case, slope.astype(np.float64)).max() <= 16, case


def test_batches_follow_the_label() -> None:
    """From where rewritten functions had other values."""
    a, b, c = sympy.symbols("a b c")
    slopes = [-20 * sympy.asinh(a), -sympy.Max(b**3, 1), -sympy.sign(c) - sympy.coth(c)]
    uniform = s2jax.distributions.Uniform
    system = System.from_sympy(
        slopes,
        [a, b, c],
        initial=[uniform(-90.0, -80.0), uniform(-90.0, -80.0), uniform(5.0, 6.0)],
        duration=0.5,
    )
    config = s2jax.presets.ode(length=32, dimension=3, num_inputs=0, target=system)
    batch = s2jax.sample(jax.random.key(0), config, 2)
    assert (np.asarray(batch.status) == 0).all()
    solve = jax.jit(lambda *of: s2jax.ode.solve(*of).y)
    y = solve(batch.program, batch.y[..., 0], batch.t)
    np.testing.assert_allclose(batch.y, y, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("protected", [False, True])
def test_every_word_makes_every_round_trip(protected: bool) -> None:
    arity = {operator.name: operator.arity for operator in TABLE}
    operands = {0: "", 1: "(1.5*x_0 + 2)", 2: "(x_1, 2*x_0)"}
    words = {word: name for word, name in WORDS.items() if name != "lag"}  # it has no values
    texts = [word + operands[arity.get(name, 1)] for word, name in words.items()]
    texts += ["Max(x_0, x_1, 3)", "log(x_0, x_1)", "Heaviside(x_0, 0)", "min(2, x_0, x_1, 1)"]
    # all of one size: compiled once
    program = s2jax.from_text(texts, protected, num_nodes=16)
    for style in ("reference", "prefix"):
        written = s2jax.to_text(program, style)
        assert s2jax.to_text(s2jax.from_text(written, protected), style) == written
    x = jnp.asarray(np.random.default_rng(0).uniform(-2, 2, (2, 16)), jnp.float32)
    x = jnp.broadcast_to(x, (len(texts), 2, 16))
    expected = s2jax.evaluate(program, x)
    by_sympy = s2jax.from_sympy(s2jax.to_sympy(program), protected=protected, num_nodes=16)
    by_text = s2jax.from_text(s2jax.to_text(program, "sympy"), protected, num_nodes=16)
    tokens = s2jax.to_tokens(program, length=80)
    by_tokens, status = s2jax.from_tokens(tokens.ids, num_nodes=16, protected=protected)
    assert not status.any()
    for again in (by_sympy, by_text, by_tokens):
        np.testing.assert_allclose(s2jax.evaluate(again, x), expected, rtol=1e-5, atol=1e-6)
    assert not any("\\text" in one for row in s2jax.to_latex(program) for one in row)


def test_numbers_of_operators_are_their_places() -> None:
    """Programs of older versions keep their meaning: new operators come last."""
    names = [operator.name for operator in TABLE]
    assert names[24:] == [
        "tanh", "max", "min", "sign", "sinh", "cosh", "arcsinh", "arccosh", "arctanh",
        "gate", "lag",
    ]  # fmt: skip
    assert OPCODE["tanh"] == 24


# operator, operand, second operand or None, derivative by the first
EDGES = [
    ("max", 0.0, 0.0, 0.5), ("min", 1.0, 1.0, 0.5), ("max", 2.0, 1.0, 1.0), ("min", 2.0, 1.0, 0.0),
    ("gate", 1.0, 3.0, 0.0), ("gate", 0.0, 3.0, 0.0),
    ("sign", 0.0, None, 0.0), ("arcsinh", 1e30, None, 1e-30), ("arcsinh", -1e-30, None, 1.0),
    ("arccosh", 1e25, None, 1e-25), ("arccosh", 1.0, None, np.inf), ("sinh", 0.0, None, 1.0),
    ("cosh", 0.0, None, 0.0), ("cosh", 88.5, None, np.sinh(88.5)), ("arctanh", 0.0, None, 1.0),
    ("arctanh", 1 - 2.0**-20, None, 1 / (2.0**-19 - 2.0**-40)), ("sqrt", 0.0, None, np.inf),
    ("pow", 0.0, 0.5, np.inf), ("pow", 0.0, 0.1, np.inf), ("pow", 0.0, 0.9, np.inf),
    ("pow", 0.0, 1.5, 0.0), ("pow", 0.0, 1.0, 1.0), ("pow", 0.0, 2.0, 0.0), ("pow", 0.0, 0.0, 0.0),
    ("pow", -2.0, 3.0, 12.0), ("pow", 2.0, -1.0, -0.25), ("pow", 1.0, 0.3, 0.3),
]  # fmt: skip


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_right_at_edges(protected: bool, dtype: str) -> None:
    points = np.array([[a, b or 0.0] for _, a, b, _ in EDGES], dtype)
    slope_of = [jax.grad(functions(protected)[OPCODE[name]]) for name, *_ in EDGES]
    with jax.enable_x64(dtype == "float64"):
        slopes = jax.jit(lambda at: [slope(*at[i]) for i, slope in enumerate(slope_of)])(points)
        for (name, a, b, expected), slope in zip(EDGES, slopes, strict=True):
            if protected and a < 0 and name == "pow":
                expected = -expected  # |a|**3
            np.testing.assert_allclose(slope, expected, rtol=2e-6, err_msg=f"{name} {a} {b}")

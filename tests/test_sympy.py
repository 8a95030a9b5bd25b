"""SymPy expressions as programs, and their values in both ways there are."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import (
    Abs,
    E,
    EulerGamma,
    I,
    Integer,
    Rational,
    S,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    erf,
    exp,
    log,
    pi,
    sin,
    sqrt,
    symbols,
    tan,
    tanh,
    zoo,
)

import s2jax
from s2jax import programs
from s2jax.laws import AbstractLaw, S2Law, UniformLaw
from s2jax.programs import Program, evaluate, operators
from s2jax.text import from_sympy, from_text, to_sympy, to_text

x, y = symbols("x_0 x_1")
u, v = symbols("u v", positive=True)
SAMPLED = 3_000
BINARY = dict.fromkeys(operators.drawable(2), 1.0)
UNARY = dict.fromkeys(operators.drawable(1), 1.0)
LAWS: dict[str, AbstractLaw] = {
    "s2": S2Law(),
    "s2-all": S2Law(BINARY, UNARY, constant_probability=0.5),
    "uniform-all": UniformLaw(BINARY, UNARY, constant_probability=0.5),
}
off = lambda function, *args: function(*args, evaluate=False)
NP: Any = np
CASES: list[tuple[Any, Callable[[Any, Any], Any], str]] = [
    (x, lambda x, y: x, "x_0"),
    (y, lambda x, y: y, "x_1"),
    (-x, lambda x, y: -x, "(-1 mul x_0)"),
    (2 - x, lambda x, y: 2 - x, "(2 add (-1 mul x_0))"),
    (x - y, lambda x, y: x - y, "(x_0 sub x_1)"),
    (-x - y, lambda x, y: -x - y, "((-1 mul x_0) sub x_1)"),
    (x - 2.5 * y, lambda x, y: x - 2.5 * y, "(x_0 add (-2.5 mul x_1))"),
    (2 * x + 3, lambda x, y: 2 * x + 3, "(3 add (2 mul x_0))"),
    (0.5 * sin(x) + 3, lambda x, y: 0.5 * NP.sin(x) + 3, "(3 add (0.5 mul sin(x_0)))"),
    (x + y + sin(x) + 1, lambda x, y: x + y + NP.sin(x) + 1, ""),
    (x * y * cos(y) * 4, lambda x, y: 4 * x * y * NP.cos(y), ""),
    (x / 3, lambda x, y: x / 3, "(0.333333333 mul x_0)"),
    (Rational(2, 7) + x, lambda x, y: 2 / 7 + x, "(0.285714286 add x_0)"),
    (1 / x, lambda x, y: 1 / x, "inv(x_0)"),
    (3 / x, lambda x, y: 3 / x, "(3 mul inv(x_0))"),
    (y / x, lambda x, y: y / x, "(x_1 div x_0)"),
    (1 / (x * y), lambda x, y: 1 / (x * y), "(inv(x_0) div x_1)"),
    (y / x**2, lambda x, y: y / x**2, "(x_1 div (x_0)**2)"),
    (y / sqrt(x + 5), lambda x, y: y / NP.sqrt(x + 5), "(x_1 div sqrt((5 add x_0)))"),
    (x**2, lambda x, y: x**2, "(x_0)**2"),
    (x**3, lambda x, y: x**3, "(x_0)**3"),
    (x**4, lambda x, y: x**4, "(x_0 pow 4)"),
    (x**5, lambda x, y: x**5, "(x_0 pow 5)"),
    (x**-1, lambda x, y: 1 / x, "inv(x_0)"),
    (x**-2, lambda x, y: x**-2.0, "inv((x_0)**2)"),
    (x**-4, lambda x, y: x**-4.0, "(x_0 pow -4)"),
    (x**2.0, lambda x, y: x**2, "(x_0)**2"),
    (x**1.0, lambda x, y: x, "x_0"),
    (Abs(x) ** 1.5, lambda x, y: NP.abs(x) ** 1.5, "(abs(x_0) pow 1.5)"),
    (Abs(x) ** Rational(1, 3), lambda x, y: NP.cbrt(NP.abs(x)), "(abs(x_0) pow 0.333333333)"),
    (Abs(x) ** y, lambda x, y: NP.abs(x) ** y, "(abs(x_0) pow x_1)"),
    (2**x, lambda x, y: 2**x, "(2 pow x_0)"),
    (sqrt(x**2 + 1), lambda x, y: NP.sqrt(x * x + 1), "sqrt((1 add (x_0)**2))"),
    (1 / sqrt(Abs(x)), lambda x, y: NP.abs(x) ** -0.5, "inv(sqrt(abs(x_0)))"),
    (Abs(x) ** 0.5, lambda x, y: NP.abs(x) ** 0.5, "sqrt(abs(x_0))"),
    (sqrt(2) * x, lambda x, y: 2**0.5 * x, "(x_0 mul sqrt(2))"),
    (exp(x), lambda x, y: NP.exp(x), "exp(x_0)"),
    (E**x, lambda x, y: NP.exp(x), "exp(x_0)"),
    (off(sympy.Pow, E, x), lambda x, y: NP.exp(x), "exp(x_0)"),
    (exp(-x), lambda x, y: NP.exp(-x), "exp((-1 mul x_0))"),
    (x / E, lambda x, y: x / np.e, "(x_0 div e)"),
    (E + x, lambda x, y: np.e + x, "(e add x_0)"),
    (pi * x, lambda x, y: np.pi * x, "(pi mul x_0)"),
    (EulerGamma - x, lambda x, y: np.euler_gamma - x, "(euler_gamma sub x_0)"),
    (log(Abs(x)), lambda x, y: NP.log(NP.abs(x)), "log(abs(x_0))"),
    (log(x**2 + 1, 10), lambda x, y: NP.log10(x * x + 1), ""),
    (off(log, x**2 + 1, 10), lambda x, y: NP.log10(x * x + 1), ""),
    (log(2) * x, lambda x, y: np.log(2) * x, "(x_0 mul log(2))"),
    (sin(x), lambda x, y: NP.sin(x), "sin(x_0)"),
    (cos(2 * x - 1), lambda x, y: NP.cos(2 * x - 1), "cos((-1 add (2 mul x_0)))"),
    (tan(x / 4), lambda x, y: NP.tan(x / 4), "tan((0.25 mul x_0))"),
    (asin(x / 4), lambda x, y: NP.arcsin(x / 4), "arcsin((0.25 mul x_0))"),
    (acos(x / 4), lambda x, y: NP.arccos(x / 4), "arccos((0.25 mul x_0))"),
    (atan(x), lambda x, y: NP.arctan(x), "arctan(x_0)"),
    (tanh(x), lambda x, y: NP.tanh(x), "tanh(x_0)"),
    (Abs(x), lambda x, y: NP.abs(x), "abs(x_0)"),
    (off(sympy.Add, x, x), lambda x, y: 2 * x, "(x_0 add x_0)"),
    (off(sympy.Mul, 2, off(sympy.Add, x, 1)), lambda x, y: 2 * (x + 1), "(2 mul (1 add x_0))"),
    (off(sympy.Add, Integer(2), Integer(3)), lambda x, y: 5 + 0 * x, "(2 add 3)"),
    (off(sympy.Mul, Integer(-1), Integer(3)), lambda x, y: -3 + 0 * x, "-3"),
    (1e20 * x, lambda x, y: 1e20 * x, "(1e20 mul x_0)"),
    (sympy.Float(3) * x, lambda x, y: 3 * x, "(3.0 mul x_0)"),
    (7, lambda x, y: 7 + 0 * x, "7"),
    (2.5, lambda x, y: 2.5 + 0 * x, "2.5"),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(CASES)))
def test_values_are_those_of_numpy(k: int) -> None:
    expr, function, text = CASES[k]
    points = np.random.default_rng(k).uniform(-3, 3, (2, 20)).astype(np.float32)
    program = from_sympy(expr)
    assert program.shape == (1,)
    assert text in ("", to_text(program))
    got = evaluate(program, jnp.asarray(points))[0]
    np.testing.assert_allclose(got, function(*points.astype(np.float64)), rtol=2e-5, atol=1e-6)


def test_the_form_is_that_of_text() -> None:
    for text in ("2.0*x_0 + 1.5", "sin(x_0)**2 - x_1/x_0", "0.5*sqrt(x_0) - exp(-2.0*x_1)"):
        expr = to_sympy(from_text(text))[0]
        assert to_text(from_sympy(expr)) == to_text(from_text(text))


# Shapes and arguments.


def test_shapes() -> None:
    assert from_sympy(x).shape == from_sympy((x,)).shape == (1,)
    assert from_sympy([x, y, x * y]).shape == (3, 1)
    assert from_sympy([(x, y), y]).shape == (2, 2)
    assert from_sympy([[x, y], [y, x]]).shape == (2, 2, 1)
    assert from_sympy((x, y)).shape == from_sympy(sympy.Tuple(x, y)).shape == (2,)
    np.testing.assert_array_equal(from_sympy([(x, y), y]).length, [[1, 1], [1, 0]])
    assert from_sympy(x + 1, num_nodes=7).num_nodes == 7


def test_unused_outputs_stay_unused() -> None:
    program = from_sympy([(x, Integer(0))])
    np.testing.assert_array_equal(program.length, [[1, 0]])
    assert to_sympy(program)[0][1] == 0


def test_variables() -> None:
    real = Symbol("x_0", real=True)
    assert to_text(from_sympy(real + x)) == "(x_0 add x_0)"
    assert to_text(from_sympy(u / v, [v, u])) == "(x_1 div x_0)"
    for bad in (Symbol("u"), Symbol("w")):
        with pytest.raises(ValueError, match=f"the symbol {bad} must be a variable"):
            from_sympy(bad * v, [v, u])
    with pytest.raises(ValueError, match="must be distinct"):
        from_sympy(u, [u, u])
    with pytest.raises(TypeError, match="list of sympy.Symbol"):
        from_sympy(u, ["u"])


def test_states_and_time_are_variables() -> None:
    expr = sin(Symbol("t")) * Symbol("y_1") - Symbol("x_2")
    program = from_sympy(expr)
    assert to_text(program) == "((y_1 mul sin(t)) sub x_2)"
    (back,) = to_sympy(program)
    assert back.free_symbols == {Symbol(name, real=True) for name in ("t", "y_1", "x_2")}
    assert to_text(from_sympy(back)) == to_text(program)
    named = from_sympy(sin(u) * v - Symbol("w"), {u: "t", v: "y_1", Symbol("w"): "x_2"})
    assert to_text(named) == to_text(program)


@pytest.mark.parametrize(
    "variables, rule",
    [
        ({u: "z"}, r"variables=\{u: 'z'\}\): must name an input x_0 to x_63, a state .* or t"),
        ({u: "t", v: "t"}, "must be distinct"),
        ({v: "y_0"}, "the symbol u must be a variable"),
        ([v], "the symbol u must be a variable"),
    ],
)
def test_names_of_variables_are_checked(variables: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        from_sympy(u + v, variables)


def test_values_need_the_states() -> None:
    with pytest.raises(ValueError, match="y_0"):
        evaluate(from_sympy(Symbol("t") * Symbol("y_0")), jnp.ones((1, 3)))


def test_protection_is_implied_once() -> None:
    text = lambda expr: to_text(from_sympy(expr, protected=True))
    assert text(sqrt(Abs(x))) == "sqrt(x_0)"
    assert text(1 / sqrt(Abs(x))) == "inv(sqrt(x_0))"
    assert text(off(sqrt, Abs(off(Abs, Abs(x))))) in ("sqrt(abs(x_0))", "sqrt(abs(abs(x_0)))")
    assert text(log(Abs(x))) == "log(x_0)"
    assert text(Abs(x) ** y) == "(x_0 pow x_1)"
    assert text(sin(Abs(x))) == "sin(abs(x_0))"
    assert text(Abs(x) ** 5) == "(x_0 pow 5)"
    assert text(x**4) == "(x_0 pow 4)"
    with pytest.raises(ValueError, match="odd power such as 5"):
        text(x**5)


@pytest.mark.parametrize(
    "expr, kind, rule",
    [
        ("x_0", TypeError, "s2jax.from_text"),
        (None, TypeError, "not of type NoneType"),
        (x > 1, TypeError, "must be a SymPy expression"),
        (sympy.Matrix([x]), TypeError, "must be a SymPy expression"),
        (1 + erf(x), ValueError, r"erf must be an operator of programs.*s2jax\.lambdify"),
        (
            sympy.Piecewise((x, x > 0)),
            ValueError,
            r"value everywhere.*last piece be \(value, True\)",
        ),
        (sympy.Piecewise((x, sympy.Xor(x > 0, y > 0)), (0, True)), ValueError, "Xor must be"),
        (sympy.real_root(Symbol("x_0"), 3), ValueError, r"real=True.*sign\(x\)\*Abs\(x\)"),
        (sympy.atan2(x, y), ValueError, r"Write atan\(y/x\)"),
        (sympy.Heaviside(x, 3), ValueError, "must be 0, 1/2 or 1"),
        (sympy.oo, ValueError, "oo must be"),
        (S.NaN, ValueError, "nan must be"),
        (I * x, ValueError, "I must be"),
        (zoo * x, ValueError, "zoo must be"),
        (1e150 * x, ValueError, "must be finite and 0 or 1e-100 to 1e100"),
        (10 ** Integer(160) + x, ValueError, "must be finite and 0 or 1e-100 to 1e100"),
        (x / 10 ** Integer(5000), ValueError, "thousands of digits.*0 or 1e-100 to 1e100"),
        ([x, [x]], ValueError, "nest equally deep"),
        ([[[x]], [[x], [x]]], ValueError, "nest equally deep"),
    ],
)
def test_refusals(expr: Any, kind: type[Exception], rule: str, unchecked: None) -> None:
    with pytest.raises(kind, match=rule):
        from_sympy(expr)


def test_size_is_bounded_and_depth_is_not() -> None:
    deep: Any = x
    for _ in range(256):
        deep = off(sin, deep)
    assert int(from_sympy(deep).length[0]) == 256
    for _ in range(3000):
        deep = off(sin, deep)
    with pytest.raises(ValueError, match=r"takes 3256 instructions and must take <= 256"):
        from_sympy(deep)
    shared: Any = x
    for _ in range(300):
        shared = off(sympy.Add, shared, shared)
    with pytest.raises(ValueError, match="more than 4096 parts"):
        from_sympy(shared)
    with pytest.raises(ValueError, match="must take <= 1"):
        from_sympy(sin(x) + y, num_nodes=1)


# Conditions.

PIECES = [
    sympy.Piecewise((x, x > 0), (0, True)),
    sympy.Piecewise((log(x), x > sympy.Float("0.3")), (-y, True)),
    sympy.Piecewise((sqrt(x), (x > 0) & (y >= 0)), (2 * y, (x > 1) | (y <= -1)), (3, True)),
    sympy.Piecewise((1, x <= y), (2, x < y + 1), (0, True)),
    sympy.Piecewise((1, ~((x < y) & (y < 0))), (y, True)),
    sympy.Piecewise((x, sympy.Ne(x, y)), (7, True)),
    sympy.Piecewise((y, sympy.Eq(x, 1)), (1, True)),
    sympy.Piecewise((sympy.Piecewise((1, x > 0), (1 / y, True)), y > 0), (x, True)),
    2 * sympy.Piecewise((x, x > y), (1, True)) * y,
]  # fmt: skip


def test_pieces_have_the_value_of_the_first_that_holds() -> None:
    rng = np.random.default_rng(0)
    at = rng.integers(-4, 5, (2, 400)).astype(np.float32) / 2  # with ties
    program = from_sympy(PIECES, num_nodes=64)
    series = np.broadcast_to(at, (len(PIECES), *at.shape))
    found = s2jax.evaluate(program, series)[:, 0]
    wanted = [s2jax.lambdify(piece, [x, y])(*at) for piece in PIECES]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert np.isfinite(found).all()
    again = from_sympy(to_sympy(program), num_nodes=64)
    assert (again.length <= program.length).all()
    np.testing.assert_array_equal(s2jax.evaluate(again, series)[:, 0], found)
    written = s2jax.from_text(s2jax.to_text(program, "sympy"), num_nodes=64)
    np.testing.assert_array_equal(s2jax.evaluate(written, series)[:, 0], found)


def test_what_a_gate_shuts_out_counts_for_nothing() -> None:
    program = from_sympy([sympy.Piecewise((log(x), x > 0), (0, True))])
    at = np.array([[[-1.0, 0.0, 1.0, np.nan]]], np.float32)
    np.testing.assert_array_equal(s2jax.evaluate(program, at)[0, 0], [0, 0, 0, np.nan])
    slope = jax.grad(lambda x: s2jax.evaluate(program, x)[..., :3].sum())(jnp.asarray(at))
    np.testing.assert_array_equal(slope[0, 0, :3], [0, 0, 1])


# Round trip.


def draw(law: AbstractLaw, rows: int, seed: int, protected: bool) -> Program:
    words = jax.random.key_data(jax.random.split(jax.random.key(seed), rows))
    sample = jax.jit(
        type(law).draw,
        static_argnums=(3, 4),
        compiler_options={"xla_backend_optimization_level": 0},
    )
    return sample(law, words, jnp.full(rows, 2, jnp.int32), 2, protected)[:, None]


@pytest.mark.long
@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("name", LAWS)
def test_programs_come_back(name: str, protected: bool) -> None:
    """In float64; a point counts if no rounding error of the input is enlarged a million times."""
    program = draw(LAWS[name], SAMPLED, len(name), protected)
    again = from_sympy(to_sympy(program), protected=protected, num_nodes=program.num_nodes)
    assert again.protected == protected
    assert np.all(np.asarray(again.length <= program.length))
    points = np.random.default_rng(0).uniform(-3, 3, (SAMPLED, 2, 5))
    with jax.enable_x64(True):
        values = lambda p, at: np.asarray(programs.evaluate(p, jnp.asarray(at)))
        one, two = values(program, points), values(again, points)
        near = values(program, points * (1 + 1e-12))
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    with np.errstate(all="ignore"):
        steep = ~(np.abs(near - one) <= 1e-6 * np.abs(one))
        close = np.abs(two - one) <= 1e-9 * np.abs(one)
    wrong = ~same & ~close & ~steep
    assert not wrong.any(), to_text(program[wrong.any((1, 2))][:3])
    assert (~same & ~close).mean() < 1e-3
    assert (steep & np.isfinite(one)).mean() < 0.01


# Values in both ways against NumPy.

FLOAT_TOLERANCE, MAX_CONDITION = 1e-5, 10.0


def moderate_expressions(count: int, seed: int) -> list[Any]:
    """Expressions of all operators, of a few operations each."""
    law = UniformLaw(BINARY, UNARY, max_operators=5, constant_probability=0.2)
    drawn = draw(law, count, seed, False)
    return [row[0] for row in to_sympy(drawn)]


class Exact:
    """Values in float64 by NumPy, and where float32 can be asked to agree.

    A point counts if the value moves by at most `MAX_CONDITION` times as much, relative, as every
    part of the expression is moved: each Float, each variable and each operation.
    """

    def __init__(self, expr: Any, points: np.ndarray, rng: np.random.Generator) -> None:
        with np.errstate(all="ignore"):
            self.value = self.compute(expr, points, rng, 0.0)
            moved = [self.compute(expr, points, rng, 1e-7) for _ in range(6)]
            shift = np.max([np.abs(m - self.value) for m in moved], axis=0)
            self.counts = np.isfinite(self.value) & (
                shift <= MAX_CONDITION * 1e-7 * abs(self.value)
            )
            size = np.abs(self.value)
            self.counts &= (size > 1e-30) & (size < 1e30)

    def compute(self, node: Any, points: np.ndarray, rng: Any, error: float) -> Any:
        if node.is_Symbol:
            value = points[int(node.name[2:])]
        elif node.is_Number or node.is_NumberSymbol:
            value = np.float64(node)
            if node.is_Rational:
                return value + np.zeros(points.shape[1])
        else:
            arguments = [self.compute(part, points, rng, error) for part in node.args]
            dummies = sympy.symbols(f"d:{len(arguments)}")
            with sympy.evaluate(False):
                value = sympy.lambdify(dummies, node.func(*dummies), modules="numpy")(*arguments)
        return value * (1 + error * rng.uniform(-1, 1, points.shape[1]))


@pytest.mark.long
def test_both_ways_agree_with_numpy() -> None:
    rng = np.random.default_rng(1)
    exprs = moderate_expressions(200, 3)
    points = rng.uniform(-2, 2, (2, 32)).astype(np.float32)
    programs = from_sympy(exprs)
    at = jnp.broadcast_to(jnp.asarray(points), (200, 2, 32))
    by_program = np.asarray(programs.evaluate(programs, at))[:, 0]
    compiled = s2jax.lambdify(exprs, [Symbol(f"x_{k}", real=True) for k in range(2)])
    by_lambdify = np.stack([np.asarray(value) for value in compiled(*jnp.asarray(points))])
    seen, counted, finite = set(), 0, 0
    for k, expr in enumerate(exprs):
        exact = Exact(expr, points.astype(np.float64), rng)
        counted, finite = counted + exact.counts.sum(), finite + np.isfinite(exact.value).sum()
        seen |= set(np.asarray(programs.op)[k, 0, : int(programs.length[k, 0])].tolist())
        for got in (by_program[k], by_lambdify[k]):
            error = np.abs(got[exact.counts] / exact.value[exact.counts] - 1)
            assert np.all(error < FLOAT_TOLERANCE), (expr, error.max())
    assert counted > 0.7 * finite > 2000
    drawable = {operators.OPCODE[name] for name in (*BINARY, *UNARY)} - {operators.OPCODE["neg"]}
    assert drawable <= seen


# What `evaluate` takes, and the two ways to it.


def test_both_ways_agree_on_a_batch() -> None:
    exprs = [sin(x) * y + 0.5, Symbol("x_1", real=True) ** 2, Integer(0)]
    series = jax.random.normal(jax.random.key(0), (6, 2, 16))
    programs = jax.tree.map(lambda leaf: jnp.stack([leaf] * 6), from_sympy(tuple(exprs)))
    by_program = evaluate(programs, series)
    assert by_program.shape == (6, 3, 16)
    one_name = {symbol: Symbol(symbol.name) for expr in exprs for symbol in expr.free_symbols}
    function = s2jax.lambdify([expr.xreplace(one_name) for expr in exprs], symbols("x_0 x_1"))
    by_lambdify = jnp.stack(function(series[:, 0], series[:, 1]), axis=1)
    np.testing.assert_allclose(by_program, by_lambdify, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_program[:, 1], series[:, 1] ** 2, rtol=1e-6)


def test_what_programs_lack_is_compiled() -> None:
    series = jax.random.normal(jax.random.key(0), (4, 1, 16))
    with pytest.raises(ValueError, match="erf"):
        from_sympy(erf(x))
    got = s2jax.lambdify(erf(x), [x])(series)
    np.testing.assert_allclose(got, jax.scipy.special.erf(series), rtol=1e-5)


def test_both_ways_are_traced_and_differentiated() -> None:
    series = jax.random.normal(jax.random.key(0), (4, 2, 16))
    program, function = from_sympy(x**2 * y), s2jax.lambdify(x**2 * y, [x, y])
    ways = (lambda row: evaluate(program, row)[0], lambda row: function(row[0], row[1]))
    for way in ways:
        whole = lambda at, way=way: jax.vmap(way)(at).sum()
        np.testing.assert_allclose(jax.jit(whole)(series), whole(series), rtol=1e-5)
        slope = jax.jit(jax.grad(whole))(series)
        np.testing.assert_allclose(slope[:, 1], series[:, 0] ** 2, rtol=1e-5, atol=1e-6)


def test_expressions_of_one_size_share_a_compiled_evaluator() -> None:
    series = jnp.ones((1, 24))
    evaluate(from_sympy(sin(x), num_nodes=16), series)
    before = programs._evaluate._evaluate_batch._cache_size()
    for expr in (cos(x) + 2, x**3 * 0.5 - exp(x), 1 / x):
        evaluate(from_sympy(expr, num_nodes=16), series)
    assert programs._evaluate._evaluate_batch._cache_size() == before


def test_there_is_one_evaluate() -> None:
    assert s2jax.evaluate is programs.evaluate


@pytest.mark.parametrize("given", [x, [x], "x_0", ["x_0"], 1.0], ids=repr)
def test_evaluate_takes_programs_only(given: Any, unchecked: None) -> None:
    series = jnp.ones((2, 1, 8))
    rule = r"\(program=.*must be a Program.*from_text.*from_sympy.*lambdify"
    with pytest.raises(TypeError, match="evaluate" + rule):
        evaluate(given, series)
    with pytest.raises(TypeError, match="evaluate_jvp" + rule):
        s2jax.evaluate_jvp(given, series, series)

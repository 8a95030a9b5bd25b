"""SymPy expressions as JAX functions: values against mpmath, and one compilation per skeleton."""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import ITE, And, Eq, Ge, Le, Ne, Not, Or, Piecewise, Rational, Xor
from sympy.codegen import cfunctions

from s2jax.text import functions, lambdas
from s2jax.text.lambdas import Lambdified, lambdify

x, y, z = sympy.symbols("x y z")
POINTS = np.array([[0.3125, 1.75], [0.78125, 2.5], [1.375, 0.65625]])  # floats of any precision
SMALL = np.array([[0.3125, 0.5], [0.75, 0.25], [-0.125, 0.125]])  # of |x| < 1
SIGNED = np.array([[-1.25, 0.5], [2.5, 0.25], [-0.375, 1.5]])
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}

POSITIVE_CASES = [
    x + y - 2.5, x - y / 3, 2.5 * x * y, x / y, x / y**2, x / sympy.sqrt(y), 1 / x, x**2, x**-3,
    x ** (y / 2), 2**x, x**2.5, sympy.sqrt(x), 1 / sympy.sqrt(x), sympy.cbrt(x),
    x ** Rational(-2, 3), sympy.log(x), sympy.log(x, 10), sympy.Mod(x, y), sympy.Mod(-5 * x, y),
    sympy.csc(x), sympy.cot(x), sympy.csch(x), sympy.coth(x), sympy.acosh(1 + x),
    sympy.asec(1 + x),
    sympy.acsc(1 + x), sympy.acsch(x), sympy.acoth(1 + x),
    sympy.loggamma(x), sympy.digamma(x), sympy.trigamma(x), sympy.polygamma(3, x),
    sympy.binomial(y + 2, x), sympy.beta(x, y), sympy.beta(x), sympy.zeta(1 + y),
    sympy.zeta(1 + y, x), sympy.E1(x), sympy.expint(3, x), sympy.li(1.5 + x), sympy.Ci(x),
    sympy.uppergamma(x, y), sympy.lowergamma(x, y),
    cfunctions.log1p(x), cfunctions.log2(x), cfunctions.log10(x), cfunctions.hypot(x, y),
]  # fmt: skip
SMALL_CASES = [
    sympy.asin(x), sympy.acos(x), sympy.atanh(x), sympy.asech(x**2), sympy.erfinv(x),
    sympy.erfcinv(x**2),
]  # fmt: skip
SIGNED_CASES = [
    x**3, sympy.Abs(x), sympy.sign(x), sympy.floor(3 * x), sympy.ceiling(3 * x), sympy.frac(3 * x),
    sympy.Max(x, y, 1.1), sympy.Min(x, y, 1.1), sympy.exp(x), sympy.exp(-(x**2)), sympy.sin(x),
    sympy.cos(x), sympy.tan(x), sympy.sec(x), sympy.atan(x), sympy.acot(x), sympy.atan2(x, -y),
    sympy.sinh(x), sympy.cosh(x), sympy.tanh(x), sympy.sech(x), sympy.asinh(x), sympy.sinc(x),
    sympy.erf(x), sympy.erfc(x), sympy.erf2(x, y), sympy.gamma(x), sympy.factorial(x),
    sympy.polygamma(0, x), sympy.binomial(x, 3), sympy.besseli(0, x), sympy.besseli(1, x),
    sympy.Ei(x), sympy.Si(x), sympy.fresnels(x), sympy.fresnelc(x), sympy.Heaviside(x - 1) * y,
    Piecewise((sympy.sin(x), x > 1), (y, x < -0.5), (x * y, True)),
    Piecewise((1, And(x > 0.5, y < 1)), (0, True)), Piecewise((x, Or(x > 0.5, y > 1)), (y, True)),
    Piecewise((x, Not(And(x > 0.5, y < 1))), (y, True)),
    Piecewise((x, ITE(x > 1, y > 1, y < 1)), (y, True)),
    Piecewise((x, Xor(x > 1, y > 1)), (y, True)),
    Piecewise((x, Ne(x, 2.5)), (y, True)), Piecewise((x, Eq(x, 2.5)), (y, True)),
    Piecewise((x, Le(x, 0)), (y, Ge(x, 1)), (7, True)), sympy.pi * x + sympy.E,
    sympy.EulerGamma + x,
    sympy.GoldenRatio * x, sympy.Catalan + x, sympy.TribonacciConstant * x,
    cfunctions.exp2(x), cfunctions.expm1(x),
]  # fmt: skip
GROUPS = {
    "positive": (POSITIVE_CASES, POINTS), "small": (SMALL_CASES, SMALL),
    "signed": (SIGNED_CASES, SIGNED),
}  # fmt: skip
CASES = [
    pytest.param(group, k, id=str(case))
    for group, (cases, _) in GROUPS.items()
    for k, case in enumerate(cases)
]
JUMPS = ("Ne(x, 2.5)", "Eq(x, 2.5)")  # a point of the test lies on them


class Values(NamedTuple):
    """Values and derivatives of all cases of a group; differences only in float64."""

    value: list[np.ndarray]
    slopes: list[list[np.ndarray]]
    differences: list[list[np.ndarray]]


@functools.cache  # one compilation for all cases of a group
def computed(group: str, dtype: str) -> Values:
    cases, points = GROUPS[group]
    with jax.enable_x64(dtype == "float64"):
        f = lambdify(cases, [x, y])
        at = [jnp.asarray(column, dtype) for column in points.T]
        value = f(*at)
        assert {v.dtype for v in value} == {jnp.dtype(dtype)}
        slopes, differences = [], []
        if dtype == "float64":
            slope = lambda s: lambda a, b: jax.jvp(f, (a, b), (0 * a + s[0], 0 * b + s[1]))[1]
            both = jax.jit(lambda *at: [slope(s)(*at) for s in np.eye(2)])
            slopes = both.lower(*at).compile()(*at)
            h = 1e-5
            for step in np.eye(2):
                ends = [f(*(a + k * h for a, k in zip(at, s * step, strict=True))) for s in (1, -1)]
                differences.append([(up - down) / (2 * h) for up, down in zip(*ends, strict=True)])
        return jax.tree.map(np.asarray, Values(list(value), slopes, differences))


def exact(expr: sympy.Expr, point: np.ndarray) -> float:
    """The value to 30 digits, rounded."""
    expr = expr.replace(sympy.erf2, lambda a, b: sympy.erf(b) - sympy.erf(a))
    expr = expr.replace(sympy.erfcinv, lambda a: sympy.erfinv(1 - a))  # mpmath lacks both
    at = {s: sympy.Float(float(v), 40) for s, v in zip((x, y), point, strict=True)}
    return float(expr.subs(at).evalf(30))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("group, k", CASES)
def test_values_agree_with_mpmath(group: str, k: int, dtype: str) -> None:
    cases, points = GROUPS[group]
    expected = [exact(cases[k], point) for point in points]
    value = computed(group, dtype).value[k]
    np.testing.assert_allclose(
        value.astype(np.float64), expected, rtol=TOLERANCE[dtype], atol=1e-30
    )


@pytest.mark.parametrize("group, k", CASES)
def test_derivatives_agree_with_differences(group: str, k: int) -> None:
    values = computed(group, "float64")
    where = ... if not any(jump in str(GROUPS[group][0][k]) for jump in JUMPS) else np.s_[::2]
    for slopes, differences in zip(values.slopes, values.differences, strict=True):
        np.testing.assert_allclose(slopes[k][where], differences[k][where], rtol=1e-6, atol=1e-7)


def test_every_function_is_tested() -> None:
    heads: set[str] = set()

    def visit(tree: tuple[Any, ...]) -> None:
        heads.add(tree[0])
        for child in tree[1:]:
            if isinstance(child, tuple):
                visit(child)

    for cases, _ in GROUPS.values():
        for tree in lambdify(cases, [x, y])._trees:
            visit(tree)
    assert set(functions.FUNCTIONS) - heads == {"trigamma", "digamma"}  # polygamma in 1.14
    assert set(lambdas.LEAVES) - heads == {"nan", "oo", "-oo", "False"}


def test_infinities_nan_and_false_are_values() -> None:
    expr = Piecewise((sympy.oo, x > 3), (-sympy.oo, x < -3), (sympy.nan, Eq(x, 0)), (x, True))
    value = lambdify(expr, [x])(jnp.array([4.0, -4.0, 0.0, 1.0]))
    np.testing.assert_array_equal(value, np.array([np.inf, -np.inf, np.nan, 1.0], np.float32))
    with sympy.evaluate(False):
        never = Piecewise((1, And(x > 0, sympy.false)), (0, True))
    assert lambdify(never, [x])(1.0) == 0
    assert np.isnan(lambdify(Piecewise((1, x > 0)), [x])(-1.0))


# Shapes and dtypes.


def test_operands_and_constants_broadcast() -> None:
    column, row = jnp.ones((3, 1)), jnp.ones(4)
    with jax.numpy_rank_promotion("raise"):
        product, constant, named = lambdify([x * y, 2.5, sympy.pi], [x, y])(column, row)
    assert product.shape == constant.shape == named.shape == (3, 4)
    np.testing.assert_array_equal(constant, np.full((3, 4), 2.5, np.float32))
    assert lambdify(3, [])().shape == ()
    assert lambdify([], [x])(row) == ()


@pytest.mark.parametrize(
    "inputs, dtype",
    [
        ((np.arange(3), np.arange(3)), "float32"),
        ((np.arange(3, dtype=np.int32), jnp.ones(3)), "float32"),
        ((True, 2), "float32"),
        ((1.5, 2), "float32"),
        ((jnp.ones(3, jnp.bfloat16), 2.0), "bfloat16"),
        ((jnp.ones(3, jnp.bfloat16), jnp.ones(3)), "float32"),
    ],
)
def test_the_result_has_the_promoted_floating_dtype(inputs: tuple[Any, ...], dtype: str) -> None:
    values = lambdify([0.3 * x + sympy.sin(y) ** 2, 7, x, Piecewise((1, x > 0), (0, True))], [x, y])
    assert {value.dtype for value in values(*inputs)} == {jnp.dtype(dtype)}


def test_constants_keep_float64() -> None:
    f = lambdify(x + Rational(1, 3), [x])
    assert f.constants.dtype == np.float64
    with jax.enable_x64(True):
        assert f(np.float64(0)) == 1 / 3
        assert f(1).dtype == np.float64
        assert f(np.float32(0)).dtype == np.float32


def test_transformations_compose() -> None:
    f = lambdify(2.5 * sympy.sin(1.3 * x) + y, [x, y])
    a, b = jnp.linspace(-1, 1, 5), jnp.ones(5)
    expected = 2.5 * np.sin(1.3 * np.asarray(a)) + 1
    for g in (f, jax.jit(f), jax.vmap(f), jax.jit(jax.vmap(f)), eqx.filter_jit(f)):
        np.testing.assert_allclose(g(a, b), expected, rtol=1e-5)
    slope = jax.jit(jax.vmap(jax.grad(f)))(a, b)
    np.testing.assert_allclose(slope, 3.25 * np.cos(1.3 * np.asarray(a)), rtol=1e-5)


def test_jit_tells_functions_of_one_skeleton_apart() -> None:
    f, g = lambdify(2 * x, [x]), lambdify(3 * x, [x])
    assert (jax.jit(f)(1.0), jax.jit(g)(1.0)) == (2, 3)


# Constants and skeletons.


def test_constants_are_leaves() -> None:
    f = lambdify(2.5 * sympy.sin(1.5 * x), [x])
    a = jnp.array([0.25, 0.5])
    assert [leaf is f.constants for leaf in jax.tree.leaves(f)] == [True]
    gradient = jax.grad(lambda f: f(a).sum())(f).constants
    expected = [np.sin(1.5 * a).sum(), (2.5 * a * np.cos(1.5 * a)).sum()]
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    rows = jax.vmap(lambda c: f.with_constants(c)(a))(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(rows, [np.sin(2 * a), 3 * np.sin(4 * a)], rtol=1e-5)


def test_with_constants_refuses_another_number_of_them() -> None:
    with pytest.raises(ValueError, match=r"shape=\(3,\).*\(1,\).*c_0\*x.*f\.constants"):
        lambdify(2 * x, [x]).with_constants([1, 2, 3])


SKELETONS = [
    (2.5 * sympy.sin(1.3 * x) + y, "c_0*sin(c_1*x) + y"),
    (x**2 - x / 3 + 1, "c_0*x + x**2 + 1"),
    (x**2.0 + x ** Rational(1, 3), "x**c_0 + x**(1/3)"),
    (2**x - y, "c_0**x - y"),
    (sympy.polygamma(2, 3 * x) + sympy.besseli(1, x), "polygamma(2, c_0*x) + besseli(1, x)"),
    (Piecewise((x, x > 2), (sympy.pi, True)), "Piecewise((x, x > c_0), (pi, True))"),
    ([2 * x, 3 * x], "(c_0*x, c_1*x)"),
    (x - sympy.oo * y, "x - oo*y"),
]


@pytest.mark.parametrize("expr, text", SKELETONS)
def test_skeletons_can_be_read(expr: Any, text: str) -> None:
    skeleton = lambdify(expr, [x, y]).skeleton
    as_set = lambda s: sorted(re.split(r" \+ ", s))  # SymPy prints terms in an order of its own
    assert as_set(str(skeleton)) == as_set(text)


@pytest.mark.parametrize("group", GROUPS)
def test_the_skeleton_with_its_constants_is_the_expression(group: str) -> None:
    cases, points = GROUPS[group]
    for case in cases:
        f = lambdify(case, [x, y])
        names = [sympy.Symbol(f"c_{k}", real=True) for k in range(len(f.constants))]
        constants = [sympy.Float(c, 17) for c in f.constants.tolist()]
        filled = f.skeleton.subs(dict(zip(names, constants, strict=True))).doit()
        assert abs(exact(filled, points[0]) - exact(case, points[0])) < 1e-13, case


SAME = [
    (2.5 * sympy.sin(1.3 * x) + y, 0.7 * sympy.sin(9.1 * x) + y),
    (0.1 * x + 7 * y, 7 * x + 0.1 * y),
    (2 * x * sympy.cos(3 * y) + 5, 40 * sympy.cos(y / 7) * x - 6),
    (sympy.Max(2 * x, 0.5 * y), sympy.Max(0.5 * x, 2 * y)),
    (9 * x + sympy.exp(2 * x) + sympy.exp(3 * y), 2 * x + sympy.exp(9 * x) + sympy.exp(y / 2)),
    (Piecewise((x, And(x > 2, y > 3)), (4, True)), Piecewise((x, And(x > 5, y > 2)), (3, True))),
]


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one whenever an expression is traced."""
    seen: list[str] = []
    original = lambdas._source

    def source(*arguments: Any) -> Any:
        function, *rest = original(*arguments)
        return lambda *a: (seen.append("trace"), function(*a))[1], *rest

    monkeypatch.setattr(lambdas, "_source", source)
    lambdas._compiled.cache_clear()
    return seen


@pytest.mark.parametrize("first, second", SAME)
def test_one_trace_serves_all_constants(
    first: sympy.Expr, second: sympy.Expr, traces: list[str]
) -> None:
    outer_traces = []

    @jax.jit
    def outer(f: Lambdified, a: jax.Array, b: jax.Array) -> jax.Array:
        outer_traces.append(f)
        return f(a, b)

    a, b = jnp.asarray(POINTS.T, jnp.float32)
    for expr in (first, second):
        f = lambdify(expr, [x, y])
        expected = [exact(expr, point) for point in POINTS]
        np.testing.assert_allclose(f(a, b), expected, rtol=1e-5)
        np.testing.assert_allclose(outer(f, a, b), expected, rtol=1e-5)
    assert len(traces) == len(outer_traces) == 1
    lambdify(first + y**3, [x, y])(a, b)
    assert len(traces) == 2


def test_names_of_variables_do_not_matter() -> None:
    lambdas._compiled.cache_clear()
    t, u = sympy.symbols("t u", real=True)
    assert lambdify(3 * x - y, [x, y])(1.0, 2.0) == lambdify(3 * t - u, [t, u])(1.0, 2.0) == 1
    assert lambdify(3 * y - x, [y, x])(1.0, 2.0) == 1
    assert lambdas._compiled.cache_info().currsize == 1


@pytest.mark.parametrize(
    "first, second",
    [
        (x**2, x**3), (x + 1, x + 2), (sympy.polygamma(1, x), sympy.polygamma(2, x)),
        (x * y, x + x * y),
        (-x, 2 * x), ([x], x), (x, y),
    ],
)  # fmt: skip
def test_structure_is_told_apart(first: Any, second: Any) -> None:
    f, g = (lambdify(expr, [x, y]) for expr in (first, second))
    assert jax.tree.structure(f) != jax.tree.structure(g)


def test_the_cache_is_bounded() -> None:
    assert lambdas._compiled.cache_info().maxsize == lambdas.CACHE_SIZE


# What is refused.

REFUSED = {
    "airyai": sympy.airyai(x), "besselj": sympy.besselj(2, x), "LambertW": sympy.LambertW(x),
    "erfi": sympy.erfi(x), "f": sympy.Function("f")(x), "sin": sympy.Function("sin")(x),
    "divide": sympy.Function("divide")(x, y), "Sum": sympy.Sum(x, (x, 1, y)),
    "Derivative": sympy.Derivative(sympy.Function("f")(x), x), "I": sympy.I * x,
    "Integral": sympy.Integral(sympy.sin(x), (x, 0, y)), "zoo": sympy.zoo,
    "MutableDenseMatrix": sympy.Matrix([x]), "ImmutableDenseMatrix": sympy.ImmutableMatrix([x]),
    "MatrixSymbol": sympy.MatrixSymbol("A", 2, 2), "DiracDelta": sympy.DiracDelta(x),
    "KroneckerDelta": sympy.KroneckerDelta(x, y), "conjugate": sympy.conjugate(x),
    "re": sympy.re(x),
    "hyper": sympy.hyper([1, x], [2], y), "elliptic_k": sympy.elliptic_k(x),
    "Indexed": sympy.Indexed("a", 1),
    "polygamma(x, y) (its order must be an integer >= 0)": sympy.polygamma(x, y),
    "besseli(2, x) (its order must be 0 or 1)": sympy.besseli(2, x),
    "expint(x, y) (its order must be an integer >= 1)": sympy.expint(x, y),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_translation_is_refused_by_name(name: str) -> None:
    for expr in (REFUSED[name], [x, REFUSED[name]]):
        with pytest.raises(ValueError, match=f"excludes .*{re.escape(name)}.*Rewrite") as error:
            lambdify(expr, [x, y])
        assert "lambdify(" in str(error.value)


def test_all_that_has_no_translation_is_named() -> None:
    with pytest.raises(ValueError, match="excludes I, airyai, airybi"):
        lambdify(sympy.airyai(x) * sympy.I + 1 / sympy.airybi(sympy.sin(y)), [x, y])


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: lambdify("x + 1", [x]), TypeError, "text is never run.*s2jax.from_text"),
        (lambda: lambdify(["x"], [x]), TypeError, "text is never run.*s2jax.from_text"),
        (
            lambda: lambdify(None, [x]),
            TypeError,
            r"not of type NoneType.*lambdify\(expr, \[x, y\]\)",
        ),
        (lambda: lambdify([[x]], [x]), TypeError, "not of type list"),
        (lambda: lambdify(x > 1, [x]), ValueError, "not a condition.*Piecewise"),
        (lambda: lambdify(sympy.true, [x]), ValueError, "not a condition.*Piecewise"),
        (lambda: lambdify(x + z + y, [x]), ValueError, "has y, z.*assumptions"),
        (lambda: lambdify(sympy.Symbol("x", real=True), [x]), ValueError, "has x.*assumptions"),
        (lambda: lambdify(10**400 * x, [x]), ValueError, "1.8e308.*Rescale"),
        (lambda: lambdify(x, [x, y, x]), ValueError, r"\[x, y, x\].*distinct"),
        (lambda: lambdify(x, [x, x + 1]), TypeError, r"x \+ 1 must be a symbol.*Add"),
        (lambda: lambdify(x, ["x"]), TypeError, "'x' must be a symbol.*str"),
        (lambda: lambdify(x, [sympy.Function("f")(x)]), TypeError, r"f\(x\) must be a symbol"),
        (lambda: lambdify(x + y, [x, y])(1.0), TypeError, r"1 arrays.*2.*\(x, y\)"),
        (lambda: lambdify(x, [x])(1j), TypeError, "complex64.*must be real"),
    ],
)
def test_mistakes_are_explained(call: Callable[[], Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("variables", ["x y", x, None, {x, y}])
def test_variables_are_a_list(variables: Any) -> None:
    with pytest.raises(TypeError, match="must be a list or tuple"):
        lambdify(x, variables)


@pytest.mark.parametrize(
    "name",
    [
        "__import__('os').system('echo hi')",
        "x\n    raise SystemExit",
        "lambda",
        "jax",
        "v_1",
        "c_0",
        "",
    ],
)
def test_names_of_symbols_never_reach_the_source(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambdas._compiled.cache_clear()
    seen: list[Any] = []
    original = sympy.lambdify

    def spy(arguments: Any, bodies: Any, **options: Any) -> Any:
        seen.extend([arguments, bodies])
        return original(arguments, bodies, **options)

    monkeypatch.setattr(sympy, "lambdify", spy)
    bad = sympy.Symbol(name)
    f = lambdify(2 * bad + y, [bad, y])
    assert f(1.5, 2.0) == 5
    assert bad in f.skeleton.free_symbols
    assert re.fullmatch(r"[\[\]vcnjax_AddMul0-9(), ]*", str(seen))

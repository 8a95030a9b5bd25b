"""Given systems of differential equations: fields, facts of the literature, and solutions."""

import math
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import sympy

import s2jax
from s2jax.core.random import words_of
from s2jax.distributions import Choices, Constant, LogUniform, Normal, Uniform
from s2jax.laws.given import fold_tree
from s2jax.ode import NAMES, System, _field, _given, _solve, named
from s2jax.ode._words import read_words, write_words
from s2jax.ode.known import SUBJECTS, SYSTEMS
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text.form import to_float
from s2jax.text.tree import Number, Parameter
from tests.facts import FACTS

x, y, t, a = sympy.symbols("x y t a")


UNDELAYED = [name for name in NAMES if name not in SUBJECTS["delays"]]  # see test_delays.py


class Numbers:
    """A named system and a point near its attractor, in float64."""

    def __init__(self, name: str, seed: int) -> None:
        known, random = SYSTEMS[name], np.random.default_rng(seed)
        self.system = named(name)
        self.states = sympy.symbols(self.system.states, real=True)
        self.names = {symbol.name: symbol for symbol in self.states}
        self.names |= {key: sympy.Symbol(key, real=True) for key in (*known.parameters, "t")}
        real = {sympy.Symbol(key): symbol for key, symbol in self.names.items()}
        self.equations = [equation.xreplace(real) for equation in self.system.equations]
        factors = np.exp(random.uniform(-0.09, 0.09, len(known.parameters)))
        self.values = {
            k: v * f for (k, v), f in zip(known.parameters.items(), factors, strict=True)
        }
        states = [random.uniform(low, high) for low, high in known.initial]
        self.point = dict(zip(self.system.states, states, strict=True)) | {"t": 0.7}

    def read(self, text: str) -> Any:
        return sympy.sympify(text, locals=self.names)

    def value(self, exprs: Any, where: dict[str, float]) -> np.ndarray:
        """Values of expressions, or of numbers, with some states or parameters replaced."""
        own = self.values | self.point | where
        numbers = [own[name] for name in self.names]
        function = sympy.lambdify(list(self.names.values()), exprs, "math")
        return np.array(function(*numbers), float)


def test_every_named_system_has_facts():
    assert set(FACTS) == set(UNDELAYED)
    assert len(NAMES) >= 120


FLAT = [pytest.param(n, f, id=f"{n}-{k}") for n in FACTS for k, f in enumerate(FACTS[n])]


@pytest.mark.parametrize("name, fact", FLAT)
def test_fact(name: str, fact: dict[str, Any], seed: int) -> None:
    here = Numbers(name, seed)
    error, scale = _error(here, fact)
    assert np.all(np.abs(error) <= fact.get("tolerance", 1e-9) * (1 + scale)), (error, scale)


def _error(here: Numbers, fact: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """By how much a fact is missed, and the size of its terms."""
    given = dict(fact.get("where", {})) | dict.fromkeys(fact.get("at_zero", ()), 0.0)
    value = lambda v: here.value([here.read(v)], {})[0] if isinstance(v, str) else v
    where = {name: value(v) for name, v in given.items()}
    if "divergence" in fact:
        trace = sum(
            sympy.diff(f, state) for f, state in zip(here.equations, here.states, strict=True)
        )
        wanted = here.value([here.read(fact["divergence"])], where)
        return here.value([trace], where) - wanted, np.abs(wanted)
    if "invariant" in fact:
        invariant = here.read(fact["invariant"])
        pairs = zip(here.states, here.equations, strict=True)
        terms = [sympy.diff(invariant, state) * f for state, f in pairs]
        values = here.value([*terms, sympy.diff(invariant, here.names["t"])], where)
        return np.array([values.sum()]), np.abs(values).sum()
    place = here.value(here.read(f"[{fact.get('equilibrium') or fact['at']}]"), where)
    at = where | dict(zip(here.system.states, place, strict=True))
    wanted = here.read(f"[{fact.get('derivative', ', '.join('0' * len(place)))}]")
    found = here.value(here.equations, at)
    sizes = [sum(map(abs, here.value(list(f.args or [f]), at))) for f in here.equations]
    return found - here.value(wanted, at), np.array(sizes)


def test_a_wrong_fact_is_seen(seed: int) -> None:
    here = Numbers("lorenz", seed)
    for fact in (
        {"divergence": "-(sigma + beta)"},
        {"equilibrium": "sqrt(beta*rho), sqrt(beta*rho), rho"},
        {"invariant": "x + y + z"},
    ):
        assert np.abs(_error(here, fact)[0]).max() > 0.01


def test_fields_are_the_equations(seed: int) -> None:
    with jax.enable_x64(True), jax.disable_jit():  # each function is evaluated once
        for name in UNDELAYED:
            here = Numbers(name, seed)
            states = np.array([here.point[key] for key in here.system.states])
            own = jnp.asarray(np.array(list(here.values.values())))
            found = here.system.field(0.7, jnp.asarray(states), None, own)
            wanted = here.value(here.equations, {})
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9, err_msg=name)


def test_right_hand_sides_of_programs_are_the_equations(seed: int) -> None:
    for name in UNDELAYED:
        here = Numbers(name, seed)
        system, (_, _, count) = here.system, here.system._sizes
        named_values = dict(zip(_given.variable_names(*system._sizes), [
            *(here.point[key] for key in system.states), *here.values.values(), 0.7,
        ], strict=True))  # fmt: skip
        assert count == len(here.values)

        def leaf(word: Any, values: dict[str, float] = named_values) -> Any:
            if isinstance(word, Number):
                return np.float64(to_float(*word))
            key = word.name if isinstance(word, Parameter) else VARIABLE_NAMES[word.index]
            return np.float64(values[key])

        operation = lambda op, operands: _NUMPY[op](*operands)
        with jax.enable_x64(True):
            trees = map(_field.read_tree, _field.sympy_of(system.expressions, *system._sizes))
            found = [fold_tree(tree, leaf, operation) for tree in trees]
        np.testing.assert_allclose(
            found, here.value(here.equations, {}), rtol=1e-7, atol=1e-7, err_msg=name
        )


_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "inv": np.reciprocal, "log": np.log, "exp": np.exp, "sin": np.sin, "cos": np.cos,
    "tanh": np.tanh, "pow2": np.square, "pow3": lambda u: u**3, "neg": np.negative,
    "sqrt": np.sqrt, "abs": np.abs, "pi": lambda: np.pi,
}  # fmt: skip


# systems of users


def _oscillator(**options: Any) -> System:
    u, omega = sympy.symbols("u omega")
    return System.from_sympy(
        [y, -(omega**2) * x + u * sympy.cos(t) / 3 + a * sympy.cosh(x)], [x, y], [u],
        {omega: LogUniform(1.0, 3.0), "a": 0.25}, **options,
    )  # fmt: skip


def test_a_system_reads_as_it_was_written():
    system = _oscillator(duration=3)
    assert system.states == ("x", "y")
    assert system.inputs == ("u",)
    assert system.parameters == ("omega", "a")
    assert system.laws[1] == Constant(0.25)
    assert system.initial == (Normal(), Normal())
    assert system.duration == Constant(3.0)
    assert str(system) == "x' = y\ny' = a*cosh(x) - omega**2*x + u*cos(t)/3"
    assert jax.tree.structure(system) == jax.tree.structure(_oscillator(duration=5))


@pytest.mark.parametrize(
    "expr",
    [
        x + sympy.Rational(8, 3) * y - sympy.Float(2.5e-7) * x**2,
        sympy.Piecewise((sympy.sin(x), x > 1), (sympy.pi * y, True)),
        sympy.Max(x, y, -1) ** sympy.Rational(-3, 2) + sympy.E * sympy.Heaviside(x),
        sympy.Float(1e30) * x - sympy.Float("1.5") + 3,
    ],
)
def test_words_come_back(expr: sympy.Expr) -> None:
    text = write_words(expr, str)
    read = read_words(text, {"x": x, "y": y})
    assert write_words(read, str) == text
    point = {x: 1.75, y: 0.3}
    assert math.isclose(read.evalf(subs=point), expr.evalf(subs=point), rel_tol=1e-14)


@pytest.mark.parametrize(
    "text, message",
    [
        ("Add(x, y", "must be one expression"), ("x)", "one `\\)` too many"), ("", "must be one"),
        ("x, y", "must be one"), ("__import__(x)", "unknown name __import__"),
        ("Symbol(x)", "no function"),
        ("x; y", "position 1"), ("q", "unknown name q"),
    ],
)  # fmt: skip
def test_other_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_words(text, {"x": x, "y": y})


def test_field_is_elementwise():
    system = _oscillator()
    states = jnp.arange(12.0).reshape(2, 3, 2)
    times, drive = jnp.arange(6.0).reshape(3, 2), jnp.ones((1, 3, 2))
    own = jnp.array([2.0, 0.5])[:, None, None] + 0 * states
    found = system.field(times, states, drive, own)
    assert found.shape == states.shape
    wanted = -4 * states[0] + jnp.cos(times) / 3 + 0.5 * jnp.cosh(states[0])
    np.testing.assert_allclose(found, jnp.stack([states[1], wanted]), rtol=1e-5)
    constant = System.from_sympy([1, -2], [x, y])
    np.testing.assert_array_equal(constant.field(0.0, states)[1], np.full((3, 2), -2.0))
    text = str(jax.make_jaxpr(system.field)(times, states, drive, own))
    assert not any(word in text for word in ("gather", "while", "scan", "dynamic"))


def test_draws_are_the_decimals_in_the_programs(key: jax.Array) -> None:
    system = _oscillator(duration=Uniform(2.0, 4.0), initial=[Uniform(5.0, 6.0), -1], digits=4)
    words = words_of(jax.random.split(key, 3))
    draw = jax.jit(lambda system, words: system.draw(words, 2))
    drawn = draw(system, words)
    assert drawn.parameters.shape == (3, 2)
    assert drawn.program.shape == (3, 2)
    assert ((drawn.initial[:, 0] >= 5) & (drawn.initial[:, 0] < 6)).all()
    assert (drawn.initial[:, 1] == -1).all()
    assert ((drawn.duration >= 2) & (drawn.duration < 4)).all()
    assert len(np.unique(drawn.parameters[:, 0])) == 3
    assert (drawn.parameters[:, 1] == 0.25).all()
    point = {"x_0": 0.7, "y_0": -0.4, "y_1": 1.25, "t": 2.0}
    names = {f"x_{k}": name for k, name in enumerate(VARIABLE_NAMES)} | {"x_0": "x_0"}
    for row, outputs in enumerate(s2jax.to_sympy(drawn.program)):
        omega = float(drawn.parameters[row, 0])
        short = np.float64(f"{omega:.4g}")
        assert np.float32(short) == np.float32(omega)
        assert short in [float(number) for number in outputs[1].atoms(sympy.Float)]
        values = [
            expr.subs(
                {s: point.get(s.name, point.get(names.get(s.name))) for s in expr.free_symbols}
            )
            for expr in outputs
        ]
        state = jnp.array([point["y_0"], point["y_1"]])
        wanted = system.field(2.0, state, jnp.array([0.7]), drawn.parameters[row])
        np.testing.assert_allclose([float(v) for v in values], wanted, rtol=1e-5)
    first = draw(system, words[:1])
    np.testing.assert_array_equal(first.parameters, drawn.parameters[:1])


def test_other_numbers_do_not_compile_anew(key: jax.Array) -> None:
    words, traced = words_of(key[None]), []

    @jax.jit
    def draw(system):
        traced.append(system)
        return system.draw(words).parameters

    for name in ("lorenz", "chua"):  # chua has a negative parameter
        one, other = draw(named(name, 0.1)), draw(named(name, 0.2))
        assert (one != other).all()
    assert len(traced) == 2


def test_named_parameters_are_jittered_about_the_source():
    system = named("chua", jitter=0.5)
    assert system.laws[0] == LogUniform(10.0 / 1.5, 15.0)
    assert system.laws[3] == Uniform(-0.143 * 1.5, -0.143 / 1.5)
    assert named("chua", jitter=0.0).laws[3] == Constant(-0.143)
    assert all(row.source.count(",") >= 1 and any(map(str.isdigit, row.source))
               for row in SYSTEMS.values())  # fmt: skip
    assert {*s2jax.ode.SOURCES.values()} == {row.source for row in SYSTEMS.values()}
    for name, row in SYSTEMS.items():
        system = named(name)
        assert len(row.initial) == len(system.states)
        assert system.num_nodes() <= 64
        assert {symbol.name for symbol in set().union(*(e.free_symbols for e in system.equations))
                } <= {*system.states, *system.parameters, "t"}  # fmt: skip


# solutions


def _reference(name: str, y0: Any, ts: Any, method: str = "DOP853") -> np.ndarray:
    """By SciPy, on the equations of the literature's values."""
    system, values = named(name, 0.0), SYSTEMS[name].parameters
    symbols = [sympy.Symbol(key) for key in ("t", *system.states)]
    exprs = [e.subs({sympy.Symbol(k): v for k, v in values.items()}) for e in system.equations]
    function = sympy.lambdify(symbols, exprs, "math")
    solution = scipy.integrate.solve_ivp(
        lambda time, state: function(time, *state), (ts[0], ts[-1]), y0, method, ts,
        rtol=1e-11, atol=1e-12,
    )  # fmt: skip
    return solution.y


@pytest.mark.parametrize(
    "name, y0, end, is_double",
    [
        ("lorenz", [1.0, 2.0, 20.0], 2.0, True),
        ("duffing", [0.5, -0.2], 8.0, False),
    ],
)
def test_solutions_are_those_of_scipy(
    name: str, y0: list[float], end: float, is_double: bool
) -> None:
    ts = np.linspace(0.5, end, 40)  # duffing reads the time
    wanted = _reference(name, y0, ts)
    with jax.enable_x64(is_double):
        tolerances = {"rtol": 1e-10, "atol": 1e-12} if is_double else {}
        found = named(name, 0.0).solve(y0, ts, **tolerances).y
        assert found.dtype == (np.float64 if is_double else np.float32)
    np.testing.assert_allclose(found, wanted, atol=(1e-8 if is_double else 1e-5) * 50)


def test_linear_systems_are_matrix_exponentials(seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(3, 3))
    states = sympy.symbols("u v w")
    system = System.from_sympy(list(sympy.Matrix(matrix) * sympy.Matrix(states)), states)
    ts, start = np.array([0.0, 0.3, 1.0, 1.1]), np.array([1.0, -0.5, 2.0])
    wanted = np.stack([scipy.linalg.expm(matrix * time) @ start for time in ts], axis=-1)
    np.testing.assert_allclose(system.solve(start, ts).y, wanted, rtol=2e-4, atol=2e-5)


GROWTH = System.from_sympy([a * x], [x], parameters={a: Uniform(-1.0, 1.0)})


def test_batches_are_loops_and_compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    traced, own = [], _solve.field
    monkeypatch.setattr(_solve, "field", lambda *args: traced.append(0) or own(*args))
    ts = np.linspace(0.0, 2.0, 5, dtype=np.float32)
    rates = np.array([[-1.0], [0.5], [0.75]], np.float32)
    starts = np.array([[1.0], [3.0]], np.float32)
    found = GROWTH.solve(starts, ts, {a: rates}).y
    assert found.shape == (3, 2, 1, 5)
    np.testing.assert_allclose(found[:, :, 0], starts * np.exp(rates[..., None] * ts), rtol=1e-5)
    once = len(traced)
    GROWTH.solve(2 * starts, ts + 1, {"a": 2 * rates}, rtol=1e-5)
    System.from_sympy([a * x], [x], parameters={a: 1.0}).solve(starts, ts, {a: rates})
    assert len(traced) == once > 0
    for i, j in ((0, 0), (2, 1)):
        one = GROWTH.solve(starts[j], ts, {"a": rates[i, 0]}).y
        np.testing.assert_allclose(one, found[i, j], rtol=1e-6)


@pytest.mark.long
def test_solutions_have_gradients() -> None:
    ts = jnp.array([0.0, 1.0])
    end = lambda start, rate: GROWTH.solve(start, ts, {"a": rate}, max_steps=64).y[0, -1]
    by_start, by_rate = jax.jit(jax.grad(end, (0, 1)))(jnp.array([2.0]), jnp.asarray(0.5))
    np.testing.assert_allclose(by_start, [np.exp(0.5)], rtol=1e-4)
    np.testing.assert_allclose(by_rate, 2 * np.exp(0.5), rtol=1e-4)


def test_the_end_of_a_solution_is_no_number() -> None:
    system = System.from_sympy([1 + x**2], [x])
    ts = np.linspace(0.0, 3.0, 31)
    solution = system.solve([[0.0], [np.nan]], ts, max_steps=1000)
    found = np.asarray(solution.y)
    before, after = ts < np.pi / 2 - 0.05, ts > np.pi / 2 + 0.05
    np.testing.assert_allclose(found[0, 0, before], np.tan(ts[before]), rtol=1e-3, atol=1e-5)
    assert np.isnan(found[0, 0, after]).all()
    assert np.isnan(found[1, 0, 1:]).all()


@pytest.mark.long
def test_stiff_systems_take_an_implicit_solver() -> None:
    ts, mu = np.linspace(0.0, 120.0, 13), 100.0
    vdp = lambda time, s: [s[1], mu * (1 - s[0] ** 2) * s[1] - s[0]]
    wanted = scipy.integrate.solve_ivp(
        vdp, (0, 120), [2.0, 0.0], "Radau", ts, rtol=1e-9, atol=1e-9
    ).y
    with jax.enable_x64(True):
        found = (
            named("van_der_pol")
            .solve([2.0, 0.0], ts, {"mu": mu}, solver=diffrax.Kvaerno5(), rtol=1e-5, max_steps=1500)
            .y
        )
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_inputs_are_linear_between_their_samples(seed: int) -> None:
    drive = sympy.Symbol("drive")
    system = System.from_sympy([drive], [x], [drive])
    ts = np.linspace(0.0, 5.0, 21)
    values = np.random.default_rng(seed).normal(size=(2, 1, 21))
    found = system.solve([[0.0], [1.0]], ts, inputs=values).y
    wanted = scipy.integrate.cumulative_trapezoid(values, ts, initial=0)
    np.testing.assert_allclose(found, wanted + np.array([[[0.0]], [[1.0]]]), atol=1e-5)


def test_the_invariant_of_lotka_and_volterra_stays() -> None:
    p = SYSTEMS["lotka_volterra"].parameters
    solution = named("lotka_volterra", 0.0).solve([10.0, 5.0], np.linspace(0.0, 40.0, 100))
    prey, predator = solution.y
    assert not np.isnan(prey).any()
    value = p["delta"] * prey - p["gamma"] * jnp.log(prey)
    value += p["beta"] * predator - p["alpha"] * jnp.log(predator)
    assert np.ptp(value) < 1e-4 < np.ptp(prey)


# errors

FORCED = System.from_sympy([y * a], [x], [y], {a: Uniform()})
LINE = np.linspace(0.0, 1.0, 4)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: System.from_sympy(x, [x]), TypeError, "list of SymPy"),
        (lambda: System.from_sympy(["x"], [x]), TypeError, r"expressions\[0\].*not of type str"),
        (lambda: System.from_sympy([x, y], [x]), ValueError, "2 expressions, 1 states"),
        (lambda: System.from_sympy([x], x), TypeError, "states=x.*list of sympy.Symbol"),
        (lambda: System.from_sympy([x], ["x"]), TypeError, "states=.*list of sympy.Symbol"),
        (lambda: System.from_sympy([], []), ValueError, "0 states.*1 to 16"),
        (lambda: System.from_sympy([x] * 17, sympy.symbols("s:17"), parameters={x: 1}),
         ValueError, "17 states.*1 to 16"),
        (lambda: System.from_sympy([x], [x], sympy.symbols("i:65")), ValueError, "65 inputs.*64"),
        (lambda: System.from_sympy([x, y], [x, x], parameters={y: 1}), ValueError, "x must stand"),
        (lambda: System.from_sympy([x], [x], parameters={x: 1}), ValueError, "x must stand once"),
        (lambda: System.from_sympy([t], [x], parameters={t: 1}, time=t), ValueError, "t must"),
        (lambda: System.from_sympy([x * y], [x]), ValueError, "y is none of them"),
        (lambda: System.from_sympy([x], [x], parameters={y: 1}), ValueError, "y: .*nothing else"),
        (lambda: System.from_sympy([x], [x], parameters={1: 1}), TypeError, "symbol or its name"),
        (lambda: System.from_sympy([x], [x], parameters=[1]), TypeError, "must be a dict"),
        (lambda: System.from_sympy([x * a], [x], parameters={a: "1"}), TypeError, "distribution"),
        (lambda: System.from_sympy([x * a], [x], parameters={a: np.inf}), ValueError, "finite"),
        (lambda: System.from_sympy([sympy.besselj(0, x)], [x]), ValueError, "excludes besselj"),
        (lambda: System.from_sympy([x + sympy.oo], [x]), ValueError, "excludes"),
        (lambda: System.from_sympy([x], [x], initial=[1, 2]), ValueError, "list of 1 numbers"),
        (lambda: System.from_sympy([x], [x], duration=0), ValueError, "duration=0.*> 0"),
        (lambda: System.from_sympy([x], [x], duration=Normal()), ValueError, "> 0 in every draw"),
        (lambda: System.from_sympy([x], [x], duration=Choices([1, -1])), ValueError, "> 0"),
        (lambda: System.from_sympy([x], [x], digits=9), ValueError, "digits=9"),
        (lambda: System(("Add(y_0",), ("x",), initial=(Normal(),)), ValueError, "one expression"),
        (lambda: System(("y_1",), ("x",), initial=(Normal(),)), ValueError, "unknown name y_1"),
        (lambda: System(("y_0",), ("x",)), ValueError, "initial of length 0"),
        (lambda: System.from_sympy([sympy.erf(x)], [x]).num_nodes(), ValueError, "erf"),
        (lambda: named("lorentz"), ValueError, "Did you mean 'lorenz'"),
        (lambda: named("lorenz", -0.1), ValueError, "jitter=-0.1"),
        (lambda: GROWTH.solve([1.0, 2.0], LINE, {a: 1.0}), ValueError, r"y0 of shape \(2,\)"),
        (lambda: GROWTH.solve([1.0], LINE), ValueError, "must have a value for a"),
        (lambda: GROWTH.solve([1.0], LINE, {"b": 1.0}), ValueError, "unknown name 'b'"),
        (lambda: GROWTH.solve([1.0], [0.0], {a: 1.0}), ValueError, "at least 2 times"),
        (lambda: GROWTH.solve([1.0], -LINE, {a: 1.0}), ValueError, "must increase"),
        (lambda: GROWTH.solve([1.0], [0, 1, 1 + 1e-9], {a: 1.0}), ValueError, "must increase"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, rtol=0), ValueError, "rtol"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, max_steps=0), ValueError, "max_steps"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, solver="tsit5"), TypeError, "diffrax solver"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, solver=diffrax.Euler()), ValueError,
         "error estimate"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, solver=diffrax.KenCarp3()), ValueError,
         "in parts"),
        (lambda: GROWTH.solve(np.ones((2, 1)), LINE, {a: np.ones(3)}), ValueError, "broadcast"),
        (lambda: FORCED.solve([1.0], LINE, {a: 1.0}), ValueError, r"inputs None.*batch, 1, 4\)"),
        (lambda: FORCED.solve([1.0], LINE, {a: 1.0}, LINE), ValueError, r"inputs of shape \(4,\)"),
        (lambda: GROWTH.solve([1.0], LINE, {a: 1.0}, LINE), ValueError, r"inputs of shape"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], kind: type, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        call()

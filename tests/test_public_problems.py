"""Public problem sets: what was right stays right.

The 100 formulas of AI Feynman and 97 of the small suites of symbolic regression, the 63 systems of
ODEBench, and the 129 flows of dysts, each read, evaluated and solved, and compared with NumPy and
SciPy in float64 within the bound of rounding every step.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

import s2jax
from s2jax import programs
from s2jax.core.random import words_of
from s2jax.ode._equations import bind
from s2jax.programs import Program
from tests.flows import MISSING, import_flows, list_flows, read_flow
from tests.problems import (
    NO_ODEBENCH,
    Equations,
    read_formulas,
    read_odebench,
    value_and_bound,
)

pytestmark = pytest.mark.long

FORMULAS = [*read_formulas("feynman.csv"), *read_formulas("suites.csv")]
REFUSED = {"Neat-6": "harmonic"}
NUM_NODES, NUM_INPUTS, TIME = 64, 10, 64
UNIT = {jnp.float32: 2.0**-24, jnp.float64: 2.0**-53}
# numbers keep 9 digits: 1/3 is 0.333333333
DECIMAL = 5e-9


def stack(programs: list[Program]) -> Program:
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *programs)


def read(formula: Any, style: str) -> Program:
    """The program of a formula, as a row of one output."""
    names = {name: f"x_{index}" for index, name in enumerate(formula.ranges)}
    if style == "text":
        return s2jax.from_text(formula.text, variables=names, num_nodes=NUM_NODES)
    symbols = {sympy.Symbol(name): own for name, own in names.items()}
    return s2jax.from_sympy(formula.expression, symbols, num_nodes=NUM_NODES)


@pytest.fixture(scope="module", params=["text", "sympy"])
def formulas(request: pytest.FixtureRequest) -> tuple[list[Any], Program, np.ndarray]:
    """Formulas that programs carry, their programs as read, and points of their ranges."""
    carried = [formula for formula in FORMULAS if formula.name not in REFUSED]
    x = np.zeros((len(carried), NUM_INPUTS, TIME))
    rng = np.random.default_rng(0)
    for row, formula in zip(x, carried, strict=True):
        row[: len(formula.ranges)] = list(formula.draw(rng, TIME).values())
    return carried, stack([read(formula, request.param) for formula in carried]), x


@pytest.mark.parametrize("dtype", list(UNIT))
def test_formulas_have_the_values_of_numpy(formulas, dtype):
    carried, program, x = formulas
    assert len(carried) == 197
    with jax.enable_x64(dtype == jnp.float64):
        y = np.asarray(s2jax.evaluate(program, jnp.asarray(x, dtype)), float)[:, 0]
    unit, wrong = UNIT[dtype], {}
    for formula, own, values in zip(carried, x, y, strict=True):
        symbols = [sympy.Symbol(name) for name in formula.ranges]
        expected = sympy.lambdify(symbols, formula.expression, "numpy")(*own[: len(symbols)])
        points = dict(zip(symbols, own, strict=False))
        _, bound = value_and_bound(formula.expression, points, unit, max(unit, DECIMAL))
        if not (np.abs(values - expected) <= bound).all():
            wrong[formula.name] = float(np.max(np.abs(values - expected) / bound))
    assert not wrong


def test_bounds_are_tight():
    """A value that is off by 1e-5 would be found, nearly everywhere."""
    rng, found = np.random.default_rng(0), []
    for formula in FORMULAS:
        if formula.name not in REFUSED:
            points = {sympy.Symbol(name): own for name, own in formula.draw(rng, TIME).items()}
            value, bound = value_and_bound(formula.expression, points, UNIT[jnp.float32], DECIMAL)
            found.append(np.mean(bound < 1e-5 * np.abs(value)))
    assert np.mean(found) > 0.95


@pytest.mark.parametrize("way", ["text", "prefix", "tokens", "sympy"])
def test_formulas_come_back_with_their_values(formulas, way):
    _, program, x = formulas
    if way == "tokens":
        tokens = s2jax.to_tokens(program)
        again, status = s2jax.from_tokens(tokens.ids, num_nodes=NUM_NODES)
        assert not tokens.status.any()
        assert not status.any()
    elif way == "sympy":
        again = s2jax.from_sympy(s2jax.to_sympy(program), num_nodes=NUM_NODES)
    else:
        style = "reference" if way == "text" else "prefix"
        again = s2jax.from_text(s2jax.to_text(program, style=style), num_nodes=NUM_NODES)
    with jax.enable_x64(True):
        before, after = (s2jax.evaluate(one, jnp.asarray(x)) for one in (program, again))
    # SymPy sorts its operands, which changes the order of rounding
    tolerance = 1e-9 if way == "sympy" else 0.0
    np.testing.assert_allclose(after, before, rtol=tolerance, atol=0)


@pytest.mark.parametrize(
    "formula", [f for f in FORMULAS if f.name in REFUSED], ids=lambda f: f.name
)
@pytest.mark.parametrize("style", ["text", "sympy"])
def test_formulas_that_programs_cannot_carry_are_refused_by_name(formula, style):
    with pytest.raises(ValueError, match=REFUSED[formula.name]):
        read(formula, style)


class Systems(NamedTuple):
    """Systems of one source, as they were made and as the programs that `draw` emits.

    Attributes:
        program: Of shape `(systems, states)`, padded to the largest.
        points: Of shape `(states, points)` for each system: half of them where it starts, half of
            any size.
        times: Of shape `(points,)`.
    """

    equations: list[Equations]
    systems: list[Any]
    program: Program
    points: list[np.ndarray]
    times: np.ndarray


NUM_POINTS = 32
MAX_SOLVED = 64  # slots of the solver of all programs


@pytest.fixture(scope="module", params=["odebench", "dysts"])
def systems(request: pytest.FixtureRequest) -> Systems:
    if request.param == "odebench":
        equations = _odebench()
    else:
        flows = _flows()
        equations = [read_flow(flows, flow) for flow in list_flows(flows)[0]]
    assert len(equations) == {"odebench": 63, "dysts": 129}[request.param]
    made = [
        s2jax.ode.System.from_sympy(e.expressions, e.states, parameters=e.constants, time=e.time)
        for e in equations
    ]
    words = words_of(jax.random.split(jax.random.key(0), 1))
    with jax.enable_x64(True):
        programs = [system.draw(words, 0).program for system in made]
    states = max(program.shape[1] for program in programs)
    nodes = max(program.num_nodes for program in programs)
    rng = np.random.default_rng(0)
    points = [_draw_points(np.array(e.initial), rng) for e in equations]
    padded = [_pad(program, states, nodes) for program in programs]
    return Systems(equations, made, stack(padded)[:, 0], points, rng.uniform(0, 3, NUM_POINTS))


def _odebench() -> list[Equations]:
    try:
        return read_odebench()
    except KeyError:
        pytest.skip(NO_ODEBENCH)


def _flows() -> Any:
    try:
        return import_flows()
    except ModuleNotFoundError as error:
        pytest.skip(f"{MISSING} ({error})")


def _draw_points(initial: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shape = len(initial), NUM_POINTS // 2
    near = initial[:, None] * rng.uniform(0.8, 1.2, shape)
    wide = rng.choice([-1, 1], shape) * 10 ** rng.uniform(-4, 4, shape)
    return np.concatenate([near, wide], axis=1)


def _pad(program: Program, states: int, nodes: int) -> Program:
    """The program with unused outputs and instructions after its own."""
    missing = (0, 0), (0, states - program.shape[1]), (0, nodes - program.num_nodes)
    return jax.tree.map(lambda leaf: np.pad(leaf, missing[: np.ndim(leaf)]), program)


def _values_and_bounds(systems: Systems, row: int, decimal: float) -> tuple[Any, Any]:
    """Right-hand sides in float64, and their bounds, of shape `(states, points)`."""
    equations = systems.equations[row]
    at = dict(zip(equations.states, systems.points[row], strict=True))
    at[equations.time] = systems.times
    numbers = {symbol: sympy.Float(value) for symbol, value in equations.constants.items()}
    exprs = [expr.xreplace(numbers) for expr in equations.expressions]
    with np.errstate(all="ignore"):
        both = [value_and_bound(expr, at, 2.0**-53, decimal) for expr in exprs]
    values, bounds = (
        np.stack([np.broadcast_to(part, NUM_POINTS) for part in parts])
        for parts in zip(*both, strict=True)
    )
    return values, bounds


def _excess(found: np.ndarray, values: np.ndarray, bounds: np.ndarray) -> float:
    """The largest error in units of its bound; where the reference has a value, so must we."""
    known = np.isfinite(values) & np.isfinite(bounds)
    assert known[:, : NUM_POINTS // 2].mean() > 0.9
    error = np.abs(found[known] - values[known])
    return float(np.max(error / np.where(bounds[known] > 0, bounds[known], 1e-300), initial=0.0))


def test_flows_are_those_of_dysts():
    """What the others are compared with is what dysts computes, and what is left out is named."""
    flows = _flows()
    made, delayed = list_flows(flows)
    assert delayed == [
        "MackeyGlass", "IkedaDelay", "SprottDelay", "VossDelay", "ScrollDelay", "PiecewiseCircuit",
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    for flow in made:
        equations = read_flow(flows, flow)
        state = np.array(equations.initial) * rng.uniform(0.8, 1.2, len(equations.initial))
        at = dict(zip(equations.states, state, strict=True)) | {sympy.Symbol("t"): 0.3}
        found = [float(expr.subs(at)) for expr in equations.expressions]
        expected = np.ravel(np.array(flow.rhs(state, 0.3), float))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=equations.name)


def test_fields_have_the_values_of_numpy(systems):
    wrong = {}
    for row, (equations, system) in enumerate(zip(*systems[:2], strict=True)):
        with jax.enable_x64(True):
            own = [equations.constants[sympy.Symbol(name)] for name in system.parameters]
            constants = jnp.asarray(np.tile(own, (NUM_POINTS, 1)).T) if own else None
            point = jnp.asarray(systems.points[row])
            found = np.asarray(system.field(jnp.asarray(systems.times), point, None, constants))
        excess = _excess(found, *_values_and_bounds(systems, row, 2.0**-53))
        wrong |= {equations.name: excess} if not excess <= 4 else {}
    assert not wrong


def test_emitted_programs_have_the_values_of_numpy(systems):
    states = systems.program.shape[1]
    x = np.zeros((len(systems.systems), states + 1, NUM_POINTS))
    for row, point in zip(x, systems.points, strict=True):
        row[: len(point)], row[states] = point, systems.times
    with jax.enable_x64(True):
        # states and time as channels
        y = programs.evaluate(bind(systems.program, states), jnp.asarray(x))
    wrong = {}
    for row, (equations, values) in enumerate(zip(systems.equations, np.asarray(y), strict=True)):
        own = values[: len(equations.states)]
        excess = _excess(own, *_values_and_bounds(systems, row, DECIMAL))
        wrong |= {equations.name: excess} if not excess <= 4 else {}
    assert not wrong


def test_emitted_programs_solve_as_scipy(systems):
    """One compiled solver for all of them; what a nudge of the start moves is not asked for."""
    lengths = np.asarray(systems.program.length).max(1)
    short = np.flatnonzero(lengths < MAX_SOLVED)
    fields = jax.tree.map(lambda leaf: leaf[short], systems.program)
    fields = jax.tree.map(lambda leaf: leaf[..., :MAX_SOLVED] if leaf.ndim > 2 else leaf, fields)
    equations = [systems.equations[row] for row in short]
    y0 = np.zeros(fields.shape)
    for row, own in enumerate(equations):
        y0[row, : len(own.initial)] = own.initial
    ts = np.array([own.span for own in equations])[:, None] * np.linspace(0, 1, 21)
    with jax.enable_x64(True):
        solution = s2jax.ode.solve(fields, jnp.asarray(y0), jnp.asarray(ts), rtol=1e-9, atol=1e-10)
    wrong, solved = {}, 0
    for own, found, times in zip(equations, np.asarray(solution.y), ts, strict=True):
        expected, nudged = (_solve_scipy(own, times, factor) for factor in (1, 1 + 1e-8))
        known = np.isfinite(expected) & np.isfinite(nudged)
        solved += known.all()
        allowed = 1e-6 * (1 + np.abs(expected)) + np.abs(nudged - expected)
        excess = np.max((np.abs(found[: len(expected)] - expected) / allowed)[known], initial=0.0)
        wrong |= {own.name: float(excess)} if not excess <= 10 else {}
    assert not wrong
    assert solved >= 0.95 * len(systems.equations)


def _solve_scipy(equations: Equations, times: np.ndarray, factor: float) -> np.ndarray:
    time = equations.time or sympy.Symbol("t")
    right = [expr.subs(equations.constants) for expr in equations.expressions]
    function = sympy.lambdify([time, *equations.states], right, ["numpy", "scipy"])
    out = np.full((len(equations.states), len(times)), np.nan)
    with np.errstate(all="ignore"):
        solution = scipy.integrate.solve_ivp(
            lambda t, y: function(t, *y), times[[0, -1]], factor * np.array(equations.initial),
            t_eval=times, method="LSODA", rtol=1e-11, atol=1e-12,
        )  # fmt: skip
    out[:, : len(solution.t)] = solution.y
    return out

"""Switches and pieces in systems: batches against SciPy, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

import s2jax
from s2jax.distributions import Uniform
from s2jax.ode import System
from s2jax.ode._field import operators_of
from s2jax.ode._one_system import OneSystem
from s2jax.ode._poles import steps_over_pole
from s2jax.ode._switches import SWITCHES, Held
from s2jax.programs.operators import OPCODE, TABLE

u, v, a, b, t = sympy.symbols("u v a b t")
TOLERANCE, FACTOR = 1e-4, 2.0
SYSTEMS = {
    "spring that pushes only": System.from_sympy(
        [v, sympy.Max(0, 1 - u) - u - a * v], [u, v], parameters={a: Uniform(0.02, 0.3)}
    ),
    "relay": System.from_sympy(
        [v, -u - a * v - b * sympy.sign(u)],
        [u, v],
        parameters={a: Uniform(-0.05, 0.2), b: Uniform(0.2, 1.0)},
    ),
    "thermostat": System.from_sympy(
        [v - a * u, sympy.Piecewise((1, u < 1), (0, True)) - b * v],
        [u, v],
        parameters={a: Uniform(0.1, 0.4), b: Uniform(0.3, 0.9)},
    ),
    "square wave": System.from_sympy(
        [v, -u - a * v + sympy.Heaviside(sympy.sin(b * t), 0)],
        [u, v],
        parameters={a: Uniform(0.02, 0.3), b: Uniform(0.3, 2.0)},
    ),
}


def errors_of(system: System, count: int = 16) -> np.ndarray:
    """Relative errors of usable rows against DOP853 with short steps."""
    config = s2jax.presets.ode(length=128, dimension=2, num_inputs=0, target=system)
    batch = s2jax.sample(jax.random.key(0), config, count)
    symbols = sympy.symbols("t y_0 y_1", real=True)
    found: list[float] = []
    assert batch.t is not None  # as of all differential equations
    for row, equations in enumerate(s2jax.to_sympy(batch.program)):
        if int(batch.status[row]):
            continue
        slopes = sympy.lambdify(symbols, equations, "numpy")
        times, y = np.asarray(batch.t[row], float), np.asarray(batch.y[row], float)
        run = scipy.integrate.solve_ivp(
            lambda t, y, f=slopes: np.array(f(t, *y), float), times[[0, -1]], y[:, 0], "DOP853",
            times, rtol=1e-9, atol=1e-10, max_step=(times[1] - times[0]) / 8,
        )  # fmt: skip
        found.append((np.abs(run.y - y).max(1) / np.abs(y).max(1)).max())
    return np.array(found)


@pytest.mark.long
@pytest.mark.parametrize("name", SYSTEMS)
def test_accepted_rows_are_as_accurate_as_the_tolerance_says(name: str) -> None:
    errors = errors_of(SYSTEMS[name])
    assert len(errors) >= 8
    assert errors.max() < FACTOR * TOLERANCE


@pytest.mark.long
def test_without_steps_that_end_at_switches_errors_are_larger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OneSystem, "is_switched", property(lambda self: False))
    # another number of rows, because what was compiled before is kept
    assert errors_of(SYSTEMS["relay"], 12).max() > FACTOR * TOLERANCE


def test_only_systems_with_switches_pay_for_them() -> None:
    smooth = System.from_sympy([v, -(u**3)], [u, v])
    assert operators_of(smooth.expressions, 2, 0, 0).isdisjoint(SWITCHES)
    for system in SYSTEMS.values():
        sizes = map(len, (system.states, system.inputs, system.parameters))
        assert not operators_of(system.expressions, *sizes).isdisjoint(SWITCHES)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_held_switch_is_the_operator_on_its_side(name: str) -> None:
    rng = np.random.default_rng(0)
    operator = TABLE[OPCODE[name]]
    operands = [jnp.asarray(rng.normal(size=64), jnp.float32) for _ in range(operator.arity)]
    free = operator.function(*operands)  # type: ignore[operator]
    side = jnp.sign(SWITCHES[name].operand(*operands))
    held = Held(side[None])(name, *operands)
    np.testing.assert_array_equal(held, free)
    other = Held(-side[None])(name, *operands)
    assert other is not None
    assert (np.asarray(other) != np.asarray(free)).all()
    assert Held(jnp.zeros(()))(name, *operands) is None


# ---- poles ----------------------------------------------------------------------------------


def crossings(expr: sympy.Expr, path: np.ndarray) -> bool:
    """Whether u' = expr steps over a pole along a path of u."""
    system = System.from_sympy([expr], [u])
    series = jnp.asarray(path, jnp.float32)[None, None]
    inputs, parameters = jnp.zeros((0, 1, len(path))), jnp.zeros((0, 1, 1))
    clock = jnp.zeros((1, len(path)))
    equations = system.expressions, 1, 0, 0
    return bool(steps_over_pole(equations, clock, series, inputs, parameters)[0])


def test_a_row_that_steps_over_a_pole_is_seen() -> None:
    path = np.array([0.9, 0.5, -0.4, -0.8])
    assert crossings(1 / u, path)
    assert crossings(1 + u / (u - sympy.Rational(1, 10)) ** 3, path)
    assert not crossings(1 / u, np.abs(path))
    assert not crossings(1 / (u**2 + 1), path)
    assert crossings(sympy.tan(2 * u), path)
    shut = sympy.Piecewise((1 / u, u > sympy.Rational(3, 5)), (u, True))
    assert not crossings(shut, path)
    assert crossings(sympy.Piecewise((1 / u, u < 2), (u, True)), path)


def test_a_batch_refuses_rows_that_step_over_poles() -> None:
    # u passes through 0 and v, which nothing else reads, through 1 / u
    uniform = Uniform(0.5, 1.0)
    system = System.from_sympy([-1, 1 / u], [u, v], initial=[uniform, uniform], duration=2.0)
    smooth = System.from_sympy([-1, 1 / (u**2 + 1)], [u, v], duration=2.0)
    reasons = {}
    for name, target in {"pole": system, "smooth": smooth}.items():
        config = s2jax.presets.ode(length=64, dimension=2, num_inputs=0, target=target)
        config = dataclasses.replace(config, acceptance=s2jax.Acceptance(bound=1e6, max_tries=4))
        batch = s2jax.candidates(jax.random.key(0), config, jnp.arange(8))
        reasons[name] = np.asarray(batch.status)
    assert (reasons["pole"] != 0).all()
    assert not reasons["smooth"].any()

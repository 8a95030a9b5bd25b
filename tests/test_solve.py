"""How solutions of given equations end, and what they share."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

import s2jax
from s2jax import Config
from s2jax.ode import NAMES, Solution, SolveStatus, System, _shared, named
from s2jax.ode._system import field
from s2jax.ode.known import SUBJECTS
from s2jax.programs.engines.run import selecting
from s2jax.programs.lower import functions, lower

x, y, z, a, t, drive = sympy.symbols("x y z a t drive")
TANGENT = System.from_sympy([1 + x**2], [x])
LINE = np.linspace(0.0, 3.0, 7, dtype=np.float32)


def names_of(solution: Solution) -> list[str]:
    return [str(SolveStatus(int(status)).name) for status in np.ravel(solution.status)]


# ---- how a solution ends --------------------------------------------------------------------


def test_each_row_says_how_it_ended() -> None:
    solution = TANGENT.solve([[-100.0], [0.0], [np.nan]], LINE)
    assert names_of(solution)[0] == "OK"
    assert names_of(solution)[1] in ("STEP_TOO_SMALL", "NOT_FINITE")
    assert names_of(solution)[2] == "NOT_FINITE"
    assert solution.y.shape == (3, 1, 7)
    assert np.isfinite(solution.y[0]).all()
    assert np.isfinite(solution.y[1, 0, :4]).all()
    assert np.isnan(solution.y[1, 0, 4:]).all()
    # a pole ends its row: nobody waits until all the steps there are are taken
    assert (solution.num_steps < 500).all()
    cut = TANGENT.solve([[-100.0], [-1.0], [-2.0]], LINE, max_steps=4)
    assert names_of(cut) == ["MAX_STEPS"] * 3
    assert cut.num_steps.tolist() == [4, 4, 4]


def test_programs_say_how_they_ended() -> None:
    program = s2jax.from_text(["1 + y_0**2", "-y_0"])
    ends = s2jax.ode.solve(program, jnp.zeros((2, 1)) + 0.5, jnp.stack([LINE, LINE]))
    assert names_of(ends)[1] == "OK"
    assert names_of(ends)[0] in ("STEP_TOO_SMALL", "NOT_FINITE")
    assert ends.y.shape == (2, 1, 7)


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = [status.sentence for status in SolveStatus]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


# ---- one compiled solver for many systems ---------------------------------------------------

EXAMPLES: dict[str, tuple[System, list[float]]] = {
    "numbers": (System.from_sympy([0.1234567 * x / 3 - sympy.pi * y, -sympy.sqrt(2) * y + 12],
                                  [x, y]), [1.0, 0.5]),
    "powers": (System.from_sympy([-a * x**0.75, x**-2 - y, sympy.sqrt(z) - z**3], [x, y, z],
                                 parameters={a: 0.5}), [1.0, 2.0, 0.3]),
    "time": (System.from_sympy([-x + sympy.sin(2.5 * t)], [x]), [0.2]),
    "input": (System.from_sympy([drive - a * x], [x], [drive], {a: 1.5}), [0.2]),
}  # fmt: skip


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows whenever a shared solver is compiled."""
    traced, own = [], _shared.lower
    monkeypatch.setattr(_shared, "lower", lambda *args: traced.append(0) or own(*args))
    return traced


@pytest.mark.parametrize("name", [*(n for n in NAMES if n not in SUBJECTS["delays"]), *EXAMPLES])
def test_shared_derivatives_are_those_of_the_system(name: str) -> None:
    system = EXAMPLES[name][0] if name in EXAMPLES else named(name, 0.0)
    equations = system.expressions, *map(len, (system.states, system.inputs, system.parameters))
    form = _shared._form(*equations)
    assert form is not None
    rng = np.random.default_rng(0)
    state = rng.uniform(0.2, 2.0, len(system.states)).astype(np.float32)
    now = rng.normal(size=len(system.inputs)).astype(np.float32)
    own = np.array([law.value for law in system.laws], np.float32)
    wanted = field(equations, jnp.float32(0.7), jnp.asarray(state), now, own)
    size = form.program.op.shape[0]
    padded = np.pad(state, (0, size - len(state)))
    variables = np.concatenate([padded, [0.7], now, own, form.numbers]).astype(np.float32)
    found = _evaluate(form.program, jnp.asarray(np.pad(variables, (0, 80 - len(variables)))))
    np.testing.assert_allclose(found[: len(state)], wanted, rtol=2e-5, atol=1e-5)
    assert not found[len(state) :].any()


@eqx.filter_jit
def _evaluate(program: Any, variables: jax.Array) -> jax.Array:
    lowered = lower(program, None, len(variables), variables.dtype)
    spread = jnp.tile(variables[:, None], (program.op.shape[0], 1, 1))
    return selecting(lowered, spread, functions(False), 1)[:, 0]


def test_systems_of_one_shape_are_compiled_once(
    traces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = diffrax.ImplicitEuler()
    options = dict(solver=solver, rtol=1e-3, atol=1e-4)
    found = {}
    for name in ("numbers", "powers", "time"):
        system, start = EXAMPLES[name]
        found[name] = system.solve([start, start], LINE, **options)
        assert names_of(found[name]) == ["OK", "OK"]
    assert len(traces) == 1
    monkeypatch.setattr(_shared, "MAX_ROWS", 0)
    system, start = EXAMPLES["powers"]
    alone = system.solve([start, start], LINE, **options)
    assert len(traces) == 1
    np.testing.assert_allclose(alone.y, found["powers"].y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone.num_steps, found["powers"].num_steps, rtol=0.1)


def test_what_is_no_program_or_traced_or_explicit_is_compiled_by_itself(traces: list[int]) -> None:
    erf = System.from_sympy([-sympy.erf(x)], [x])
    assert _shared._form(erf.expressions, 1, 0, 0) is None
    solver = diffrax.ImplicitEuler()
    ends = lambda start: EXAMPLES["time"][0].solve(start, LINE, solver=solver).y[..., -1]
    jax.eval_shape(ends, jnp.ones(1))
    TANGENT.solve([[-100.0], [0.0], [np.nan]], LINE)
    assert not traces


@pytest.mark.long
def test_named_systems_share_a_few_compiled_solvers(traces: list[int]) -> None:
    options = dict(solver=diffrax.Kvaerno5(), rtol=1e-3, atol=1e-6, max_steps=4096)
    for name in NAMES[:40]:
        system = named(name, 0.0)
        start = np.array([(law.low + law.high) / 2 for law in system.initial], np.float32)
        ts = np.linspace(0.0, 0.1 * float(system.duration.high), 9, dtype=np.float32)
        ours = system.solve(start + 0.01, ts, **options)
        assert names_of(ours) == ["OK"], name
    assert len(traces) <= 6


# ---- stiff systems --------------------------------------------------------------------------


def van_der_pol(_: float, s: Any) -> list[Any]:
    return [s[1], 1000 * (1 - s[0] ** 2) * s[1] - s[0]]


def oregonator(_: float, s: Any) -> list[Any]:
    return [77.27 * (s[1] + s[0] * (1 - 8.375e-6 * s[0] - s[1])),
            (s[2] - (1 + s[0]) * s[1]) / 77.27, 0.161 * (s[0] - s[2])]  # fmt: skip


def robertson(_: float, s: Any) -> list[Any]:
    slow, fast = 0.04 * s[0] - 1e4 * s[1] * s[2], 3e7 * s[1] ** 2
    return [-slow, slow - fast, fast]


STIFF: list[tuple[Callable[..., Any], list[float], np.ndarray]] = [
    (van_der_pol, [2.0, 0.0], np.linspace(0.0, 2000.0, 13)),
    (oregonator, [1.0, 2.0, 3.0], np.linspace(0.0, 360.0, 13)),
    (robertson, [1.0, 0.0, 0.0], np.concatenate([[0.0], np.logspace(-5, 11, 12)])),
]


def stiff_system(f: Callable[..., Any], count: int) -> System:
    states = sympy.symbols(f"s:{count}")
    return System.from_sympy(f(0.0, states), states)


@pytest.mark.long
def test_stiff_systems_at_the_tolerance_of_the_docs(traces: list[int]) -> None:
    """Van der Pol's, the Oregonator and Robertson's; and that float32 says why it cannot."""
    options = dict(solver=diffrax.Kvaerno5(), rtol=1e-4, atol=1e-6)
    for f, start, ts in STIFF:
        with jax.enable_x64(True):
            found = stiff_system(f, len(start)).solve(start, ts, **options)
        assert names_of(found) == ["OK"]
        ends = ts[[0, -1]]
        wanted = scipy.integrate.solve_ivp(f, ends, start, "Radau", ts, rtol=1e-9, atol=1e-12).y
        size = np.abs(wanted).max(1, keepdims=True)
        np.testing.assert_allclose(np.asarray(found.y) / size, wanted / size, atol=5e-3)
    assert len(traces) == 1
    f, start, ts = STIFF[0]
    single = stiff_system(f, 2).solve(start, ts, solver=diffrax.Kvaerno5(), rtol=1e-4, atol=1e-4)
    assert names_of(single) == ["NO_CONVERGENCE"]


# ---- systems that no batch could hold -------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: System.from_sympy([y * x, 0], [x, y]), "y' = 0.*parameters={y: ...}"),
        (lambda: System.from_sympy([x, y - y], [x, y]), "y' = 0"),
        (lambda: System.from_sympy([a * x * (1 - x), y * (x - 1)], [x, y], parameters={a: 2.0},
                                   initial=[1.0, 3.0]), "starts at 1, 3.*at rest"),
    ],
)  # fmt: skip
def test_what_never_moves_is_refused_as_a_target(make: Callable[[], System], message: str) -> None:
    system = make()
    with pytest.raises(ValueError, match=message):
        Config(num_inputs=0, num_outputs=2, target=system)


def test_all_named_systems_are_targets() -> None:
    for name in NAMES:
        system = named(name, 0.0)
        Config(num_inputs=0, num_outputs=len(system.states), target=system)

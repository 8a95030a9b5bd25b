"""Pieces of the throughput engine: steps, quadrature, noise, judgement, right-hand sides."""

# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportReturnType=false

import dataclasses
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import s2jax
from s2jax import Acceptance, Status
from s2jax.core.random import fold_in, words_of
from s2jax.laws import S2Law
from s2jax.ode._equations import input_at, solver_of
from s2jax.ode._integrate import Trajectories, integrate
from s2jax.ode._judge import Limits, Traits, count_turns, judge, most_turns
from s2jax.ode._noise import noise
from s2jax.ode._quadrature import integrate_input
from s2jax.ode._unrolled import UnrolledTsit5
from s2jax.programs import Program
from s2jax.programs.engines import grouped as grouped
from s2jax.programs.lower import functions
from s2jax.programs.operators import CONST, ID, LAG, NUM_LEAVES, TABLE, drawable
from s2jax.programs.program import DTYPES

EPS = float(np.finfo(np.float32).eps)
BOUND = 1e3
SOLVERS = {"Tsit5": diffrax.Tsit5(), "UnrolledTsit5": UnrolledTsit5(), "Bosh3": diffrax.Bosh3()}
ORDERS = {"Tsit5": 5, "UnrolledTsit5": 5, "Bosh3": 3}


def run(
    field: Callable[..., Any], y0: Any, num_steps: int, length: int, solver: Any = None, *args: Any
) -> Trajectories:
    """Solve `dy/dtau = field(tau, y, *args)`, compiled once per field, shape and solver."""
    solve = _compiled(field, length, type(solver))
    return jax.device_get(solve(jnp.asarray(y0), jnp.int32(num_steps), *args))


_COMPILED: dict[Any, Any] = {}


def _compiled(field: Callable[..., Any], length: int, kind: type) -> Any:
    def solve(y0, num_steps, *args):
        solver = solver_of(None if kind is type(None) else kind())
        bound = jnp.asarray(BOUND, y0.dtype)
        return integrate(solver, lambda tau, y: field(tau, y, *args), y0, num_steps, length, bound)

    return _COMPILED.setdefault((field, length, kind), jax.jit(solve))


# ---- order of convergence -------------------------------------------------------------------


def pendulum(tau, y):
    """A driven pendulum in each row."""
    return 6 * jnp.stack([y[1], jnp.cos(7 * tau) - jnp.sin(y[0])])


STARTS = np.array([[0.1, 1.0, 2.5], [0.0, -1.0, 0.5]])


def true_pendulum(length: int) -> np.ndarray:
    def solve(start):
        field = lambda tau, y: [6 * y[1], 6 * (np.cos(7 * tau) - np.sin(y[0]))]
        grid = np.linspace(0, 1, length)
        return scipy.integrate.solve_ivp(
            field, (0, 1), start, "DOP853", grid, rtol=1e-13, atol=1e-15, max_step=1 / 256
        ).y

    return np.stack([solve(start) for start in STARTS.T], axis=-1).swapaxes(0, 1)


def pendulum_slopes(steps: list[int], length: int, solver: Any) -> np.ndarray:
    with jax.enable_x64(True):
        found = [run(pendulum, STARTS, number, length, solver) for number in steps]
    wanted = true_pendulum(length)
    errors = np.array([np.abs(one.y - wanted).max() for one in found])
    return np.log2(errors[:-1] / errors[1:])


@pytest.mark.parametrize("name", SOLVERS)
def test_order_of_convergence(name: str) -> None:
    """Errors of exponentials shrink as the step to the order; of a pendulum, at least so fast."""
    rates = np.array([-4.0, 4.0])
    coefficients = np.stack([0 * rates, rates, 0 * rates])
    wanted = np.exp(rates * np.linspace(0, 1, 17)[:, None])
    with jax.enable_x64(True):
        coarse, fine = (
            run(riccati, np.ones((1, 2)), number, 17, SOLVERS[name], jnp.asarray(coefficients)).y
            for number in (128, 256)
        )
    assert fine.dtype == np.float64
    slopes = np.log2(np.abs(coarse[:, 0] - wanted).max(0) / np.abs(fine[:, 0] - wanted).max(0))
    np.testing.assert_allclose(slopes, ORDERS[name], atol=0.2)
    slopes = pendulum_slopes([64, 128, 256], 17, SOLVERS[name])
    assert (slopes > ORDERS[name] - 0.2).all(), slopes


def test_order_between_steps() -> None:
    """Fewer steps than output points: the interpolation is accurate to its order, 4."""
    slopes = pendulum_slopes([16, 32, 64], 515, None)
    assert (slopes > 3.8).all(), slopes


def test_the_estimated_error_bounds_the_error() -> None:
    """The sum of local estimates is of a lower order, so it is larger than the error."""
    with jax.enable_x64(True):
        found = run(pendulum, STARTS, 64, 17, None)
    scale = np.abs(found.y).max(0)
    error = (np.abs(found.y - true_pendulum(17)).max(0) / scale).max(0)
    assert (error < found.error).all()
    assert (found.error < 1e-2).all()


@pytest.mark.parametrize("is_adaptive", [False, True])
def test_unrolled_solver_is_the_one_of_diffrax(is_adaptive: bool) -> None:
    def solve(solver):
        controller = (
            diffrax.PIDController(1e-8, 1e-10) if is_adaptive else diffrax.ConstantStepSize()
        )
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: pendulum(t / 6, y) / 6), solver, 0.0, 6.0, 0.05,
            jnp.asarray(STARTS[:, 0]), saveat=diffrax.SaveAt(ts=jnp.linspace(0.0, 6.0, 50)),
            stepsize_controller=controller, max_steps=1000,
        )  # fmt: skip

    with jax.enable_x64(True):
        one, other = solve(UnrolledTsit5()), solve(diffrax.Tsit5())
    assert one.stats["num_accepted_steps"] == other.stats["num_accepted_steps"]
    np.testing.assert_allclose(one.ys, other.ys, rtol=1e-12, atol=1e-13)


# ---- analytic solutions ---------------------------------------------------------------------


def riccati(tau, y, coefficients):
    """y' = a + b y + c y**2."""
    a, b, c = coefficients
    return a + b * y + c * y**2


LENGTH = 65
TAU = np.linspace(0, 1, LENGTH)[:, None]
EXPONENTIAL, LOGISTIC, POLE = (0.0, -3.0, 0.0), (0.0, 6.0, -6.0), (3.0, 0.0, 3.0)


def riccati_rows(rows: list[tuple[float, ...]], starts: list[float]) -> Trajectories:
    coefficients = jnp.asarray(np.array(rows, np.float32).T)
    y0 = np.array([starts], np.float32)
    return run(riccati, y0, 256, LENGTH, None, coefficients)


def test_exponential_and_logistic_solutions() -> None:
    found = riccati_rows([EXPONENTIAL, EXPONENTIAL, LOGISTIC, POLE], [1.0, -2.0, 0.1, -3.0])
    exponential = np.exp(-3 * TAU)
    logistic = 0.1 * np.exp(6 * TAU) / (0.9 + 0.1 * np.exp(6 * TAU))
    tangent = np.tan(3 * TAU - np.arctan(3.0))
    assert (found.alive[:3] == 1).all()
    assert (found.error[:3] < 1e-4).all()
    assert found.alive[3] == pytest.approx((np.pi / 2 + np.arctan(3.0)) / 3, abs=0.02)
    y = found.y[:, 0]
    np.testing.assert_allclose(y[:, 0], exponential[:, 0], rtol=1e-5)
    np.testing.assert_allclose(y[:, 1], -2 * exponential[:, 0], rtol=1e-5)
    np.testing.assert_allclose(y[:, 2], logistic[:, 0], rtol=1e-5)
    before = TAU[:, 0] < 0.85
    np.testing.assert_allclose(y[before, 3], tangent[before, 0], rtol=1e-3, atol=1e-4)


def linear(tau, y, matrix):
    return jnp.einsum("sur,ur->sr", matrix, y)


def test_linear_systems_are_matrix_exponentials(seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(3, 3, 20)).astype(np.float32)
    y0 = random.normal(size=(3, 20)).astype(np.float32)
    found = run(linear, y0, 256, LENGTH, None, jnp.asarray(2 * matrix))
    for row in range(20):
        wanted = np.stack(
            [scipy.linalg.expm(2 * s * matrix[..., row]) @ y0[:, row] for s in TAU[:, 0]]
        )
        error = np.abs(found.y[..., row] - wanted).max() / np.abs(wanted).max()
        assert error < 1e-5


def judged(
    solution: Trajectories, dull: bool = True, smooth: bool = True, growth: float = 0.0,
    **limits: float,
) -> np.ndarray:  # fmt: skip
    rows = solution.y.shape[2]
    used = jnp.ones((solution.y.shape[1], rows), bool)
    traits = Traits(
        jnp.full(rows, dull), jnp.full(rows, smooth), jnp.full(rows, growth, jnp.float32)
    )
    usual = {"tolerance": 1e-3, "min_tail": 0.01, "max_jump": 0.25, "min_turns": 2,
             "max_error": 0.1, "noise_tolerance": 0.05, "points_per_turn": 6}  # fmt: skip
    solution = jax.tree.map(jnp.asarray, solution)
    turns, limited = most_turns(solution.y, used), Limits(**(usual | limits))
    status = judge(solution, used, turns, traits, Acceptance(bound=BOUND), limited)
    return np.asarray(status)


def test_a_solution_that_crosses_its_pole_has_escaped() -> None:
    short = tuple(0.4 * value for value in POLE)
    found = riccati_rows([POLE, POLE, short, EXPONENTIAL], [0.0, 5.0, 0.0, 1.0])
    status = judged(found)
    # where a step overflows it is the one, else the other
    assert np.isin(status[:2], [Status.ESCAPED, Status.NOT_FINITE]).all()
    assert not status[2:].any()
    assert found.alive[0] == pytest.approx(np.pi / 6, abs=0.01)
    assert found.alive[1] == pytest.approx((np.pi / 2 - np.arctan(5.0)) / 3, abs=0.01)
    assert (np.abs(found.y) <= BOUND).all()
    last = int(found.alive[0] * (LENGTH - 1)) + 1
    assert np.ptp(found.y[last:, 0, 0]) == 0, "frozen from there"
    np.testing.assert_allclose(found.y[:, 0, 2], np.tan(1.2 * TAU[:, 0]), rtol=1e-4, atol=1e-5)


def test_neighbours_of_a_lost_row_do_not_change() -> None:
    rows = [EXPONENTIAL, LOGISTIC, EXPONENTIAL, LOGISTIC]
    starts = [1.0, 0.1, 2.0, 0.2]
    alone = riccati_rows(rows, starts)
    for bad, start in (
        ((np.nan, 0.0, 0.0), 1.0),
        (POLE, 5.0),
        (EXPONENTIAL, np.nan),
        ((0, 0, 1e30), 1),
    ):
        mixed = riccati_rows([rows[0], bad, rows[2], rows[3]], [1.0, start, 2.0, 0.2])
        for one, other in zip(*map(jax.tree.leaves, (alone, mixed)), strict=True):
            np.testing.assert_array_equal(one[..., [0, 2, 3]], other[..., [0, 2, 3]])
        assert mixed.alive[1] < 1
    lost = riccati_rows(
        [(np.nan, 0, 0), (0, 0, 1e30), EXPONENTIAL, EXPONENTIAL], [1.0, 1.0, 1.0, 1.0]
    )
    assert lost.lost.tolist() == [True, True, False, False]
    assert judged(lost).tolist() == [Status.NOT_FINITE, Status.NOT_FINITE, 0, 0]
    assert np.isfinite(lost.y).all()


def test_each_reason_has_a_trajectory() -> None:
    tau = TAU.astype(np.float32)
    wave = np.sin(20 * tau)
    shapes = {
        Status.OK: wave,
        Status.DULL: tau,
        Status.JUMP: np.sign(wave + 0.01),
        Status.SETTLED: np.where(tau < 0.7, np.sin(8 * tau), np.sin(5.6)),
        Status.CONSTANT: 1 + 1e-6 * wave,
    }
    y = np.stack(list(shapes.values()), axis=-1).astype(np.float32)
    zero = np.zeros(y.shape[2], np.float32)
    good = Trajectories(y, zero + 1, zero, zero, zero > 0, zero)
    assert judged(good, dull=False).tolist() == list(shapes)
    assert judged(good)[1] == 0
    assert judged(good, min_tail=0.0, max_jump=2.0).tolist() == [0, 0, 0, 0, Status.CONSTANT]
    rough = good._replace(error=zero + 2e-3)
    assert (judged(rough) == Status.INACCURATE).all()
    assert (judged(rough._replace(stiff=zero + 0.2)) == Status.STIFF).all()
    assert judged(good._replace(halving=zero + 0.05)).tolist() == judged(good).tolist()
    assert (judged(good._replace(halving=zero + 0.06)) == Status.INACCURATE).all()
    assert (judged(good._replace(alive=zero + 0.5)) == Status.ESCAPED).all()
    assert (judged(good._replace(error=zero + np.nan)) == Status.INACCURATE).all()


def test_turns_are_counted_beyond_a_hundredth_of_the_range() -> None:
    grid = np.linspace(0, 1, 401, dtype=np.float32)
    shapes = [
        grid, np.sin(6 * np.pi * grid), -np.cos(6 * np.pi * grid), 0 * grid,
        grid + 0.004 * np.sin(200 * grid), grid + 0.03 * np.sin(20 * np.pi * grid),
        np.abs(grid - 0.5), np.exp(-3 * grid) * np.cos(10 * np.pi * grid),
    ]  # fmt: skip
    y = jnp.asarray(np.stack(shapes, axis=-1))[:, None]
    count = count_turns(y, y.max(0) - y.min(0))
    assert count[0].tolist() == [0, 6, 5, 0, 0, 20, 1, 9]


def test_solutions_that_turn_too_often_or_grow_errors_are_refused() -> None:
    tau = TAU.astype(np.float32)
    turns = lambda number: np.sin(np.pi * number * tau)
    most = (LENGTH - 1) // 6
    y = np.stack([turns(most - 2), turns(most + 3)], axis=-1).astype(np.float32)
    zero = np.zeros(2, np.float32)
    good = Trajectories(y, zero + 1, zero, zero, zero > 0, zero)
    limits = {"max_jump": 10.0}
    assert judged(good, **limits).tolist() == [0, Status.JUMP]
    assert judged(good, smooth=False, **limits).tolist() == [0, 0]
    assert judged(good, points_per_turn=0, **limits).tolist() == [0, 0]
    limits["points_per_turn"] = 0
    assert not judged(good, growth=9.0, **limits).any()
    assert (judged(good, growth=9.3, **limits) == Status.INACCURATE).all(), "10 * 1e-6 * e**9.3"


def test_stiff_rows_are_seen() -> None:
    found = riccati_rows([(0.0, -2000.0, 0.0), (0.0, -700.0, 0.0), EXPONENTIAL], [1.0, 1.0, 1.0])
    assert found.stiff[2] == 0
    assert found.stiff[0] > 0.1 or found.alive[0] < 1


# ---- quadrature -----------------------------------------------------------------------------

ANTIDERIVATIVES = {
    "sin(x_0)": lambda x: -np.cos(x),
    "exp(x_0)": np.exp,
    "inv((3 add x_0))": lambda x: np.log(3 + x),
    "(x_0)**3": lambda x: x**4 / 4,
    "tanh((2 mul x_0))": lambda x: np.log(np.cosh(2 * x)) / 2,
}


def kinked(seed: int, rows: int, inputs: int = 1, length: int = 100) -> np.ndarray:
    """Random series of which no two neighbouring values are equal, within +-2."""
    phase = np.random.default_rng(seed).uniform(0, 6, (rows, inputs, 2, 1))
    t = np.linspace(0, 9, length)
    return np.sin(t + phase[:, :, 0]) + np.sin(2.3 * t + phase[:, :, 1])


def flat(texts: list[str]) -> Program:
    """One program per row."""
    return s2jax.from_text(texts)[:, 0]


def integrals(texts: list[str], x: Any, span: Any, y0: Any = None) -> Trajectories:
    rows = len(texts)
    y0 = np.zeros((1, rows)) if y0 is None else y0
    with jax.enable_x64(True):
        x, span, y0 = (jnp.asarray(np.asarray(v, np.float64)) for v in (x, span, y0))
        call = jax.jit(lambda *a: integrate_input(*a, jnp.asarray(BOUND, jnp.float64)))
        return jax.device_get(call(flat(texts), x, span, y0))


def test_integrals_are_antiderivatives(seed: int) -> None:
    """Where x is linear, the integral of f(x(t)) is the difference of F(x), by the slope."""
    rows = len(ANTIDERIVATIVES)
    x, span = kinked(seed, rows), np.linspace(0.5, 12, rows)
    start = np.arange(rows)[None].astype(float)
    found = integrals(list(ANTIDERIVATIVES), x, span, start)
    for row, antiderivative in enumerate(ANTIDERIVATIVES.values()):
        step = span[row] / (x.shape[-1] - 1)
        growth = step * np.diff(antiderivative(x[row, 0])) / np.diff(x[row, 0])
        wanted = row + np.concatenate([[0], np.cumsum(growth)])
        np.testing.assert_allclose(found.y[:, 0, row], wanted, rtol=1e-7, atol=1e-7)
    assert (found.alive == 1).all()
    assert (found.error < 1e-4).all()


def test_integral_of_a_straight_line() -> None:
    """One smooth integrand over the whole span, against a formula and not a sum."""
    t = np.linspace(0, 2, 50)
    found = integrals(["cos(x_0)"], (1 + 3 * t)[None, None], [2.0])
    np.testing.assert_allclose(found.y[:, 0, 0], (np.sin(1 + 3 * t) - np.sin(1)) / 3, atol=1e-9)


def test_integrals_are_those_of_diffrax(seed: int) -> None:
    x, span = kinked(seed, 1, 1, 40), 5.0
    found = integrals(["sin((2 mul x_0))"], x, [span])
    with jax.enable_x64(True):
        ts = jnp.linspace(0.0, span, 40)
        series = diffrax.LinearInterpolation(ts, jnp.asarray(x[0, 0]))
        term = diffrax.ODETerm(lambda t, y, args: jnp.sin(2 * series.evaluate(t)))
        wanted = diffrax.diffeqsolve(
            term, diffrax.Tsit5(), 0.0, span, None, jnp.zeros(()), saveat=diffrax.SaveAt(ts=ts),
            stepsize_controller=diffrax.ClipStepSizeController(
                diffrax.PIDController(1e-9, 1e-9), step_ts=ts
            ),
        ).ys  # fmt: skip
    np.testing.assert_allclose(found.y[:, 0, 0], wanted, atol=5e-6)


def test_integrals_across_a_pole_are_refused() -> None:
    t = np.linspace(-1, 1.003, 101)
    hits = np.linspace(-1, 1, 101)
    hits[50] = 0
    x = np.stack([t, hits, 2 + t])[:, None]
    found = integrals(["inv(x_0)", "inv(x_0)", "inv(x_0)"], x, [1.0, 1.0, 1.0])
    assert judged(found)[2] == 0
    assert judged(found)[0] == Status.NOT_FINITE
    assert judged(found)[1] in (Status.NOT_FINITE, Status.ESCAPED)
    np.testing.assert_allclose(found.y[-1, 0, 2], np.log(3.003) / 2.003, rtol=1e-9)


def test_inputs_are_linear_between_samples(seed: int) -> None:
    x = kinked(seed, 3, 2, 20)
    series = jnp.asarray(x.transpose(2, 1, 0), jnp.float32)
    value = jax.jit(jax.vmap(lambda tau: input_at(series, tau)))
    tau = np.linspace(0, 1, 77)
    found = np.asarray(value(jnp.asarray(tau, jnp.float32)))
    for row in range(3):
        for channel in range(2):
            wanted = np.interp(tau * 19, np.arange(20), x[row, channel])
            np.testing.assert_allclose(found[:, channel, row], wanted, atol=2e-5)


# ---- noise ----------------------------------------------------------------------------------

ROWS, SPAN, REVERT, SIGMA, GROWTH, VOLATILITY = 20_000, 2.0, 1.5, 0.5, 0.3, 0.4


def diffusion(rows: int) -> Program:
    """0.5 for the first state, 0.4 y_1 for the second."""
    fields = {
        "op": (CONST, ID), "a": (5, -1 - (s2jax.programs.program.FIRST_STATE + 1)),
        "b": (-1, -1), "scale_mantissa": (1, 4), "scale_exponent": (0, -1), "bias_mantissa": (0, 0),
        "bias_exponent": (0, 0),
    }  # fmt: skip
    column = lambda pair, dtype: jnp.repeat(jnp.asarray(np.array(pair)).astype(dtype), rows)[
        :, None
    ]
    leaves = [column(pair, dtype) for pair, dtype in zip(fields.values(), DTYPES, strict=True)]
    return Program(*leaves, length=jnp.ones(2 * rows, jnp.int32), protected=True)


@pytest.fixture(scope="module")
def noisy() -> Trajectories:
    """Ornstein and Uhlenbeck's process, and geometric Brownian motion, in all rows."""

    @jax.jit
    def solve(words):
        num_steps = jnp.int32(512)
        step = jnp.full(ROWS, SPAN) / num_steps.astype(jnp.float32)
        kick = noise(diffusion(ROWS), 2, step, words, jnp.full(ROWS, 7, jnp.int32))
        field = lambda tau, y: SPAN * jnp.stack([-REVERT * y[0], GROWTH * y[1]])
        y0 = jnp.stack([jnp.full(ROWS, 2.0), jnp.ones(ROWS)])
        bound = jnp.float32(BOUND)
        return integrate(solver_of(None), field, y0, num_steps, 17, bound, kick, jnp.bool_(True))

    words = words_of(jax.random.split(jax.random.key(20261122), ROWS))
    return jax.device_get(solve(words))


def assert_moments(sample: np.ndarray, mean: Any, variance: Any) -> None:
    """Mean and variance within five of their standard errors, for normal samples."""
    count = sample.shape[-1]
    assert (np.abs(sample.mean(-1) - mean) < 5 * np.sqrt(variance / count)).all()
    assert (np.abs(sample.var(-1) / variance - 1) < 5 * np.sqrt(2 / count) + 0.01).all()


def test_mean_and_variance_of_ornstein_and_uhlenbeck(noisy: Trajectories) -> None:
    t = np.linspace(0, SPAN, 17)[1:]
    variance = SIGMA**2 / (2 * REVERT) * (1 - np.exp(-2 * REVERT * t))
    assert_moments(noisy.y[1:, 0], 2 * np.exp(-REVERT * t), variance)
    lag = np.corrcoef(noisy.y[-1, 0], noisy.y[-3, 0])[0, 1]
    decay = np.exp(-REVERT * SPAN / 8) * np.sqrt(variance[-3] / variance[-1])
    assert lag == pytest.approx(decay, abs=5 / np.sqrt(ROWS))


def test_mean_and_variance_of_geometric_brownian_motion(noisy: Trajectories) -> None:
    t = np.linspace(0, SPAN, 17)[1:]
    assert_moments(np.log(noisy.y[1:, 1]), (GROWTH - VOLATILITY**2 / 2) * t, VOLATILITY**2 * t)
    end = noisy.y[-1, 1].astype(np.float64)
    error = end.std() / np.sqrt(ROWS)
    assert end.mean() == pytest.approx(np.exp(GROWTH * SPAN), abs=5 * error)


def test_noise_of_states_and_rows_is_independent(noisy: Trajectories) -> None:
    first, second = noisy.y[-1, 0], np.log(noisy.y[-1, 1])
    for one, other in ((first, second), (first[1:], first[:-1]), (second[1:], second[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(ROWS)


def test_a_wrong_variance_is_seen(noisy: Trajectories) -> None:
    with pytest.raises(AssertionError):
        assert_moments(np.log(noisy.y[-1:, 1]), GROWTH * SPAN, VOLATILITY**2 * SPAN)


# ---- right-hand sides of many programs ------------------------------------------------------

NUM_POINTS, NUM_VARIABLES, NUM_SHARED = 400, 3, 3
EVERY_OPERATOR = S2Law(
    unary_weights={op.name: 1.0 for op in TABLE[NUM_LEAVES:] if op.arity == 1 and op.name != "id"},
    binary_weights=dict.fromkeys(drawable(2), 1.0),
    max_unary=6,
)


def values_of(protected: bool) -> tuple[Program, tuple[np.ndarray, ...]]:
    """Programs, and their values one by one, by blocks and by slots."""
    operators = functions(protected)

    @jax.jit
    def compute(words, variables):
        used = jnp.full(words.shape[0], NUM_VARIABLES, jnp.int32)
        program = EVERY_OPERATOR.draw(words, used, NUM_VARIABLES, protected)
        plan = grouped.schedule(program, NUM_VARIABLES, NUM_POINTS, jnp.dtype(jnp.float32))
        blocks = grouped._by_blocks(plan, variables, operators)
        slots = grouped._by_slots(plan, variables, operators)
        x = jnp.tile(variables.T, (NUM_SHARED, 1))[..., None]
        alone = s2jax.evaluate(program[:, None], x)[:, 0, 0]
        return program, (alone, blocks, slots)

    count = NUM_SHARED * NUM_POINTS
    words = fold_in(jnp.broadcast_to(words_of(jax.random.key(3)), (count, 2)), jnp.arange(count))
    variables = jax.random.normal(jax.random.key(4), (NUM_VARIABLES, NUM_POINTS))
    return jax.device_get(compute(words, variables))


@pytest.mark.parametrize("protected", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_grouped_values_are_those_of_each_program(protected: bool) -> None:
    program, (alone, blocks, slots) = values_of(protected)
    live = np.arange(program.num_nodes) < program.length[:, None]
    ops = set(np.unique(program.op[live]))
    assert ops >= {i for i, op in enumerate(TABLE) if op.arity > 0 and i not in (ID, LAG)}
    for other in (blocks, slots):
        assert np.array_equal(np.isfinite(alone), np.isfinite(other))
        good = np.isfinite(alone)
        assert good.mean() > 0.5
        error = np.abs(other[good] - alone[good]) / np.maximum(np.abs(alone[good]), 1e-30) / EPS
        # cancellation and steep functions magnify a difference of rounding
        assert np.quantile(error, 0.95) <= 1
        assert np.quantile(error, 0.99) < 16


def test_a_schedule_does_not_depend_on_how_it_is_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    program = s2jax.from_text(["x_0", "2.5", "(0.5 mul x_1)", "sin((sin(x_0) add inv(x_1)))"])[:, 0]
    plan = lambda: grouped.schedule(program, 2, 2, jnp.dtype(jnp.float32))
    packed = plan()
    monkeypatch.setattr(grouped, "_KEY_BITS", 0)
    for one, other in zip(jax.tree.leaves(packed), jax.tree.leaves(plan()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_programs_that_are_short_or_absent() -> None:
    texts = ["x_0", "2.5", "(0.5 mul x_1)", "sin((x_0 add x_1))"]
    program = s2jax.from_text(texts)[:, 0]
    absent = jnp.array([1, 1, 1, 0], jnp.int32)

    @jax.jit
    def compute(program, variables):
        plan = grouped.schedule(program, 2, 4, jnp.dtype(jnp.float32), 4)
        return grouped.evaluate_scheduled(plan, variables, True)

    variables = jnp.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    found = compute(program, variables)
    np.testing.assert_allclose(found, [1.0, 2.5, 3.5, np.sin(12.0)], rtol=1e-6)
    silent = dataclasses.replace(program, length=program.length * absent)
    np.testing.assert_allclose(compute(silent, variables), [1.0, 2.5, 3.5, 0.0], rtol=1e-6)

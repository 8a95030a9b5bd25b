"""What ODE trajectories are measured against; nothing here but arrays, SymPy and programs."""

import itertools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import sympy
from scipy.integrate import solve_ivp

from s2jax.programs.operators import TABLE
from s2jax.programs.program import FIRST_STATE, TIME

NAMED_LENGTH, NAMED_ROWS = 512, 4096
MAX_CALLS = 300_000  # of a right-hand side; whoever needs more has met a pole


class Odeformer:
    """odeformer in another interpreter, which measures its own CPU time."""

    def __init__(self, python: str, dimension: int, length: int, seconds: float) -> None:
        script = str(Path(__file__).with_name("_odeformer.py"))
        command = [python, script, str(dimension), str(length)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.seconds, self.answers = seconds, []
        self.versions = self.ask(1.0)[
            "versions"
        ]  # the first call also imports what is imported late

    def ask(self, seconds: float) -> dict[str, Any]:
        print(seconds, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def __call__(self) -> float:
        self.answers.append(self.ask(self.seconds))
        return self.answers[-1]["accepted"]

    def total(self, name: str) -> float:
        return sum(answer[name] for answer in self.answers)


def numpy_rhs(expressions: list[Any]) -> Callable[..., Any]:
    """y' as a NumPy function of t and y, for one list of SymPy expressions."""
    names = ["t", *(f"y_{index}" for index in range(len(expressions)))]
    function = sympy.lambdify([sympy.Symbol(name, real=True) for name in names], expressions)
    return lambda t, y: function(t, *y)


def scipy_solve(rhs: Any, ts: np.ndarray, y0: np.ndarray, **options: Any) -> np.ndarray | None:
    """States of shape (states, time) at `ts`, or None if SciPy does not get to the end."""
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        if calls > MAX_CALLS:
            raise ArithmeticError
        return rhs(t, y)

    with np.errstate(all="ignore"):
        try:
            found = solve_ivp(counted, (ts[0], ts[-1]), y0, t_eval=ts, **options)
        except (ArithmeticError, ValueError):  # ValueError: a step of NaN
            return None
    return found.y if found.success and np.isfinite(found.y).all() else None


def scipy_job(rows: list[Any], rtol: float) -> Callable[[], float]:
    """One trajectory per call, through all rows again and again."""
    turn = itertools.cycle(rows)

    def job() -> float:
        return float(scipy_solve(*next(turn), method="RK45", rtol=rtol, atol=1e-6) is not None)

    return job


def select_all(t: jax.Array, y: jax.Array, arguments: Any) -> jax.Array:
    """y' of one system; under `vmap` each instruction computes all operators and selects one."""
    program, constants = arguments
    variables = jnp.append(y, t)

    def position(operand: jax.Array) -> jax.Array:
        variable = jnp.where(operand == -1 - TIME, y.size, -1 - FIRST_STATE - operand)
        return jnp.where(operand < 0, variable, variables.size + operand)

    def branch(operator: Any) -> Callable[..., jax.Array]:
        def apply(a, b):
            a = jnp.abs(a) if program.protected and operator.protects else a
            return operator.function(*(a, b)[: operator.arity]) if operator.arity else 0 * a

        return apply

    def component(program, constants):
        def step(k, values):
            a, b = (values[position(side[k].astype(int))] for side in (program.a, program.b))
            value = jax.lax.switch(program.op[k], list(map(branch, TABLE)), a, b)
            value = constants.scale[k] * value + constants.bias[k]
            return values.at[variables.size + k].set(value)

        values = jnp.concatenate([variables, jnp.zeros(program.num_nodes, y.dtype)])
        values = jax.lax.fori_loop(0, program.length, step, values)
        return values[variables.size + program.length - 1]

    return jax.vmap(component)(program, constants)


def diffrax_solve(rhs: Any, rtol: float, atol: float, max_steps: int) -> Callable[..., Any]:
    """Jitted and vmapped over (ts, y0, arguments): states (batch, states, time) and success."""

    def solve(ts, y0, arguments):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rhs), diffrax.Tsit5(), ts[0], ts[-1], None, y0, arguments,
            saveat=diffrax.SaveAt(ts=ts), max_steps=max_steps, throw=False,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
        )  # fmt: skip
        y = solution.ys.T
        return y, (solution.result == diffrax.RESULTS.successful) & jnp.isfinite(y).all()

    return jax.jit(jax.vmap(solve))


def diffrax_job(solve: Any, ts: Any, y0: Any, arguments: Any) -> Callable[[], float]:
    """All rows per call, compiled here."""
    job = lambda: float(jax.block_until_ready(solve(ts, y0, arguments)[1]).sum())
    job()
    return job


NAMED = {
    "lotka_volterra": (20.0, lambda t, y, p: jnp.stack(
        [p[0] * y[0] - p[1] * y[0] * y[1], p[2] * y[0] * y[1] - p[3] * y[1]])),
    "lorenz": (5.0, lambda t, y, p: jnp.stack(
        [p[0] * (y[1] - y[0]), y[0] * (p[1] - y[2]) - y[1], y[0] * y[1] - p[2] * y[2]])),
    "van_der_pol": (20.0, lambda t, y, p: jnp.stack([y[1], p[0] * (1 - y[0] ** 2) * y[1] - y[0]])),
}  # fmt: skip
"""Last time and right-hand side in t, y and parameters."""


def named_starts(name: str, rows: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Time grids, starts and parameters of a named system."""
    rng = np.random.default_rng(0)
    if name == "lorenz":
        p = np.stack([rng.uniform(*ends, rows) for ends in ((8, 12), (20, 35), (2, 3))], 1)
        y0 = rng.normal(0, 5, (rows, 3)) + np.array([0, 0, 20.0])
    elif name == "lotka_volterra":
        p, y0 = rng.uniform(0.5, 1.5, (rows, 4)), rng.uniform(0.5, 2, (rows, 2))
    else:
        p, y0 = rng.uniform(0.1, 5, (rows, 1)), rng.normal(0, 2, (rows, 2))
    ts = np.tile(np.linspace(0, NAMED[name][0], NAMED_LENGTH), (rows, 1))
    return jnp.asarray(ts, jnp.float32), jnp.asarray(y0, jnp.float32), jnp.asarray(p, jnp.float32)

"""One compiled solver for many systems: right-hand sides that are programs go in as numbers.

An implicit solver takes half a minute to compile, for every right-hand side anew. Here that and its
derivative are an interpreter of programs. States, instructions and numbers are padded to
a few sizes, so that systems share what is compiled; parameters and the numbers of the expressions
are variables of the programs, in full precision. It is several times slower per step than a
compiled right-hand side, and so for few rows only.
"""

import functools
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from s2jax.core import checks
from s2jax.core.tiles import power_of_two
from s2jax.laws.given import make_tables
from s2jax.ode._adaptive import adaptive
from s2jax.ode._equations import bind
from s2jax.ode._field import fill_tables, read_tree, sympy_of, write_tree
from s2jax.ode._solution import Solution
from s2jax.programs import Program
from s2jax.programs.engines.run import selecting
from s2jax.programs.lower import functions, lower
from s2jax.programs.program import DTYPES, MAX_INPUTS, UNUSED

MAX_ROWS = 64
_MAX_NODES = 128
_LEAST_STATES, _LEAST_NODES, _LEAST_NUMBERS = 4, 16, 16
_LARGEST_WHOLE = 10**6  # written as it stands


class _Form(NamedTuple):
    """A system as programs.

    Attributes:
        program: The right-hand sides, padded, of shape `(states,)`; variables are the states, the
            time, and then inputs, parameters and numbers.
        numbers: The numbers that stand in the expressions.
    """

    program: Program
    numbers: tuple[float, ...]


def solve_shared(
    equations: tuple[Any, ...], solver: Any, max_steps: int, tolerances: Any, ts: Array,
    y0: Array, parameters: Array, x: Array,
) -> Solution | None:  # fmt: skip
    """Solutions of all rows; None if they are to be compiled for this system alone.

    That is for explicit solvers, which compile fast; for many rows; for functions that programs do
    not have; and for what is traced, since that is compiled anew by whoever traces it.
    """
    if not isinstance(solver, diffrax.AbstractImplicitSolver) or len(y0) > MAX_ROWS:
        return None
    if not all(map(checks.is_concrete, (ts, y0, parameters, x))):
        return None
    form = _form(*equations)
    if form is None:
        return None
    numbers = jnp.broadcast_to(jnp.asarray(form.numbers, y0.dtype), (len(y0), len(form.numbers)))
    own = jnp.concatenate([parameters, numbers], axis=1)
    pad = lambda leaf, size: jnp.pad(leaf, ((0, 0), (0, size - leaf.shape[1])))
    num_states = y0.shape[1]
    solution = _solve_rows(
        solver, max_steps, tolerances, ts, form.program, jnp.asarray(num_states, y0.dtype),
        pad(y0, form.program.op.shape[0]), pad(own, _size(own.shape[1], _LEAST_NUMBERS)), x,
    )  # fmt: skip
    return eqx.tree_at(lambda s: s.y, solution, solution.y[:, :num_states])


@eqx.filter_jit
def _solve_rows(solver, max_steps, tolerances, ts, program: Program, num_states, y0, own, x):
    states, inputs = y0.shape[1], x.shape[1]
    num_variables = states + 1 + inputs + own.shape[1]
    lowered = lower(program, None, num_variables, y0.dtype)
    operators = functions(program.protected)
    norm = jax.tree_util.Partial(_norm, num_states)

    def run(y0, own, x):
        def derivative(t, y, now):
            variables = jnp.concatenate([y, t[None], now, own])
            spread = jnp.broadcast_to(variables[:, None], (states, num_variables, 1))
            return selecting(lowered, spread, operators, 1)[:, 0]

        return adaptive(derivative, solver, max_steps, tolerances, ts, y0, x, norm)

    return jax.vmap(run)(y0, own, x)


def _norm(num_states, y):
    """Root of the mean square over the states that there are."""
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(y)) / num_states)


@functools.lru_cache(maxsize=256)
def _form(expressions: tuple[str, ...], *sizes: int) -> _Form | None:
    """None if a function is no operator of programs, or there is more of anything than fits."""
    lifted = _Lifted(sizes)
    exprs = [lifted(expr) for expr in sympy_of(expressions, *sizes)]
    if lifted.count > MAX_INPUTS:
        return None
    try:
        texts = [write_tree(read_tree(expr)) for expr in exprs]
    except ValueError:
        return None
    tables = make_tables(tuple(texts), (), False)
    num_nodes = tables.arrays.op.shape[1]
    if num_nodes > _MAX_NODES:
        return None
    nothing = jnp.zeros((1, 0), jnp.int32)
    with jax.ensure_compile_time_eval():
        program = jax.tree.map(lambda leaf: leaf[0], fill_tables(tables, nothing, nothing))
        states = _size(sizes[0], _LEAST_STATES)
        padded = _padded(program, states, _size(num_nodes, _LEAST_NODES))
        return _Form(jax.tree.map(np.asarray, bind(padded, states)), tuple(lifted.numbers))


def _size(number: int, least: int) -> int:
    return max(least, power_of_two(max(number, 1)))


def _padded(program: Program, states: int, nodes: int) -> Program:
    """The same programs with more instructions and more programs, none of which is used."""
    leaves = jax.tree.leaves(eqx.tree_at(lambda p: p.length, program, None))
    grown = [
        np.full((states, nodes), value, dtype) for value, dtype in zip(UNUSED, DTYPES, strict=True)
    ]
    for new, old in zip(grown, leaves, strict=True):
        new[: old.shape[0], : old.shape[1]] = old
    length: Int[np.ndarray, " states"] = np.zeros(states, np.int32)
    length[: len(program.length)] = program.length
    return Program(*map(jnp.asarray, grown), length=jnp.asarray(length), protected=False)


class _Lifted:
    """Expressions in which parameters, and numbers that are no small integers, are variables."""

    def __init__(self, sizes: tuple[int, ...]):
        _, self.num_inputs, self.num_parameters = sizes
        self.numbers: dict[float, int] = {}

    @property
    def count(self) -> int:
        return self.num_inputs + self.num_parameters + len(self.numbers)

    def __call__(self, expr: Any) -> Any:
        import sympy

        with sympy.evaluate(False):
            return self._lift(expr)

    def _lift(self, expr: Any) -> Any:
        import sympy

        if expr.is_Symbol and expr.name.startswith("p_"):
            return sympy.Symbol(f"x_{self.num_inputs + int(expr.name[2:])}")
        if expr.is_Integer and abs(int(expr)) <= _LARGEST_WHOLE:
            return expr
        if expr.is_Number or expr.is_NumberSymbol:
            index = self.numbers.setdefault(float(expr), len(self.numbers))
            return sympy.Symbol(f"x_{self.num_inputs + self.num_parameters + index}")
        if not expr.args:
            return expr
        if expr.is_Pow and abs(expr.exp) == sympy.Rational(1, 2):
            return sympy.Pow(self._lift(expr.base), expr.exp)
        return expr.func(*map(self._lift, expr.args))

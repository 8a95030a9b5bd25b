"""Tsit5 with its stages written out, for right-hand sides that are compiled."""

from typing import Any

import diffrax
import equinox.internal as eqxi
import jax
import jax.numpy as jnp


class UnrolledTsit5(diffrax.Tsit5):
    """`diffrax.Tsit5` with its stages written out one after another.

    diffrax runs the stages of a method in a loop, which compiles the right-hand side once and
    stores every stage. Where the right-hand side is cheap, as that of one system for all rows, the
    loop costs several times what it contains. Works wherever `diffrax.Tsit5` does, except with
    several terms.

    Example:
        >>> term = diffrax.ODETerm(lambda t, y, args: -y)
        >>> solution = diffrax.diffeqsolve(term, UnrolledTsit5(), 0.0, 1.0, 0.1, 1.0)
        >>> round(float(solution.ys[0]), 4)
        0.3679

    References:
        Tsitouras (2011), Runge-Kutta pairs of order 5(4) satisfying only the first column
        simplifying assumption.
    """

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> Any:
        return terms.vf(t0, y0, args)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ) -> Any:
        tableau, control = self.tableau, terms.contr(t0, t1)
        first = jax.lax.cond(
            eqxi.unvmap_any(made_jump),
            lambda: terms.vf(t0, y0, args),
            lambda: solver_state,
        )
        slope, y1, stages = first, y0, [terms.prod(first, control)]
        for weights, c in zip(tableau.a_lower, tableau.c, strict=True):
            y1 = jax.tree.map(lambda y, *k: y + _dot(weights, k), y0, *stages)  # noqa: B023
            # stored: else each stage is computed again in all that read it
            slope = jax.lax.optimization_barrier(terms.vf(t0 + c.item() * (t1 - t0), y1, args))
            stages.append(terms.prod(slope, control))
        # the last stage is at the end of the step, where the solution is
        error = jax.tree.map(lambda *k: _dot(tableau.b_error, k), *stages)
        k = jax.tree.map(lambda *k: jnp.stack(k), *stages)
        dense = {"y0": y0, "y1": y1, "k": k}
        return y1, error, dense, slope, diffrax.RESULTS.successful


def _dot(weights, stages):
    return sum(float(weight) * stage for weight, stage in zip(weights, stages, strict=True))

"""Driven equations y' = f(x(t)): integrals of a given series, all times at once."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.ode._integrate import Trajectories
from s2jax.programs import Program
from s2jax.programs.engines.poles import pole_functions
from s2jax.programs.engines.run import evaluate_rows

_PARTS = 4
_SIMPSON = ((1, 0, 4, 0, 1), 6)
_TWO_SIMPSONS = ((1, 4, 2, 4, 1), 12)


def integrate_input(
    program: Program, x: Float[Array, "rows inputs time"], span: Float[Array, " rows"],
    y0: Float[Array, "states rows"], bound: Float[Array, ""],
) -> Trajectories:  # fmt: skip
    """y0 plus the integral of f(x(t)) over the span, x being linear between its samples.

    Between neighbouring samples f(x(t)) is smooth; Boole's rule on the two halves is of order 6
    there, and its difference from Simpson's rule is the estimated error.

    Args:
        program: Flat, in the order (states, rows).
        x: Samples at equal distances, first and last at the ends of the span.
        span: Lengths of the time spans.
        y0: Initial values.
        bound: Largest absolute value allowed.
    """
    num_states, rows = y0.shape
    part = jnp.arange(_PARTS, dtype=x.dtype) / _PARTS
    fine = x[..., :-1, None] + part * (x[..., 1:, None] - x[..., :-1, None])
    fine = jnp.concatenate([fine.reshape(*x.shape[:2], -1), x[..., -1:]], axis=-1)
    by_row = lambda leaf: leaf.reshape(num_states, rows, *leaf.shape[1:]).swapaxes(0, 1)
    flat = lambda leaf: by_row(leaf).reshape(-1, *leaf.shape[1:])
    by_rows = jax.tree.map(flat, program)
    guarded = pole_functions(program.protected)
    f = evaluate_rows(by_rows, fine, num_states, operators=guarded).reshape(rows, num_states, -1)
    nodes = [f[..., i : f.shape[-1] - _PARTS + i : _PARTS] for i in range(_PARTS)]
    nodes.append(f[..., _PARTS::_PARTS])
    width = span[:, None, None] / (x.shape[-1] - 1)
    rule = lambda weights, total: (
        width / total * sum(w * n for w, n in zip(weights, nodes, strict=True) if w)
    )
    coarse, finer = rule(*_SIMPSON), rule(*_TWO_SIMPSONS)
    growth = jnp.cumsum(finer + (finer - coarse) / 15, axis=-1)
    y = jnp.concatenate([jnp.zeros_like(growth[..., :1]), growth], -1).transpose(2, 1, 0) + y0
    scale = jnp.abs(y).max(0) + 1e-30
    error = (jnp.abs(finer - coarse).sum(-1).T / scale).max(0)
    inside = (jnp.abs(y) <= bound).all((0, 1))
    lost = ~jnp.isfinite(y).all((0, 1))
    zero = jnp.zeros(rows, x.dtype)
    return Trajectories(y, jnp.where(inside, zero + 1, 0), error, zero, lost, zero)

"""Which trajectories are usable, and how long to follow a system."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.types import Number
from s2jax.ode._integrate import Trajectories
from s2jax.targets.acceptance import Acceptance, Status, moments

_STIFF_SHARE = 0.1  # of steps at the limit of stability
_SETTLED_RANGE = 0.02  # of the range: nearer to the last value, a trajectory has settled
_LEAST_CUT, _SLACK = 0.02, 1.5


class Limits(NamedTuple):
    """Numbers of `s2jax.ODE`: what is refused beside what `Acceptance` refuses."""

    tolerance: Number
    min_tail: Number
    max_jump: Number


def judge(
    solution: Trajectories, used: Bool[Array, "states rows"], may_be_monotone: Bool[Array, " rows"],
    acceptance: Acceptance, limits: Limits,
) -> Int[Array, " rows"]:  # fmt: skip
    """Status of trajectories: 0 or exactly one reason."""
    y = solution.y
    stats = moments(y, axis=0)
    extent = y.max(0) - y.min(0)
    tail = y[3 * y.shape[0] // 4 :]
    step = jnp.diff(y, axis=0)
    flat = used & ~(stats.deviation > acceptance.min_variation * stats.largest)
    at_rest = ~used | (tail.max(0) - tail.min(0) < limits.min_tail * extent)
    jumps = used & (jnp.abs(step).max(0) > limits.max_jump * extent)
    monotone = (~used | (step.min(0) >= 0) | (step.max(0) <= 0)).all(0)
    no = jnp.zeros(y.shape[2], bool)
    accurate = solution.error <= limits.tolerance
    reasons = (
        (monotone & ~may_be_monotone, Status.MONOTONE),
        (jumps.any(0), Status.JUMP),
        (at_rest.all(0), Status.SETTLED),
        (flat.any(0), Status.CONSTANT),
        (no if solution.singular is None else solution.singular, Status.POLE),
        (~accurate, Status.INACCURATE),
        (~accurate & (solution.stiff > _STIFF_SHARE), Status.STIFF),
        ((solution.alive < 1), Status.ESCAPED),
        (solution.lost, Status.NOT_FINITE),
    )
    # the last that applies is told: causes stand behind their consequences
    status = jnp.zeros(y.shape[2], jnp.int32)
    for applies, reason in reasons:
        status = jnp.where(applies, reason.value, status)
    return status


def next_span(
    span: Float[Array, " rows"], part: Float[Array, " rows"], solution: Trajectories,
    used: Bool[Array, "states rows"], excess: Float[Array, " rows"],
) -> Float[Array, " rows"]:  # fmt: skip
    """A span that ends before the trajectory escapes and soon after it settles.

    It is shortened too where it would need many steps.

    Args:
        span: The span that was tried.
        part: Uniform in [0, 1): how close to its escape a trajectory ends.
        solution: What the trial gave.
        used: Which states the rows have.
        excess: Steps that the span needs, relative to those that are at hand.
    """
    y = solution.y
    extent = y.max(0) - y.min(0)
    moving = used & (jnp.abs(y - y[-1]) > _SETTLED_RANGE * extent)
    last = y.shape[0] - 1
    index = jnp.arange(y.shape[0], dtype=y.dtype)[:, None] / last
    settled_at = jnp.where(moving.any(1), index, 0).max(0)
    cut = solution.alive * (0.5 + 0.45 * part)
    follow = jnp.minimum(_SLACK * settled_at, 1 / jnp.maximum(excess, 1))
    factor = jnp.where(solution.alive < 1, cut, follow)
    return span * jnp.maximum(factor, _LEAST_CUT)

"""Which trajectories are usable."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.types import Number
from s2jax.ode._classify import find_turns
from s2jax.ode._integrate import Trajectories
from s2jax.targets.acceptance import Acceptance, Status, moments

_STIFF_SHARE = 0.1  # of steps at the limit of stability
_TURN = 0.01  # of the range: what is smaller is no turn
_SAFETY, _ROUNDING = 10, 1e-6  # errors are below so many times the estimate and rounding
_EXPECTED_SHARE = 0.1  # of the tolerance: what errors are in the mean


class Limits(NamedTuple):
    """Numbers of a target: what is refused beside what `Acceptance` refuses."""

    tolerance: Number
    min_tail: Number
    max_jump: Number
    min_turns: Number
    max_error: Number
    noise_tolerance: Number
    points_per_turn: int

    def at_ticks(self, ticks: int) -> "Limits":
        """Those of solutions with so many points for each that is read."""
        return self._replace(points_per_turn=self.points_per_turn * ticks)


class Traits(NamedTuple):
    """What is known of the rows that are judged.

    Attributes:
        may_be_dull: Whether they may have few turns.
        is_smooth: Whether turns are those of their equations, and not of noise or inputs.
        growth: Logarithm of the growth of a small distance over the span.
    """

    may_be_dull: Bool[Array, " rows"]
    is_smooth: Bool[Array, " rows"]
    growth: Float[Array, " rows"]


def most_growth(limits: Limits) -> Float[Array, ""]:
    """Logarithm of the growth of errors that solutions of usual accuracy may have."""
    usual = _EXPECTED_SHARE * limits.tolerance
    return jnp.log(limits.max_error / (_SAFETY * (usual + _ROUNDING)))


def judge(
    solution: Trajectories, used: Bool[Array, "states rows"], turns: Int[Array, " rows"],
    traits: Traits, acceptance: Acceptance, limits: Limits,
) -> Int[Array, " rows"]:  # fmt: skip
    """Status of trajectories: 0 or exactly one reason."""
    y = solution.y
    stats = moments(y, axis=0)
    extent = y.max(0) - y.min(0)
    tail = y[3 * y.shape[0] // 4 :]
    flat = used & ~(stats.deviation > acceptance.min_variation * stats.largest)
    at_rest = ~used | (tail.max(0) - tail.min(0) < limits.min_tail * extent)
    jumps = used & (jnp.abs(jnp.diff(y, axis=0)).max(0) > limits.max_jump * extent)
    dull = (turns.astype(y.dtype) < jnp.asarray(limits.min_turns, y.dtype)) & ~traits.may_be_dull
    crowded = traits.is_smooth & (turns * limits.points_per_turn > y.shape[0] - 1)
    no = jnp.zeros(y.shape[2], bool)
    grown = _SAFETY * (solution.error + _ROUNDING) * jnp.exp(jnp.minimum(traits.growth, 80))
    accurate = (solution.error <= limits.tolerance) & (grown <= limits.max_error)
    accurate = accurate & (solution.halving <= limits.noise_tolerance)
    reasons = (
        (dull, Status.DULL),
        (crowded | jumps.any(0), Status.JUMP),
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


def error_of(solution: Trajectories, limits: Limits) -> Float[Array, " rows"]:
    """Estimated errors relative to the tolerance: that of steps or, if larger, of noise."""
    return jnp.maximum(solution.error / limits.tolerance, solution.halving / limits.noise_tolerance)


def most_turns(
    y: Float[Array, "time states rows"], used: Bool[Array, "states rows"]
) -> Int[Array, " rows"]:
    """How often the busiest state of each row turns round."""
    return jnp.where(used, count_turns(y, y.max(0) - y.min(0)), 0).max(0)


def count_turns(
    y: Float[Array, "time states rows"], extent: Float[Array, "states rows"]
) -> Int[Array, "states rows"]:
    """How often each state turns round and goes back by more than 1 % of its range."""
    turned = find_turns(jnp.moveaxis(y, 0, -1), _TURN * extent)
    return turned.sum(-1, dtype=jnp.int32)

"""Rows of a given system with delays: its past, its steps, and what it reads at its points."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.ode._delayed import Past, Time, integrate_delayed
from s2jax.ode._equations import inputs_at
from s2jax.ode._field import field, program_field
from s2jax.ode._integrate import Trajectories
from s2jax.ode._lags import delay_values, lags_of


def past_of(
    system: Any, y0: Float[Array, "states rows"], parameters: Float[Array, "parameters rows"],
    start: Float[Array, "#rows"], span: Float[Array, "#rows"],
) -> Past:  # fmt: skip
    """What a system reads of its states before, with times as parts of the span.

    Args:
        system: With delays.
        y0: Initial values.
        parameters: Of each row.
        start, span: When each row begins, and for how long it runs.
    """
    lags = lags_of(system.delays, len(system.parameters))
    kinds = list(dict.fromkeys(lag[1:] for lag in lags))
    first = [next(lag for lag in lags if lag[1:] == kind) for kind in kinds]

    def before(part):
        if not system.history:
            return y0
        sizes = len(system.states), 0, len(system.parameters)
        return field((system.history, *sizes), start + part * span, y0, (), parameters)

    return Past(
        states=tuple(lag.state for lag in lags),
        distinct=tuple(kinds.index(lag[1:]) for lag in lags),
        delays=delay_values(first, parameters) / span,
        before=before,
    )


def follow_delayed(
    system: Any, equations: tuple[Any, ...], solver: Any, span: Float[Array, " rows"],
    y0: Float[Array, "states rows"], parameters: Float[Array, "parameters rows"],
    x: Float[Array, "time inputs rows"], num_steps: Int[Array, ""], bound: Float[Array, ""],
) -> Trajectories:  # fmt: skip
    """Solutions at equidistant points; steps end at all of them.

    Args:
        system, equations: The system, and its right-hand sides with the number of all variables.
        solver: An explicit Runge-Kutta method of diffrax.
        span: Length of time.
        y0, parameters: Of each row.
        x: Inputs at the points, linear between them.
        num_steps: Equal steps; breaks divide some of them.
        bound: Rows are frozen where an absolute value exceeds it.
    """
    past = past_of(system, y0, parameters, jnp.zeros_like(span), span)

    def slope(part, y, delayed):
        read = jnp.concatenate([inputs_at(x, part), delayed])
        return span * program_field(equations, part * span, y, read, parameters)

    each, last = jnp.broadcast_to(num_steps, span.shape), x.shape[0] - 1
    most = system.max_substeps * last
    stored = integrate_delayed(solver, slope, y0, past, each, most, bound)
    at_end = lambda whole: stored.at(Time(whole, jnp.zeros_like(span)))
    ends = jnp.arange(1, last + 1, dtype=jnp.int32) * (num_steps // last)
    y = jnp.concatenate([y0[None], jax.lax.map(at_end, ends)])
    return Trajectories(
        y, stored.alive, stored.error, stored.stiff, stored.lost, jnp.zeros_like(span)
    )


def delayed_at_points(
    system: Any, span: Float[Array, " rows"], y: Float[Array, "time states rows"],
    parameters: Float[Array, "parameters rows"],
) -> Float[Array, "time lags rows"]:  # fmt: skip
    """Delayed states at the points of solutions, linear between points."""
    past = past_of(system, y[0], parameters, jnp.zeros_like(span), span)
    last = y.shape[0] - 1
    delays = past.delays[jnp.asarray(past.distinct)]
    point = jnp.arange(y.shape[0], dtype=jnp.int32).astype(y.dtype)[:, None, None]
    place = point - delays * last
    index = jnp.clip(jnp.floor(place).astype(jnp.int32), 0, last - 1)
    states = jnp.asarray(past.states, jnp.int32)[:, None]
    rows = jnp.arange(y.shape[2], dtype=jnp.int32)
    low, high = y[index, states, rows], y[index + 1, states, rows]
    known = low + (place - index.astype(y.dtype)) * (high - low)
    own = jax.vmap(
        lambda at: jnp.stack(
            [past.before(part)[k] for part, k in zip(at, past.states, strict=True)]
        )
    )
    return jnp.where(place < 0, own(jnp.minimum(place / last, 0)), known)

"""Courses through a few points of time, and series read between their times."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.inputs import Draws


def draw_knots(draws: Draws, count: int, length: int, gap: float) -> Float[Array, " knots"]:
    """The first and the last time, and times between them that are at least `gap` apart.

    All such times are as likely: what is left of the way is cut at uniform places.
    """
    inner = jnp.arange(1, count - 1, dtype=jnp.float32)
    left = length - 1 - gap * (count - 1)
    times = jnp.sort(draws.uniform("times", 0.0, left, inner.shape)) + gap * inner
    ends = jnp.array([0, length - 1], jnp.float32)
    return jnp.concatenate([ends[:1], times, ends[1:]])


def follow(
    knots: Float[Array, " knots"], values: Float[Array, " knots"], length: int
) -> Float[Array, " time"]:
    """The straight lines from value to value, at the times 0, 1, ..., in the values' dtype."""
    knots = knots.astype(values.dtype)
    width = jnp.diff(knots)
    time = jnp.arange(length, dtype=values.dtype)
    passed = (time - knots[:-1, None]) / jnp.where(width > 0, width, 1)[:, None]
    return values[0] + (jnp.diff(values)[:, None] * jnp.clip(passed, 0, 1)).sum(0)


def read_at(
    series: Float[Array, "*channels time"], place: Float[Array, " places"]
) -> Float[Array, "*channels places"]:
    """Series at any times within theirs, on straight lines between neighbours."""
    last = series.shape[-1] - 1
    place = jnp.clip(place, 0, last).astype(series.dtype)
    left = jnp.minimum(jnp.floor(place), last - 1)
    part, left = place - left, left.astype(jnp.int32)
    return (1 - part) * series[..., left] + part * series[..., left + 1]

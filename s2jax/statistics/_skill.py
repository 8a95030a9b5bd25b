"""What an autoregression makes of a series: how much of its future the past tells."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.statistics._series import Series, map_rows, rows_of, undefined, varies

RIDGE = 1e-3
LARGEST = 1e3


class Skill(NamedTuple):
    """How much better forecasts are than the mean of the context.

    Attributes:
        one: Of forecasts one step ahead, from the true past of each step.
        many: Of the forecast of the whole horizon, from the context alone.
    """

    one: Float[Array, "*batch"]
    many: Float[Array, "*batch"]


def ar_skill(series: Series, horizon: int = 48, order: int = 24) -> Skill:
    """Skill of a linear autoregression on the last `horizon` steps, fitted to what is before.

    `1 - MSE / MSE of the context's mean`, over the horizon. The series is standardised by its
    context; the coefficients minimise the sum of squares of one-step errors in the context, plus
    a ridge of 0.001 times their number times the coefficients' sum of squares. The many-step
    forecast feeds its own forecasts back, held within 1000 standard deviations. No unit; 1 is
    exact, 0 no better than the mean, below 0 worse, unbounded. Computed in float32: within 1e-5
    of float64 for `one`; `many` feeds its rounding back, and is within 1e-4 for 99 of 100 series.

    Args:
        series: Of at least `horizon + 3 order` steps; shorter ones give NaN, and so do those
            whose context is constant or which have missing values.
        horizon: Steps to forecast. Static.
        order: Lags of the autoregression. Static.

    Raises:
        ValueError: If `horizon` or `order` is below 1.

    Example:
        >>> skill = ar_skill(jnp.sin(jnp.arange(200.0) / 3), horizon=24, order=8)
        >>> bool(skill.one > 0.99), bool(skill.many > 0.9)
        (True, True)
    """
    series = rows_of("ar_skill", series)
    checks.check_static_integer("ar_skill", "horizon", horizon, 1)
    checks.check_static_integer("ar_skill", "order", order, 1)
    if is_short_for_skill(series.shape[-1], horizon, order):
        return Skill(undefined(series), undefined(series))
    return map_rows(lambda rows: skill_of(rows, horizon, order), series)


def is_short_for_skill(length: int, horizon: int, order: int) -> bool:
    return length < horizon + 3 * order


@functools.partial(jax.jit, static_argnums=(1, 2))
def skill_of(rows: Array, horizon: int, order: int) -> Skill:
    """Both skills of `(rows, time)`."""
    now = rows.shape[-1] - horizon
    context = rows[:, :now]
    mean = context.mean(-1, keepdims=True)
    deviation = jnp.sqrt(((context - mean) ** 2).mean(-1, keepdims=True))
    z = (rows - mean) / jnp.where(deviation > 0, deviation, 1)
    weights = _fit(z, now - order, order)
    truth = z[:, now:]
    places = np.arange(horizon)[:, None] + np.arange(order) + now - order
    one = jnp.einsum("nto,no->nt", z[:, places], weights, precision="highest")

    def step(recent: Array, _: None) -> tuple[Array, Array]:
        ahead = jnp.clip((recent * weights).sum(-1), -LARGEST, LARGEST)
        return jnp.concatenate([recent[:, 1:], ahead[:, None]], axis=1), ahead

    _, many = lax.scan(step, z[:, now - order : now], None, length=horizon)
    baseline = jnp.maximum((truth**2).mean(-1), 1e-12)
    defined = varies(context) & jnp.isfinite(rows).all(-1)
    skill = lambda forecast: jnp.where(
        defined, 1 - ((forecast - truth) ** 2).mean(-1) / baseline, jnp.nan
    )
    return Skill(skill(one), skill(many.T))


def _fit(z: Array, count: int, order: int) -> Array:
    """Coefficients of the lags, the most distant first, of `count` equations in each row."""
    products = _lagged_products(z, count, order)
    gram = products[:, :order, :order] + np.float32(RIDGE * count) * jnp.eye(
        order, dtype=jnp.float32
    )
    factor = jax.scipy.linalg.cho_factor(gram)
    return jax.scipy.linalg.cho_solve(factor, products[:, :order, order, None])[..., 0]


def _lagged_products(z: Array, count: int, order: int) -> Array:
    """`sum over t < count of z[t + i] z[t + j]` for i, j = 0 ... order: `(rows, lag, lag)`.

    Along a diagonal each is the one before it, plus the product that enters and less the one that
    leaves: so only the first row takes time that grows with the series.
    """
    first = lax.map(
        lambda lag: (z[:, :count] * lax.dynamic_slice_in_dim(z, lag, count, 1)).sum(-1),
        jnp.arange(order + 1),
    ).T
    leaves, enters = z[:, : order + 1], z[:, count : count + order + 1]

    def step(row: Array, lag: Array) -> tuple[Array, Array]:
        of = lambda values: values[:, :-1] * lax.dynamic_slice_in_dim(values, lag, 1, 1)
        moved = row[:, :-1] + of(enters) - of(leaves)
        row = jnp.concatenate([lax.dynamic_slice_in_dim(first, lag + 1, 1, 1), moved], axis=1)
        return row, row

    _, rest = lax.scan(step, first, jnp.arange(order))
    whole = jnp.concatenate([first[None], rest]).swapaxes(0, 1)
    upper = jnp.triu(whole)
    return upper + jnp.triu(whole, 1).swapaxes(1, 2)

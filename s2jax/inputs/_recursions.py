"""Recursions over time of many channels, each with coefficients and a season of its own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.inputs._process import _start_up

_IN_BOUNDS = "promise_in_bounds"


def sample_states(
    ar: Float[Array, "lags channels"], noise: Float[Array, "lags channels"]
) -> Float[Array, "lags channels"]:
    """Successive values of the stationary autoregression, the last one first."""
    coefficients, deviations = _start_up(ar)
    past = jnp.zeros_like(ar)
    for order in range(ar.shape[0]):
        value = deviations[order] * noise[order] + weigh(coefficients[order], past)
        past = jnp.concatenate([value[None], past[:-1]])
    return past


def companion_power(
    ar: Float[Array, "lags channels"], exponent: Int[Array, " channels"], longest: int
) -> Float[Array, "lags lags channels"]:
    """The matrix that takes the states so many steps on, if nothing enters."""
    size = ar.shape[0]
    shift = jnp.eye(size, k=-1, dtype=ar.dtype)[1:, :, None]
    base = jnp.concatenate([ar[None], jnp.broadcast_to(shift, (size - 1, *ar.shape))])
    unit = jnp.broadcast_to(jnp.eye(size, dtype=ar.dtype)[:, :, None], base.shape)
    times = lambda a, b: weigh(jnp.moveaxis(a, 1, 0)[:, :, None], b[:, None])

    def double(bit, powers):
        power, base = powers
        is_set = (exponent >> bit) & 1 == 1
        return jnp.where(is_set, times(power, base), power), times(base, base)

    return jax.lax.fori_loop(0, longest.bit_length(), double, (unit, base))[0]


def scan_into(
    spare: Float[Array, "time channels"],
    step: Callable[[Any, Array], tuple[Any, Array]],
    carry: Any,
    values: Float[Array, "time channels"],
) -> Float[Array, "time channels"]:
    """What `jax.lax.scan` stacks; on CPUs written over an array which is needed no more.

    There `scan` writes over zeros: those of several loops are one array, and a copy of it for each.
    """

    def over(spare: Array, carry: Any, values: Array) -> Array:
        def write(carry, value):
            carry, out, row = carry
            carry, now = step(carry, value)
            out = jax.lax.dynamic_update_slice(out, now[None], (row, jnp.int32(0)))
            return (carry, out, row + 1), None

        return jax.lax.scan(write, (carry, spare, jnp.int32(0)), values)[0][1]

    stacked = lambda _, carry, values: jax.lax.scan(step, carry, values)[1]
    return jax.lax.platform_dependent(spare, carry, values, cpu=over, default=stacked)


def add_seasons(
    earlier: Float[Array, "longest channels"],
    values: Float[Array, "time channels"],
    season: Int[Array, " channels"],
    coefficient: Float[Array, " channels"],
    weight: Float[Array, " channels"],
    spare: Float[Array, "time channels"],
) -> Float[Array, "time channels"]:
    """x_t + weight y_{t-s}, with y_t = x_t + coefficient y_{t-s}: y itself if both are the same.

    Args:
        earlier: y before the first step, as many rows as the longest season has steps.
        values: x.
        season: s; the coefficients of a season of 0 must be 0.
        coefficient, weight: Of y a season ago in y, and in what is returned.
        spare: Written over; see `scan_into`.
    """
    given = (earlier, values, season, coefficient, weight, spare)
    return jax.lax.platform_dependent(*given, cuda=_double_seasons, default=_follow_seasons)


def _follow_seasons(
    earlier: Array, values: Array, season: Array, coefficient: Array, weight: Array, spare: Array
) -> Array:
    """Step by step.

    The last rows of y are a ring, which is small enough to stay in the cache. Each step writes its
    row and then reads what the next one needs: the other way round XLA would copy the ring.
    """
    width = values.shape[1]
    place = jnp.arange(width, dtype=jnp.int32) - season * width
    # a place below 0 counts from the end of the ring
    read = lambda ring, row: ring.at[place + row].get(mode=_IN_BOUNDS)

    def step(carry, value):
        ring, row, before = carry
        ring = jax.lax.dynamic_update_slice(ring, value + coefficient * before, (row,))
        row = jnp.where(row + width == ring.size, 0, row + width)
        return (ring, row, read(ring, row)), value + weight * before

    ring, row = earlier.ravel(), jnp.int32(0)
    return scan_into(spare, step, (ring, row, read(ring, row)), values)


def _double_seasons(
    earlier: Array, values: Array, season: Array, coefficient: Array, weight: Array, spare: Array
) -> Array:
    """All steps at once, in a pass for every two bits of their number.

    After pass k a value is a sum over 4^k seasons, y_t = sum_{j < 4^k} c^j x_{t-js}, to which the
    next pass adds those of 4^k, 2 4^k and 3 4^k seasons ago, times as many powers of c.
    """
    before, steps = earlier.shape[0], values.shape[0]
    whole, most = jnp.concatenate([earlier, values]), before + steps
    time = jnp.arange(-before, steps, dtype=jnp.int32)[:, None]
    take = lambda sums, ago: jnp.take_along_axis(
        sums, jnp.maximum(time + before - ago, 0), axis=0, mode=_IN_BOUNDS
    )

    def add(_, carry):
        sums, ago, power = carry
        total, factor = sums, power
        for times in (1, 2, 3):
            # what was there before the first step is whole: no season is added to it
            is_new = time >= times * ago - season
            total = total + jnp.where(is_new, factor * take(sums, times * ago), 0)
            factor = factor * power
        ago = jnp.minimum(4 * ago, most)  # past all steps, and below the largest integer
        return jax.lax.optimization_barrier(total), ago, factor

    passes = -(-steps.bit_length() // 2)
    sums, _, _ = jax.lax.fori_loop(0, passes, add, (whole, season, coefficient))
    return values + weight * take(sums, season)[before:]


def sum_up(
    levels: Float[Array, "time channels"],
    times: Int[Array, " channels"],
    spare: Float[Array, "time channels"],
) -> Float[Array, "time channels"]:
    """Sums over time, and sums of those, as often as `times` says; see `scan_into` of `spare`."""

    # factors of 0 and 1, which are exact, and not a choice between three sums: one kernel less
    keeps = [(times >= least).astype(levels.dtype) for least in (1, 2)]

    def step(sums, level):
        once = level + keeps[0] * sums[0]
        twice = once + keeps[1] * sums[1]
        return (once, twice), twice

    return scan_into(spare, step, (jnp.zeros_like(levels[0]),) * 2, levels)


def sum_fraction(
    levels: Float[Array, "time channels"], fraction: Float[Array, " channels"]
) -> Float[Array, "time channels"]:
    """(1 - B)^-f of series that are 0 before they begin, for 0 <= f < 1.

    The weight of lag k is Gamma(k + f) / (Gamma(f) k!) = E[X^k], X of the beta law (f, 1 - f): a
    sum of exponentials, each of which is one recursion. Those of `_find_memories` give every weight
    to 3e-4 of itself. (A Fourier transform is exact, slower, and rounds differently in a batch.)
    """
    shares, losses = _find_memories(fraction, levels.shape[0])

    def step(sums, value):
        sums = [total + (value - loss * total) for total, loss in zip(sums, losses, strict=True)]
        parts = [share * total for share, total in zip(shares, sums, strict=True)]
        return sums, sum(parts[1:], parts[0])

    return jax.lax.scan(step, [jnp.zeros_like(fraction)] * len(losses), levels)[1]


def _find_memories(
    fraction: Float[Array, " channels"], length: int
) -> tuple[Float[Array, "memories channels"], list[Array]]:
    """Shares of exponentials that sum to the weights of `sum_fraction`, and 1 - X of each.

    The trapezoidal rule in u = log(X / (1 - X)). What is above its nodes is one node at its mean,
    what is below another one, such that the weights of lags 0 and 1 are exact.
    """
    spacing, rest = np.float32(0.85), 1 - fraction
    nodes = np.arange(-4, np.log(length) + 2 + spacing, spacing)
    logs = [-np.log1p(np.exp(-sign * nodes)).astype(np.float32)[:, None] for sign in (1, -1)]
    scale = jnp.sin(np.float32(np.pi) * jnp.minimum(fraction, rest)) * (spacing / np.pi)
    shares = scale * jnp.exp(fraction * logs[0] + rest * logs[1])
    inner = np.exp(logs[1][:, 0])
    end = np.float32(nodes[-1] + spacing)
    # 1e-7, not 0: f is below 1 by at least as much
    rest = jnp.maximum(rest, np.float32(2.0**-24))
    above = scale * jnp.exp(-rest * end) / -jnp.expm1(-rest * spacing)
    slow = np.exp(-end) * jnp.expm1(-rest * spacing) / jnp.expm1(-(1 + rest) * spacing)
    below = 1 - shares.sum(0) - above
    first = fraction - (shares * (1 - inner[:, None])).sum(0) - above * (1 - slow)
    fast = 1 - jnp.clip(first / jnp.maximum(below, np.float32(1e-6)), 0, 1)
    losses = [fast, *(jnp.asarray(loss) for loss in inner), slow]
    return jnp.concatenate([below[None], shares, above[None]]), losses


def weigh(weights: Float[Array, "lags ..."], vector: Float[Array, "lags ..."]) -> Array:
    """The weighted sum of a vector's parts, one for each channel.

    Not a sum over an axis: jaxlib 0.10.2 gets some sums of products wrong on CPUs where they are of
    more than 128 KiB (issue 39103 of jax).
    """
    parts = [weights[k] * vector[k] for k in range(len(vector))]
    return sum(parts[1:], parts[0])


def solve(
    matrix: Float[Array, "lags lags channels"], known: Float[Array, "lags channels"]
) -> Float[Array, "lags channels"]:
    """The vector that the matrix takes to a known one, by modified Gram and Schmidt.

    Unlike elimination it needs no choice of pivots, which differ between channels.
    """
    size = matrix.shape[0]
    columns, factors, sides = [matrix[:, k] for k in range(size)], {}, []
    for k in range(size):
        norm = jnp.sqrt((columns[k] ** 2).sum(0))
        columns[k] = columns[k] / norm
        factors[k, k] = norm
        for later in range(k + 1, size):
            factors[k, later] = (columns[k] * columns[later]).sum(0)
            columns[later] = columns[later] - factors[k, later] * columns[k]
        side = (columns[k] * known).sum(0)
        known = known - side * columns[k]
        sides.append(side)
    out: list[Any] = [None] * size
    for k in reversed(range(size)):
        rest = [factors[k, later] * out[later] for later in range(k + 1, size)]
        out[k] = (sides[k] - sum(rest, jnp.zeros_like(sides[k]))) / factors[k, k]
    return jnp.stack(out)

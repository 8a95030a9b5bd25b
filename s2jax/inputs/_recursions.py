"""Recursions over time of many channels, each with coefficients and a season of its own."""

from typing import Any

import jax
import jax.numpy as jnp
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


def add_seasons(
    rows: Float[Array, "time channels"],
    season: Int[Array, " channels"],
    coefficient: Float[Array, " channels"],
    first: int,
) -> Float[Array, "time channels"]:
    """y_t = x_t + coefficient y_{t-s} from row `first` on; the s rows before it are y.

    One buffer and nothing else: what is read from it and used twice would make XLA copy it.
    """
    lane = jnp.arange(rows.shape[1], dtype=jnp.int32)

    def step(row, rows):
        before = rows.at[row - season, lane].get(mode=_IN_BOUNDS)
        return rows.at[row].add(coefficient * before)

    return jax.lax.fori_loop(first, rows.shape[0], step, rows)


def season_ago(
    rows: Float[Array, "time channels"], season: Int[Array, " channels"], first: int
) -> Float[Array, "_ channels"]:
    """The rows one season before those from row `first` on."""
    lane = jnp.arange(rows.shape[1], dtype=jnp.int32)
    wanted = jnp.arange(first, rows.shape[0], dtype=jnp.int32)[:, None] - season
    return rows.at[wanted, lane].get(mode=_IN_BOUNDS)


def sum_up(
    levels: Float[Array, "time channels"], times: Int[Array, " channels"]
) -> Float[Array, "time channels"]:
    """Sums over time, and sums of those, as often as `times` says."""

    def step(sums, level):
        once = sums[0] + level
        twice = sums[1] + once
        value = jnp.where(times == 0, level, jnp.where(times == 1, once, twice))
        return jnp.stack([once, twice]), value

    return jax.lax.scan(step, jnp.zeros_like(levels[:2]), levels)[1]


def sum_fraction(
    levels: Float[Array, "time channels"], fraction: Float[Array, " channels"]
) -> Float[Array, "time channels"]:
    """(1 - B)^-f of series that are 0 before they begin, for every f >= 0.

    Their convolution with Gamma(k + f) / (Gamma(f) k!), by Fourier transforms of twice the length.
    """
    length = levels.shape[0]

    def step(weight, lag):
        return weight * (lag + fraction) / (lag + 1), weight

    lags = jnp.arange(length, dtype=levels.dtype)
    weights = jax.lax.scan(step, jnp.ones_like(fraction), lags)[1]
    spectra = [jnp.fft.rfft(rows.T, 2 * length) for rows in (levels, weights)]
    return jnp.fft.irfft(spectra[0] * spectra[1], 2 * length)[:, :length].T


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

"""Features of the order and the size of values: turns, patterns, gaps between demands, tails."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.statistics._series import Series, map_rows, rows_of, undefined

MAX_ORDER = 5


class Intermittency(NamedTuple):
    """How demand comes.

    Attributes:
        adi: Average interval between demands, in steps: observed steps over those that are not 0.
        cv2: Squared coefficient of variation of the demands that are not 0, no unit.
    """

    adi: Float[Array, "*batch"]
    cv2: Float[Array, "*batch"]


def turning_points(series: Series) -> Float[Array, "*batch"]:
    """How often a series changes its direction, per 100 steps.

    100 times the share of inner steps at which `sign(x_{t+1} - x_t)` is not `sign(x_t - x_{t-1})`;
    into a flat part and out of it are changes too. Range 0 to 100; white noise has 66.7, a sine
    200 over its period. Steps with a missing neighbour do not count; NaN if none is left, or
    below 3 steps.

    Example:
        >>> float(turning_points(jnp.array([0.0, 1.0, 2.0, 1.0])))
        50.0

    References:
        Bienayme 1874, for the 2 in 3 of independent values; Kendall, Time-Series, section 2.
    """
    series = rows_of("turning_points", series)
    return undefined(series) if series.shape[-1] < 3 else map_rows(count_turns, series)


@jax.jit
def count_turns(rows: Array) -> Array:
    x = rows.T
    direction = jnp.sign(x[1:] - x[:-1])
    known = jnp.isfinite(x)
    known = known[:-2] & known[1:-1] & known[2:]
    turns = (known & (direction[1:] != direction[:-1])).sum(0, dtype=jnp.int32)
    return 100 * _divide(turns, known.sum(0, dtype=jnp.int32))


def _divide(part: Array, whole: Array) -> Array:
    """The share of a count in another, NaN of nothing."""
    return part.astype(jnp.float32) / whole.astype(jnp.float32)


def permutation_entropy(series: Series, order: int = 3) -> Float[Array, "*batch"]:
    """Entropy of the order patterns of neighbouring values, over its largest possible value.

    `-sum p log p / log(order!)` over the orders in which `order` successive values can be; of
    equal values the earlier one counts as smaller. Range 0 (monotone) to 1 (noise), no unit. What
    `perm_entropy(series, order, normalize=True)` of antropy computes. Patterns with a missing
    value do not count; NaN if none is left, or if a series is shorter than `order`.

    Args:
        series: At least `order` steps; 5 times `order!` for an estimate worth the name.
        order: Values of a pattern, 2 to 5. Static.

    Raises:
        ValueError: If `order` is out of range.

    Example:
        >>> float(permutation_entropy(jnp.arange(10.0)))
        0.0

    References:
        Bandt and Pompe 2002, "Permutation Entropy: A Natural Complexity Measure for Time Series".
    """
    series = rows_of("permutation_entropy", series)
    checks.check_static_integer("permutation_entropy", "order", order, 2, MAX_ORDER)
    if series.shape[-1] < order:
        return undefined(series)
    return map_rows(lambda rows: pattern_entropy(rows, order), series)


@functools.partial(jax.jit, static_argnums=1)
def pattern_entropy(rows: Array, order: int) -> Array:
    x = rows.T
    count = len(x) - order + 1
    parts = [x[place : place + count] for place in range(order)]
    known = functools.reduce(jnp.logical_and, map(jnp.isfinite, parts))
    # how many of the earlier values are above each: the digits of the pattern's number
    pattern = jnp.zeros(known.shape, jnp.int32)
    for place in range(1, order):
        above = sum((parts[one] > parts[place]).astype(jnp.int32) for one in range(place))
        pattern = pattern * (place + 1) + above
    total = known.sum(0, dtype=jnp.int32)
    pattern = jnp.where(known, pattern, -1)

    def share_of(number: Array) -> Array:
        share = _divide((pattern == number).sum(0, dtype=jnp.int32), total)
        return jnp.where(share > 0, share * jnp.log(jnp.where(share > 0, share, 1)), share)

    terms = lax.map(share_of, jnp.arange(math.factorial(order), dtype=jnp.int32))
    return jnp.maximum(-terms.sum(0) / np.float32(math.log(math.factorial(order))), 0)


def intermittency(series: Series) -> Intermittency:
    """The average interval between demands, and how much demands vary.

    `adi = n / n_+` and `cv2 = var(demands) / mean(demands)^2` over the n_+ values that are not 0
    of n that are observed. Range 1 to n, and 0 upwards. Syntetos and Boylan call demand smooth
    below adi 1.32 and cv2 0.49, intermittent beyond the first, erratic beyond the second, lumpy
    beyond both. Missing values do not count; NaN if there is no demand, or a value is
    negative: series that are standardised, or walk about 0, are no demand, and their cv2 would be
    that of a mean of rounding errors.

    Example:
        >>> found = intermittency(jnp.array([0.0, 2.0, 0.0, 0.0, 4.0, 0.0]))
        >>> float(found.adi), round(float(found.cv2), 4)
        (3.0, 0.1111)

    References:
        Syntetos, Boylan and Croston 2005, "On the categorization of demand patterns".
    """
    return map_rows(find_demands, rows_of("intermittency", series))


@jax.jit
def find_demands(rows: Array) -> Intermittency:
    seen = jnp.isfinite(rows)
    demand = seen & (rows != 0)
    number = demand.sum(-1, dtype=jnp.float32)
    mean = jnp.where(demand, rows, 0).sum(-1) / number
    gap = jnp.where(demand, rows - mean[..., None], 0)
    is_demand = (number > 0) & ~(seen & (rows < 0)).any(-1)
    adi = seen.sum(-1, dtype=jnp.float32) / number
    cv2 = (gap**2).sum(-1) / number / mean**2
    return Intermittency(*(jnp.where(is_demand, one, jnp.nan) for one in (adi, cv2)))


def tail_index(series: Series, share: float = 0.05) -> Float[Array, "*batch"]:
    """Hill's estimate of the tail index g, where P(|x - median| > u) falls as u^(-1/g).

    The mean of `log(a_i / a_{k+1})` over the k = share * time largest a_i of the distances from
    the median, rounded up. Range 0 upwards, no unit: 0.17 for normal values at 512 steps, 1 for
    Cauchy's; values of 0.5 and more are of laws without variance. NaN for a series that is shorter
    than 20, has missing values, or is at its median but for k steps.

    Args:
        series: At least 20 steps.
        share: Of values that are the tail, above 0 and at most 0.25. Static.

    Raises:
        ValueError: If `share` is out of range.

    Example:
        >>> heavy = tail_index(jax.random.cauchy(jax.random.key(0), (4000,)))
        >>> 0.8 < float(heavy) < 1.2
        True

    References:
        Hill 1975, "A simple general approach to inference about the tail of a distribution".
    """
    series = rows_of("tail_index", series)
    checks.check_number("tail_index", "share", share, 0, 0.25, strict=True)
    return (
        undefined(series)
        if series.shape[-1] < 20
        else map_rows(lambda rows: hill(rows, share), series)
    )


@functools.partial(jax.jit, static_argnums=1)
def hill(rows: Array, share: float) -> Array:
    """Of `(rows, time)`, without sorting: the two order statistics that it needs are searched."""
    length = rows.shape[-1]
    number = math.ceil(share * length)
    x = rows.T
    half = (length - 1) // 2
    low = _select(x, half)
    above = jnp.where(x > low, x, jnp.inf).min(0)
    is_twice = (x <= low).sum(0, dtype=jnp.int32) > half + 1
    median = low if length % 2 else (low + jnp.where(is_twice, low, above)) / 2
    far = jnp.abs(x - median)
    least = _select(far, length - 1 - number)
    # what equals the least adds log 1
    ratio = jnp.where(far > least, far / least, 1)
    index = jnp.log(ratio).sum(0) / np.float32(number)
    return jnp.where(jnp.isfinite(rows).all(-1) & (least > 0), index, jnp.nan)


def _select(x: Array, rank: int) -> Array:
    """The value of this rank, from 0, in each column: its bits, the highest first.

    A sort of the series takes ten times as long. Floats are in the order of their bits, if those
    of negative ones are turned over.
    """
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    top = np.uint32(1 << 31)
    ordered = jnp.where(bits >= top, ~bits, bits | top)

    def step(place: Array, found: Array) -> Array:
        tried = found | (top >> place.astype(jnp.uint32))
        below = (ordered < tried).sum(0, dtype=jnp.int32)
        return jnp.where(below <= rank, tried, found)

    found = lax.fori_loop(0, 32, step, jnp.zeros(x.shape[1:], jnp.uint32))
    return lax.bitcast_convert_type(jnp.where(found >= top, found ^ top, ~found), jnp.float32)

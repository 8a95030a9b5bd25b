"""Expressions of kernels multiplied out: sums of products, each a class with its amounts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.inputs._kernel_law import KernelLaw
from s2jax.inputs._kernel_tables import Tables, factors_of


class Products(NamedTuple):
    """The sum of products of each series, in which (s t)^k has a place for every k.

    Attributes:
        kind: Class of the stationary factor of each product.
        turns: Turns per step of its periodic factors in the order of their shapes.
        amounts: Coefficients of products with a stationary factor; one draw for each that is > 0.
        level: Coefficients of all products without.
        white: Coefficients of the variance of white noise.
    """

    kind: Int[Array, "channels products"]
    turns: UInt32[Array, "channels products factors"]
    amounts: Float[Array, "channels powers products"]
    level: Float[Array, "channels powers"]
    white: Float[Array, "channels powers"]


class _Factors(NamedTuple):
    """The kernels of each expression in the order of their shapes; axes (factors, channels).

    Attributes:
        place: Where in the expression it stands.
        is_there: Whether the expression has it.
        multiplies: Whether it multiplies what stands before.
        shape, turns, is_linear, is_white, value: As in `factors_of`.
    """

    place: Int[Array, "factors channels"]
    is_there: Bool[Array, "factors channels"]
    multiplies: Bool[Array, "factors channels"]
    shape: Int[Array, "factors channels"]
    turns: UInt32[Array, "factors channels"]
    is_linear: Bool[Array, "factors channels"]
    is_white: Bool[Array, "factors channels"]
    value: Float[Array, "factors channels"]


def _sort_factors(laws: KernelLaw, length: int) -> _Factors:
    num, channels = laws.kernels.shape[1], laws.kernels.shape[0]
    columns = [jnp.asarray(column) for column in factors_of(laws.bank, length)]
    ids = jnp.maximum(laws.kernels.T, 0)
    place = jnp.arange(num, dtype=jnp.int32)[:, None]
    key = columns[0][ids] * num + place
    rank = (key[:, None] > key).sum(1, dtype=jnp.int32)
    order = jnp.where(rank == place[:, :, None], place, 0).sum(1, dtype=jnp.int32)
    is_there = place < laws.count
    multiplies = jnp.concatenate([jnp.zeros((1, channels), bool), laws.multiplies.T]) & is_there
    sort = lambda leaf: jnp.take_along_axis(leaf, order, axis=0)
    ids = sort(ids)
    return _Factors(order, sort(is_there), sort(multiplies), *(column[ids] for column in columns))


def expand(laws: KernelLaw, tables: Tables, length: int) -> Products:
    """Multiply out: a product starts at each +, and every later * multiplies all of them."""
    num, channels = laws.kernels.shape[1], laws.kernels.shape[0]
    place = jnp.arange(num, dtype=jnp.int32)[:, None]
    following = jnp.asarray(tables.following)
    factors = _sort_factors(laws, length)
    starts = jnp.zeros((num, channels), bool)
    for j in range(num):
        is_start = factors.is_there[j] & ~factors.multiplies[j]
        starts = starts | (is_start & (factors.place[j] == place))

    def multiply(products, factor):
        kind, num_turns, turns, amounts, noise = products
        later = factor.multiplies & (factor.place > place)
        is_own = starts & factor.is_there & (later | (factor.place == place))
        kind = jnp.where(is_own, following[kind, factor.shape], kind)
        is_turning = is_own & (factor.shape < tables.num_periodic)
        turns = jnp.where(is_turning & (num_turns == place[:, :, None]), factor.turns, turns)
        raised = jnp.concatenate([jnp.zeros_like(amounts[:1]), amounts[:-1]])
        product = factor.value * amounts + jnp.where(factor.is_linear, raised, 0)
        amounts = jnp.where(is_own, product, amounts)
        num_turns = num_turns + is_turning.astype(jnp.int32)
        return (kind, num_turns, turns, amounts, noise | (is_own & factor.is_white)), None

    none = jnp.zeros((num, channels), jnp.int32)
    amounts = jnp.zeros((num + 1, num, channels), jnp.float32)
    amounts = amounts.at[0].set(starts.astype(jnp.float32))
    turns = jnp.zeros((num, num, channels), jnp.uint32)  # factors, products, channels
    start = (none, none, turns, amounts, jnp.zeros(none.shape, bool))
    kind, _, turns, amounts, noise = jax.lax.scan(multiply, start, factors)[0]
    part = lambda chosen: jnp.where(chosen, amounts, 0)
    return Products(
        kind=kind.T,
        turns=turns.transpose(2, 1, 0),
        amounts=part(~noise & (kind > 0)).transpose(2, 0, 1),
        level=part(~noise & (kind == 0)).sum(1).T,
        white=part(noise).sum(1).T,
    )


def deviation_of(law: KernelLaw, length: int) -> Float[Array, ""]:
    """Root of the mean variance over all steps of one series.

    At s = t a kernel is v or v + t^2, so that variances are polynomials in t^2, of which the means
    over the steps are known.
    """
    num = law.kernels.shape[0]
    factors = factors_of(law.bank, length)
    ids = jnp.maximum(law.kernels, 0)
    values = jnp.asarray(factors.value)[ids]
    is_linear = jnp.asarray(factors.is_linear)[ids].astype(jnp.float32)
    amounts = jnp.zeros(num + 1, jnp.float32)
    for i in range(num):
        raised = jnp.concatenate([jnp.zeros(1, jnp.float32), amounts[:-1]])
        product = values[i] * amounts + is_linear[i] * raised
        added = amounts.at[0].add(values[i]).at[1].add(is_linear[i])
        joined = jnp.where(law.multiplies[i - 1], product, added) if i else added
        amounts = jnp.where(i < law.count, joined, amounts)
    powers = np.linspace(0, 1, length)[:, None] ** (2 * np.arange(num + 1))
    return jnp.sqrt((amounts * powers.mean(0).astype(np.float32)).sum())

"""Series of channels that cause each other, given their law."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.items import choose_items
from s2jax.inputs._causal_law import CausalLaw, Edges, Intervention
from s2jax.programs import Program
from s2jax.programs.engines.run import evaluate_rows

_LARGEST = 12.0  # deviations of a mechanism from its mean
_SMALLEST = 1e-6  # of its largest value: variation of a mechanism within rounding error


def find_scale(
    value: Float[Array, "rows steps"], sums: Float[Array, "rows steps"], length: int
) -> tuple[Bool[Array, " rows"], Float[Array, " rows"], Float[Array, " rows"]]:
    """Whether mechanisms can be used, and what gives them, or else the sums, mean 0 and
    deviation 1 while the series last."""
    value = jnp.stack([value, sums])
    seen = value[..., -length:]
    mean = seen.mean(-1, keepdims=True)
    deviation = jnp.sqrt(((seen - mean) ** 2).mean(-1, keepdims=True))
    far = jnp.abs(value - mean).max(-1) <= _LARGEST * deviation[..., 0]
    varies = deviation[..., 0] > _SMALLEST * jnp.abs(seen).max(-1)
    good = far & varies & jnp.isfinite(value).all(-1) & jnp.isfinite(deviation[..., 0])
    scale = 1 / jnp.where(deviation > 0, deviation, 1)[..., 0]
    pick = lambda leaf: jnp.where(good[0], leaf[0], leaf[1])
    return good[0], pick(scale), pick(-mean[..., 0] * scale)


def follow(
    laws: CausalLaw, sources: tuple[Array, Array], length: int, before: int,
    sums: Program | None = None, done: Intervention | None = None,
) -> tuple[CausalLaw, Float[Array, "rows channels time"]]:  # fmt: skip
    """The laws and series of rows, channel after channel, causes first.

    With `sums`, the sum of each number of variables, scales and shifts are found, and mechanisms
    that cannot be used become sums; else all is as the laws say.
    """
    edges, (roots, noise) = laws.edges, sources
    rows, channels, steps = roots.shape
    row = jnp.arange(rows, dtype=jnp.int32)
    time = jnp.arange(steps, dtype=jnp.int32)

    def bind(q, state):
        laws, series = state
        j = edges.order[:, q]
        of = lambda leaf: leaf[row, j]
        parents, lags = of(edges.parents), of(edges.lags)
        x = jnp.where(parents[..., None] >= 0, _look_back(series, parents, lags, steps), 0)
        program = jax.tree.map(of, laws.mechanisms)
        value = evaluate_rows(program, x)
        if sums is not None:
            total = x.sum(1)
            good, scale, shift = find_scale(value, total, length)
            count = jnp.maximum((parents >= 0).sum(-1, dtype=jnp.int32), 1)
            program = choose_items(good, program, sums[count - 1])
            put = lambda leaf, own: leaf.at[row, j].set(own)
            laws = CausalLaw(
                edges, jax.tree.map(put, laws.mechanisms, program),
                put(laws.scale, scale), put(laws.shift, shift), laws.roots,
            )  # fmt: skip
            value = jnp.where(good[:, None], value, total)
        mechanism = of(laws.scale)[:, None] * value + of(laws.shift)[:, None]
        innovations = of(edges.coupling)[:, None] * mechanism
        innovations = innovations + of(edges.noise)[:, None] * of(noise)
        bound = _add_up(innovations, of(edges.self_loop))
        own = jnp.where((parents >= 0).any(-1)[:, None], bound, of(roots))
        if done is not None:
            values = jnp.pad(done.values, ((0, 0), (steps - length, 0)))
            is_set = time >= done.start[:, None] + (steps - length)
            own = jnp.where((done.channel == j)[:, None] & is_set, values, own)
        return laws, series.at[row, j, before:].set(own)

    # before anything begins there is nothing, for as long as the largest lag
    start = laws, jnp.zeros((rows, channels, before + steps), jnp.float32)
    laws, series = jax.lax.fori_loop(0, channels, bind, start)
    return laws, series[..., -length:]


def find_first(edges: Edges, length: int, done: Intervention) -> Int[Array, "rows channels"]:
    """The first time at which each channel can tell what is done: its lags after its causes can."""
    rows, channels = edges.order.shape
    row = jnp.arange(rows, dtype=jnp.int32)
    is_done = jnp.arange(channels, dtype=jnp.int32) == done.channel[:, None]

    def bind(q, first):
        j = edges.order[:, q]
        parents, lags = edges.parents[row, j], edges.lags[row, j]
        after = first[row[:, None], jnp.maximum(parents, 0)] + lags
        after = jnp.where(parents >= 0, after, length).min(1)
        return first.at[row, j].min(after.astype(jnp.int32))

    start = jnp.where(is_done, done.start[:, None], length).astype(jnp.int32)
    return jax.lax.fori_loop(0, channels, bind, start)


def _look_back(
    series: Float[Array, "rows channels steps_before_and_after"],
    parents: Int[Array, "rows parents"], lags: Int[Array, "rows parents"], steps: int,
) -> Float[Array, "rows parents steps"]:  # fmt: skip
    """What each parent was as many steps ago as its lag."""
    before = series.shape[-1] - steps

    def one(row, parent, lag):
        return jax.lax.dynamic_slice(row, (jnp.maximum(parent, 0), before - lag), (1, steps))[0]

    return jax.vmap(jax.vmap(one, (None, 0, 0)))(series, parents, lags)


def _add_up(
    values: Float[Array, "rows steps"], loop: Float[Array, " rows"]
) -> Float[Array, "rows steps"]:
    """y(t) = loop y(t-1) + values(t) from nothing: 1 / (1 - a B) is (1 + a B)(1 + a^2 B^2)...

    Few passes over whole series; a scan over time is as many small ones as there are steps.
    """
    steps = values.shape[1]

    def double(k, state):
        total, factor = state
        later = jnp.pad(total, ((0, 0), (steps, 0)))
        shifted = jax.lax.dynamic_slice_in_dim(later, steps - (1 << k), steps, axis=1)
        return total + factor[:, None] * shifted, factor * factor

    return jax.lax.fori_loop(0, (steps - 1).bit_length(), double, (values, loop))[0]

"""What both encoders are made of: linear maps, norms, and layers that are folded by a scan."""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from s2jax.core.types import PRNGKey

_EPSILON = 1e-5
_RUNNING = 0.1  # of the statistics of a batch enter the running ones, as in PyTorch
BLOCKED = -1e9
"""Added to a logit that has no say."""

Statistics = tuple[Float[Array, "*stack width"], Float[Array, "*stack width"]] | None
"""New running mean and variance of a batch norm; None of a layer norm."""


class Linear(eqx.Module):
    """`x @ weight + bias` in the precision of x."""

    weight: Float[Array, "*stack inner outer"]
    bias: Float[Array, "*stack outer"] | None

    def __init__(self, key: PRNGKey, inner: int, outer: int, has_bias: bool = True):
        draw = jax.nn.initializers.xavier_uniform()
        self.weight = draw(key, (inner, outer), jnp.float32)
        self.bias = jnp.zeros(outer, jnp.float32) if has_bias else None

    def __call__(self, x: Float[Array, "*batch inner"]) -> Float[Array, "*batch outer"]:
        # flat: the gradient of a product with three axes takes twice as long on CPU
        flat = x.reshape(-1, x.shape[-1]) @ self.weight.astype(x.dtype)
        out = flat.reshape(*x.shape[:-1], -1)
        return out if self.bias is None else out + self.bias.astype(x.dtype)


class Norm(eqx.Module):
    """A layer norm, or a batch norm over rows and places; computed in float32."""

    gain: Float[Array, "*stack width"]
    shift: Float[Array, "*stack width"]
    running_mean: Float[Array, "*stack width"] | None
    running_variance: Float[Array, "*stack width"] | None

    def __init__(self, width: int, kind: str):
        self.gain, self.shift = jnp.ones(width, jnp.float32), jnp.zeros(width, jnp.float32)
        is_batch = kind == "batch"
        self.running_mean = jnp.zeros(width, jnp.float32) if is_batch else None
        self.running_variance = jnp.ones(width, jnp.float32) if is_batch else None

    def __call__(
        self, x: Float[Array, "*batch width"], is_training: bool
    ) -> tuple[Float[Array, "*batch width"], Statistics]:
        """What is normalised, and the statistics that this norm is to have next."""
        values = x.astype(jnp.float32)
        axes = (-1,) if self.running_mean is None else tuple(range(x.ndim - 1))
        statistics = None
        if self.running_mean is None or is_training:
            mean = values.mean(axes, keepdims=True)
            variance = jnp.square(values - mean).mean(axes, keepdims=True)
        else:
            mean, variance = self.running_mean, self._variance()
        if self.running_mean is not None:
            statistics = self.running_mean, self._variance()
            if is_training:
                statistics = self._run(mean.reshape(-1), variance.reshape(-1), values)
        out = (values - mean) * jax.lax.rsqrt(variance + _EPSILON) * self.gain + self.shift
        return out.astype(x.dtype), statistics

    def _variance(self) -> Any:
        return self.running_variance

    def _run(self, mean: Array, variance: Array, values: Array) -> Statistics:
        """Running statistics with those of a batch; the variance there is unbiased."""
        count = math.prod(values.shape[:-1])
        unbiased = variance * (count / max(count - 1, 1))
        mix = lambda old, new: (1 - _RUNNING) * old + _RUNNING * jax.lax.stop_gradient(new)
        return mix(self.running_mean, mean), mix(self._variance(), unbiased)


class Layer(eqx.Module):
    """Attention and a network of two layers, each with its norm and a way round it."""

    query: Linear
    key: Linear
    value: Linear
    out: Linear
    up: Linear
    down: Linear
    norms: tuple[Norm, Norm]
    num_heads: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    pre_norm: bool = eqx.field(static=True)

    def __init__(
        self, key: PRNGKey, width: int, num_heads: int, hidden: int, norm: str,
        dropout: float, pre_norm: bool,
    ):  # fmt: skip
        keys = jax.random.split(key, 6)
        self.query, self.key, self.value, self.out = (Linear(one, width, width) for one in keys[:4])
        self.up, self.down = Linear(keys[4], width, hidden), Linear(keys[5], hidden, width)
        self.norms = Norm(width, norm), Norm(width, norm)
        self.num_heads, self.dropout, self.pre_norm = num_heads, dropout, pre_norm

    def __call__(
        self, x: Float[Array, "batch places width"], may_see: Bool[Array, "batch places"],
        key: PRNGKey | None, num_out: int | None = None,
    ) -> tuple[Float[Array, "batch out width"], tuple[Statistics, Statistics]]:  # fmt: skip
        """What comes of all places, or of the first `num_out` of them."""
        keys = (None,) * 4 if key is None else tuple(jax.random.split(key, 4))
        attend = lambda x: self._attend(x, may_see, keys[0], num_out)
        x, first = self._add(x, attend, self.norms[0], keys[1], key is not None, num_out)
        feed = lambda x: self.down(self._drop(keys[2], jax.nn.gelu(self.up(x), approximate=False)))
        x, second = self._add(x, feed, self.norms[1], keys[3], key is not None, num_out)
        return x, (first, second)

    def _add(
        self, x: Any, branch: Any, norm: Norm, key: Any, is_training: bool, num_out: int | None
    ) -> Any:
        """x and a branch of it, with the norm before the branch or after both."""
        if self.pre_norm:
            normal, statistics = norm(x, is_training)
            return x[:, :num_out] + self._drop(key, branch(normal)), statistics
        return norm(x[:, :num_out] + self._drop(key, branch(x)), is_training)

    def _attend(self, x: Array, may_see: Array, key: PRNGKey | None, num_out: int | None) -> Array:
        batch, _, width = x.shape
        heads = lambda x: x.reshape(batch, -1, self.num_heads, width // self.num_heads)
        query = heads(self.query(x[:, :num_out])).swapaxes(1, 2)
        keys, value = heads(self.key(x)).swapaxes(1, 2), heads(self.value(x)).swapaxes(1, 2)
        scale = 1 / math.sqrt(width // self.num_heads)
        logits = jnp.einsum("bhqe,bhke->bhqk", query, keys).astype(jnp.float32) * scale
        logits = jnp.where(may_see[:, None, None], logits, BLOCKED)
        weights = self._drop(key, jax.nn.softmax(logits).astype(x.dtype))
        mixed = jnp.einsum("bhqk,bhke->bhqe", weights, value).swapaxes(1, 2)
        return self.out(mixed.reshape(batch, -1, width))

    def _drop(self, key: PRNGKey | None, x: Array) -> Array:
        return drop(key, x, self.dropout)


def drop(key: PRNGKey | None, x: Float[Array, "..."], rate: float) -> Float[Array, "..."]:
    """x with a share of its values dropped and the others raised; x itself without a key."""
    if key is None or rate == 0:
        return x
    keep = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0).astype(x.dtype)


def stack_layers(key: PRNGKey, number: int, **fields: Any) -> Layer:
    """Layers as one, whose weights have a leading axis."""
    make = functools.partial(Layer, **fields)
    return eqx.filter_vmap(make)(jax.random.split(key, number))


def run_layers(
    layers: Layer, x: Float[Array, "batch places width"], may_see: Bool[Array, "batch places"],
    key: PRNGKey | None, only_first: bool = False,
) -> tuple[Float[Array, "batch out width"], tuple[Statistics, Statistics]]:  # fmt: skip
    """Run stacked layers one after another; the program is as long as one of them.

    Args:
        layers: What `stack_layers` made.
        x: Places of every row.
        may_see: Places that may be attended to; one at least in every row.
        key: In training: for dropout, and norms take statistics of the batch. None elsewhere.
        only_first: Whether the first place is all that is wanted. Then the last layer, if it has
            layer norms, computes no other: the values are the same.

    Returns:
        What the last layer gives, and new running statistics, stacked.
    """
    weights, static = eqx.partition(layers, eqx.is_array)
    number = layers.query.weight.shape[0]
    keys = None if key is None else jax.random.split(key, number)

    def apply(x: Array, item: Any, num_out: int | None = None) -> Any:
        return eqx.combine(item[0], static)(x, may_see, item[1], num_out)

    # computed again on the way back: less memory, and on CPU half the time of keeping it all
    fold = lambda x, items: jax.lax.scan(jax.checkpoint(apply, prevent_cse=False), x, items)
    if not only_first or layers.norms[0].running_mean is not None:
        x, statistics = fold(x, (weights, keys))
        return (x[:, :1] if only_first else x), statistics
    if number > 1:
        x, _ = fold(x, jax.tree.map(lambda leaf: leaf[:-1], (weights, keys)))
    last = jax.tree.map(lambda leaf: leaf[-1], (weights, keys))
    return apply(x, last, num_out=1)[0], (None, None)


def with_statistics(layers: Layer, statistics: tuple[Statistics, Statistics]) -> Layer:
    """Layers with new running statistics; the same if they have layer norms."""
    norms = []
    for norm, new in zip(layers.norms, statistics, strict=True):
        where = lambda norm: (norm.running_mean, norm.running_variance)
        norms.append(norm if new is None else eqx.tree_at(where, norm, new))
    return eqx.tree_at(lambda layers: layers.norms, layers, tuple(norms))


def sinusoids(places: int, width: int) -> Float[np.ndarray, "places width"]:
    """Fixed positions: sines at even features and cosines at odd ones, base 10000."""
    rates = 10_000.0 ** (-np.arange(0, width, 2) / width)
    angles = np.arange(places)[:, None] * rates
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return waves.reshape(places, width).astype(np.float32)

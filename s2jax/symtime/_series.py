"""The series encoder: patches with [CLS] before them, and layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from s2jax.core.types import PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._layers import (
    Layer,
    Linear,
    Norm,
    Statistics,
    drop,
    run_layers,
    sinusoids,
    stack_layers,
)


class Points(eqx.Module):
    """A network on the channels of a single time step, and its mean over a patch.

    Where y = f(x), it sees the points of f itself, wherever in a patch they are.
    """

    first: Linear
    second: Linear
    out: Linear

    def __init__(self, key: PRNGKey, channels: int, hidden: int, width: int):
        keys = jax.random.split(key, 3)
        self.first, self.second = Linear(keys[0], channels, hidden), Linear(keys[1], hidden, hidden)
        self.out = Linear(keys[2], hidden, width)

    def __call__(
        self, patches: Float[Array, "batch channels patches time"]
    ) -> Float[Array, "batch patches width"]:
        hidden = jax.nn.relu(self.first(jnp.moveaxis(patches, 1, -1)))
        return self.out(jax.nn.relu(self.second(hidden)).mean(2))


class SeriesEncoder(eqx.Module):
    """Weights of the series encoder.

    Attributes:
        patches: How a patch of every channel is embedded; channels are summed.
        bias: Of the embedding.
        points: What single time steps add to it; None if nothing.
        scales: How scales are embedded; None if they are not read.
        cls: What [CLS] begins with.
        layers: Stacked.
        norm: After the last layer, if layers begin with their norms.
    """

    patches: Float[Array, "channels time width"]
    bias: Float[Array, " width"]
    points: Points | None
    scales: Linear | None
    cls: Float[Array, " width"]
    layers: Layer
    norm: Norm | None

    def __init__(self, key: PRNGKey, config: Config):
        keys, width = jax.random.split(key, 4), config.width
        inner = config.num_channels * config.patch_length
        first = Linear(keys[0], inner, width).weight
        self.patches = first.reshape(config.num_channels, config.patch_length, width)
        self.bias, self.cls = jnp.zeros(width, jnp.float32), jnp.zeros(width, jnp.float32)
        self.points = self.scales = self.norm = None
        if config.point_width:
            self.points = Points(keys[1], config.num_channels, config.point_width, width)
        if config.num_scales:
            self.scales = Linear(keys[2], config.num_scales, width)
        self.layers = stack_layers(
            keys[3], config.num_layers, width=width, num_heads=config.num_heads,
            hidden=config.hidden_width, norm=config.norm, dropout=config.dropout,
            pre_norm=config.pre_norm,
        )  # fmt: skip
        if config.pre_norm:
            self.norm = Norm(width, "layer")

    def __call__(
        self, patches: Float[Array, "batch channels patches time"],
        may_see: Bool[Array, "batch patches"], scales: Float[Array, "batch scales"] | None,
        key: PRNGKey | None, only_cls: bool = False,
    ) -> tuple[Float[Array, "batch places width"], tuple[Statistics, Statistics]]:  # fmt: skip
        """Features of [CLS], and of all patches unless `only_cls`; new statistics of norms."""
        rows, dtype = len(patches), patches.dtype
        embedded = jnp.einsum("bcpt,ctw->bpw", patches, self.patches.astype(dtype))
        embedded = embedded + self.bias.astype(dtype)
        if self.points is not None:
            embedded = embedded + self.points(patches)
        cls = jnp.broadcast_to(self.cls.astype(dtype), (rows, len(self.cls)))
        if self.scales is not None and scales is not None:
            cls = cls + self.scales(scales.astype(dtype))
        x = jnp.concatenate([cls[:, None], embedded], axis=1)
        x = x + jnp.asarray(sinusoids(*x.shape[1:]), dtype)
        sees = jnp.concatenate([jnp.ones((rows, 1), bool), may_see], axis=1)
        key_drop, key_layers = (None, None) if key is None else jax.random.split(key)
        x = drop(key_drop, x, self.layers.dropout)
        x, statistics = run_layers(self.layers, x, sees, key_layers, only_cls)
        return (x if self.norm is None else self.norm(x, False)[0]), statistics

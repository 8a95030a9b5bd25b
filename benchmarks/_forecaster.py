"""Small forecasters of quantiles, to find out what their training data were worth."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

CONTEXT, HORIZON = 256, 48
LEAST = 16  # observed steps of a context
LEVELS = np.arange(1, 10, dtype=np.float32) / 10
BATCH, STEPS, RATE = 256, 2400, 2e-3
_OUT = HORIZON * len(LEVELS)


class MLP(eqx.Module):
    """A residual network on the whole context, of 331 542 parameters."""

    first: eqx.nn.Linear
    inner: eqx.nn.Linear
    outer: eqx.nn.Linear
    last: eqx.nn.Linear

    def __init__(self, key):
        keys, width = jax.random.split(key, 4), 234
        self.first = eqx.nn.Linear(2 * CONTEXT, width, key=keys[0])
        self.inner = eqx.nn.Linear(width, width, key=keys[1])
        self.outer = eqx.nn.Linear(width, width, key=keys[2])
        self.last = eqx.nn.Linear(width, _OUT, key=keys[3])

    def __call__(self, values, is_seen):
        hidden = jax.nn.gelu(self.first(jnp.concatenate([values, is_seen.astype(values.dtype)])))
        hidden = hidden + self.outer(jax.nn.gelu(self.inner(hidden)))
        return self.last(jax.nn.gelu(hidden)).reshape(HORIZON, len(LEVELS))


class PatchTransformer(eqx.Module):
    """Patches of 16 steps as tokens, two blocks of attention, the last token forecasts."""

    embed: eqx.nn.Linear
    place: jax.Array
    attention: list[eqx.nn.MultiheadAttention]
    inner: list[eqx.nn.Linear]
    outer: list[eqx.nn.Linear]
    norms: list[eqx.nn.LayerNorm]
    last: eqx.nn.Linear

    def __init__(self, key):
        keys, width, patches = jax.random.split(key, 10), 96, CONTEXT // 16
        self.embed = eqx.nn.Linear(32, width, key=keys[0])
        self.place = 0.02 * jax.random.normal(keys[1], (patches, width))
        self.attention = [eqx.nn.MultiheadAttention(4, width, key=key) for key in keys[2:4]]
        self.inner = [eqx.nn.Linear(width, 4 * width, key=key) for key in keys[4:6]]
        self.outer = [eqx.nn.Linear(4 * width, width, key=key) for key in keys[6:8]]
        self.norms = [eqx.nn.LayerNorm(width) for _ in range(5)]
        self.last = eqx.nn.Linear(width, _OUT, key=keys[8])

    def __call__(self, values, is_seen):
        patches = [part.reshape(-1, 16) for part in (values, is_seen.astype(values.dtype))]
        tokens = jax.vmap(self.embed)(jnp.concatenate(patches, axis=1)) + self.place
        for k in range(2):
            normal = jax.vmap(self.norms[2 * k])(tokens)
            tokens = tokens + self.attention[k](normal, normal, normal)
            normal = jax.vmap(self.norms[2 * k + 1])(tokens)
            hidden = jax.vmap(lambda token, k=k: self.outer[k](jax.nn.gelu(self.inner[k](token))))
            tokens = tokens + hidden(normal)
        return self.last(self.norms[4](tokens[-1])).reshape(HORIZON, len(LEVELS))


MODELS: dict[str, Callable[[Any], Any]] = {"mlp": MLP, "transformer": PatchTransformer}


def normalise(context, is_seen):
    """Level and deviation of what is seen of contexts, and the contexts in them."""
    count = is_seen.sum(-1, keepdims=True)
    level = jnp.where(is_seen, context, 0).sum(-1, keepdims=True) / count
    centred = jnp.where(is_seen, context - level, 0)
    deviation = jnp.sqrt((centred * centred).sum(-1, keepdims=True) / count)
    deviation = jnp.where(deviation > 1e-6 * (1e-6 + jnp.abs(level)), deviation, 1)
    return jnp.arcsinh(centred / deviation), level, deviation


def pinball(quantiles, target):
    """Losses of quantiles `(..., levels)` for targets `(...)`."""
    error = target[..., None] - quantiles
    return jnp.maximum(LEVELS * error, (LEVELS - 1) * error)


def crop(key, series):
    """Contexts of random lengths with nothing seen before them, and what follows them."""
    lengths = jax.random.randint(key, (len(series), 1), LEAST, CONTEXT + 1)
    is_seen = jnp.arange(CONTEXT) >= CONTEXT - lengths
    return series[:, :CONTEXT], is_seen, series[:, CONTEXT:]


def loss_of(model, context, is_seen, future):
    """Mean pinball loss in units of the context, on the scale of arcsinh."""
    values, level, deviation = normalise(context, is_seen)
    target = jnp.arcsinh((future - level) / deviation)
    return pinball(jax.vmap(model)(values, is_seen), target).mean()


def train(
    draw: Callable[[Any], Any], kind: str, seed: int, steps: int, tell: Callable[[int, float], None]
) -> Any:
    """A forecaster trained on the series `(BATCH, CONTEXT + HORIZON)` that `draw` gives for a key.

    The first weights, the crops and their order depend on the seed alone.
    """
    model = MODELS[kind](jax.random.key(seed))
    optimiser = optax.adamw(optax.cosine_decay_schedule(RATE, steps))
    parts, static = eqx.partition(model, eqx.is_array)

    def step(state, number):
        parts, moments = state
        key = jax.random.fold_in(jax.random.key(seed + 1000), number)
        context, is_seen, future = crop(jax.random.fold_in(key, 1), draw(key))
        losses = lambda parts: loss_of(eqx.combine(parts, static), context, is_seen, future)
        loss, slopes = jax.value_and_grad(losses)(parts)
        updates, moments = optimiser.update(slopes, moments, parts)
        return (optax.apply_updates(parts, updates), moments), loss

    some = jax.jit(lambda state, numbers: jax.lax.scan(step, state, numbers))
    state, stride = (parts, optimiser.init(parts)), min(100, steps)
    for first in range(0, steps - stride + 1, stride):
        numbers = first + np.arange(stride, dtype=np.int32)
        state, losses = some(state, numbers)
        tell(first + stride, float(losses.mean()))
    return eqx.combine(state[0], static)


@eqx.filter_jit
def forecast(model, context, is_seen):
    """Quantiles `(windows, HORIZON, levels)`, which never cross."""
    values, level, deviation = normalise(context, is_seen)
    quantiles = jnp.sort(jax.vmap(model)(values, is_seen), axis=-1)
    return jnp.sinh(quantiles) * deviation[..., None] + level[..., None]


def own_loss(model, draw: Callable[[Any], Any]) -> float:
    """Loss on series of its own source that it has not seen, relative to that of the quantiles of
    the context; 1 if there is nothing to learn."""
    total = np.zeros(2)
    for number in range(4):
        key = jax.random.fold_in(jax.random.key(2**30), number)
        context, is_seen, future = jax.jit(crop)(key, jax.jit(draw)(key))
        values, level, deviation = normalise(context, is_seen)
        target = jnp.arcsinh((future - level) / deviation)
        seen = jnp.where(is_seen, values, jnp.nan)
        simple = jnp.nanquantile(seen, LEVELS, axis=1).T[:, None, :]
        total += [loss_of(model, context, is_seen, future), pinball(simple, target).mean()]
    return float(total[0] / total[1])

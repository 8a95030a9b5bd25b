"""The symbol encoder: words of our own vocabulary, learnt from the beginning."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.types import PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._layers import Layer, Linear, Norm, drop, run_layers, stack_layers
from s2jax.text import Vocabulary

_SPREAD = 0.02  # of what is drawn at first, as in BERT
_WAVES = 8  # of the logarithm of a number, from one in all decades to 128 in each


class SymbolEncoder(eqx.Module):
    """Weights of the symbol encoder; `<bos>` is its [CLS].

    Attributes:
        words: One vector per word, also what a guess is compared with.
        places: One vector per place.
        start: The norm of what goes into the layers.
        layers: Stacked.
        norm: After the last layer, if layers begin with their norms.
        guess, guess_norm: Turn features of a place into the vector of a word.
        guess_bias: By word.
    """

    words: Float[Array, "words width"]
    places: Float[Array, "places width"]
    start: Norm
    layers: Layer
    norm: Norm | None
    guess: Linear
    guess_norm: Norm
    guess_bias: Float[Array, " words"]
    dropout: float = eqx.field(static=True)

    def __init__(self, key: PRNGKey, config: Config):
        keys, width = jax.random.split(key, 4), config.symbol_width
        self.words = first_words(keys[0], config.vocabulary, width)
        shape = config.max_tokens, width
        self.places = _SPREAD * jax.random.normal(keys[1], shape, jnp.float32)
        self.layers = stack_layers(
            keys[2], config.symbol_layers, width=width, num_heads=config.symbol_heads,
            hidden=config.symbol_hidden_width, norm="layer", dropout=config.dropout,
            pre_norm=config.pre_norm,
        )  # fmt: skip
        self.start, self.guess_norm = Norm(width, "layer"), Norm(width, "layer")
        self.norm = Norm(width, "layer") if config.pre_norm else None
        self.guess = Linear(keys[3], width, width)
        self.guess_bias = jnp.zeros(len(config.vocabulary), jnp.float32)
        self.dropout = config.dropout

    def __call__(
        self, ids: Int[Array, "batch tokens"], may_see: Bool[Array, "batch tokens"],
        told: Float[Array, "batch width"] | None, dtype: jnp.dtype | type, key: PRNGKey | None,
        only_cls: bool = False,
    ) -> Float[Array, "batch places width"]:  # fmt: skip
        """Features of all words, or of the first; what is told of a series is added to each."""
        key_drop, key_layers = (None, None) if key is None else jax.random.split(key)
        x, _ = self.start(self.words[ids] + self.places[: ids.shape[1]], False)
        if told is not None:
            x = x + told[:, None]
        x = drop(key_drop, x.astype(dtype), self.dropout)
        x, _ = run_layers(self.layers, x, may_see, key_layers, only_cls)
        return x if self.norm is None else self.norm(x, False)[0]

    def guess_words(self, features: Float[Array, "*batch width"]) -> Float[Array, "*batch words"]:
        """Logits of every word at places with these features."""
        x, _ = self.guess_norm(jax.nn.gelu(self.guess(features), approximate=False), False)
        flat = x.reshape(-1, x.shape[-1]) @ self.words.T.astype(x.dtype)
        logits = flat.reshape(*x.shape[:-1], -1).astype(jnp.float32)
        return logits + self.guess_bias


def first_words(key: PRNGKey, vocabulary: Vocabulary, width: int) -> Float[Array, "words width"]:
    """Vectors that words begin with: mantissas and powers of ten that are near have near ones.

    A thousand mantissas are seen too rarely each to be learnt one by one. A number's vector is a
    random map of sines and cosines of its logarithm, of the variance of all others.
    """
    keys = jax.random.split(key, 3)
    drawn = jax.random.normal(keys[0], (len(vocabulary), width), jnp.float32)
    first, base = vocabulary.first_mantissa, vocabulary.base
    powers = np.arange(1 + vocabulary.zeroth_power - first, first - vocabulary.zeroth_power)
    parts = (
        (first, np.log10(np.maximum(np.arange(base), 0.5) / base), keys[1]),
        (first - len(powers), powers / 64, keys[2]),
    )
    for start, values, key_map in parts:
        angles = values[:, None] * np.pi * 2.0 ** np.arange(-1, _WAVES - 1)
        waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1) / np.sqrt(_WAVES)
        mapping = jax.random.normal(key_map, (waves.shape[1], width), jnp.float32)
        drawn = drawn.at[start : start + len(values)].set(jnp.asarray(waves, "float32") @ mapping)
    return _SPREAD * drawn

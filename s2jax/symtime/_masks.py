"""What is hidden from a model, for it to guess."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from s2jax.core.types import PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._views import Inputs

_REPLACED, _ANY = 0.8, 0.1  # of the chosen words: by <mask>, by any word; the rest stays


class Masks(eqx.Module):
    """What is hidden of rows.

    Attributes:
        hidden: Patches that are hidden.
        ids: Words, some of them replaced.
        chosen: Words that are to be guessed.
    """

    hidden: Bool[Array, "batch patches"]
    ids: Int[Array, "batch tokens"]
    chosen: Bool[Array, "batch tokens"]


def sample_masks(key: PRNGKey, config: Config, inputs: Inputs) -> Masks:
    """Draw what is hidden of a batch: of each `masked_every`-th row.

    Of such a row, `int(masked_patches * n)` of its n patches are hidden, any of them alike. Each
    word but the first and padding is chosen with probability `masked_symbols`; of the chosen ones,
    80 % become `<mask>`, 10 % any word but padding, and 10 % stay.

    Args:
        key: Consumed.
        config: Of the model. Static.
        inputs: What `to_inputs` made.

    Example:
        >>> import s2jax
        >>> config = Config.tiny(length=64)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> inputs = s2jax.symtime.to_inputs(config, batch)
        >>> sample_masks(jax.random.key(1), config, inputs).hidden.sum(1).tolist()
        [1]
    """
    return hide(key, config, every(config.masked_every, inputs))


def every(stride: int, inputs: Inputs) -> Inputs:
    """Each so many rows."""
    return inputs if stride == 1 else jax.tree.map(lambda leaf: leaf[::stride], inputs)


def hide(key: PRNGKey, config: Config, inputs: Inputs) -> Masks:
    """Draw what is hidden of all rows."""
    keys = jax.random.split(key, 4)
    ids, vocabulary = inputs.ids, config.vocabulary
    may_be = (ids != vocabulary.pad) & (jnp.arange(ids.shape[1]) > 0)
    uniform = lambda key: jax.random.uniform(key, ids.shape, jnp.float32)
    chosen = may_be & (uniform(keys[1]) < config.masked_symbols)
    how = uniform(keys[2])
    anything = jax.random.randint(keys[3], ids.shape, vocabulary.pad + 1, len(vocabulary))
    new = jnp.where(how < _REPLACED, vocabulary.mask, anything.astype(ids.dtype))
    new = jnp.where(how < _REPLACED + _ANY, new, ids)
    return Masks(
        hidden=hide_patches(keys[0], inputs.is_there, config.masked_patches),
        ids=jnp.where(chosen, new, ids),
        chosen=chosen,
    )


def hide_patches(
    key: PRNGKey, is_there: Bool[Array, "batch patches"], share: float
) -> Bool[Array, "batch patches"]:
    """Which patches are hidden: a share of those that are there, rounded down."""
    drawn = jax.random.uniform(key, is_there.shape, jnp.float32)
    order = jnp.argsort(jnp.where(is_there, drawn, jnp.inf), axis=-1)
    rank = jnp.argsort(order, axis=-1)
    number = is_there.sum(-1, keepdims=True, dtype=jnp.int32).astype(jnp.float32)
    # the sum of a share such as 0.1 and a small number: 0.1 * 30 is 3 and not 2.9999998
    return rank < jnp.floor(number * share + 1e-4).astype(rank.dtype)


def most_chosen(config: Config) -> int:
    """Chosen words of a row that are guessed: more occur in one row of a hundred million."""
    tokens, share = config.max_tokens, config.masked_symbols
    return min(tokens, math.ceil(share * tokens + 6 * math.sqrt(share * (1 - share) * tokens)) + 1)

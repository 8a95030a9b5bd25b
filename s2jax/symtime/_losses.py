"""The terms of the loss: masked patches, masked words, and the contrast both ways, distilled."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.core.types import Number, PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._layers import BLOCKED, Statistics
from s2jax.symtime._masks import Masks, every, most_chosen
from s2jax.symtime._model import Encoded, SymTime, run_series, run_symbols
from s2jax.symtime._views import Inputs


class Losses(NamedTuple):
    """The terms of the loss, each a mean.

    Attributes:
        total: `mtm_weight * mtm + mlm_weight * mlm + contrast_weight * (series_to_symbols +
            symbols_to_series) / 2`.
        mtm: Squared error of hidden patches of z-scored outputs; 1 if zeros are guessed.
        mlm: Cross entropy of chosen words, in nats.
        series_to_symbols, symbols_to_series: Cross entropy of the partner among all of the batch
            and the queue, in nats, with targets that the slow copy has softened.
        distilled: The part of these two that the slow copy's judgement has, before it is weighed.
    """

    total: Float[Array, ""]
    mtm: Float[Array, ""]
    mlm: Float[Array, ""]
    series_to_symbols: Float[Array, ""]
    symbols_to_series: Float[Array, ""]
    distilled: Float[Array, ""]


class Queues(eqx.Module):
    """Projections of the slow copy from earlier batches, the oldest overwritten first.

    Attributes:
        series, symbols: Unit vectors; those of one place are of one row.
        place: Where the next is written.
    """

    series: Float[Array, "queue projection"]
    symbols: Float[Array, "queue projection"]
    place: Int[Array, ""]


class Aside(NamedTuple):
    """What else comes out of a loss.

    Attributes:
        slow_series, slow_symbols: Projections of the slow copy, to be queued.
        statistics: New running statistics of the series encoder's batch norms.
        words_right: Share of chosen words that are guessed.
        series_found, symbols_found: Share of rows whose partner is the nearest in the batch, when
            symbols look for series, and series for symbols.
    """

    slow_series: Float[Array, "batch projection"]
    slow_symbols: Float[Array, "batch projection"]
    statistics: tuple[Statistics, Statistics]
    words_right: Float[Array, ""]
    series_found: Float[Array, ""]
    symbols_found: Float[Array, ""]


@checks.suggest_names()
def loss(
    model: SymTime, slow: SymTime, queues: Queues | None, inputs: Inputs, masks: Masks,
    distillation: Number | None = None, key: PRNGKey | None = None,
) -> tuple[Losses, Aside]:  # fmt: skip
    """The loss of a batch, term by term; works inside jit, and under `jax.grad`.

    Args:
        model: The weights to be learnt.
        slow: The slow copy of them, the momentum encoders; it has no gradient.
        queues: More negatives. None if there are none but the batch.
        inputs: What `to_inputs` made of a batch. Rows without usable series count nowhere, and
            those whose words do not fit only in `mtm`.
        masks: What `sample_masks` drew.
        distillation: Weight of the slow copy's judgement; by default that of the config.
        key: For dropout, and batch norms take statistics of the batch, as in training. None as in
            evaluation.

    Returns:
        The terms, and what else comes out.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> inputs = symtime.to_inputs(config, batch)
        >>> model = symtime.SymTime(jax.random.key(1), config)
        >>> masks = symtime.sample_masks(jax.random.key(2), config, inputs)
        >>> losses, _ = jax.jit(loss)(model, model, None, inputs, masks)
        >>> losses._fields
        ('total', 'mtm', 'mlm', 'series_to_symbols', 'symbols_to_series', 'distilled')
    """
    config = model.config
    keys = (None,) * 4 if key is None else tuple(jax.random.split(key, 4))
    few = every(config.masked_every, inputs)
    masked_series, statistics = run_series(model, few, masks.hidden, keys[0])
    cls = masked_series.features[:, 0] if config.words_see_series else None
    masked_symbols = run_symbols(model, masks.ids, keys[1], cls)
    if config.contrast_on == "masked":
        series, symbols = masked_series, run_symbols(model, masks.ids, keys[1])
        slow_series, _ = run_series(slow, few, masks.hidden, keys[2])
        slow_symbols = run_symbols(slow, masks.ids, keys[3])
    else:
        series, statistics = run_series(model, inputs, None, keys[0], only_cls=True)
        symbols = run_symbols(model, inputs.ids, keys[1], only_cls=True)
        slow_series, _ = run_series(slow, inputs, None, keys[2], only_cls=True)
        slow_symbols = run_symbols(slow, inputs.ids, keys[3], only_cls=True)
    mtm = loss_of_patches(model, masked_series, few, masks)
    mlm, words_right = loss_of_words(model, masked_symbols, few, masks)
    weight = config.distillation if distillation is None else distillation
    pairs = series.projected, symbols.projected, slow_series.projected, slow_symbols.projected
    both, distilled, found = contrast(
        config, pairs, queues, inputs.has_symbols, jnp.exp(model.log_temperature), weight
    )
    total = config.mtm_weight * mtm + config.mlm_weight * mlm
    total = total + config.contrast_weight * (both[0] + both[1]) / 2
    slow_pair = jax.lax.stop_gradient(pairs[2:])
    aside = Aside(*slow_pair, statistics, words_right, found[1], found[0])
    return Losses(total, mtm, mlm, *both, distilled), aside


def loss_of_patches(
    model: SymTime, encoded: Encoded, inputs: Inputs, masks: Masks
) -> Float[Array, ""]:
    """Mean squared error of hidden patches."""
    guess = reconstruct(model, encoded.features[:, 1:])
    target = inputs.patches[:, -model.config.num_outputs :]
    error = jnp.square(guess - target).mean((1, 3))
    return mean_where(error, masks.hidden & inputs.has_series[:, None])


def reconstruct(
    model: SymTime, features: Float[Array, "batch patches width"]
) -> Float[Array, "batch outputs patches time"]:
    """Outputs of patches with these features."""
    rows, patches, _ = features.shape
    guess = model.reconstruct(features).reshape(rows, patches, model.config.num_outputs, -1)
    return jnp.moveaxis(guess, 2, 1)


def loss_of_words(
    model: SymTime, encoded: Encoded, inputs: Inputs, masks: Masks
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean cross entropy of chosen words, and the share of them that is guessed."""
    # logits of places that are not chosen would be most of the encoder's work
    place = jnp.argsort(~masks.chosen, axis=1, stable=True)[:, : most_chosen(model.config)]
    take = lambda array: jnp.take_along_axis(array, place, axis=1)
    features = jnp.take_along_axis(encoded.features, place[..., None], axis=1)
    logits, words = model.symbols.guess_words(features), take(inputs.ids)
    log_likelihood = jnp.take_along_axis(jax.nn.log_softmax(logits), words[..., None], axis=-1)
    counts = take(masks.chosen) & inputs.has_symbols[:, None]
    right = logits.argmax(-1).astype(words.dtype) == words
    return mean_where(-log_likelihood[..., 0], counts), mean_where(
        right.astype(jnp.float32), counts
    )


def mean_where(values: Float[Array, "*shape"], counts: Bool[Array, "*shape"]) -> Float[Array, ""]:
    """Mean of what counts, 0 if nothing does."""
    number = jnp.maximum(counts.sum(dtype=jnp.int32), 1).astype(values.dtype)
    return jnp.where(counts, values, 0).sum() / number


def contrast(
    config: Config, pairs: tuple[Array, Array, Array, Array], queues: Queues | None,
    counts: Bool[Array, " batch"], temperature: Float[Array, ""], weight: Number,
) -> tuple[tuple[Array, Array], Float[Array, ""], tuple[Array, Array]]:  # fmt: skip
    """Both cross entropies, what is distilled of them, and the shares of partners found.

    Args:
        config: Says whether there is a second softmax on targets.
        pairs: Series and symbols of the model, and of the slow copy.
        queues: More negatives.
        counts: Rows that do; the others are neither rows nor negatives.
        temperature: Of logits.
        weight: Of the slow copy's judgement.
    """
    series, symbols, slow_series, slow_symbols = pairs
    banks = jax.lax.stop_gradient((slow_symbols, slow_series))
    blocked = jnp.where(counts, 0.0, BLOCKED)
    if queues is not None:
        banks = tuple(
            jnp.concatenate(one) for one in zip(banks, (queues.symbols, queues.series), strict=True)
        )
        blocked = jnp.pad(blocked, (0, len(queues.series)))
    rows = len(series)
    partner = jnp.eye(rows, len(blocked), dtype=jnp.float32)
    losses, distilled, found = [], [], []
    for own, slow, bank in ((series, slow_series, banks[0]), (symbols, slow_symbols, banks[1])):
        logits = own @ bank.T / temperature + blocked
        judged = jax.lax.stop_gradient(jax.nn.softmax(slow @ bank.T / temperature + blocked))
        target = weight * judged + (1 - weight) * partner
        if config.double_softmax:
            target = jax.nn.softmax(target + blocked)
        log_likelihood = jax.nn.log_softmax(logits)
        losses.append(mean_where(-(target * log_likelihood).sum(-1), counts))
        distilled.append(mean_where(-(judged * log_likelihood).sum(-1), counts))
        nearest = logits[:, :rows].argmax(-1).astype(jnp.int32) == jnp.arange(rows)
        found.append(mean_where(nearest.astype(jnp.float32), counts))
    return (losses[0], losses[1]), (distilled[0] + distilled[1]) / 2, (found[0], found[1])

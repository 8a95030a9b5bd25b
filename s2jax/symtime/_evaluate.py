"""What a model has learnt, beside what needs no learning."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.symtime._losses import loss_of_words, reconstruct
from s2jax.symtime._masks import Masks, hide
from s2jax.symtime._model import SymTime, run_series, run_symbols
from s2jax.symtime._pairs import Pairs, embed
from s2jax.symtime._views import Inputs


class Retrieval(NamedTuple):
    """Shares of rows whose partner is found among `batch` rows.

    Attributes:
        series_to_symbols_1, series_to_symbols_5: Of series whose expression is the nearest, or
            among the five nearest.
        symbols_to_series_1, symbols_to_series_5: The other way.
        chance_1, chance_5: Of guesses.
        ceiling: Of who knows every normal form and no number.
        rows: How many were asked for.
    """

    series_to_symbols_1: float
    series_to_symbols_5: float
    symbols_to_series_1: float
    symbols_to_series_5: float
    chance_1: float
    chance_5: float
    ceiling: float
    rows: int


def evaluate_retrieval(
    model: SymTime, pairs: Pairs, batch: int = 64, shuffled: bool = False
) -> Retrieval:
    """How often a series finds its expression, and an expression its series.

    Args:
        model: The weights; those of `State.slow` are often the better ones.
        pairs: What `sample_pairs` drew; rows that do not fill a batch are left out.
        batch: Among how many rows.
        shuffled: Whether partners are mixed up before, as a control: what is found then is chance.

    Raises:
        ValueError: If there are fewer pairs than a batch has.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> data = s2jax.presets.s2(length=64)
        >>> pairs = symtime.sample_pairs(jax.random.key(0), config, data, 4)
        >>> model = symtime.SymTime(jax.random.key(1), config)
        >>> found = evaluate_retrieval(model, pairs, batch=4)
        >>> found.chance_1, found.rows
        (0.25, 4)
    """
    checks.check_static_integer("evaluate_retrieval", "batch", batch, 2)
    if len(pairs) < batch:
        raise ValueError(
            f"evaluate_retrieval({len(pairs)} pairs, batch={batch}): pairs must be >= batch, "
            "because partners are looked for in whole batches. Draw more pairs, or lower batch."
        )
    _, series, symbols = embed(model, pairs)
    if shuffled:
        symbols = np.random.default_rng(0).permutation(symbols)
    whole = len(pairs) // batch * batch
    cut = lambda array: np.asarray(array)[:whole].reshape(-1, batch, array.shape[-1])
    near = np.einsum("bik,bjk->bij", cut(series), cut(symbols))
    ranks = _ranks(near), _ranks(near.swapaxes(1, 2))
    share = lambda rank, most: float((rank < most).mean())
    forms = [len(np.unique(one, axis=0)) for one in cut(pairs.groups)]
    ceiling = float(np.mean(forms)) / batch
    return Retrieval(
        share(ranks[0], 1), share(ranks[0], 5), share(ranks[1], 1), share(ranks[1], 5),
        1 / batch, min(1.0, 5 / batch), ceiling, whole,
    )  # fmt: skip


def _ranks(near: Float[np.ndarray, "batches batch batch"]) -> Float[np.ndarray, "batches batch"]:
    """How many others are nearer than the partner; the half of those that are as near."""
    own = np.einsum("bii->bi", near)[..., None]
    return (near > own).sum(-1) + ((near == own).sum(-1) - 1) / 2


class Reconstruction(NamedTuple):
    """Mean squared errors of hidden patches.

    A single form can be a third of the rows of a split, so there are means over rows, and means to
    which every normal form adds the same.

    Attributes:
        model: Of the model.
        zeros: Of zeros, the mean of every series.
        interpolation: Of straight lines between the values beside the hidden patches.
        model_by_form, zeros_by_form, interpolation_by_form: The same, every form alike.
        num_forms: How many forms there are.
    """

    model: float
    zeros: float
    interpolation: float
    model_by_form: float
    zeros_by_form: float
    interpolation_by_form: float
    num_forms: int


def evaluate_patches(key: PRNGKey, model: SymTime, pairs: Pairs) -> Reconstruction:
    """How well hidden patches are guessed, beside guesses that need no learning.

    Args:
        key: Of what is hidden, as much as in training.
        model: The weights.
        pairs: What `sample_pairs` drew.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> data = s2jax.presets.s2(length=64)
        >>> pairs = symtime.sample_pairs(jax.random.key(0), config, data, 4)
        >>> model = symtime.SymTime(jax.random.key(1), config)
        >>> found = evaluate_patches(jax.random.key(2), model, pairs)
        >>> found.num_forms <= 4, 0.9 < found.zeros < 1.1 or found.num_forms < 4
        (True, True)
    """
    errors, hidden = jax.device_get(_evaluate_patches(key, model, pairs.inputs))
    by_row = errors.sum(-1) / np.maximum(hidden.sum(1), 1)
    form = np.unique(pairs.groups, axis=0, return_inverse=True)[1].reshape(-1)
    rows_of = np.bincount(form)
    of_forms = [np.bincount(form, row) / rows_of for row in by_row]
    return Reconstruction(
        *(float(total) for total in errors.sum((1, 2)) / max(hidden.sum(), 1)),
        *(float(forms.mean()) for forms in of_forms),
        num_forms=len(rows_of),
    )


@eqx.filter_jit
def _evaluate_patches(key: PRNGKey, model: SymTime, inputs: Inputs) -> tuple[Array, Array]:
    """Squared errors of the three guesses by row and patch, 0 where none is hidden; and where."""
    masks = hide(key, model.config, inputs)
    encoded, _ = run_series(model, inputs, masks.hidden, None)
    target = inputs.patches[:, -model.config.num_outputs :]
    guesses = (
        reconstruct(model, encoded.features[:, 1:]),
        jnp.zeros_like(target),
        interpolate(target, masks),
    )
    score = lambda guess: jnp.where(masks.hidden, jnp.square(guess - target).mean((1, 3)), 0)
    return jnp.stack([score(guess) for guess in guesses]), masks.hidden


def interpolate(
    patches: Float[Array, "batch outputs patches time"], masks: Masks
) -> Float[Array, "batch outputs patches time"]:
    """Straight lines through hidden patches; the nearest value where there is none beyond."""
    size = patches.shape[-1]
    hidden = jnp.repeat(masks.hidden, size, axis=1)
    time = jnp.arange(hidden.shape[1])

    def fill(series: Array, hidden: Array) -> Array:
        # hidden values repeat the nearest one before, at its time: no new corner of the line
        last = jax.lax.cummax(jnp.where(hidden, -1, time))
        first = jnp.argmin(hidden)
        place = jnp.where(last < 0, first, last)
        return jnp.interp(time.astype(series.dtype), place.astype(series.dtype), series[place])

    flat = patches.reshape(*patches.shape[:2], -1)
    over_outputs = jax.vmap(fill, in_axes=(0, None))
    return jax.vmap(over_outputs)(flat, hidden).reshape(patches.shape)


class Guesses(NamedTuple):
    """Shares of hidden words that are guessed.

    Attributes:
        model: By the model.
        without_series: By the model, with what it is told of the series taken away; the same if
            it is told nothing.
        wrong_series: By the model, told of the series of another row.
        unigram: By who always says the word that is the most frequent of these rows.
        loss: Cross entropy of the model, in nats.
    """

    model: float
    without_series: float
    wrong_series: float
    unigram: float
    loss: float


def evaluate_words(key: PRNGKey, model: SymTime, pairs: Pairs) -> Guesses:
    """How well hidden words are guessed, and whether the series helps.

    Args:
        key: Of what is hidden, as much as in training.
        model: The weights.
        pairs: What `sample_pairs` drew.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> data = s2jax.presets.s2(length=64)
        >>> pairs = symtime.sample_pairs(jax.random.key(0), config, data, 4)
        >>> model = symtime.SymTime(jax.random.key(1), config)
        >>> 0 <= evaluate_words(jax.random.key(2), model, pairs).unigram <= 1
        True
    """
    shares = map(float, _evaluate_words(key, model, pairs.inputs))
    return Guesses(**dict(zip(Guesses._fields, shares, strict=True)))


@eqx.filter_jit
def _evaluate_words(key: PRNGKey, model: SymTime, inputs: Inputs) -> tuple[Array, ...]:
    masks = hide(key, model.config, inputs)
    cls = run_series(model, inputs, masks.hidden, None)[0].features[:, 0]
    found: list[Any] = []
    for told in (cls, None, jnp.roll(cls, 1, axis=0)):
        encoded = run_symbols(model, masks.ids, None, told)
        found.append(loss_of_words(model, encoded, inputs, masks))
    counts = jnp.zeros(len(model.config.vocabulary), jnp.int32)
    counts = counts.at[inputs.ids].add(masks.chosen.astype(jnp.int32))
    total = jnp.maximum(counts.sum(dtype=jnp.int32), 1).astype(jnp.float32)
    unigram = counts.max().astype(jnp.float32) / total
    return *(right for _, right in found), unigram, found[0][0]

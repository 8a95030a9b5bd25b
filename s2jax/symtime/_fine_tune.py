"""Training of a head on series of one's own, stopped when it no longer helps."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.core.types import PRNGKey
from s2jax.symtime._heads import AbstractHead
from s2jax.symtime._model import is_learnt

_CLIP = 1.0  # the largest norm of a gradient


class Tuned(NamedTuple):
    """What fine-tuning gives.

    Attributes:
        head: With the weights that were the best on the validation part.
        losses: On the validation part: before the first step, and after every round; NaN after
            training was stopped.
        best: Number of the round of the weights; 0 are the first ones.
    """

    head: Any
    losses: Float[np.ndarray, " rounds"]
    best: int


@checks.suggest_names()
def fine_tune(
    key: PRNGKey, head: AbstractHead, train: tuple[Any, Any], validation: tuple[Any, Any], *,
    frozen: bool = False, num_steps: int = 1000, batch: int = 64, learning_rate: float = 1e-3,
    weight_decay: float = 1e-4, every: int = 50, patience: int = 5,
) -> Tuned:  # fmt: skip
    """Train a head by AdamW on random batches, and stop when a validation part gains no more.

    All rounds are one jitted program. Take a validation part that is later in time than the one to
    train on: windows that overlap know each other.

    Args:
        key: Of batches and dropout.
        head: A `Forecaster`, `Imputer` or `Classifier`.
        train: Series (rows, channels, time), in which NaN is missing, and their targets: of a
            forecaster what follows (rows, channels, horizon), of an imputer the series without
            gaps, of a classifier numbers of classes (rows).
        validation: The same of other rows, some thousands at most: they are read at once.
        frozen: Whether the encoder stays as it is, and only the linear map learns.
        num_steps: The most; a multiple of `every`.
        batch: Rows of a step, drawn with replacement.
        learning_rate, weight_decay: Of AdamW; gradients are clipped at norm 1.
        every: Steps of a round, after which the validation part is asked.
        patience: Rounds without a gain after which training stops.

    Raises:
        ImportError: If optax is not installed.
        TypeError, ValueError: If an argument is of the wrong kind or out of range, or data are of
            other shapes than the head reads and guesses.

    Example:
        >>> import jax, numpy as np
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64, channels="y", order="time", width=8)
        >>> model = symtime.SymTime(jax.random.key(0), config)
        >>> forecaster = symtime.Forecaster(jax.random.key(1), model, length=32, horizon=4)
        >>> start = np.random.default_rng(0).uniform(0, 6, (40, 1, 1)).astype(np.float32)
        >>> waves = np.sin(start + np.arange(36, dtype=np.float32))
        >>> series, targets = waves[..., :32], waves[..., 32:]
        >>> train, validation = (series[:32], targets[:32]), (series[32:], targets[32:])
        >>> tuned = fine_tune(jax.random.key(2), forecaster, train, validation, num_steps=50)
        >>> bool(tuned.losses[-1] < tuned.losses[0]), tuned.head(series).shape
        (True, (40, 1, 4))
    """
    require("optax", "Fine-tuning")
    checks.check_key("fine_tune", key)
    if not isinstance(head, AbstractHead):
        raise TypeError(
            f"fine_tune(head={checks.shown(head)}): must be a head on a series encoder. Pass "
            "symtime.Forecaster(key, model, length, horizon), an Imputer or a Classifier."
        )
    checks.check_flag("fine_tune", "frozen", frozen)
    for name, value in (("batch", batch), ("every", every), ("patience", patience)):
        checks.check_static_integer("fine_tune", name, value, 1)
    checks.check_static_integer("fine_tune", "num_steps", num_steps, every)
    if num_steps % every:
        raise ValueError(
            f"fine_tune(num_steps={num_steps}, every={every}): every must divide num_steps, "
            f"because training is of whole rounds. Take num_steps={num_steps // every * every}."
        )
    for name, value in (("learning_rate", learning_rate), ("weight_decay", weight_decay)):
        checks.check_number("fine_tune", name, value, 0.0, np.inf)
    parts = {"train": train, "validation": validation}
    data = {name: _read(head, f"fine_tune: {name}", part) for name, part in parts.items()}
    sizes = _Sizes(num_steps // every, every, batch, patience, frozen)
    rates = jnp.float32(learning_rate), jnp.float32(weight_decay)
    tuned, losses, best = _run(key, head, data["train"], data["validation"], rates, sizes)
    return Tuned(tuned, np.asarray(losses), int(best))


class _Sizes(NamedTuple):
    """What a program is compiled for."""

    rounds: int
    steps: int
    batch: int
    patience: int
    frozen: bool


def _read(head: AbstractHead, call: str, part: Any) -> tuple[Array, Array]:
    """Series and targets as arrays, if they suit the head."""
    if not (isinstance(part, tuple) and len(part) == 2):
        raise TypeError(
            f"{call}={checks.shown(part)}: must be two arrays, series and targets. Pass a tuple."
        )
    series, targets = (jnp.asarray(one) for one in part)
    head.check(call, series, targets)
    if not len(series):
        raise ValueError(f"{call}: must have a row at least. Pass more series.")
    return series, targets


class _Progress(NamedTuple):
    """Where training is between two rounds."""

    number: Array
    head: Any
    moments: Any
    best: Any
    best_number: Array
    losses: Array


def _optimizer(rate: Array, decay: Array) -> Any:
    optax = require("optax", "Fine-tuning")
    adam = optax.adamw(rate, weight_decay=decay)
    return optax.chain(optax.clip_by_global_norm(_CLIP), adam)


@eqx.filter_jit
def _run(key: PRNGKey, head: Any, train: Any, validation: Any, rates: Any, sizes: _Sizes) -> Any:
    """All rounds, until the validation part gains no more."""
    arrays, static = eqx.partition(head, eqx.is_array)
    learns = _learns(head, sizes.frozen)
    optimizer = _optimizer(*rates)
    judge = lambda arrays: eqx.combine(arrays, static).loss(*validation, None)[0]

    def step(carry: Any, number: Array) -> Any:
        arrays, moments = carry
        key_rows, key_drop = jax.random.split(jax.random.fold_in(key, number))
        rows = jax.random.randint(key_rows, (sizes.batch,), 0, len(train[0]))
        weights, fixed = eqx.partition(eqx.combine(arrays, static), learns)
        # a frozen encoder is as it is when it is used: no dropout, no statistics of batches
        key_drop = None if sizes.frozen else key_drop

        def cost(weights: Any) -> Any:
            return eqx.combine(weights, fixed).loss(train[0][rows], train[1][rows], key_drop)

        (_, statistics), slopes = jax.value_and_grad(cost, has_aux=True)(weights)
        with jax.numpy_dtype_promotion("standard"):  # optax takes powers of floats by integers
            updates, moments = optimizer.update(slopes, moments, weights)
        weights = jax.tree.map(lambda weight, update: weight + update, weights, updates)
        new = eqx.combine(weights, fixed).with_statistics(statistics)
        return (eqx.filter(new, eqx.is_array), moments), None

    def turn(now: _Progress) -> _Progress:
        numbers = now.number * sizes.steps + jnp.arange(sizes.steps)
        (arrays, moments), _ = jax.lax.scan(step, (now.head, now.moments), numbers)
        number, loss = now.number + 1, judge(arrays)
        is_better = loss < now.losses[now.best_number]
        best = jax.tree.map(lambda new, old: jnp.where(is_better, new, old), arrays, now.best)
        best_number = jnp.where(is_better, number, now.best_number)
        losses = now.losses.at[number].set(loss)
        return _Progress(number, arrays, moments, best, best_number, losses)

    first, zero = eqx.filter(eqx.filter(head, learns), eqx.is_array), jnp.int32(0)
    losses = jnp.full(sizes.rounds + 1, jnp.nan, jnp.float32).at[0].set(judge(arrays))
    start = _Progress(zero, arrays, optimizer.init(first), arrays, zero, losses)
    goes_on = lambda now: (
        (now.number < sizes.rounds) & (now.number - now.best_number < sizes.patience)
    )
    end = jax.lax.while_loop(goes_on, turn, start)
    return eqx.combine(end.best, static), end.losses, end.best_number


def _learns(head: Any, frozen: bool) -> Any:
    """True in place of every weight that moves."""
    found = is_learnt(head)
    if not frozen:
        return found
    none = jax.tree.map(lambda leaf: False, found.body)
    return eqx.tree_at(lambda head: head.body, found, none)

"""What training is made of: the optimiser, its schedule, and the state from step to step."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.core.types import PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._losses import Queues
from s2jax.symtime._model import SymTime, check_config, is_learnt, unit

_HIGH_BETA, _LOW_BETA = 0.95, 0.85


class State(eqx.Module):
    """All that training needs to go on, a pytree of arrays; saved and read by any checkpointer.

    Attributes:
        model: The weights.
        slow: The slow copy of them (EMA), running statistics included.
        moments: State of the optimiser.
        queues: None if there are no negatives but those of the batch.
        step: How many steps were made.
        key: The key of the run; it does not change, steps are folded in.
    """

    model: SymTime
    slow: SymTime
    moments: Any
    queues: Queues | None
    step: Int[Array, ""]
    key: PRNGKey


def init(key: PRNGKey, config: Config, optimizer: Any) -> State:
    """The state before the first step.

    Args:
        key: Of the run: first weights, data, masks and dropout all come from it.
        config: Of the model and its training.
        optimizer: What `optimizer` returned, or any other of optax.

    Raises:
        TypeError: If an argument is of the wrong kind.

    Example:
        >>> import jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> int(init(jax.random.key(0), config, symtime.optimizer(config, num_steps=100)).step)
        0
    """
    checks.check_key("init", key)
    check_config("init", config)
    key_model, key_series, key_symbols = (jax.random.fold_in(key, 2**31 + k) for k in range(3))
    model = SymTime(key_model, config)
    queues = None
    if config.queue:
        shape = config.queue, config.projection
        drawn = [jax.random.normal(one, shape, jnp.float32) for one in (key_series, key_symbols)]
        queues = Queues(unit(drawn[0]), unit(drawn[1]), jnp.zeros((), jnp.int32))
    return State(
        model=model,
        slow=jax.tree.map(jnp.copy, model),
        moments=optimizer.init(eqx.filter(model, is_learnt(model))),
        queues=queues,
        step=jnp.zeros((), jnp.int32),
        key=key,
    )


def optimizer(config: Config, num_steps: int) -> Any:
    """AdamW with a OneCycle schedule, and gradients clipped before; a transformation of optax.

    Args:
        config: Rates, betas, weight decay and the largest norm.
        num_steps: Steps of the whole run, >= 2; later ones have the last rate.

    Raises:
        ImportError: If optax is not installed.
        TypeError, ValueError: If an argument is of the wrong kind or out of range.

    Example:
        >>> from s2jax import symtime
        >>> len(optimizer(symtime.Config.tiny(), num_steps=1000))
        2
    """
    check_config("optimizer", config)
    rate = schedule(config, num_steps)
    optax = require("optax", "Optimisers of symtime")
    beta: Any = config.betas[0]
    if config.cycles_beta:
        low, high = _LOW_BETA, _HIGH_BETA
        beta = one_cycle(num_steps, config.warm_up, high, low, high)
    adam = optax.inject_hyperparams(optax.adamw)(
        learning_rate=rate, b1=beta, b2=config.betas[1], weight_decay=config.weight_decay
    )
    return (
        optax.chain(optax.clip_by_global_norm(config.clip_norm), adam) if config.clip_norm else adam
    )


def schedule(config: Config, num_steps: int) -> Callable[[Any], Float[Array, ""]]:
    """The learning rate of a step: OneCycle with cosines, by PyTorch's numbering.

    It rises from `learning_rate / start_divisor` to `learning_rate`, which it has in step
    `warm_up * num_steps - 1`, and falls to `learning_rate / start_divisor / end_divisor` in the
    last.

    Args:
        config: Rates and the share of the steps before the peak.
        num_steps: Of the whole run, >= 2.

    Example:
        >>> from s2jax import symtime
        >>> rate = schedule(symtime.Config.small(), num_steps=256)
        >>> [float(f"{rate(step):.3g}") for step in (0, 31, 255)]
        [4e-07, 1e-05, 4e-11]

    References:
        Smith and Topin 2019, "Super-convergence: very fast training of neural networks using large
        learning rates".
    """
    check_config("schedule", config)
    checks.check_static_integer("schedule", "num_steps", num_steps, 2, 2**31 - 1)
    start = config.learning_rate / config.start_divisor
    return one_cycle(
        num_steps, config.warm_up, start, config.learning_rate, start / config.end_divisor
    )


def one_cycle(
    num_steps: int, warm_up: float, start: float, peak: float, end: float
) -> Callable[[Any], Float[Array, ""]]:
    """Two halves of a cosine, one after the other."""
    top, last = max(warm_up * num_steps - 1, 0.0), num_steps - 1.0

    def value(step: Any) -> Float[Array, ""]:
        now = jnp.asarray(step).astype(jnp.float32)
        rise = jnp.clip(now / np.float32(max(top, 1e-6)), 0, 1)
        fall = jnp.clip((now - np.float32(top)) / np.float32(max(last - top, 1e-6)), 0, 1)
        between = lambda a, b, part: b + (a - b) / 2 * (1 + jnp.cos(jnp.pi * part))
        return jnp.where(
            now <= np.float32(top), between(start, peak, rise), between(peak, end, fall)
        )

    return value


def enqueue(queues: Queues, series: Array, symbols: Array, counts: Array) -> Queues:
    """Queues with the rows that count written over the oldest."""
    size = len(queues.series)
    number = jnp.cumsum(counts, dtype=jnp.int32)
    place = jnp.where(counts, (queues.place + number - 1) % size, size)
    write = lambda queue, rows: queue.at[place].set(rows, mode="drop")
    return Queues(
        write(queues.series, series),
        write(queues.symbols, symbols),
        (queues.place + number[-1]) % size,
    )

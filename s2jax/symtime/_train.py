"""One step of training, a pure function."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from s2jax.config import Config as DataConfig
from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.stream import draw
from s2jax.symtime._config import Config
from s2jax.symtime._losses import Aside, Losses, loss
from s2jax.symtime._masks import sample_masks
from s2jax.symtime._model import SymTime, check_config, is_learnt, with_series_statistics
from s2jax.symtime._state import State, enqueue
from s2jax.symtime._views import Inputs, to_inputs

_BLOCKS = 8  # of a batch, drawn each from a key of its own, by 1, 2, 4 or 8 devices
_DATA, _MASKS, _DROPOUT = range(2**30, 2**30 + 3)


@checks.suggest_names()
def train_step(
    config: Config, optimizer: Any, data: Any, state: State, mesh: Mesh | None = None,
    axis: str = "data",
) -> tuple[State, dict[str, Float[Array, ""]]]:  # fmt: skip
    """One step of training; pure, for `eqx.filter_jit` and `jax.lax.scan`.

    The state after it depends on the state before, and on data that are a function of the key of
    the run and the number of the step if they are drawn: a run that is stopped and goes on from a
    saved state ends with the same weights.

    Args:
        config: Of the model. Static.
        optimizer: What `init` got. Static.
        data: An `s2jax.Config`, of which a batch is drawn inside the step; or a batch, columns of
            a corpus, or what `to_inputs` made of one.
        state: What `init` or the step before returned.
        mesh: Devices over which rows are spread; each draws its own, and negatives are gathered
            from all. None is one device.
        axis: Of the mesh.

    Returns:
        The next state; and by name the terms of the loss, `temperature`, `distillation`,
        `gradient_norm`, `words_right`, `series_found` and `symbols_found` (partners that are the
        nearest in the batch), `rows_unusable`, and `rows_too_long`, the share of usable rows whose
        words do not fit, of all that were drawn or given.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If the state is of another config, the data do not suit the model, or the mesh
            not the batch.

    Example:
        >>> import equinox as eqx, jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> optimizer = symtime.optimizer(config, num_steps=100)
        >>> state = symtime.init(jax.random.key(0), config, optimizer)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> step = eqx.filter_jit(train_step)
        >>> state, metrics = step(config, optimizer, batch, state)
        >>> int(state.step), metrics["total"].shape
        (1, ())
    """
    check_config("train_step", config)
    check_state(config, state)
    check_mesh(config, mesh, axis)
    mesh = with_automatic_axes(mesh)
    inputs, left_out = draw_inputs(config, data, state, mesh, axis)
    key = lambda which: jax.random.fold_in(jax.random.fold_in(state.key, which), state.step)
    masks = sample_masks(key(_MASKS), config, inputs)
    slow = move_slowly(config.momentum, state.slow, state.model)
    weights, fixed = eqx.partition(state.model, is_learnt(state.model))
    distillation = ramp(config, state)

    def total(weights: SymTime) -> tuple[Array, tuple[Losses, Aside]]:
        model = eqx.combine(weights, fixed)
        found = loss(model, slow, state.queues, inputs, masks, distillation, key(_DROPOUT))
        return found[0].total, found

    (_, (losses, aside)), slopes = jax.value_and_grad(total, has_aux=True)(weights)
    with jax.numpy_dtype_promotion("standard"):  # optax takes powers of floats by integers
        updates, moments = optimizer.update(slopes, state.moments, weights)
    weights = jax.tree.map(lambda weight, update: weight + update, weights, updates)
    model = with_series_statistics(eqx.combine(weights, fixed), aside.statistics)
    queues = state.queues
    if queues is not None:
        pair = aside.slow_series, aside.slow_symbols
        queues = enqueue(queues, *pair, inputs.has_symbols)
    new = State(bounded(config, model), slow, moments, queues, state.step + 1, state.key)
    return new, {
        **losses._asdict(),
        "temperature": jnp.exp(state.model.log_temperature),
        "distillation": distillation,
        "gradient_norm": norm_of(slopes),
        "words_right": aside.words_right,
        "series_found": aside.series_found,
        "symbols_found": aside.symbols_found,
        **left_out,
    }


def draw_inputs(
    config: Config, data: Any, state: State, mesh: Mesh | None, axis: str
) -> tuple[Inputs, dict[str, Float[Array, ""]]]:
    """What the model reads in this step, spread over the mesh, and shares of rows left out."""
    if isinstance(data, DataConfig):
        return _draw(config, data, state, mesh, axis)
    inputs = data if isinstance(data, Inputs) else to_inputs(config, data)
    if mesh is not None:
        places = NamedSharding(mesh, PartitionSpec(axis))
        inputs = jax.lax.with_sharding_constraint(inputs, places)
    return inputs, share_rows(inputs.has_series, inputs.has_symbols)


def _draw(
    config: Config, data: DataConfig, state: State, mesh: Mesh | None, axis: str
) -> tuple[Inputs, dict[str, Float[Array, ""]]]:
    """A batch of blocks, numbered on from those of the step before."""
    number = num_blocks(config)
    key, size = jax.random.fold_in(state.key, _DATA), config.batch // number
    blocks = state.step.astype(jnp.uint32) * np.uint32(number) + jnp.arange(number, dtype="uint32")

    def own(data: DataConfig, key: PRNGKey, blocks: Array) -> tuple[Inputs, Array, Array]:
        drawn = to_inputs(config, draw(data, key, blocks, size * config.draws_per_row))
        return pack(drawn, len(blocks), size), drawn.has_series, drawn.has_symbols

    if mesh is not None:
        everywhere, parted = PartitionSpec(), PartitionSpec(axis)
        own = jax.shard_map(
            own, mesh=mesh, in_specs=(everywhere, everywhere, parted), out_specs=parted,
            check_vma=False,
        )  # fmt: skip
    inputs, has_series, has_symbols = own(data, key, blocks)
    return inputs, share_rows(has_series, has_symbols)


def pack(inputs: Inputs, blocks: int, size: int) -> Inputs:
    """The first `size` rows of every block, those with all their words before the others."""
    drawn = len(inputs.has_symbols) // blocks
    if drawn == size:
        return inputs
    order = jnp.argsort(~inputs.has_symbols.reshape(blocks, drawn), axis=1, stable=True)
    rows = (order[:, :size] + drawn * jnp.arange(blocks)[:, None]).reshape(-1)
    return jax.tree.map(lambda leaf: leaf[rows], inputs)


def num_blocks(config: Config) -> int:
    """Of a batch; a block has two rows at least."""
    return math.gcd(_BLOCKS, config.batch // 2)


def move_slowly(momentum: float, slow: SymTime, model: SymTime) -> SymTime:
    """The slow copy, a little nearer to the model."""
    return jax.tree.map(lambda old, new: momentum * old + (1 - momentum) * new, slow, model)


def ramp(config: Config, state: State) -> Float[Array, ""]:
    """Weight of the slow copy's judgement in this step."""
    done = state.step.astype(jnp.float32) / max(config.distillation_ramp, 1)
    part = jnp.minimum(done, 1) if config.distillation_ramp else jnp.float32(1)
    return config.distillation * part


def bounded(config: Config, model: SymTime) -> SymTime:
    """The model with its temperature within bounds."""
    low, high = np.log(config.min_temperature), np.log(config.max_temperature)
    clip = lambda value: jnp.clip(value, float(low), float(high))
    return eqx.tree_at(lambda model: model.log_temperature, model, replace_fn=clip)


def norm_of(tree: Any) -> Float[Array, ""]:
    """The norm of all leaves together."""
    return jnp.sqrt(sum((jnp.square(leaf).sum() for leaf in jax.tree.leaves(tree)), jnp.float32(0)))


def share_rows(has_series: Array, has_symbols: Array) -> dict[str, Float[Array, ""]]:
    """Shares of rows that are left out, of those that were drawn or given."""
    share = lambda flags: flags.astype(jnp.float32).mean()
    usable, whole = share(has_series), share(has_symbols)
    lost = (usable - whole) / jnp.maximum(usable, 1e-9)
    return {"rows_unusable": 1 - usable, "rows_too_long": lost}


def check_state(config: Config, state: State) -> None:
    """Refuse a state that was made for another model."""
    names = [field.name for field in dataclasses.fields(Config)]
    pairs = {name: (getattr(config, name), getattr(state.model.config, name)) for name in names}
    told = ", ".join(f"{n}={new!r}, not {old!r}" for n, (new, old) in pairs.items() if new != old)
    if told:
        raise ValueError(
            f"train_step(config with {told}): must be the config that the state was made for. Pass "
            "state.model.config, or make a state with init."
        )


def with_automatic_axes(mesh: Mesh | None) -> Mesh | None:
    """The mesh as shardings within steps are written for; `jax.make_mesh` makes another kind."""
    return None if mesh is None else Mesh(mesh.devices, mesh.axis_names)


def check_mesh(config: Config, mesh: Mesh | None, axis: str) -> None:
    """Refuse a mesh over which a batch cannot be spread."""
    if mesh is None:
        return
    if axis not in mesh.shape:
        raise ValueError(f"train_step(axis={axis!r}): {checks.unknown(axis, map(str, mesh.shape))}")
    devices, blocks = mesh.shape[axis], num_blocks(config)
    if blocks % devices or (config.batch // config.masked_every) % devices:
        raise ValueError(
            f"train_step(mesh of {devices} devices, batch={config.batch}): the devices must divide "
            f"{blocks}, the blocks of a batch, and batch / masked_every, because each has an equal "
            "share. Take 1, 2, 4 or 8 devices and a batch that is a multiple of 16."
        )

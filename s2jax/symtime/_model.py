"""Both encoders, and where series and symbols meet."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.symtime._config import Config
from s2jax.symtime._layers import Linear, Statistics, with_statistics
from s2jax.symtime._series import SeriesEncoder
from s2jax.symtime._symbols import SymbolEncoder
from s2jax.symtime._views import Inputs


class Encoded(NamedTuple):
    """What an encoder says of rows.

    Attributes:
        features: Of [CLS], which comes first, and of every patch or word after it.
        projected: [CLS] as a unit vector in the space in which series and symbols are compared.
    """

    features: Float[Array, "batch places width"]
    projected: Float[Array, "batch projection"]


class SymTime(eqx.Module):
    """All weights of a model, a pytree.

    Attributes:
        series, symbols: The encoders.
        reconstruct: From features of a patch to its outputs.
        tell_words: From [CLS] of a series to what is added to every word; None if words are told
            nothing.
        project_series, project_symbols: From [CLS] to the common space.
        log_temperature: Of the contrast.
        config: What it was made for. Static.

    Raises:
        TypeError: If `key` is not one typed key, or `config` no `Config`.

    Example:
        >>> model = SymTime(jax.random.key(0), Config.tiny(length=64))
        >>> sum(leaf.size for leaf in jax.tree.leaves(model)) > 50_000
        True
    """

    series: SeriesEncoder
    symbols: SymbolEncoder
    reconstruct: Linear
    tell_words: Linear | None
    project_series: Linear
    project_symbols: Linear
    log_temperature: Float[Array, ""]
    config: Config = eqx.field(static=True)

    def __init__(self, key: PRNGKey, config: Config):
        checks.check_key("SymTime", key)
        check_config("SymTime", config)
        keys = jax.random.split(key, 6)
        self.config = config
        self.series, self.symbols = SeriesEncoder(keys[0], config), SymbolEncoder(keys[1], config)
        size = config.num_outputs * config.patch_length
        self.reconstruct = Linear(keys[2], config.width, size, has_bias=False)
        self.project_series = Linear(keys[3], config.width, config.projection)
        self.project_symbols = Linear(keys[4], config.symbol_width, config.projection)
        self.tell_words = None
        if config.words_see_series:
            self.tell_words = Linear(keys[5], config.width, config.symbol_width)
        self.log_temperature = jnp.asarray(np.log(config.temperature), jnp.float32)


def check_config(owner: str, config: object) -> None:
    """Refuse what is no `Config` of this folder; another one draws data."""
    if not isinstance(config, Config):
        raise TypeError(
            f"{owner}(config={checks.shown(config)}): must be a symtime.Config, which says what "
            "the model is. Pass for example s2jax.symtime.Config.tiny()."
        )


def encode_series(
    model: SymTime,
    inputs: Inputs,
    hidden: Bool[Array, "batch patches"] | None = None,
) -> Encoded:
    """Features of series; works inside jit.

    Args:
        model: The weights.
        inputs: What `to_inputs` made of a batch.
        hidden: Patches whose outputs are hidden, and which no other patch sees. None hides none.

    Example:
        >>> import s2jax
        >>> config = Config.tiny(length=64)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> model = SymTime(jax.random.key(1), config)
        >>> encoded = encode_series(model, s2jax.symtime.to_inputs(config, batch))
        >>> encoded.features.shape, encoded.projected.shape
        ((4, 5, 48), (4, 128))
    """
    return run_series(model, inputs, hidden, None)[0]


def encode_symbols(model: SymTime, inputs: Inputs) -> Encoded:
    """Features of rows of words; works inside jit.

    Args:
        model: The weights.
        inputs: What `to_inputs` made of a batch. A row whose words do not fit is all padding, and
            so are its features.

    Example:
        >>> import s2jax
        >>> config = Config.tiny(length=64)
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> model = SymTime(jax.random.key(1), config)
        >>> encode_symbols(model, s2jax.symtime.to_inputs(config, batch)).features.shape
        (4, 48, 48)
    """
    return run_symbols(model, inputs.ids, None)


def run_series(
    model: SymTime, inputs: Inputs, hidden: Bool[Array, "batch patches"] | None,
    key: PRNGKey | None, only_cls: bool = False,
) -> tuple[Encoded, tuple[Statistics, Statistics]]:  # fmt: skip
    """Features of series, and new statistics of batch norms; with a key as in training."""
    patches, sees = inputs.patches, inputs.is_there
    if hidden is not None:
        is_output = np.arange(patches.shape[1]) >= patches.shape[1] - model.config.num_outputs
        hide = hidden[:, None, :, None] & is_output[None, :, None, None]
        patches, sees = jnp.where(hide, 0, patches), sees & ~hidden
    patches = patches.astype(model.config.precision)
    features, statistics = model.series(patches, sees, inputs.scales, key, only_cls)
    features = features.astype(jnp.float32)
    return Encoded(features, unit(model.project_series(features[:, 0]))), statistics


def run_symbols(
    model: SymTime, ids: Int[Array, "batch tokens"], key: PRNGKey | None,
    cls: Float[Array, "batch width"] | None = None, only_cls: bool = False,
) -> Encoded:  # fmt: skip
    """Features of words, told of series if [CLS] of these is given; with a key as in training."""
    # a row without words sees its first place, lest it see none
    sees = (ids != model.config.vocabulary.pad) | (jnp.arange(ids.shape[1]) == 0)
    told = None if cls is None or model.tell_words is None else model.tell_words(cls)
    dtype = jnp.dtype(model.config.precision)
    features = model.symbols(ids, sees, told, dtype, key, only_cls)
    features = features.astype(jnp.float32)
    return Encoded(features, unit(model.project_symbols(features[:, 0])))


def unit(x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
    """x in units of its length."""
    return x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + 1e-12)


def is_learnt(model: Any) -> Any:
    """True in place of every weight, False in place of running statistics."""

    def judge(path: tuple, leaf: object) -> bool:
        name = getattr(path[-1], "name", "")
        return eqx.is_inexact_array(leaf) and not name.startswith("running_")

    return jax.tree_util.tree_map_with_path(judge, model)


def with_series_statistics(model: SymTime, statistics: tuple[Statistics, Statistics]) -> SymTime:
    """The model with new running statistics."""
    layers = with_statistics(model.series.layers, statistics)
    return eqx.tree_at(lambda model: model.series.layers, model, layers)

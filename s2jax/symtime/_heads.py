"""Heads on the series encoder: what it has learnt, turned to forecasts, gaps and classes."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.symtime._layers import Linear, Statistics, with_statistics
from s2jax.symtime._model import SymTime
from s2jax.symtime._series import SeriesEncoder
from s2jax.transforms import Scaled, z_score

Series = Float[Array, "batch channels time"]
Given = Float[Array | np.ndarray, "batch channels time"]
Loss = tuple[Float[Array, ""], tuple[Statistics, Statistics]]


class Body(eqx.Module):
    """The first layers of a series encoder, on patches of real series that overlap.

    Series are z-scored one by one over what is there of them ("instance norm"). Patches end with
    the series; what they lack before its first value is missing, and a patch of which nothing is
    there is not attended to, as hidden ones in pre-training.

    Attributes:
        encoder: With the layers that are kept.
        length: Steps of a series. Static.
        patch_length, stride: Steps of a patch, and between patches. Static.
        is_joint: Whether all channels are one sequence, one after another, or each has its own.
    """

    encoder: SeriesEncoder
    length: int = eqx.field(static=True)
    patch_length: int = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    is_joint: bool = eqx.field(static=True)

    def __init__(
        self, owner: str, model: SymTime, length: int, num_layers: int | None, stride: int | None,
        is_joint: bool = False,
    ):  # fmt: skip
        _check_model(owner, model)
        config = model.config
        patch, layers = config.patch_length, config.num_layers
        stride = max(patch // 2, 1) if stride is None else stride
        num_layers = layers if num_layers is None else num_layers
        checks.check_static_integer(owner, "length", length, 2)
        checks.check_static_integer(owner, "num_layers", num_layers, 1, layers)
        checks.check_static_integer(owner, "stride", stride, 1, patch)
        first = jax.tree.map(lambda leaf: leaf[:num_layers], model.series.layers)
        self.encoder = eqx.tree_at(lambda encoder: encoder.layers, model.series, first)
        self.length, self.patch_length, self.stride = length, patch, stride
        self.is_joint = is_joint

    @property
    def num_patches(self) -> int:
        """Of one channel."""
        return -(-max(self.length - self.patch_length, 0) // self.stride) + 1

    def num_features(self, channels: int = 1) -> int:
        """Of all places of a sequence, with [CLS]."""
        return (1 + channels * self.num_patches) * len(self.encoder.cls)

    def __call__(
        self, series: Series, key: PRNGKey | None
    ) -> tuple[Float[Array, "sequences features"], Scaled, tuple[Statistics, Statistics]]:
        """All features of every sequence, the scaled series, and new statistics of norms."""
        rows, channels, _ = series.shape
        seen = jnp.isfinite(series)
        scaled = z_score(jnp.where(seen, series, 0), seen)
        sequences = (rows, channels) if self.is_joint else (rows * channels, 1)
        join = lambda patches: patches.reshape(sequences[0], -1, self.patch_length)
        patches, is_there = join(self._cut(scaled.series)), join(self._cut(seen)).any(-1)
        features, statistics = self.encoder(patches[:, None], is_there, None, key)
        return features.reshape(sequences[0], -1), scaled, statistics

    def _cut(self, series: Any) -> Any:
        """Patches that overlap, the last one at the end."""
        starts = np.arange(self.num_patches)[:, None] * self.stride
        places = starts + np.arange(self.patch_length)
        before = int(places[-1, -1]) + 1 - self.length
        wide = jnp.pad(series, ((0, 0), (0, 0), (before, 0)))
        return wide[..., places]


class AbstractHead(eqx.Module):
    """A network that is fine-tuned: a body, one linear map, and what a guess costs.

    Attributes:
        body: What reads the series.
        out: From all of its features to what is asked for.
    """

    body: eqx.AbstractVar[Body]
    out: eqx.AbstractVar[Linear]

    @abc.abstractmethod
    def loss(self, series: Series, targets: Any, key: PRNGKey | None) -> Loss:
        """What guesses cost, and new statistics of norms; with a key as in training."""

    @abc.abstractmethod
    def check(self, call: str, series: Any, targets: Any) -> None:
        """Refuse data of other shapes than are read and guessed."""

    def with_statistics(self, statistics: tuple[Statistics, Statistics]) -> Any:
        """The head with new running statistics."""
        layers = with_statistics(self.body.encoder.layers, statistics)
        return eqx.tree_at(lambda head: head.body.encoder.layers, self, layers)


class AbstractChannelHead(AbstractHead):
    """A head that guesses values of each channel by itself, on the scale of what is read."""

    def guess(
        self, series: Series, key: PRNGKey | None
    ) -> tuple[Float[Array, "batch channels values"], Scaled, tuple[Statistics, Statistics]]:
        """Guesses of scaled series, the scaling, and new statistics of norms."""
        features, scaled, statistics = self.body(series, key)
        return self.out(features).reshape(*series.shape[:2], -1), scaled, statistics

    def guess_unscaled(self, series: Series) -> Float[Array, "batch channels values"]:
        """Guesses in the units of the series."""
        guess, scaled, _ = self.guess(series, None)
        return guess * scaled.scale[..., None] + scaled.shift[..., None]

    def error(
        self, series: Series, targets: Any, asked: Bool[Array, "..."], key: PRNGKey | None
    ) -> Loss:
        """The mean squared error where it is asked for, in units of the deviation of what is
        read."""
        guess, scaled, statistics = self.guess(series, key)
        known = (targets - scaled.shift[..., None]) / scaled.scale[..., None]
        square = jnp.where(asked, jnp.square(guess - jnp.where(asked, known, 0)), 0)
        number = jnp.maximum(asked.sum(dtype=jnp.int32), 1).astype(square.dtype)
        return square.sum() / number, statistics


class Forecaster(AbstractChannelHead):
    """What follows a series: instance norm, series encoder, one linear map of all its features.

    Each channel is forecast by itself. NaN is what is missing.

    Args:
        key: Of the first weights of the linear map.
        model: What was pre-trained, such as `read_run(path).state.slow`; or a new `SymTime`, to
            compare with. Of channels "y" and one output.
        length: Steps that are read; another one than in pre-training is fine.
        horizon: Steps that are forecast.
        num_layers: How many of the encoder's first layers are kept; the paper keeps two or three
            of six. By default all.
        stride: Steps between patches; by default half a patch, so that they overlap.

    Raises:
        TypeError, ValueError: If an argument is of the wrong kind or out of range, or the model
            reads an input too.

    Example:
        >>> import jax, numpy as np
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64, channels="y", order="time")
        >>> model = symtime.SymTime(jax.random.key(0), config)
        >>> forecaster = Forecaster(jax.random.key(1), model, length=48, horizon=12)
        >>> forecaster(np.ones((5, 2, 48), np.float32)).shape
        (5, 2, 12)

    References:
        Wang et al. 2025, "SymTime: a series-symbol foundation model", NeurIPS.
    """

    body: Body
    out: Linear

    def __init__(
        self, key: PRNGKey, model: SymTime, length: int, horizon: int, *,
        num_layers: int | None = None, stride: int | None = None,
    ):  # fmt: skip
        checks.check_key("Forecaster", key)
        checks.check_static_integer("Forecaster", "horizon", horizon, 1)
        self.body = Body("Forecaster", model, length, num_layers, stride)
        self.out = Linear(key, self.body.num_features(), horizon)

    def __call__(self, series: Given) -> Float[Array, "batch channels horizon"]:
        """Forecasts in the units of the series; works inside jit."""
        check_series("Forecaster", self.body, series)
        return self.guess_unscaled(jnp.asarray(series))

    def loss(
        self, series: Series, targets: Float[Array, "batch channels horizon"],
        key: PRNGKey | None,
    ) -> Loss:  # fmt: skip
        """The mean squared error in units of the deviation of what was read."""
        return self.error(series, targets, jnp.isfinite(targets), key)

    def check(self, call: str, series: Any, targets: Any) -> None:
        check_series(call, self.body, series)
        horizon = self.out.weight.shape[-1]
        check_targets(call, targets, (*series.shape[:2], horizon), "what follows every series")


class Imputer(AbstractChannelHead):
    """A series without gaps: instance norm, series encoder, one linear map of all its features.

    Each channel is filled by itself. NaN is what is missing; what is there stays as it is.

    Args:
        key: Of the first weights of the linear map.
        model, length, num_layers, stride: As of a `Forecaster`.

    Raises:
        TypeError, ValueError: As of a `Forecaster`.

    Example:
        >>> import jax, numpy as np
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64, channels="y", order="time")
        >>> model = symtime.SymTime(jax.random.key(0), config)
        >>> series = np.sin(np.arange(48, dtype=np.float32))[None, None]
        >>> gaps = np.where(np.arange(48) < 8, np.nan, series)
        >>> filled = Imputer(jax.random.key(1), model, length=48)(gaps)
        >>> bool(np.isfinite(filled).all()), bool((filled == series)[..., 8:].all())
        (True, True)
    """

    body: Body
    out: Linear

    def __init__(
        self, key: PRNGKey, model: SymTime, length: int, *, num_layers: int | None = None,
        stride: int | None = None,
    ):  # fmt: skip
        checks.check_key("Imputer", key)
        self.body = Body("Imputer", model, length, num_layers, stride)
        self.out = Linear(key, self.body.num_features(), length)

    def __call__(self, series: Given) -> Series:
        """The series with guesses in place of NaN; works inside jit."""
        check_series("Imputer", self.body, series)
        series = jnp.asarray(series)
        return jnp.where(jnp.isfinite(series), series, self.guess_unscaled(series))

    def loss(self, series: Series, targets: Series, key: PRNGKey | None) -> Loss:
        """The mean squared error of what is missing, in units of the deviation of the rest."""
        return self.error(series, targets, jnp.isfinite(targets) & ~jnp.isfinite(series), key)

    def check(self, call: str, series: Any, targets: Any) -> None:
        check_series(call, self.body, series)
        check_targets(call, targets, series.shape, "the series without gaps")


class Classifier(AbstractHead):
    """Logits of classes: instance norm, series encoder, one linear map of all its features.

    Patches of all channels are one sequence, one channel after another. NaN is what is missing.

    Args:
        key: Of the first weights of the linear map.
        model, length: As of a `Forecaster`.
        channels: Of a row.
        num_classes: How many.
        num_layers, stride: As of a `Forecaster`.

    Raises:
        TypeError, ValueError: As of a `Forecaster`.

    Example:
        >>> import jax, numpy as np
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64, channels="y", order="time")
        >>> model = symtime.SymTime(jax.random.key(0), config)
        >>> classifier = Classifier(jax.random.key(1), model, length=48, channels=2, num_classes=3)
        >>> classifier(np.ones((5, 2, 48), np.float32)).shape
        (5, 3)
    """

    body: Body
    out: Linear

    def __init__(
        self, key: PRNGKey, model: SymTime, length: int, channels: int, num_classes: int, *,
        num_layers: int | None = None, stride: int | None = None,
    ):  # fmt: skip
        checks.check_key("Classifier", key)
        checks.check_static_integer("Classifier", "channels", channels, 1)
        checks.check_static_integer("Classifier", "num_classes", num_classes, 2)
        self.body = Body("Classifier", model, length, num_layers, stride, is_joint=True)
        self.out = Linear(key, self.body.num_features(channels), num_classes)

    def __call__(self, series: Given) -> Float[Array, "batch classes"]:
        """Logits; works inside jit."""
        self._check("Classifier", series)
        return self.out(self.body(jnp.asarray(series), None)[0])

    def loss(self, series: Series, targets: Int[Array, " batch"], key: PRNGKey | None) -> Loss:
        """The cross entropy in nats."""
        features, _, statistics = self.body(series, key)
        logs = jax.nn.log_softmax(self.out(features))
        return -jnp.take_along_axis(logs, targets[:, None], axis=1).mean(), statistics

    def check(self, call: str, series: Any, targets: Any) -> None:
        self._check(call, series)
        check_targets(call, targets, series.shape[:1], "numbers of classes")
        classes = self.out.weight.shape[-1]
        integers = jnp.issubdtype(targets.dtype, jnp.integer)
        if not integers or int(targets.min()) < 0 or int(targets.max()) >= classes:
            raise ValueError(
                f"{call}(targets of {targets.dtype}): must be integers from 0 to {classes - 1}, "
                f"because there are {classes} classes. Number them with np.unique(labels, "
                "return_inverse=True)."
            )

    def _check(self, call: str, series: Any) -> None:
        check_series(call, self.body, series)
        sequence = self.body.num_features(series.shape[1])
        if sequence != self.out.weight.shape[-2]:
            raise ValueError(
                f"{call}(series of {series.shape[1]} channels): must have as many as the "
                "classifier was made for. Pass Classifier(channels=...) that number."
            )


def check_series(call: str, body: Body, series: Any) -> None:
    """Refuse series of another shape than a head was made for."""
    if series.ndim != 3 or series.shape[-1] != body.length:
        raise ValueError(
            f"{call}(series of shape {series.shape}): must be (rows, channels, {body.length}), "
            "because the head was made for that length. Pass series[:, None] if each has one "
            "channel, or make a head of another length."
        )
    if not jnp.issubdtype(series.dtype, jnp.floating):
        raise TypeError(
            f"{call}(series of {series.dtype}): must be floats. Pass series.astype('float32')."
        )


def check_targets(call: str, targets: Any, shape: tuple[int, ...], what: str) -> None:
    """Refuse targets of another shape than is guessed."""
    if targets.shape != shape:
        raise ValueError(
            f"{call}(targets of shape {targets.shape}): must be of shape {shape}, because they are "
            f"{what}. Pass one for each row of the series."
        )


def _check_model(owner: str, model: Any) -> None:
    """Refuse what reads more than a series."""
    if not isinstance(model, SymTime):
        raise TypeError(
            f"{owner}(model={checks.shown(model)}): must be a SymTime, whose series encoder is "
            "tuned. Pass read_run(path).state.slow, or a new symtime.SymTime(key, config)."
        )
    config = model.config
    if config.channels != "y" or config.num_outputs != 1:
        raise ValueError(
            f"{owner}(model of channels={config.channels!r}, num_outputs={config.num_outputs}): "
            "must read one output alone, because a series of the world comes without the input "
            "that it is a function of. Pre-train with channels='y' and order='time': `s2jax "
            "pretrain run --model.channels y --model.order time`."
        )

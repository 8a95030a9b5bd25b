"""What an augmentation is: the series of a batch, changed at random, row by row."""

import abc
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.contract import check_series, explaining_traced
from s2jax.core.part import Part, check_part
from s2jax.core.random import fold_in, random_bits, uniform, words_of
from s2jax.core.streams import named
from s2jax.core.types import Number, PRNGKey, Words, as_float
from s2jax.inputs import Draws

_CALL = "augment(draws, series)"


def probability(default: float):
    """The field `probability` of an augmentation; it is given by name."""
    return eqx.field(converter=as_float, default=default, kw_only=True)


class AbstractAugmentation(Part):
    """A random change of the series of a batch: `augmentation(key, series)`.

    Row i depends on `fold_in(key, i)` and itself alone, unless it is mixed with others: the first 5
    of 64 rows come out as 5 rows do, but for the last digits of sums. Rows are changed with a
    probability of their own, all their channels or none; the others keep their bits. What moves
    values in time is drawn for a row, not a channel: channels stay aligned, and so do
    `augmentation(key, batch.x)` and `augmentation(key, batch.y)` of one key.

    Numbers are leaves: changing them does not recompile. Series must have no missing values.
    """

    noun = "an augmentation"
    example = "s2jax.augment.TimeWarp()"

    probability: Number = probability(1.0)

    def __check_init__(self):
        checks.check_number(type(self).__name__, "probability", self.probability, 0, 1)

    def __call__(self, key: PRNGKey, series: Any) -> Float[Array, "..."]:
        """Series of the same shape and dtype, changed.

        Args:
            key: One typed key; not consumed.
            series: Floats of JAX or NumPy, (rows, channels, time), as those of a `Batch`;
                (rows, time) are rows of one channel, and (time,) is one of them.

        Raises:
            TypeError: If `key` is not one typed key, or `series` not numbers.
            ValueError: If the series are of another shape, or too short.
        """
        owner = type(self).__name__
        checks.check_key(owner, key)
        series = checks.as_floats(owner, "series", series)
        if not 1 <= series.ndim <= 3 or series.shape[-1] < 2:
            raise ValueError(
                f"{owner}(series of shape {series.shape}): must be of shape (rows, channels, time),"
                " (rows, time) or (time,), of at least two times, because rows have numbers. "
                "Reshape it to these axes; one row of several channels is series[None]."
            )
        self.check_length(series.shape[-1])
        return _augment(self, words_of(key), series)

    def check_length(self, length: int) -> None:
        """Raise a `ValueError` if series of this length cannot be changed so."""

    def augment_some(
        self, words: Words, series: Float[Array, "rows channels time"]
    ) -> Float[Array, "rows channels time"]:
        """All rows, of which some are changed."""
        bits = random_bits(words, 1, named("augment", "happens"))[0]
        happens = uniform(bits) < jnp.asarray(self.probability).astype(jnp.float32)
        return jnp.where(happens[:, None, None], self.augment_rows(words, series), series)

    @abc.abstractmethod
    def augment_rows(
        self, words: Words, series: Float[Array, "rows channels time"]
    ) -> Float[Array, "rows channels time"]:
        """All rows changed, with one raw key each."""


@partial(jax.jit, inline=True)
def _augment(augmentation: AbstractAugmentation, words: Words, series: Array) -> Array:
    channels = series.shape[1] if series.ndim == 3 else 1
    rows = series.reshape(-1, channels, series.shape[-1])
    own = fold_in(words[None], jnp.arange(len(rows), dtype=jnp.uint32))
    return augmentation.augment_some(own, rows).reshape(series.shape)


class AbstractRowAugmentation(AbstractAugmentation):
    """An augmentation that is written for one row, of shape (channels, time).

    One of your own is a subclass with `augment`, in ordinary JAX. It draws from named streams.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> class Roll(AbstractRowAugmentation):
        ...     def augment(self, draws, series):
        ...         shift = draws.integers("shift", 0, series.shape[-1])
        ...         return jnp.roll(series, shift, axis=-1)
        >>> Roll(probability=0.5)(jax.random.key(0), jnp.ones((8, 2, 16))).shape
        (8, 2, 16)
    """

    @abc.abstractmethod
    def augment(
        self, draws: Draws, series: Float[Array, "channels time"]
    ) -> Float[Array, "channels time"]:
        """The row, changed."""

    def augment_rows(self, words, series):
        return _map(self, words, series)


class AbstractChannelAugmentation(AbstractAugmentation):
    """An augmentation that is written for one channel, of shape (time,); each draws its own.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> class Noise(AbstractChannelAugmentation):
        ...     level: float = 0.1
        ...
        ...     def augment(self, draws, series):
        ...         return series + self.level * draws.normal("noise", series.shape)
        >>> Noise(level=0.2)(jax.random.key(0), jnp.ones((8, 2, 16))).shape
        (8, 2, 16)
    """

    @abc.abstractmethod
    def augment(self, draws: Draws, series: Float[Array, " time"]) -> Float[Array, " time"]:
        """The channel, changed."""

    def augment_rows(self, words, series):
        number = jnp.arange(series.shape[1], dtype=jnp.uint32)
        own = fold_in(words[:, None], number[None]).reshape(-1, 2)
        return _map(self, own, series.reshape(-1, series.shape[-1])).reshape(series.shape)


def _map(augmentation: Any, words: Words, items: Float[Array, "items *item"]) -> Array:
    """Items changed one by one, as their augmentation is written."""

    def change(words, item):
        new = augmentation.augment(Draws(words, "augment.item"), item)
        return check_series(augmentation, _CALL, new, item.shape).astype(item.dtype)

    with explaining_traced(augmentation):
        return jax.vmap(change)(words, items)


class Compose(AbstractAugmentation):
    """One augmentation after the other, each with a stream of its own.

    Attributes:
        parts: The augmentations. The probability of each is given that of the whole.

    Raises:
        TypeError: If one is no augmentation.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import augment
        >>> both = Compose([augment.TimeWarp(), augment.ValueFlip(probability=0.5)])
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> both(jax.random.key(1), batch.y).shape
        (4, 1, 64)
    """

    parts: tuple[AbstractAugmentation, ...] = ()

    def __init__(self, parts=(), *, probability=1.0):
        if not isinstance(parts, (list, tuple)):
            raise TypeError(
                f"Compose(parts={checks.shown(parts)}): must be a list of augmentations. Pass "
                f"[{self.example}, s2jax.augment.ValueFlip()]."
            )
        self.parts, self.probability = tuple(parts), as_float(probability)

    def __check_init__(self):
        for number, part in enumerate(self.parts):
            check_part("Compose", f"parts[{number}]", part, AbstractAugmentation)

    def check_length(self, length: int) -> None:
        for part in self.parts:
            part.check_length(length)

    def augment_rows(self, words, series):
        for number, part in enumerate(self.parts):
            series = part.augment_some(fold_in(words, number), series)
        return series

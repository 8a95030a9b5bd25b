"""What an input family is: a law of parameters, and the law of a series given its parameters.

A family is written for one channel; the base draws many at once.
"""

import abc
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from s2jax.core import checks
from s2jax.core.contract import check_law, check_series, explaining_traced
from s2jax.core.part import Part
from s2jax.core.random import fold_in, words_of
from s2jax.core.types import PRNGKey, Words
from s2jax.inputs._draws import Draws


class Drawn(NamedTuple):
    """Series of one family, and what they were drawn from.

    Attributes:
        series: Not scaled: `(n, time)`, or `(n, channels, time)` where a family makes whole rows.
        law: What `law` drew for each of them: its arrays with an axis of n before their own.
    """

    series: Float[Array, "..."]
    law: Any


class AbstractFamily(Part):
    """What inputs are drawn from: `AbstractInput` and `AbstractRowInput` say how."""

    noun = "an input family"
    example = "s2jax.inputs.ARMA()"

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, (list, tuple)) and any(isinstance(part, Part) for part in given):
            return "Put several families into s2jax.inputs.Choice([...])."
        if np.ndim(given) and not isinstance(given, str):
            return "Wrap series of your own in s2jax.inputs.Given(series)."
        return super().way_out(given)

    def check_length(self, length: int) -> None:
        """Raise a `ValueError` if series of this length cannot be drawn."""

    def check_channels(self, channels: int) -> None:
        """Raise a `ValueError` if rows of so many channels cannot be drawn."""


class AbstractInput(AbstractFamily):
    """A law of input series, written for one channel; the channels of a row are independent.

    A family of one's own is a class with fields, which are its numbers, and two methods in ordinary
    JAX. `law` draws what the series depends on and returns it as a pytree of arrays, which rows
    keep as their ground truth; `series` draws the series given it. `s2jax.register` makes the class
    known to feeds, corpora and the command line.

    Raises:
        TypeError: At first use, if the law holds something else than arrays of numbers, or the
            series are no floats.
        ValueError: At first use, if a series has another shape than `(length,)`, or a name is drawn
            twice.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> class Sine(AbstractInput):
        ...     noise: float = 0.1
        ...
        ...     def law(self, draws, length):
        ...         return {"period": draws.log_uniform("period", 4, length)}
        ...
        ...     def series(self, law, draws, length):
        ...         wave = jnp.sin(2 * jnp.pi * jnp.arange(0.0, length) / law["period"])
        ...         return wave + self.noise * draws.normal("noise", (length,))
        >>> drawn = Sine().sample(jax.random.key(0), n=3, length=64)
        >>> drawn.series.shape, drawn.law["period"].shape
        ((3, 64), (3,))
    """

    @abc.abstractmethod
    def law(self, draws: Draws, length: int) -> Any:
        """Draw what is drawn once: a pytree of arrays of any dtype."""

    @abc.abstractmethod
    def series(self, law: Any, draws: Draws, length: int) -> Float[Array, " time"]:
        """Draw the series given its law. Names are others than those of `law`, even if alike."""

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> Any:
        """The laws of many channels, one raw key each; arrays have the channel axis first.

        What is overridden for speed has the same law as one channel after another.
        """
        one = lambda words: check_law(self, self.law(Draws(words, "law"), length))
        with explaining_traced(self):
            return jax.vmap(one)(words)

    def draw_series(
        self, laws: Any, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        """The series of many channels given their laws, time first; see `draw_laws`."""

        def one(law, words):
            series = self.series(law, Draws(words, "series"), length)
            return check_series(self, "series(law, draws, length)", series, (length,))

        with explaining_traced(self):
            return jax.vmap(one, out_axes=1)(laws, words)

    def sample(self, key: PRNGKey, n: int, length: int) -> Drawn:
        """Draw n series of this family alone, not scaled.

        Args:
            key: One typed key; not consumed.
            n: Number of series. Static.
            length: Time steps. Static.

        Example:
            >>> import jax, s2jax
            >>> drawn = s2jax.inputs.ARMA().sample(jax.random.key(0), n=4, length=32)
            >>> drawn.series.shape, drawn.law.ar.shape
            ((4, 32), (4, 3))
        """

        return _sample(self, key, n, None, length)


class AbstractBatchedSeries(AbstractInput):
    """A family whose series are made for many channels at once; one channel is a batch of one."""

    def series(self, law: Any, draws: Draws, length: int) -> Float[Array, " time"]:
        one = jax.tree.map(lambda leaf: leaf[None], law)
        return self.draw_series(one, draws.words[None], length)[:, 0]

    @abc.abstractmethod
    def draw_series(
        self, laws: Any, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        """The series of many channels given their laws, time first."""


class AbstractBatched(AbstractBatchedSeries):
    """A family whose laws too are drawn for many channels at once."""

    def law(self, draws: Draws, length: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[0], self.draw_laws(draws.words[None], length))

    @abc.abstractmethod
    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> Any:
        """The laws of many channels, one raw key each; arrays have the channel axis first."""


class AbstractRowInput(AbstractFamily):
    """A law of all input channels of a row as one, for channels that depend on each other.

    As `AbstractInput`, for `(channels, time)`: the methods are told how many channels there are.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> class Shared(AbstractRowInput):
        ...     def law(self, draws, channels, length):
        ...         return {"loading": draws.normal("loading", (channels,))}
        ...
        ...     def series(self, law, draws, channels, length):
        ...         own = draws.normal("own", (channels, length))
        ...         return own + law["loading"][:, None] * draws.normal("shared", (length,))
        >>> Shared().sample(jax.random.key(0), n=2, channels=3, length=64).series.shape
        (2, 3, 64)
    """

    @abc.abstractmethod
    def law(self, draws: Draws, channels: int, length: int) -> Any:
        """Draw what is drawn once for a row: a pytree of arrays of any dtype."""

    @abc.abstractmethod
    def series(
        self, law: Any, draws: Draws, channels: int, length: int
    ) -> Float[Array, "channels time"]:
        """Draw the series of all channels given their law."""

    def draw_laws(self, words: UInt32[Array, "rows 2"], channels: int, length: int) -> Any:
        """The laws of many rows, one raw key each; arrays have the row axis first."""
        one = lambda words: check_law(self, self.law(Draws(words, "law"), channels, length))
        with explaining_traced(self):
            return jax.vmap(one)(words)

    def draw_series(
        self, laws: Any, words: UInt32[Array, "rows 2"], channels: int, length: int
    ) -> Float[Array, "rows channels time"]:
        """The series of many rows given their laws."""

        def one(law, words):
            series = self.series(law, Draws(words, "series"), channels, length)
            call = "series(law, draws, channels, length)"
            return check_series(self, call, series, (channels, length))

        with explaining_traced(self):
            return jax.vmap(one)(laws, words)

    def draw_rows(
        self, words: UInt32[Array, "rows 2"], channels: int, length: int,
        store: Callable[[Any], Any] = lambda laws: laws,
    ) -> tuple[Any, Float[Array, "rows channels time"]]:  # fmt: skip
        """Laws, as `store` keeps them, and series of many rows.

        A family whose laws are found while its series are made overrides it.
        """
        laws = store(self.draw_laws(words, channels, length))
        return laws, self.draw_series(laws, words, channels, length)

    def sample(self, key: PRNGKey, n: int, channels: int, length: int) -> Drawn:
        """Draw n rows of this family alone, not scaled: `(n, channels, time)`."""
        checks.check_static_integer("sample", "channels", channels, 1, 2**15)
        return _sample(self, key, n, channels, length)


class AbstractBatchedRows(AbstractRowInput):
    """A family of whole rows that are made many at once; one row is a batch of one."""

    def law(self, draws: Draws, channels: int, length: int) -> Any:
        laws = self.draw_laws(draws.words[None], channels, length)
        return jax.tree.map(lambda leaf: leaf[0], laws)

    def series(
        self, law: Any, draws: Draws, channels: int, length: int
    ) -> Float[Array, "channels time"]:
        one = jax.tree.map(lambda leaf: leaf[None], law)
        return self.draw_series(one, draws.words[None], channels, length)[0]

    @abc.abstractmethod
    def draw_laws(self, words: UInt32[Array, "rows 2"], channels: int, length: int) -> Any:
        """The laws of many rows, one raw key each; arrays have the row axis first."""

    @abc.abstractmethod
    def draw_series(
        self, laws: Any, words: UInt32[Array, "rows 2"], channels: int, length: int
    ) -> Float[Array, "rows channels time"]:
        """The series of many rows given their laws."""


def _sample(
    family: AbstractFamily, key: PRNGKey, n: int, channels: int | None, length: int
) -> Drawn:
    owner = f"{type(family).__name__}.sample"
    checks.check_key(owner, key)
    checks.check_static_integer(owner, "n", n, 1, 2**30)
    checks.check_static_integer(owner, "length", length, 2, 2**24)
    family.check_length(length)
    return _draw(words_of(key), family, n, channels, length)


@partial(jax.jit, static_argnums=(2, 3, 4))
def _draw(words: Words, family: Any, n: int, channels: int | None, length: int) -> Drawn:
    """Fields of the family are traced here, as they are where a configuration is drawn."""
    words = fold_in(words, jnp.arange(n, dtype=jnp.int32))
    if channels is not None:
        laws, series = family.draw_rows(words, channels, length)
        return Drawn(series, laws)
    laws = family.draw_laws(words, length)
    return Drawn(family.draw_series(laws, words, length).T, laws)

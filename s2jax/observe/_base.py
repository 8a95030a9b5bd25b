"""What an effect of a measurement is: a law of its numbers, and what it does to a series."""

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from s2jax.core import checks
from s2jax.core.contract import check_law, check_series, explaining_traced
from s2jax.core.part import Part
from s2jax.core.random import random_bits
from s2jax.core.streams import named
from s2jax.inputs import Draws

ALWAYS = np.float32(2.0**24)
"""A time that no series reaches."""

_LAW_WORDS = 10  # random words of the law of an effect, at most


class Summary(NamedTuple):
    """What the numbers of an effect may depend on: those of the series it meets.

    Attributes:
        mean, deviation: Mean and standard deviation.
        low, high: Least and largest value.
    """

    mean: Float[Array, "*channels"]
    deviation: Float[Array, "*channels"]
    low: Float[Array, "*channels"]
    high: Float[Array, "*channels"]


def summarize(series: Float[Array, "channels time"]) -> Summary:
    """The summary of each series, in float32, as laws are."""
    mean = series.mean(-1)
    centred = series - mean[:, None]
    deviation = jnp.sqrt((centred * centred).mean(-1))
    numbers = (mean, deviation, series.min(-1), series.max(-1))
    return Summary(*(number.astype(jnp.float32) for number in numbers))


class AbstractEffect(Part):
    """Something that happens to a series when it is measured, written for one channel.

    An effect of one's own is a class with fields, which are its numbers, and two methods in
    ordinary JAX. `law` draws what the effect depends on and returns it as a pytree of arrays, which
    batches keep; `measure` changes the series given it. What it draws under a name is a function of
    the channel's key and the name, so that a record can be replayed.

    Attributes:
        hides: Whether values may be missing after it; where it is False, what `measure` says of
            this is not looked at.

    Raises:
        TypeError, ValueError: At first use, if a series comes back in another shape.

    Example:
        >>> import jax, jax.numpy as jnp, s2jax
        >>> class Echo(AbstractEffect):
        ...     strength: float = 0.5
        ...
        ...     def law(self, draws, summary, length):
        ...         return {"delay": draws.integers("delay", 1, length // 2)}
        ...
        ...     def measure(self, law, draws, series, observed):
        ...         return series + self.strength * jnp.roll(series, law["delay"]), observed
        >>> observation = s2jax.observe.Observation([Echo()], share=1.0, most=1)
        >>> measured = observation.measure(jax.random.key(0), jnp.sin(jnp.arange(64.0)))
        >>> measured.record.steps()[0][0][0]
        'echo'
    """

    noun = "an effect of a measurement"
    example = "s2jax.observe.AdditiveNoise()"

    hides: ClassVar[bool] = True

    @abc.abstractmethod
    def law(self, draws: Draws, summary: Summary, length: int) -> Any:
        """Draw what is drawn once: a pytree of arrays of any dtype."""

    @abc.abstractmethod
    def measure(
        self, law: Any, draws: Draws, series: Float[Array, " time"], observed: Bool[Array, " time"]
    ) -> tuple[Float[Array, " time"], Bool[Array, " time"]]:
        """The series as it is measured, and which of its values are there at all."""

    def check_length(self, length: int) -> None:
        """Raise a `ValueError` if series of this length cannot be measured so."""

    def draw_laws(self, words: UInt32[Array, "channels 2"], summary: Summary, length: int) -> Any:
        """The laws of many channels, one raw key each."""

        def draw(words, summary):
            return check_law(self, self.law(Draws(words, "observe.law"), summary, length))

        with explaining_traced(self):
            return jax.vmap(draw)(words, summary)

    def to_numbers(self, laws: Any) -> Any:
        """The laws of many channels as the numbers that `compute` takes."""
        return laws

    def compute(
        self, numbers: Any, words: UInt32[Array, "channels 2"],
        series: Float[Array, "channels time"], observed: Bool[Array, "channels time"],
    ) -> tuple[Array, Array]:  # fmt: skip
        """What many channels are measured as."""

        def measure(law, words, series, observed):
            call, draws = "measure(law, draws, series, observed)", Draws(words, "observe.series")
            new, seen = _as_two(self, self.measure(law, draws, series, observed))
            return check_series(self, call, new, series.shape), _check_seen(self, seen, observed)

        with explaining_traced(self):
            return jax.vmap(measure)(numbers, words, series, observed)


def _as_two(effect: AbstractEffect, found: Any) -> tuple[Any, Any]:
    """The series and what is observed, refused if they are something else."""
    if isinstance(found, tuple) and len(found) == 2:
        return found
    raise TypeError(
        f"{type(effect).__name__}.measure(...) of {checks.shown(found)}: must return two arrays, "
        "the series and what of it is observed. Return (series, observed)."
    )


def _check_seen(effect: AbstractEffect, seen: Any, observed: Array) -> Any:
    """What is observed, refused if its shape or dtype is another."""
    if getattr(seen, "shape", None) == observed.shape and seen.dtype == observed.dtype:
        return seen
    raise ValueError(
        f"{type(effect).__name__}.measure(...) with {checks.shown(seen)} as what is observed: must "
        f"be {observed.shape} booleans. Return `observed` where no value goes missing."
    )


class _Block(Draws):
    """Draws from a block of words, one after the other, whatever their names."""

    def __init__(self, block: UInt32[Array, " words"]) -> None:
        super().__init__(block[:2], "observe.law")
        self._block, self._taken = block, 0

    def bits(self, name: str, shape: tuple[int, ...] = ()) -> UInt32[Array, "..."]:
        first, self._taken = self._taken, self._taken + math.prod(shape)
        assert self._taken <= len(self._block), "a law takes as many words as there are at most"
        return self._block[first : self._taken].reshape(shape)


class AbstractShared(AbstractEffect):
    """An effect that is a special case of a computation for many: its law becomes the numbers of
    that, which other effects of the kind leave at values that do nothing.

    What is computed for several kinds of effects at once is compiled once.
    """

    hides: ClassVar[bool] = False

    def draw_laws(self, words, summary, length):
        # the same call for all of them, which is compiled once
        block = random_bits(words, _LAW_WORDS, named("observe.law", "numbers"))
        draw = lambda bits, summary: self.law(_Block(bits), summary, length)
        return jax.vmap(draw, in_axes=(1, 0))(block, summary)

    def measure(self, law, draws, series, observed):
        one = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], law)
        series, observed = self.compute(
            self.to_numbers(one), draws.words[None], series[None], observed[None]
        )
        return series[0], observed[0]

    @abc.abstractmethod
    def to_numbers(self, laws: Any) -> Any:
        """The laws of many channels as the numbers that `compute` takes."""

    @abc.abstractmethod
    def compute(self, numbers, words, series, observed) -> tuple[Array, Array]:
        """What many channels are measured as; the same function for all effects of the kind."""


def times_of(length: int) -> Float[Array, "1 time"]:
    """The numbers of the times, of one row."""
    return jnp.arange(length, dtype=jnp.float32)[None]


def fill_in(kind: type[Any], like: Array, given: Mapping[str, Array], **neutral: Any) -> Any:
    """The numbers of a computation, of which those that are not given do nothing: 0, or these."""
    rest = {name: jnp.full_like(like, neutral.get(name, 0)) for name in kind._fields}
    return kind(**(rest | dict(given)))


def is_at_start(
    time: Float[Array, "1 time"], period: Float[Array, " channels"],
    first: Float[Array, " channels"], count: Float[Array, " channels"],
) -> Bool[Array, "channels time"]:  # fmt: skip
    """Whether each time is one of the first `count` of its period; one begins at -first."""
    within = time + first[:, None] - count_blocks(time, period, first) * period[:, None]
    return within < count[:, None]


def count_blocks(
    time: Float[Array, "1 time"], size: Float[Array, " channels"], phase: Float[Array, " channels"]
) -> Float[Array, "channels time"]:
    """The number of the block of so many times that each time is in; block 0 begins at -phase.

    Half a time is added, so that no rounding takes a time across an edge below 2**22 of them.
    """
    return jnp.floor((time + phase[:, None] + 0.5) / size[:, None])

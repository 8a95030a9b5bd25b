"""When series are read: at regular times, or at irregular ones of a clock that ticks faster."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax.core import checks
from s2jax.core.contract import explaining_traced
from s2jax.core.part import Part, check_part
from s2jax.core.queue import Queue
from s2jax.core.random import fold_in, words_of
from s2jax.core.streams import TIMES
from s2jax.core.tiles import programs_at_a_time
from s2jax.core.types import Number, PRNGKey, Words, number
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    check_list,
    check_weights,
    distribution,
    stack,
)
from s2jax.inputs import Draws

MAX_TICKS = 64


class AbstractSpacing(Part):
    """How far apart the readings of one series are; a class of one's own has one method.

    Example:
        >>> import jax, jax.numpy as jnp, s2jax
        >>> class Slower(AbstractSpacing):
        ...     def distances(self, draws, count):
        ...         return jnp.linspace(1.0, draws.uniform("last", 2.0, 4.0), count)
        >>> times = s2jax.observe.Times([Slower()]).sample(jax.random.key(0), 2, 16)
        >>> bool((times[:, -1] - times[:, -2] > times[:, 1] - times[:, 0]).all())
        True
    """

    noun = "a spacing of readings"
    example = "s2jax.observe.Jitter()"

    @abc.abstractmethod
    def distances(self, draws: Draws, count: int) -> Float[Array, " count"]:
        """Distances >= 0 between readings that follow each other, in any unit.

        They are stretched to fill the span of the series, and no two readings share a tick.
        """


class Jitter(AbstractSpacing):
    """Each reading but the first and the last is a little early or late.

    Attributes:
        size: Width of the uniform law of a reading's time, in steps; with 1, readings may be
            anywhere in a step of their own.

    Raises:
        ValueError: If `size` is not between 0 and 1.

    Example:
        >>> Jitter(size=0.5).size.value
        0.5
    """

    size: AbstractDistribution = distribution(Uniform(0.3, 1.0))

    def __check_init__(self):
        check_draws("Jitter", "size", self.size, 0, 1, "readings stay in their order")

    def distances(self, draws, count):
        late = draws.sample("size", self.size) * draws.uniform("late", -0.5, 0.5, (count - 1,))
        return 1 + jnp.diff(late, prepend=0, append=0)


class Gaps(AbstractSpacing):
    """Regular readings, and gaps now and then in which there is none.

    Attributes:
        rate: Probability that a gap follows a reading.
        size: Mean length of a gap in readings that are lost; lengths are exponential.

    Raises:
        ValueError: If `rate` is not between 0 and 1, or `size` negative.

    Example:
        >>> Gaps(rate=0.1, size=10.0).size.value
        10.0
    """

    rate: AbstractDistribution = distribution(LogUniform(0.01, 0.1))
    size: AbstractDistribution = distribution(LogUniform(3.0, 30.0))

    def __check_init__(self):
        check_draws("Gaps", "rate", self.rate, 0, 1, "it is a probability")
        check_draws("Gaps", "size", self.size, 0, 1e6, "it is a number of readings")

    def distances(self, draws, count):
        is_gap = draws.bernoulli("gap", draws.sample("rate", self.rate), (count,))
        size = draws.sample("size", self.size) * draws.exponential("length", (count,))
        return jnp.where(is_gap, 1 + size, 1.0)


class Thinning(AbstractSpacing):
    """Readings come as they happen to, each whatever the others do.

    Attributes:
        size: How irregular: at 1 distances are exponential, as those of a Poisson process; at 0
            they are equal, and between the two they are in proportion.

    Raises:
        ValueError: If `size` is not between 0 and 1.

    Example:
        >>> Thinning(size=1.0).size.value
        1.0
    """

    size: AbstractDistribution = distribution(Uniform(0.3, 1.0))

    def __check_init__(self):
        check_draws("Thinning", "size", self.size, 0, 1, "distances are not negative")

    def distances(self, draws, count):
        size = draws.sample("size", self.size)
        return (1 - size) + size * draws.exponential("distance", (count,))


class Times(Part):
    """Irregular times of the readings of a row.

    All of a row, its inputs and outputs, is drawn at the ticks of a clock, of which there are
    `ticks` for each step between readings, and is then read at some of them. So what is drawn does
    not depend on when one looks: values are exact, a solution of a differential equation is that at
    the times `t`, and nothing is interpolated. Drawing takes as long as for `ticks` times as many
    regular steps. What families count in steps, and lags of causes, are ticks.

    Attributes:
        spacings: How far apart readings may be; each irregular row has one of them.
        weights: How often, relative to each other; None for all alike.
        share: Probability that a row is read at irregular times; others at every `ticks`-th tick.
        ticks: Of the clock, for each step. Static.

    Raises:
        TypeError: If one is no spacing.
        ValueError: If there are none, the weights do not fit them, `share` is no probability, or
            `ticks` not between 2 and 64.

    Example:
        >>> import jax, s2jax
        >>> times = s2jax.observe.Times([s2jax.observe.Gaps()], ticks=2)
        >>> config = s2jax.presets.s2(length=64, times=times)
        >>> batch = s2jax.sample(jax.random.key(0), config, 4)
        >>> batch.t.shape, float(batch.t[0, 0]), float(batch.t[0, -1])
        ((4, 64), 0.0, 63.0)
    """

    noun = "an s2jax.observe.Times"
    example = "s2jax.observe.Times()"

    spacings: tuple[AbstractSpacing, ...]
    weights: Sequence[float] | Float[Array, " spacings"] | None = None
    share: Number = number(1.0)
    ticks: int = eqx.field(static=True, default=4)

    def __init__(self, spacings=None, weights=None, share=1.0, ticks=4):
        spacings = (Jitter(), Gaps(), Thinning()) if spacings is None else spacings
        if not isinstance(spacings, (list, tuple)):
            raise TypeError(
                f"Times(spacings={checks.shown(spacings)}): must be a list of spacings. Pass "
                "[s2jax.observe.Jitter(), s2jax.observe.Gaps()]."
            )
        check_list("Times", "weights", weights, optional=True)
        self.spacings = tuple(spacings)
        self.weights = tuple(weights) if isinstance(weights, (list, tuple)) else weights
        self.share, self.ticks = share, ticks

    def __check_init__(self):
        for index, spacing in enumerate(self.spacings):
            check_part("Times", f"spacings[{index}]", spacing, AbstractSpacing)
        if self.weights is not None or not self.spacings:
            weights = () if self.weights is None else self.weights
            check_weights("Times", "spacings", len(self.spacings), weights)
        checks.check_number("Times", "share", self.share, 0, 1)
        checks.check_static_integer("Times", "ticks", self.ticks, 2, MAX_TICKS)

    def sample(self, key: PRNGKey, n: int, length: int) -> Float[Array, "n length"]:
        """Times alone, in steps: row i has those of `fold_in(key, i)`.

        Example:
            >>> import jax, s2jax
            >>> s2jax.observe.Times().sample(jax.random.key(0), 3, 100).shape
            (3, 100)
        """
        checks.check_key("Times.sample", key)
        checks.check_static_integer("Times.sample", "n", n, 1)
        checks.check_static_integer("Times.sample", "length", length, 2, 2**24 // self.ticks)
        row = jnp.arange(n, dtype=jnp.uint32)
        words = fold_in(jnp.broadcast_to(words_of(key), (n, 2)), row)
        return in_steps(self, draw_ticks(self, words, length, n, jax.default_backend()))


def in_steps(times: Times, tick: Int[Array, "rows time"]) -> Float[Array, "rows time"]:
    """Numbers of ticks as times, in steps."""
    return tick.astype(jnp.result_type(float)) / times.ticks


def draw_ticks(
    times: Times, words: Words, length: int, n: int, backend: str
) -> Int[Array, "rows time"]:
    """The ticks at which each row is read, of one raw key each: they rise from the first to the
    last.

    `n` is the number of rows of each key, and with `backend` says how many are drawn at a time.
    """
    rows = len(words)
    words = fold_in(words, jnp.full(rows, TIMES, jnp.uint32))
    weights = stack((1.0,) * len(times.spacings) if times.weights is None else times.weights)

    def draw(words):
        draws = Draws(words, "observe.times")
        chosen = draws.categorical("spacing", weights)
        distances = jnp.ones(length - 1, jnp.float32)
        for place, spacing in enumerate(times.spacings):
            own = _distances(spacing, draws.within(f"spacing {place}"), length - 1)
            distances = jnp.where(chosen == place, own, distances)
        is_irregular = draws.bernoulli("share", times.share)
        return jnp.where(is_irregular, _place(distances, length, times.ticks), 0), is_irregular

    def make(words):
        tick, is_irregular = jax.vmap(draw)(words)
        regular = jnp.arange(length, dtype=jnp.int32) * times.ticks
        return jnp.where(is_irregular[:, None], tick, regular)

    queue = Queue.of(jnp.zeros(rows, jnp.int32), 1)
    tile = programs_at_a_time(length, 1, n, backend)
    return queue.change_all(make, (words,), jnp.zeros((rows, length), jnp.int32), tile)


def _place(distances: Float[Array, " count"], length: int, ticks: int) -> Int[Array, " time"]:
    """Ticks in proportion to distances, at least one apart, from the first to the last."""
    room = (length - 1) * (ticks - 1)
    so_far = jnp.cumsum(distances)
    part = so_far / jnp.maximum(so_far[-1], jnp.finfo(jnp.float32).tiny)
    extra = jnp.clip(jnp.floor(part * room + 0.5), 0, room).astype(jnp.int32)
    # sums in another order than one after the other may fall by a rounding error
    extra = jax.lax.cummax(jnp.where(so_far[-1] > 0, extra, 0))
    extra = jnp.concatenate([jnp.zeros(1, jnp.int32), extra[:-1], jnp.full(1, room, jnp.int32)])
    return jnp.arange(length, dtype=jnp.int32) + extra


def _distances(spacing: AbstractSpacing, draws: Draws, count: int) -> Float[Array, " count"]:
    """What a spacing says, refused if it is something else."""
    with explaining_traced(spacing):
        found = jnp.asarray(spacing.distances(draws, count))
    if found.shape != (count,) or not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(
            f"{type(spacing).__name__}.distances(...) of shape {found.shape}, {found.dtype}: must "
            f"be {count} floats, the distances between {count + 1} readings. Draw so many."
        )
    return jnp.maximum(found.astype(jnp.float32), 0)

"""Observations: which effects a series meets when it is measured, in which order."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import Part, check_part
from s2jax.core.queue import Queue
from s2jax.core.random import below, fold_in, random_bits, uniform, words_of
from s2jax.core.streams import OBSERVED, named
from s2jax.core.tiles import programs_at_a_time
from s2jax.core.types import Number, PRNGKey, Words, number
from s2jax.distributions import check_list, check_weights, stack
from s2jax.observe._base import AbstractEffect
from s2jax.observe._blocks import Aggregate, DeadSensor, Hold
from s2jax.observe._counts import NegativeBinomialCounts, PoissonCounts
from s2jax.observe._gaps import MissingAtRandom, MissingBlocks, MissingEnd, MissingPeriodic
from s2jax.observe._groups import (
    draw_laws,
    groups_of,
    join,
    kinds_of,
    queue_of,
    split,
    width_of,
)
from s2jax.observe._maps import (
    Calendar,
    Censor,
    Clip,
    GainDrift,
    GammaWarp,
    OffsetDrift,
    Round,
)
from s2jax.observe._noise import (
    AdditiveNoise,
    Burst,
    HeavyTailedNoise,
    HeteroscedasticNoise,
    MultiplicativeNoise,
    Outliers,
)
from s2jax.observe._record import Record

FILLS = ("last", "zero", "nan")
_LEAST_OBSERVED = 0.05
_AT_END = 2**30 - 1
_SMALLEST = 1e-6  # of its largest value: variation of a series within rounding error

_NOISE = (AdditiveNoise(), MultiplicativeNoise(), HeteroscedasticNoise(), HeavyTailedNoise())
_FAULTS = (Outliers(), Burst(), DeadSensor())
_COARSE = (Hold(), Aggregate(), Round(), PoissonCounts(), NegativeBinomialCounts())
_LIMITS = (Clip(), Censor(), GammaWarp())
_SLOW = (GainDrift(), OffsetDrift(), Calendar())
_MISSING = (MissingAtRandom(), MissingBlocks(), MissingPeriodic(), MissingEnd())
EFFECTS = (*_NOISE, *_FAULTS, *_COARSE, *_LIMITS, *_SLOW, *_MISSING)
"""All effects of the library, with their defaults."""


class Measured(NamedTuple):
    """Series as they were measured.

    Attributes:
        series: What was measured; where nothing was, what the observation fills in.
        observed: True where something was measured.
        record: What was done.
    """

    series: Float[Array, "*batch time"]
    observed: Bool[Array, "*batch time"]
    record: Record


class Observation(Part):
    """What instruments do to the series of a batch: a drawn number of effects in a drawn order.

    A row is measured with the probability `share`; each of its series then meets `least`, ... or
    `most` effects, each number as likely, of which none comes twice. An effect is left out for a
    series that would not vary after it, not be finite, or have less than a twentieth of its values.

    Attributes:
        effects: What may happen.
        weights: How often, relative to each other; None for all alike.
        share: Probability that a row is measured; the others are as they are.
        most: Largest number of effects of a series; 3 by default, or fewer if there are. Static.
        least: Least number of effects of a measured series. Static.
        ordered: Whether effects that happen do so in the order in which they are listed. Static.
        fill: What stands where a value is missing: the value measured `"last"` (the first one
            before any), `"zero"`, or `"nan"`. Static.

    Raises:
        TypeError: If one is no effect.
        ValueError: If there are no effects, the weights do not fit them, `share` is no
            probability, `most` not between 1 and their number, or `fill` another word.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from s2jax import observe
        >>> observation = observe.Observation([observe.Clip(), observe.Round()], share=1.0, most=2)
        >>> measured = observation.measure(jax.random.key(0), jnp.sin(jnp.arange(64.0)))
        >>> measured.series.shape, bool(measured.observed.all())
        ((64,), True)
    """

    noun = "an s2jax.observe.Observation"
    example = "s2jax.observe.Observation()"

    effects: tuple[AbstractEffect, ...] = eqx.field(converter=tuple, default=EFFECTS)
    weights: Sequence[float] | Float[Array, " effects"] | None = None
    share: Number = number(0.5)
    most: int = eqx.field(static=True, default=3)
    fill: str = eqx.field(static=True, default="last")
    least: int = eqx.field(static=True, default=1)
    ordered: bool = eqx.field(static=True, default=False)

    def __init__(
        self, effects=EFFECTS, weights=None, share=0.5, most=None, fill="last", least=1,
        ordered=False,
    ):  # fmt: skip
        if not isinstance(effects, (list, tuple)):
            raise TypeError(
                f"Observation(effects={checks.shown(effects)}): must be a list of effects. Pass "
                "[s2jax.observe.AdditiveNoise(), s2jax.observe.Round()]."
            )
        self.effects = tuple(effects)
        check_list("Observation", "weights", weights, optional=True)
        self.weights = tuple(weights) if isinstance(weights, (list, tuple)) else weights
        self.share, self.fill, self.least, self.ordered = share, fill, least, ordered
        self.most = min(3, len(self.effects)) if most is None else most

    def __check_init__(self):
        for index, effect in enumerate(self.effects):
            check_part("Observation", f"effects[{index}]", effect, AbstractEffect)
        if self.weights is not None or not self.effects:
            weights = () if self.weights is None else self.weights
            check_weights("Observation", "effects", len(self.effects), weights)
        checks.check_number("Observation", "share", self.share, 0, 1)
        checks.check_static_integer("Observation", "most", self.most, 1, len(self.effects))
        checks.check_static_integer("Observation", "least", self.least, 1, self.most)
        checks.check_flag("Observation", "ordered", self.ordered)
        checks.check_word(f"Observation(fill={checks.shown(self.fill)})", self.fill, FILLS)

    def check_length(self, length: int) -> None:
        """Raise a `ValueError` if series of this length cannot be measured."""
        for effect in self.effects:
            effect.check_length(length)

    def measure(self, key: PRNGKey, series: Any) -> Measured:
        """Measure series of one's own.

        Args:
            key: One typed key; not consumed. Series i is measured by `fold_in(key, i)`.
            series: Floats of JAX or NumPy, with any number of axes before that of time.

        Raises:
            TypeError: If `key` is not one typed key, or `series` not numbers.
            ValueError: If the series are too short, or not finite.

        Example:
            >>> import jax, jax.numpy as jnp, s2jax
            >>> series = jnp.cumsum(jax.random.normal(jax.random.key(1), (5, 100)), axis=1)
            >>> measured = s2jax.observe.Observation(share=1.0).measure(jax.random.key(0), series)
            >>> measured.series.shape, measured.record.effect.shape
            ((5, 100), (5, 3))
        """
        checks.check_key("Observation.measure", key)
        series = checks.as_floats("Observation.measure", "series", series)
        checks.check_finite("Observation.measure", "series", series)
        if series.ndim == 0 or series.size == 0 or series.shape[-1] < 2:
            raise ValueError(
                f"Observation.measure(series of shape {series.shape}): must be series of at least "
                "two values, time last. Pass an array of shape (time,) or (n, time)."
            )
        self.check_length(series.shape[-1])
        return _measure_alone(self, words_of(key), series, jax.default_backend())

    def replay(
        self, record: Record, series: Any
    ) -> tuple[Float[Array, "*batch time"], Bool[Array, "*batch time"]]:
        """Do to series what a record of this observation says; of the same series, the same bits.

        Example:
            >>> import jax, jax.numpy as jnp, s2jax
            >>> series = jnp.cumsum(jax.random.normal(jax.random.key(1), (5, 100)), axis=1)
            >>> observation = s2jax.observe.Observation(share=1.0)
            >>> measured = observation.measure(jax.random.key(0), series)
            >>> again, observed = observation.replay(measured.record, series)
            >>> bool((again == measured.series).all())
            True
        """
        series = checks.as_floats("Observation.replay", "series", series)
        if not isinstance(record, Record):
            raise TypeError(
                f"Observation.replay(record={checks.shown(record)}): must be a Record. Pass "
                "batch.observation, or measured.record."
            )
        if record.effect.shape[:-1] != series.shape[:-1]:
            raise ValueError(
                f"Observation.replay(record of {record.effect.shape[:-1]}, series of shape "
                f"{series.shape}): must have the same axes but for time, because each series has "
                "its record. Pass the clean series that were measured."
            )
        length = series.shape[-1]
        if record.length != length or record.kinds != kinds_of(self.effects, length):
            raise ValueError(
                "Observation.replay(record=...): must be a record of this observation, and of "
                "series as long. Use the observation of the configuration that drew it."
            )
        return _replay(self, record, series, jax.default_backend())


def measure_rows(
    observation: Observation, keys: Words, series: Float[Array, "rows outputs time"],
    used: Bool[Array, "rows outputs"], n: int, backend: str,
) -> Measured:  # fmt: skip
    """Measure the series of rows, one raw key each; series not used stay as they are.

    `n` is the number of rows of each key, and with `backend` says how many series are measured at a
    time.
    """
    rows, outputs, length = series.shape
    is_measured = uniform(random_bits(keys, 1, named("observe", "row"))[0]) < observation.share
    output = jnp.arange(outputs, dtype=jnp.uint32) + np.uint32(OBSERVED)
    words = fold_in(keys[:, None], output[None]).reshape(-1, 2)
    wanted = (used & is_measured[:, None]).reshape(-1)
    tile = programs_at_a_time(length, 1, n * outputs, backend)
    flat, seen, record = _measure(observation, words, series.reshape(-1, length), wanted, tile)
    by_row = lambda leaf: leaf.reshape(rows, outputs, *leaf.shape[1:])
    return jax.tree.map(by_row, Measured(flat, seen, record))


def _measure(
    observation: Observation, words: Words, series: Float[Array, "channels time"],
    wanted: Bool[Array, " channels"], tile: int,
) -> Measured:  # fmt: skip
    """Measure the wanted series, one effect of each after the other.

    The laws of the effects that come next are drawn for all series; then each group of effects
    computes its own, in tiles.
    """
    (channels, length), most = series.shape, observation.most
    effects, groups = observation.effects, groups_of(observation.effects)
    kinds = kinds_of(effects, length)
    width = width_of(kinds)
    bits = random_bits(words, 1 + most, named("observe", "effects"))
    least = observation.least
    count = jnp.where(wanted, least + below(bits[0], most - least + 1), 0)
    weights = observation.weights
    chosen = _choose(bits[1:], stack((1.0,) * len(effects) if weights is None else weights))

    chosen = jnp.where(jnp.arange(most, dtype=jnp.int32)[:, None] < count, chosen, -1)
    if observation.ordered:  # those that do not happen come last
        chosen = jnp.sort(chosen & _AT_END, axis=0)
        chosen = jnp.where(chosen == _AT_END, -1, chosen)

    def stage(carry):
        number, series, observed, happened, laws = carry
        effect = jax.lax.dynamic_index_in_dim(chosen, number, 0, keepdims=False)
        keys = fold_in(words, jnp.broadcast_to(number, (channels,)))
        queue = queue_of(groups, effect)
        draw = lambda *given: draw_laws(effects, kinds, width, *given)
        law = queue.change_all(draw, (keys, effect, series), _zeros(channels, width), tile)
        about = join(law, keys, effect)
        for position, group in enumerate(groups):

            def make(about, series, observed, group=group):
                law, keys, effect = split(about)
                new, seen = group.compute(kinds, law, effect, keys, series, observed)
                good = _is_left(new, seen)
                keep = lambda new, old: jnp.where(good[:, None], new, old)
                changed = keep(new, series), jnp.where(good, effect, -1)
                return (*changed, keep(seen, observed)) if group.hides else changed

            state = (series, effect, observed) if group.hides else (series, effect)
            state = queue.change(position, make, (about, series, observed), state, tile)
            series, effect, observed = (*state, observed)[:3]
        put = lambda all_, one: jax.lax.dynamic_update_index_in_dim(all_, one, number, 1)
        law = jnp.where((effect < 0)[:, None], 0, law)
        return number + 1, series, observed, put(happened, effect), put(laws, law)

    start = (
        jnp.int32(0), series, jnp.ones(series.shape, bool),
        jnp.full((channels, most), -1, jnp.int32), _zeros(channels, most, width),
    )  # fmt: skip
    unfinished = lambda carry: (carry[0] < most) & (carry[0] < count.max())
    _, series, observed, happened, laws = jax.lax.while_loop(unfinished, stage, start)
    series = _fill(series, observed, observation.fill, tile)
    return Measured(series, observed, Record(words, happened, laws, kinds, length))


def _zeros(*shape: int) -> UInt32[Array, "..."]:
    return jnp.zeros(shape, jnp.uint32)


def _choose(
    bits: UInt32[Array, "most channels"], weights: Float[Array, " effects"]
) -> Int[Array, "most channels"]:
    """Effects in drawn order, none twice: each in proportion to the weights of those left.

    -1 where no weight is left.
    """
    left = list(jnp.broadcast_to(weights[:, None], (len(weights), bits.shape[1])))
    found = []
    for word in bits:
        total = sum(left[1:], left[0])
        draw, under, effect = uniform(word) * total, 0.0, jnp.full(word.shape, -1, jnp.int32)
        for place, weight in enumerate(left):  # the last one that begins below the draw
            effect = jnp.where((weight > 0) & (draw >= under), place, effect)
            under = under + weight
        found.append(effect)
        left = [jnp.where(effect == place, 0, weight) for place, weight in enumerate(left)]
    return jnp.stack(found)


def _is_left(
    series: Float[Array, "channels time"], observed: Bool[Array, "channels time"]
) -> Bool[Array, " channels"]:
    """Whether something to learn from is left of each series: finite, varying, and observed."""
    high = jnp.where(observed, series, -jnp.inf).max(1)
    low = jnp.where(observed, series, jnp.inf).min(1)
    varies = high - low > _SMALLEST * jnp.maximum(jnp.abs(high), jnp.abs(low))
    return varies & jnp.isfinite(series).all(1) & (observed.mean(1) >= _LEAST_OBSERVED)


def _fill(series, observed, fill: str, tile: int) -> Float[Array, "channels time"]:
    """Series with what `fill` says where they are not observed."""
    if fill != "last":
        return jnp.where(observed, series, jnp.nan if fill == "nan" else 0)
    length = series.shape[1]

    def make(series, observed):
        time = jnp.arange(length, dtype=jnp.int32)
        place = jax.lax.cummax(jnp.where(observed, time, -1), axis=1)
        first = jnp.argmax(observed, axis=1).astype(jnp.int32)
        place = jnp.where(place < 0, first[:, None], place)
        return jnp.take_along_axis(series, place, axis=1)

    queue = Queue.of(observed.all(1).astype(jnp.int32) * 2, 1)
    return queue.change(0, make, (series, observed), series, tile)


@partial(jax.jit, static_argnames="backend")
def _measure_alone(observation: Observation, words: Words, series, backend: str) -> Measured:
    axes, length = series.shape[:-1], series.shape[-1]
    flat = series.reshape(-1, 1, length)
    count = flat.shape[0]
    keys = fold_in(jnp.broadcast_to(words, (count, 2)), jnp.arange(count, dtype=jnp.uint32))
    used = jnp.ones((count, 1), bool)
    measured = measure_rows(observation, keys, flat, used, count, backend)
    return jax.tree.map(lambda leaf: leaf.reshape(*axes, *leaf.shape[2:]), measured)


@partial(jax.jit, static_argnames="backend")
def _replay(observation: Observation, record: Record, series, backend: str):
    axes, length, groups = series.shape[:-1], series.shape[-1], groups_of(observation.effects)
    flat = lambda leaf: leaf.reshape(-1, *leaf.shape[len(axes) :])
    words, effects, laws = map(flat, (record.words, record.effect, record.laws))
    values = series.reshape(-1, length)
    tile = programs_at_a_time(length, 1, len(values), backend)

    def stage(number, state):
        at = lambda leaf: jax.lax.dynamic_index_in_dim(leaf, number, 1, keepdims=False)
        queue, effect = queue_of(groups, at(effects)), at(effects)
        about = join(at(laws), fold_in(words, jnp.broadcast_to(number, effect.shape)), effect)
        for position, group in enumerate(groups):

            def make(about, series, observed, group=group):
                law, keys, effect = split(about)
                return group.compute(record.kinds, law, effect, keys, series, observed)

            state = queue.change(position, make, (about, *state), state, tile)
        return state

    start = values, jnp.ones(values.shape, bool)
    values, observed = jax.lax.fori_loop(0, record.effect.shape[-1], stage, start)
    values = _fill(values, observed, observation.fill, tile)
    return values.reshape(series.shape), observed.reshape(series.shape)

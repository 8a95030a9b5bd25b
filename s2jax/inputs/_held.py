"""Levels and slopes that are held between change points."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import (
    below,
    multiply_high,
    normal_quantile,
    random_bits,
    signed_uniform,
    uniform,
)
from s2jax.core.streams import named
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, Choices, LogUniform, Uniform, distribution
from s2jax.inputs._events import (
    ALL_ONES,
    AbstractEvents,
    add_noise,
    law_words,
    log_uniform,
    select,
    take,
)
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import check_size

_KINDS = ("steps", "lines", "on_off", "schedule")
_STEPS, _LINES, _ON_OFF, _SCHEDULE = range(4)
_LEAST = 8


class HeldPath(NamedTuple):
    """What happens in held series, step by step; as `HeldLaw.path` recovers it.

    Attributes:
        value: The series without its noise.
        is_change: Where a new level, slope or state begins.
        state: The state that the step is in; 0 unless the kind has several.
    """

    value: Float[Array, "*channels time"]
    is_change: Bool[Array, "*channels time"]
    state: Int[Array, "*channels time"]


class HeldLaw(eqx.Module):
    """What a held series is drawn from; it tells the change points too, by `path`.

    State s lasts `dead_time[s]` steps and then a geometric time, `dwell[s]` steps on the mean.
    Where `dead_time = dwell - 1` this is always `dwell`; where it is 0 the next change is as likely
    at every step. Steps and lines have one state, on-off series two (off, on); further ones are 0.

    Attributes:
        kind: 0 steps, 1 lines, 2 on-off, 3 schedule.
        num_states: Number of states, which follow each other in turn.
        dwell: Mean time in a state, in steps.
        dead_time: Steps in which a state that has begun cannot end.
        levels: The series in each state; of steps and lines, the first level or slope.
        persistence: Correlation of each level (of steps) or slope (of lines) with the one before.
        noise: Standard deviation of the white noise.
        first_state, first_dead_time: State at the first step, and its dead time that is left.
        code: 64 random bits, which the change points and further levels are made of.
    """

    kind: Int[Array, "*channels"]
    num_states: Int[Array, "*channels"]
    dwell: Int[Array, "*channels states"]
    dead_time: Int[Array, "*channels states"]
    levels: Float[Array, "*channels states"]
    persistence: Float[Array, "*channels"]
    noise: Float[Array, "*channels"]
    first_state: Int[Array, "*channels"]
    first_dead_time: Int[Array, "*channels"]
    code: UInt32[Array, "*channels 2"]

    def path(self, length: int) -> HeldPath:
        """The series without its noise, and its change points.

        Args:
            length: Number of time steps, as that of the series. Static.
        """
        return map_channels(lambda laws: HeldPath(*_follow(laws, length)), self, self.kind.shape)


class Held(AbstractEvents):
    """Levels, slopes and states that are held between change points.

    A series is of one of four kinds, drawn by their weights: `steps`, whose level at every change
    is y' = persistence * y + sqrt(1 - persistence**2) * z, z standard normal; `lines`, whose slope
    follows the same law in units of 1 / dwell, from 0 at the first step; `on_off`, 0 and 1 in turn;
    `schedule`, 3 to `max_states` standard normal levels that come round in turn. White noise is
    added to some. Times between changes are a dead time plus a geometric time; a series begins
    amid the stationary process.

    Between changes the level is known, and the hazard of the next is a number: the law of the
    future given the past and the parameters is tractable (a finite mixture over the change points).

    Attributes:
        steps, lines, on_off, schedule: Weights of the kinds.
        min_dwell, max_dwell: Least mean time between changes, in steps, and the largest as a share
            of the length; log-uniform between. Schedules come round in twice this time.
        regularity: Share of the mean time between changes that is dead time: 0 for changes that
            are as likely at every step, 1 for a clock. Clipped to [0, 1].
        persistence: Correlation of a level or slope with the one before. Clipped to [-1, 1].
        duty: Share of time that on-off series are on. Clipped to [0, 1].
        noise: Standard deviation of white noise, in those of the levels (1 = off to on); >= 0.
        noisy: Probability that there is noise.
        max_states: Largest number of states. Static.

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> import jax
        >>> drawn = Held(lines=0).sample(jax.random.key(0), n=2, length=64)
        >>> drawn.series.shape, drawn.law.dwell.shape
        ((2, 64), (2, 6))

    References:
        Cox (1962), Renewal Theory, ch. 2 and 5 (stationary renewal processes).
        Adams and MacKay (2007), Bayesian online changepoint detection (the hazard).
    """

    steps: Number = number(2.0)
    lines: Number = number(1.0)
    on_off: Number = number(1.5)
    schedule: Number = number(1.5)
    min_dwell: Number = number(3.0)
    max_dwell: Number = number(0.2)
    regularity: AbstractDistribution = distribution(Choices([0.0, 0.5, 0.9, 1.0], [2, 1, 1, 2]))
    persistence: AbstractDistribution = distribution(Uniform(-0.7, 1.0))
    duty: AbstractDistribution = distribution(Uniform(0.1, 0.9))
    noise: AbstractDistribution = distribution(LogUniform(0.01, 0.3))
    noisy: Number = number(0.5)
    max_states: int = eqx.field(static=True, default=6)

    def __check_init__(self):
        self._check_kinds(*_KINDS)
        self._check_laws("regularity", "persistence", "duty")
        check_size("Held", "noise", self.noise, 0, "it is a deviation")
        checks.check_number("Held", "min_dwell", self.min_dwell, 1, 2**16)
        checks.check_number("Held", "max_dwell", self.max_dwell, 0, 100)
        checks.check_number("Held", "noisy", self.noisy, 0, 1)
        checks.check_static_integer("Held", "max_states", self.max_states, 3, 64)

    def check_length(self, length: int) -> None:
        self._check_least(length, _LEAST, "shorter series seldom have a change")

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> HeldLaw:
        size = self.max_states
        bits = law_words(words, 11 + 2 * size)
        kind = self._draw_kinds(next(bits), *_KINDS)
        drawn = 3 + below(next(bits), size - 2)
        num_states = select(
            kind, [jnp.ones_like(kind), jnp.ones_like(kind), 1 + jnp.ones_like(kind), drawn]
        )
        used = jnp.arange(size, dtype=jnp.int32)[:, None] < num_states
        mean = log_uniform(next(bits), self.min_dwell, self.max_dwell * length)
        duty = jnp.clip(self.duty.from_bits(next(bits)), 0, 1)
        dwell = self._draw_dwells(mean, duty, kind, num_states, take(bits, size))
        dwell = jnp.where(used, dwell, 0)
        regularity = jnp.clip(self.regularity.from_bits(next(bits)), 0, 1)
        dead = jnp.floor(regularity * (dwell - 1).astype(jnp.float32)).astype(jnp.int32)
        dead = jnp.where(used, dead, 0)
        levels = normal_quantile(signed_uniform(take(bits, size)))
        is_on = jnp.arange(size, dtype=jnp.int32)[:, None] == 1
        levels = jnp.where(kind == _ON_OFF, is_on.astype(jnp.float32), levels)
        first, position = _place(next(bits), dwell)
        left = select(first, dead) - position
        noise = jnp.where(uniform(next(bits)) < self.noisy, self.noise.from_bits(next(bits)), 0)
        noise = jnp.maximum(noise, 0)
        return HeldLaw(
            kind=kind,
            num_states=num_states,
            dwell=dwell.T,
            dead_time=dead.T,
            levels=jnp.where(used, levels, 0).T,
            persistence=jnp.where(
                kind <= _LINES, jnp.clip(self.persistence.from_bits(next(bits)), -1, 1), 0
            ),
            noise=noise,
            first_state=first,
            first_dead_time=jnp.maximum(left, 0),
            code=take(bits, 2).T,
        )

    def _draw_dwells(self, mean, duty, kind, num_states, bits) -> Int[Array, "states channels"]:
        """Mean times in whole steps, >= 1."""
        share = 0.5 + uniform(bits)
        used = jnp.arange(len(bits), dtype=jnp.int32)[:, None] < num_states
        share = jnp.where(used, share, 0)
        share = 2 * share / share.sum(0)  # of a schedule
        ones = jnp.ones_like(share[0])
        on_off = jnp.stack([2 * (1 - duty), 2 * duty, *[ones] * (len(bits) - 2)])
        share = jnp.where(kind == _SCHEDULE, share, jnp.where(kind == _ON_OFF, on_off, 1))
        return jnp.clip(jnp.round(mean * share), 1, 2.0**24).astype(jnp.int32)

    def draw_series(
        self, laws: HeldLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        return add_noise(_follow(laws, length)[0], laws.noise, words)


def _place(
    bits: UInt32[Array, " channels"], dwell: Int[Array, "states channels"]
) -> tuple[Int[Array, " channels"], Int[Array, " channels"]]:
    """A state in proportion to its mean time, and a position in that time: the stationary law.

    A position within the dead time is how old the state is; later ones are alike.
    """
    ends = jnp.cumsum(dwell, axis=0, dtype=jnp.int32)
    place = multiply_high(bits, ends[-1].astype(jnp.uint32)).astype(jnp.int32)
    first = (place >= ends).sum(0).astype(jnp.int32)
    return first, place - select(first, ends - dwell)


def _follow(
    law: HeldLaw, length: int
) -> tuple[
    Float[Array, "time channels"], Bool[Array, "time channels"], Int[Array, "time channels"]
]:
    """Values without noise, changes and states, of channels on one axis."""
    hazard = random_bits(law.code, length, named("held", "changes"))
    jumps = normal_quantile(signed_uniform(random_bits(law.code, length, named("held", "levels"))))
    jumps = jnp.sqrt(1 - law.persistence * law.persistence) * jumps
    dead_time, levels = law.dead_time.T, law.levels.T
    # 1 / n, n = dwell - dead_time, as the words up to this one
    ends = ALL_ONES // jnp.maximum(law.dwell.T - dead_time, 1).astype(jnp.uint32)
    is_cyclic = law.kind >= _ON_OFF
    pace = 1 / law.dwell[:, 0].astype(jnp.float32)

    def step(carry, drawn):
        state, left, level, line, is_change = carry
        bits, jump = drawn
        out = jnp.where(law.kind == _LINES, line, level), is_change, state
        is_change = (left == 0) & (bits <= select(state, ends))
        following = jnp.where(state + 1 == law.num_states, 0, state + 1)
        state = jnp.where(is_change, following, state)
        left = jnp.where(is_change, select(state, dead_time), jnp.maximum(left - 1, 0))
        line = line + pace * level
        fresh = jnp.where(is_cyclic, select(state, levels), law.persistence * level + jump)
        return (state, left, jnp.where(is_change, fresh, level), line, is_change), out

    level = select(law.first_state, levels)
    never = jnp.zeros_like(is_cyclic)
    start = (law.first_state, law.first_dead_time, level, jnp.zeros_like(level), never)
    return jax.lax.scan(step, start, (hazard, jumps))[1]

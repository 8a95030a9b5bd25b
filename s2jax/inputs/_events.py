"""What families of events share: kinds with weights, times that are whole steps."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.random import (
    categorical,
    normal_quantile,
    random_bits,
    signed_uniform,
    uniform,
)
from s2jax.core.streams import named
from s2jax.distributions import AbstractDistribution
from s2jax.inputs._base import AbstractBatched

ALL_ONES = np.uint32(2**32 - 1)


class AbstractEvents(AbstractBatched):
    """Checks and draws that families of events share."""

    def _check_least(self, length: int, least: int, reason: str) -> None:
        if length < least:
            name = type(self).__name__
            raise ValueError(
                f"Config(length={length}, inputs={name}(...)): must be >= {least}, because "
                f"{reason}. Raise length to {least}."
            )

    def _check_kinds(self, *kinds: str) -> None:
        """Refuse weights of kinds that are negative, or all zero."""
        name = type(self).__name__
        weights = [getattr(self, kind) for kind in kinds]
        for kind, weight in zip(kinds, weights, strict=True):
            checks.check_number(name, kind, weight, 0)
        if all(map(checks.is_concrete, weights)) and not any(float(one) for one in weights):
            shown = ", ".join(f"{kind}=0" for kind in kinds)
            raise ValueError(
                f"{name}({shown}): at least one weight must be > 0, because a kind is drawn for "
                "every series. Raise a weight."
            )

    def _check_laws(self, *names: str) -> None:
        for name in names:
            check_part(type(self).__name__, name, getattr(self, name), AbstractDistribution)

    def _draw_kinds(self, bits: UInt32[Array, "*shape"], *kinds: str) -> Int[Array, "*shape"]:
        """Positions in `kinds`, whose weights are the fields of these names."""
        weights = [jnp.asarray(getattr(self, kind)).astype(jnp.float32) for kind in kinds]
        return categorical(bits, jnp.stack(weights))


def law_words(
    words: UInt32[Array, "channels 2"], count: int
) -> Iterator[UInt32[Array, " channels"]]:
    """Random words for the numbers of laws, one for each channel at a time."""
    # one call of the cipher: each further one is compiled apart
    return iter(random_bits(words, count, named("law", "numbers")))


def take(words: Iterator[Array], count: int) -> UInt32[Array, "{count} channels"]:
    """The next words as one array."""
    return jnp.stack([next(words) for _ in range(count)])


def log_uniform(bits: UInt32[Array, "*shape"], low: Any, high: Any) -> Float[Array, "*shape"]:
    """A number of steps, log-uniform from `low` to `high`; `low` where that is not below `high`."""
    low = jnp.asarray(low).astype(jnp.float32)
    high = jnp.maximum(low, jnp.asarray(high).astype(jnp.float32))
    return jnp.clip(low * jnp.exp(jnp.log(high / low) * uniform(bits)), low, high)


def add_noise(
    signal: Float[Array, "time channels"],
    deviation: Float[Array, " channels"],
    words: UInt32[Array, "channels 2"],
) -> Float[Array, "time channels"]:
    """The signal and white noise; where no channel has any, none is drawn."""

    def add():
        bits = random_bits(words, len(signal), named("series", "noise"))
        noisy = signal + deviation * normal_quantile(signed_uniform(bits))
        return jnp.where(deviation > 0, noisy, signal)  # the same whatever the neighbours are

    return jax.lax.cond((deviation > 0).any(), add, lambda: signal)


def select(index: Int[Array, "*shape"], rows: Sequence[Array] | Array) -> Array:
    """`rows[index]` for each channel by comparisons, which vectorise; a gather does not."""
    # of a single row too, whatever the shape of the index
    out = jnp.broadcast_to(rows[0], jnp.broadcast_shapes(jnp.shape(rows[0]), index.shape))
    for position, row in enumerate(rows[1:], start=1):
        out = jnp.where(index == position, row, out)
    return out


def sine(turns: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """sin(2 pi turns) for |turns| <= 1/2, to 2e-7; a fraction of the cost of a sine of radians."""
    size = jnp.abs(turns)
    folded = jnp.where(size > 0.25, 0.5 - size, size)
    square = folded * folded
    value = jnp.full_like(square, _SINE[-1])
    for coefficient in _SINE[-2::-1]:
        value = value * square + np.float32(coefficient)
    return jnp.sign(turns) * folded * value


# minimax in relative error, 5e-9 over |turns| <= 1/4
_SINE = (
    6.283185273795499, -41.34167748050776, 81.60223139938844, -76.57499598876932, 39.71094747348662,
)  # fmt: skip


def to_turns(clock: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The phase of a clock of 2**32 ticks a turn, in [-1/2, 1/2]."""
    return jax.lax.bitcast_convert_type(clock, jnp.int32).astype(jnp.float32) * np.float32(2.0**-32)


def to_ticks(turns: Float[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """Turns in [0, 1] as ticks of 2**-32, at most the largest float below 1."""
    turns = jnp.clip(turns, 0, np.float32(1 - 2.0**-24))
    return (turns * np.float32(2.0**32)).astype(jnp.uint32)

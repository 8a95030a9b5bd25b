"""Which series are usable: bounds on a whole series, and the status that says what failed."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.core.part import Part
from s2jax.core.status import StatusFlag
from s2jax.core.types import Number, Whole, number, whole


class Status(StatusFlag):
    """Why a row is not usable; 0 means that it is. Bits add up.

    Example:
        >>> Status(9)
        <Status.NOT_FINITE|OUTSIDE_DOMAIN: 9>
        >>> Status.CONSTANT.sentence
        'The series does not vary beyond rounding error.'
    """

    OK = 0, "Usable."
    NOT_FINITE = 1, "A value of the series overflowed to infinity."
    TOO_LARGE = 2, "An absolute value of the series exceeds the bound."
    CONSTANT = 4, "The series does not vary beyond rounding error."
    OUTSIDE_DOMAIN = 8, "An operator met a value outside its domain."
    SEARCH_EXHAUSTED = 16, "No expression was accepted within the allowed number of tries."
    INPUT_UNUSABLE = 32, "An input series is not finite or does not vary."
    OTHER_SPLIT = 64, "The skeleton of the expression is in another part of the split."
    ESCAPED = 128, "A solution left the bound within its time span."
    INACCURATE = 256, "The estimated error of a solution exceeds the tolerance."
    STIFF = 512, "A solution needs a stiff solver: its steps are at the limit of stability."
    SETTLED = 1024, "A solution is at rest in the last quarter of its time span."
    JUMP = 2048, "A solution jumps between neighbouring times."
    POLE = 8192, "A solution crosses a pole of its equation between two times."
    DULL = 4096, "All states turn round too seldom, and the row is none that may be dull."
    AFFINE = 16384, "The series is an input but for its scale and shift."


_INPUTS_AND_SEARCH = (Status.OK, Status.SEARCH_EXHAUSTED, Status.INPUT_UNUSABLE)
REASONS = tuple(
    status for status in Status.__members__.values() if status not in _INPUTS_AND_SEARCH
)
"""The reasons counted in `Batch.rejections`, in order; a rejected try has exactly one."""


class Acceptance(Part):
    """What makes an output series usable. Judged on f(x) before scaling, whole series only.

    Accepting conditions the law: a row is a draw of the expression given its input *and* given that
    the series passes. The input's own law is untouched, because a failing expression is redrawn
    against the same input.

    Attributes:
        bound: Largest absolute value, as 1e4 in the paper and 1000 in the reference.
        min_variation: Least standard deviation relative to the largest absolute value. Below about
            1e-5 a float32 series is mostly rounding error.
        max_tries: Expressions drawn per output before the search gives up.
        max_correlation: Largest |correlation| over time of an output with an input of its row; None
            for no bound. Of `presets.s2`, half of the outputs are an input but for scale and shift.
            Binds where y = f(x); outputs that are an input on purpose are exempt.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> Acceptance(bound=1000.0).max_tries
        64
    """

    noun = "an Acceptance"
    example = "s2jax.Acceptance(bound=1000.0)"

    bound: Number = number(1e4)
    min_variation: Number = number(1e-4)
    max_tries: Whole = whole(64)
    max_correlation: Number | None = number(None)

    def __check_init__(self):
        checks.check_number("Acceptance", "bound", self.bound, low=0, strict=True)
        checks.check_number("Acceptance", "min_variation", self.min_variation, 0, 1)
        checks.check_number("Acceptance", "max_tries", self.max_tries, 1, 2**20, integer=True)
        if self.max_correlation is not None:
            checks.check_number("Acceptance", "max_correlation", self.max_correlation, 0, 1)


class Moments(NamedTuple):
    """Largest absolute value, mean and standard deviation over time."""

    largest: Float[Array, "*batch"]
    mean: Float[Array, "*batch"]
    deviation: Float[Array, "*batch"]


def moments(series: Float[Array, "..."], axis: int = -1) -> Moments:
    """Moments of series over the time axis; `largest` is NaN if any value is."""
    mean = series.mean(axis, keepdims=True)
    variance = ((series - mean) ** 2).mean(axis)
    return Moments(jnp.abs(series).max(axis), mean.squeeze(axis), jnp.sqrt(variance))


def judge(stats: Moments, acceptance: Acceptance) -> Int[Array, "*batch"]:
    """Status of series with these moments: 0 or exactly one of `REASONS`."""
    flat = ~(stats.deviation > acceptance.min_variation * stats.largest)
    status = jnp.where(flat, Status.CONSTANT.value, 0)
    status = jnp.where(stats.largest > acceptance.bound, Status.TOO_LARGE.value, status)
    status = jnp.where(jnp.isinf(stats.largest), Status.NOT_FINITE.value, status)
    return jnp.where(jnp.isnan(stats.largest), Status.OUTSIDE_DOMAIN.value, status)


def largest_correlation(
    x: Float[Array, "rows inputs time"], y: Float[Array, "rows time"]
) -> Float[Array, " rows"]:
    """Largest |correlation| of each series with an input of its row; inputs of zeros have none."""
    x = x - x.mean(-1, keepdims=True)
    y = y - y.mean(-1, keepdims=True)
    # each by its largest value first, so that no product overflows
    y = y / jnp.abs(y).max(-1, keepdims=True)
    size = jnp.abs(x).max(-1, keepdims=True)
    x = x / jnp.where(size > 0, size, 1)
    variances = (x * x).sum(-1) * (y * y).sum(-1)[:, None]
    correlation = (x * y[:, None]).sum(-1) / jnp.sqrt(jnp.where(variances > 0, variances, 1))
    return jnp.abs(correlation).max(-1)


def is_usable_input(stats: Moments) -> Bool[Array, "*batch"]:
    """Whether an input channel has finite moments and varies beyond float32 rounding."""
    return jnp.isfinite(stats.deviation) & (stats.deviation > 1e-6 * stats.largest)

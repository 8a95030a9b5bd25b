"""Windows of given series: the machinery driven by real data."""

from typing import Any, TypeGuard

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.core import checks
from s2jax.distributions import AbstractDistribution, check_draws
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._draws import Draws

_MOST_VALUES = 2**31 - 1


class Window(eqx.Module):
    """Which window of which given series a channel shows.

    Attributes:
        series_index: Number of the given series.
        offset: First time step of the window.
        stretch: Steps of the series per step of the window; 1 shows it as it is.
    """

    series_index: Int[Array, "*channels"]
    offset: Int[Array, "*channels"]
    stretch: Float[Array, "*channels"]


class Given(AbstractInput):
    """Random windows of the user's own series, of any number and of different lengths.

    Each channel takes one of the series and a window of the configured length from it, all windows
    being equally likely (to their number times 2**-32). Series that are shorter than a window have
    none. Windows are scaled as all inputs are, by `Config.x_scaling`.

    With `stretch`, a window is a resampled one: s steps of the series become one of the window, by
    linear interpolation, and all places where it fits are equally likely. The series is drawn
    before s, and s is cut to what fits into it.

    Attributes:
        values: All values, one series after the other. Give one series of shape `(steps,)`, several
            of shape `(series, steps)`, or a list of series of any lengths. Finite.
        lengths: Steps of each series; only for `values` that are already one after the other.
        stretch: The law of s, numbers > 0, as `LogUniform(0.5, 2)`; None for windows as they are.

    Raises:
        TypeError: If `values` are no numbers, or `stretch` no law.
        ValueError: If there are other axes, values that are not finite, constant series, more than
            2**31 - 1 values, or lengths that do not fit.

    Example:
        >>> import numpy as np
        >>> Given([np.sin(np.arange(300.0)), np.sqrt(np.arange(90.0))]).lengths.tolist()
        [300, 90]
    """

    values: Float[Array, " values"]
    lengths: Int[Array, " series"]
    stretch: AbstractDistribution | None = None

    def __init__(self, values, lengths=None, stretch=None):
        if lengths is None:
            values, lengths = _join(values)
        held: Any = values if _is_traced(values) else _as_floats(values)
        counts: Any = lengths if _is_traced(lengths) else _as_counts(lengths)
        self.values, self.lengths = held, counts
        self.stretch = stretch

    def __check_init__(self):
        if self.stretch is not None:
            forward = "a window goes on in time"
            check_draws("Given", "stretch", self.stretch, 0, np.inf, forward, strict=True)
        if not (checks.is_concrete(self.values) and checks.is_concrete(self.lengths)):
            return
        values, lengths = np.asarray(self.values), np.asarray(self.lengths)
        call = f"Given({len(lengths)} series, {values.size} values)"
        if values.ndim != 1 or lengths.sum(dtype=np.int64) != values.size or (lengths < 1).any():
            raise ValueError(
                f"{call}: lengths must be those of the series that stand in values one after the "
                "other. Pass a list of series instead, without lengths."
            )
        ends = np.cumsum(lengths, dtype=np.int64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            row = np.searchsorted(ends, bad[0], side="right")
            raise ValueError(
                f"{call}: all values must be finite, but series {row} has {values[bad[0]]} at "
                f"step {bad[0] - (ends[row] - lengths[row])} ({len(bad)} such values in all). Drop "
                "or interpolate them."
            )
        starts = ends - lengths
        spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
        constant = np.flatnonzero(spread == 0)
        if len(constant):
            raise ValueError(
                f"{call}: series {constant[0]} is constant, and cannot be standardised. Drop it."
            )

    def check_length(self, length: int) -> None:
        if not checks.is_concrete(self.lengths):
            return
        steps = int(np.max(np.asarray(self.lengths)))
        if steps < length and self.stretch is None:
            raise ValueError(
                f"Config(length={length}, inputs=Given(...)): the given series have {steps} steps "
                f"at most, and a window needs {length}. Lower length to {steps}, give longer "
                "series, or resample them, by stretch=s2jax.distributions.LogUniform(0.5, 2)."
            )

    def law(self, draws: Draws, length: int) -> Window:
        lengths = jnp.asarray(self.lengths)
        # with a stretch, any of them is stretched to fit
        windows = jnp.maximum(lengths - length + 1, 0) if self.stretch is None else lengths - 1
        ends = jnp.cumsum(windows)
        place = draws.integers("window", 0, ends[-1])
        series = jnp.searchsorted(ends, place, side="right").astype(jnp.int32)
        if self.stretch is None:
            offset = place - (ends[series] - windows[series])
            return Window(series, offset, jnp.float32(1))
        steps = lengths[series] - 1
        drawn = jnp.maximum(draws.sample("stretch", self.stretch), 0)
        stretch = jnp.minimum(drawn, steps.astype(jnp.float32) / (length - 1))
        span = jnp.ceil(stretch * (length - 1)).astype(jnp.int32)
        offset = draws.integers("offset", 0, jnp.maximum(steps - span, 0) + 1)
        return Window(series, offset, stretch)

    def series(self, law: Window, draws: Draws, length: int) -> Float[Array, " time"]:
        del draws
        values, lengths = jnp.asarray(self.values), jnp.asarray(self.lengths)
        first = (jnp.cumsum(lengths) - lengths)[law.series_index]
        if self.stretch is None:
            return jax.lax.dynamic_slice(values, (first + law.offset,), (length,))
        place = law.stretch * jnp.arange(length, dtype=jnp.float32)
        whole = jnp.floor(place)
        part = place - whole
        left = law.offset + whole.astype(jnp.int32)
        last = lengths[law.series_index] - 1
        at = lambda step: values[first + jnp.minimum(step, last)]
        return (1 - part) * at(left) + part * at(left + 1)


def _is_traced(values: Any) -> TypeGuard[jax.Array]:
    return isinstance(values, jax.Array) and not checks.is_concrete(values)


def _join(series: Any) -> tuple[Any, Any]:
    """All values one after the other, and the length of each series."""
    if isinstance(series, (list, tuple)) and any(np.ndim(one) for one in series):
        rows = [_as_floats(one) for one in series]
        if all(row.ndim == 1 and row.size for row in rows):
            return np.concatenate(rows), [row.size for row in rows]
    if _is_traced(series):
        rows = jnp.atleast_2d(series)
        return rows.reshape(-1), np.full(rows.shape[0], rows.shape[1], np.int32)
    if hasattr(series, "columns"):
        raise TypeError(
            f"Given({type(series).__name__}): a table has no series by itself. Pass its columns, "
            "[table[name] for name in names]."
        )
    array = _as_floats(series)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"Given(values of shape {array.shape}): must have shape (steps,) or (series, steps), "
            "or be a list of series. Reshape it, with time on the last axis."
        )
    if array.size > _MOST_VALUES:
        raise ValueError(
            f"Given(values of shape {array.shape}): must have at most 2**31 - 1 values, because "
            "places are int32. Give fewer series, or several families in s2jax.inputs.Choice."
        )
    rows = np.atleast_2d(array)
    return rows.reshape(-1), np.full(len(rows), rows.shape[1])


def _as_floats(values: Any) -> np.ndarray:
    """What the user gave in the default float: of float64 and float32 as of all else float32."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO" and array.dtype.type.__module__ == "numpy":
            raise TypeError(f"{array.dtype} is no type of real numbers")
        array = array.astype(np.float64 if array.dtype == np.float64 else np.float32)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Given({type(values).__name__}): must be an array of numbers, or a list of them."
        ) from error
    with np.errstate(over="ignore"):
        held = array.astype(jnp.result_type(float))
    beyond = np.isinf(held) & np.isfinite(array)
    if beyond.any():
        raise ValueError(
            f"Given(values with {array[beyond][0]:g}): must be of magnitude <= 3.4e38, because "
            "they are kept in float32. Choose other units."
        )
    return held


def _as_counts(lengths: Any) -> np.ndarray:
    """The lengths that the user gave, as integers."""
    array = np.asarray(lengths)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(
            f"Given(lengths={checks.shown(lengths)}): must be a list of integers, because they are "
            "numbers of steps. Pass a list of series instead, without lengths."
        )
    return array.astype(np.int32)

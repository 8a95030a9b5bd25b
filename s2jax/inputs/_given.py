"""Windows of given series: the machinery driven by real data."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.core import checks
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._draws import Draws

_MAX_EXTENT = 2**16


class Window(eqx.Module):
    """Which window of which given series a channel shows.

    Attributes:
        series_index: Row of the given array.
        offset: First time step of the window.
    """

    series_index: Int[Array, "*channels"]
    offset: Int[Array, "*channels"]


class Given(AbstractInput):
    """Random windows of the user's own series.

    Each channel takes one of the series and a window of the configured length from it, all windows
    being equally likely.

    Attributes:
        values: One series of shape `(steps,)` or several of shape `(series, steps)`; finite.

    Raises:
        TypeError: If `values` is no array of numbers.
        ValueError: If it has another number of axes, a value that is not finite, or a constant
            series.

    Example:
        >>> import numpy as np
        >>> Given(np.sin(np.arange(300.0))).values.shape
        (1, 300)
    """

    values: Float[Array, "series steps"] = eqx.field(converter=lambda values: _as_series(values))

    def __check_init__(self):
        if not checks.is_concrete(self.values):
            return
        values = np.asarray(self.values)
        call = f"Given(values of shape {values.shape})"
        if max(values.shape) >= _MAX_EXTENT:
            raise ValueError(
                f"{call}: at most {_MAX_EXTENT - 1} series and steps, because a window is drawn "
                "with 16-bit arithmetic. Cut the series into several rows."
            )
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, step = bad[0]
            raise ValueError(
                f"{call}: all values must be finite, but series {row} has {values[row, step]} at "
                f"step {step} ({len(bad)} such values in all). Drop or interpolate them."
            )
        constant = np.flatnonzero(np.ptp(values, axis=1) == 0)
        if len(constant):
            raise ValueError(
                f"{call}: series {constant[0]} is constant, and cannot be standardised. Drop it."
            )

    def check_length(self, length: int) -> None:
        steps = self.values.shape[1]
        if steps < length:
            raise ValueError(
                f"Config(length={length}, inputs=Given(...)): the given series have {steps} steps, "
                f"and a window needs {length}. Lower length to {steps} or give longer series."
            )

    def law(self, draws: Draws, length: int) -> Window:
        series, steps = self.values.shape
        return Window(
            draws.integers("series", 0, series), draws.integers("offset", 0, steps - length + 1)
        )

    def series(self, law: Window, draws: Draws, length: int) -> Float[Array, " time"]:
        del draws
        start = (law.series_index, law.offset)
        return jax.lax.dynamic_slice(jnp.asarray(self.values), start, (1, length))[0]


def _as_series(values) -> Any:
    """Float32 rows of what the user gave; JAX values and tracers pass."""
    if isinstance(values, jax.Array) and not checks.is_concrete(values):
        return values
    try:
        array = np.asarray(values, np.float32 if np.asarray(values).dtype != np.float64 else None)
        array = array.astype(jnp.result_type(float))
    except (TypeError, ValueError) as error:
        raise TypeError(f"Given({type(values).__name__}): must be an array of numbers.") from error
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"Given(values of shape {array.shape}): must have shape (steps,) or (series, steps). "
            "Reshape it, with time on the last axis."
        )
    return np.atleast_2d(array)

"""Values that were not measured, and what stands there in files."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from s2jax.corpus.cells import values

Fill = Literal["last", "zero", "nan"]
"""What stands where a value is missing, as in `observe.Observation`."""
WRITTEN = {"last": "the value measured last", "zero": "zeros", "nan": "NaN"}


def read_observed(table: Any, outputs: int) -> Bool[np.ndarray, "rows outputs time"] | None:
    """Where outputs were measured; None if rows of the corpus are not."""
    if "y_observed_0" not in table.column_names:
        return None
    return np.stack([values(table[f"y_observed_{output}"]) for output in range(outputs)], 1)


def fill_missing(
    series: Float[np.ndarray, "rows outputs time"],
    observed: Bool[np.ndarray, "rows outputs time"],
    fill: Fill,
) -> Float[np.ndarray, "rows outputs time"]:
    """Series with what `fill` says where they were not measured; the first value before any."""
    if fill != "last":
        return np.where(observed, series, series.dtype.type(np.nan if fill == "nan" else 0))
    place = np.where(observed, np.arange(series.shape[-1]), -1)
    place = np.maximum.accumulate(place, axis=-1)
    first = observed.argmax(-1)[..., None]
    return np.take_along_axis(series, np.where(place < 0, first, place), -1)

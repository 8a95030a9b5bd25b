"""Checks of what methods of a user's own classes return: laws that are kept, and series."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from s2jax.core import checks
from s2jax.core.part import Part


@contextmanager
def explaining_traced(part: Part) -> Iterator[None]:
    """Add the way out to JAX's errors about values that are not known while it traces."""
    try:
        yield
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        name = type(part).__name__
        error.add_note(
            f"The fields of {name} and what it draws are traced. Declare a field that decides a "
            "shape, or that `if` reads, eqx.field(static=True, default=...); on what is drawn, use "
            "jnp.where, and draw the largest number of things and mask."
        )
        raise


def check_law(part: Part, law: Any) -> Any:
    """The law, refused if it holds something else than arrays of numbers."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(law):
        if isinstance(leaf, (jax.Array, np.ndarray)) and _is_number(leaf.dtype):
            continue
        raise TypeError(
            f"{type(part).__name__}.law(...) with {checks.shown(leaf)} at "
            f"{jax.tree_util.keystr(path) or 'its root'}: must be a pytree of arrays of numbers, "
            "because it is kept for every row. Pass it through jnp.asarray(...), or make it a "
            "field of the class."
        )
    return law


def _is_number(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.number) or jnp.issubdtype(dtype, jnp.bool_)


def check_series(part: Part, call: str, series: Any, shape: tuple[int, ...]) -> Array:
    """The series, refused if its shape or dtype is another."""
    name = f"{type(part).__name__}.{call}"
    found = getattr(series, "shape", None)
    if found != shape:
        raise ValueError(
            f"{name} of {'shape ' + str(found) if found is not None else checks.shown(series)}: "
            f"must have shape {shape}, because it is written for one "
            f"{'channel' if len(shape) == 1 else 'row'}. Return one number per time step."
        )
    if not jnp.issubdtype(series.dtype, jnp.floating):
        raise TypeError(
            f"{name} of dtype {series.dtype}: must be real floats. Return "
            "series.astype(jnp.float32)."
        )
    return series

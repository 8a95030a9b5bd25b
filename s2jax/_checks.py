"""Checks of a caller's values: every message names the argument, the rule and the way out."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

MAX_MAGNITUDE = 1e100
"""Every number of a program is 0 or of magnitude 1e-100 to 1e100, in whatever way it came in."""


def is_concrete(value: Any) -> bool:
    """Whether a leaf holds plain numbers: inside a transformation it does not."""
    return isinstance(value, (bool, int, float, np.ndarray, np.generic)) or (
        isinstance(value, jax.Array) and not isinstance(value, Tracer)
    )


def is_here(tree: Any) -> bool:
    """Whether all leaves are concrete and none of their parts is on another process."""
    leaves = jax.tree.leaves(tree)
    return all(is_concrete(leaf) and getattr(leaf, "is_fully_addressable", True) for leaf in leaves)


def check_number(
    owner: str, name: str, value: Any, low: float = -np.inf, high: float = np.inf,
    integer: bool = False, strict: bool = False,
) -> None:  # fmt: skip
    """Refuse a number outside [low, high], or (low, high] if `strict`."""
    if not is_concrete(value):
        return
    kind = "an integer" if integer else "a number"
    rule = (
        f"{kind} {'>' if strict else '>='} {low:g}" if np.isfinite(low) else f"a finite {kind[2:]}"
    )
    rule += f" and <= {high:g}" if np.isfinite(high) else ""
    fix = f"Choose {rule}."
    if isinstance(value, (bool, np.bool_)) or np.ndim(value) != 0:
        raise TypeError(f"{owner}({name}={value!r}): must be {rule}. {fix}")
    if integer and not float(value).is_integer():
        raise ValueError(f"{owner}({name}={value!r}): must be {rule}. {fix}")
    number = float(value)
    if not np.isfinite(number) or number < low or number > high or (strict and number == low):
        raise ValueError(f"{owner}({name}={value!r}): must be {rule}. {fix}")


def check_static_integer(owner: str, name: str, value: Any, low: int, high: float = np.inf) -> None:
    """Refuse what is no plain Python integer in [low, high]; it decides a shape."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{owner}({name}={value!r}): must be a Python integer, because it decides a shape. "
            f"Pass an int, not a {type(value).__name__}; inside jit, mark it static."
        )
    check_number(owner, name, value, low, high, integer=True)


def check_held(
    owner: str, name: str, values: Any, dtype: Any, widest: float = MAX_MAGNITUDE, reason: str = ""
) -> None:
    """Refuse numbers beyond 1/widest to widest or those of the dtype; NaN and infinity pass."""
    if not is_concrete(values):
        return
    low, high = limits_of(dtype, widest)
    numbers = np.asarray(values, np.float64)
    size = np.abs(numbers)
    bad = np.isfinite(numbers) & (size != 0) & ((size < low) | (size > high))
    if bad.any():
        fix, reason = "Choose other units.", reason or f"numbers in {np.dtype(dtype)} are"
        if high < widest:
            fix = (
                "Choose other units, or compute in float64: "
                "jax.config.update('jax_enable_x64', True) at the start."
            )
        raise ValueError(
            f"{owner}({name}={numbers[bad].reshape(-1)[0]:.9g}): must be 0 or of magnitude "
            f"{low:.2g} to {high:.2g}, because {reason}. {fix}"
        )


def limits_of(dtype: Any, widest: float = MAX_MAGNITUDE) -> tuple[float, float]:
    """Smallest and largest magnitude of numbers other than 0 that programs hold in this dtype.

    Subnormal numbers are none, because XLA computes with them as if they were 0.
    """
    info = jnp.finfo(dtype)
    return max(float(info.tiny), 1 / widest), min(float(info.max), widest)


def as_floats(owner: str, name: str, values: Any, half: bool = False) -> Any:
    """Numbers as an array of float32 or float64; integers and booleans become the default type.

    Floats of half size stay as they are if `half`.

    Raises:
        TypeError: If they are complex, or floats of another size.
    """
    array = values if isinstance(values, jax.Array) else jnp.asarray(values)
    if array.dtype in (jnp.float32, jnp.float64) or (
        half and jnp.issubdtype(array.dtype, jnp.floating)
    ):
        return array
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    fix = f"Pass {name}.astype('float32'), and cast the result."
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        fix = "Pass the real and the imaginary part as two series."
    raise TypeError(
        f"{owner}({name} of dtype {array.dtype}): must be real numbers in float32 or float64, or "
        f"integers, because these are computed with. {fix}"
    )


def check_weights(
    owner: str, name: str, weights: Mapping[str, Any], allowed: Iterable[str]
) -> None:
    """Refuse unknown names, negative weights and weights that are all zero."""
    allowed = tuple(allowed)
    for key, value in weights.items():
        if key not in allowed:
            raise ValueError(f"{owner}({name}={{{key!r}: ...}}): {unknown(key, allowed)}")
        check_number(owner, f"{name}[{key!r}]", value, low=0)
    values = list(weights.values())
    if all(is_concrete(value) for value in values) and not sum(float(v) for v in values) > 0:
        raise ValueError(
            f"{owner}({name}={dict(weights)!r}): at least one weight must be > 0, because one of "
            "them is always drawn. Raise a weight."
        )


def unknown(name: str, allowed: Iterable[str]) -> str:
    """The sentence about a name that is not in the list, with the nearest one that is."""
    allowed = tuple(allowed)
    near = difflib.get_close_matches(str(name), allowed, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose among: {', '.join(allowed)}."
    return f"unknown name {name!r}. {hint}"

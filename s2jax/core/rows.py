"""Arrays of a few rows as so many arrays of one row, in what was traced.

XLA fuses what is elementwise, but not a state of three lags that each step puts together from a new
value and two old ones: that is a kernel per step. Row by row it is arithmetic, and a hundred steps
are one kernel.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

MOST = 16  # rows: of so many the code does not grow out of hand

_ELEMENTWISE = {
    "abs", "add", "and", "convert_element_type", "copy", "div", "eq", "exp", "expm1", "floor", "ge",
    "gt", "integer_pow", "is_finite", "le", "log", "log1p", "lt", "max", "min", "mul", "ne", "neg",
    "not", "or", "pow", "rem", "rsqrt", "select_n", "shift_left", "shift_right_arithmetic",
    "shift_right_logical", "sign", "sqrt", "square", "sub", "tanh", "xor",
}  # fmt: skip
_REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "reduce_sum": jax.lax.add,
    "reduce_max": jax.lax.max,
    "reduce_min": jax.lax.min,
    "reduce_or": jax.lax.bitwise_or,
    "reduce_and": jax.lax.bitwise_and,
}


class Rows(NamedTuple):
    """An array as its rows."""

    rows: tuple[Any, ...]


def is_rows(value: Any) -> bool:
    """Whether it is an array as its rows."""
    return isinstance(value, Rows)


def is_small(value: Any) -> bool:
    """Whether it is an array of few rows."""
    return getattr(value, "ndim", 0) >= 2 and 0 < value.shape[0] <= MOST


def split(value: Any) -> Any:
    """An array of few rows as its rows; anything else as it is."""
    return Rows(_rows(value)) if is_small(value) else value


def join(value: Any) -> Any:
    """The array of these rows; anything else as it is."""
    return jnp.stack(value.rows) if isinstance(value, Rows) else value


def by_rows(equation: Any, bind: Callable[..., list[Any]], arguments: Any) -> list[Any]:
    """The results of an equation, those of few rows as their rows where they are made so.

    Args:
        equation: Of what was traced.
        bind: Computes it on arrays.
        arguments: Arrays, or their rows.
    """
    name, params = equation.primitive.name, equation.params
    shape: Any = getattr(equation.outvars[0].aval, "shape", ())
    has_rows = any(isinstance(value, Rows) for value in arguments)
    if has_rows and name in _ELEMENTWISE:
        lists = [_rows_or(value, shape) for value in arguments]
        new = [bind(*parts)[0] for parts in zip(*lists, strict=True)]
        return [Rows(tuple(new))]
    first: Any = arguments[0] if arguments else None
    if name == "concatenate" and params["dimension"] == 0 and is_small(equation.outvars[0].aval):
        return [Rows(sum((_rows(value) for value in arguments), ()))]
    if name == "broadcast_in_dim" and _adds_rows(params, first, shape):
        return [Rows((first,) * shape[0])]
    if name in _REDUCTIONS and params["axes"] == (0,) and (has_rows or is_small(first)):
        return [functools.reduce(_REDUCTIONS[name], _rows(first))]
    if has_rows and name == "slice" and shape[0] and shape[1:] == first.rows[0].shape:
        low, high, step = (params[end] for end in ("start_indices", "limit_indices", "strides"))
        return [Rows(first.rows[low[0] : high[0] : step[0] if step else 1])]
    if has_rows and name == "squeeze" and params["dimensions"] == (0,):
        return [first.rows[0]]
    return bind(*map(join, arguments))


def _adds_rows(params: Any, first: Any, shape: tuple[int, ...]) -> bool:
    """Whether a broadcast does nothing but repeat an array as rows."""
    if isinstance(first, Rows) or len(shape) < 2 or not 0 < shape[0] <= MOST:
        return False
    axes = tuple(range(1, len(shape)))
    return params["broadcast_dimensions"] == axes and jnp.shape(first) == shape[1:]


def _rows(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Rows):
        return value.rows
    return tuple(jax.lax.index_in_dim(value, k, keepdims=False) for k in range(len(value)))


def _rows_or(value: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The rows, or what is read with each of them."""
    is_number = not isinstance(value, Rows) and jnp.ndim(value) == 0
    found = (value,) if is_number else _rows(value)
    return found * shape[0] if len(found) == 1 else found

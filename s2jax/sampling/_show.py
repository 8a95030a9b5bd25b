"""A batch as text, as rows, and as a table of pandas."""

from typing import Any

import jax
import numpy as np

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.targets.acceptance import Status
from s2jax.text import to_text

_WIDTH = 80


def describe(batch: Any) -> str:
    """What is in a batch, in a few lines; its shapes alone while JAX traces."""
    *axes, inputs, length = batch.x.shape
    outputs = batch.y.shape[-2]
    count = "One row" if not axes else f"{' x '.join(map(str, axes))} rows"
    head = f"{count} of {length} time steps, {batch.y.dtype}"
    lines = [f"x: {_counted(inputs, 'input')}", f"y: {_counted(outputs, 'output')}, {_law(batch)}"]
    if not checks.is_concrete(batch.status):
        return "\n  ".join([f"Batch: {head}", *lines])
    statuses = np.asarray(batch.status).ravel()
    reasons = [
        f"{int((statuses & status.value > 0).sum())} {name}"
        for name, status in Status.__members__.items()
        if (statuses & status.value > 0).any()
    ]
    usable = int((statuses == 0).sum())
    head += (
        ", all usable" if usable == statuses.size else f", {usable} usable ({', '.join(reasons)})"
    )
    if statuses.size and len(axes) < 2:
        first = jax.tree.map(lambda leaf: leaf[0] if axes else leaf, batch.program)
        text = f"f{' of row 0' * bool(axes)}: {to_text(first)}"
        lines.append(text if len(text) <= _WIDTH else f"{text[:_WIDTH].rpartition(' ')[0]} ...")
    return "\n  ".join([f"Batch: {head}", *lines])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _law(batch: Any) -> str:
    """What y is of x."""
    what = "y_scale * f(x) + y_shift" if batch.dynamics is None else "scaled solutions of u' = f"
    what += "" if batch.observation is None else ", measured"
    return f"{what}, at times t" if batch.t is not None else what


def take(batch: Any, index: Any) -> Any:
    """Rows of a batch, or one.

    Raises:
        IndexError: If there is no such row; JAX itself would take the last one.
        TypeError: If `index` is neither a number, a slice nor an array.
    """
    rows = len(batch)
    if isinstance(index, (list, tuple)):
        index = np.asarray(index)
    if not isinstance(index, slice):
        array = index if isinstance(index, jax.Array) else np.asarray(index)
        if array.dtype.kind not in "iub" or (array.ndim == 0 and array.dtype == bool):
            raise TypeError(
                f"Batch[{checks.shown(index)}]: must be the number of a row, a slice, or an array "
                "of numbers or booleans. Fields have names: batch.y."
            )
        if checks.is_concrete(index):
            _check_index(np.asarray(index), rows)
    return jax.tree.map(lambda leaf: leaf[index], batch)


def _check_index(index: np.ndarray, rows: int) -> None:
    if index.dtype == bool and index.shape != (rows,):
        raise IndexError(
            f"Batch[booleans of shape {index.shape}]: must be one for each of {rows} rows. Pass "
            "for example batch[batch.status == 0]."
        )
    outside = [number for number in index.ravel().tolist() if not -rows <= number < rows]
    if index.dtype != bool and outside:
        raise IndexError(
            f"Batch[{outside[0]}]: must be a row of {rows}, counted from 0. Draw more rows by `n` "
            "of s2jax.sample."
        )


def to_frame(batch: Any) -> Any:
    """A data frame of pandas with a line per row and time.

    Raises:
        ImportError: If pandas is not installed.
    """
    pandas = require("pandas", "Data frames")
    host = jax.tree.map(np.asarray, batch)
    rows, inputs, length = host.x.shape
    steps = np.tile(np.arange(length), rows)
    columns: dict[str, Any] = {
        "row": np.repeat(np.arange(rows), length),
        "t": steps if host.t is None else host.t.reshape(-1),
    }
    unused = lambda series, mask: np.where(mask[:, None], series, np.nan).reshape(-1)
    columns |= {f"x_{k}": unused(host.x[:, k], host.x_mask[:, k]) for k in range(inputs)}
    for name, series in (("y", host.y), ("y_clean", host.y_clean)):
        if series is not None:
            columns |= {
                f"{name}_{k}": unused(series[:, k], host.y_mask[:, k])
                for k in range(series.shape[1])
            }
    if host.y_observed is not None:
        columns |= {
            f"y_observed_{k}": host.y_observed[:, k].reshape(-1)
            for k in range(host.y_observed.shape[1])
        }
    columns["expression"] = pandas.Categorical(np.repeat(to_text(host.program), length))
    columns["status"] = np.repeat(host.status, length)
    return pandas.DataFrame(columns)

"""Emitted equations solved by SciPy in float64, which is what ours are checked against."""

# pyright: reportOptionalSubscript=false

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
import sympy

from s2jax import Batch


def right_hand_side(row: Any, num_states: int) -> Callable[..., Any]:
    """The emitted expressions of a row as a function `f(t, y, x)` of numbers, in float64."""
    names = ["t", "x_0", *(f"y_{k}" for k in range(num_states))]
    symbols = sympy.symbols(names, real=True)
    real = dict(zip(names, symbols, strict=True))
    exprs = [e.subs({s: real[s.name] for s in e.free_symbols}) for e in map(sympy.sympify, row)]
    function = sympy.lambdify(symbols, exprs, "math", cse=True)
    return lambda t, y, x: function(t, x, *y)


def reference(f: Callable[..., Any], t: np.ndarray, y0: np.ndarray, x: np.ndarray | None):
    """The solution at `t` of shape `(states, time)`, or None if it does not exist that long.

    DOP853 of SciPy; x is linear between its samples, so each interval is solved by itself.
    """
    ends = t if x is not None else t[[0, -1]]
    y, step, out = y0, None, [y0[:, None]]
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        slope = 0.0 if x is None else (x[i + 1] - x[i]) / (end - start)
        first = 0.0 if x is None else x[i]
        field = lambda s, y, a=first, b=slope, s0=start: f(s, y, a + b * (s - s0))
        try:
            found = scipy.integrate.solve_ivp(
                field, (start, end), y, "DOP853", t if x is None else [end], rtol=1e-11, atol=1e-13,
                first_step=None if step is None else min(step, end - start),
            )  # fmt: skip
        except (ZeroDivisionError, ValueError, OverflowError):
            return None
        if found.status != 0 or not np.isfinite(found.y).all():
            return None
        y, step = found.y[:, -1], (end - start) / 2
        out.append(found.y[:, 1:] if x is None else found.y)
    return np.concatenate(out, axis=1)


def relative_error(batch: Batch, row: int, equations: Any) -> float:
    """Largest difference from the reference, relative to its size; inf if there is none."""
    states = int(batch.y_mask[row].sum())
    t = np.linspace(0, float(batch.t[row, -1]), batch.t.shape[1])
    x = batch.x[row, 0].astype(float) if batch.x_mask[row].any() else None
    y = batch.y[row, :states].astype(float)
    with np.errstate(all="ignore"):
        wanted = reference(right_hand_side(equations[:states], states), t, y[:, 0], x)
    return math.inf if wanted is None else np.abs(y - wanted).max() / np.abs(wanted).max()

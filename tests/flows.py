"""The flows of the package dysts, as equations: its functions are called with symbols."""

import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import sympy

from tests.problems import Equations

MISSING = (
    "needs the systems of dysts: `pip install --no-deps 'dysts>=0.96'`, without its dependencies, "
    "of which gluonts asks for an older pandas"
)


def import_flows() -> Any:
    """The module `dysts.flows`.

    Raises:
        ModuleNotFoundError: If dysts is not installed.
    """
    # dysts takes one name of gluonts, with which it writes files
    names = {"gluonts", "gluonts.dataset", "gluonts.dataset.arrow"} - set(sys.modules)
    stubs: dict[str, Any] = {name: types.ModuleType(name) for name in names}
    for stub in stubs.values():
        stub.ArrowWriter = None
    sys.modules.update(stubs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that numba is not installed
            import dysts.flows  # pyright: ignore[reportMissingImports]
    finally:
        for name in names:
            del sys.modules[name]
    return dysts.flows


def list_flows(flows: Any) -> tuple[list[Any], list[str]]:
    """One system of every class without delays, and the names of those with delays."""
    from dysts.base import DynSys, DynSysDelay  # pyright: ignore[reportMissingImports]

    own = [item for item in vars(flows).values() if isinstance(item, type)]
    own = [item for item in own if item.__module__ == flows.__name__]
    delayed = [item.__name__ for item in own if issubclass(item, DynSysDelay)]
    return [item() for item in own if issubclass(item, DynSys)], delayed


def read_flow(flows: Any, flow: Any) -> Equations:
    """The right-hand sides of a flow, by calling its function with symbols."""
    states = list(sympy.symbols(f"v:{flow.dimension}"))
    time = sympy.Symbol("t")
    with _symbolic(flows):
        right = flow.rhs(np.array(states, dtype=object), time)
    right = [sympy.sympify(expr) for expr in np.ravel(np.array(right, dtype=object))]
    is_timed = any(expr.has(time) for expr in right)
    initial = np.ravel(np.asarray(flow.ic, float)).tolist()
    return Equations(
        name=type(flow).__name__, expressions=right, states=states, constants={},
        initial=initial, duration=0.25 * float(flow.period), time=time if is_timed else None,
    )  # fmt: skip


@contextmanager
def _symbolic(flows: Any) -> Iterator[None]:
    """Within it the module computes with SymPy where it would with NumPy."""
    with mock.patch.multiple(flows, np=_SymbolicNumpy(), max=sympy.Max, create=True):
        yield


class _SymbolicNumpy:
    def __getattr__(self, name: str) -> Any:
        return _FUNCTIONS.get(name) or getattr(np, name)


def _elementwise(function: Any) -> Callable[..., Any]:
    def apply(*operands):
        is_array = any(isinstance(operand, np.ndarray) for operand in operands)
        return (
            np.vectorize(function, otypes=[object])(*operands) if is_array else function(*operands)
        )

    return apply


_WORDS = {"abs": "Abs", "heaviside": "Heaviside", "arctan": "atan"}
_SAME = ("sin", "cos", "tan", "exp", "log", "sqrt", "sinh", "cosh", "tanh", "sign")
_FUNCTIONS: dict[str, Any] = {
    **{name: _elementwise(getattr(sympy, _WORDS.get(name, name))) for name in (*_SAME, *_WORDS)},
    "pi": sympy.pi,
    "min": lambda array, axis=None: (
        sympy.Min(*np.ravel(array))
        if axis is None
        else np.apply_along_axis(lambda line: sympy.Min(*line), axis, np.asarray(array, object))
    ),
}

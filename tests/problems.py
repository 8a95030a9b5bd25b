"""Public problems, as tables of `tests/data`, and the slow reference they are compared with."""

import csv
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sympy

DATA = Path(__file__).parent / "data"


class Formula(NamedTuple):
    """A named formula, as its table writes it, and where each of its variables lies."""

    name: str
    text: str
    ranges: dict[str, tuple[float, float]]

    @property
    def expression(self) -> Any:
        symbols = {name: sympy.Symbol(name) for name in self.ranges}
        words = {"ln": sympy.log, "arcsin": sympy.asin, "abs": sympy.Abs}
        return sympy.parse_expr(self.text, local_dict={**words, **symbols})

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Values of the variables, each a float32."""
        draw = lambda low, high: rng.uniform(low, high, count).astype(np.float32).astype(float)
        return {name: draw(*bounds) for name, bounds in self.ranges.items()}


def read_formulas(name: str) -> list[Formula]:
    """The formulas of a table `name,formula,ranges`; ranges read `theta 1 3 sigma 1 3`."""
    out = []
    for row in _rows(name):
        words = row["ranges"].split()
        triples = zip(words[::3], words[1::3], words[2::3], strict=True)
        ranges = {variable: (float(low), float(high)) for variable, low, high in triples}
        out.append(Formula(row["name"], row["formula"], ranges))
    return out


class Equations(NamedTuple):
    """A system of differential equations with its constants, and where it starts.

    Attributes:
        span: A time in which it moves.
        time: Its symbol, if the equations hold it.
    """

    name: str
    expressions: list[Any]
    states: list[Any]
    constants: dict[Any, float]
    initial: list[float]
    span: float
    time: Any = None


def read_equations(name: str) -> list[Equations]:
    """The systems of a table `number,equations,constants,initial`."""
    out = []
    for row in _rows(name):
        numbers, initial = row["constants"].split(), row["initial"].split()
        states = [sympy.Symbol(f"x_{k}") for k in range(len(initial))]
        constants = {sympy.Symbol(f"c_{k}"): float(value) for k, value in enumerate(numbers)}
        words = {symbol.name: symbol for symbol in (*states, *constants)} | {"abs": sympy.Abs}
        right = [sympy.parse_expr(text, local_dict=words) for text in row["equations"].split("|")]
        out.append(
            Equations(row["number"], right, states, constants, list(map(float, initial)), 10.0)
        )
    return out


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def value_and_bound(
    expr: Any, values: dict[Any, np.ndarray], unit: float, decimal: float
) -> tuple[np.ndarray, np.ndarray]:
    """Values in float64, and how far an evaluation may be off that rounds every step.

    Args:
        expr: SymPy expression.
        values: Of every symbol, without error.
        unit: Relative error of one operation.
        decimal: Relative error of a number that is not whole.

    Returns:
        The values, and the first-order bound of their errors: what every step adds, carried on by
        the derivatives of the steps after it.
    """
    if expr.is_Symbol:
        return values[expr], np.zeros_like(values[expr])
    if expr.is_number:
        value = np.asarray(float(expr))
        return value, np.abs(value) * (0.0 if expr.is_Integer else decimal)
    value, bound = zip(*[value_and_bound(a, values, unit, decimal) for a in expr.args], strict=True)
    steps = _STEPS.get(expr.func)
    return steps(value, bound, unit) if steps else _function(expr.func, value, bound, unit)


def _sum(value, bound, unit):
    return sum(value), sum(bound) + len(value) * unit * sum(map(np.abs, value))


def _product(value, bound, unit):
    out = functools.reduce(np.multiply, value)
    others = [
        functools.reduce(np.multiply, [*value[:k], *value[k + 1 :]]) for k in range(len(value))
    ]
    carried = sum(np.abs(other) * own for other, own in zip(others, bound, strict=True))
    return out, carried + len(value) * unit * np.abs(out)


def _power(value, bound, unit):
    (base, power), (base_bound, power_bound) = value, bound
    out = base**power
    slope = np.abs(power * base ** (power - 1)) if np.any(base_bound) else 0.0
    # a power is 2**(power * log2(base)), which rounds its exponent
    log = np.abs(np.log(np.where(base == 0, 1.0, np.abs(base))))
    rounding = unit * (1 + np.abs(power) * (1 + log)) + power_bound * log
    return out, slope * base_bound + np.abs(out) * rounding


def _selected(select):
    """Of functions that return one of their operands."""
    return lambda value, bound, unit: (
        functools.reduce(select, value),
        functools.reduce(np.maximum, bound),
    )


def _steplike(function):
    """Of functions whose derivative is 0 where they have one."""
    return lambda value, bound, unit: (function(value), 0.0 * value[0])


_STEPS: dict[Any, Callable[..., Any]] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.Max: _selected(np.maximum),
    sympy.Min: _selected(np.minimum),
    sympy.sign: _steplike(lambda value: np.sign(value[0])),
    sympy.Heaviside: _steplike(lambda value: np.heaviside(*value)),
}
_PERIODIC = (sympy.sin, sympy.cos, sympy.tan, sympy.cot)


def _function(function, value, bound, unit):
    (at,), (error,), z = value, bound, sympy.Symbol("z", real=True)
    call = function(z)
    out, slope = (sympy.lambdify(z, f, "numpy")(at) for f in (call, call.diff(z)))
    # two ulps; and an argument is reduced by a multiple of pi, which costs what adding it would
    rounding = 4 * np.abs(out) + (1 + np.abs(at) if function in _PERIODIC else 0.0)
    return out, np.abs(slope) * error + unit * rounding

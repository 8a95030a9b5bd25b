"""Events: where an expression of a given system passes through 0, and the solution ends."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx

from s2jax.ode._field import sympy_of
from s2jax.ode._given import check_expression, plain, variable_names
from s2jax.ode._words import write_words
from s2jax.text.lambdas import to_double
from s2jax.text.read_sympy import shorten

CALL = "solve"
DIRECTIONS = (-1, 0, 1)


class Event(eqx.Module):
    """What ends a solution: an expression that passes through 0.

    Attributes:
        expression: SymPy, of the system's states, inputs, parameters and time by name; other
            symbols in it are numbers that `System.solve` is given as `parameters`. Static.
        direction: 1 for roots where it rises, -1 where it falls, 0 for both. Static.

    Raises:
        TypeError: If the expression is not SymPy, or a condition.
        ValueError: If it has no symbol or a function that JAX does not have, or the direction is
            another number.

    Example:
        >>> import numpy as np, sympy
        >>> from s2jax.ode import System
        >>> height, speed = sympy.symbols("height speed")
        >>> ball = System.from_sympy([speed, -9.81], [height, speed])
        >>> fall = ball.solve([2.0, 0.0], np.linspace(0, 1, 5), events=Event(height, direction=-1))
        >>> round(float(fall.event_time), 4)  # sqrt(2 * 2.0 / 9.81)
        0.6386
        >>> np.asarray(fall.y[0], float).round(3)
        array([2.   , 1.693, 0.774,   nan,   nan])
    """

    expression: Any = eqx.field(static=True)
    direction: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        _check_expression(self.expression)
        if isinstance(self.direction, bool) or self.direction not in DIRECTIONS:
            raise ValueError(
                f"Event(direction={self.direction!r}): must be 1 for roots where the expression "
                "rises, -1 where it falls, or 0 for both."
            )


class Watched(NamedTuple):
    """Events in canonical names; it can be hashed.

    Attributes:
        equations: The expressions, and the numbers of states, inputs and parameters.
        directions: One for each.
    """

    equations: tuple[Any, ...]
    directions: tuple[int, ...]


def read_events(system: Any, events: Any) -> tuple[Watched | None, tuple[str, ...]]:
    """Events as text, and the names of numbers in them that the system does not have.

    Those follow the parameters of the system.
    """
    listed = _listed(events)
    if not listed:
        return None, ()
    expressions = [plain(event.expression) for event in listed]
    known = [*system.states, *system.inputs, *system.parameters, system.time]
    own = tuple(
        sorted({s.name for expr in expressions for s in expr.free_symbols if s.name not in known})
    )
    sizes = len(system.states), len(system.inputs), len(system.parameters) + len(own)
    names = [*system.states, *system.inputs, *system.parameters, *own, system.time]
    canonical = dict(zip(names, variable_names(*sizes), strict=True))
    texts = [write_words(expr, lambda s: canonical[s.name]) for expr in expressions]
    sympy_of(tuple(texts), *sizes)
    equations = tuple(texts), *sizes
    return Watched(equations, tuple(event.direction for event in listed)), own


def _listed(events: Any) -> Sequence[Event]:
    import sympy

    if events is None:
        return ()
    if not isinstance(events, (list, tuple, sympy.Tuple)):
        events = [events]
    return [event if isinstance(event, Event) else Event(event) for event in events]


def check_values(own: Sequence[str], given: Mapping[str, Any], system: Any) -> None:
    """Refuse events with symbols that stand for nothing."""
    for name in own:
        if name not in given:
            known = ", ".join((*system.states, *system.inputs, *system.parameters, system.time))
            raise ValueError(
                f"{CALL}(events=[an expression with {name}]): must have no symbols but those of "
                f"the system, {known}, and numbers that are given. Pass "
                f"parameters={{{name!r}: ...}}, or correct the name."
            )


def _check_expression(expr: Any) -> None:
    import sympy

    shown = shorten(expr)
    if isinstance(expr, sympy.logic.boolalg.Boolean) and not expr.is_Symbol:
        fix = "Pass what passes through 0"
        if isinstance(expr, sympy.core.relational.Relational):
            left, right = expr.args
            fix = f"Pass the difference {shorten(left - right)}"  # type: ignore
        raise TypeError(
            f"Event({shown}): must be a number that passes through 0, not a condition. {fix}, and "
            "direction=1 if only where it rises or -1 where it falls."
        )
    check_expression(f"Event({shown})", expr)
    if not expr.free_symbols:
        raise ValueError(
            f"Event({shown}): must vary, because a constant passes through 0 nowhere. Pass an "
            "expression of states, inputs, parameters or time."
        )
    for number in expr.atoms(sympy.Number):
        try:
            to_double(number)
        except ValueError as error:
            raise ValueError(f"Event({shown}): {error}.") from None

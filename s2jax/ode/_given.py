"""What a user hands over as a system, read and checked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2jax.core import checks
from s2jax.distributions import AbstractDistribution, Constant, Normal, check_positive
from s2jax.laws.given import MAX_ROUNDED
from s2jax.programs.program import MAX_INPUTS, MAX_STATES
from s2jax.text.lambdas import find_unknown, to_double
from s2jax.text.read_sympy import shorten

CALL = "System.from_sympy"


def variable_names(num_states: int, num_inputs: int, num_parameters: int) -> list[str]:
    """Canonical names of states, inputs, parameters and time."""
    counts = {"y": num_states, "x": num_inputs, "p": num_parameters}
    return [*(f"{name}_{k}" for name, count in counts.items() for k in range(count)), "t"]


def check_sizes(system: Any) -> None:
    """Refuse counts that do not fit each other; they decide shapes."""
    pairs = {
        "expressions": (system.expressions, system.states),
        "initial": (system.initial, system.states),
        "laws": (system.laws, system.parameters),
    }
    for name, (values, owners) in pairs.items():
        if len(values) != len(owners):
            raise ValueError(
                f"System({name} of length {len(values)}): must be {len(owners)}, because each "
                f"state and parameter has one. Make systems by {CALL}(...)."
            )
    for name, values, most in (
        ("states", system.states, MAX_STATES),
        ("inputs", system.inputs, MAX_INPUTS),
    ):
        if len(values) > most or (name == "states" and not values):
            raise ValueError(
                f"{CALL}({len(values)} {name}): must be {'1 to ' if name == 'states' else '<= '}"
                f"{most}, because programs have no names for more. Split the system."
            )
    names = [*system.states, *system.inputs, *system.parameters, system.time]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{CALL}(...): {twice[0]} must stand once among states, inputs, parameters and time, "
            "because a name is one thing. Rename one of them."
        )
    checks.check_static_integer(CALL, "digits", system.digits, 1, MAX_ROUNDED)
    if system.duration is not None:
        check_positive(CALL, "duration", system.duration)


def check_motion(system: Any, expressions: Sequence[Any], noise: Sequence[Any]) -> None:
    """Refuse as a target what does not move, because no row of a batch would be usable.

    Args:
        system: The system.
        expressions: Its right-hand sides.
        noise: The factors of the noise of its states, or nothing.
    """
    import sympy

    expressions, noise = ([expr.doit() for expr in own] for own in (expressions, noise))
    for index, (state, expr) in enumerate(zip(system.states, expressions, strict=True)):
        if expr == 0 and not (noise and noise[index] != 0):
            raise ValueError(
                f"Config(target=a system with {state}' = 0): every state must move, because series "
                f"that do not vary are refused in every row. Make {state} a parameter: a symbol in "
                f"the equations with parameters={{{state}: ...}}, drawn anew for each row."
            )
    laws = (*system.initial, *system.laws)
    if system.inputs or not all(isinstance(law, Constant) for law in laws):
        return
    values: list[Any] = [getattr(law, "value", None) for law in laws]
    if not all(map(checks.is_concrete, values)):
        return
    count = len(system.states)
    names = variable_names(count, 0, len(system.parameters))
    numbers = {sympy.Symbol(n): sympy.Float(float(v)) for n, v in zip(names, values, strict=False)}
    if all(expr.xreplace(numbers).is_zero for expr in [*expressions, *noise]):
        start = ", ".join(f"{float(value):g}" for value in values[:count])
        raise ValueError(
            f"Config(target=a system that starts at {start}): must not start at rest, because "
            "all derivatives are 0 there and series that do not vary are refused in every row. "
            "Pass other numbers, or distributions, as initial=[...]."
        )


def given_expressions(expressions: Any) -> list[Any]:
    import sympy

    if not isinstance(expressions, (list, tuple, sympy.Tuple)):
        raise TypeError(
            f"{CALL}(expressions of type {type(expressions).__name__}): must be a list of SymPy "
            "expressions, one for each state. Pass a list."
        )
    return [given_expression(f"expressions[{k}]", expr) for k, expr in enumerate(expressions)]


def given_expression(place: str, expr: Any) -> Any:
    """An expression of SymPy or a number as one; `place` is where errors say it stands."""
    import sympy

    if isinstance(expr, (int, float)) and not isinstance(expr, bool):
        expr = sympy.Integer(expr) if isinstance(expr, int) else sympy.Float(expr)
    expr = check_expression(f"{CALL}({place}={shorten(expr)})", expr)
    for number in expr.atoms(sympy.Number):
        _double(place, number)
    return expr


def check_expression(where: str, expr: Any) -> Any:
    """The expression; refused if it is none, or holds what JAX does not have, by `where`."""
    import sympy

    if not isinstance(expr, sympy.Expr) or isinstance(expr, sympy.MatrixBase):
        fix = "Build it from sympy.symbols." if isinstance(expr, str) else "Pass a sympy.Expr."
        raise TypeError(
            f"{where}: must be a SymPy expression, not of type {type(expr).__name__}. {fix}"
        )
    unknown = sorted(
        find_unknown(expr) | {str(n) for n in expr.atoms(sympy.Number) if not n.is_finite}
    )
    if unknown:
        raise ValueError(
            f"{where}: must hold finite numbers and functions of real numbers that JAX has, which "
            f"excludes {', '.join(unknown)}. Rewrite it with expr.doit(), expr.rewrite(...) or "
            "expr.subs(...)."
        )
    return expr


def _double(name: str, number: Any) -> float:
    """A number of SymPy as a float, refused if it would become 0 or infinite."""
    try:
        return to_double(number)
    except ValueError as error:
        raise ValueError(f"{CALL}({name}): {error}.") from None


def plain(expr: Any) -> Any:
    """The expression with symbols that have a name and no assumptions."""
    import sympy

    return expr.xreplace({symbol: sympy.Symbol(symbol.name) for symbol in expr.free_symbols})


def given_symbols(name: str, symbols: Any) -> tuple[Any, ...]:
    import sympy

    if not isinstance(symbols, (list, tuple, sympy.Tuple)) or not all(
        isinstance(symbol, sympy.Symbol) for symbol in symbols
    ):
        raise TypeError(
            f"{CALL}({name}={symbols!r}): must be a list of sympy.Symbol, in the order of the "
            f"{name}. Make them by sympy.symbols(...)."
        )
    return tuple(symbols)


def for_states(
    field: str, given: Any, names: Sequence[str], name_of: Callable[[Any], str], rule: str
) -> Sequence[Any]:
    """What is given for each state, of a list or of a dict from states; None where nothing is."""
    if isinstance(given, Mapping):
        named = {name_of(state): value for state, value in given.items()}
        for name in named:
            if name not in names:
                raise ValueError(f"{CALL}({field}={{{name}: ...}}): {checks.unknown(name, names)}")
        given = [named.get(name) for name in names]
    if not isinstance(given, (list, tuple)) or len(given) != len(names):
        raise ValueError(f"{CALL}({field}={checks.shown(given)}): must be {rule}")
    return given


def given_parameters(parameters: Any, free: set[Any]) -> dict[Any, AbstractDistribution]:
    """Distributions by symbol."""
    import sympy

    if not isinstance(parameters, Mapping):
        raise TypeError(
            f"{CALL}(parameters={parameters!r}): must be a dict from symbols to numbers or "
            "distributions. Pass {symbol: 1.0}."
        )
    out = {}
    for key, value in parameters.items():
        if not isinstance(key, (str, sympy.Symbol)):
            raise TypeError(
                f"{CALL}(parameters={{{key!r}: ...}}): must be a symbol or its name, not of type "
                f"{type(key).__name__}."
            )
        found = next((symbol for symbol in free if symbol.name == str(key)), None)
        if found is None:
            raise ValueError(
                f"{CALL}(parameters={{{key}: ...}}): must stand in an expression, because nothing "
                "else reads it. Leave it out, or correct the name."
            )
        out[found] = given_law(f"parameters[{key}]", value)
    return out


def given_law(name: str, value: Any) -> AbstractDistribution:
    """A distribution, or a number as one."""
    import sympy

    if isinstance(value, AbstractDistribution):
        return value
    if isinstance(value, sympy.Number):
        value = _double(name, value) if value.is_finite else float(value)
    if isinstance(value, bool) or not checks.is_concrete(value) or np.ndim(value):
        raise TypeError(
            f"{CALL}({name}={value!r}): must be a number or a distribution. Pass for example "
            "s2jax.distributions.Uniform(0.5, 2.0)."
        )
    checks.check_number(CALL, name, value)
    return Constant(float(value))


def given_initial(initial: Any, count: int) -> tuple[AbstractDistribution, ...]:
    if initial is None:
        return (Normal(),) * count
    if not isinstance(initial, (list, tuple, np.ndarray)) or len(initial) != count:
        raise ValueError(
            f"{CALL}(initial={initial!r}): must be a list of {count} numbers or distributions, one "
            "for each state. Give as many as there are states."
        )
    return tuple(given_law(f"initial[{index}]", value) for index, value in enumerate(initial))


def given_time(time: Any, free: set[Any], others: Sequence[Any]) -> Any:
    import sympy

    if time is not None:
        return plain(given_symbols("time", [time])[0])
    taken = {symbol.name for symbol in others}
    found = [symbol for symbol in free if symbol.name == "t" and symbol not in others]
    if found:
        return found[0]
    free_names = (name for name in ("t", "time", "t_time") if name not in taken)
    return sympy.Symbol(next(free_names))


def check_symbols(
    outputs: Sequence[Any], noise: Sequence[Any], states: Sequence[Any], inputs: Sequence[Any],
    named: Any, clock: Any,
) -> None:  # fmt: skip
    """Refuse a wrong number of expressions, and symbols that stand for nothing."""
    if len(outputs) != len(states):
        raise ValueError(
            f"{CALL}({len(outputs)} expressions, {len(states)} states): there must be one "
            "expression for each state, its derivative. Give as many."
        )
    known = [*states, *inputs, *named, clock]
    for expr in [*outputs, *noise]:
        missing = sorted(expr.free_symbols - set(known), key=str)
        if missing:
            raise ValueError(
                f"{CALL}({shorten(expr)}): must have no symbols but states, inputs, parameters and "
                f"time, and {missing[0]} is none of them. List it in states or inputs, or give it "
                f"a value: parameters={{{missing[0]}: 1.0}}."
            )


def canonical_names(
    states: Sequence[Any], inputs: Sequence[Any], parameters: Sequence[Any], clock: Any
) -> Callable[[Any], str]:
    names = variable_names(len(states), len(inputs), len(parameters))
    return dict(zip([*states, *inputs, *parameters, clock], names, strict=True)).__getitem__

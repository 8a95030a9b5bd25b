"""States at delayed times in given systems: taken out of expressions, and checked."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core import checks
from s2jax.distributions import Constant, check_positive
from s2jax.ode._field import field, operators_of
from s2jax.ode._given import CALL, for_states, given_expression, plain, variable_names
from s2jax.ode._lags import lags_of, read_delay
from s2jax.ode._switches import SWITCHES
from s2jax.ode._words import read_words
from s2jax.text.read_sympy import shorten

MAX_DELAYS = 8
_POINTS = 65  # where the domain of a history is looked at


def take_states(states: Any) -> Any:
    """States that are written `y(t)` as symbols; all else as it is."""
    from sympy import Symbol
    from sympy.core.function import AppliedUndef, UndefinedFunction

    if not isinstance(states, (list, tuple)):
        return states
    is_function = lambda state: isinstance(state, (AppliedUndef, UndefinedFunction))
    name = lambda state: getattr(state, "__name__", None) or state.func.__name__
    return [Symbol(name(state)) if is_function(state) else state for state in states]


def take_delays(
    expressions: Any, states: Sequence[Any], time: Any
) -> tuple[Any, dict[Any, tuple[Any, Any]]]:
    """Expressions with a symbol for every state at a delayed time, and what each stands for.

    What is no list of SymPy expressions is handed back as it is; `y(t)` becomes the state.
    """
    import sympy
    from sympy.core.function import AppliedUndef

    if not isinstance(expressions, (list, tuple, sympy.Tuple)):
        return expressions, {}
    names: list[Any] = [state.name for state in states]
    clock = getattr(time, "name", "t")
    found: dict[Any, Any] = {}
    pairs: dict[tuple[str, Any], Any] = {}
    for expr in expressions:
        if not isinstance(expr, sympy.Expr):
            continue
        for node in sorted(expr.atoms(AppliedUndef), key=sympy.default_sort_key):
            name = node.func.__name__
            if name not in names:
                continue  # refused as a function that nobody knows
            delay = _delay(node, clock, names)
            if delay == 0:
                found[node] = sympy.Symbol(name)
                continue
            pair = name, f"{float(delay):.9g}" if delay.is_number else delay.name
            # a symbol whose name is no word, so that no other has it
            found[node] = sympy.Symbol(f"{name}({clock} - {pair[1]})")
            pairs[pair] = found[node], (name, delay)
    if len(pairs) > MAX_DELAYS:
        raise ValueError(
            f"{CALL}({len(pairs)} states at delayed times): must be at most {MAX_DELAYS}, because "
            "each is looked up at every stage of every step. Give several of them one delay."
        )
    replaced = [e.xreplace(found) if isinstance(e, sympy.Expr) else e for e in expressions]
    return replaced, dict(pairs.values())


def _delay(node: Any, clock: str, states: Sequence[str]) -> Any:
    """The delay of `y(t - delay)`: a positive number or a symbol, or 0."""
    import sympy

    where = f"{CALL}({shorten(node)})"
    if len(node.args) != 1:
        raise ValueError(f"{where}: must be a state at one time. Write {node.func}(t - 2.5).")
    delay = sympy.expand(sympy.Symbol(clock) - plain(node.args[0]))
    if delay.is_Symbol and delay.name not in (clock, *states):
        return delay
    if not delay.is_number:
        raise ValueError(
            f"{where}: must be a state at the time {clock} minus a number or a parameter, because "
            "delays do not depend on the time or the states. Write the delay as a number, or as a "
            f"symbol in parameters={{...}}; a time of another name is named by time=."
        )
    if not delay.is_finite or not delay.is_real or delay < 0:
        raise ValueError(
            f"{where}: must have a delay > 0, because what is to come is not known yet, and this "
            f"one is {delay}. Write {node.func}({clock} - 2.5)."
        )
    return delay


def read_texts(system: Any, texts: Sequence[str]) -> tuple[Any, ...]:
    """Expressions of a system, given as text, in the names of the user."""
    import sympy

    symbols = lambda names: [sympy.Symbol(name) for name in names]
    time, parameters = sympy.Symbol(system.time), symbols(system.parameters)
    delayed = []
    for lag in lags_of(system.delays, len(parameters)):
        number = sympy.Integer(int(lag.delay)) if lag.delay % 1 == 0 else sympy.Float(lag.delay)
        delay = parameters[int(lag.delay)] if lag.is_parameter else number
        delayed.append(sympy.Function(system.states[lag.state])(time - delay))
    own = [*symbols(system.states), *symbols(system.inputs), *delayed, *parameters, time]
    named = dict(zip(variable_names(*system._sizes), own, strict=True))
    return tuple(read_words(text, named) for text in texts)


def write_delay(pair: tuple[str, Any], name_of: Any) -> str:
    """The text of a state and its delay; `name_of` names symbols."""
    import sympy

    name, delay = pair
    text = name_of(delay) if delay.is_Symbol else decimal_of(delay)
    return f"{name_of(sympy.Symbol(name))}(t - {text})"


def decimal_of(delay: Any) -> str:
    """A number of SymPy as text of 9 digits, as programs have them."""
    value = float(f"{float(delay):.9g}")
    return str(int(value)) if delay.is_Integer else repr(value)


def given_history(history: Any, states: Sequence[Any], initial: Any, time: Any) -> tuple[Any, ...]:
    """The history of each state as an expression, itself where it is held; () if all are."""
    import sympy

    if history is None:
        return ()
    names = [state.name for state in states]
    rule = (
        f"a list of {len(states)} expressions of time, one for each state, or a dict of them. "
        "Write None where the initial state is to be held."
    )
    history = for_states("history", history, names, _name, rule)
    out = []
    history, delayed = take_delays(list(history), states, time)
    if delayed:
        raise ValueError(
            f"{CALL}(history=... with {next(iter(delayed))}): must be expressions of time, "
            "parameters and initial states, because before a history there is none. Write it out."
        )
    for name, value in zip(names, history, strict=True):
        own = sympy.Symbol(name)
        expr = own if value is None else plain(given_expression(f"history[{name}]", value))
        if own not in expr.free_symbols and initial is None:
            raise ValueError(
                f"{CALL}(history[{name}]={shorten(expr)}): must come with initial=[...], because "
                "the solution begins there and not where its history ends. Pass initial values, or "
                f"write the history with {name}, which is its initial value there."
            )
        out.append(expr)
    return tuple(out)


def _name(state: Any) -> str:
    return take_states([state])[0].name if not isinstance(state, str) else state


def check_delays(system: Any) -> None:
    """Refuse what delays do not go together with, and histories that end too early."""
    if not system.delays:
        if system.history:
            raise ValueError(
                f"{CALL}(history=...): must come with a delay in some expression, because nothing "
                "else reads it. Leave it out."
            )
        return
    for text in system.delays:
        try:
            lag, _ = read_delay(text, len(system.parameters))
        except ValueError as error:
            raise ValueError(
                f"System(delays=({text!r}, ...)): {error}. Make systems by {CALL}(...)."
            ) from None
        if lag.state >= len(system.states):
            raise ValueError(
                f"System(delays=({text!r}, ...)): must name a state of the system, which has "
                f"{len(system.states)}. Make systems by {CALL}(...)."
            )
        if lag.is_parameter:
            index = int(lag.delay)
            place = f"parameters[{system.parameters[index]}]"
            check_positive(CALL, place, system.laws[index])
    if system.noise:
        raise ValueError(
            f"{CALL}(noise=...) with delays: must have one of both at most, because states of "
            "before are read from smooth solutions. Leave out the noise or the delays."
        )
    if system.history and len(system.history) != len(system.states):
        raise ValueError(
            f"System(history of length {len(system.history)}): must be {len(system.states)} or 0, "
            f"because each state has one. Make systems by {CALL}(...)."
        )
    read = {symbol.name for past in system.histories for symbol in past.free_symbols}
    if read & set(system.inputs):
        raise ValueError(
            f"{CALL}(history=... with {sorted(read & set(system.inputs))[0]}): must not read "
            "inputs, because they begin with the solution. Write expressions of time, parameters "
            "and initial states."
        )
    _check_switches(system)


def _check_switches(system: Any) -> None:
    try:
        found = operators_of(system.expressions, *system._sizes) & set(SWITCHES)
    except ValueError:
        return  # no operators of programs: for `solve` alone
    if found:
        raise ValueError(
            f"{CALL}(...) with delays and {', '.join(sorted(found))}: must have one of both at "
            "most, because every switch would come back after each delay. Write a steep smooth "
            "function, such as tanh, in its place."
        )


def check_history(system: Any, start: float) -> None:
    """Refuse a history without values where a solution from this time reads it.

    What reads drawn numbers or initial states is not looked at: a row without a past is no number.
    """
    lags = lags_of(system.delays, len(system.parameters))
    number = lambda law: float(law.value) if _is_known(law) else np.nan
    own = np.array([number(law) for law in system.laws], float)
    drawn = {n for n, value in zip(system.parameters, own, strict=True) if np.isnan(value)}
    sizes = len(system.states), 0, len(system.parameters)
    exprs = system.histories
    for index, (name, text) in enumerate(zip(system.states, system.history, strict=False)):
        delays = [own[int(d)] if is_drawn else d for k, d, is_drawn in lags if k == index]
        read = {symbol.name for symbol in exprs[index].free_symbols}
        if not delays or np.isnan(delays).any() or read & {*drawn, *system.states}:
            continue
        times = start - np.linspace(max(delays), 0.0, _POINTS)
        with jax.ensure_compile_time_eval():
            at = jnp.asarray(times, jnp.result_type(float))
            y = jnp.zeros((sizes[0], _POINTS), at.dtype)
            values = field(((text,), *sizes), at, y, (), jnp.asarray(own, at.dtype)[:, None])[0]
            bad = np.flatnonzero(~np.isfinite(np.asarray(values)))
        if bad.size:
            raise ValueError(
                f"{CALL}(history[{name}]={shorten(exprs[index])}): must have values from the "
                f"longest delay, {max(delays):g}, before the start, and has none at {system.time}="
                f"{times[bad[-1]]:.3g}. Give a history that is longer, or a shorter delay."
            )


def check_target(system: Any) -> None:
    """Refuse as a target a system with delays whose rows have no span, or never move."""
    if not system.delays:
        return
    if system.duration is None:
        raise ValueError(
            f"{CALL}(duration=None) with delays as a target: must have a duration, because what "
            "finds one is a pilot run that has no past. Pass a number or a distribution, in the "
            "unit of time."
        )
    check_history(system, 0.0)
    laws = (*system.initial, *system.laws)
    if system.history or not all(map(_is_known, laws)):
        return
    lags = lags_of(system.delays, len(system.parameters))
    with jax.ensure_compile_time_eval():
        values = jnp.asarray([float(law.value) for law in laws])[:, None]
        y, own = values[: len(system.states)], values[len(system.states) :]
        slopes = np.asarray(system.field(0.0, y, y[np.array([lag.state for lag in lags])], own))
    if (slopes == 0).all():
        start = ", ".join(f"{value:g}" for value in y[:, 0].tolist())
        raise ValueError(
            f"Config(target=a system that starts at {start}): must not start at rest, because "
            "all derivatives are 0 there and before, and series that do not vary are refused in "
            "every row. Pass other numbers, or distributions, as initial=[...], or a history."
        )


def _is_known(law: Any) -> bool:
    return isinstance(law, Constant) and checks.is_concrete(law.value)

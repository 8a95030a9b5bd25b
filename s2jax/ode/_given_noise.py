"""Noise that a user hands over with a system: one factor per state, read and checked."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from s2jax.core import checks
from s2jax.distributions import AbstractDistribution
from s2jax.ode._field import sympy_of
from s2jax.ode._given import CALL, for_states, given_expression, plain
from s2jax.ode._words import write_words
from s2jax.text.read_sympy import shorten


def given_noise(noise: Any, states: Sequence[Any]) -> tuple[Any, ...]:
    """The factor of each state as an expression, 0 where there is none; () if none has any."""
    if noise is None:
        return ()
    names = [state.name for state in states]
    rule = (
        f"a list of {len(states)} factors, one for each state, or a dict from states to factors. "
        "Write None where there is no noise."
    )
    noise = for_states("noise", noise, names, str, rule)
    factors = [_given(name, factor) for name, factor in zip(names, noise, strict=True)]
    return tuple(factors) if any(factor != 0 for factor in factors) else ()


def _given(name: str, factor: Any) -> Any:
    if isinstance(factor, AbstractDistribution):
        raise TypeError(
            f"{CALL}(noise[{name}]={checks.shown(factor)}): must be an expression, because what is "
            "drawn has a name. Make it a parameter: noise=[..., sigma, ...] with "
            "parameters={sigma: ...}."
        )
    return plain(given_expression(f"noise[{name}]", 0 if factor is None else factor))


def check_noise(system: Any) -> None:
    """Refuse noise that has no exact solution, and spans of time that nobody could find."""
    import sympy

    if not system.noise:
        return
    if len(system.noise) != len(system.states):
        raise ValueError(
            f"System(noise of length {len(system.noise)}): must be {len(system.states)} or 0, "
            f"because each state has a factor. Make systems by {CALL}(...)."
        )
    constants = {sympy.Symbol(name) for name in system.parameters}
    for name, factor in zip(system.states, system.factors, strict=True):
        state = sympy.Symbol(name)
        others = sorted(factor.free_symbols - constants - {state}, key=str)
        if not others and coefficient(factor, state) is not None:
            continue
        reason = f"reads {others[0]}" if others else f"is not proportional to {name}"
        raise ValueError(
            f"{CALL}(noise[{name}]={shorten(factor)}): must be an expression of parameters and "
            f"numbers, or one times {name} itself, because d{name} = g dW has an exact solution in "
            f"each step only then, and this one {reason}. Write the system in a variable whose "
            f"noise is so, by Ito's formula: for s*sqrt({name}) it is sqrt({name})."
        )
    if system.duration is None:
        raise ValueError(
            f"{CALL}(noise=..., duration=None): must have a duration, because what finds one is a "
            "pilot run that knows no noise. Pass a number or a distribution, in the unit of time."
        )


def coefficient(factor: Any, state: Any) -> Any:
    """The factor without its own state; None if it is neither constant in it nor proportional."""
    import sympy

    factor = factor.doit()
    if not factor.has(state):
        return factor
    slope = sympy.diff(factor, state)
    is_linear = not slope.has(state) and sympy.expand(factor - slope * state) == 0
    return slope if is_linear else None


def used_symbols(expressions: Sequence[Any]) -> set[Any]:
    """The symbols that stand in any of the expressions."""
    return set().union(*(expr.free_symbols for expr in expressions))


def without_noise(system: Any) -> Any:
    """The system without its noise, nor the parameters that stand in that alone."""
    read = {symbol.name for symbol in used_symbols(system.equations)}
    kept = [k for k, name in enumerate(system.parameters) if name in read]
    new = {f"p_{k}": f"p_{number}" for number, k in enumerate(kept)}
    rename = lambda symbol: new.get(symbol.name) or symbol.name
    sizes = len(system.states), len(system.inputs), len(system.parameters)
    exprs = sympy_of(system.expressions, *sizes)
    return dataclasses.replace(
        system,
        expressions=tuple(write_words(expr, rename) for expr in exprs),
        parameters=tuple(system.parameters[k] for k in kept),
        laws=tuple(system.laws[k] for k in kept),
        noise=(),
    )


def write_equation(state: str, drift: Any, factor: Any, number: int) -> str:
    """One equation with noise as text, such as `dx = -x dt + sigma dW_0`."""
    import sympy

    text = lambda expr: sympy.sstr(expr, full_prec=False)
    braced = lambda expr: f"({text(expr)})" if expr.is_Add else text(expr)
    terms = [f"{braced(part)} {what}" for part, what in ((drift, "dt"), (factor, f"dW_{number}"))
             if part != 0]  # fmt: skip
    return f"d{state} = {' + '.join(terms) or '0 dt'}"

"""Well-known systems by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from s2jax.core import checks
from s2jax.distributions import AbstractDistribution, Constant, LogUniform, Uniform
from s2jax.laws.given import fold_tree
from s2jax.ode._system import System
from s2jax.ode.known import SYSTEMS
from s2jax.programs.operators import OPCODE, TABLE
from s2jax.text.form import to_float
from s2jax.text.read_text import read_expression
from s2jax.text.tree import Number, Parameter, Tree

NAMES: tuple[str, ...] = tuple(SYSTEMS)
"""Names that `named` takes."""

SOURCES: Mapping[str, str] = {name: known.source for name, known in SYSTEMS.items()}
"""Where each of them comes from: authors, year, journal or book."""

KINDS: Mapping[str, str] = {name: known.kind for name, known in SYSTEMS.items()}
"""What each of them does with the parameters of its source: it is "settling" (comes to rest),
"bistable" (ends in one of two states, and the start decides which), "oscillating" (goes to and fro
for ever, in the same way from every start), "conservative" (moves regularly and undamped, and every
start keeps a motion of its own) or "chaotic" (neighbouring starts part exponentially fast)."""


@checks.suggest_names()
def named(name: str, jitter: float = 0.1) -> System:
    """A system of the literature, with its parameters drawn about their published values.

    A parameter is multiplied by a factor whose logarithm is uniform between those of
    1 / (1 + jitter) and 1 + jitter; that of a negative one is uniform in the same range. Signs
    never change, and numbers that are structure, such as exponents, stay. Initial states are
    uniform in a box about the attractor or in the domain of the model, the duration is
    log-uniform up to twofold, both whatever the jitter is. With jitter=0 parameters are
    constants, so that `solve` needs no values for them.

    Args:
        name: One of `s2jax.ode.NAMES`.
        jitter: Size of the change, >= 0.

    Returns:
        The system. Two of one name have equal structure, whatever the jitter > 0 is.

    Raises:
        ValueError: If the name is unknown or jitter is negative.

    Example:
        >>> print(named("lorenz"))
        x' = sigma*(-x + y)
        y' = x*(rho - z) - y
        z' = -beta*z + x*y

    References:
        `s2jax.ode.SOURCES` has that of each system, `s2jax.ode.KINDS` what it does.
    """
    import sympy

    if name not in SYSTEMS:
        raise ValueError(f"named({name!r}): {checks.unknown(name, NAMES)}")
    checks.check_number("named", "jitter", jitter, low=0)
    known = SYSTEMS[name]
    words = [*known.states, *known.parameters]
    return System.from_sympy(
        [_expression(read_expression(text, words)) for text in known.right_hand_sides],
        [sympy.Symbol(state) for state in known.states],
        parameters={key: _jittered(value, jitter) for key, value in known.parameters.items()},
        initial=[Uniform(low, high) for low, high in known.initial],
        duration=LogUniform(known.duration / 2, known.duration),
    )


def name_of(
    states: Sequence[str], expressions: Sequence[str], delays: Sequence[str] = ()
) -> str | None:
    """The name of a known system with these states and right-hand sides, if it is one."""
    for name, known in SYSTEMS.items():
        if known.states == tuple(states):
            system = named(name)
            if (system.expressions, system.delays) == (tuple(expressions), tuple(delays)):
                return name
    return None


def _expression(tree: Tree) -> Any:
    """The SymPy expression of text."""
    import sympy

    def leaf(word: Any) -> Any:
        if isinstance(word, Number):
            whole = word.exponent >= 0
            return sympy.Integer(to_float(*word)) if whole else sympy.Float(to_float(*word))
        return sympy.Symbol(word.name if isinstance(word, Parameter) else "t")

    def operation(name: str, operands: tuple[Any, ...]) -> Any:
        symbol = TABLE[OPCODE[name]].symbol
        found = getattr(sympy, symbol) if isinstance(symbol, str) else symbol
        return found(*operands) if operands else found  # pi takes none

    return fold_tree(tree, leaf, operation)


def _jittered(value: float, jitter: float) -> AbstractDistribution:
    if jitter == 0:
        return Constant(value)
    small, large = value / (1 + jitter), value * (1 + jitter)
    return LogUniform(small, large) if value > 0 else Uniform(large, small)

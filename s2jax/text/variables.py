"""The names that text may use: variables, parameters, and what else may be done about others."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from s2jax.programs.program import MAX_INPUTS, MAX_STATES
from s2jax.text.tree import VARIABLES, Parameter, Tree, Variable

VARIABLES_ARE = (
    f"variables are x_0 to x_{MAX_INPUTS - 1}; of a differential equation also its states y_0 to "
    f"y_{MAX_STATES - 1} and the time t"
)
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Names(NamedTuple):
    """What names mean in a text.

    Attributes:
        known: Variables and parameters.
        are: Which names there are, for messages.
        others: What to do about a name that is none of them.
        instead: What to do with a function that programs do not have, if not rewrite it.
    """

    known: Mapping[str, Tree]
    are: str = VARIABLES_ARE
    others: str = ""
    instead: str = ""


def with_parameters(parameters: Collection[str]) -> Names:
    """The variables of programs, and names that are parameters."""
    return Names({name: Parameter(name) for name in parameters} | VARIABLES)


def given_names(variables: Any, functions: Collection[str]) -> Names:
    """The names of `from_text(variables=...)`; `functions` are words that stay functions.

    Raises:
        TypeError: If they are neither a list of names nor a dict.
        ValueError: If one is no name, stands twice, or names a function or no variable.
    """
    instead = "keep the expression in SymPy and use s2jax.lambdify"
    if variables is None:
        others = "Names of your own are listed in variables=[...]"
        return Names(VARIABLES, others=others, instead=instead)
    call = f"from_text(variables={variables!r})"
    is_list = isinstance(variables, Sequence) and not isinstance(variables, str)
    if not (is_list or isinstance(variables, Mapping)):
        raise TypeError(
            f"{call}: must be a list of names, in the order of x_0, x_1, ..., or a dict of what "
            'each is. Write for example ["m", "theta"] or {"m": "x_0", "theta": "y_0"}.'
        )
    given: list[Any] = list(variables)
    names = [name.name if getattr(name, "is_Symbol", False) else name for name in given]
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"{call}: {name!r} must be a word of letters, digits and underscores, because "
                "text has no other names. Rename it here and in the text."
            )
        if name in functions:
            raise ValueError(
                f"{call}: {name!r} must not be the name of a function or an operator, because "
                "the text could mean either. Rename it here and in the text."
            )
    if isinstance(variables, Mapping):
        targets = list(variables.values())
        wrong = [target for target in targets if target not in list(VARIABLES)]
        if wrong:
            raise ValueError(
                f"{call}: {wrong[0]!r} must be a variable of programs: {VARIABLES_ARE}."
            )
        known = {name: VARIABLES[to] for name, to in zip(names, targets, strict=True)}
    else:
        known = {name: Variable(index) for index, name in enumerate(names)}
    if len(names) > MAX_INPUTS + MAX_STATES + 1 or (is_list and len(names) > MAX_INPUTS):
        raise ValueError(f"{call}: must be at most {MAX_INPUTS} names, because each is one input.")
    if len(set(known.values())) != len(names):
        raise ValueError(f"{call}: must be distinct, because each is one variable. Rename one.")
    listed = ", ".join(names[:12]) + ", ..." * (len(names) > 12)
    are = f"variables are {listed}" if names else "there are no variables"
    return Names(known, are, "List it in variables", instead)

"""What a form of random equations says of itself."""

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from s2jax.core.part import Part


class Range(NamedTuple):
    """The law of a number of a form; make one by `log` or `flat`.

    Attributes:
        low, high: Its ends.
        is_log: Whether its logarithm is uniform, and not the number itself.
        is_signed: Whether its sign is drawn too.
        of: Another number of the form, by which it is multiplied; "" for none.
        power: To which power that is raised before.
    """

    low: float
    high: float
    is_log: bool
    is_signed: bool = False
    of: str = ""
    power: float = 1.0


def log(low: float, high: float, signed: bool = False, of: str = "", power: float = 1.0) -> Range:
    """Log-uniform between two positive numbers; for `signed`, as often below zero as above.

    Args:
        low, high: The ends, > 0.
        signed: Whether the sign is drawn too.
        of, power: Multiplied by this number of the form, raised to this power.

    Example:
        >>> log(0.5, 2.0, of="k", power=0.5).of
        'k'
    """
    return Range(low, high, True, signed, of, power)


def flat(low: float, high: float, signed: bool = False, of: str = "", power: float = 1.0) -> Range:
    """Uniform between two numbers; for the arguments see `log`.

    Example:
        >>> flat(0.0, 6.28).is_log
        False
    """
    return Range(low, high, False, signed, of, power)


class AbstractForm(Part):
    """A form of random equations: what a random expression g becomes the right-hand side of.

    A form of your own is a subclass that names itself, says how many states it may have, and writes
    its equations as text. `s2jax.ODE(forms=(Mine(),), weights={"mine": 1.0})` draws it; its texts
    are laid out as numbers beside those of all other forms, so that it costs nothing to compile.

    Attributes:
        name: A word, as in `s2jax.ODE.weights`. Static.
        dimensions: Numbers of states that it may have. Static.
        numbers: The law of each number that the texts name. A name with an index, as `a_1`, has the
            law of the name without it, `a`, and is drawn by itself. Numbers are rounded to three
            digits. Static.

    Example:
        >>> import jax, s2jax
        >>> class Spring(AbstractForm):
        ...     name = "spring"
        ...     dimensions = (2,)
        ...     numbers = {"k": log(0.5, 5.0), "b": log(0.5, 2.0, signed=True)}
        ...     def equations(self, num_states):
        ...         return [["y_1", "b*tanh(g(y_0)) - k*y_0"]]
        >>> target = s2jax.ODE(forms=(Spring(),), weights={"spring": 1.0})
        >>> config = s2jax.presets.ode(64, num_inputs=0, dimension=2, target=target)
        >>> s2jax.sample(jax.random.key(0), config, 2).y.shape
        (2, 2, 64)
    """

    noun = "a form of equations"
    example = "s2jax.ode.forms.Hopf()"

    name: ClassVar[str]
    dimensions: ClassVar[Sequence[int]]
    numbers: ClassVar[Mapping[str, Range]] = {}

    @abc.abstractmethod
    def equations(self, num_states: int) -> Sequence[Sequence[str]]:
        """Ways to write the equations, each a text per state; every row draws one of them.

        A text is what `s2jax.from_text` reads, of states y_0, y_1, ..., the time t, inputs x_0,
        x_1, ... and the form's numbers. Once, it may hold a random expression: `g(y)` of all
        states, `g(y_0, t)` of some variables, `g(y, x)` of states and inputs. It does not begin
        with a minus sign.

        Args:
            num_states: One of `dimensions`.
        """

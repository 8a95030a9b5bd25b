"""Forms of any dimension."""

import itertools
from collections.abc import Sequence
from typing import ClassVar

from s2jax.ode.forms._base import AbstractForm, flat, log
from s2jax.programs.program import MAX_STATES

BOUNDED = ("tanh", "tanh", "sin")
"""What keeps a random expression within bounds, as often as it stands here."""

_ANY = range(1, MAX_STATES + 1)


def rotation(state: int, num_states: int) -> str:
    """What a skew-symmetric matrix that couples neighbours adds to a state's equation."""
    ahead = f" + w_{state}*y_{state + 1}" if state + 1 < num_states else ""
    return ahead + (f" - w_{state - 1}*y_{state - 1}" if state > 0 else "")


class Driven(AbstractForm):
    """y_i' = g_i(x): integrals of functions of the inputs.

    Example:
        >>> Driven().equations(2)
        [['g(x)', 'g(x)']]
    """

    name = "driven"
    dimensions = _ANY

    def equations(self, num_states):
        return [["g(x)"] * num_states]


class Forced(AbstractForm):
    """y_i' = g_i(y, x), and of t in a quarter of the rows.

    Example:
        >>> Forced().equations(1)[-1]
        ['g(y, x, t)']
    """

    name = "forced"
    dimensions = _ANY

    def equations(self, num_states):
        return [["g(y, x)"] * num_states] * 3 + [["g(y, x, t)"] * num_states]


class Autonomous(AbstractForm):
    """y_i' = g_i(y).

    Example:
        >>> Autonomous().equations(1)
        [['g(y)']]

    References:
        d'Ascoli et al. (2024), ODEFormer, section 3.
    """

    name = "autonomous"
    dimensions = _ANY

    def equations(self, num_states):
        return [["g(y)"] * num_states]


class Saturated(AbstractForm):
    """y_i' = b_i tanh(g_i(y)) - a_i y_i + (J y)_i with a skew-symmetric J: bounded, and it turns.

    sin may stand for tanh.

    Example:
        >>> Saturated().equations(2)[0]
        ['b_0*tanh(g(y)) - a_0*y_0 + w_0*y_1', 'b_1*tanh(g(y)) - a_1*y_1 - w_0*y_0']
    """

    name = "saturated"
    dimensions = _ANY
    numbers: ClassVar = {
        "a": log(0.2, 2.0), "b": log(0.5, 5.0, signed=True), "w": log(0.5, 5.0, signed=True)
    }  # fmt: skip

    def equations(self, num_states):
        text = "b_{0}*{1}(g(y)) - a_{0}*y_{0}{2}"
        return [
            [text.format(i, bound, rotation(i, num_states)) for i in range(num_states)]
            for bound in BOUNDED
        ]


class ForcedSaturated(AbstractForm):
    """As `Saturated`, with a periodic force on the first state.

    Example:
        >>> ForcedSaturated().equations(1)[0]
        ['b_0*tanh(g(y)) - a_0*y_0 + f*sin(v*t + p)']
    """

    name = "forced_saturated"
    dimensions = _ANY
    numbers: ClassVar = {
        **Saturated.numbers, "f": log(0.5, 8.0), "v": log(0.5, 5.0), "p": flat(0.1, 6.3)
    }  # fmt: skip

    def equations(self, num_states):
        all_rows = Saturated().equations(num_states)
        return [[first + " + f*sin(v*t + p)", *others] for first, *others in all_rows]


class Hopf(AbstractForm):
    """y_i' = (m - c |y|^2) y_i + (J y)_i + b_i tanh(g_i(y)) with a skew-symmetric J.

    Without g, the normal form of a Hopf bifurcation, whose trajectories go to a circle.

    Example:
        >>> Hopf().equations(2)[0][0]
        'b_0*tanh(g(y)) + (m - c*(y_0**2 + y_1**2))*y_0 + w_0*y_1'
    """

    name = "hopf"
    dimensions = (2, 3, 4)
    numbers: ClassVar = {
        "m": log(0.2, 2.0), "c": log(0.1, 1.0), "b": log(0.3, 3.0, signed=True),
        "w": log(0.5, 5.0, signed=True),
    }  # fmt: skip

    def equations(self, num_states):
        norm = " + ".join(f"y_{i}**2" for i in range(num_states))
        text = "b_{0}*tanh(g(y)) + (m - c*({1}))*y_{0}{2}"
        return [[text.format(i, norm, rotation(i, num_states)) for i in range(num_states)]]


class Thomas(AbstractForm):
    """y_i' = b_i sin(g_i(y)) - a y_i, or with sin(k_i y_(i + 1)) for half of the states.

    Example:
        >>> Thomas().equations(3)[1][0]
        'b_0*sin(k_0*y_1) + c_0*tanh(g(y)) - a*y_0'

    References:
        Thomas (1999), Deterministic chaos seen in terms of feedback circuits, for one that is
        cyclic.
    """

    name = "thomas"
    dimensions = (3, 4)
    numbers: ClassVar = {
        "a": log(0.05, 0.5), "b": log(0.5, 3.0, signed=True), "k": log(0.3, 3.0),
        "c": log(0.05, 0.5, signed=True),
    }  # fmt: skip

    def equations(self, num_states):
        ways = (
            "b_{0}*sin(g(y)) - a*y_{0}",
            "b_{0}*sin(k_{0}*y_{1}) + c_{0}*tanh(g(y)) - a*y_{0}",
        )
        return [[way.format(i, (i + 1) % num_states) for i in range(num_states)] for way in ways]


class SecondOrder(AbstractForm):
    """Pairs of a position p and a velocity v: p' = v, v' = b tanh(g(y)) - k p and more.

    There may be a damping -c v or Lienard's m (1 - p**2) v, a cubic spring -s p**3, and an input
    u x_0. Positions are the first half of the states.

    Example:
        >>> SecondOrder().equations(2)[0]
        ['y_1', 'b_0*tanh(g(y)) - k_0*y_0']
    """

    name = "second_order"
    dimensions = range(2, MAX_STATES + 1, 2)
    numbers: ClassVar = {
        "b": log(0.5, 5.0, signed=True), "k": log(0.3, 10.0), "c": log(0.02, 1.0),
        "m": log(0.1, 2.0), "s": log(0.05, 1.0), "u": log(0.2, 2.0),
    }  # fmt: skip

    def equations(self, num_states) -> list[list[str]]:
        half = num_states // 2
        parts = (
            ("", " - c*{2}", " - c*{2}", " + m*(1 - {1}**2)*{2}"), ("", "", " - s*{1}**3"),
            ("", " + u*x_0"),
        )  # fmt: skip
        text = "b_{0}*tanh(g(y)) - k_{0}*{1}"
        return [
            [f"y_{half + i}" for i in range(half)]
            + [(text + "".join(more)).format(i, f"y_{i}", f"y_{half + i}") for i in range(half)]
            for more in itertools.product(*parts)
        ]


GENERAL: Sequence[type[AbstractForm]] = (
    Driven, Forced, Autonomous, Saturated, ForcedSaturated, Hopf, Thomas, SecondOrder,
)  # fmt: skip

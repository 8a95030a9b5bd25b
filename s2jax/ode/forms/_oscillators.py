"""Oscillators: y_0 is a position and y_1 its velocity, and so on in pairs."""

import itertools
from typing import ClassVar

from s2jax.ode.forms._base import AbstractForm, flat, log
from s2jax.ode.forms._general import BOUNDED

_FORCE = " + f*sin(w*t + p)"


def _second(*parts) -> list[list[str]]:
    """Equations of a position and a velocity, whose terms are drawn part by part."""
    return [["y_1", "".join(terms)] for terms in itertools.product(*parts)]


class Oscillator(AbstractForm):
    """q'' = b tanh(g(q)) - k q - s q**3, or with b tanh(g(q, q')) and a damping -c q'.

    The spring may push outwards, +k q, where it is cubic too; sin may stand for tanh. Without
    damping it is conservative, whatever g is.

    Example:
        >>> Oscillator().equations(2)[0]
        ['y_1', 'b*tanh(g(y_0)) - k*y_0']
    """

    name = "oscillator"
    dimensions = (2,)
    numbers: ClassVar = {
        "b": log(0.5, 5.0, signed=True), "k": log(0.3, 10.0), "s": log(0.2, 2.0),
        "c": log(0.02, 0.5),
    }  # fmt: skip

    springs: ClassVar = (" - k*y_0", " - k*y_0 - s*y_0**3", " + k*y_0 - s*y_0**3")
    # what g reads, and what is lost or given
    ways: ClassVar = (("y_0", ""), ("y_0, y_1", " - c*y_1"))

    def equations(self, num_states):
        ways = itertools.product(self.ways, BOUNDED, self.springs)
        return [
            ["y_1", f"b*{bound}(g({reads})){spring}{more}"] for (reads, more), bound, spring in ways
        ]


class ForcedOscillator(Oscillator):
    """As `Oscillator` with damping, and a periodic force f sin(w t + p).

    Example:
        >>> ForcedOscillator().equations(2)[0][1]
        'b*tanh(g(y_0, y_1)) - k*y_0 - c*y_1 + f*sin(w*t + p)'
    """

    name = "forced_oscillator"
    numbers: ClassVar = {
        **Oscillator.numbers, "f": log(0.3, 10.0), "p": flat(0.1, 6.3),
        "w": log(0.3, 3.0, of="k", power=0.5),
    }  # fmt: skip
    ways: ClassVar = (("y_0, y_1", " - c*y_1" + _FORCE),)


class Tuned(AbstractForm):
    """A weakly damped double well, pendulum or cubic spring, forced near its own frequency.

    Example:
        >>> Tuned().equations(2)[0][1]
        'b*tanh(g(y_0, y_1)) + k*y_0 - s*y_0**3 - c*y_1 + d*sin(w*t + p)'
    """

    name = "tuned"
    dimensions = (2,)
    numbers: ClassVar = {
        "k": log(0.5, 4.0), "s": log(0.3, 2.0), "r": log(0.02, 0.3), "c": log(0.05, 0.5),
        "b": log(0.1, 1.5, signed=True), "w": log(0.55, 1.8, of="k", power=0.5),
        "d": log(0.3, 2.0, of="k"), "f": log(2.0, 10.0, of="k"), "p": flat(0.1, 6.3),
    }  # fmt: skip

    def equations(self, num_states):
        kinds = (
            " + k*y_0 - s*y_0**3 - c*y_1 + d*sin(w*t + p)",
            " - k*sin(y_0) - r*y_0 - c*y_1 + d*sin(w*t + p)",
            " - k*y_0**3 - r*y_0 - c*y_1 + f*sin(w*t + p)",
        )
        return _second([f"b*{bound}(g(y_0, y_1))" for bound in BOUNDED], kinds)


class Lienard(AbstractForm):
    """q'' = m (1 - q**2) q' - k q and more: a cubic spring, a periodic force.

    The random expression stands in the force, b tanh(g(q, q')), or in the damping,
    m (1 - q**2 + a tanh(g(q, q'))) q'; sin may stand for tanh.

    Example:
        >>> Lienard().equations(2)[0][1]
        'b*tanh(g(y_0, y_1)) + m*(1 - y_0**2)*y_1 - k*y_0'

    References:
        van der Pol (1926), On relaxation-oscillations, for the simplest one.
    """

    name = "lienard"
    dimensions = (2,)
    numbers: ClassVar = {
        "m": log(0.1, 3.0), "k": log(0.3, 10.0), "b": log(0.3, 3.0, signed=True),
        "a": log(0.1, 0.8, signed=True), "s": log(0.05, 1.0), "f": log(0.3, 10.0),
        "w": log(0.3, 3.0, of="k", power=0.5), "p": flat(0.1, 6.3),
    }  # fmt: skip

    def equations(self, num_states):
        heads = [f"b*{bound}(g(y_0, y_1)) + m*(1 - y_0**2)*y_1" for bound in BOUNDED]
        heads += [f"m*(1 - y_0**2 + a*{bound}(g(y_0, y_1)))*y_1" for bound in ("tanh", "sin")]
        return _second(heads, (" - k*y_0",), ("", " - s*y_0**3"), ("", "", _FORCE))


class Jerk(AbstractForm):
    """y''' = b tanh(g(y, y')) - a y'' - d y' - c y, or with g(y) or g(y, y', y'').

    sin may stand for tanh.

    Example:
        >>> Jerk().equations(3)[0]
        ['y_1', 'y_2', 'b*tanh(g(y_0, y_1)) - a*y_2 - d*y_1 - c*y_0']

    References:
        Sprott (2000), Simple chaotic systems and circuits, American Journal of Physics 68, 758.
    """

    name = "jerk"
    dimensions = (3,)
    numbers: ClassVar = {
        "a": log(0.15, 1.2), "d": log(0.5, 3.0), "c": log(0.1, 2.0),
        "b": log(0.5, 8.0, signed=True),
    }  # fmt: skip

    def equations(self, num_states):
        ways = itertools.product(("tanh", "sin"), ("y_0, y_1", "y_0, y_1", "y", "y_0"))
        text = "b*{}(g({})) - a*y_2 - d*y_1 - c*y_0"
        return [["y_1", "y_2", text.format(*way)] for way in ways]


class TwoDegrees(AbstractForm):
    """Two springs that are coupled: conservative, whatever the random expressions are.

    q_i'' = b_i tanh(g_i(q_i)) - k_i q_i - s_i q_i**3 + the force of the coupling, whose potential
    is c (q_0 - q_1)**2 / 2 or c q_0 q_1**2. States are q_0, q_0', q_1, q_1'.

    Example:
        >>> TwoDegrees().equations(4)[0][1]
        'b_0*tanh(g(y_0)) - k_0*y_0 - s_0*y_0**3 + c*(y_2 - y_0)'

    References:
        Henon and Heiles (1964), The applicability of the third integral of motion, Astronomical
        Journal 69, 73, for the second coupling.
    """

    name = "two_degrees"
    dimensions = (4,)
    numbers: ClassVar = {
        "b": log(0.5, 5.0, signed=True), "k": log(0.3, 10.0), "s": log(0.1, 2.0),
        "c": log(0.1, 2.0), "h": log(0.2, 1.0),
    }  # fmt: skip

    def equations(self, num_states):
        text = "b_{0}*{1}(g(y_{2})) - k_{0}*y_{2} - s_{0}*y_{2}**3"
        # the potential h q_0 q_1**2 has the forces -h q_1**2 and -2 h q_0 q_1
        couplings = (
            (" + c*(y_2 - y_0)", " + c*(y_0 - y_2)"), (" - h*y_2**2", " - 2*(h*y_0)*y_2"),
        )  # fmt: skip
        return [
            ["y_1", text.format(0, bound, 0) + first, "y_3", text.format(1, bound, 2) + second]
            for bound in BOUNDED
            for first, second in couplings
        ]


class Coupled(AbstractForm):
    """Two or three oscillators in a ring, coupled by random expressions and in part by springs.

    Oscillators of van der Pol, of Duffing or of Stuart and Landau; each gets b tanh(g(q, q_next))
    and, in half of the rows, c (q_next - q).

    Example:
        >>> Coupled().equations(4)[0][:2]
        ['y_1', 'b_0*tanh(g(y_0, y_2)) + m*(1 - y_0**2)*y_1 - k_0*y_0']
    """

    name = "coupled"
    dimensions = (4, 6)
    numbers: ClassVar = {
        "b": log(0.1, 2.0, signed=True), "m": log(0.2, 2.0), "k": log(0.3, 6.0),
        "c": log(0.05, 1.0), "d": log(0.01, 0.3), "s": log(0.3, 2.0),
        "w": log(0.5, 2.5, signed=True),
    }  # fmt: skip

    def equations(self, num_states):
        kinds = (
            ("{v}", " + m*(1 - {q}**2)*{v} - k_{i}*{q}"),
            ("{v}", " - d_{i}*{v} - k_{i}*{q} - s_{i}*{q}**3"),
            ("{v}", " - d_{i}*{v} + k_{i}*{q} - s_{i}*{q}**3"),
            ("(m - {q}**2 - {v}**2)*{q} - w_{i}*{v}", " + (m - {q}**2 - {v}**2)*{v} + w_{i}*{q}"),
        )  # fmt: skip
        ways = itertools.product(kinds, BOUNDED, ("", " + c*({n} - {q})"))
        return [
            [
                text.format(
                    i=i, q=f"y_{2 * i}", v=f"y_{2 * i + 1}", n=f"y_{(2 * i + 2) % num_states}"
                )
                for i in range(num_states // 2)
                for text in (first, f"b_{{i}}*{bound}(g({{q}}, {{n}}))" + second + spring)
            ]
            for (first, second), bound, spring in ways
        ]


OSCILLATORS = (Oscillator, ForcedOscillator, Tuned, Lienard, Jerk, TwoDegrees, Coupled)

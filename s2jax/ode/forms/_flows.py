"""Well-known chaotic flows, perturbed by random expressions; and flows that drive others."""

import itertools
from typing import ClassVar

from s2jax.ode.forms._base import AbstractForm, Range, log
from s2jax.ode.forms._general import BOUNDED


def _near(value: float, part: float = 0.2) -> Range:
    return log(value / (1 + part), value * (1 + part))


class Flow(AbstractForm):
    """A well-known chaotic flow whose states get q_i tanh(g_i(y)) too; sin may stand for tanh.

    The flows are those of Lorenz, Rossler, Sprott (B, C and G), Halvorsen, Chen, Rabinovich and
    Fabrikant, Dadras, and Rucklidge. States are in units in which they are of order 1, and
    parameters are drawn about their published values.

    Example:
        >>> Flow().equations(3)[0]  # Lorenz's
        ['q_0*tanh(g(y)) + s*(y_1 - y_0)', 'q_1*tanh(g(y)) + r*y_0 - 10*y_0*y_2 - y_1', \
'q_2*tanh(g(y)) + 10*y_0*y_1 - b*y_2']

    References:
        Sprott (2003), Chaos and Time-Series Analysis, appendix A, for all of them.
    """

    name = "flow"
    dimensions = (3,)
    numbers: ClassVar = {
        "q": log(0.1, 2.0, signed=True), "u": log(0.02, 0.5, signed=True),
        "v": log(0.06, 1.5, signed=True),
        "s": _near(10), "r": _near(28), "b": _near(2.667),  # Lorenz
        "ra": _near(0.2), "rb": _near(0.04), "rc": _near(5.7, 0.3),  # Rossler
        "k": _near(1), "sg": _near(0.4), "h": _near(1.4, 0.1),  # Sprott; Halvorsen
        "ca": _near(35, 0.05), "cb": _near(3), "cc": _near(28, 0.05),  # Chen
        "fa": _near(0.1), "fb": _near(0.14),  # Rabinovich and Fabrikant
        "dp": _near(3), "dq": _near(8.1), "dr": _near(1.7), "dc": _near(6), "de": _near(9),
        "kl": _near(6.7), "kk": _near(2),  # Rucklidge
    }  # fmt: skip

    # how large the perturbation is, and what it is added to
    flows: ClassVar = (
        ("q", "+ s*(y_1 - y_0)", "+ r*y_0 - 10*y_0*y_2 - y_1", "+ 10*y_0*y_1 - b*y_2"),
        ("u", "- y_1 - y_2", "+ y_0 + ra*y_1", "+ rb + 5*y_0*y_2 - rc*y_2"),
        ("u", "+ k_0*y_1*y_2", "+ k_1*y_0 - k_2*y_1", "+ k_3 - y_0*y_1"),
        ("u", "+ k_0*y_1*y_2", "+ k_1*y_0 - k_2*y_1", "+ k_3 - y_0**2"),
        ("u", "+ sg*y_0 + y_2", "+ y_0*y_2 - y_1", "+ y_1 - y_0"),
        (
            "v", "- h*y_0 - 4*y_1 - 4*y_2 - 4*y_1**2", "- h*y_1 - 4*y_2 - 4*y_0 - 4*y_2**2",
            "- h*y_2 - 4*y_0 - 4*y_1 - 4*y_0**2",
        ),
        ("q", "+ ca*(y_1 - y_0)", "+ cc*y_1 - 7*y_0 - 10*y_0*y_2", "+ 10*y_0*y_1 - cb*y_2"),
        (
            "u", "+ y_1*(y_2 - 1 + y_0**2) + fa*y_0", "+ y_0*(3*y_2 + 1 - y_0**2) + fa*y_1",
            "- 2*(fb + y_0*y_1)*y_2",
        ),
        ("v", "+ y_1 - dp*y_0 + dq*y_1*y_2", "+ dr*y_1 - 3*y_0*y_2 + y_2", "+ dc*y_0*y_1 - de*y_2"),
        ("u", "+ kl*y_1 - kk*y_0 - 3*y_1*y_2", "+ y_0", "+ 3*y_1**2 - y_2"),
    )  # fmt: skip

    def equations(self, num_states):
        ways = itertools.product(self.flows, BOUNDED)
        return [
            [f"{size}_{i}*{bound}(g(y)) {text}" for i, text in enumerate(texts)]
            for (size, *texts), bound in ways
        ]


class SkewProduct(AbstractForm):
    """An oscillator that drives others, y_i' = b_i tanh(g_i(y)) - a_i y_i, and feels none of them.

    The driver, of the first two states, is Lienard's oscillator, a pendulum or a Hopf normal form;
    sin may stand for tanh.

    Example:
        >>> SkewProduct().equations(3)[0]
        ['y_1', 'c*tanh(g(y_0)) + m*(1 - y_0**2)*y_1 - k*y_0', 'b_2*tanh(g(y)) - a_2*y_2']
    """

    name = "skew_product"
    dimensions = (3, 4)
    numbers: ClassVar = {
        "c": log(0.3, 3.0, signed=True), "m": log(0.1, 3.0), "k": log(0.3, 10.0),
        "w": log(0.5, 5.0, signed=True), "a": log(0.2, 2.0), "b": log(0.5, 5.0, signed=True),
    }  # fmt: skip

    def equations(self, num_states):
        drivers = (
            ("y_1", "c*tanh(g(y_0)) + m*(1 - y_0**2)*y_1 - k*y_0"),
            ("y_1", "c*tanh(g(y_0)) - k*sin(y_0)"),
            (
                "c_0*tanh(g(y_0, y_1)) + (m - y_0**2 - y_1**2)*y_0 - w*y_1",
                "c_1*tanh(g(y_0, y_1)) + (m - y_0**2 - y_1**2)*y_1 + w*y_0",
            ),
        )
        return [
            [*driver, *(f"b_{i}*{bound}(g(y)) - a_{i}*y_{i}" for i in range(2, num_states))]
            for driver, bound in itertools.product(drivers, BOUNDED)
        ]


FLOWS = (Flow, SkewProduct)

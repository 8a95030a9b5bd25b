"""Random differential equations as a target."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.random import categorical, random_bits, uniform
from s2jax.core.streams import EQUATIONS
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, check_positive
from s2jax.laws import AbstractLaw, Decimals, S2Law
from s2jax.ode._differential import AbstractDifferential, check_options
from s2jax.ode._equations import RandomEquations
from s2jax.ode._forms import (
    AUTONOMOUS,
    DRIVEN,
    EXTRA_NODES,
    FORCED,
    FORMS,
    SECOND_ORDER,
    STOCHASTIC,
    Layout,
)

_KEEP_ONE_STATE = 0.1
_NEED_INPUTS = ("driven", "forced")


def default_law() -> S2Law:
    """Expressions that solutions can be followed through: sums, products, sines and poles.

    References:
        d'Ascoli et al. (2024), ODEFormer: Symbolic regression of dynamical systems with
        transformers, appendix A: operators and their weights.
    """
    return S2Law(
        binary_weights={"add": 3.0, "mul": 1.0},
        unary_weights={"sin": 1.0, "inv": 1.0, "pow2": 1.0},
        max_binary_per_input=0,
        binary_offset=6,
        max_unary=3,
        constant_probability=0.0,
        constants=Decimals(digits=2, min_exponent=-2, max_exponent=-1),
    )


class ODE(AbstractDifferential):
    """y' = f(t, y, x): solutions of random differential equations, different ones in every row.

    The right-hand sides are made of random expressions g; with A, B, c, k, m, w random constants,
    the forms are

    - `driven`: y_i' = g_i(x). The integral of a function of the inputs.
    - `forced`: y_i' = g_i(y, x), and of t in a quarter of the tries.
    - `autonomous`: y_i' = g_i(y).
    - `second_order`: pairs p' = v, v' = -w p + d + B tanh(g(y)), where the damping d is -c v, that
      of Liénard m (1 - p**2) v, or absent; a cubic spring -k p**3 and an input b x_0 may be there.
    - `saturated`: y_i' = -A_i y_i + B_i tanh(g_i(y)).
    - `stochastic`: one of the others plus noise s_i dW_i or s_i y_i dW_i (Itô).

    Between its samples, x is linear. The programs of a batch are the whole right-hand sides, with
    variables y_0, y_1, ..., x_0, ... and t. Config: `num_outputs` and `min_outputs` are the numbers
    of states; `acceptance.bound` is where a solution has escaped, `acceptance.max_tries` is at most
    64. The time span is found by pilot runs: it ends before a solution escapes and soon after it
    settles.

    Attributes:
        law: The law of g in x_0, x_1, ..., which stand for states, inputs and time in this order.
        weights: Weight of each form; what is not named is neither drawn nor compiled.
        initial: The law of initial values.
        duration: The law of the length of time that is tried first.
        tolerance: Largest sum over steps of the estimated local errors, relative to the largest
            value so far. The solution itself is more accurate, by an order of the method.
        min_tail: Least range in the last quarter of time, relative to the range.
        max_jump: Largest difference of neighbouring values, relative to the range.
        max_monotone: Largest share of rows in which all states are monotone. Autonomous equations
            of one state always are; where more states are allowed, one in ten of them is kept.
        protected: As in `s2jax.Algebraic`. Static.
        max_substeps: Most steps between neighbouring points: 1, 2 or 4. Rows that need fewer take
            fewer, down to one step for several points where the solver interpolates. Static.
        solver: An explicit Runge-Kutta method of diffrax; None is Tsit5.

    Raises:
        TypeError: If a part is of the wrong kind.
        ValueError: If a number is out of range, a form unknown, or the solver implicit.

    Example:
        >>> import jax, s2jax
        >>> config = s2jax.presets.ode(length=64, target=ODE(weights={"autonomous": 1.0}))
        >>> batch = s2jax.sample(jax.random.key(0), config, 2)
        >>> batch.t.shape, batch.y.shape
        ((2, 64), (2, 2, 64))

    References:
        d'Ascoli et al. (2024), ODEFormer, section 3, for random autonomous systems; Kloeden and
        Platen (1992), Numerical Solution of Stochastic Differential Equations, for the noise.
    """

    law: AbstractLaw = eqx.field(default_factory=default_law)
    weights: Mapping[str, Number] = eqx.field(
        default_factory=lambda: {
            "driven": 1.0, "forced": 2.0, "autonomous": 3.0, "second_order": 2.0, "saturated": 1.0,
            "stochastic": 1.0,
        }
    )  # fmt: skip
    initial: AbstractDistribution = Normal()
    duration: AbstractDistribution = LogUniform(3.0, 30.0)
    tolerance: Number = number(1e-4)
    min_tail: Number = number(0.01)
    max_jump: Number = number(0.25)
    max_monotone: Number = number(0.3)
    protected: bool = eqx.field(static=True, default=True)
    max_substeps: int = eqx.field(static=True, default=2)
    solver: Any = None

    def __check_init__(self):
        check_part("ODE", "law", self.law, AbstractLaw)
        check_part("ODE", "initial", self.initial, AbstractDistribution)
        check_part("ODE", "duration", self.duration, AbstractDistribution)
        checks.check_weights("ODE", "weights", self.weights, FORMS)
        checks.check_number("ODE", "max_monotone", self.max_monotone, 0, 1)
        checks.check_flag("ODE", "protected", self.protected)
        check_positive("ODE", "duration", self.duration)
        check_options("ODE", self)

    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        return self.law.num_nodes(num_inputs + num_outputs + 1) + self._extra_nodes

    @property
    def _extra_nodes(self) -> int:
        return max(EXTRA_NODES.get(FORMS.index(name), 0) for name in self.weights)

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        self.law.check_inputs(num_inputs + num_outputs + 1)
        for name in _NEED_INPUTS:
            if num_inputs == 0 and name in self.weights:
                raise ValueError(
                    f"ODE(weights={{{name!r}: ...}}) with num_inputs=0: must have an input, "
                    f"because {name} equations read x. Raise num_inputs of the config, or leave "
                    f"{name!r} out of the weights."
                )
        if num_outputs == 1 and "second_order" in self.weights:
            raise ValueError(
                "ODE(weights={'second_order': ...}) with num_outputs=1: must have two states, a "
                "position and a velocity. Raise num_outputs of the config, or leave 'second_order' "
                "out of the weights."
            )

    def lay_out(self, words, num_inputs, num_outputs, sizes):
        num_states, max_states = num_outputs, sizes.num_outputs
        bits = random_bits(words, 5, EQUATIONS)
        weights = jnp.stack([jnp.asarray(self.weights.get(f, 0.0), jnp.float32) for f in FORMS])
        form = categorical(bits[0], weights)
        plain = weights.at[STOCHASTIC].set(0)
        plain = jnp.where(plain.sum() > 0, plain, plain.at[AUTONOMOUS].set(1))
        is_stochastic = form == STOCHASTIC
        form = jnp.where(is_stochastic, categorical(bits[1], plain), form)
        if max_states > 1:
            lonely = (form == AUTONOMOUS) & (num_states == 1) & (uniform(bits[2]) > _KEEP_ONE_STATE)
            even = num_states + jnp.where(num_states < max_states, 1, -1) * (num_states % 2)
            num_states = jnp.where(form == SECOND_ORDER, even, jnp.where(lonely, 2, num_states))
        one = jnp.minimum(num_inputs, (uniform(bits[3]) < 0.5).astype(jnp.int32))
        reads = jnp.where(form == SECOND_ORDER, one, 0)
        reads = jnp.where((form == DRIVEN) | (form == FORCED), num_inputs, reads)
        monotone = uniform(bits[4]) < self.max_monotone
        monotone = monotone | ((form == AUTONOMOUS) & (num_states == 1))
        return Layout(reads, num_states, form, is_stochastic, monotone)

    def source(self, sizes, num_lanes):
        return RandomEquations(
            law=self.law,
            initial=self.initial,
            duration=self.duration,
            solver=self.solver,
            length=sizes.length,
            num_inputs=sizes.num_inputs,
            num_states=sizes.num_outputs,
            num_lanes=num_lanes,
            extra_nodes=self._extra_nodes,
            protected=self.protected,
            has_noise="stochastic" in self.weights,
            has_integrals="driven" in self.weights,
            max_substeps=self.max_substeps,
        )

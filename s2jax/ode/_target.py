"""Random differential equations as a target."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, check_positive
from s2jax.laws import AbstractLaw, Decimals, S2Law
from s2jax.ode._differential import AbstractDifferential, check_options
from s2jax.ode._equations import RandomEquations
from s2jax.ode._forms import FORMS, STOCHASTIC, lay_out
from s2jax.ode._judge import Limits
from s2jax.ode._templates import Templates, make_templates
from s2jax.ode.forms import KNOWN, AbstractForm
from s2jax.programs.program import MAX_STATES

WEIGHTS: Mapping[str, float] = {
    "driven": 1.0, "forced": 1.0, "stochastic": 1.0,
    "autonomous": 0.9, "saturated": 0.3, "forced_saturated": 0.5, "hopf": 1.5, "thomas": 0.5,
    "second_order": 0.6, "oscillator": 1.8, "forced_oscillator": 1.2, "tuned": 2.6, "lienard": 3.0,
    "jerk": 1.2, "two_degrees": 0.8, "coupled": 1.8, "flow": 2.4, "skew_product": 2.0,
}  # fmt: skip
"""Weights of the forms of `ODE`, where nothing else is said."""


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

    The right-hand sides are made of random expressions g by forms: `s2jax.ode.forms` has them, each
    with its equations. A row draws its form once, among those that can have its number of states;
    where none can, it takes the nearest number that a form has. `stochastic` is one of the others
    plus noise s_i dW_i or s_i y_i dW_i (Itô). docs/differential-equations.md says what the
    solutions of each form do.

    The time span is planned by a pilot run with a step size of its own: it holds a number of turns
    that is log-uniform between 7 and 2 length / 13, ends before a solution escapes and soon after
    it settles. Seven in ten rows begin after the transient. Rows that read inputs have a span of
    the law `duration`; between its samples, x is linear.

    The programs of a batch are the whole right-hand sides, with variables y_0, y_1, ..., x_0, ...
    and t. Config: `num_outputs` and `min_outputs` are the numbers of states; `acceptance.bound` is
    where a solution has escaped, `acceptance.max_tries` is at most 64.

    Attributes:
        law: The law of g in x_0, x_1, ..., which stand for what it reads.
        weights: Weight of each form by name; what is not named is not drawn. A table that names all
            forms is one of those that the configuration has room for.
        forms: Forms of your own, whose names `weights` has too. Static.
        initial: The law of initial values.
        duration: The law of the time span of rows that read inputs.
        tolerance: Largest sum over steps of the estimated local errors, relative to the largest
            value so far. The solution itself is more accurate, by an order of the method.
        max_error: Largest error of a solution relative to its largest values, estimated by how far
            a companion of it departs: ten times the sum of the local errors, grown as that did.
        noise_tolerance: Largest difference of a solution with noise from that with steps twice as
            long along the same path, relative to the largest value.
        min_tail: Least range in the last quarter of time, relative to the range.
        max_jump: Largest difference of neighbouring values, relative to the range.
        min_turns: Least number of times that the busiest state turns round.
        max_dull: Largest share of rows that may have fewer turns, as equations of one state that
            read neither time nor inputs always may.
        protected: As in `s2jax.Algebraic`. Static.
        max_substeps: Most steps between neighbouring points: 1, 2 or 4. Rows that need fewer take
            fewer, down to one step for several points where the solver interpolates; those with
            noise take 2, or 4. Static.
        solver: An explicit Runge-Kutta method of diffrax; None is Tsit5.

    Raises:
        TypeError: If a part is of the wrong kind.
        ValueError: If a number is out of range, a form unknown, or the solver implicit.

    Example:
        >>> import jax, s2jax
        >>> target = ODE(weights={"hopf": 1.0, "lienard": 2.0})
        >>> config = s2jax.presets.ode(64, num_inputs=0, dimension=2, target=target)
        >>> batch = s2jax.sample(jax.random.key(0), config, 2)
        >>> batch.t.shape, batch.y.shape
        ((2, 64), (2, 2, 64))

    References:
        d'Ascoli et al. (2024), ODEFormer, section 3, for random autonomous systems; Kloeden and
        Platen (1992), Numerical Solution of Stochastic Differential Equations, for the noise.
    """

    law: AbstractLaw = eqx.field(default_factory=default_law)
    weights: Mapping[str, Number] = eqx.field(default_factory=lambda: dict(WEIGHTS))
    forms: tuple[AbstractForm, ...] = eqx.field(static=True, default=())
    initial: AbstractDistribution = Normal()
    duration: AbstractDistribution = LogUniform(3.0, 30.0)
    tolerance: Number = number(1e-4)
    max_error: Number = number(1e-2)
    noise_tolerance: Number = number(0.05)
    min_tail: Number = number(0.01)
    max_jump: Number = number(0.25)
    min_turns: Number = number(2)
    max_dull: Number = number(0.1)
    protected: bool = eqx.field(static=True, default=True)
    max_substeps: int = eqx.field(static=True, default=2)
    solver: Any = None

    def __check_init__(self):
        check_part("ODE", "law", self.law, AbstractLaw)
        check_part("ODE", "initial", self.initial, AbstractDistribution)
        check_part("ODE", "duration", self.duration, AbstractDistribution)
        _check_forms(self.forms)
        checks.check_weights("ODE", "weights", self.weights, self.form_names)
        checks.check_number("ODE", "max_error", self.max_error, 0, strict=True)
        checks.check_number("ODE", "min_turns", self.min_turns, 0)
        checks.check_number("ODE", "max_dull", self.max_dull, 0, 1)
        checks.check_flag("ODE", "protected", self.protected)
        check_positive("ODE", "duration", self.duration)
        check_options("ODE", self)
        self._templates(MAX_STATES, 1)  # refuses texts that cannot be read

    @property
    def form_names(self) -> tuple[str, ...]:
        return (*FORMS, *(form.name for form in self.forms))

    @property
    def limits(self) -> Limits:
        return Limits(
            self.tolerance, self.min_tail, self.max_jump, self.min_turns, self.max_error,
            self.noise_tolerance, _POINTS_PER_TURN,
        )  # fmt: skip

    @property
    def _drawn(self) -> tuple[AbstractForm, ...]:
        """The forms that have a weight; noise alone is that of autonomous equations."""
        every = {**KNOWN, **{form.name: form for form in self.forms}}
        named = tuple(form for name, form in every.items() if name in self.weights)
        return named or (KNOWN["autonomous"],)

    def _templates(self, num_states: int, num_inputs: int) -> Templates:
        return make_templates(self._drawn, num_states, min(num_inputs, 1))

    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        own = self.law.num_nodes(num_inputs + num_outputs + 1)
        return own + self._templates(num_outputs, num_inputs).num_nodes

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        self.law.check_inputs(num_inputs + num_outputs + 1)
        if set(self.weights) == set(self.form_names):
            return  # of all forms, those are drawn that there is room for
        fewest = {form.name: min(form.dimensions) for form in self._drawn}
        for name, least in fewest.items():
            if num_outputs < least and name in self.weights:
                raise ValueError(
                    f"ODE(weights={{{name!r}: ...}}) with num_outputs={num_outputs}: must have "
                    f"{least} states at least, because {name} equations have. Raise num_outputs of "
                    f"the config, or leave {name!r} out of the weights."
                )
        templates = self._templates(num_outputs, num_inputs)
        for form, can in zip(self._drawn, templates.count.any(1), strict=True):
            if not can:
                raise ValueError(
                    f"ODE(weights={{{form.name!r}: ...}}) with num_inputs=0: must have an input, "
                    f"because {form.name} equations read x. Raise num_inputs of the config, or "
                    f"leave {form.name!r} out of the weights."
                )

    def lay_out(self, words, num_inputs, num_outputs, sizes):
        templates = self._templates(sizes.num_outputs, sizes.num_inputs)
        names = tuple(form.name for form in self._drawn)
        return lay_out(
            words, num_inputs, num_outputs, sizes, templates, names, self.weights, self.max_dull,
            self.form_names,
        )  # fmt: skip

    def source(self, sizes, num_lanes):
        return RandomEquations(
            law=self.law,
            initial=self.initial,
            duration=self.duration,
            templates=self._templates(sizes.num_outputs, sizes.num_inputs),
            solver=self.solver,
            length=sizes.length,
            num_readings=sizes.num_readings,
            num_inputs=sizes.num_inputs,
            num_states=sizes.num_outputs,
            num_lanes=num_lanes,
            protected=self.protected,
            has_noise=STOCHASTIC in self.weights,
            max_substeps=self.max_substeps,
        )


_POINTS_PER_TURN = 6


def _check_forms(forms: Any) -> None:
    if not isinstance(forms, tuple):
        raise TypeError(
            f"ODE(forms={checks.shown(forms)}): must be a tuple of forms. Pass for example "
            "(MyForm(),)."
        )
    seen = set(FORMS)
    for form in forms:
        check_part("ODE", "forms", form, AbstractForm)
        name, sizes = getattr(form, "name", None), getattr(form, "dimensions", None)
        if not isinstance(name, str) or not name.isidentifier() or name in seen:
            raise ValueError(
                f"ODE(forms=({type(form).__name__}(), ...)): its name {name!r} must be a word of "
                "letters, digits and underscores that no other form has. Say name = ... in the "
                "class."
            )
        seen.add(name)
        if not sizes or any(not isinstance(d, int) or not 1 <= d <= MAX_STATES for d in sizes):
            raise ValueError(
                f"ODE(forms=({type(form).__name__}(), ...)): its dimensions {sizes!r} must be "
                f"numbers of states, 1 to {MAX_STATES}. Say for example dimensions = (2, 3)."
            )

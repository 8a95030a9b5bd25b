"""Systems of differential equations that are given, with parameters drawn anew in every row."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.types import Number, Words, number
from s2jax.distributions import AbstractDistribution
from s2jax.laws.given import MAX_ROUNDED, Tables
from s2jax.ode._delays import (
    check_delays,
    check_target,
    given_history,
    read_texts,
    take_delays,
    take_states,
    write_delay,
)
from s2jax.ode._differential import AbstractDifferential, check_options
from s2jax.ode._draw_system import Draw, draw
from s2jax.ode._field import field, program_field, sympy_of, tables_of
from s2jax.ode._forms import FORMS, Layout
from s2jax.ode._given import (
    CALL,
    canonical_names,
    check_motion,
    check_sizes,
    check_symbols,
    given_expressions,
    given_initial,
    given_law,
    given_parameters,
    given_symbols,
    given_time,
    plain,
)
from s2jax.ode._given_noise import (
    check_noise,
    given_noise,
    used_symbols,
    without_noise,
    write_equation,
)
from s2jax.ode._judge import Limits
from s2jax.ode._lags import num_slots
from s2jax.ode._one_system import OneSystem
from s2jax.ode._solution import Solution
from s2jax.ode._words import write_words


class System(AbstractDifferential):
    """y' = f(t, y, x; parameters), one system for all rows; make it by `from_sympy`, or take a
    well-known one by `s2jax.ode.named`.

    Attributes:
        expressions: The right-hand sides as text of states y_0, y_1, ..., inputs x_0, x_1, ...,
            parameters p_0, p_1, ... and time t. Static.
        states, inputs, parameters: Names as the user wrote them. Static.
        laws: The distribution of each parameter.
        initial: The distribution of the initial value of each state.
        duration: The distribution of the length of time; None leaves it to the sampler.
        noise: The factor g of the noise of each state as text, `dy = f dt + g dW` (Ito) with W of
            its own for each; `()` if there is none. Static.
        delays: States at delayed times as text, such as `y_0(t - 17)` or `y_0(t - p_1)`; they are
            inputs of the expressions, behind all others. Static.
        history: What each state was before the start, as text of time, parameters and initial
            states; `()` if all are held. Static.
        time: The name of time. Static.
        digits: Significant digits of drawn parameters; fixed ones keep 6, and 9 in float64. Static.
        tolerance, noise_tolerance, min_tail, max_jump, max_substeps, solver: How rows of a batch
            are solved and what is refused, as in `s2jax.ODE`.

    Example:
        >>> import sympy
        >>> angle, speed = sympy.symbols("angle speed")
        >>> print(System.from_sympy([speed, -sympy.sin(angle)], [angle, speed]))
        angle' = speed
        speed' = -sin(angle)
    """

    expressions: tuple[str, ...] = eqx.field(static=True)
    states: tuple[str, ...] = eqx.field(static=True)
    inputs: tuple[str, ...] = eqx.field(static=True, default=())
    parameters: tuple[str, ...] = eqx.field(static=True, default=())
    laws: tuple[AbstractDistribution, ...] = ()
    initial: tuple[AbstractDistribution, ...] = ()
    duration: AbstractDistribution | None = None
    noise: tuple[str, ...] = eqx.field(static=True, default=())
    delays: tuple[str, ...] = eqx.field(static=True, default=())
    history: tuple[str, ...] = eqx.field(static=True, default=())
    time: str = eqx.field(static=True, default="t")
    digits: int = eqx.field(static=True, default=MAX_ROUNDED)
    tolerance: Number = number(1e-4)
    noise_tolerance: Number = number(0.05)
    min_tail: Number = number(0.0)
    max_jump: Number = number(1.0)
    max_substeps: int = eqx.field(static=True, default=4)
    solver: Any = None

    def __check_init__(self):
        check_sizes(self)
        check_options("System", self)
        for text in (*self.expressions, *self.noise):
            try:
                sympy_of((text,), *self._sizes)
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"System(expressions=({text!r}, ...)): {error}. Make systems by {CALL}(...)."
                ) from None
        check_noise(self)
        check_delays(self)

    @classmethod
    @checks.suggest_names()
    def from_sympy(
        cls,
        expressions: Sequence[Any],
        states: Sequence[Any],
        inputs: Sequence[Any] = (),
        parameters: Mapping[Any, Any] | None = None,
        *,
        time: Any = None,
        initial: Sequence[Any] | None = None,
        duration: Any = None,
        noise: Any = None,
        history: Any = None,
        digits: int = MAX_ROUNDED,
    ) -> "System":
        """A system whose right-hand sides are SymPy expressions.

        Args:
            expressions: The derivative of each state. `y(t - tau)`, with `y = sympy.Function("y")`
                and tau a positive number or a parameter, is the state y some time before, and
                `y(t)` is y itself. All functions of `s2jax.lambdify` can be solved; to be drawn for
                a batch they must be among those of `s2jax.from_sympy`. A batch integrates the very
                programs that are its labels.
            states, inputs: Symbols, in the order of y_0, y_1, ... and x_0, x_1, ...; of a symbol
                only the name counts. States may be written `y(t)`, too.
            parameters: The value or distribution of every other symbol, by symbol or by name.
            time: The symbol of time; by default the one named t, if there is one.
            initial: A number or distribution per state; by default standard normal.
            duration: A number or distribution > 0; None leaves it to the sampler, which looks how
                fast each row is; with noise it must be given.
            noise: What dW_i of a noise of its own is multiplied by in each state, in the sense of
                Ito: a list of one factor per state, or a dict from states to factors. A factor is
                None or 0, a number, an expression of parameters, or one of these times the state
                itself. `solve` takes the system without it, `drift`.
            history: What states were before the start, where delays read them: expressions of time,
                parameters and initial states, listed or in a dict; None holds the initial state.
            digits: Significant digits of drawn parameters; fixed ones keep 6, and 9 in float64.

        Returns:
            The system. Its distributions are leaves: other numbers do not compile anew.

        Raises:
            TypeError: If an expression is not SymPy, a state no symbol or a value no number.
            ValueError: If there is not one expression per state; if there are more than 16 states,
                64 inputs or 8 delays; if a symbol is none of those named, is named twice or, as a
                parameter, not used; if an expression holds a function that JAX does not have; if a
                factor of the noise is another than those above; if a delay is not positive or not
                constant, longer than the history, or meets noise or switches.

        Example:
            >>> import numpy as np, sympy
            >>> x, v, omega = sympy.symbols("x v omega")
            >>> system = System.from_sympy([v, -(omega**2) * x], [x, v], parameters={omega: 2.0})
            >>> print(system)
            x' = v
            v' = -omega**2*x
            >>> system.solve([1.0, 0.0], [0.0, np.pi]).y.round(3) + 0.0
            Array([[1., 1.],
                   [0., 0.]], dtype=float32)
            >>> s = sympy.Symbol("s")
            >>> values = {"omega": 2.0, "s": 0.1}
            >>> options = {"parameters": values, "duration": 10.0, "noise": {v: s * v}}
            >>> print(System.from_sympy([v, -(omega**2) * x], [x, v], **options))
            dx = v dt
            dv = -omega**2*x dt + s*v dW_1
        """
        states = tuple(map(plain, given_symbols("states", take_states(states))))
        expressions, pairs = take_delays(expressions, states, time)
        outputs = [plain(expr) for expr in given_expressions(expressions)]
        inputs = tuple(map(plain, given_symbols("inputs", inputs)))
        factors, past = given_noise(noise, states), given_history(history, states, initial, time)
        others = [*factors, *past, *(delay for _, delay in pairs.values() if delay.is_Symbol)]
        free = used_symbols([*outputs, *others]) - set(pairs)
        named = given_parameters(parameters or {}, free)
        clock = given_time(time, free, [*states, *inputs, *named])
        slots = (*inputs, *pairs)
        check_symbols(outputs, others, states, slots, named, clock)
        name_of = canonical_names(states, slots, tuple(named), clock)
        return cls(
            expressions=tuple(write_words(expr, name_of) for expr in outputs),
            states=tuple(symbol.name for symbol in states),
            inputs=tuple(symbol.name for symbol in inputs),
            parameters=tuple(symbol.name for symbol in named),
            laws=tuple(named.values()),
            initial=given_initial(initial, len(states)),
            duration=None if duration is None else given_law("duration", duration),
            noise=tuple(write_words(factor, name_of) for factor in factors),
            delays=tuple(write_delay(pair, name_of) for pair in pairs.values()),
            history=tuple(write_words(expr, name_of) for expr in past),
            time=clock.name,
            digits=digits,
        )

    @property
    def equations(self) -> tuple[Any, ...]:
        """The right-hand sides as SymPy expressions in the names of the user."""
        return read_texts(self, self.expressions)

    @property
    def factors(self) -> tuple[Any, ...]:
        """What the noise of each state is multiplied by, as `equations`; `()` without noise."""
        return read_texts(self, self.noise)

    @property
    def histories(self) -> tuple[Any, ...]:
        """What each state was before the start, as `equations`; `()` if all are held."""
        return read_texts(self, self.history)

    def __str__(self) -> str:
        pairs = zip(self.states, self.equations, strict=True)
        if not self.noise:
            return "\n".join(f"{state}' = {equation}" for state, equation in pairs)
        rows = zip(pairs, self.factors, strict=True)
        return "\n".join(write_equation(*pair, f, k) for k, (pair, f) in enumerate(rows))

    @property
    def drift(self) -> "System":
        """The system without its noise, nor the parameters that stand in that alone."""
        return without_noise(self) if self.noise else self

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return len(self.states), num_slots(self.delays, self.inputs), len(self.parameters)

    @property
    def protected(self) -> bool:
        return False

    def num_nodes(self, num_inputs: int = 0, num_outputs: int = 1) -> int:
        """Static number of instruction slots of the programs of `draw`."""
        return self._tables.arrays.op.shape[1]

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        if num_outputs != len(self.states) or num_inputs != len(self.inputs):
            raise ValueError(
                f"Config(num_inputs={num_inputs}, num_outputs={num_outputs}) with a system of "
                f"{len(self.inputs)} inputs and {len(self.states)} states: must be these numbers, "
                f"because every row solves this system. Pass num_inputs={len(self.inputs)}, "
                f"num_outputs={len(self.states)}."
            )
        check_target(self)
        texts = self.expressions, self.noise
        check_motion(self, *(sympy_of(text, *self._sizes) for text in texts))

    def lay_out(self, words, num_inputs, num_outputs, sizes):
        form = FORMS.index("forced" if self.inputs else "autonomous")
        rows = jnp.ones(words.shape[0], jnp.int32)
        size, reads = len(self.states) * rows, len(self.inputs) * rows
        yes, no = rows > 0, rows < 0
        is_stochastic = yes if self.noise else no
        return Layout(reads, size, form * rows, 0 * rows, is_stochastic, no, yes)

    @property
    def limits(self) -> Limits:
        # how a given system moves is not ours to judge
        return Limits(
            self.tolerance, self.min_tail, self.max_jump, 0, math.inf, self.noise_tolerance, 0
        )

    def source(self, sizes, num_lanes):
        return OneSystem(
            system=self, length=sizes.length, num_readings=sizes.num_readings,
            max_substeps=self.max_substeps, fixed_span=self.duration is not None,
        )  # fmt: skip

    @property
    def max_tokens(self) -> int:
        """Number of words of the longest right-hand side."""
        return self._tables.max_tokens

    @property
    def _tables(self) -> Tables:
        return tables_of(self.expressions, *self._sizes, self.delays)

    def field(
        self,
        t: Float[Array, "*#rest"] | float,
        y: Float[Array, "states *rest"],
        x: Float[Array, "inputs *rest"] | None = None,
        parameters: Float[Array, "parameters *#rest"] | None = None,
    ) -> Float[Array, "states *rest"]:
        """The derivative of the states; elementwise over the axes behind the first.

        Args:
            t: Time.
            y, x: States and inputs; behind these, the states of before by `System.delays`.
            parameters: In the order of `System.parameters`.
        """
        return field((self.expressions, *self._sizes), t, y, x, parameters)

    def program_field(
        self,
        t: Float[Array, "*#rest"] | float,
        y: Float[Array, "states *rest"],
        x: Float[Array, "inputs *rest"],
        parameters: Float[Array, "parameters *#rest"],
    ) -> Float[Array, "states *rest"]:
        """The same as `field`, computed as the programs of `draw` compute it.

        A sampler integrates this one, so that its labels are what it integrated, to rounding:
        `field` has SymPy's own functions, which differ where a program has no value.

        Raises:
            ValueError: If an expression holds a function that is no operator of programs.
        """
        return program_field((self.expressions, *self._sizes), t, y, x, parameters)

    def draw(self, words: Words, stream: Any = 0) -> Draw:
        """Draw parameters, initial states and durations, one system per row.

        Args:
            words: Raw keys, one per row.
            stream: Of random numbers; see `s2jax.core.random.random_bits`.

        Raises:
            ValueError: If an expression holds a function that is no operator of programs, or a
                number that the default float type cannot hold, such as 1e50 in float32.
        """
        return draw(self, words, stream)

    @checks.suggest_names()
    def solve(
        self,
        y0: Any,
        ts: Any,
        parameters: Mapping[Any, Any] | None = None,
        inputs: Any = None,
        *,
        events: Any = None,
        solver: Any = None,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        max_steps: int = 16384,
    ) -> Solution:
        """Solve the system with adaptive steps, by `diffrax.diffeqsolve`.

        One function is compiled per solver, shape and, if the solver is explicit, system; for up to
        64 rows, implicit solvers are shared by systems of similar size. Differentiable in reverse
        mode in `y0`, parameters and inputs. With delays, each row takes equal steps, as many as all
        tolerances ask for; solvers are explicit then, and there are no events and no gradients.

        Args:
            y0: Initial states at `ts[0]`, of shape `(*batch, states)`. Its dtype is that of all.
            ts: Increasing times of the result.
            parameters: Values by symbol or name, numbers or arrays of shape `(*batch,)`; for those
                left out, the system's own value.
            inputs: Values at `ts`, of shape `(*batch, inputs, time)`; linear between them.
            events: What ends a solution: a SymPy expression that passes through 0, an
                `s2jax.ode.Event`, which has a direction too, or a list of them, of which the first
                that happens counts. A root at the start is none.
            solver: A diffrax solver with an error estimate; by default `diffrax.Tsit5()`. For a
                stiff system take `diffrax.Kvaerno5()` in float64, at `rtol=1e-4, atol=1e-6`: in
                float32 rounding keeps implicit equations from being solved.
            rtol, atol: Tolerances of the error of one step; traced. In float32 nothing is gained
                below 1e-6.
            max_steps: Steps after which to give up, accepted or not. Static.

        Returns:
            The states at `ts`, NaN from where the solver fails or the solution ends; how each row
            ended, by `s2jax.ode.SolveStatus`; its number of steps; and with events, which one ended
            it, when, and in which state. Batch axes are those of `y0`, parameters and inputs,
            broadcast.

        Raises:
            TypeError: If the solver is no diffrax solver, or an event a condition or no SymPy.
            ValueError: If a shape does not fit, times do not increase, a parameter is unknown or
                has a distribution and no value, the solver has no error estimate, or an event is
                constant or has a symbol that stands for nothing.

        Example:
            >>> import numpy as np
            >>> from s2jax.ode import named
            >>> system = named("logistic", jitter=0.0)
            >>> found = system.solve([[0.1], [0.2]], np.linspace(0.0, 10.0, 50), {"r": 2.0})
            >>> found.y.shape, found.status.tolist()
            ((2, 1, 50), [0, 0])
        """
        from s2jax.ode._solve import solve

        return solve(self, y0, ts, parameters, inputs, solver, rtol, atol, max_steps, events)

"""What is made of the inputs: y = f(x) with a random f, or y = x."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from s2jax import _checks
from s2jax._part import Part, check_part
from s2jax._types import Words
from s2jax.expressions import AbstractLaw, Program, S2Law
from s2jax.expressions._run import evaluate_rows
from s2jax.operators import ID


class AbstractTarget(Part):
    """What is made of the inputs, and of which programs."""

    noun = "a target"
    example = "s2jax.Algebraic()"

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, AbstractLaw):
            return f"Wrap it in s2jax.Algebraic: s2jax.Algebraic({type(given).__name__}(...))."
        if isinstance(given, (str, list, tuple)):
            return (
                "Wrap expressions of your own: s2jax.Algebraic(s2jax.Expressions([...])); for "
                "differential equations, s2jax.ODE.from_sympy."
            )
        return super().way_out(given)

    @property
    @abc.abstractmethod
    def protected(self) -> bool:
        """Whether the programs are in protected mode."""

    @abc.abstractmethod
    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        """Static number of instruction slots of a program."""

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        """Raise a `ValueError` if programs with so many inputs and outputs cannot be drawn."""


class AbstractPointwise(AbstractTarget):
    """A target whose series are functions of the inputs at the same time."""

    @abc.abstractmethod
    def draw(
        self, words: Words, stream: Int[Array, " rows"], used_inputs: Int[Array, " rows"],
        output: Int[Array, " rows"], num_inputs: int,
    ) -> Program:  # fmt: skip
        """Draw one program per row from a stream of its key, for the given output."""

    @abc.abstractmethod
    def series(
        self, program: Program, x: Float[Array, "rows inputs time"]
    ) -> Float[Array, "rows time"]:
        """The series of each program on its own input."""


class Algebraic(AbstractPointwise):
    """y = f(x) at every time step, with f drawn from a law of expressions.

    Attributes:
        law: The law of f.
        domain: What happens outside an operator's domain. `"protected"` takes the absolute value of
            the operand of `log` and `sqrt` and of the base of `pow`, as the reference does for
            `log` and `sqrt`, so that f is another function there and `to_sympy` says so with `Abs`.
            `"reject"` leaves f as it reads and refuses the series, which tilts the law of accepted
            expressions away from these operators. Either way 1/0, log(0) and arcsin beyond 1 are
            refused. Static.

    Raises:
        TypeError: If `law` is no law of expressions.
        ValueError: If `domain` is unknown.

    Example:
        >>> Algebraic(domain="reject").law.max_unary
        5
    """

    law: AbstractLaw = S2Law()
    domain: str = eqx.field(static=True, default="protected")

    def __check_init__(self):
        check_part("Algebraic", "law", self.law, AbstractLaw)
        if self.domain not in ("protected", "reject"):
            near = _checks.unknown(self.domain, ("protected", "reject"))
            raise ValueError(f"Algebraic(domain={self.domain!r}): {near}")

    @property
    def protected(self) -> bool:
        return self.domain == "protected"

    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        return self.law.num_nodes(num_inputs)

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        self.law.check_inputs(num_inputs)

    def draw(self, words, stream, used_inputs, output, num_inputs):
        del output
        return self.law.draw(words, used_inputs, num_inputs, self.protected, stream)

    def series(self, program, x):
        return evaluate_rows(program, x)


class Identity(AbstractPointwise):
    """y = x: output k is input k modulo the number of inputs. For inputs without expressions.

    Example:
        >>> Identity().num_nodes(num_inputs=3)
        1
    """

    @property
    def protected(self) -> bool:
        return True

    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        return 1

    def draw(self, words, stream, used_inputs, output, num_inputs):
        operand = (-1 - output % used_inputs).astype(jnp.int32)[:, None]
        small = jnp.zeros(operand.shape, jnp.int8)
        return Program(
            op=jnp.full(operand.shape, ID, jnp.int8),
            a=operand,
            b=operand.astype(jnp.int16),
            scale_mantissa=jnp.ones(operand.shape, jnp.int32),
            scale_exponent=small,
            bias_mantissa=jnp.zeros(operand.shape, jnp.int32),
            bias_exponent=small,
            length=jnp.ones(output.shape, jnp.int32),
        )

    def series(self, program, x):
        return evaluate_rows(program, x)

"""Targets without equations: y = f(x) with a random f, or y = x."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from s2jax.core import checks
from s2jax.core.items import choose_items
from s2jax.core.part import check_part
from s2jax.core.random import random_bits, uniform
from s2jax.core.streams import named
from s2jax.core.types import Number, number
from s2jax.laws import AbstractLaw, S2Law
from s2jax.programs import Program
from s2jax.programs.engines.run import evaluate_rows
from s2jax.programs.operators import ID
from s2jax.targets._pointwise import AbstractPointwise


class Algebraic(AbstractPointwise):
    """y = f(x) at every time step, with f drawn from a law of expressions.

    Attributes:
        law: The law of f.
        protected: What happens outside an operator's domain. True takes the absolute value of the
            operand of `log` and `sqrt` and of the base of `pow`, as the reference does for `log`
            and `sqrt`, so that f is another function there and `to_sympy` says so with `Abs`. False
            leaves f as it reads and refuses the series, which tilts the law of accepted
            expressions away from these operators. Either way 1/0, log(0) and arcsin beyond 1 are
            refused. Static.
        input_share: Share of rows whose outputs are inputs themselves, as with `Identity`; None for
            no such rows.

    Raises:
        TypeError: If `law` is no law of expressions, or `protected` no bool.
        ValueError: If `input_share` is not between 0 and 1.

    Example:
        >>> Algebraic(protected=False).law.max_unary
        5
    """

    law: AbstractLaw = S2Law()
    protected: bool = eqx.field(static=True, default=True)
    input_share: Number | None = number(None)

    def __check_init__(self):
        check_part("Algebraic", "law", self.law, AbstractLaw)
        checks.check_flag("Algebraic", "protected", self.protected)
        if self.input_share is not None:
            checks.check_number("Algebraic", "input_share", self.input_share, 0, 1)

    @property
    def program_law(self) -> AbstractLaw:
        return self.law

    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        return self.law.num_nodes(num_inputs)

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        self.law.check_inputs(num_inputs)

    def draw(self, words, stream, used_inputs, output, num_inputs):
        program = self.law.draw(words, used_inputs, num_inputs, self.protected, stream)
        if self.input_share is None:
            return program
        copy = _copy_inputs(output, used_inputs, self.num_nodes(num_inputs), self.protected)
        return choose_items(self.copies(words), copy, program)

    def copies(self, words):
        if self.input_share is None:
            return super().copies(words)
        # once for a row and not for a try, so that its share does not grow with what is rejected
        return uniform(random_bits(words, 1, named("target", "input_share"))[0]) < self.input_share

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
        return _copy_inputs(output, used_inputs, 1, self.protected)

    def copies(self, words):
        return jnp.ones(1, bool)

    def series(self, program, x):
        return evaluate_rows(program, x)


def _copy_inputs(
    output: Int[Array, " rows"], used_inputs: Int[Array, " rows"], num_nodes: int, protected: bool
) -> Program:
    """Programs y = x, where output k is input k modulo the number of inputs."""
    shape = (*output.shape, num_nodes)
    first = jnp.arange(num_nodes, dtype=jnp.int32) == 0
    operand = jnp.where(first, (-1 - output % used_inputs).astype(jnp.int32)[:, None], -1)
    small = jnp.zeros(shape, jnp.int8)
    return Program(
        op=jnp.full(shape, ID, jnp.int8),
        a=operand,
        b=operand.astype(jnp.int16),
        scale_mantissa=jnp.ones(shape, jnp.int32),
        scale_exponent=small,
        bias_mantissa=jnp.zeros(shape, jnp.int32),
        bias_exponent=small,
        length=jnp.ones(output.shape, jnp.int32),
        protected=protected,
    )

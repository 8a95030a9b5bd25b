"""What every law of random expressions is: a few bounds, and a way to draw a whole batch."""

import abc
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from s2jax.core import checks, forks
from s2jax.core.part import Part
from s2jax.core.random import fold_in, words_of
from s2jax.core.types import PRNGKey, Words
from s2jax.programs import trees as trees
from s2jax.programs.program import MAX_INPUTS, Program

MAX_ROWS = 2**30
"""Of one call: rows are numbered by 32-bit integers."""


class AbstractLaw(Part):
    """A law of random expressions in the variables x_0, ..., x_{num_inputs - 1}."""

    noun = "a law of expressions"
    example = "s2jax.laws.S2Law()"

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, (str, list, tuple)):
            return "Wrap expressions of your own in s2jax.GivenLaw([...])."
        return "Pass s2jax.laws.S2Law(...), s2jax.laws.UniformLaw(...) or s2jax.GivenLaw([...])."

    @abc.abstractmethod
    def num_nodes(self, num_inputs: int) -> int:
        """Static bound on the instructions of an expression in `num_inputs` variables."""

    @abc.abstractmethod
    def max_tokens(self, num_inputs: int) -> int:
        """Static bound on the prefix tokens of one expression, a constant counted as one."""

    @property
    def num_digits(self) -> int | None:
        """Most significant digits of a number in an expression; None if not known."""
        return None

    @abc.abstractmethod
    def draw(
        self, words: Words, used_inputs: Int[Array, " batch"], num_inputs: int, protected: bool,
        stream: Int[Array, " batch"] | int = 0,
    ) -> Program:  # fmt: skip
        """Draw one program per key: what a law of your own has to say, in JAX.

        Args:
            words: Raw keys, `(batch, 2)`.
            used_inputs: How many of the variables each expression may use, >= 1.
            num_inputs: The largest `used_inputs`. Static.
            protected: Carried over to the programs.
            stream: Which stream of each key to read; others give independent programs.

        Returns:
            Programs of batch shape `(batch,)`. The same key gives the same program in any batch.
        """

    def sample(
        self, key: PRNGKey, n: int = 1, num_inputs: int = 1, protected: bool = False
    ) -> Program:
        """Draw expressions.

        Args:
            key: Consumed. Expression i depends on it, the law, `num_inputs` and i alone, so that
                5 expressions are the first 5 of 64.
            n: Number of rows. Static.
            num_inputs: Number of variables x_0, x_1, ... that they may read. Static.
            protected: Whether `log`, `sqrt` and `pow` take the absolute value of their first
                operand; carried over to the programs. Static.

        Returns:
            Programs of shape `(n, 1)`: one output per row, as `evaluate`, `to_text` and `to_tokens`
            take them.

        Raises:
            TypeError: If `key` is not one typed key, or a number no Python integer.
            ValueError: If a number is out of range, or the law cannot draw expressions in so many
                variables.

        Example:
            >>> import jax, s2jax
            >>> law = s2jax.laws.UniformLaw(max_operators=2, affine="none")
            >>> program = law.sample(jax.random.key(0), 3, num_inputs=2)
            >>> program.shape, len(s2jax.to_text(program))
            ((3, 1), 3)
        """
        owner = f"{type(self).__name__}.sample"
        forks.check_can_draw(f"{owner}()")
        checks.check_key(owner, key)
        checks.check_static_integer(owner, "n", n, 1, MAX_ROWS)
        checks.check_static_integer(owner, "num_inputs", num_inputs, 1, MAX_INPUTS)
        self.check_inputs(int(num_inputs))
        return _sample(words_of(key), self, int(n), int(num_inputs), bool(protected))

    def check_inputs(self, num_inputs: int) -> None:
        """Raise a `ValueError` if expressions in so many variables cannot be drawn."""
        size = self.num_nodes(num_inputs)
        if size > trees.MAX_NODES:
            raise ValueError(
                f"{type(self).__name__}(...) with num_inputs={num_inputs}: expressions may have "
                f"{size} nodes, and must have <= {trees.MAX_NODES}. Lower the numbers of operators "
                "or of inputs."
            )


@partial(jax.jit, static_argnums=(2, 3, 4))
def _sample(words: Words, law: AbstractLaw, n: int, num_inputs: int, protected: bool) -> Program:
    words = fold_in(words, jnp.arange(n))
    used_inputs = jnp.full(n, num_inputs, jnp.int32)
    program = law.draw(words, used_inputs, num_inputs, protected)
    return program[:, None]

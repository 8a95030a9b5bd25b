"""What every target says of itself: nothing outside asks of which kind one is.

A target plans rows (`lay_out`), searches for their outputs (`blank`, `search`, `missing`), hands
them to a batch (`fields`) and keeps what is its own on disk (`columns` and what follows it).
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.part import Part
from s2jax.core.types import Words
from s2jax.laws import AbstractLaw
from s2jax.programs import Program, Split
from s2jax.targets.acceptance import Acceptance, Moments


class Sizes(NamedTuple):
    """Static numbers of a configuration: points at which series are drawn, channels at most, and
    points for each step between readings."""

    length: int
    num_inputs: int
    num_outputs: int
    ticks: int = 1

    @property
    def num_readings(self) -> int:
        """Points of a series that is read."""
        return (self.length - 1) // self.ticks + 1


class AbstractLayout(eqx.Module):
    """What is known of rows before anything is searched for; a target adds what it needs.

    Attributes:
        num_inputs, num_outputs: How many channels the row uses: the first ones.
    """

    num_inputs: eqx.AbstractVar[Int[Array, " rows"]]
    num_outputs: eqx.AbstractVar[Int[Array, " rows"]]

    def x_mask(self, num_inputs: int) -> Bool[Array, "rows inputs"]:
        """Which of so many inputs each row uses."""
        return jnp.arange(num_inputs, dtype=jnp.int32) < self.num_inputs[:, None]

    def y_mask(self, num_outputs: int) -> Bool[Array, "rows outputs"]:
        """Which of so many outputs each row uses."""
        return jnp.arange(num_outputs, dtype=jnp.int32) < self.num_outputs[:, None]


class Task(NamedTuple):
    """What a target is to search for.

    Attributes:
        words: One raw key per row; all that is drawn for a row is a function of it.
        x: The inputs of each row; they stay as they are.
        layout: What `lay_out` said of the rows.
        wanted: Which rows to search for.
        acceptance, split: Which outputs are usable.
        rescale: `rescale(moments, row)` gives the scale and shift of accepted series.
        sizes: Static numbers.
        n: Number of rows of each key, which with `backend` says how many are tried at a time.
            Static.
        backend: For whose caches. Static.
    """

    words: Words
    x: Float[Array, "rows inputs time"]
    layout: Any
    wanted: Bool[Array, " rows"]
    acceptance: Acceptance
    split: Split | None
    rescale: Callable[[Moments, Array], tuple[Array, Array]]
    sizes: Sizes
    n: int
    backend: str


class Column(NamedTuple):
    """A column of a corpus that a target adds to those of every corpus.

    Attributes:
        kind: `"series"`, a number per time; `"real"`; `"int32"`; `"string"`; or `"tokens"`, the
            words of one program per output.
        num_nodes: Static number of instruction slots of such programs.
    """

    kind: str
    num_nodes: int = 0


class AbstractTarget(Part):
    """What is made of the inputs, and of which programs.

    Attributes:
        least_inputs: Least number of inputs of a configuration.
        most_outputs: Largest number of outputs; each kind of target says its own.
        chooses_channels: Whether `lay_out` says something else than it is told.
        tries_outputs_together: Whether all outputs of a row are accepted or refused as one.
        is_pointwise: Whether outputs are functions of the inputs at the same time.
    """

    noun = "a target"
    example = "s2jax.Algebraic()"
    least_inputs: ClassVar[int] = 1
    most_outputs: ClassVar[int]
    chooses_channels: ClassVar[bool] = False
    tries_outputs_together: ClassVar[bool] = False
    is_pointwise: ClassVar[bool] = False

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, AbstractLaw):
            return f"Wrap it in s2jax.Algebraic: s2jax.Algebraic({type(given).__name__}(...))."
        if isinstance(given, (str, list, tuple)):
            return (
                "Wrap expressions of your own: s2jax.Algebraic(s2jax.GivenLaw([...])); for "
                "differential equations, s2jax.ode.System.from_sympy."
            )
        return super().way_out(given)

    @property
    @abc.abstractmethod
    def protected(self) -> bool:
        """Whether `log`, `sqrt` and `pow` of the programs take the absolute value of an operand."""

    @property
    def program_law(self) -> AbstractLaw | None:
        """The law of all programs, which bounds their tokens; None if there is no such law."""
        return None

    def with_operators(self, names: Any) -> "AbstractTarget":
        """The target with these operators in its expressions, as `Config.with_operators` says."""
        law: Any = getattr(self, "law", None)
        if not hasattr(law, "with_operators"):
            raise TypeError(
                f"{type(self).__name__}(...).with_operators(...): the target must draw its "
                "expressions, but these are given. Pass s2jax.Algebraic() or s2jax.ODE()."
            )
        fields = {"law": law.with_operators(names)}
        return self.replace(**fields)

    @abc.abstractmethod
    def num_nodes(self, num_inputs: int, num_outputs: int = 1) -> int:
        """Static number of instruction slots of a program."""

    def check_inputs(self, num_inputs: int, num_outputs: int = 1) -> None:
        """Raise a `ValueError` if programs with so many inputs and outputs cannot be drawn."""

    @abc.abstractmethod
    def lay_out(
        self, words: Words, num_inputs: Int[Array, " rows"], num_outputs: Int[Array, " rows"],
        sizes: Sizes,
    ) -> AbstractLayout:  # fmt: skip
        """Which channels rows use, of numbers that the configuration drew."""

    @abc.abstractmethod
    def blank(self, num_rows: int, sizes: Sizes) -> Any:
        """Results of rows for which nothing was found: arrays whose first axis is rows."""

    @abc.abstractmethod
    def search(self, task: Task, results: Any) -> Any:
        """The results with those of the wanted rows, which were blank. A row is found alike
        whichever others are wanted."""

    @abc.abstractmethod
    def missing(
        self, results: Any, y_mask: Bool[Array, "rows outputs"]
    ) -> Bool[Array, "rows outputs"]:
        """Which outputs that rows use were not found."""

    @abc.abstractmethod
    def fields(
        self, results: Any, y_mask: Bool[Array, "rows outputs"], sizes: Sizes
    ) -> dict[str, Any]:
        """Fields of a batch: y, program, y_scale, y_shift, rejections and, if any, its own."""

    def columns(self) -> Mapping[str, Column]:
        """Columns of a corpus beside those of all targets, by name, in order."""
        return {}

    def column_values(self, batch: Any) -> dict[str, Any]:
        """The values of these columns for a batch on the host, but for those of tokens."""
        del batch
        return {}

    def column_programs(self, batch: Any) -> dict[str, Program]:
        """The programs of the columns of tokens, for a batch on the device."""
        del batch
        return {}

    def fields_of_columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a batch that these columns hold: lists of text, arrays and programs."""
        del values
        return {}

    def row_kinds(self, batch: Any) -> list[str]:
        """A word for each row that says of which kind it is; no words if all are of one."""
        del batch
        return []

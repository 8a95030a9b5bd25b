"""The configuration of a generator: a tree of modules, static where a shape depends on it."""

from collections.abc import Mapping, Sequence

import equinox as eqx

from s2jax.core import checks
from s2jax.core.part import Part, check_part
from s2jax.core.types import Number, Whole, number, whole
from s2jax.inputs import ARMA, AbstractFamily, Choice, Mixture, as_choice
from s2jax.observe import Observation, Times
from s2jax.programs import Split
from s2jax.programs.program import MAX_INPUTS
from s2jax.targets import AbstractTarget, Algebraic
from s2jax.targets.acceptance import Acceptance

MAX_LENGTH = 2**24


class Standardize(Part):
    """Scale a series to mean 0 and standard deviation U(low, high).

    The factor U(low, high) is drawn once per row and shared by its channels, as in the reference.

    Attributes:
        low, high: Range of the standard deviation.

    Raises:
        ValueError: If a bound is negative or they are in the wrong order.

    Example:
        >>> Standardize(high=1.0, low=1.0)
        Standardize(low=1.0, high=1.0)
    """

    noun = "a Standardize"
    example = "s2jax.Standardize(low=0.5, high=2.0)"

    low: Number = number(0.0)
    high: Number = number(16.0)

    def __check_init__(self):
        checks.check_number("Standardize", "low", self.low, low=0)
        low = self.low if checks.is_concrete(self.low) else 0
        checks.check_number("Standardize", "high", self.high, low=float(low))
        if checks.is_concrete(self.high) and not float(self.high) > 0:
            raise ValueError(
                f"Standardize(high={self.high!r}): must be > 0, because a series of standard "
                "deviation 0 is constant. Raise high, or pass None to leave the series unscaled."
            )


class Config(Part):
    """Everything that decides what is drawn; a pytree.

    Numbers that decide a shape are static and recompile when they change; all others are leaves and
    do not, and may be traced.

    Attributes:
        length: Time steps of a series. Static.
        num_inputs, num_outputs: Channels of `x` and `y`, the largest numbers used; outputs are the
            states of a differential equation, and that alone may have no inputs. Static.
        min_inputs, min_outputs: Least numbers used; a row uses U{min..num} of them. None: all.
        inputs: The law of the input channels.
        target: What is made of them.
        observation: What instruments do to the outputs once they are made; None for nothing.
        times: Irregular times at which inputs and outputs are read; None for regular ones.
        acceptance: Which output series are usable; judged before they are read and measured.
        x_scaling, y_scaling: How series are scaled; None leaves them as they are.
        split: Which skeletons are drawn; None is all. Training with `Split(0, 0.9)` and testing
            with `Split(0.9, 1)` never meets the same skeleton in both.

    Raises:
        TypeError: If a part is of the wrong kind.
        ValueError: If a number is out of range, or `inputs` cannot make series of this length.

    Example:
        >>> Config(length=128, num_inputs=2).num_outputs
        1
    """

    noun = "an s2jax.Config"
    example = "s2jax.presets.s2()"

    length: int = eqx.field(static=True, default=256)
    num_inputs: int = eqx.field(static=True, default=1)
    num_outputs: int = eqx.field(static=True, default=1)
    min_inputs: Whole | None = whole(None)
    min_outputs: Whole | None = whole(None)
    inputs: AbstractFamily = Choice([Mixture(), ARMA()])
    target: AbstractTarget = Algebraic()
    observation: Observation | None = None
    times: Times | None = None
    acceptance: Acceptance = Acceptance()
    x_scaling: Standardize | None = Standardize()
    y_scaling: Standardize | None = Standardize()
    split: Split | None = None

    def __check_init__(self):
        check = checks.check_static_integer
        check("Config", "length", self.length, 2, MAX_LENGTH)
        for name, kind in (
            ("inputs", AbstractFamily), ("target", AbstractTarget), ("acceptance", Acceptance),
        ):  # fmt: skip
            check_part("Config", name, getattr(self, name), kind)
        for name, kind in (
            ("x_scaling", Standardize),
            ("y_scaling", Standardize),
            ("split", Split),
            ("observation", Observation),
            ("times", Times),
        ):
            check_part("Config", name, getattr(self, name), kind, optional=True)
        check("Config", "num_inputs", self.num_inputs, self.target.least_inputs, MAX_INPUTS)
        check("Config", "num_outputs", self.num_outputs, 1, self.target.most_outputs)
        for name, high in (("min_inputs", self.num_inputs), ("min_outputs", self.num_outputs)):
            value = getattr(self, name)
            if value is not None:
                checks.check_number("Config", name, value, 1, high, integer=True)
        self._check_ticks()
        self.inputs.check_channels(self.num_inputs)
        if self.observation is not None:
            self.observation.check_length(self.length)
        self.target.check_inputs(self.num_inputs, self.num_outputs)

    def with_operators(self, names: Sequence[str] | Mapping[str, Number]) -> "Config":
        """The configuration with these operators in its expressions, and no others.

        Args:
            names: A list of names, all alike, or a dict of weights; all that there are stand in
                `s2jax.programs.operators.TABLE`.

        Raises:
            TypeError: If the target draws no expressions.
            ValueError: If a name is unknown, or none is of two operands.

        Example:
            >>> import s2jax
            >>> s2jax.presets.s2().with_operators(["add", "mul", "sin"]).target.law.unary_weights
            {'sin': 1.0}
        """
        return self.replace(target=self.target.with_operators(names))

    def _check_ticks(self) -> None:
        """Refuse more ticks than a series may have, and inputs that cannot be drawn at them."""
        if self.num_ticks > MAX_LENGTH:
            raise ValueError(
                f"Config(length={self.length}, times=Times(ticks={self.ticks})): must be at most "
                f"{MAX_LENGTH} ticks, because that many are drawn of each series. Lower one of "
                "them."
            )
        self.inputs.check_length(self.num_ticks)

    @property
    def ticks(self) -> int:
        """Points at which a series is drawn for each step between readings."""
        return 1 if self.times is None else self.times.ticks

    @property
    def num_ticks(self) -> int:
        """Points at which a series is drawn: its time steps, where it is read at regular times."""
        return (self.length - 1) * self.ticks + 1

    @property
    def draws_all_inputs(self) -> bool:
        """Whether every row uses all inputs."""
        return self.min_inputs is None and not self.target.chooses_channels

    @property
    def choice(self) -> Choice:
        """The inputs as a choice, of one family if need be."""
        return as_choice(self.inputs)

"""A weighted choice between input families."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from s2jax import _checks
from s2jax._part import check_part
from s2jax._random import categorical
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._given import Window
from s2jax.inputs._process import AbstractProcess, LinearProcess, merge


class Source(eqx.Module):
    """Where each channel comes from.

    Attributes:
        family: Index of the family in the choice.
        parameters: What the families drew, one module per kind; a channel's family says which one
            holds it.
    """

    family: Int[Array, "*channels"]
    parameters: tuple[Any, ...]

    @property
    def process(self) -> LinearProcess:
        """Parameters of the channels drawn from `Mixture` or `ARMA`."""
        return self._only(LinearProcess)

    @property
    def window(self) -> Window:
        """Windows of the channels drawn from `Given`."""
        return self._only(Window)

    def _only(self, kind):
        for parameters in self.parameters:
            if isinstance(parameters, kind):
                return parameters
        raise AttributeError(f"no family of this config draws a {kind.__name__}")


class Choice(AbstractInput):
    """One of several families, drawn anew for every channel.

    Attributes:
        families: The families.
        weights: Their weights; they need not sum to 1.

    Raises:
        ValueError: If there are no families, or the weights do not fit them.

    Example:
        >>> from s2jax import inputs
        >>> Choice([inputs.Mixture(), inputs.ARMA()], weights=[0.3, 0.7]).weights
        (0.3, 0.7)
    """

    families: tuple[AbstractInput, ...] = eqx.field(converter=tuple)
    weights: Sequence[float] | Float[Array, " families"] = ()

    def __init__(self, families, weights=None):
        if not isinstance(families, (list, tuple)):
            raise TypeError(
                f"Choice(families={_checks.shown(families)}): must be a list of input families. "
                "Pass [s2jax.inputs.Mixture(), s2jax.inputs.ARMA()]."
            )
        self.families = tuple(families)
        if weights is None:
            weights = (1.0,) * len(self.families)
        self.weights = tuple(weights) if isinstance(weights, (list, tuple)) else weights

    def __check_init__(self):
        for index, family in enumerate(self.families):
            check_part("Choice", f"families[{index}]", family, AbstractInput)
            if isinstance(family, Choice):
                raise TypeError(
                    f"Choice(families[{index}]={_checks.shown(family)}): must not be a choice "
                    "itself. Put all families in one list."
                )
        if not self.families or len(self.weights) != len(self.families):
            raise ValueError(
                f"Choice({len(self.families)} families, {len(self.weights)} weights): there must "
                "be at least one family, and one weight for each. Give as many weights as families."
            )
        names = [str(index) for index in range(len(self.families))]
        _checks.check_weights(
            "Choice", "weights", dict(zip(names, self.weights, strict=True)), names
        )

    def check_length(self, length: int) -> None:
        for family in self.families:
            family.check_length(length)

    @property
    def num_words(self) -> int:
        return 1 + max(member.num_words for member in self.families)

    def from_bits(self, bits: UInt32[Array, "words channels"], length: int) -> Source:
        weights = jnp.stack([jnp.asarray(weight, jnp.float32) for weight in self.weights])
        family = categorical(bits[0], weights)
        # the families read the same bits: only one of them is used
        drawn = [member.from_bits(bits[1:], length) for member in self.families]
        processes = [drawn[index] for index in self._processes]
        others = [drawn[index] for index in self._others]
        if processes:
            rank = jnp.zeros_like(family)
            for position, index in enumerate(self._processes):
                rank = jnp.where(family == index, position, rank)
            others.insert(0, merge(processes, rank))
        return Source(family, tuple(others))

    def series(
        self, parameters: Source, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        groups = [self._processes[0]] if self._processes else []
        out = None
        for index, own in zip(groups + self._others, parameters.parameters, strict=True):
            series = self.families[index].series(own, words, length)
            out = series if out is None else jnp.where(parameters.family == index, series, out)
        assert out is not None
        return out

    @property
    def _processes(self) -> list[int]:
        """Families whose parameters are merged, so that one computation serves them all."""
        members = enumerate(self.families)
        return [index for index, member in members if isinstance(member, AbstractProcess)]

    @property
    def _others(self) -> list[int]:
        return [index for index in range(len(self.families)) if index not in self._processes]


def as_choice(inputs: AbstractInput) -> Choice:
    """A single family as a choice of one."""
    return inputs if isinstance(inputs, Choice) else Choice([inputs])

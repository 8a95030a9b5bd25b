"""A weighted choice between input families."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.queue import Queue
from s2jax.core.random import categorical, random_bits
from s2jax.core.streams import named
from s2jax.core.types import Words
from s2jax.core.words import Layout, is_held
from s2jax.distributions import check_list
from s2jax.inputs._base import AbstractBatched, AbstractFamily, AbstractInput, AbstractRowInput
from s2jax.inputs._given import Window
from s2jax.inputs._group import Group, is_among
from s2jax.inputs._process import AbstractProcess, LinearProcess
from s2jax.inputs.columns import SourceColumns

_TILE = 64  # series of a family drawn at a time, where a choice is a part of another family


class _Laws(eqx.Module):
    """What finds laws of the families of a choice by their classes, of all that has `laws`."""

    @property
    def process(self: Any) -> LinearProcess:
        """Laws of the channels drawn from `Mixture` or `ARMA`."""
        return self.law_of(LinearProcess)

    @property
    def window(self: Any) -> Window:
        """Windows of the channels drawn from `Given`."""
        return self.law_of(Window)

    def law_of(self: Any, kind: type[Any]) -> Any:
        """The law of this class.

        Raises:
            AttributeError: If no family draws one, or several do; `laws` holds all of them.
            TypeError: If `kind` is no class.
        """
        if not isinstance(kind, type):
            names = ", ".join(dict.fromkeys(type(law).__name__ for law in self.laws))
            raise TypeError(
                f"law_of({checks.shown(kind)}): must be the class of a law, not its name. The "
                f"families draw {names}; those of the library are in s2jax.inputs."
            )
        found = [law for law in self.laws if isinstance(law, kind)]
        if len(found) == 1:
            return found[0]
        classes = [type(law).__name__ for law in self.laws]
        asked = getattr(kind, "__name__", str(kind))
        place = classes.index(asked) if asked in classes else 0
        fix = f"Take one by its position: laws[{place}]"
        if f"{asked}Law" in classes:
            fix = f"Ask for {asked}Law"
        names = ", ".join(classes)
        how_many = f"{len(found)} of the families draw" if found else "no family draws"
        raise AttributeError(
            f"law_of({asked}): {how_many} such a law; the laws of this choice are of the classes "
            f"{names}. {fix}."
        )


class ChoiceLaw(_Laws):
    """What a choice draws for a channel where it is a part of another family.

    Attributes:
        family: Index of the family in the choice.
        laws: What the families drew, in the order of the choice; those that draw linear processes
            share one law, which stands first.
    """

    family: Int[Array, "*channels"]
    laws: tuple[Any, ...]


class Kind(NamedTuple):
    """What a group of families draws for a channel or, where it makes rows, a row.

    Attributes:
        layout: How the words of its law are read.
        indices: The families in the choice.
        is_of_rows: Whether there is one law for all channels of a row.
    """

    layout: Layout
    indices: tuple[int, ...]
    is_of_rows: bool

    def is_of(self, family: Any) -> Any:
        """Which channels, or rows, of these families have a law of this kind."""
        first = family[..., 0] if self.is_of_rows else family
        return is_among(first, self.indices)


class Source(_Laws):
    """Where each channel comes from.

    Laws are kept as words, each in the place of its channel, and read when they are asked for: a
    program that does not look at them need not take them apart.

    Attributes:
        family: Index of the family in the choice.
        words: The law of each channel, as it is drawn by a family of channels.
        row_words: The law of each row, as it is drawn by a family of whole rows.
        kinds: What the families draw, in the order of the choice.
    """

    family: Int[Array, "*channels"]
    words: UInt32[Array, "..."]
    row_words: UInt32[Array, "..."]
    kinds: tuple[Kind, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, family: Int[Array, "*channels"], laws: tuple[Any, ...], kinds: tuple[Kind, ...]):
        """Keep the law of each channel of these that families drew."""
        words, row_words = (jnp.zeros(shape, jnp.uint32) for shape in word_shapes(family, kinds))
        for kind, law in zip(kinds, laws, strict=True):
            into = row_words if kind.is_of_rows else words
            own = kind.layout.encode(law, into.shape[:-1], into.shape[-1])
            into = jnp.where(kind.is_of(family)[..., None], own, into)
            row_words, words = (into, words) if kind.is_of_rows else (row_words, into)
        return cls(family, words, row_words, kinds)

    @property
    def laws(self) -> tuple[Any, ...]:
        """What the families drew, in the order of the choice.

        Those that draw linear processes share one law, which stands first. Numbers of channels of
        other families are 0. The law of a family of whole rows has no axis of channels before its
        own.
        """
        # on the host where there are numbers: JAX would compile the reading of every array
        is_here = lambda leaf: (
            isinstance(leaf, jax.Array)
            and not isinstance(leaf, Tracer)
            and leaf.is_fully_addressable
        )
        on_host = lambda leaf: np.asarray(leaf) if is_here(leaf) else leaf
        family, words, row_words = map(on_host, (self.family, self.words, self.row_words))
        laws = []
        for kind in self.kinds:
            own = (row_words if kind.is_of_rows else words)[..., : kind.layout.size]
            laws.append(kind.layout.decode(own * kind.is_of(family)[..., None].astype(own.dtype)))
        return jax.tree.map(_held, tuple(laws)) if is_here(self.words) else tuple(laws)


def word_shapes(family: Any, kinds: Sequence[Kind]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of the words of channels, and of rows, for channels of these families."""
    size_of = lambda of_rows: max(
        [kind.layout.size for kind in kinds if kind.is_of_rows == of_rows], default=0
    )
    return (*family.shape, size_of(False)), (*family.shape[:-1], size_of(True))


def _held(leaf: np.ndarray) -> Any:
    """In JAX, if it holds such numbers."""
    return jnp.asarray(leaf) if is_held(leaf.dtype) else leaf


class Choice(AbstractBatched):
    """One of several families, drawn anew for every channel.

    A family of whole rows is drawn for a row as often as its weight says; the other rows draw a
    family for each channel. Each family computes its own channels only, so that a choice costs the
    weighted mean of its families.

    Attributes:
        families: The families.
        weights: Their weights; they need not sum to 1.

    Raises:
        TypeError: If one is no family.
        ValueError: If there are no families, or the weights do not fit them.

    Example:
        >>> from s2jax import inputs
        >>> Choice([inputs.Mixture(), inputs.ARMA()], weights=[0.3, 0.7]).weights
        (0.3, 0.7)
    """

    families: tuple[AbstractFamily, ...] = eqx.field(converter=tuple)
    weights: Sequence[float] | Float[Array, " families"] = ()

    def __init__(self, families, weights=None):
        if not isinstance(families, (list, tuple)):
            raise TypeError(
                f"Choice(families={checks.shown(families)}): must be a list of input families. "
                "Pass [s2jax.inputs.Mixture(), s2jax.inputs.ARMA()]."
            )
        self.families = tuple(families)
        check_list("Choice", "weights", weights, optional=True)
        if weights is None:
            weights = (1.0,) * len(self.families)
        self.weights = tuple(weights) if isinstance(weights, (list, tuple)) else weights

    def __check_init__(self):
        for index, family in enumerate(self.families):
            if isinstance(family, Choice):
                raise TypeError(
                    f"Choice(families[{index}]={checks.shown(family)}): must not be a choice "
                    "itself. Put all families in one list."
                )
            check_part("Choice", f"families[{index}]", family, AbstractFamily)
        if not self.families or len(self.weights) != len(self.families):
            raise ValueError(
                f"Choice({len(self.families)} families, {len(self.weights)} weights): there must "
                "be at least one family, and one weight for each. Give as many weights as families."
            )
        names = [str(index) for index in range(len(self.families))]
        checks.check_weights(
            "Choice", "weights", dict(zip(names, self.weights, strict=True)), names
        )

    def check_length(self, length: int) -> None:
        for family in self.families:
            family.check_length(length)

    def check_channels(self, channels: int) -> None:
        for family in self.families:
            family.check_channels(channels)

    def draw_laws(self, words: Words, length: int) -> ChoiceLaw:
        """Where many channels come from; batches are drawn otherwise, with the same values.

        Every family draws every channel here, which tells nothing of those of other families.
        """
        if any(group.makes_rows for group in self.groups):
            raise ValueError(
                "Choice.sample(...): must have no families of whole rows, because channels are "
                "drawn one by one here. Sample these alone, or the configuration by s2jax.sample."
            )
        family = self.draw_families(words, words)
        laws = [group.draw_laws(words, family, 1, length) for group in self.groups]
        return ChoiceLaw(family, tuple(laws))

    def draw_series(
        self, laws: ChoiceLaw | Source, words: Words, length: int
    ) -> Float[Array, "time channels"]:
        """Series of drawn laws, or of the channels of a batch, whose `x_source` holds the same."""
        out, real = jnp.zeros((len(words), length)), jnp.result_type(float)
        queue = Queue.of(jnp.asarray(self.group_of)[laws.family], len(self.groups))
        for position, (group, own) in enumerate(zip(self.groups, laws.laws, strict=True)):
            leaves, structure = jax.tree.flatten(own)

            def make(words, *leaves, group=group, structure=structure):
                own = jax.tree.unflatten(structure, leaves)
                return group.draw_series(own, words, 1, length).T.astype(real)

            out = queue.change(position, make, (words, *leaves), out, _TILE)
        return out.T

    @property
    def groups(self) -> list[Group]:
        """The families by what computes them: linear processes as one."""
        members = list(enumerate(self.families))
        processes = [index for index, one in members if isinstance(one, AbstractProcess)]
        joined = [processes] if processes else []
        joined += [[index] for index, _ in members if index not in processes]
        return [
            Group(
                tuple(self.families[index] for index in indices),
                tuple(indices),
                isinstance(self.families[indices[0]], AbstractRowInput),
            )
            for indices in joined
        ]

    @property
    def group_of(self) -> np.ndarray:
        """The position of the group of each family."""
        positions = np.zeros(len(self.families), np.int32)
        for position, group in enumerate(self.groups):
            positions[list(group.indices)] = position
        return positions

    def law_shapes(self, channels: int, length: int) -> tuple[Any, ...]:
        """Shapes and dtypes of one row of `Source.laws`; of no channels there are no laws."""
        return tuple(group.law_shapes(channels, length) for group in self.groups if channels)

    def kinds(self, channels: int, length: int) -> tuple[Kind, ...]:
        """What each group draws for rows of so many channels."""
        of_channel = lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)
        return tuple(
            Kind(
                Layout.of(law if group.makes_rows else jax.tree.map(of_channel, law)),
                group.indices,
                group.makes_rows,
            )
            for group, law in zip(self.groups, self.law_shapes(channels, length), strict=False)
        )

    def columns(self, channels: int, length: int) -> SourceColumns:
        """Columns of a corpus that hold where inputs come from."""
        laws = self.law_shapes(channels, length)
        groups = self.groups[: len(laws)]
        labels = [group.label for group in groups]
        labels = [  # families of one class have their numbers, which `x_family` tells
            label if labels.count(label) == 1 else f"{label}_{group.indices[0]}"
            for label, group in zip(labels, groups, strict=True)
        ]
        return SourceColumns(channels, labels, laws)

    def draw_families(
        self, rows: UInt32[Array, "rows 2"], channels: UInt32[Array, "channels 2"]
    ) -> Int[Array, " channels"]:
        """The family of each channel, given the raw keys of rows and of their channels in turn."""
        weights = jnp.stack([jnp.asarray(weight, jnp.float32) for weight in self.weights])
        makes_rows = jnp.array([isinstance(one, AbstractRowInput) for one in self.families])
        single = [
            index for index, one in enumerate(self.families) if isinstance(one, AbstractInput)
        ]
        whole = [index for index in range(len(self.families)) if index not in single]
        per_row = len(channels) // len(rows)
        family = jnp.zeros(len(channels), jnp.int32)
        if single:
            bits = random_bits(channels, 1, named("choice", "family"))[0]
            family = jnp.array(single, jnp.int32)[categorical(bits, weights[jnp.array(single)])]
        if whole:
            bits = random_bits(rows, 1, named("choice", "family"))[0]
            of_single = jnp.where(makes_rows, 0, weights).sum()
            drawn = categorical(bits, jnp.stack([of_single, *weights[jnp.array(whole)]]))
            row = jnp.array([-1, *whole], jnp.int32)[drawn]
            row = jnp.repeat(row, per_row)
            family = jnp.where(row < 0, family, row)
        return family


def as_choice(inputs: AbstractFamily) -> Choice:
    """A single family as a choice of one."""
    return inputs if isinstance(inputs, Choice) else Choice([inputs])


def check_single(owner: str, field: str, family: Any, what: str, who: str) -> None:
    """Refuse what is no family, or draws whole rows."""
    check_part(owner, field, family, AbstractFamily)
    if any(group.makes_rows for group in as_choice(family).groups):
        raise TypeError(
            f"{owner}({field}=...): must be {what} of single channels, because {who} do not depend "
            "on each other. Leave out families of whole rows."
        )

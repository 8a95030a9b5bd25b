"""Which channels of rows cause which, as numbers on the host."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from s2jax.inputs._causal_law import CausalLaw

_PARENTS = re.compile(r"x_law_\w*edges_parents")


class Edge(NamedTuple):
    """One channel that causes another.

    Attributes:
        cause, effect: Numbers of the channels.
        lag: How many steps the cause is ahead.
        strength: Share of the effect's innovations that its causes make together, 0 to 1.
    """

    cause: int
    effect: int
    lag: int
    strength: float


class Causes(NamedTuple):
    """The causal graphs of rows, of which some may be of other families.

    Attributes:
        has_graph: Whether a row was drawn by `CausalGraph`; the others have no edges here.
        parents: Of each channel, the channels that cause it; -1 for none.
        lags: How many steps each cause is ahead.
        strength: Share of the channel's innovations that its causes make.
    """

    has_graph: Bool[np.ndarray, " rows"]
    parents: Int[np.ndarray, "rows channels parents"]
    lags: Int[np.ndarray, "rows channels parents"]
    strength: Float[np.ndarray, "rows channels"]

    @property
    def is_root(self) -> Bool[np.ndarray, "rows channels"]:
        """Channels that nothing causes; none where there is no graph."""
        return (self.parents < 0).all(2) & self.has_graph[:, None]

    def edges(self, row: int) -> list[Edge] | None:
        """The edges of a row by their effects; None if it has no graph."""
        if not self.has_graph[row]:
            return None
        return [
            Edge(int(cause), effect, int(lag), float(self.strength[row, effect]))
            for effect, (parents, lags) in enumerate(
                zip(self.parents[row], self.lags[row], strict=True)
            )
            for cause, lag in zip(parents, lags, strict=True)
            if cause >= 0
        ]


def causes_of_laws(laws: Iterable[Any]) -> Causes | None:
    """What the laws of a batch say; None if no family draws graphs.

    Example:
        >>> import jax, s2jax
        >>> drawn = s2jax.inputs.CausalGraph().sample(jax.random.key(0), 2, channels=4, length=64)
        >>> causes = causes_of_laws([drawn.law])
        >>> causes.has_graph.tolist(), causes.is_root.shape
        ([True, True], (2, 4))
    """
    found = [law.edges for law in laws if isinstance(law, CausalLaw)]
    return _join([_causes(one.parents, one.lags, one.coupling, one.noise) for one in found])


def causes_of_columns(
    get: Callable[[str], np.ndarray], names: Sequence[str], channels: int
) -> Causes | None:
    """What columns of a corpus say, of which `get` has the numbers; None if there are no graphs."""
    found = []
    for name in parent_columns(names):
        fields = [name.removesuffix("parents") + field for field in _FIELDS]
        parents, lags, coupling, noise = (get(field) for field in fields)
        shape = (len(parents), channels, -1)
        found.append(_causes(parents.reshape(shape), lags.reshape(shape), coupling, noise))
    return _join(found)


_FIELDS = ("parents", "lags", "coupling", "noise")


def parent_columns(names: Sequence[str]) -> list[str]:
    """The columns of a corpus with the parents of channels; one for each family of graphs."""
    return [name for name in names if _PARENTS.fullmatch(name)]


def cause_columns(names: Sequence[str]) -> list[str]:
    """The columns that `causes_of_columns` reads."""
    return [
        name.removesuffix("parents") + field for name in parent_columns(names) for field in _FIELDS
    ]


def _causes(parents: Any, lags: Any, coupling: Any, noise: Any) -> Causes:
    parents = np.asarray(parents)
    has_graph = (parents < 0).any((1, 2))  # of other families all numbers are 0
    coupled, alone = np.square(np.asarray(coupling)), np.square(np.asarray(noise))
    total = coupled + alone
    strength = coupled / np.where(total > 0, total, 1)
    return Causes(
        has_graph, np.where(has_graph[:, None, None], parents, -1), np.asarray(lags), strength
    )


def _join(found: Sequence[Causes]) -> Causes | None:
    """The graphs of several families, of which each row has at most one."""
    if not found:
        return None
    width = max(one.parents.shape[2] for one in found)
    wide = lambda array, none: np.pad(
        array, [(0, 0), (0, 0), (0, width - array.shape[2])], constant_values=none
    )
    return Causes(
        np.any([one.has_graph for one in found], 0),
        np.max([wide(one.parents, -1) for one in found], 0),
        np.max([wide(one.lags, 0) for one in found], 0),
        np.max([one.strength for one in found], 0),
    )

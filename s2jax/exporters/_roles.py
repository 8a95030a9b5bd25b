"""What each channel of a row is to a forecaster: a target or a covariate, known ahead or not."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from s2jax.text import Vocabulary

Covariates = Literal["past", "future", "none", "graph"]
"""Which inputs are covariates, and until when they are known; `roles_of` says it."""


class Roles(NamedTuple):
    """The channels of rows by what they are to a forecaster.

    Attributes:
        targets: Outputs to be forecast.
        past: Inputs that are known until the present.
        future: Inputs that are known over the horizon too.
    """

    targets: Bool[np.ndarray, "rows outputs"]
    past: Bool[np.ndarray, "rows inputs"]
    future: Bool[np.ndarray, "rows inputs"]


def roles_of(
    covariates: Covariates,
    x_mask: Bool[np.ndarray, "rows inputs"],
    y_mask: Bool[np.ndarray, "rows outputs"],
    copied: Int[np.ndarray, "rows outputs"],
    is_root: Bool[np.ndarray, "rows inputs"],
) -> Roles:
    """The roles of all channels.

    By the graph, inputs that nothing causes are known ahead, and inputs with causes of the past
    only, as those of rows without a graph. An input that an output copies is one series with it,
    and not both: a root is a covariate then and no target, any other a target and no covariate.
    Where all outputs are copies of roots there is nothing else to forecast, and all are targets.

    Args:
        covariates: A word.
        x_mask, y_mask: Channels that rows have.
        copied: The input that each output is; -1 if it is none.
        is_root: Inputs that nothing causes in the graph of their row.
    """
    none = np.zeros_like(x_mask)
    if covariates == "past":
        return Roles(y_mask, x_mask, none)
    if covariates == "future":
        return Roles(y_mask, none, x_mask)
    if covariates == "none":
        return Roles(y_mask, none, none)
    row = np.arange(len(copied))[:, None]
    given = y_mask & (copied >= 0) & is_root[row, copied]
    targets = y_mask & ~given
    targets = np.where(targets.any(1, keepdims=True), targets, y_mask)
    free = x_mask & ~copies(copied, targets, x_mask.shape[1])
    return Roles(targets, free & ~is_root, free & is_root)


def copies(
    copied: Int[np.ndarray, "rows outputs"], outputs: Bool[np.ndarray, "rows outputs"], inputs: int
) -> Bool[np.ndarray, "rows inputs"]:
    """Inputs that one of these outputs is."""
    return ((copied[..., None] == np.arange(inputs)) & outputs[..., None]).any(1)


def copied_inputs(
    ids: np.ndarray, offsets: np.ndarray, vocabulary: Vocabulary, y_mask: np.ndarray, inputs: int
) -> Int[np.ndarray, "rows outputs"]:
    """The input that each output is, whose expression is that variable alone; -1 if it is none.

    Args:
        ids: The tokens of all rows.
        offsets: Where those of each row begin, and the last end.
        vocabulary: Of the tokens.
        y_mask: Outputs that rows have; each has an expression.
        inputs: Number of inputs.
    """
    sizes = np.diff(offsets)
    begins = np.zeros(len(ids), np.int64)
    begins[offsets[:-1][sizes > 0]] = 1
    between = ids == vocabulary.separator
    part = np.cumsum(begins + between) - 1
    sizes, variables = np.bincount(part[~between]), ids.astype(np.int64) - vocabulary.first_variable
    assert len(sizes) == y_mask.sum(), "a row has one expression per output"
    alone = ~between & (sizes[part] == 1) & (variables >= 0) & (variables < inputs)
    found = np.full(len(sizes), -1)
    found[part[alone]] = variables[alone]
    out = np.full(y_mask.shape, -1)
    out[y_mask] = found
    return out

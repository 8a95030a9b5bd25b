"""The usable rows of a corpus, counted beforehand and read a chunk at a time."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from s2jax.corpus import Corpus, layout
from s2jax.corpus.cells import flatten, values
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._missing import Fill, fill_missing, read_observed
from s2jax.exporters._roles import Covariates, Roles, copied_inputs, copies, roles_of
from s2jax.exporters._rows import Rows, channels, join, mask, split, usable
from s2jax.inputs.causes import Causes, cause_columns, causes_of_columns

CHUNK_BYTES = 16_000_000
"""Values of series held in memory at a time."""
SURVEY_ROWS = 65536

_ROLES = ("tokens", "x_mask", "y_mask")
"""Columns that tell the roles of channels, besides those of graphs."""


class View(NamedTuple):
    """How a format of series sees rows.

    Attributes:
        covariates: Which inputs are covariates.
        fill: What stands where a value is missing; None for what the corpus has there.
    """

    covariates: Covariates = "none"
    fill: Fill | None = None


@dataclasses.dataclass
class Counts:
    """What the rows hold, as a format sees them.

    Attributes:
        repeating: Rows with an output that is one of their covariates.
        graphless: Rows that were not drawn by `CausalGraph`.
        past, future: Covariates that are known until the present, and over the horizon.
        gappy: Outputs with missing values.
        missing: Missing values.
    """

    repeating: int = 0
    graphless: int = 0
    past: int = 0
    future: int = 0
    gappy: int = 0
    missing: int = 0


class Source:
    """The usable rows of a corpus, counted beforehand and read in order.

    Attributes:
        corpus: Where they are.
        view: How they are seen.
        rows: Number of usable rows.
        series: Number of outputs that they have, and that are to be forecast.
        longest: Number of tokens of the longest row, by column of tokens.
        counts: What else they hold.
    """

    def __init__(self, corpus: Corpus, view: View) -> None:
        self.corpus, self.view, self.counts = corpus, view, Counts()
        kinds = layout.columns(pyarrow(), corpus.known_config)
        self.columns = list(kinds)
        self.rows = self.series = 0
        self.longest = {name: 0 for name, kind in kinds.items() if pyarrow().types.is_list(kind)}
        observed = [f"y_observed_{output}" for output in range(self.outputs)]
        wanted = {"status", *_ROLES, *self.longest, *observed, *cause_columns(self.columns)}
        size = SURVEY_ROWS
        if observed[0] in self.columns:
            size = min(size, max(CHUNK_BYTES // (self.length * self.outputs), 1))
        for table in usable(corpus.tables(size, columns=self._among(wanted))):
            self._count(table)

    def _count(self, table: Any) -> None:
        """Add the rows of a table to all numbers."""
        self.rows += len(table)
        for name, longest in self.longest.items():
            sizes = np.diff(table[name].combine_chunks().offsets)
            self.longest[name] = max(longest, int(sizes.max()))
        causes = self._causes(table)
        roles, copied = self._roles(table, causes)
        observed, counts = read_observed(table, self.outputs), self.counts
        self.series += int(roles.targets.sum())
        again = copies(copied, roles.targets, self.inputs) & (roles.past | roles.future)
        counts.repeating += int(again.any(1).sum())
        counts.graphless += len(table) - int(causes.has_graph.sum())
        counts.past += int(roles.past.sum())
        counts.future += int(roles.future.sum())
        if observed is not None:
            missing = (~observed).sum(2)[roles.targets]
            counts.gappy += int((missing > 0).sum())
            counts.missing += int(missing.sum())

    def _roles(self, table: Any, causes: Causes) -> tuple[Roles, np.ndarray]:
        """The roles of all channels, and the input that each output is."""
        y_mask, x_mask = mask(table, "y", self.outputs), mask(table, "x", self.inputs)
        copied = np.full(y_mask.shape, -1)
        # of differential equations an expression is that of a derivative
        if self.view.covariates != "none" and self.corpus.known_config.target.is_pointwise:
            ids, offsets = flatten(table["tokens"])
            copied = copied_inputs(ids, offsets, self.corpus.vocabulary, y_mask, self.inputs)
        return roles_of(self.view.covariates, x_mask, y_mask, copied, causes.is_root), copied

    def _causes(self, table: Any) -> Causes:
        """The graphs of rows; without edges where no family draws any."""
        get = lambda name: values(table[name])
        none = np.full((len(table), self.inputs, 1), -1)
        nothing = Causes(np.zeros(len(table), bool), none, none, np.zeros(none.shape[:2]))
        return causes_of_columns(get, self.columns, self.inputs) or nothing

    def _among(self, names: set[str]) -> list[str]:
        """Those of these columns that there are, in order."""
        return [name for name in self.columns if name in names]

    @property
    def fill(self) -> Fill | None:
        """What stands where a value is missing; None if rows of the corpus are not measured."""
        observation = self.corpus.known_config.observation
        return None if observation is None else self.view.fill or cast(Fill, observation.fill)

    @property
    def has_times(self) -> bool:
        """Whether rows are read at times of their own."""
        return self.corpus.known_config.times is not None

    @property
    def has_graphs(self) -> bool:
        """Whether rows may have been drawn by `CausalGraph`."""
        return bool(cause_columns(self.columns))

    @property
    def length(self) -> int:
        """Time steps of every series."""
        return self.corpus.known_config.length

    @property
    def inputs(self) -> int:
        """Input channels; a row may have fewer."""
        return self.corpus.known_config.num_inputs

    @property
    def outputs(self) -> int:
        """Output channels; a row may have fewer."""
        return self.corpus.known_config.num_outputs

    @property
    def all_outputs(self) -> bool:
        """Whether every row has every output, and all are to be forecast."""
        return "y_mask" not in self.columns and self.series == self.rows * self.outputs

    @property
    def row_bytes(self) -> int:
        """Size of a row's series in single precision."""
        return 4 * self.length * (self.inputs + self.outputs)

    def tables(self, rows: int | None = None, columns: Any = None) -> Iterator[Any]:
        """Tables of the usable ones of so many rows; by default, of about `CHUNK_BYTES`."""
        size = rows or max(CHUNK_BYTES // self.row_bytes, 1)
        yield from usable(self.corpus.tables(size, columns=columns))

    def chunks(self) -> Iterator[Rows]:
        """All usable rows, a chunk at a time.

        Raises:
            ValueError: If a value is no finite number.
        """
        numbers = range(max(self.inputs, self.outputs))
        wanted = {f"{name}_{c}" for name in ("x", "y", "y_observed") for c in numbers}
        wanted |= {"id", "status", "expression", *_ROLES, *cause_columns(self.columns)}
        for table in self.tables(columns=self._among(wanted)):
            yield self._rows_of(table)

    def _rows_of(self, table: Any) -> Rows:
        y_mask, separator = mask(table, "y", self.outputs), self.corpus.vocabulary.separator
        (targets, past, future), _ = self._roles(table, self._causes(table))
        ids, offsets = flatten(table["tokens"])
        symbol, tokens = table["expression"].to_pylist(), np.split(ids, offsets[1:-1])
        for row in np.flatnonzero((targets != y_mask).any(1)):
            kept = np.flatnonzero(targets[row][y_mask[row]])
            parts, all_ids = symbol[row].split(" | "), split(tokens[row], separator)
            symbol[row] = " | ".join(parts[part] for part in kept)
            tokens[row] = join([all_ids[part] for part in kept], separator)
        x = channels(table, "x", self.inputs, self.length, np.float32)
        y = channels(table, "y", self.outputs, self.length, np.float32)
        observed = read_observed(table, self.outputs)
        if observed is not None and self.fill is not None:
            y = fill_missing(y, observed, self.fill)
        missing = np.zeros(y.shape, bool) if observed is None else ~observed & np.isnan(y)
        finite = np.isfinite(x).all((1, 2)) & (np.isfinite(y) | missing).all((1, 2))
        self._check_finite(table["id"].to_numpy(), np.asarray(finite))
        return Rows(table["id"].to_numpy(), x, y, targets, past, future, symbol, tokens, separator)

    def _check_finite(self, ids: np.ndarray, finite: np.ndarray) -> None:
        if not finite.all():
            raise ValueError(
                f"export(path={str(self.corpus.path)!r}): the values of row {ids[finite.argmin()]} "
                "must be finite as float32, because trainers take no infinite ones. Run "
                "`s2jax verify`; if the corpus is whole, draw one with a lower acceptance.bound."
            )

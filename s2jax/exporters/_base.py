"""What every format is: options, a check before anything is written, and a writer."""

import abc
import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from s2jax.core import checks
from s2jax.exporters._missing import WRITTEN, Fill
from s2jax.exporters._roles import Covariates
from s2jax.exporters._source import Source, View


@dataclasses.dataclass
class Written:
    """What a writer made.

    Attributes:
        series: Series in the files.
        warnings: A sentence for each kind of series that readers will not see as they are here.
    """

    series: int
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AbstractExporter(abc.ABC):
    """A format; its fields are the options of `export`.

    Attributes:
        allow_short: Write series of which the reader would use none, with a warning.
    """

    name: ClassVar[str]
    about: ClassVar[str]

    allow_short: bool = False

    @property
    def view(self) -> View:
        """How the format sees rows."""
        return View()

    def check_view(self, source: Source) -> list[str]:
        """Warnings about what is missing in the rows, and about the roles of their channels.

        Raises:
            ValueError: If the format cannot say that a value is missing, or there are no graphs.
        """
        return []

    def check(self, source: Source) -> list[str]:
        """Warnings about how the reader will take the series, before anything is written.

        Raises:
            ValueError: If the reader would take none of them.
            ImportError: If a library is missing.
        """
        return []

    @abc.abstractmethod
    def write(self, source: Source, folder: Path) -> Written:
        """Write the files, series by series, never all in memory."""

    def refuse_short(self, source: Source, needed: int, rule: str, fix: str) -> list[str]:
        """Refuse a corpus of series shorter than a reader takes, or warn if that is wanted."""
        if source.length >= needed:
            return []
        if self.allow_short:
            return [f"All {source.series} series are shorter than {needed} steps: {rule}. {fix}"]
        raise ValueError(
            f"export(path={str(source.corpus.path)!r}, format={self.name!r}): the series must have "
            f">= {needed} steps, but have {source.length}: {rule}. {fix} Or pass allow_short=True "
            "to write them all the same."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AbstractSeriesExporter(AbstractExporter):
    """A format of series, which has no columns for what else is known of them.

    Attributes:
        fill: What stands where a value was not measured: last (the one measured last), zero or nan;
            by default what the corpus has there.
    """

    why_no_nan: ClassVar[str] = ""
    """What its reader does with NaN; nothing where it takes them as missing."""

    fill: Fill | None = None

    def __post_init__(self) -> None:
        if self.fill is not None:
            self._check_word("fill", self.fill, typing.get_args(Fill))

    def _check_word(self, name: str, word: Any, words: Sequence[str]) -> None:
        call = f"export(format={self.name!r}, {name}={checks.shown(word)})"
        checks.check_word(call, word, words)

    @property
    def view(self) -> View:
        return View(fill=self.fill)

    def check_view(self, source: Source) -> list[str]:
        return [*self._check_times(source), *self._check_missing(source)]

    def _check_times(self, source: Source) -> list[str]:
        """A warning where times are irregular."""
        if not source.has_times:
            return []
        return [
            "Rows are read at irregular times, and readers take steps as equal: the times are left "
            "out. Export as npz, array-record, csv or jsonl to keep them."
        ]

    def _check_missing(self, source: Source) -> list[str]:
        """A warning where values are missing, refused if the reader does not take them."""
        counts = source.counts
        if source.fill is None or not counts.gappy:
            return []
        subject = f"{counts.gappy} of {source.series} series"
        if source.fill == "nan" and self.why_no_nan:
            raise ValueError(
                f"export(path={str(source.corpus.path)!r}, format={self.name!r}): no value must be "
                f"missing, because {self.why_no_nan}, but {subject} have values that were not "
                "measured. Pass fill='last' or fill='zero', or export as hf or chronos2, whose "
                "readers take NaN as missing."
            )
        if source.fill == "nan":
            return []
        share = counts.missing / (source.series * source.length)
        fix = "Export as hf or chronos2 with fill='nan' for readers that take NaN as missing."
        if not self.why_no_nan:
            fix = "Pass fill='nan' to have them missing."
        return [
            f"{subject} have values that were not measured, {share:.1%} of all. They have "
            f"{WRITTEN[source.fill]} there, and nothing tells the reader. {fix}"
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AbstractCovariateExporter(AbstractSeriesExporter):
    """A format of series with covariates.

    Attributes:
        covariates: The inputs as covariates: known until the present (past) or over the horizon
            too (future), or none; or as the causal graph of the row says (graph).
    """

    roles: ClassVar[tuple[Covariates, ...]] = typing.get_args(Covariates)
    """The words that the format has."""

    covariates: Covariates = "past"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_word("covariates", self.covariates, self.roles)

    @property
    def view(self) -> View:
        return View(self.covariates, self.fill)

    def check_view(self, source: Source) -> list[str]:
        found, counts = super().check_view(source), source.counts
        if self.covariates == "graph" and not source.has_graphs:
            raise ValueError(
                f"export(path={str(source.corpus.path)!r}, covariates='graph'): rows must have "
                "causal graphs, but no inputs of this corpus are drawn by CausalGraph. Pass "
                f"covariates={self.roles[0]!r}, or draw a corpus with inputs=CausalGraph()."
            )
        if self.covariates == "graph" and counts.graphless:
            found.append(
                f"{counts.graphless} of {source.rows} rows are not of CausalGraph: nothing says "
                "what causes what there, and their inputs are no covariates that are known ahead."
            )
        if counts.repeating:
            what = "give the targets away" if self.covariates == "future" else "repeat the targets"
            found.append(
                f"{counts.repeating} of {source.rows} rows have outputs that are inputs themselves:"
                f" as covariates they {what}. Pass covariates='none', or for rows of CausalGraph "
                "covariates='graph'."
            )
        return found


def longer(length: int) -> str:
    """The way out of series that are too short."""
    return f"Draw a corpus with length >= {length}."

"""What every format is: options, a check before anything is written, and a writer."""

import abc
import dataclasses
from pathlib import Path
from typing import ClassVar

from s2jax.exporters._rows import Source


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


def longer(length: int) -> str:
    """The way out of series that are too short."""
    return f"Draw a corpus with length >= {length}."

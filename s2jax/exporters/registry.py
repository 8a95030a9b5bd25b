"""A corpus in the files of another trainer."""

import dataclasses
from typing import Any

from s2jax.core import checks
from s2jax.corpus import read_corpus
from s2jax.corpus.files import whole_folder
from s2jax.corpus.places import AnyPath, Place, place_of
from s2jax.corpus.remote import Remote
from s2jax.exporters._array_record import ArrayRecord
from s2jax.exporters._base import AbstractExporter
from s2jax.exporters._chronos2 import Chronos2
from s2jax.exporters._folder import check_free
from s2jax.exporters._hf import HuggingFace
from s2jax.exporters._npz import Npz
from s2jax.exporters._source import Source
from s2jax.exporters._symtime import SymTime
from s2jax.exporters._text import CSV, JSONLines
from s2jax.exporters._time_moe import TimeMoE
from s2jax.exporters._toto import Toto
from s2jax.exporters._utsd import UTSD

EXPORTERS: dict[str, type[AbstractExporter]] = {
    exporter.name: exporter
    for exporter in (
        HuggingFace,
        Chronos2,
        TimeMoE,
        UTSD,
        SymTime,
        Toto,
        ArrayRecord,
        Npz,
        CSV,
        JSONLines,
    )
}
FORMATS: dict[str, str] = {name: exporter.about for name, exporter in EXPORTERS.items()}
"""What each format is, by name."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Attributes:
        format: Its name.
        files: The files, in order.
        rows: Usable rows of the corpus.
        series: Outputs of these rows that are in the files.
        warnings: How a reader will see series otherwise than they are here, with their number and
            the way out; a sentence or two each.
    """

    format: str
    files: tuple[Place, ...]
    rows: int
    series: int
    warnings: tuple[str, ...]


def export(path: AnyPath, dest: AnyPath, format: str, **options: Any) -> Exported:
    """Write the usable rows of a corpus as files that another trainer reads.

    Rows are read and written a chunk at a time. The folder gets its name when all files are
    complete and on disk: an interrupted export leaves nothing, a killed one at most a folder
    `_tmp-*` beside it. Values are single precision and not scaled, but for SymTime.

    Args:
        path: A finished corpus: a folder, or an address that fsspec knows.
        dest: A folder that does not exist or is empty; or an address at which nothing is. The
            files are then made on this machine, all of them, and sent when they are complete.
        format: One of `FORMATS`.
        **options: Fields of the format, listed in docs/exporting.md. `allow_short=True` writes
            series that the reader would not use.

    Returns:
        What was written.

    Raises:
        FileNotFoundError: If there is no finished corpus.
        FileExistsError: If something is at `dest`.
        ImportError: If a library is missing.
        TypeError: If an option is of the wrong kind.
        ValueError: If the format or an option is unknown, or an option out of range; if no row is
            usable; if the reader would drop every series, because they are too short; if values
            are missing and the format has no word for it.

    Example:
        >>> import pathlib, tempfile, s2jax
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> config = s2jax.presets.s2(length=64)
        >>> manifest = s2jax.write_corpus(folder / "corpus", config, 4, block_size=4)
        >>> done = export(folder / "corpus", folder / "arrays", "npz")
        >>> [file.name for file in done.files], done.series
        (['data-00000.npz', 'vocabulary.json'], 4)
    """
    exporter = _exporter(format, options)
    folder = place_of(dest, "export(dest)").resolve()
    call = f"export(dest={str(dest)!r})"
    check_free(folder, call)
    source = Source(read_corpus(place_of(path, "export")), exporter.view)
    warnings = [*_unusable(source), *exporter.check_view(source), *exporter.check(source)]
    try:
        with whole_folder(folder) as temporary:
            written = exporter.write(source, temporary)
            files = tuple(folder / file.name for file in sorted(temporary.iterdir()))
    except OSError:
        if not isinstance(folder, Remote):
            check_free(folder, call)  # another export was faster
        raise
    return Exported(format, files, source.rows, written.series, (*warnings, *written.warnings))


def options_of(format: str) -> dict[str, Any]:
    """The options of a format with their defaults.

    Args:
        format: One of `FORMATS`.

    Returns:
        Defaults by the names that `export` takes.

    Raises:
        ValueError: If the format is unknown.

    Example:
        >>> options_of("time-moe")
        {'allow_short': False, 'fill': None, 'context_length': 1024}
    """
    if format not in EXPORTERS:
        raise ValueError(f"export(format={format!r}): {checks.unknown(format, EXPORTERS)}")
    return {field.name: field.default for field in dataclasses.fields(EXPORTERS[format])}


def _exporter(format: str, options: dict[str, Any]) -> AbstractExporter:
    """The format with its options, checked."""
    allowed = options_of(format)
    for name in options:
        if name not in allowed:
            call = f"export(format={format!r}, {name}=...)"
            raise ValueError(f"{call}: {checks.unknown(name, allowed)}")
    return EXPORTERS[format](**options)


def _unusable(source: Source) -> list[str]:
    """How many rows are left out.

    Raises:
        ValueError: If all are.
    """
    total = len(source.corpus)
    fix = "Draw a corpus with a larger acceptance.max_tries or acceptance.bound."
    if not source.rows:
        raise ValueError(
            f"export(path={str(source.corpus.path)!r}): at least one row must have status 0, but "
            f"none of {total} has. {fix}"
        )
    left = total - source.rows
    if not left:
        return []
    return [f"{left} of {total} rows were left out, because their status is not 0. {fix}"]

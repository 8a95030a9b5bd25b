"""What a file of a corpus says of itself at its end, compared with what it must be.

A file's name proves nothing: a folder may hold files of another seed, or of another division of the
rows, under the same names. Its footer does, and costs no reading of data.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.corpus.places import Place, readable
from s2jax.corpus.plan import COMPUTES, DECIDES, ids_of
from s2jax.corpus.remote import Remote
from s2jax.stream import difference

ABSENT = "is not there"
COUNTS, VALUES = "s2jax.counts", "s2jax.values_sha256"
_SUFFICES = ("schema_version", "fingerprint", "shard_rows")
"""Equal, they leave nothing of `DECIDES` to differ."""


class DamagedError(ValueError):
    """A file of a corpus is not what s2jax wrote; the message says how to mend it."""


class Broken(Exception):
    """Why a file is none that can be read: it may be drawn again."""

    @property
    def is_absent(self) -> bool:
        """Whether nothing is there at all."""
        return str(self) == ABSENT


class Foreign(Exception):
    """Why a file that can be read is of another corpus: it is somebody's."""


class Contradicted(Foreign):
    """Why a file that can be read is not the one of which the manifest speaks."""


def pyarrow() -> Any:
    """The optional dependency with its Parquet files, or an error that says how to install it."""
    require("pyarrow.parquet", "Corpora")
    return require("pyarrow", "Corpora")


def check_file(
    file: Place, head: Mapping[str, Any], shard: int, *, made_here: bool = False
) -> dict[str, str]:
    """What a file of a corpus holds as metadata, if it is the right one.

    Args:
        file: Where it should be.
        head: Of the plan or manifest.
        shard: Its number.
        made_here: Ask for the same machine and versions too.

    Raises:
        Broken: If it is not there or cannot be read.
        Foreign: If it holds other rows, or a manifest says that it holds other values.
        OSError: If the disk fails.
    """
    return check_footer(_footer_of(file), head, shard, made_here=made_here)


def rows_of_file(file: Place, head: Mapping[str, Any]) -> tuple[int, int]:
    """The first row of a file of this corpus, whichever file it is, and the one after its last.

    Raises:
        Broken, Foreign, OSError: As `check_file`.
    """
    footer = _footer_of(file)
    _stored_of(footer, head)
    ends = _ends_of(footer)
    if ends is None:
        raise Broken("is damaged: its footer does not say which rows it holds")
    return ends[0], ends[1] + 1


def _footer_of(file: Place) -> Any:
    with translating():
        if not file.is_file():
            raise Broken(ABSENT)
        return pyarrow().parquet.read_metadata(readable(file))


def check_footer(
    footer: Any, head: Mapping[str, Any], shard: int, *, made_here: bool = False
) -> dict[str, str]:
    """The same of a footer that has been read."""
    stored = _stored_of(footer, head, COMPUTES if made_here else ())
    _check_rows(footer, ids_of(head, shard))
    values_sha256, _ = totals_of(stored)
    told = head["files"][shard]["values_sha256"] if "files" in head else values_sha256
    if told != values_sha256:
        raise Contradicted(
            f"has values_sha256 {checks.cut(values_sha256, 64)} by its footer and {told} by the "
            "manifest"
        )
    return stored


def _stored_of(footer: Any, head: Mapping[str, Any], names: tuple[str, ...] = ()) -> dict[str, str]:
    """The metadata of a file of this corpus, in which these names have the same values too."""
    stored = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (footer.metadata or {}).items()
    }
    if "s2jax.fingerprint" not in stored:
        raise Foreign("is no file that s2jax wrote")
    names = (*_SUFFICES, *names)
    if _differ(stored, head, names):
        raise Foreign(f"is of another corpus: {_differ(stored, head, (*DECIDES, *names))}")
    return stored


def totals_of(stored: Mapping[str, str]) -> tuple[str, dict[str, dict[str, int]]]:
    """The hash of the values of a file, and the counts of its rows.

    Raises:
        Broken: If they are not there.
    """
    try:
        counts = json.loads(stored[COUNTS])
        whole = [
            type(number) is int and number >= 0
            for kind in ("acceptance", "forms")
            for number in counts[kind].values()
        ]
        if not all(whole):
            raise ValueError
        return stored[VALUES], {kind: counts[kind] for kind in ("acceptance", "forms")}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise Broken("is damaged: its footer does not end with the counts of its rows") from None


def _differ(stored: Mapping[str, str], head: Mapping[str, Any], names: Iterable[str]) -> str:
    """What is otherwise in a file; "" if nothing is."""
    there: dict[str, Any] = {}
    here: dict[str, Any] = {}
    for name in names:
        text = stored.get(f"s2jax.{name}")
        here[name] = head[name]
        if text is not None:
            there[name] = _parsed(text, head[name])
    return difference(there, here)


def _parsed(text: str, like: Any) -> Any:
    """A value of the metadata; those that are text are stored as they are."""
    if isinstance(like, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _check_rows(footer: Any, ids: range) -> None:
    """Refuse a file of other rows of the same corpus."""
    first, last = _ends_of(footer) or (ids.start, ids.start + footer.num_rows - 1)
    if (footer.num_rows, first, last) != (len(ids), ids.start, ids.stop - 1):
        raise Foreign(
            f"holds {footer.num_rows:,} rows, {first} to {last}, and not the {len(ids):,} rows "
            f"{ids.start} to {ids.stop - 1}"
        )


def _ends_of(footer: Any) -> tuple[int, int] | None:
    """The first and the last row of a file; None if its footer keeps no statistics of them."""
    if not footer.num_row_groups:
        return None
    ends = [footer.row_group(group).column(0) for group in (0, footer.num_row_groups - 1)]
    if not all(end.path_in_schema == "id" and end.is_stats_set for end in ends):
        return None
    first, last = ends[0].statistics.min, ends[1].statistics.max
    if first is None or last is None:
        raise Broken("is damaged: its footer does not say which rows it holds")
    return first, last


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Make what pyarrow says of a damaged file a `Broken`."""
    try:
        yield
    except FileNotFoundError:
        raise Broken(ABSENT) from None
    except OSError as error:
        if error.errno is not None:  # the disk or the system, not what the file holds
            raise
        raise Broken(f"is cut off or damaged ({_first_line(error)})") from None
    except (ValueError, pyarrow().ArrowException) as error:
        raise Broken(f"is cut off or damaged ({_first_line(error)})") from None


@contextlib.contextmanager
def naming(folder: Place, name: str) -> Iterator[None]:
    """Say which file of a finished corpus is damaged, and the way out."""
    try:
        with translating():
            yield
    except (Broken, Foreign, OSError) as error:
        if isinstance(error, OSError) and isinstance(folder, Remote):
            raise  # a service that does not answer is no damage
        reason = f"cannot be read: {error}" if isinstance(error, OSError) else str(error)
        raise DamagedError(
            f"{folder / name}: {reason}. `s2jax verify {folder}` finds all such files, and "
            f"`s2jax repair {folder}` draws them again."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")

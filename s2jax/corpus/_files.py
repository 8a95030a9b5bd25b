"""Files that are there whole or not at all."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPORARY = "_tmp-"


@contextlib.contextmanager
def replacing(final: Path) -> Iterator[Any]:
    """A file that gets its name when it is complete and on disk, or is removed.

    Readers of folders pass over its temporary name. Whoever writes the same file at the same time
    writes the same bytes, so the last to rename wins and nothing is lost.
    """
    temporary = final.with_name(f"{TEMPORARY}{os.getpid()}-{final.name}")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
        sync_folder(final.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make renamings in a folder last through a loss of power."""
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove what killed writers left in a folder in which nobody writes."""
    for file in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            file.unlink()

"""Folders of exports: where they may be put, and what is said of damaged files in them."""

import contextlib
import os
from collections.abc import Iterator

from s2jax.corpus.footers import Broken, DamagedError, translating
from s2jax.corpus.places import Place
from s2jax.corpus.remote import Remote


def check_free(dest: Place, call: str) -> None:
    """Refuse a place where something is already.

    Raises:
        FileExistsError: If it is no new or empty folder.
    """
    if not dest.exists():
        return
    if not dest.is_dir():
        raise FileExistsError(
            f"{call}: must be a folder, but a file is there. Choose another path."
        )
    if not isinstance(dest, Remote) and os.path.ismount(dest):
        raise FileExistsError(
            f"{call}: must not be where a disk is mounted, because the folder is put there whole "
            f"when it is complete. Choose a folder in it, for example {str(dest / 'export')!r}."
        )
    held = next(dest.iterdir(), None)
    if held is not None:
        raise FileExistsError(
            f"{call}: must be new or empty, but it holds {held.name!r}, and a reader would take "
            "that for a part of the export. Choose another folder."
        )


@contextlib.contextmanager
def naming(file: Place) -> Iterator[None]:
    """Say which file of an export is damaged, and the way out."""
    try:
        with translating():
            yield
    except (Broken, OSError) as error:
        reason = f"cannot be read: {error}" if isinstance(error, OSError) else str(error)
        raise DamagedError(f"{file}: {reason}. Export the corpus again.") from error

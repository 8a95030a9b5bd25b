"""Folders that get their name when they are complete."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from s2jax.corpus._files import TEMPORARY, sync_folder


def check_free(dest: Path, call: str) -> None:
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
    if os.path.ismount(dest):
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
def whole_folder(dest: Path) -> Iterator[Path]:
    """A folder that is renamed to `dest` when its files are complete and on disk, or is removed."""
    temporary = dest.with_name(f"{TEMPORARY}{os.getpid()}-{dest.name}")
    shutil.rmtree(temporary, ignore_errors=True)  # of a killed process that had this number
    temporary.mkdir(parents=True)
    try:
        yield temporary
        _sync(temporary)
        if dest.exists():
            dest.rmdir()
        os.replace(temporary, dest)
        sync_folder(dest.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    """Have all files of a folder on disk."""
    for file in folder.iterdir():
        with open(file, "rb+") as stream:
            os.fsync(stream.fileno())
    sync_folder(folder)

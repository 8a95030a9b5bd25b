"""Where an export may be put."""

import os
from pathlib import Path


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

"""What is made sure of before a corpus is written to an address: leave, room and company."""

import errno
import tempfile
from typing import Any

from s2jax.corpus._manifest import begin
from s2jax.corpus.places import Place
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import Remote
from s2jax.corpus.shards import free_bytes

_NO_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ENOSYS}
"""What is answered where nothing may be written, or where there is no such bucket."""


def begin_there(folder: Remote, plan: Plan) -> None:
    """Write the plan to an address, which shows before anything is compiled whether that works.

    Raises:
        FileExistsError: If another corpus was begun there at the same time.
        ValueError: If nothing can be written there, or a file has no room on this machine.
    """
    check_room(folder, plan, plan.least_bytes_per_row)
    try:
        begin(folder, plan)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        raise ValueError(
            f"write_corpus(path={str(folder)!r}): must be an address that can be written to, but "
            f"the first file could not be: {error}. Correct the address, or give this process "
            "credentials that may write there; docs/corpora.md says how they are found."
        ) from error


def check_room(folder: Remote, plan: Plan, bytes_per_row: float) -> None:
    """Refuse files for which this machine has no room: each lies here until it has been sent."""
    needed = min(plan.rows, plan.shard_rows) * bytes_per_row
    free = free_bytes(folder)
    if needed > free:
        raise ValueError(
            f"write_corpus(rows={plan.rows}, shard_rows={plan.shard_rows}): a file takes about "
            f"{needed / 1e6:,.0f} MB on this machine before it is sent to {folder}, and "
            f"{tempfile.gettempdir()} has {free / 1e6:,.0f} MB free. Lower shard_rows, or set "
            "TMPDIR to another disk."
        )


def check_shared(folder: Place, workers: int, engine: Any) -> None:
    """Refuse processes of their own where none sees what another writes."""
    if isinstance(folder, Remote) and folder.is_private and (workers > 1 or engine is not None):
        given = f"workers={workers}" if engine is None else "engine"
        raise ValueError(
            f"write_corpus(path={str(folder)!r}, {given}): must be written by this process alone, "
            "because each process has a memory of its own. Use workers=1 and no engine, or "
            "another address."
        )

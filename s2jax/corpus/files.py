"""Files and folders that are there whole or not at all: the one place that gives them their names.

What is being written has a temporary name beside its own. It holds the name of the machine and a
random token, because numbers of processes are no names: in containers many are 1. A killed writer
leaves it behind. Its file is swept when that is certain: on this machine because a living writer
would hold a lock, on others, and where there are no locks, when it has not grown for a day.

Behind an address nothing is renamed. There, what is being written is a temporary file of this
machine, and is sent as a whole when it is complete.
"""

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from s2jax.corpus.places import Place
from s2jax.corpus.remote import Remote

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove or rename what another one has open
    fcntl = None

TEMPORARY = "_tmp-"
SILENCE = 24 * 3600.0
"""Seconds after which a file that nobody can lock and that does not grow is taken for abandoned."""
PART_BYTES = 2**24
"""How much is read at a time from behind an address."""
OPENED_FIRST = {"schema.arrow", "expressions.csv"}
"""Beside files of JSON, what readers of exports open first."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""What file systems without hard links answer."""


@contextlib.contextmanager
def replacing(
    final: Place, *, keep: bool = False, check: Callable[[Path], object] | None = None
) -> Iterator[Any]:
    """A file that gets its name when it is complete and on disk, or is removed.

    Args:
        final: Its name. Readers of folders pass over the temporary one.
        keep: Let a file that has the name by then have it: whoever was first wrote the same.
        check: Called with the complete file before it gets its name; what it raises prevents that.
    """
    if isinstance(final, Remote):
        with _sending(final, keep, check) as file:
            yield file
        return
    file = _open_new(final)
    temporary = Path(file.name)
    try:
        with file:  # which keeps its lock until it has its name, or it would be swept before
            yield file
            file.flush()
            os.fsync(file.fileno())
            if check is not None:
                check(temporary)
            if fcntl is None:
                file.close()
            if keep:
                _name_first(temporary, final)
            else:
                os.replace(temporary, final)
        sync_folder(final.parent)
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def _sending(final: Remote, keep: bool, check: Callable[[Path], object] | None) -> Iterator[Any]:
    """A file of this machine that is sent when it is complete, and removed in any case."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        temporary = Path(folder, final.name)
        with open(temporary, "xb") as file:
            yield file
        if check is not None:
            check(temporary)
        if not (keep and final.refresh().exists()):
            final.send(temporary, sha256_of(temporary))


@contextlib.contextmanager
def whole_folder(dest: Place) -> Iterator[Path]:
    """A folder that is renamed to `dest` when its files are complete and on disk, or is removed.

    If `dest` is behind an address, they are sent there then, and removed if one cannot be.
    """
    if isinstance(dest, Remote):
        with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
            yield Path(folder)
            _send_all(Path(folder), dest)
        return
    dest.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(dest)
    temporary.mkdir()
    try:
        yield temporary
        for place in temporary.rglob("*"):
            if place.is_dir():
                sync_folder(place)
                continue
            with open(place, "rb+") as stream:
                os.fsync(stream.fileno())
        sync_folder(temporary)
        with contextlib.suppress(FileNotFoundError):
            dest.rmdir()
        os.replace(temporary, dest)
        sync_folder(dest.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _send_all(folder: Path, dest: Remote) -> None:
    """Send the files of a folder, what readers open first at last."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    files.sort(key=lambda file: file.name in OPENED_FIRST or file.suffix == ".json")
    sent: list[Remote] = []
    try:
        for file in files:
            sent.append(dest / file.relative_to(folder).as_posix())
            sent[-1].send(file)
    except BaseException as error:
        left = [str(place) for place in reversed(sent) if not _is_removed(place)]
        state = f"these could not be removed: {', '.join(left)}" if left else "nothing is left"
        error.add_note(
            f"{dest}: of {len(files)} files {len(sent) - 1} had been sent, and {state}. Mend that "
            "and do the same again."
        )
        raise


def _is_removed(place: Remote) -> bool:
    """Remove a file that was sent; whether none is there now."""
    with contextlib.suppress(Exception):
        place.unlink(missing_ok=True)
        return True
    return False


def sync_folder(folder: Path) -> None:
    """Make renamings in a folder last through a loss of power."""
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(file: Place) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    if isinstance(file, Remote):
        digest, stream = hashlib.sha256(), file.opened()
        while part := stream.read(PART_BYTES):
            digest.update(part)
        return digest.hexdigest()
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sweep(folder: Place) -> None:
    """Remove what killed writers left in a folder, and nothing that is being written."""
    if isinstance(folder, Remote):  # where they leave nothing
        return
    for file in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if not _sweep_own(file) and time.time() - file.stat().st_mtime > SILENCE:
                file.unlink()


def _temporary(final: Path) -> Path:
    """A name beside `final` that nobody else has."""
    return final.with_name(f"{TEMPORARY}{_machine()}-{secrets.token_hex(8)}")


def _machine() -> str:
    return re.sub(r"[^A-Za-z0-9]+", ".", platform.node())[:64]


def _open_new(final: Path) -> Any:
    """A new file of a name of its own, locked as long as it is open."""
    while True:
        file = open(_temporary(final), "xb")  # noqa: SIM115
        if _lock(file) is not False and (fcntl is None or os.fstat(file.fileno()).st_nlink):
            return file
        file.close()  # swept before it was locked


def _lock(file: Any) -> bool | None:
    """Whether the lock of a file is ours now; None where there are none."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _sweep_own(file: Path) -> bool:
    """Remove a file of this machine that nobody writes; whether that could be told."""
    is_own = re.fullmatch(rf"{TEMPORARY}{re.escape(_machine())}-[0-9a-f]{{16}}", file.name)
    if fcntl is None or not is_own:
        return False
    with open(file, "rb+") as stream:
        is_ours = _lock(stream)
        if is_ours:
            file.unlink()
    return is_ours is not None


def _name_first(temporary: Path, final: Path) -> None:
    """Give a file its name, unless another one has it."""
    try:
        os.link(temporary, final)
    except FileExistsError:  # the first may have removed it again by now
        pass
    except OSError as error:
        if not final.exists():
            if error.errno not in _NO_LINKS:
                raise
            os.replace(temporary, final)
    _remove(temporary)


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)

"""What differs between the services behind fsspec: the errors they raise, the methods they have."""

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from s2jax.core.optional import require


@contextlib.contextmanager
def telling(url: str) -> Iterator[None]:
    """Make what a service's library raises an `OSError` with a number and the address."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise OSError(_number_of(error), f"{url}: {said(error)}") from error
    except Exception as error:
        raise OSError(_number_of(error), f"{url}: {said(error)}") from error


def _number_of(error: Exception) -> int:
    """The number that says what went wrong, as far as that can be told."""
    kinds = {
        FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST,
        PermissionError: errno.EACCES, IsADirectoryError: errno.EISDIR,
        NotADirectoryError: errno.ENOTDIR, NotImplementedError: errno.EROFS,
    }  # fmt: skip
    for kind, number in kinds.items():
        if isinstance(error, kind):
            return number
    response = getattr(error, "response", None)
    status = getattr(error, "code", None) or getattr(response, "status_code", None)
    if str(status) in ("401", "403") or "credential" in type(error).__name__.lower():
        return errno.EACCES
    return errno.EIO


def said(error: Exception) -> str:
    """The kind of an error and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def is_default(fs: Any, method: str) -> bool:
    """Whether a file system leaves a method as fsspec has it."""
    base = require("fsspec", "Addresses of remote folders").AbstractFileSystem
    return getattr(getattr(fs, method), "__func__", None) is getattr(base, method)

"""Folders behind an address, such as `s3://bucket/corpus`: what corpora need of them, by fsspec.

A bucket knows neither folders nor renaming, but an object appears whole or not at all. So a file is
written on this machine first, and sent under its own name when it is complete.
"""

import contextlib
import copy
import errno
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from s2jax.corpus._services import is_default, telling

_SENT: dict[str, "Sent"] = {}


class Sent(NamedTuple):
    """What this process knows of a file that was sent: its size and the SHA-256 of its bytes."""

    size: int
    sha256: str


class _Stat(NamedTuple):
    """What is asked of a file's state."""

    st_size: int


class Remote:
    """A file or folder behind an address, with the methods of `pathlib.Path` that corpora use.

    Every question is asked anew where fsspec would answer from a listing that it keeps, once
    `refresh` was called. What a library of some service raises becomes an `OSError` with a number,
    because an error without one is how pyarrow speaks of a damaged file.

    Args:
        fs: A file system of fsspec.
        path: The place in it.
        url: The address, as it is shown.
    """

    def __init__(self, fs: Any, path: str, url: str) -> None:
        self._fs, self.path, self._url = fs, path, url
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:  # its options go with a file system, not connections
        return {"fs": self.fs, "path": self.path, "url": self._url}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    @property
    def fs(self) -> Any:
        """The file system; in a forked process one of its own, for connections serve one."""
        if self._process != os.getpid():
            self._fs, self._process = copy.copy(self._fs), os.getpid()
        return self._fs

    def __str__(self) -> str:
        return self._url

    def __repr__(self) -> str:
        return f"Remote({self._url!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._url)

    def __lt__(self, other: "Remote") -> bool:
        return str(self) < str(other)

    def __truediv__(self, name: str) -> "Remote":
        return Remote(self.fs, f"{self.path.rstrip('/')}/{name}", f"{self._url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """What comes after the last slash."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def is_private(self) -> bool:
        """Whether no other process sees what is there."""
        kinds = self.fs.protocol
        return "memory" in ((kinds,) if isinstance(kinds, str) else kinds)

    def refresh(self) -> "Remote":
        """The same, after forgetting what was listed before: others may have written since."""
        self.fs.invalidate_cache()
        return self

    def resolve(self) -> "Remote":
        """The same: an address is absolute."""
        return self

    def exists(self) -> bool:
        """Whether a file is there, or anything below it."""
        return bool(self._info())

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self._info().get("type") == "file"

    def is_dir(self) -> bool:
        """Whether anything is below it."""
        return self._info().get("type") == "directory"

    def is_symlink(self) -> bool:
        """False: no service has links that lead out of a folder."""
        return False

    def stat(self) -> _Stat:
        """Its size, as `st_size`."""
        found = self._info()
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._url)
        return _Stat(int(found["size"]))

    def _info(self) -> dict[str, Any]:
        """What fsspec says of it; nothing if it is not there."""
        try:  # not `fs.exists`, which takes every failure for an absence
            with telling(self._url):
                return self.fs.info(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def iterdir(self) -> Iterator["Remote"]:
        """The files and folders in it; none if it is not there."""
        try:
            with telling(self._url):
                found = self.fs.ls(self.path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return
        bare = lambda path: self.fs._strip_protocol(path).rstrip("/")
        paths = {bare(path) for path in found} - {bare(self.path)}  # some list a folder as in it
        for name in sorted({path.rpartition("/")[2] for path in paths}):
            yield self / name

    def names_below(self) -> list[str]:
        """The files in it and in its folders, by their paths below it."""
        try:
            with telling(self._url):
                found = self.fs.find(self.path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []  # who may read files need not be allowed to list them
        start = len(self.fs._strip_protocol(self.path).rstrip("/")) + 1
        return [path[start:] for path in found if path[start:]]

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Nothing: folders come with the files in them."""

    def read_bytes(self) -> bytes:
        """All that is in it."""
        return self.read_range()

    def read_text(self, encoding: str = "utf-8") -> str:
        """All that is in it, as text."""
        return self.read_bytes().decode(encoding)

    def read_range(self, start: int | None = None, end: int | None = None) -> bytes:
        """Bytes `start` to `end`, by one request."""
        with telling(self._url):
            options = {}
            if is_default(self.fs, "cat_file"):  # which opens the file, and would read ahead
                options = {"cache_type": "none"}
            return self.fs.cat_file(self.path, start, end, **options)

    def opened(self, size: int | None = None) -> "Ranges":
        """A stream that reads what is asked for; `size` spares a question where it is known."""
        return Ranges(self, self.stat().st_size if size is None else size)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            with telling(self._url):
                self.fs.rm_file(self.path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def send(self, file: Path, sha256: str = "") -> None:
        """Make this a copy of a file, or leave nothing that is not whole.

        Args:
            file: On this machine.
            sha256: Of its bytes, to be remembered.
        """
        size, before = file.stat().st_size, self._size()
        try:
            with telling(self._url):
                self._put(file)
            there = self.refresh()._size()
            if there != size:
                raise OSError(errno.EIO, f"{self._url}: has {there} bytes, though {size} were sent")
        except BaseException:
            with contextlib.suppress(Exception):
                if self.refresh()._size() not in (None, size, before):
                    self.unlink(missing_ok=True)
            raise
        if sha256:
            remember(self, Sent(size, sha256))

    def _put(self, file: Path) -> None:
        if is_default(self.fs, "put_file"):  # which copies piece by piece to the final name
            self.fs.pipe_file(self.path, file.read_bytes())
            return
        try:
            self.fs.put_file(str(file), self.path)
        except FileNotFoundError:  # folders are real here, or there is no such bucket
            if not self._make_folder():
                raise
            self.fs.put_file(str(file), self.path)

    def _make_folder(self) -> bool:
        """Make the folder it is in, where there are such; never a bucket."""
        parent = self.path.rstrip("/").rpartition("/")[0]
        top = re.match(r"/*[^/]+", parent)
        if top is None or not Remote(self.fs, top[0], self._url).exists():
            return False
        self.fs.makedirs(parent, exist_ok=True)
        return True

    def _size(self) -> int | None:
        found = self._info()
        return int(found["size"]) if found.get("type") == "file" else None


class Ranges(io.RawIOBase):
    """A file behind an address as a stream: each read is one request of a range.

    A part of it may be held, and is then read without asking.
    """

    def __init__(self, place: Remote, size: int) -> None:
        self._remote, self.size, self._position = place, size, 0
        self._held, self._first = b"", 0

    def hold(self, start: int, end: int) -> None:
        """Ask for bytes `start` to `end`, and keep them in place of those held before."""
        self._held, self._first = b"", start
        if start < end:
            self._held = self._remote.read_range(start, end)

    def release(self) -> None:
        """Keep nothing any more."""
        self._held = b""

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Let the next read begin elsewhere."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; all that are left by default."""
        end = self.size if size is None or size < 0 else min(self._position + size, self.size)
        if end <= self._position:
            return b""
        first = self._position - self._first
        if first >= 0 and end - self._first <= len(self._held):
            found = self._held[first : end - self._first]
        else:
            found = self._remote.read_range(self._position, end)
        self._position += len(found)
        return found


def remember(place: Any, sent: Sequence[Any] | None) -> None:
    """Keep what is known of a file that was sent, by this process or one that it started."""
    if sent is not None:
        _SENT[str(place)] = Sent(*sent)


def forget(folder: Any) -> None:
    """Let what is known of files below a folder be forgotten: others may write there by now."""
    below = f"{str(folder).rstrip('/')}/"
    for url in [url for url in _SENT if url.startswith(below)]:
        _SENT.pop(url, None)


def recall(place: Any) -> Sent | None:
    """What is known of a file that was sent, and has the same size still."""
    found = _SENT.get(str(place)) if isinstance(place, Remote) else None
    return found if found is not None and place.stat().st_size == found.size else None

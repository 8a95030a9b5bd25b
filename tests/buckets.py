"""File systems of fsspec in place of services: without renaming, and with faults on demand."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

Fault = Literal["refused", "lost", "torn", "quiet", "dead"]
"""What becomes of a call: it fails before it does anything; it is done, and the answer is lost;
half of an upload arrives, with an error or without one; the process ends there."""


class Killed(BaseException):
    """The process is no more: this call and all that follow do nothing."""


class Service:
    """What the calls of a bucket are counted by, and told to fail by.

    Attributes:
        calls: Numbers of calls by method.
        moved: Bytes that were read.
        at, fault: Which call fails, counted from 0, and how.
        before_put: Called with the path before an object is made.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count anew, and let nothing fail."""
        self.calls: Counter[str] = Counter()
        self.moved = 0
        self.at, self.fault = -1, "refused"
        self.before_put: Callable[[str], object] = lambda path: None

    @property
    def number(self) -> int:
        """All calls so far."""
        return self.calls.total()

    @contextmanager
    def call(self, method: str, path: str) -> Iterator[str]:
        """Count a call; what is to become of it, "" if nothing is wrong."""
        turn = self.number
        self.calls[method] += 1
        if self.fault == "dead" and 0 <= self.at <= turn:
            raise Killed(path)
        fault = self.fault if turn == self.at else ""
        if fault == "refused" or (fault in ("torn", "quiet") and method != "put_file"):
            raise ConnectionError(f"no answer to {method}")  # without a number, as libraries do
        yield fault
        if fault in ("lost", "torn"):
            raise ConnectionError(f"{method}: the answer was lost")


SERVICE = Service()


class Faulty:
    """What a file system is asked is counted, and may fail."""

    def info(self, path: str, **kwargs: Any) -> Any:
        with SERVICE.call("info", path):
            return super().info(path, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        with SERVICE.call("ls", path):
            return super().ls(path, detail, **kwargs)

    def find(self, path: str, **kwargs: Any) -> Any:
        with SERVICE.call("find", path):
            return super().find(path, **kwargs)

    def cat_file(self, path: str, start: Any = None, end: Any = None, **kwargs: Any) -> bytes:
        with SERVICE.call("cat_file", path):
            found = super().cat_file(path, start, end)
            SERVICE.moved += len(found)
            return found

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        with SERVICE.call("put_file", rpath) as fault:
            SERVICE.before_put(rpath)
            content = Path(lpath).read_bytes()
            half = len(content) // 2 if fault in ("torn", "quiet") else len(content)
            self.pipe_file(rpath, content[:half])

    def rm_file(self, path: str) -> None:
        with SERVICE.call("rm_file", path):
            self._remove(path)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        raise NotImplementedError("nothing is renamed or copied here")

    mv = cp_file


class Bucket(Faulty, MemoryFileSystem):
    """Objects that appear whole; no folders, no renaming, no copies."""

    protocol = "bucket"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).removeprefix("bucket://"))

    def _remove(self, path: str) -> None:
        self._rm(path)


class Closed(Bucket):
    """A bucket that may be read, and not written."""

    protocol = "closed"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("closed://", "bucket://"))

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        raise PermissionError("Access Denied")


class Keyed(Bucket):
    """A bucket that is opened with a key."""

    protocol = "keyed"

    def __init__(self, key: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.key = key

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("keyed://", "bucket://"))


class Shelf(Faulty, LocalFileSystem):
    """Files of this machine that several processes see, behind an address, without renaming."""

    protocol = "shelf"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).removeprefix("shelf://"))

    def unstrip_protocol(self, name: str) -> str:
        return f"shelf://{self._strip_protocol(name)}"

    def _remove(self, path: str) -> None:
        Path(self._strip_protocol(path)).unlink()


for kind in (Bucket, Closed, Keyed, Shelf):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)

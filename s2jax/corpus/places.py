"""Where a corpus lies: a folder of this machine, or one behind an address that fsspec knows.

Whatever a user gives goes through `place_of`, and never through `Path` alone: that makes
`s3:/bucket` of `s3://bucket`, and a folder of this name in the working directory.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.corpus._services import said
from s2jax.corpus.remote import Remote


@runtime_checkable
class OfProtocol(Protocol):
    """A path with a protocol of fsspec and its options, as those of universal_pathlib."""

    @property
    def protocol(self) -> str:
        """Its name, such as `s3`; "" for this machine."""
        ...

    @property
    def storage_options(self) -> Mapping[str, Any]:
        """What the file system is made with."""
        ...

    @property
    def path(self) -> str:
        """The place in it."""
        ...


AnyPath = str | os.PathLike[str] | OfProtocol | Remote
"""What a user may give: a folder, an address such as `s3://bucket/corpus`, or a `UPath`."""
Place = Path | Remote
"""What is made of it."""
LOCAL = {"file", "local"}
"""Protocols of this machine's own files."""
COMMON = (
    "s3", "gs", "hf", "abfs", "sftp", "ftp", "http", "https", "smb", "hdfs", "webhdfs", "memory",
)  # fmt: skip
"""Protocols that are proposed in place of an unknown one."""
FOOTER_BYTES = 2**19
"""How much of a file is asked for at first: pyarrow would ask for less, and then for the rest."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")  # a single letter would be a drive
_COLLAPSED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):[/\\]+([^/\\].*)")


def place_of(path: AnyPath, call: str) -> Place:
    """The folder or file that a user speaks of; of remote ones, as they are by now.

    Args:
        path: As it was given.
        call: The name of the function that it was given to, and of the argument if it is another
            than `path`, for messages: `export(dest)`.

    Raises:
        ImportError: If a package for the protocol is missing.
        ValueError: If the protocol is unknown, or an address was made into a `Path`.
    """
    if isinstance(path, Remote):
        return path.refresh()
    name, _, argument = call.rstrip(")").partition("(")
    shown = f"{name}({argument or 'path'}={str(path)!r})"
    try:
        if not isinstance(path, str) and isinstance(path, OfProtocol):
            return _of_protocol(path)
    except ImportError as error:
        raise _missing(shown, str(path), error) from error
    text = os.fspath(path)  # pyright: ignore[reportArgumentType]
    if isinstance(path, str) and _ADDRESS.match(text):
        protocol, _, rest = text.partition("://")
        if protocol in LOCAL:
            return Path(re.sub(r"^/([A-Za-z]:)", r"\1", rest))
        return _remote_of(text, shown).refresh()
    collapsed = _COLLAPSED.fullmatch(text)
    if collapsed:
        raise ValueError(
            f"{shown}: must keep both slashes of an address, but pathlib.Path leaves one. Pass the "
            f"text {f'{collapsed[1]}://{collapsed[2]}'!r} itself, or the absolute path of a folder "
            "of such a name."
        )
    return Path(os.path.expanduser(text))


def _of_protocol(path: Any) -> Place:
    """The place of a path of universal_pathlib."""
    if path.protocol in ("", *LOCAL):
        return Path(path.path)
    url = str(path) if _ADDRESS.match(str(path)) else path.fs.unstrip_protocol(path.path)
    return Remote(path.fs, path.path, url).refresh()


def _remote_of(url: str, call: str) -> Remote:
    """What is behind an address.

    Args:
        url: As a user wrote it.
        call: The call with the argument that it was given as, for messages.

    Raises:
        ImportError: If fsspec is not installed, or the package for this protocol.
        ValueError: If there is no such protocol.
    """
    fsspec = require("fsspec", "Addresses of remote folders")
    registry = require("fsspec.registry", "Addresses of remote folders")
    known = registry.known_implementations
    for name in (part.partition("://")[0] for part in url.split("::")):
        if name not in known and name not in registry.registry:
            raise ValueError(
                f"{call}: must be a folder, or an address that fsspec knows, but its protocol is "
                f"none: {checks.unknown(name, COMMON)}"
            )
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise _missing(call, url, error) from error
    except Exception as error:  # of a service, about its options
        raise ValueError(
            f"{call}: must be an address that fsspec can open, but it cannot: {said(error)}. "
            "Correct the address, or the options that fsspec has for it."
        ) from error
    return Remote(fs, path, url.rstrip("/") if not url.endswith("://") else url)


def _missing(call: str, url: str, error: ImportError) -> ImportError:
    """The error about the package that a protocol needs."""
    known = require("fsspec.registry", "Addresses of remote folders").known_implementations
    protocols = [part.partition("://")[0] for part in url.split("::")]
    owners = [known.get(name, {}).get("class", name).split(".")[0] for name in protocols]
    packages = [owner for owner in owners if owner != "fsspec"] or [error.name or "what it names"]
    return ImportError(
        f"{call}: needs a package for {protocols[-1]}://, which cannot be imported: {error}. "
        f"Install it: python -m pip install {' '.join(packages)}"
    )


def local_of(path: AnyPath, call: str, what: str) -> Path:
    """A folder or file of this machine.

    Args:
        path: As it was given.
        call: As in `place_of`.
        what: What it is, "a run", for the message.

    Raises:
        ValueError: If it is behind an address.
    """
    place = place_of(path, call)
    if isinstance(place, Remote):
        name, _, argument = call.rstrip(")").partition("(")
        raise ValueError(
            f"{name}({argument or 'path'}={str(path)!r}): must be on this machine, because {what} "
            "is read and written in places, or mapped into memory. Copy it here, or back when it "
            "is complete, for example by fsspec's `get` and `put`."
        )
    return place


def readable(place: Place) -> Any:
    """What pyarrow reads: the path of a local file, or a stream that holds its end, the footer.

    The path is absolute: of a relative one pyarrow takes `word:` at its beginning for a protocol.
    """
    if not isinstance(place, Remote):
        return os.path.abspath(place)
    stream = place.opened()
    stream.hold(max(stream.size - FOOTER_BYTES, 0), stream.size)
    return stream


def place_to_json(place: Place) -> Any:
    """A place as what JSON holds, for another process that this one has started."""
    if isinstance(place, Remote):
        return {"url": str(place), "path": place.path, "fs": place.fs.to_json()}
    return str(place)


def place_from_json(value: Any) -> Place:
    """The place of a process that started this one."""
    if isinstance(value, str):
        return Path(value)
    fsspec = require("fsspec", "Addresses of remote folders")
    return Remote(fsspec.AbstractFileSystem.from_json(value["fs"]), value["path"], value["url"])

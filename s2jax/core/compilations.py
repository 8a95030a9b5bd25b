"""Programs that XLA compiled, kept on disk for the next process."""

import os
import platform
from pathlib import Path

import jax

_LEAST_SECONDS = 0.5  # of compiling, below which reading from disk gains little


def cache_compilations(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk, so that the next process starts in seconds.

    Call it before the first computation. What was compiled for one kind of machine or version of
    JAX is not used by another. The commands of `s2jax` do it on their own. It is JAX's own cache,
    for all programs of the process that take half a second to compile; where one is set already, by
    `jax_compilation_cache_dir` or the environment, that stays. Processes that this one starts share
    it.

    Args:
        folder: Where they are kept, which must be yours alone: who can write there can change what
            you run. By default `s2jax` and the name of the machine in `XDG_CACHE_HOME`, or in
            `~/.cache`.

    Returns:
        The folder.

    Raises:
        OSError: If it cannot be made.

    Example:
        >>> import s2jax
        >>> folder = s2jax.cache_compilations()  # doctest: +SKIP
        >>> batch = s2jax.sample(key, config, 64)  # doctest: +SKIP
    """
    already = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if already is not None:
        return Path(already)
    if folder is None:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(root) / "s2jax" / platform.node()
    Path(folder).mkdir(parents=True, exist_ok=True)
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": _LEAST_SECONDS,
    }
    for name, value in settings.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)  # for processes that are started
    return Path(folder)

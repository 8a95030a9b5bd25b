"""Settings of this machine for commands that draw."""

import os
import platform
from pathlib import Path


def prepare_to_draw() -> None:
    """Settings for this process and its workers; before the first computation."""
    use_several_threads()
    remember_compilations()


def use_several_threads() -> None:
    """Let XLA have two threads on one processor too, so that it compiles as on all others."""
    from s2jax.corpus.plan import THREADS, processors

    if processors() == 1:
        os.environ.setdefault(THREADS, "2")


def remember_compilations() -> None:
    """Keep compiled programs of this machine, so that the next start takes a few seconds less."""
    import jax

    if jax.config.jax_compilation_cache_dir is not None:  # pyright: ignore
        return
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "s2jax" / platform.node()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.5,
    }
    for name, value in settings.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)  # for workers

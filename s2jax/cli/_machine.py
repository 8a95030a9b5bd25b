"""Settings of this machine for commands that draw."""

import contextlib
import os


def prepare_to_draw() -> None:
    """Settings for this process and its workers; before the first computation."""
    from s2jax.core.compilations import cache_compilations

    use_several_threads()
    with contextlib.suppress(OSError):  # a few seconds more, each time
        cache_compilations()


def use_several_threads() -> None:
    """Let XLA have two threads on one processor too, so that it compiles as on all others."""
    from s2jax.corpus.plan import THREADS, processors

    if processors() == 1:
        os.environ.setdefault(THREADS, "2")

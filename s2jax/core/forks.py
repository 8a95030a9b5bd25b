"""Processes forked after JAX had started: its threads are not in them, and calls wait for ever.

`torch.utils.data.DataLoader` forks its workers by default on Linux before Python 3.14, as
`multiprocessing` does.
"""

import os
import sys

_WAY_OUT = 'Start processes by "spawn" (in a DataLoader, multiprocessing_context="spawn")'
_is_cut_off = False


def _remember() -> None:
    """In a new process: whether JAX ran in the one that it is a copy of."""
    global _is_cut_off
    backend = sys.modules.get("jax._src.xla_bridge")
    _is_cut_off = bool(getattr(backend, "_backends", True))  # if JAX renames it, be careful


if hasattr(os, "register_at_fork"):  # Windows never forks
    os.register_at_fork(after_in_child=_remember)


def check_can_draw(call: str, other: str = "draw in the main process") -> None:
    """Refuse what needs JAX where it would wait for ever.

    Args:
        call: As the user wrote it.
        other: What can be done as well.

    Raises:
        RuntimeError: In a process that was forked after JAX had started.
    """
    if _is_cut_off:
        raise RuntimeError(
            f"{call}: must not be called in a process that was forked after JAX had started, "
            f"because JAX's threads are not in it and the call would wait for ever. {_WAY_OUT}, or "
            f"{other}."
        )

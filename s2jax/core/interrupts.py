"""Handlers of signals that raise, and are heard wherever the signal comes."""

import gc
import os
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_SECONDS = 0.01


def heard(handler: Callable[[int, FrameType | None], Any]) -> Callable[..., None]:
    """A handler that comes a little later where what it raises would get lost.

    Python prints what is raised in a callback of its garbage collector and goes on, as if no signal
    had come; and while JAX compiles, garbage is collected often.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        deaf = {getattr(callback, "__code__", None) for callback in gc.callbacks}
        above = frame
        while above is not None and above.f_code not in deaf:
            above = above.f_back
        if above is None:
            handler(number, frame)
            return
        again = threading.Timer(_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    return handle

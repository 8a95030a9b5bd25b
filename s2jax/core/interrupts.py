"""Handlers of signals that raise, and are heard wherever the signal comes."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SECONDS = 0.01
_SIGNAL = "s2jax_signal"  # of what a handler raised: the number of the signal


def heard(handler: Callable[[int, FrameType | None], Any]) -> Callable[..., None]:
    """A handler whose signal is sent again, within `sending_again`, if what it raises gets lost."""

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except BaseException as error:
            setattr(error, _SIGNAL, number)
            raise

    return handle


@contextlib.contextmanager
def sending_again() -> Iterator[None]:
    """Send signals again, a moment later, whose handlers raised where Python prints and goes on.

    Such are callbacks of its garbage collector, JAX's among them, callbacks of weak references, and
    finalizers; and while JAX compiles, garbage is collected often.
    """
    before, lock, is_open = sys.unraisablehook, threading.Lock(), True

    def send(number: int) -> None:
        with lock:
            if is_open:
                os.kill(os.getpid(), number)

    def hook(lost: Any) -> None:
        number = getattr(lost.exc_value, _SIGNAL, None)
        if number is None:
            before(lost)
            return
        again = threading.Timer(_SECONDS, send, (number,))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        with lock:
            is_open = False
        sys.unraisablehook = before

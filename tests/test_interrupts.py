"""Signals that come while garbage is collected are heard."""

import gc
import os
import signal
import time

import pytest

from s2jax.core.interrupts import heard


def collect_and_wait() -> None:
    gc.collect()
    time.sleep(5)


def send_and_wait() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(5)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has none")
@pytest.mark.filterwarnings("error")
def test_a_signal_in_any_callback_of_the_collector_is_heard_after_it():
    calls: list[str] = []

    def first(phase: str, info: object) -> None:
        if phase == "start" and not calls:
            calls.append("first")
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(1000):  # Python runs handlers between two of its instructions
                pass

    def second(phase: str, info: object) -> None:
        if phase == "start" and calls == ["first"]:
            calls.append("second")
            time.sleep(0.1)  # long enough for the signal to come again

    before = signal.signal(signal.SIGUSR1, heard(signal.default_int_handler))
    gc.callbacks.extend([first, second])
    try:
        with pytest.raises(KeyboardInterrupt):
            collect_and_wait()
    finally:
        gc.callbacks.remove(first)
        gc.callbacks.remove(second)
        signal.signal(signal.SIGUSR1, before)
    assert calls == ["first", "second"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has none")
def test_any_other_signal_is_heard_at_once():
    before = signal.signal(signal.SIGUSR1, heard(signal.default_int_handler))
    try:
        with pytest.raises(KeyboardInterrupt):
            send_and_wait()
    finally:
        signal.signal(signal.SIGUSR1, before)

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
def test_a_signal_in_a_callback_of_the_collector_is_heard_after_it():
    sent = []

    def _xla_gc_callback(phase: str, info: object) -> None:
        if phase == "start" and not sent:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(1000):  # Python runs handlers between two of its instructions
                pass

    before = signal.signal(signal.SIGUSR1, heard(signal.default_int_handler))
    gc.callbacks.append(_xla_gc_callback)
    try:
        with pytest.raises(KeyboardInterrupt):
            collect_and_wait()
    finally:
        gc.callbacks.remove(_xla_gc_callback)
        signal.signal(signal.SIGUSR1, before)
    assert sent


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has none")
def test_any_other_signal_is_heard_at_once():
    before = signal.signal(signal.SIGUSR1, heard(signal.default_int_handler))
    try:
        with pytest.raises(KeyboardInterrupt):
            send_and_wait()
    finally:
        signal.signal(signal.SIGUSR1, before)

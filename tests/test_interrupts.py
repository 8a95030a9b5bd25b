"""Signals that come where Python loses what is raised are heard."""

import gc
import os
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s2jax.core.interrupts import heard, sending_again

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has none"),
    pytest.mark.filterwarnings("error"),
]


@pytest.fixture
def hearing() -> Iterator[None]:
    before, hook = signal.getsignal(signal.SIGUSR1), sys.unraisablehook
    with sending_again():
        signal.signal(signal.SIGUSR1, heard(signal.default_int_handler))
        yield
        signal.signal(signal.SIGUSR1, before)
    assert sys.unraisablehook is hook


def send() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(1000):  # Python runs handlers between two of its instructions
        pass


class Thing:
    pass


class Final:
    def __del__(self) -> None:
        send()


def in_a_finalizer() -> None:
    Final()


def in_a_callback_of_a_reference() -> None:
    thing = Thing()
    reference = weakref.ref(thing, lambda _: send())
    del thing
    assert reference() is None


def in_callbacks_of_the_collector() -> None:
    """In one, and once more in another."""
    calls: list[str] = []

    def first(phase: str, info: object) -> None:
        if phase == "start" and not calls:
            calls.append("first")
            send()

    def second(phase: str, info: object) -> None:
        if phase == "start" and calls == ["first"]:
            calls.append("second")
            time.sleep(0.1)  # long enough for the signal to come again

    gc.callbacks.extend([first, second])
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(first)
        gc.callbacks.remove(second)


@pytest.mark.parametrize(
    "lose", [in_a_finalizer, in_a_callback_of_a_reference, in_callbacks_of_the_collector]
)
def test_a_signal_that_gets_lost_is_sent_again(hearing: None, lose: Callable[[], Any]) -> None:
    def lose_and_wait() -> None:
        lose()
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        lose_and_wait()


def test_any_other_signal_is_heard_at_once(hearing: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        send()


def test_it_is_not_sent_when_nobody_hears(hearing: None) -> None:
    with sending_again():
        in_a_finalizer()
    time.sleep(0.1)


def test_other_errors_are_told_as_ever(hearing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with sending_again():

        class Fails:
            def __del__(self) -> None:
                raise ValueError("of its own")

        Fails()
    assert [str(lost.exc_value) for lost in told] == ["of its own"]

"""Interrupts held back while something must not be cut in two."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from nox_cli.interrupts import Interrupts
from nox_cli.session import Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Begin with Python's own handler of Ctrl-C; put the handlers back that were there before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_comes_when_it_is_let_go() -> None:
    """
    Ctrl-C is noted while it is held, and obeyed afterwards.
    """
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGINT)

    assert signal.SIGINT == interrupts.came
    with pytest.raises(KeyboardInterrupt):
        interrupts.let_go()
    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)


def test_the_first_one_counts() -> None:
    """
    Of several interrupts the first is obeyed, once.
    """

    def terminate(*_: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)

    with pytest.raises(Terminated):
        interrupts.let_go()
    interrupts.let_go()


def test_letting_go_of_nothing_is_harmless() -> None:
    """
    Without an interrupt, nothing happens.
    """
    interrupts = Interrupts()
    interrupts.hold()
    interrupts.hold()
    interrupts.let_go()
    interrupts.let_go()

    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)


def test_what_is_ignored_stays_ignored() -> None:
    """
    A command in the background of a script, which ignores Ctrl-C, goes on ignoring it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGINT)

    assert None is interrupts.came


def test_only_the_main_thread_holds() -> None:
    """
    In another thread, where handlers cannot be set, nothing is held and nothing fails.
    """
    interrupts = Interrupts()
    thread = threading.Thread(target=interrupts.hold)
    thread.start()
    thread.join()

    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)

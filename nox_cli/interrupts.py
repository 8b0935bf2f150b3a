"""Signals that end a command: raised as exceptions, or held back during work that must be completed."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from nox_cli.session import Terminated
from workers.signals import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

# Python drops exceptions raised in a finalizer or a callback: an alarm raises them again until `heard`.
_AGAIN_S = 0.25
_raised: list[KeyboardInterrupt] = []  # the newest one, until `heard`
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, *WARNINGS)


def obey() -> None:
    """Raise KeyboardInterrupt at Ctrl-C and `Terminated` at SIGTERM and at the warnings of a batch system.

    They are raised again until `heard`.  An ignored signal stays ignored, except SIGTERM.
    """
    sys.unraisablehook = _drop_quietly
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: _raise(KeyboardInterrupt))
    signal.signal(signal.SIGTERM, lambda *_: _raise(Terminated))
    for number in WARNINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: _raise(partial(Terminated, signal.Signals(number).name)))


def pause() -> None:
    """Raise the interrupt no more until `go_on`: what it would break off is needed to report it."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def go_on() -> None:
    """Raise the interrupt again, if there was one, until `heard`."""
    if _raised:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def heard() -> KeyboardInterrupt | None:
    """Stop raising the interrupt again, because it is being handled, and return it; None: there was none."""
    pause()
    return _raised.pop() if _raised else None


def _raise(interrupt: Callable[[], KeyboardInterrupt]) -> NoReturn:
    signal.signal(signal.SIGALRM, lambda *_: _raise(interrupt))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    _raised[:] = [interrupt()]
    raise _raised[0]


def _drop_quietly(dropped: sys.UnraisableHookArgs) -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


@contextmanager
def left_to_program() -> Iterator[None]:
    """Leave Ctrl-C to a program in the terminal."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # one that is ignored is so in the program too
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupts:
    """Holds interrupts back from `hold` to `let_go`; `came` is the first one of that time."""

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def hold(self) -> None:
        """Record interrupts from now on, instead of raising them.  An ignored one stays ignored."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        for number in _HELD:
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):
                self._before[number] = before
                signal.signal(number, self._note)

    def stopped(self) -> bool:
        """Hold interrupts from the first call on; whether one has come, and work should stop."""
        self.hold()
        return self.came is not None

    def let_go(self) -> None:
        """Raise interrupts again, at once if one was recorded.

        Raises:
            KeyboardInterrupt: one was recorded.
        """
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
        came, self.came = self.came, None
        if came is not None:
            signal.raise_signal(came)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.came = self.came or signal.Signals(number)

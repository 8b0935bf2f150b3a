"""Signals that end a command: raised as exceptions, and held back while something must not be cut in two."""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from nox_cli.session import Terminated
from workers.signals import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# Python drops what a signal raises in a finalizer or a callback: it is raised again, until somebody hears it.
_AGAIN_S = 0.25
_raised: list[KeyboardInterrupt] = []  # the newest, until it is heard
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, *WARNINGS)


def obey() -> None:
    """Raise KeyboardInterrupt at Ctrl-C and `Terminated` at SIGTERM and at the warnings of a batch system.

    They are raised again until `heard`.  One that is ignored stays ignored, but for SIGTERM.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: _raise(KeyboardInterrupt))
    signal.signal(signal.SIGTERM, lambda *_: _raise(Terminated))
    for number in WARNINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: _raise(partial(Terminated, signal.Signals(number).name)))
    sys.unraisablehook = _drop_quietly


def heard() -> KeyboardInterrupt | None:
    """Raise nothing again: what came is being answered; return it, None if nothing has come."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    return _raised.pop() if _raised else None


def _raise(interrupt: Callable[[], KeyboardInterrupt]) -> NoReturn:
    signal.signal(signal.SIGALRM, lambda *_: _raise(interrupt))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    _raised[:] = [interrupt()]
    raise _raised[0]


def _drop_quietly(dropped: sys.UnraisableHookArgs) -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


class Interrupts:
    """Holds interrupts from `hold` to `let_go`; `came` is the first that came meanwhile."""

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def hold(self) -> None:
        """Note interrupts from here on, instead of obeying them.  One that is ignored stays ignored."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        for number in _HELD:
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):
                self._before[number] = before
                signal.signal(number, self._note)

    def let_go(self) -> None:
        """Obey interrupts again, and the one that came meanwhile now.

        Raises:
            KeyboardInterrupt: one came.
        """
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
        came, self.came = self.came, None
        if came is not None:
            signal.raise_signal(came)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.came = self.came or signal.Signals(number)

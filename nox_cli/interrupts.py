"""Ctrl-C and SIGTERM, held back while something must not be cut in two."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_HELD = (signal.SIGINT, signal.SIGTERM)


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

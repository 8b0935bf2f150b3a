"""Signals that ask a process to end, counted, with a pipe on which a loop can wait for them."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# Batch systems send these some time before they kill, and the kernel one at the soft limit of CPU time.
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, *WARNINGS)


class Signals:
    """Counts the signals that ask this process to end; a context, for the main thread.

    The kernel repeats SIGXCPU with every second of CPU time: that is counted once.
    """

    def __init__(self, starter: int | None = None) -> None:
        """Count none so far.

        Args:
            starter: a pipe that closes when the process that started this one ends; that counts as SIGTERM,
                unless a signal came before.
        """
        self._starter = starter
        self.received: list[int] = []
        self._before: dict[int, object] = {}
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    def __enter__(self) -> Self:
        """Heed signals, but for those this process was started to ignore (nohup)."""
        for number in HEEDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Restore what happened on signals before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, timeout_s: float) -> None:
        """Wait for a signal, `wake`, the end of the starter, or the time to pass."""
        import select  # not loaded by commands, which need only the numbers of signals

        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if self._starter is not None:
            poll.register(self._starter, select.POLLIN)
        for end, _ in poll.poll(max(0.0, timeout_s) * 1_000):
            if end == self._starter:
                self._starter = None
                self.received += [] if self.received else [signal.SIGTERM]
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._reader, 4096)

    def wake(self) -> None:
        """End the wait; from any thread."""
        with contextlib.suppress(OSError):
            os.write(self._writer, b"1")

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGXCPU or number not in self.received:
            self.received.append(number)
        self.wake()

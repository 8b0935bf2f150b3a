"""Progress of long commands, on terminals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

_EVERY_S = 0.25


class Progress:
    """Writes how far a command has come in one line, which disappears at its end; silent off terminals."""

    def __init__(self, stream: TextIO | None, words: str, total: int = 0) -> None:
        """Prepare to write.

        Args:
            stream: the stream of notes; None: write nothing.
            words: what is counted, such as `cancelling`.
            total: the number at which it ends; 0: unknown.
        """
        self._stream = stream if stream is not None and stream.isatty() else None
        self._words = words
        self._of = f" of {total:,}" if total else ""
        self._next = time.monotonic() + _EVERY_S
        self._width = 0  # of the line that is there

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the line."""
        self.clear()

    def clear(self) -> None:
        """Remove the line, until the next report."""
        if self._stream is not None and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def __call__(self, count: int) -> None:
        """Report how many there are by now; the first quarter of a second needs no line."""
        if self._stream is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            line = f"{self._words} {count:,}{self._of}"  # never shorter than the one before
            self._width = len(line)
            self._stream.write(f"\r{line}")
            self._stream.flush()

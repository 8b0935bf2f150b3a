"""Progress of long commands, on terminals."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TextIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

T = TypeVar("T")

# A command that ends sooner shows no line.
_FIRST_S = 0.4
_EVERY_S = 0.25
# After another line took its place, it may be written again this long after it was written.
_SOON_S = 0.05
_ECHO = len("^C")  # is written after the line by the terminal itself
_WIDTH = 80  # of a terminal that does not report its own


def columns_of(stream: TextIO) -> int:
    """Return the columns of the terminal that a stream leads to; 80 if it does not report them."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    return _WIDTH


class Progress:
    """Writes how far a command has come in one line, which disappears at its end; silent off terminals."""

    def __init__(self, stream: TextIO | None = None, words: str = "", total: int = 0) -> None:
        """Prepare to write.

        Args:
            stream: the stream of notes; None: write nothing.
            words: what is counted, such as `cancelling`.
            total: the number at which it ends; 0: unknown.
        """
        self._stream = stream if stream is not None and stream.isatty() else None
        self._next = time.monotonic() + _FIRST_S
        self._width = 0  # of the line that is there
        self.begin(words, total)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the line."""
        self.clear()

    def begin(self, words: str, total: int = 0) -> None:
        """Count something else from now on, in the same line; arguments as of `__init__`."""
        self._words, self._total = words, total

    def clear(self) -> None:
        """Remove the line, until the next report."""
        if self._stream is not None and self._width:
            self._next -= _EVERY_S - _SOON_S
            self._write("")

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal for the line."""
        return self._stream is not None

    @property
    def is_due(self) -> bool:
        """Whether the line is to be written again; false off terminals, and during the first 0.4 s."""
        return self._stream is not None and time.monotonic() >= self._next

    def __call__(self, count: int) -> None:
        """Report how many there are by now."""
        if self.is_due:
            # A file may hold many structures: then there are more than was known.
            of = f" of {self._total:,}" if self._total and count <= self._total else ""
            self.show(f"{self._words} {count:,}{of}")

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items, and report how many there were before each."""
        for count, item in enumerate(items):
            self(count)
            yield item

    def show(self, line: str) -> None:
        """Write the line, cut to the width of the terminal; callers look at `is_due` before."""
        if self._stream is not None:
            self._next = time.monotonic() + _EVERY_S
            self._write(line)

    @property
    def room(self) -> int:
        """The length of a line that fits the terminal as it is now: a longer one would begin another."""
        return columns_of(self._stream) - 1 if self._stream is not None else 0

    def _write(self, line: str) -> None:
        """Write over the line that is there; a terminal that is gone is of no concern."""
        assert self._stream is not None
        most = self.room
        blank = " " * min(self._width + _ECHO, most) if self._width else ""
        line = line[:most]
        self._width = len(line)
        with suppress(OSError, ValueError):
            self._stream.write(f"\r{blank}\r{line}")
            self._stream.flush()


# Reports nothing.
SILENT = Progress()

"""A part of a terminal that is drawn again and again, and reacts to keys.

Only lines that changed are written, in one write between the marks of a synchronised update, so nothing
flickers, and no signal tears it.  A drawing is never larger than the terminal, so none scrolls away.
After Ctrl-Z and `fg` a new drawing begins below what was printed meanwhile.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from nox_cli.render.terminal.columns import fit
from nox_cli.render.terminal.keys import PASTES_ARE_KEYS, PASTES_ARE_MARKED, Keys
from nox_cli.render.terminal.out import translated_errors
from workers.errors import OutputLost
from workers.signals import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import FrameType, TracebackType

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out

# These wait until a drawing is whole.  Blocked, the last two do not stop a job in the background that draws.
_SIGNALS = frozenset(
    {
        *(signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP, signal.SIGQUIT, *WARNINGS),
        *(signal.SIGTSTP, signal.SIGCONT, signal.SIGTTIN, signal.SIGTTOU),
    }
)
# The terminal shows what is between these at once (DEC 2026); lines that it takes for longer are not wrapped.
_BEGIN, _END = "\x1b[?2026h\x1b[?7l", "\x1b[?7h\x1b[?2026l"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_DOWN = "\r\n"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"
_REDRAW = "\x0c"  # Ctrl-L


class View(Protocol):
    """The content of a screen."""

    @property
    def keys(self) -> Mapping[str, Callable[[], None]]:
        """The effects of keys."""

    def frame(self, columns: int, lines: int) -> Sequence[Sequence[Cell]]:
        """Return the lines to draw now, as many as fit."""

    def footer(self) -> Sequence[Sequence[Cell]]:
        """Return lines about the keys, which disappear at the end."""


class Screen:
    """Draws a view again and again, with the cursor at the first character of the drawing.

    A terminal that wraps its lines anew when its width changes keeps the cursor at its character, so the
    next drawing begins where the last one did.
    """

    def __init__(self, out: Out, view: View, keys: Keys) -> None:
        self._out = out
        self._view = view
        self._keys = keys
        self._lines: list[str] = []  # what is on the terminal
        self._about_keys = 0  # how many of them are the footer
        self._size = 0, 0  # of the terminal then
        self._is_whole = False  # they are still there as they were drawn
        self._is_open = False

    def open(self) -> None:
        """Begin a drawing at the cursor."""
        with _whole():
            self._keys.grab()
            self._lines, self._about_keys, self._is_whole, self._is_open = [], 0, False, True
            self._write(_HIDE_CURSOR + PASTES_ARE_MARKED * self._keys.are_read)

    def close(self) -> None:
        """Leave the last drawing where it is, with the cursor below, and the terminal as it was."""
        with _whole():
            try:
                if self._is_open:
                    rows = len(self._lines) - self._about_keys
                    below = f"\x1b[{rows - 1}B" * (rows > 1) + _DOWN * (rows > 0)
                    marks = PASTES_ARE_KEYS * self._keys.are_read
                    self._write(f"{below}{_ERASE_BELOW}{_SHOW_CURSOR}{marks}")
            finally:
                self._is_open = False
                self._keys.free()

    def draw(self) -> None:
        """Draw the view as it is now, where it looks any different."""
        columns, height = self._out.width, max(1, (self._out.height or 0) - 1)
        footer = self._view.footer()[: height // 2] if self._keys.are_read else ()
        frame = self._view.frame(columns, height - len(footer))[: height - len(footer)]
        lines = [self._out.shown(*fit(line, columns)) for line in (*frame, *footer)]
        with _whole():
            is_whole = self._is_whole and (columns, height) == self._size
            if text := _difference(self._lines, lines) if is_whole else _ERASE_BELOW + _difference([], lines):
                self._write(f"{_BEGIN}{text}{_END}")
            self._lines, self._about_keys = lines, len(footer)
            self._size, self._is_whole = (columns, height), True

    def react(self, _number: int, _frame: FrameType | None) -> None:
        """Do what keys ask for, and draw; without a key the terminal has changed: draw every line again."""
        with _blocked({signal.SIGWINCH}):
            if self._keys.are_free:
                self._begin_below()
            pressed = [*self._keys.take()]
            self._is_whole = self._is_whole and bool(pressed) and _REDRAW not in pressed
            for key in pressed:
                self._view.keys.get(key, _nothing)()
            self.draw()

    def pause(self, _number: int, _frame: FrameType | None) -> None:
        """Stop as Ctrl-Z asks, and leave the terminal to others until nox is continued."""
        self.close()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self.open()
        signal.raise_signal(signal.SIGWINCH)

    def resume(self, _number: int, _frame: FrameType | None) -> None:
        """Draw below what others have written, after a stop that did not ask first."""
        if self._is_open:
            self._begin_below()
            signal.raise_signal(signal.SIGWINCH)

    def end(self, number: int, _frame: FrameType | None) -> None:
        """End by a signal that ends a process at once, with the terminal as it was."""
        with suppress(OSError, OutputLost):
            self.close()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    def _begin_below(self) -> None:
        with _whole():
            self._write(_ERASE_BELOW + _DOWN)
            self.open()

    def _write(self, text: str) -> None:
        self._out.write(text, raw=True)
        self._out.flush()


class Attention:
    """Lets keys and changes of the terminal take effect while it is entered; else they wait for that."""

    def __enter__(self) -> None:
        """React to what has come, and to what comes from now on."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGWINCH})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """React no more."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})


def _difference(before: Sequence[str], lines: Sequence[str]) -> str:
    """Write what turns the lines on the terminal into others; the cursor begins and ends at the first."""
    parts, row = [], 0
    for index, line in enumerate(lines):
        if index >= len(before) or line != before[index]:
            parts.append(f"{_DOWN * (index - row)}{_ERASE_LINE}{line}")
            row = index
    if len(before) > len(lines):
        parts.append(f"{_DOWN * (len(lines) - row)}{_ERASE_BELOW}")
        row = len(lines)
    if parts:
        parts.append("\r" + f"\x1b[{row}A" * (row > 0))
    return "".join(parts)


def _nothing() -> None:
    return


@contextmanager
def _blocked(signals: Iterable[signal.Signals]) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _whole() -> Iterator[None]:
    """Hold signals back, and translate errors of a closed terminal."""
    with _blocked(_SIGNALS), translated_errors():
        yield


@contextmanager
def opened(out: Out, view: View) -> Iterator[Screen]:
    """Open a screen that obeys Ctrl-Z and `fg`, and leaves the terminal as it was, whatever ends it.

    It reacts to keys while an `Attention` is entered, which is for the time when nothing of the view changes.
    """
    with _blocked(signal.valid_signals()):  # the thread of the keys gets none
        keys = Keys(out.typed)
    screen = Screen(out, view, keys)
    handlers = {
        signal.SIGTSTP: screen.pause,
        signal.SIGCONT: screen.resume,
        signal.SIGWINCH: screen.react,
        signal.SIGHUP: screen.end,
        signal.SIGQUIT: screen.end,
    }
    with _blocked({signal.SIGWINCH}):
        before = {
            number: signal.signal(number, handler)
            for number, handler in handlers.items()
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            screen.open()
            yield screen
        finally:
            with _whole():
                screen.close()
                keys.close()
            for number, handler in before.items():
                signal.signal(number, handler)

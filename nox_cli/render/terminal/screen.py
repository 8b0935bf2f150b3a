"""A part of a terminal that rich draws again and again.

A drawing is one write, so nothing flickers, and no signal tears it; it is never larger than the terminal, so
none scrolls away.  After Ctrl-Z and `fg` a new drawing begins below what was printed meanwhile.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from nox_cli.render.terminal.columns import width
from nox_cli.render.terminal.out import Painted, translated_errors
from nox_cli.text import safe
from workers.signals import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out

# These wait until a drawing is whole.
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGTSTP, signal.SIGCONT, *WARNINGS})


class Screen:
    """Draws frames, each over the last."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._drawing = Text()  # what is on the terminal since `_begin`
        self._columns = 0  # how wide the terminal was then
        self._begin()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines a drawing may have."""
        columns, lines = self._console.size
        return columns, max(1, lines - 1)

    def draw(self, frame: Sequence[Sequence[Cell]]) -> None:
        """Draw a frame where the last one is, if it looks any different."""
        columns, height = self.size
        drawing = _drawing(frame[:height])
        if (drawing, columns) == (self._drawing, self._columns):
            return
        with _whole():
            if columns < self._columns:
                self._console.control(_up(_wrapped(self._drawing, self._columns, columns)))
            self._live.update(drawing, refresh=True)
            self._drawing, self._columns = drawing, columns

    def close(self) -> None:
        """Leave the last drawing where it is, with the cursor below."""
        with _whole():
            self._live.stop()

    def pause(self, _number: int, _frame: FrameType | None) -> None:
        """Stop as Ctrl-Z asks, and leave the terminal to others until nox is continued."""
        self.close()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._begin()

    def resume(self, _number: int, _frame: FrameType | None) -> None:
        """Begin below what others have written, after a stop that did not ask first."""
        if self._live.is_started:
            self._out.write("\n", raw=True)
            self._begin()

    def _begin(self) -> None:
        self._console = Console(
            file=self._out.stream,
            force_terminal=True,
            force_interactive=True,
            force_jupyter=False,
            color_system="standard" if self._out.color else None,
            no_color=False,
            legacy_windows=False,
        )
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._drawing, self._columns = Text(), 0
        with _whole():
            self._live.start()


def _drawing(frame: Sequence[Sequence[Cell]]) -> Text:
    """Make one text of a frame; markup in it is text, and what is too wide is cut."""
    lines = (Text.assemble(*map(_piece, line)) for line in frame)
    return Text("\n", no_wrap=True, overflow="ellipsis", end="").join(lines)


def _piece(cell: Cell) -> tuple[str, str]:
    return (safe(cell.text), cell.style) if isinstance(cell, Painted) else (safe(cell), "")


def _wrapped(drawing: Text, before: int, columns: int) -> int:
    """Count the rows a drawing has got more when its terminal became narrower and wrapped its lines."""
    widths = (min(before, width(line)) for line in drawing.plain.split("\n"))
    return sum(max(0, (taken - 1) // columns) for taken in widths)


def _up(rows: int) -> Control:
    """Erase the row of the cursor, and a number of rows above it."""
    return Control(
        ControlType.CARRIAGE_RETURN,
        (ControlType.ERASE_IN_LINE, 2),
        *((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)) * rows,
    )


@contextmanager
def _whole() -> Iterator[None]:
    """Hold signals back, and translate errors of a closed terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        with translated_errors():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def opened(out: Out) -> Iterator[Screen]:
    """Open a screen that obeys Ctrl-Z and `fg`."""
    screen = Screen(out)
    before = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGTSTP, screen.pause), (signal.SIGCONT, screen.resume))
    }
    try:
        yield screen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        screen.close()

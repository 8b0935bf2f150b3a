"""A part of a terminal that is drawn over and over, and lets go of it when it should.

A drawing is one write, so nothing flickers; no line is longer than the terminal is wide and no drawing higher
than it, so the terminal never scrolls one away.  After Ctrl-Z and `fg` a new drawing begins below.
"""

from __future__ import annotations

import shutil
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nox_cli.render.columns import fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from nox_cli.render.columns import Cell
    from nox_cli.render.out import Out

_UP = "\x1b[{}A"
_CLEAR_BELOW = "\x1b[J"
_CLEAR_REST = "\x1b[K"


class Screen:
    """Draws frames, each over the last."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._drawn: list[int] = []  # the length of each line that is on the terminal
        self._text = ""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines a drawing may have."""
        columns, lines = shutil.get_terminal_size()
        return columns, max(1, lines - 1)

    def draw(self, frame: Sequence[Sequence[Cell]]) -> None:
        """Draw a frame where the last one is, if it looks any different."""
        columns, height = self.size
        lines = [fit(line, columns) for line in frame[:height]]
        shown = [self._out.shown(*line) for line in lines]
        text = "".join(f"{line}{_CLEAR_REST}\n" for line in shown)
        if text == self._text and self._drawn:
            return
        self._out.write(self._back(columns) + text, raw=True)
        self._out.flush()
        self._text = text
        self._drawn = [
            sum(len(cell if isinstance(cell, str) else cell.text) for cell in line) for line in lines
        ]

    def _back(self, columns: int) -> str:
        """Go to where the last drawing began: a terminal that became narrower has wrapped its lines."""
        rows = sum(max(1, -(-length // columns)) for length in self._drawn)
        return f"\r{_UP.format(rows)}{_CLEAR_BELOW}" if rows else ""

    def let_go(self) -> None:
        """Leave what is drawn where it is; the next drawing begins below."""
        self._drawn = []


@contextmanager
def opened(out: Out) -> Iterator[Screen]:
    """Make a screen that begins anew when nox is brought back to the foreground."""
    screen = Screen(out)

    def continued(_number: int, _frame: FrameType | None) -> None:
        screen.let_go()

    before = signal.signal(signal.SIGCONT, continued)
    try:
        yield screen
    finally:
        signal.signal(signal.SIGCONT, before)

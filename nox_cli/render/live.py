"""The live view of `nox watch` and `nox submit --watch`: a board on a terminal, and its keys."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli.render.terminal.out import Painted
from nox_cli.render.terminal.screen import Attention, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.board import Board

_KEYS = (
    "q       leave; the jobs continue",
    "f       failed jobs only, or all",
    "?       hide these lines",
    "Ctrl-L  draw again",
    "Ctrl-Z  stop the view; fg continues it",
    "Ctrl-C  leave with exit code 130",
)


class ViewLeft(KeyboardInterrupt):
    """Raised when the reader leaves the view, out of what nox waits for, as an interrupt is."""


class LiveView:
    """A board on a screen: what is drawn, and what keys do."""

    def __init__(self, board: Board, draw: Callable[[Board, int, int], Sequence[Sequence[Cell]]]) -> None:
        self._board = board
        self._draw = draw
        self._lists_keys = False
        self.is_left = False
        self.keys = {"q": self._leave, "f": self._toggle_failed, "?": self._toggle_keys}

    @property
    def is_over(self) -> bool:
        """Whether nothing remains to be drawn."""
        return self.is_left or self._board.follower.is_over

    def frame(self, columns: int, lines: int) -> Sequence[Sequence[Cell]]:
        """Draw the board as it is now."""
        return self._draw(self._board, columns, lines)

    def footer(self) -> Sequence[Sequence[Cell]]:
        """Name the keys, in one line or with their meanings; in the last drawing they are no use."""
        if self._board.follower.is_over:
            return []
        if self._lists_keys:
            return [[Painted(line, "dim")] for line in _KEYS]
        which = "all jobs" if self._board.failed_only else "failed only"
        return [[Painted(f"q leave  f {which}  ? keys", "dim")]]

    def _leave(self) -> None:
        self.is_left = True
        raise ViewLeft

    def _toggle_failed(self) -> None:
        self._board.failed_only = not self._board.failed_only

    def _toggle_keys(self) -> None:
        self._lists_keys = not self._lists_keys


def show(board: Board, out: Out, draw: Callable[[Board, int, int], Sequence[Sequence[Cell]]]) -> None:
    """Draw a board until all its jobs are final, or the reader leaves; the last drawing stays.

    Args:
        board: the board, which has begun.
        out: a terminal.
        draw: makes the lines of the board, of a number of columns and lines at most.
    """
    view = LiveView(board, draw)
    with opened(out, view) as screen, suppress(ViewLeft):
        board.follower.at_rest = Attention()
        while True:
            screen.draw()
            if view.is_over:
                return
            board.tick()

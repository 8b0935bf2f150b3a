"""Cells of nox as content of Textual, and the output of other commands as text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, TypeVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nox_cli.render.terminal import columns
from nox_cli.render.terminal.out import Out, Painted
from nox_cli.session import Streams
from nox_cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nox_cli.render.terminal.columns import Cell

T = TypeVar("T")
# Colours by the names that rich has for them; Textual's are those of the terminal by these.
_STYLES = {name: f"ansi_{name}" for name in ("cyan", "green", "red", "yellow", "blue", "magenta")}


def content(lines: Iterable[Sequence[Cell]]) -> Content:
    """Make content of lines of cells."""
    return Content("\n").join(content_of(line) for line in lines)


def content_of(line: Sequence[Cell]) -> Content:
    """Make content of one line of cells; its control characters are shown as escapes."""
    return Content.assemble(
        *(
            (safe(cell.text), _STYLES.get(cell.style, cell.style))
            if isinstance(cell, Painted)
            else safe(cell)
            for cell in line
        )
    )


def chosen(line: Sequence[Cell], width: int) -> Content:
    """Make content of the current row: as wide as the screen, and reversed."""
    found = content_of(line)
    return Content.assemble(found, " " * max(0, width - found.cell_length)).stylize("reverse")


def cut(line: Sequence[Cell], width: int) -> list[Cell]:
    """Cut a line of cells where the screen ends."""
    found: list[Cell] = []
    for cell in line:
        text = columns.cut(safe(cell.text if isinstance(cell, Painted) else cell), width)
        width -= columns.width(text)
        found.append(Painted(text, cell.style) if isinstance(cell, Painted) else text)
        if width <= 0:
            break
    return found


class _Lines(Out):
    """Keeps the lines that a command prints, with their colours."""

    def __init__(self) -> None:
        super().__init__(Streams(StringIO(), StringIO(), StringIO()))
        self.kept: list[Sequence[Cell]] = []

    def line(self, *pieces: Cell) -> None:
        """Keep one line."""
        self.kept.append(pieces)


def printed(text: Callable[[T, Out], None], result: T) -> list[Sequence[Cell]]:
    """Return the lines that a command prints for a result."""
    out = _Lines()
    text(result, out)
    return out.kept


def lines_of(text: str) -> list[Sequence[Cell]]:
    """Make lines of a text."""
    return [[line] for line in text.split("\n")]


class Passage(Static):
    """A text, drawn again only if it changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id)
        self._shown: list[Sequence[Cell]] = []

    def show(self, lines: list[Sequence[Cell]]) -> None:
        """Draw other lines; control characters are shown as escapes."""
        if lines != self._shown:
            self._shown = lines
            self.update(content(lines))


class CellLines(Widget):
    """CellLines of cells that are cut where the widget ends; drawn again only if they changed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id)
        self._lines: list[Sequence[Cell]] = []

    def show(self, lines: Iterable[Sequence[Cell]]) -> None:
        """Draw other lines."""
        found = list(lines)
        if found != self._lines:
            self._lines = found
            self.refresh()

    def render(self) -> Content:
        """Return the lines as content."""
        return content(cut(line, self.size.width) for line in self._lines[: self.size.height])

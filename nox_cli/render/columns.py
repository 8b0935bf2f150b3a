"""Rows in columns for people: padded, painted, and cut to a terminal's width (never to a pipe's)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.render.out import Painted
from nox_cli.render.safe import safe
from nox_cli.render.table import GAP, pad, width

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nox_cli.render.out import Out

Cell = str | Painted
_SHORTEST = 4
_CUT = "~"


def write(out: Out, rows: Sequence[Sequence[Cell]], *, right: Collection[int] = (), gives: int = 0) -> None:
    """Write rows, the first of them the header.

    Args:
        out: where to.
        rows: all of the same length.
        right: the columns that stand to the right.
        gives: the column that is cut short where a terminal is too narrow.
    """
    for line in laid_out(rows, right=right, gives=gives, columns=out.width if out.is_terminal else None):
        out.line(*line)


def laid_out(
    rows: Sequence[Sequence[Cell]], *, right: Collection[int] = (), gives: int = 0, columns: int | None = None
) -> list[list[Cell]]:
    """Pad every cell, and put the gaps between them; see `write`."""
    if not rows:
        return []
    texts = [[safe(_text(cell)) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - (columns or 0) if columns else 0
    if over > 0:
        widths[gives] = max(_SHORTEST, widths[gives] - over)
    return [_line(row, text, widths, right) for row, text in zip(rows, texts, strict=True)]


def cut(text: str, columns: int) -> str:
    """Shorten a safe text to a number of columns, and show that it was."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - len(_CUT):
        text = text[:-1]
    return text + _CUT


def _line(
    row: Sequence[Cell], texts: Sequence[str], widths: Sequence[int], right: Collection[int]
) -> list[Cell]:
    line: list[Cell] = []
    for index, (cell, text) in enumerate(zip(row, texts, strict=True)):
        shown = pad(cut(text, widths[index]), widths[index], right=index in right)
        line += [Painted(shown, cell.style) if isinstance(cell, Painted) else shown, GAP]
    return _stripped(line)


def _stripped(line: list[Cell]) -> list[Cell]:
    """Leave out the blanks at the end of a line."""
    while line and not _text(line[-1]).strip():
        line.pop()
    if line and isinstance(line[-1], str):
        line[-1] = line[-1].rstrip()
    return line


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Painted) else cell


def fit(line: Sequence[Cell], columns: int) -> list[Cell]:
    """Cut a line of cells where a terminal ends."""
    found: list[Cell] = []
    for cell in line:
        shown = safe(_text(cell))
        if width(shown) > columns:
            shown = cut(shown, columns) if columns > 0 else ""
        columns -= width(shown)
        found.append(Painted(shown, cell.style) if isinstance(cell, Painted) else shown)
    return found

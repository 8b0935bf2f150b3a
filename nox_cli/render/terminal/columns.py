"""Rows in columns for people: padded, painted, and cut to a terminal's width (never to a pipe's)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.render.terminal.out import Painted
from nox_cli.render.terminal.table import GAP, cut, pad, width
from nox_cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nox_cli.render.terminal.out import Out

Cell = str | Painted
# Columns that give are cut to this before spare ones go, and to the shortest after that.
_READABLE = 14
_SHORTEST = 6


def write(
    out: Out,
    rows: Sequence[Sequence[Cell]],
    *,
    right: Collection[int] = (),
    gives: Collection[int] = (),
    spare: Sequence[int] = (),
) -> None:
    """Write rows, the first of them the header.

    Args:
        out: where to.
        rows: all of the same length.
        right: the columns that stand to the right.
        gives: the columns that are cut short where a terminal is too narrow, the widest first.
        spare: the columns that are left out, the first of these first, where that is not enough.
    """
    columns = out.width if out.is_terminal else None
    for line in laid_out(rows, right=right, gives=gives, spare=spare, columns=columns):
        out.line(*line)


def laid_out(
    rows: Sequence[Sequence[Cell]],
    *,
    right: Collection[int] = (),
    gives: Collection[int] = (),
    spare: Sequence[int] = (),
    columns: int | None = None,
) -> list[list[Cell]]:
    """Pad every cell, put the gaps between them, and cut what is wider than `columns`; see `write`."""
    if not rows:
        return []
    texts = [[safe(_text(cell)) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
    kept = list(range(len(widths)))
    if columns is not None:
        kept = _kept(widths, gives, spare, columns)
        shown = [index for index in gives if index in kept]
        _shrink(widths, shown, _taken([widths[i] for i in kept]) - columns)
    lines = [_line(row, text, widths, right, kept) for row, text in zip(rows, texts, strict=True)]
    return lines if columns is None else [_fit(line, columns) for line in lines]


def _kept(widths: Sequence[int], gives: Collection[int], spare: Sequence[int], columns: int) -> list[int]:
    """Leave spare columns out while those that give would become too short to be read."""
    kept = list(range(len(widths)))
    for index in spare:
        least = [min(widths[i], _READABLE) if i in gives else widths[i] for i in kept]
        if _taken(least) <= columns:
            break
        kept.remove(index)
    return kept


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrink(widths: list[int], gives: Collection[int], over: int) -> None:
    """Take what is too much from the columns that give, always from the widest."""
    for _ in range(over):
        widest = max(gives, key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= _SHORTEST:
            return
        widths[widest] -= 1


def _line(
    row: Sequence[Cell],
    texts: Sequence[str],
    widths: Sequence[int],
    right: Collection[int],
    kept: Sequence[int],
) -> list[Cell]:
    line: list[Cell] = []
    for index in kept:
        shown = pad(cut(texts[index], widths[index]), widths[index], right=index in right)
        line += [_like(row[index], shown), GAP]
    return _stripped(line)


def _stripped(line: list[Cell]) -> list[Cell]:
    """Leave out the blanks at the end of a line."""
    while line and not _text(line[-1]).strip():
        line.pop()
    if line and isinstance(line[-1], str):
        line[-1] = line[-1].rstrip()
    return line


def _fit(line: Sequence[Cell], columns: int) -> list[Cell]:
    """Cut a line of cells where a terminal ends."""
    found: list[Cell] = []
    for cell in line:
        shown = cut(_text(cell), columns)
        columns -= width(shown)
        found.append(_like(cell, shown))
    return found


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Painted) else cell


def _like(cell: Cell, text: str) -> Cell:
    """Give a text the style of a cell."""
    return Painted(text, cell.style) if isinstance(cell, Painted) else text

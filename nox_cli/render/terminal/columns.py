"""Tables: aligned columns for people, CSV and TSV for programs.

Columns for people are padded, painted, and cut to the width of a terminal; a pipe gets them whole.
CSV and TSV never depend on a terminal.  `rich` measures text, but plain ASCII is counted without loading it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.render.terminal.out import Painted
from nox_cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from nox_cli.render.terminal.out import Out

Cell = str | Painted
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), after blanks too.
_FORMULA = re.compile(r"\s*[-=+@\t\r\n\uff0b\uff0d\uff1d\uff20]")
# What ends a cell, or begins a quoted one: in CSV, and in what some program or other takes a table for.
_SPLITS_CSV = frozenset(',"')
_SPLITS_ANY = frozenset(',;\t"')
GAP = "  "
CUT = "…"
# Columns that give are cut to this before spare ones go, and to the shortest after that.
_READABLE = 14
_SHORTEST = 6


def width(text: str) -> int:
    """Count the columns a terminal needs for a text."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """Shorten a safe text to a number of columns, and show that it was."""
    if width(text) <= columns:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, columns - 1) + CUT if columns > 0 else ""


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text up to `columns`, on its left if it stands to the right."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def aligned(rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> list[str]:
    """Lay rows out in columns, as lines; the columns numbered in `right` stand to the right."""
    cells = [[safe(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    to_right = frozenset(right)
    return [
        GAP.join(pad(cell, widths[i], right=i in to_right) for i, cell in enumerate(row)).rstrip()
        for row in cells
    ]


class Table(NamedTuple):
    """Rows for programs.  Columns that are not among `numbers` hold text.

    A text that a spreadsheet would take for a formula begins with a single quote, and one that some program
    would split is in double quotes; `raw`: only what CSV needs is quoted, and nothing in TSV.
    """

    header: Sequence[str]
    rows: Iterable[Sequence[object]]
    numbers: Collection[str]
    raw: bool = False

    def csv(self) -> Iterator[str]:
        """Write comma-separated values; a missing one is empty."""
        for line in self._lines(",", _SPLITS_CSV if self.raw else _SPLITS_ANY):
            yield line or '""'  # else a reader takes it for no row at all

    def tsv(self) -> Iterator[str]:
        """Write tab-separated values; a missing one is empty, a tab inside one is shown as an escape."""
        return self._lines("\t", frozenset() if self.raw else _SPLITS_ANY)

    def _lines(self, separator: str, splits: frozenset[str]) -> Iterator[str]:
        is_text = [name not in self.numbers for name in self.header]
        yield separator.join(safe(name) for name in self.header)
        for row in self.rows:
            yield separator.join(
                self._text(value, splits) if text else _shown(value)
                for value, text in zip(row, is_text, strict=True)
            )

    def _text(self, value: object, splits: frozenset[str]) -> str:
        shown = _shown(value)
        if not self.raw and value is not None and _FORMULA.match(str(value)):
            shown = f"'{shown}"
        return shown if splits.isdisjoint(shown) else '"{}"'.format(shown.replace('"', '""'))


def _shown(value: object) -> str:
    return "" if value is None else safe(value)


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
    return lines if columns is None else [fit(line, columns) for line in lines]


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


def fit(line: Sequence[Cell], columns: int) -> list[Cell]:
    """Cut a line of cells where a terminal ends."""
    found: list[Cell] = []
    for cell in line:
        shown = cut(safe(_text(cell)), columns)
        columns -= width(shown)
        found.append(_like(cell, shown))
    return found


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Painted) else cell


def _like(cell: Cell, text: str) -> Cell:
    """Give a text the style of a cell."""
    return Painted(text, cell.style) if isinstance(cell, Painted) else text

"""Tables: aligned columns for people, CSV and TSV for programs.  None depends on the terminal's width."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from nox_cli.render.safe import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nox_cli.render.out import Out

GAP = "  "


def width(text: str) -> int:
    """Count the columns a terminal needs for a text."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


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


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]], out: Out) -> None:
    """Write comma-separated values; a missing one is empty."""
    for row in (header, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([_cell(value) for value in row])
        out.write(line.getvalue())


def write_tsv(header: Sequence[str], rows: Iterable[Sequence[object]], out: Out) -> None:
    """Write tab-separated values; a missing one is empty, a tab inside one is shown as an escape."""
    for row in (header, *rows):
        out.write("\t".join(map(_cell, row)) + "\n")


def _cell(value: object) -> str:
    return "" if value is None else safe(value)

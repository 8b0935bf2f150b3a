"""Tables: aligned columns for people, CSV and TSV for programs.  None depends on the terminal's width.

What a text takes on a terminal is rich's to know; plain ASCII is counted without loading it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from nox_cli.render.safe import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nox_cli.render.out import Out

GAP = "  "
CUT = "…"


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

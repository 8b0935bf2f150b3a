"""Tables: aligned columns for people, CSV and TSV for programs.  None depends on the terminal's width.

What a text takes on a terminal is rich's to know; plain ASCII is counted without loading it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), after blanks too.
_FORMULA = re.compile(r"\s*[-=+@\t\r\n\uff0b\uff0d\uff1d\uff20]")
# What ends a cell, or begins a quoted one: in CSV, and in what some program or other takes a table for.
_SPLITS_CSV = frozenset(',"')
_SPLITS_ANY = frozenset(',;\t"')
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


@dataclass(frozen=True, slots=True)
class Table:
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

"""A strict reader of xyz and extended xyz: what a file says, or a refusal with line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from nox_cli.comments import Comment, CommentFault, read_comment
from nox_cli.formats import refuse_binary
from workers.engine.elements import SYMBOLS
from workers.errors import InputRefused
from workers.spec import MAX_ATOMS, Vector

if TYPE_CHECKING:
    from nox_cli.comments import Columns
    from nox_cli.files import Input

# Farther out than any molecule reaches; also what `nan`, `inf` and a number in another unit run into.
MAX_COORDINATE_ANGSTROM = 1e5

_SYMBOLS = {
    spelling: symbol
    for symbol in SYMBOLS
    for spelling in (symbol, symbol.upper(), symbol.lower(), symbol.swapcase())
}

_COUNT = re.compile(r"[ \t]*(\d{1,9})[ \t]*", re.ASCII)
_FIELD = re.compile(r"[^ \t]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# Whatever `float` and `split` may read more kindly than this reader does: `1_0`, other digits, other blanks.
_ODD = re.compile(r"[^\t\n -^`-~]")
_SHOWN = 40
_FORMAT = "an xyz file has the number of atoms, a comment line, then a symbol and x y z in Å for each atom"


@dataclass(frozen=True, slots=True)
class Frame:
    """One structure as a file gives it: positions in Å, of shape (atoms, 3)."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    comment: Comment
    line: int  # where it starts, counted from 1


def read_frames(source: Input) -> list[Frame]:
    """Read every structure of an xyz or extended-xyz file.

    Blank lines at the end and between structures, CR LF line ends and a missing last line end are fine.

    Raises:
        InputRefused: the file is anything else; the message names line and column.
    """
    return _Reader(source.shown, _text(source)).frames()


def _text(source: Input) -> str:
    refuse_binary(source)
    text = source.content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise InputRefused(f"{source.shown}: the file is empty", hint=_FORMAT)
    return text


class _Reader:
    """Walks over the lines of one file."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.rstrip().split("\n")

    def frames(self) -> list[Frame]:
        found = [self._frame(0)]
        at = 2 + len(found[0].symbols)
        while at < len(self.lines):
            if self.lines[at].strip():
                found.append(self._frame(at))
                at += 2 + len(found[-1].symbols)
            else:
                at += 1
        return found

    def _frame(self, start: int) -> Frame:
        count = self._count(start)
        comment = self._comment(start + 1)
        block = self.lines[start + 2 : start + 2 + count]
        if len(block) < count:
            self._refuse_short(start, count, len(block))
        symbols, positions = self._atoms(start + 2, block, comment.columns)
        return Frame(tuple(symbols), tuple(positions), comment, start + 1)

    def _count(self, at: int) -> int:
        line = self.lines[at]
        found = _COUNT.fullmatch(line)
        if found is None:
            self._refuse_count(at, line)
        count = int(found[1])
        if not 1 <= count <= MAX_ATOMS:
            what = f"{count:,} atoms, more than {MAX_ATOMS:,}" if count else "no atoms"
            self._refuse(at, found.start(1), what)
        return count

    def _comment(self, at: int) -> Comment:
        try:
            return read_comment(self.lines[at]) if at < len(self.lines) else Comment()
        except CommentFault as fault:
            self._refuse(at, fault.column - 1, fault.what, fault.hint)

    def _atoms(self, start: int, block: list[str], columns: Columns) -> tuple[list[str], list[Vector]]:
        """Read the atoms' lines, quickly where all is well; any line that is odd is looked at strictly."""
        symbols: list[str] = []
        positions: list[Vector] = []
        place, x, total = columns.symbol, columns.position, columns.total
        y, z, limit = x + 1, x + 2, MAX_COORDINATE_ANGSTROM
        for offset, line in enumerate(block):
            fields = line.split()
            try:
                symbol = _SYMBOLS[fields[place]]
                position = float(fields[x]), float(fields[y]), float(fields[z])
            except (KeyError, ValueError, IndexError):
                self._refuse_atom(start + offset, columns)
            # Each by itself: a comparison with nan is false, and `min` and `max` would pass it by.
            near = (-limit < position[0] < limit, -limit < position[1] < limit, -limit < position[2] < limit)
            if not all(near) or len(fields) != (total or len(fields)):
                self._refuse_atom(start + offset, columns)
            symbols.append(symbol)
            positions.append(position)
        if _ODD.search("\n".join(block)):
            for offset in range(len(block)):
                self._check_atom(start + offset, columns)
        return symbols, positions

    def _refuse_atom(self, at: int, columns: Columns) -> NoReturn:
        self._check_atom(at, columns)
        self._refuse(at, 0, "this is no atom's line")

    def _check_atom(self, at: int, columns: Columns) -> None:
        """Refuse a line that is not exactly an atom's, and say where."""
        fields = [(found.start(), found[0]) for found in _FIELD.finditer(self.lines[at])]
        if not fields:
            self._refuse(at, 0, "a blank line among the atoms", _FORMAT)
        if columns.total is not None and len(fields) != columns.total:
            self._refuse(at, 0, f"{len(fields)} columns where Properties= names {columns.total}")
        if len(fields) < columns.position + 3:
            end = len(self.lines[at].rstrip())
            self._refuse(at, end, "a symbol and three coordinates were expected", _FORMAT)
        column, word = fields[columns.symbol]
        if word not in _SYMBOLS:
            self._refuse(at, column, f'"{word[:_SHOWN]}" is not an element', _element_hint(word))
        for column, word in fields[columns.position : columns.position + 3]:
            fault = _number_fault(word)
            if fault:
                self._refuse(at, column, f'"{word[:_SHOWN]}" {fault[0]}', fault[1])

    def _refuse_count(self, at: int, line: str) -> NoReturn:
        found = _FIELD.search(line)
        column, word = (found.start(), found[0][:_SHOWN]) if found else (0, "")
        if at and word in _SYMBOLS:
            what = "one more atom than the structure before says it has"
            self._refuse(at, column, what, "correct the number of atoms at its top")
        what = f'the number of atoms was expected, not "{line.strip()[:_SHOWN]}"'
        self._refuse(at, column, what, _FORMAT)

    def _refuse_short(self, start: int, count: int, found: int) -> NoReturn:
        hint = "correct the number of atoms"
        if start + 1 < len(self.lines) and _is_atom(self.lines[start + 1]):
            hint = "the second line is a comment, not an atom"
        what = f"{count:,} atoms are said here, the file ends after {max(0, found):,}"
        self._refuse(start, 0, what, hint)

    def _refuse(self, at: int, column: int, what: str, hint: str = "") -> NoReturn:
        """Refuse the file for what stands at a line and a column, both counted from 0."""
        raise InputRefused(f"{self.name}:{at + 1}:{column + 1}: {what}", hint=hint)


def _is_atom(line: str) -> bool:
    fields = line.split()
    return len(fields) > 3 and fields[0] in _SYMBOLS and all(_NUMBER.fullmatch(word) for word in fields[1:4])  # noqa: PLR2004


def _element_hint(word: str) -> str:
    if word.isascii() and word.isdigit():
        known = 1 <= len(word) <= 3 and 1 <= int(word) <= len(SYMBOLS)  # noqa: PLR2004
        return f"write the symbol: {SYMBOLS[int(word) - 1]}" if known else "write the symbol"
    if word in {"D", "T"}:
        return "write H: xTB knows no isotopes"
    label = re.match(r"[A-Za-z]+", word)
    if label and label[0] in _SYMBOLS:
        return f"write {_SYMBOLS[label[0]]} without the label"
    return ""


def _number_fault(word: str) -> tuple[str, str] | None:
    """Say what is wrong with a coordinate and what to write; None: nothing."""
    if not _NUMBER.fullmatch(word):
        return next((fault for form, fault in _MISWRITTEN if form.fullmatch(word)), ("is not a number", ""))
    if abs(float(word)) >= MAX_COORDINATE_ANGSTROM:
        return f"is farther out than {MAX_COORDINATE_ANGSTROM:,.0f} Å", "positions are in Å"
    return None


_MISWRITTEN = (
    (
        re.compile(r"[+-]?[\d.]+[dD][+-]?\d+", re.ASCII),
        ("is not a number here", "write the exponent with e, not D"),
    ),
    (re.compile(r"[+-]?\d+,\d+", re.ASCII), ("is not a number", "write a decimal point, not a comma")),
    (
        re.compile(r"[-.\d]*\*+", re.ASCII),
        ("is not a number", "the program that wrote it ran out of room for it"),
    ),
    (re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE), ("is not a finite number", "")),
)

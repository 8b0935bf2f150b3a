"""Strict reading of text files with atoms; refusals name line and column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, Self

from nox_cli.inputs.comment import NUMBER
from nox_cli.inputs.formats import refuse_binary
from workers.engine.molecule.elements import SYMBOLS
from workers.engine.molecule.units import MAX_INPUT_COORDINATE_ANGSTROM
from workers.errors import InputRefused
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nox_cli.inputs.comment import Frame
    from nox_cli.inputs.files import Input
    from workers.spec import Vector

# Millions of short lines would take more memory than usual lines in a file of the largest size.
MAX_LINES, MAX_LINE = 1_000_000, 65_536

SPELLED = {
    spelling: symbol
    for symbol in SYMBOLS
    for spelling in (symbol, symbol.upper(), symbol.lower(), symbol.swapcase())
}

FIELD = re.compile(r"[^ \t]+")
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_SHOWN = 40
_FEW_ATOMS = 4


class Lines:
    """Reads the lines of one file; lines and columns are passed from 0, and counted from 1 in messages."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.rstrip().split("\n")

    @classmethod
    def of(cls, source: Input, form: str) -> Self:
        """Read a file as text.

        Args:
            source: the file.
            form: a description of the format, for the refusal of an empty file.

        Raises:
            InputRefused: it is binary or empty, or a line is too long.
        """
        found = cls(source.shown, text_of(source, form))
        if max(map(len, found.lines)) > MAX_LINE:
            at = next(at for at, line in enumerate(found.lines) if len(line) > MAX_LINE)
            found.refuse(at, MAX_LINE, f"the line is longer than {MAX_LINE:,} characters")
        return found

    def attempt(self, read: Callable[[], Frame]) -> Frame | InputRefused:
        """Read one structure of several; return the refusal of one that cannot be read."""
        try:
            return read()
        except InputRefused as error:
            return error

    def refuse(self, at: int, column: int, what: str, hint: str = "") -> NoReturn:
        """Refuse the file because of the text at a line and a column."""
        raise InputRefused(f"{self.name}:{at + 1}:{column + 1}: {what}", hint=hint)

    def line(self, at: int, what: str) -> str:
        """Return a line that must exist."""
        if at >= len(self.lines):
            self.refuse(len(self.lines) - 1, 0, f"the file ends where {what} was expected")
        return self.lines[at]

    def fields(self, at: int, least: int, what: str) -> list[tuple[int, str]]:
        """Split a line into words with their columns; there must be at least `least`."""
        found = [(one.start(), one[0]) for one in FIELD.finditer(self.line(at, what))]
        if len(found) < least:
            self.refuse(at, len(self.lines[at].rstrip()), f"{what} was expected")
        return found

    def symbol(self, at: int, column: int, word: str) -> str:
        """Read the symbol of an element, in upper or lower case."""
        if word not in SPELLED:
            self.refuse(at, column, f'"{word[:_SHOWN]}" is not an element', element_hint(word))
        return SPELLED[word]

    def number(self, at: int, column: int, word: str) -> float:
        """Read a coordinate in Å."""
        fault = number_fault(word)
        if fault:
            self.refuse(at, column, f'"{word[:_SHOWN]}" {fault[0]}', fault[1])
        return float(word)

    def fixed_position(self, at: int, columns: Sequence[int], width: int) -> Vector:
        """Read x, y and z in Å from columns of a fixed width, which begin at `columns`."""
        line = self.lines[at]
        x, y, z = (self.number(at, column, line[column : column + width].strip()) for column in columns)
        return x, y, z

    def whole(self, at: int, column: int, word: str, what: str) -> int:
        """Read a whole number."""
        if not _WHOLE.fullmatch(word):
            self.refuse(at, column, f'"{word[:_SHOWN]}" is no {what}')
        return int(word)

    def count(self, at: int, column: int, word: str) -> int:
        """Read a number of atoms that a job may have."""
        count = self.whole(at, column, word, "number of atoms")
        if not 1 <= count <= MAX_ATOMS:
            self.refuse(at, column, too_many(count) if count > 0 else "no atoms")
        return count


def all_or_refused(records: Iterable[Frame | InputRefused]) -> list[Frame]:
    """Return every structure of a file.

    Raises:
        InputRefused: one of them cannot be read.
    """
    found: list[Frame] = []
    for one in records:
        if isinstance(one, InputRefused):
            raise one
        found.append(one)
    return found


def text_of(source: Input, form: str) -> str:
    """Decode a file, with any kind of line ends.

    Raises:
        InputRefused: it is binary or empty, or has too many lines.
    """
    refuse_binary(source)
    text = source.content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_LINES:
        raise InputRefused(f"{source.shown}: more than {MAX_LINES:,} lines", hint="write several files")
    if not text.strip():
        raise InputRefused(f"{source.shown}: the file is empty", hint=form)
    return text


def hydrogens_missing(symbols: Sequence[str]) -> tuple[str, ...]:
    """Warn of a structure with carbon and without hydrogen, in formats that often leave it out."""
    is_bare = "C" in symbols and "H" not in symbols and len(symbols) >= _FEW_ATOMS
    return ("there are no hydrogen atoms: were they left out?",) if is_bare else ()


def too_many(count: int) -> str:
    """Describe a number of atoms that is too large."""
    return f"{count:,} atoms, more than {MAX_ATOMS:,}"


def element_hint(word: str) -> str:
    """Suggest what to write instead of a word that is not an element; empty: there is no suggestion."""
    if word.isascii() and word.isdigit():
        known = 1 <= len(word) <= 3 and 1 <= int(word) <= len(SYMBOLS)  # noqa: PLR2004
        return f"write the symbol: {SYMBOLS[int(word) - 1]}" if known else "write the symbol"
    if word in {"D", "T"}:
        return "write H: xTB knows no isotopes"
    label = re.match(r"[A-Za-z]+", word)
    if label and label[0] in SPELLED:
        return f"write {SPELLED[label[0]]} without the label"
    return ""


def number_fault(word: str) -> tuple[str, str] | None:
    """Describe the fault of a coordinate, and what to write instead; None: it has none."""
    if not NUMBER.fullmatch(word):
        return next((fault for form, fault in _MISWRITTEN if form.fullmatch(word)), ("is not a number", ""))
    if abs(float(word)) >= MAX_INPUT_COORDINATE_ANGSTROM:
        return f"is farther out than {MAX_INPUT_COORDINATE_ANGSTROM:,.0f} Å", "positions are in Å"
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

"""Reading of molfiles and sdf files (V2000): fixed columns, formal charges and radicals, several records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.inputs.comment import Comment, Frame, several_radicals
from nox_cli.inputs.lines import Lines, hydrogens_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.inputs.files import Input
    from workers.errors import InputRefused

ORIGIN = "molfile charges"
_FORMAT = "a molfile has three lines of header, a line with the numbers of atoms and bonds, then the atoms"
_END_OF_RECORD = "$$$$"
_HEADER = 3
_MAX_PROPERTIES = 10_000
_COUNTS, _FIRST = 3, 4  # lines of a record, from 0
_DIMENSION = slice(20, 22)
# In the line of an atom: charge field -> charge, and the value of that field for a radical.
_CHARGES = {0: 0, 1: 3, 2: 2, 3: 1, 4: 0, 5: -1, 6: -2, 7: -3}
_DOUBLET_FIELD = 4
# Value of M  RAD -> unpaired electrons.
_UNPAIRED = {0: 0, 1: 0, 2: 1, 3: 2}


def read_records(source: Input) -> Iterator[Frame | InputRefused]:
    """Read the records one by one; one that cannot be read gives its refusal, with line and column.

    A record must be V2000 and three-dimensional.  After a refused one, reading continues at the next `$$$$`.

    Raises:
        InputRefused: the file is binary or empty.
    """
    return _Reader.of(source, _FORMAT).records()


class _Reader(Lines):
    def records(self) -> Iterator[Frame | InputRefused]:
        start = 0
        while start < len(self.lines):
            end = self._next(start)
            yield self.attempt(lambda: self._frame(start, end))  # noqa: B023  called at once
            start = end

    def _next(self, start: int) -> int:
        """Find the line after this record's end."""
        for at in range(start, len(self.lines)):
            if self.lines[at].rstrip() == _END_OF_RECORD:
                return at + 1
        return len(self.lines)

    def _frame(self, start: int, end: int) -> Frame:
        is_closed = self.lines[end - 1].rstrip() == _END_OF_RECORD
        if is_closed and start + _COUNTS >= end - 1:
            self.refuse(end - 1, 0, "the record ends where its numbers of atoms were expected", _FORMAT)
        counts = self.line(start + _COUNTS, "the line with the numbers of atoms and bonds")
        self._refuse_other_versions(start, counts)
        atoms = self.count(start + _COUNTS, 0, counts[0:3].strip())
        bonds = self.whole(start + _COUNTS, 3, counts[3:6].strip() or "0", "number of bonds")
        places = range(start + _FIRST, start + _FIRST + atoms)
        if is_closed and places.stop + bonds >= end:
            self.refuse(start + _COUNTS, 0, f"{atoms} atoms and {bonds} bonds are more than the record has")
        symbols = tuple(self._symbol(at) for at in places)
        positions = tuple(self.fixed_position(at, (0, 10, 20), 10) for at in places)
        codes = [self._code(at) for at in places]
        for at in range(places.stop, places.stop + bonds):
            self._check_bond(at, atoms)
        comment = self._properties(range(places.stop + bonds, end), atoms, codes)
        name = self.lines[start].strip()
        return Frame(symbols, positions, comment, start + 1, name, hydrogens_missing(symbols))

    def _refuse_other_versions(self, start: int, counts: str) -> None:
        at = start + _COUNTS
        if "V3000" in counts:
            self.refuse(at, counts.index("V3000"), "a V3000 molfile", "save it as V2000, or as xyz")
        if "V2000" not in counts:
            self.refuse(at, 0, "the line with the numbers of atoms and bonds ends in V2000", _FORMAT)
        if self.lines[start + 1][_DIMENSION] == "2D":
            self.refuse(start + 1, _DIMENSION.start, "the structure is a flat drawing", "make it 3D first")

    def _symbol(self, at: int) -> str:
        word = self.line(at, "an atom's line")[31:34].strip()
        return self.symbol(at, 31, word)

    def _code(self, at: int) -> int:
        """Read an atom's charge field, and refuse an isotope."""
        line = self.lines[at]
        if line[34:36].strip() not in {"", "0"}:
            self.refuse(at, 34, "an isotope", "xTB knows no isotopes: write 0")
        code = self.whole(at, 36, line[36:39].strip() or "0", "charge field")
        if code not in _CHARGES:
            self.refuse(at, 36, f"{code} is no charge field", "it is 0 to 7")
        return code

    def _has_end(self, lines: range) -> bool:
        return any(self.lines[at].startswith("M  END") for at in lines)

    def _check_bond(self, at: int, atoms: int) -> None:
        """Refuse a line that is not a bond: the numbers of atoms and bonds must be wrong."""
        line = self.lines[at] if at < len(self.lines) else ""
        if not line.strip() or line.startswith("M  "):
            return  # it will be refused for its missing M  END
        for column in (0, 3):
            word = line[column : column + 3].strip()
            if not 1 <= self.whole(at, column, word, "atom of a bond") <= atoms:
                self.refuse(at, column, f"there is no atom {word}")

    def _properties(self, lines: range, atoms: int, codes: list[int]) -> Comment:
        """Read the lines after the bonds; charges and radicals there replace those in the lines of atoms."""
        charges: dict[int, int] = {}
        radicals: dict[int, int] = {}
        said = False
        if len(lines) > _MAX_PROPERTIES and not self._has_end(lines[:_MAX_PROPERTIES]):
            self.refuse(lines.start, 0, f"more than {_MAX_PROPERTIES:,} lines of properties")
        for at in lines:
            kind = self.lines[at][:6].rstrip()
            if kind in {"M  END", _END_OF_RECORD}:
                break
            if kind in {"M  CHG", "M  RAD"}:
                said = True
                (charges if kind == "M  CHG" else radicals).update(self._pairs(at, atoms))
            if kind == "M  ISO":
                self.refuse(at, 0, "isotopes", "xTB knows no isotopes: take the line away")
        else:
            self.refuse(lines.stop - 1, 0, "the record ends without its M  END")
        if not said:
            charges = {index: _CHARGES[code] for index, code in enumerate(codes) if code}
            radicals = {index: 2 for index, code in enumerate(codes) if code == _DOUBLET_FIELD}
        return _comment(charges, [_UNPAIRED[radical] for radical in radicals.values()])

    def _pairs(self, at: int, atoms: int) -> dict[int, int]:
        """Read `M  CHG  n atom value ...`: the atom's number -> the value."""
        words = self.fields(at, 3, "a number of entries")[2:]
        numbers = [self.whole(at, column, word, "whole number") for column, word in words]
        count, rest = numbers[0], numbers[1:]
        if len(rest) != 2 * count:
            self.refuse(at, words[0][0], f"{count} entries are said here, and {len(rest) // 2} follow")
        found = dict(zip(rest[::2], rest[1::2], strict=True))
        for (column, _), atom in zip(words[1::2], rest[::2], strict=True):
            if not 1 <= atom <= atoms:
                self.refuse(at, column, f"there is no atom {atom}")
        if "RAD" in self.lines[at][:6]:
            for (column, _), radical in zip(words[2::2], rest[1::2], strict=True):
                if radical not in _UNPAIRED:
                    self.refuse(at, column, f"{radical} is no kind of radical", "it is 1, 2 or 3")
        return found


def _comment(charges: dict[int, int], unpaired: list[int]) -> Comment:
    """Sum up the charges and radicals of atoms; without any, charge and spin stay unknown."""
    centres = [count for count in unpaired if count]
    return Comment(
        charge=sum(charges.values()) if charges else None,
        unpaired=sum(unpaired) if len(centres) == 1 else None,
        unclear=several_radicals(len(centres)),
        origin=ORIGIN,
    )

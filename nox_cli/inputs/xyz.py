"""Strict reading of xyz and extended xyz files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from nox_cli.inputs.comment import NUMBER, Comment, CommentFault, Frame, read_comment
from nox_cli.inputs.lines import FIELD, SPELLED, Lines, too_many
from workers.engine.molecule.units import MAX_INPUT_COORDINATE_ANGSTROM
from workers.errors import InputRefused
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.inputs.comment import Columns
    from nox_cli.inputs.files import Input
    from workers.spec import Vector

_COUNT = re.compile(r"[ \t]*(\d{1,9})[ \t]*", re.ASCII)
# Characters that `float` and `split` accept and this reader does not: `1_0`, other digits, other blanks.
_ODD = re.compile(r"[^\t\n -^`-~]")
_SHOWN = 40
_AXES = 3
_UNREAD = "{} in the comment line is not understood and not used: write charge=1 or uhf=1, or say -c or -u"
_FORMAT = "an xyz file has the number of atoms, a comment line, then a symbol and x y z in Å for each atom"


def read_records(source: Input) -> Iterator[Frame | InputRefused]:
    """Read the structures of a file one by one; one that cannot be read gives its refusal.

    Blank lines between structures and at the end, CR LF line ends and a missing last line end are accepted.
    After a refused structure, reading continues at the next line with a number of atoms that a comment and an
    atom follow.  A structure that is followed by more atoms than its number is refused itself.

    Raises:
        InputRefused: the file is binary or empty.
    """
    return _Reader.of(source, _FORMAT).records()


class _Reader(Lines):
    """Reads the structures of one file."""

    def records(self) -> Iterator[Frame | InputRefused]:
        at = 0
        while at < len(self.lines):
            start = at
            one = self.attempt(lambda: self._frame(start))  # noqa: B023  called at once
            if isinstance(one, InputRefused):
                at = self._next_header(start + 1)
            else:
                at = self._past_blanks(start + 2 + len(one.symbols))
                if at < len(self.lines) and _looks_like_atom(self.lines[at]):
                    one = self.attempt(lambda: self._refuse_count(at, self.lines[at]))  # noqa: B023  as above
                    at = self._next_header(at + 1)
            yield one

    def _past_blanks(self, at: int) -> int:
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at

    def _next_header(self, at: int) -> int:
        """Find the line where the next structure begins, after one that cannot be read."""
        while at < len(self.lines) and not self._is_header(at):
            at += 1
        return at

    def _is_header(self, at: int) -> bool:
        """Whether a structure begins here: a number of atoms, a comment (maybe a number too), and an atom."""
        if at + 2 >= len(self.lines) or not _COUNT.fullmatch(self.lines[at]):
            return False
        return not _looks_like_atom(self.lines[at + 1]) and _looks_like_atom(self.lines[at + 2])

    def _frame(self, start: int) -> Frame:
        count = self._count(start)
        comment = self._comment(start + 1)
        block = self.lines[start + 2 : start + 2 + count]
        if len(block) < count:
            self._refuse_short(start, count, len(block))
        symbols, positions = self._atoms(start + 2, block, comment.columns)
        lattice = comment.lattice_angstrom
        return Frame(
            tuple(symbols),
            tuple(positions),
            comment,
            start + 1,
            warnings=tuple(_UNREAD.format(word) for word in comment.unread),
            lattice_angstrom=lattice,
        )

    def _count(self, at: int) -> int:
        line = self.lines[at]
        found = _COUNT.fullmatch(line)
        if found is None:
            self._refuse_count(at, line)
        count = int(found[1])
        if not 1 <= count <= MAX_ATOMS:
            self.refuse(at, found.start(1), too_many(count) if count else "no atoms")
        return count

    def _comment(self, at: int) -> Comment:
        try:
            return read_comment(self.lines[at]) if at < len(self.lines) else Comment()
        except CommentFault as fault:
            self.refuse(at, fault.column - 1, fault.what, fault.hint)

    def _atoms(self, start: int, block: list[str], columns: Columns) -> tuple[list[str], list[Vector]]:
        """Read the lines of atoms quickly, and check those strictly that look odd."""
        symbols: list[str] = []
        positions: list[Vector] = []
        place, x, total = columns.symbol, columns.position, columns.total
        y, z, limit = x + 1, x + 2, MAX_INPUT_COORDINATE_ANGSTROM
        for offset, line in enumerate(block):
            fields = line.split()
            try:
                symbol = SPELLED[fields[place]]
                position = float(fields[x]), float(fields[y]), float(fields[z])
            except (KeyError, ValueError, IndexError):
                self._refuse_atom(start + offset, columns)
            # Each coordinate alone: comparisons with nan are false, while `min` and `max` would skip it.
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
        self.refuse(at, 0, "this is no atom's line")

    def _check_atom(self, at: int, columns: Columns) -> None:
        """Refuse a line that is not exactly that of an atom, with its column."""
        fields = [(found.start(), found[0]) for found in FIELD.finditer(self.lines[at])]
        if not fields:
            self.refuse(at, 0, "a blank line among the atoms", _FORMAT)
        if columns.total is not None and len(fields) != columns.total:
            self.refuse(at, 0, f"{len(fields)} columns where Properties= names {columns.total}")
        if len(fields) < columns.position + 3:
            end = len(self.lines[at].rstrip())
            self.refuse(at, end, "a symbol and three coordinates were expected", _FORMAT)
        self.symbol(at, *fields[columns.symbol])
        for column, word in fields[columns.position : columns.position + 3]:
            self.number(at, column, word)

    def _refuse_count(self, at: int, line: str) -> NoReturn:
        found = FIELD.search(line)
        column, word = (found.start(), found[0][:_SHOWN]) if found else (0, "")
        if at and word in SPELLED:
            what = "one more atom than the structure before says it has"
            self.refuse(at, column, what, "correct the number of atoms at its top")
        what = f'the number of atoms was expected, not "{line.strip()[:_SHOWN]}"'
        self.refuse(at, column, what, _FORMAT)

    def _refuse_short(self, start: int, count: int, found: int) -> NoReturn:
        hint = "correct the number of atoms"
        if start + 1 < len(self.lines) and _is_atom(self.lines[start + 1]):
            hint = "the second line is a comment, not an atom"
        what = f"{count:,} atoms are said here, the file ends after {max(0, found):,}"
        self.refuse(start, 0, what, hint)


def _looks_like_atom(line: str) -> bool:
    """Whether a line has a word and at least three numbers, as lines of atoms have."""
    fields = line.split()
    return len(fields) > _AXES and sum(map(bool, map(NUMBER.fullmatch, fields))) >= _AXES


def _is_atom(line: str) -> bool:
    fields = line.split()
    return len(fields) > 3 and fields[0] in SPELLED and all(NUMBER.fullmatch(word) for word in fields[1:4])  # noqa: PLR2004

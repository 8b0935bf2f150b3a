"""Reading of PDB files: fixed columns, several models; without alternative positions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nox_cli.inputs.comment import CONVERT, PERIODIC, Comment, Frame
from nox_cli.inputs.lines import Lines, hydrogens_missing, too_many
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.inputs.files import Input
    from workers.errors import InputRefused

ORIGIN = "pdb charges"
_FORMAT = "a pdb file has an ATOM or HETATM line for each atom"
_CHARGE = re.compile(r"(\d)([+-])", re.ASCII)
_ALTERNATIVE, _ELEMENT, _CHARGE_AT = 16, 76, 78


def read_records(source: Input) -> Iterator[Frame | InputRefused]:
    """Read the models one by one; one that cannot be read gives its refusal, with line and column.

    After a refused one, reading continues after the next ENDMDL, or at the next MODEL.

    Raises:
        InputRefused: the file is binary, periodic or without atoms.
    """
    reader = _Reader.of(source, _FORMAT)
    for atoms, is_whole in reader.models():
        yield reader.attempt(lambda: reader.frame(atoms, is_whole=is_whole))  # noqa: B023  called at once


class _Reader(Lines):
    def models(self) -> Iterator[tuple[list[int], bool]]:
        """Find the lines with atoms of each model, and whether it ends before the next begins."""
        atoms: list[int] = []
        seen = False
        for at, line in enumerate(self.lines):
            record = line[:6].rstrip()
            if record in {"ATOM", "HETATM"}:
                atoms.append(at)
            elif record == "CRYST1":
                self._refuse_crystal(at)
            elif record in {"ENDMDL", "END", "MODEL"} and atoms:
                yield atoms, record != "MODEL"
                atoms, seen = [], True
        if atoms:
            yield atoms, True
        elif not seen:
            self.refuse(0, 0, "no atoms", _FORMAT)

    def frame(self, atoms: list[int], *, is_whole: bool) -> Frame:
        """Read one model."""
        if not is_whole:
            self.refuse(atoms[-1], 0, "the model ends without its ENDMDL")
        if len(atoms) > MAX_ATOMS:
            self.refuse(atoms[0], 0, too_many(len(atoms)))
        symbols = tuple(map(self._symbol, atoms))
        positions = tuple(self.fixed_position(at, (30, 38, 46), 8) for at in atoms)
        charges = [charge for charge in map(self._charge, atoms) if charge is not None]
        comment = Comment(charge=sum(charges) if charges else None, origin=ORIGIN)
        return Frame(symbols, positions, comment, atoms[0] + 1, warnings=hydrogens_missing(symbols))

    def _refuse_crystal(self, at: int) -> None:
        """Refuse a cell; edges of 0 or 1 Å mean that there is none."""
        edges = [self.lines[at][column : column + 9].strip() for column in (6, 15, 24)]
        if any(edge not in {"", "0.000", "1.000"} for edge in edges):
            self.refuse(at, 0, PERIODIC, f"{CONVERT}; for a molecule take the CRYST1 line away")

    def _symbol(self, at: int) -> str:
        line = self.lines[at]
        other = line[_ALTERNATIVE : _ALTERNATIVE + 1]
        if other.strip():
            what = f"this atom is in more than one place, and this is {other}"
            self.refuse(at, _ALTERNATIVE, what, "keep one of them, and leave column 17 blank")
        word = line[_ELEMENT : _ELEMENT + 2].strip()
        if not word:
            self.refuse(at, _ELEMENT, "no element stands in columns 77 and 78", "CA may be Ca or C alpha")
        return self.symbol(at, _ELEMENT, word)

    def _charge(self, at: int) -> int | None:
        word = self.lines[at][_CHARGE_AT : _CHARGE_AT + 2].strip()
        found = _CHARGE.fullmatch(word)
        if word and found is None:
            self.refuse(at, _CHARGE_AT, f'"{word}" is no charge', "it is written as 1+ or 2-")
        return int(found[2] + found[1]) if found else None

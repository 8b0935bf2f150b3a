"""Reading of Turbomole coord files: positions in bohr or Å, charge and spin in `$eht`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nox_cli.inputs.comment import CONVERT, PERIODIC, Comment, Frame
from nox_cli.inputs.lines import Lines, too_many
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from nox_cli.inputs.files import Input
    from workers.spec import Vector

ORIGIN = "$eht in coord"
_FORMAT = "a coord file has $coord, then x y z in bohr and a symbol for each atom, then $end"
_CELL = {"$periodic", "$cell", "$lattice"}
_SAYS = re.compile(r"\b(charge|unpaired)\b[ \t]*=?[ \t]*(\S*)", re.IGNORECASE)


def read_records(source: Input) -> list[Frame]:
    """Read the structure of a coord file.

    Raises:
        InputRefused: it is malformed or periodic; the message names line and column.
    """
    return [_Reader.of(source, _FORMAT).frame()]


class _Reader(Lines):
    def frame(self) -> Frame:
        start: int | None = None
        said: dict[str, int] = {}
        for at, line in enumerate(self.lines):
            word = line.split(maxsplit=1)[0].lower() if line.strip() else ""
            if word in _CELL:
                self.refuse(at, 0, PERIODIC, f"{CONVERT}; for a molecule take the {word} group away")
            if word == "$coord":
                start = at if start is None else self.refuse(at, 0, "a second $coord")
            if word == "$eht":
                said = {
                    found[1].lower(): self.whole(at, found.start(2), found[2], "whole number")
                    for found in _SAYS.finditer(line)
                }
        if start is None:
            self.refuse(0, 0, "there is no $coord", _FORMAT)
        symbols, positions = self._atoms(start + 1, self._unit(start))
        comment = Comment(said.get("charge"), said.get("unpaired"), origin=ORIGIN)
        return Frame(symbols, positions, comment, start + 1)

    def _unit(self, at: int) -> float:
        words = self.lines[at].lower().split()[1:]
        if "frac" in words:
            self.refuse(at, 0, PERIODIC, CONVERT)
        return 1.0 if "angs" in words else ANGSTROM_PER_BOHR

    def _atoms(self, start: int, unit: float) -> tuple[tuple[str, ...], tuple[Vector, ...]]:
        symbols: list[str] = []
        positions: list[Vector] = []
        at = start
        while not self.line(at, "$end").lstrip().startswith("$"):
            fields = self.fields(at, 4, "x y z and a symbol")
            x, y, z = (self.number(at, *field) * unit for field in fields[:3])
            positions.append((x, y, z))
            symbols.append(self.symbol(at, *fields[3]))
            at += 1
        if not 1 <= len(symbols) <= MAX_ATOMS:
            self.refuse(start - 1, 0, too_many(len(symbols)) if symbols else "no atoms")
        return tuple(symbols), tuple(positions)

"""Reading of gen files of DFTB+: clusters are read, cells are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.inputs.comment import CONVERT, PERIODIC, PLAIN, Frame
from nox_cli.inputs.lines import Lines

if TYPE_CHECKING:
    from nox_cli.inputs.files import Input
    from workers.spec import Vector

_FORMAT = "a gen file has the number of atoms and C, a line of symbols, then number, kind and x y z in Å"


def read_records(source: Input) -> list[Frame]:
    """Read the structure of a gen file.

    Raises:
        InputRefused: it is malformed or periodic; the message names line and column.
    """
    return [_Reader.of(source, _FORMAT).frame()]


class _Reader(Lines):
    def frame(self) -> Frame:
        (first, number), (second, kind) = self.fields(0, 2, "a number of atoms and C")[:2]
        if kind.upper() in {"S", "F", "H"}:
            self.refuse(0, second, PERIODIC, CONVERT)
        if kind.upper() != "C":
            self.refuse(0, second, f'"{kind[:20]}" is no kind of structure', _FORMAT)
        kinds = [self.symbol(1, *field) for field in self.fields(1, 1, "a line of symbols")]
        atoms = range(2, 2 + self.count(0, first, number))
        for at in range(atoms.stop, len(self.lines)):
            if self.lines[at].strip():
                self.refuse(at, 0, "more lines than there are atoms", "correct the number of atoms")
        symbols, positions = zip(*(self._atom(at, kinds) for at in atoms), strict=True)
        return Frame(symbols, positions, PLAIN)

    def _atom(self, at: int, kinds: list[str]) -> tuple[str, Vector]:
        fields = self.fields(at, 5, "number, kind and x y z")
        kind = self.whole(at, *fields[1], "kind of atom")
        if not 1 <= kind <= len(kinds):
            self.refuse(at, fields[1][0], f"there are kinds 1 to {len(kinds)}")
        x, y, z = (self.number(at, *field) for field in fields[2:5])
        return kinds[kind - 1], (x, y, z)

"""Reading of POSCAR and CONTCAR files of VASP 5: scale, cell, elements with their numbers, positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.inputs.comment import PLAIN, Frame
from nox_cli.inputs.lines import Lines, too_many
from workers.engine.molecule.cells import volume
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from nox_cli.inputs.files import Input
    from workers.spec import Lattice, Vector

_FORMAT = (
    "a POSCAR has a title, a scale, three vectors in Å, a line of elements, one of their numbers, "
    "Direct or Cartesian, then x y z for each atom"
)
_SCALE, _VECTORS, _ELEMENTS, _NUMBERS, _MODE = 1, 2, 5, 6, 7
_AXES = 3
_FREE = {"t", ".true.", "true"}
_HELD = {"f", ".false.", "false"}


def read_records(source: Input) -> list[Frame]:
    """Read the crystal of a POSCAR.

    Text after a blank line behind the positions, such as velocities, is ignored.

    Raises:
        InputRefused: it is malformed, names no elements or holds atoms in place; the message names line and
            column.
    """
    return [_Reader.of(source, _FORMAT).frame()]


class _Reader(Lines):
    def frame(self) -> Frame:
        lattice, scale = self._cell()
        symbols = self._symbols()
        has_flags = self.line(_MODE, "Direct or Cartesian").strip()[:1].lower() == "s"
        mode = _MODE + has_flags
        is_direct = self._is_direct(mode)
        atoms = range(mode + 1, mode + 1 + len(symbols))
        if atoms.stop < len(self.lines) and self.lines[atoms.stop].strip():
            self.refuse(atoms.stop, 0, "more lines than there are atoms", "correct the numbers in line 7")
        rows = [self._row(at, symbol, has_flags=has_flags) for at, symbol in zip(atoms, symbols, strict=True)]
        if is_direct:
            positions = tuple(_placed(row, lattice) for row in rows)
        else:
            positions = tuple((x * scale, y * scale, z * scale) for x, y, z in rows)
        return Frame(symbols, positions, PLAIN, lattice_angstrom=lattice)

    def _cell(self) -> tuple[Lattice, float]:
        """Read the cell in Å and the scale of lengths; a negative scale is the volume of the cell."""
        words = self.fields(_SCALE, 1, "a scale")
        scale = self.number(_SCALE, *words[0])
        if len(words) > 1:
            self.refuse(_SCALE, words[1][0], "one scale was expected", "scale the vectors themselves")
        if not scale:
            self.refuse(_SCALE, words[0][0], "a scale of 0 leaves no cell")
        first, second, third = (self._vector(_VECTORS + axis) for axis in range(_AXES))
        if scale < 0:
            unscaled = abs(volume((first, second, third)))
            if not unscaled:
                self.refuse(_VECTORS, 0, "the vectors of the cell lie in a plane: it has no volume")
            scale = (-scale / unscaled) ** (1 / 3)
        a, b, c = ((x * scale, y * scale, z * scale) for x, y, z in (first, second, third))
        return (a, b, c), scale

    def _vector(self, at: int) -> Vector:
        fields = self.fields(at, _AXES, "three numbers of a vector")
        if len(fields) > _AXES:
            self.refuse(at, fields[_AXES][0], "a vector of the cell has three numbers")
        x, y, z = (self.number(at, *field) for field in fields)
        return x, y, z

    def _symbols(self) -> tuple[str, ...]:
        """Read the elements of the atoms that follow, and the number of each."""
        elements = self.fields(_ELEMENTS, 1, "a line of elements")
        if all(word.isdigit() for _, word in elements):
            self.refuse(_ELEMENTS, elements[0][0], "no line of elements", "VASP 4 left it out: write it in")
        kinds = [self.symbol(_ELEMENTS, *field) for field in elements]
        numbers = self.fields(_NUMBERS, len(kinds), "a number of atoms for each element")
        if len(numbers) > len(kinds):
            self.refuse(_NUMBERS, numbers[len(kinds)][0], f"a number more than the {len(kinds)} elements")
        counts = [self.count(_NUMBERS, *field) for field in numbers]
        if sum(counts) > MAX_ATOMS:
            self.refuse(_NUMBERS, numbers[0][0], too_many(sum(counts)))
        return tuple(kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count))

    def _is_direct(self, at: int) -> bool:
        """Whether positions are fractions of the vectors; VASP would take any other word for Direct."""
        column, word = self.fields(at, 1, "Direct or Cartesian")[0]
        if word[0].lower() not in "dck":
            self.refuse(at, column, f'"{word[:20]}" is neither Direct nor Cartesian', _FORMAT)
        return word[0].lower() == "d"

    def _row(self, at: int, symbol: str, *, has_flags: bool) -> Vector:
        """Read an atom: its position, flags of Selective dynamics, and perhaps its element once more."""
        flags = _AXES * has_flags
        fields = self.fields(at, _AXES + flags, "x y z" + " and three flags" * has_flags)
        x, y, z = (self.number(at, *field) for field in fields[:_AXES])
        for column, word in fields[_AXES : _AXES + flags]:
            if word.lower() in _HELD:
                self.refuse(at, column, "an atom held in place", "write T T T, and hold atoms with --freeze")
            if word.lower() not in _FREE:
                self.refuse(at, column, f'"{word[:20]}" is neither T nor F')
        rest = fields[_AXES + flags :]
        if rest and (len(rest) > 1 or self.symbol(at, *rest[0]) != symbol):
            column, word = rest[-1]
            self.refuse(at, column, f'"{word[:20]}" where {symbol} or nothing was expected')
        return x, y, z


def _placed(row: Vector, lattice: Lattice) -> Vector:
    """Convert fractions of the cell's vectors into Å."""
    a, b, c = row
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = lattice
    return a * ax + b * bx + c * cx, a * ay + b * by + c * cy, a * az + b * bz + c * cz

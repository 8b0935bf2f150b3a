"""The final geometry of a result: read from its document, compared by shape, written as xyz."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nox_cli.results.documents import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workers.spec import Lattice, Vector

Moments = tuple[float, float, float]
# Two moments of inertia are alike within this part of them, or below this many u Å²: a line has no moment
# about itself.
WITHIN = 0.01
_NOTHING = 1e-3


@dataclass(frozen=True)
class Geometry:
    """Symbols, and positions in Å of shape (atoms, 3); of a crystal the cell's vectors (Å) as rows."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    lattice_angstrom: Lattice | None = None

    @cached_property
    def moments(self) -> Moments | None:
        """The principal moments of inertia; None: it is a crystal, or has an unknown element."""
        if self.lattice_angstrom is not None:
            return None
        return moments(self.symbols, self.positions_angstrom)

    @cached_property
    def is_chiral(self) -> bool | None:
        """Whether it differs from its mirror image; false for crystals and unknown elements.

        None: it is not clear.
        """
        from workers.engine.molecule.superposition import is_chiral

        return False if self.moments is None else is_chiral(*self._arrays)

    @cached_property
    def is_achiral_molecule(self) -> bool | None:
        """Whether its molecule, as stereocentres fix it, is not chiral; None: it is not clear."""
        from workers.engine.molecule.configuration import is_achiral

        return None if self.moments is None else is_achiral(*self._arrays)

    def is_like(self, other: Geometry, *, mirrored: bool = False) -> bool:
        """Whether this one, or its mirror image, can be laid on another; neither may be linear."""
        from workers.engine.molecule.superposition import are_superimposable

        if not are_alike(self.moments, other.moments):
            return False
        numbers, positions = self._arrays
        return are_superimposable(numbers, -positions if mirrored else positions, *other._arrays)

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Atomic numbers, and positions in Å."""
        import numpy as np

        from workers.engine.molecule.elements import NUMBERS

        numbers = np.array([NUMBERS[symbol] for symbol in self.symbols], dtype=np.int32)
        return numbers, np.array(self.positions_angstrom)

    @property
    def structure(self) -> dict[str, Any]:
        """The geometry as the `workers.spec.Structure` of a specification."""
        atoms = {"symbols": self.symbols, "positions_angstrom": self.positions_angstrom}
        return atoms if self.lattice_angstrom is None else atoms | {"lattice_angstrom": self.lattice_angstrom}

    @property
    def cell(self) -> str:
        """The cell as in a comment of extended xyz, also where there is none."""
        if self.lattice_angstrom is None:
            return 'pbc="F F F"'
        numbers = " ".join(repr(number) for vector in self.lattice_angstrom for number in vector)
        return f'Lattice="{numbers}" pbc="T T T"'

    def xyz(self, comment: str) -> list[str]:
        """Write it as the lines of an xyz file."""
        atoms = zip(self.symbols, self.positions_angstrom, strict=True)
        rows = [" ".join([f"{symbol:<2}", *(f"{x:18.10f}" for x in place)]) for symbol, place in atoms]
        return [str(len(rows)), comment, *rows]


def geometry_of(result: Document) -> Geometry | None:
    """Read the final geometry of a result; None: it has none that is whole."""
    symbols, positions = result.texts("symbols"), vectors(result, "positions_angstrom")
    if not symbols or len(positions) != len(symbols):
        return None
    if result.fields.get("lattice_angstrom") is None:
        return Geometry(symbols, positions)
    lattice = vectors(result, "lattice_angstrom")
    if len(lattice) != 3:  # noqa: PLR2004
        return None
    return Geometry(symbols, positions, (lattice[0], lattice[1], lattice[2]))


def vectors(result: Document, name: str) -> tuple[Vector, ...]:
    """Read a list of three finite numbers each; empty: it is none."""
    rows = result.fields.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):  # noqa: PLR2004
        return ()
    numbers = Document({"all": [number for row in rows for number in row]}).numbers("all")
    return tuple(zip(*[iter(numbers)] * 3, strict=True))


def moments(symbols: Sequence[str], positions_angstrom: Sequence[Sequence[float]]) -> Moments | None:
    """Compute the principal moments of inertia, rising, in u Å².

    None: an element is not known, or a position is not three numbers.
    """
    import numpy as np

    from workers.engine.molecule.elements import NUMBERS
    from workers.engine.molecule.units import ANGSTROM_PER_BOHR
    from workers.engine.vibrations.rigid_body import body

    try:
        numbers = np.array([NUMBERS[symbol] for symbol in symbols], dtype=np.int32)
        positions = np.array(positions_angstrom, dtype=float).reshape(len(numbers), 3)
        shape = body(numbers, positions / ANGSTROM_PER_BOHR)
    except (KeyError, IndexError, ValueError, TypeError):
        return None
    low, middle, high = shape.principal_moments_u_angstrom2.tolist()
    return low, middle, high


def are_alike(one: Moments | None, other: Moments | None) -> bool:
    """Whether each moment of one is within 1 % of the other's."""
    if one is None or other is None:
        return False
    return all(abs(a - b) <= max(WITHIN * max(a, b), _NOTHING) for a, b in zip(one, other, strict=True))

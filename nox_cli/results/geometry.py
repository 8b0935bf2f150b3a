"""The final geometry of a result: read plainly, written as xyz."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nox_cli.results.documents import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nox_cli.results.inertia import Moments
    from workers.spec import Lattice, Vector


@dataclass(frozen=True)
class Geometry:
    """Symbols, and positions in Å of shape (atoms, 3); of a crystal the cell's vectors (Å) as rows."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    lattice_angstrom: Lattice | None = None

    @cached_property
    def moments(self) -> Moments | None:
        """Its principal moments of inertia; None: it is a crystal, or has an element nobody knows."""
        from nox_cli.results.inertia import moments

        if self.lattice_angstrom is not None:
            return None
        return moments(self.symbols, self.positions_angstrom)

    @cached_property
    def is_chiral(self) -> bool | None:
        """Whether it differs from its mirror image; of a crystal, or unknown elements, that is not asked.

        None: that cannot be told.
        """
        from workers.engine.molecule.superposition import is_chiral

        return False if self.moments is None else is_chiral(*self._arrays)

    @cached_property
    def is_achiral_molecule(self) -> bool | None:
        """Whether its molecule, as stereocentres fix it, is not chiral; None: that cannot be told."""
        from workers.engine.molecule.configuration import is_achiral

        return None if self.moments is None else is_achiral(*self._arrays)

    def is_like(self, other: Geometry, *, mirrored: bool = False) -> bool:
        """Whether this one, or its mirror image, can be laid on another; neither may be linear."""
        from nox_cli.results.inertia import are_alike
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
        """What it is in a specification: `workers.spec.Structure`."""
        said = {"symbols": self.symbols, "positions_angstrom": self.positions_angstrom}
        cell = {} if self.lattice_angstrom is None else {"lattice_angstrom": self.lattice_angstrom}
        return said | cell

    @property
    def cell(self) -> str:
        """The cell as a comment of extended xyz says it, or that there is none."""
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
    symbols, positions = result.texts("symbols"), _vectors(result, "positions_angstrom")
    if not symbols or len(positions) != len(symbols):
        return None
    if result.fields.get("lattice_angstrom") is None:
        return Geometry(symbols, positions)
    lattice = _vectors(result, "lattice_angstrom")
    if len(lattice) != 3:  # noqa: PLR2004
        return None
    return Geometry(symbols, positions, (lattice[0], lattice[1], lattice[2]))


def _vectors(result: Document, name: str) -> tuple[Vector, ...]:
    """Read a list of three finite numbers each; empty: it is none."""
    rows = result.fields.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):  # noqa: PLR2004
        return ()
    numbers = Document({"all": [number for row in rows for number in row]}).numbers("all")
    return tuple(zip(*[iter(numbers)] * 3, strict=True))

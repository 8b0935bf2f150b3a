"""The protocol of a library, and a wrapper that counts its answers and checks that they are finite.

Everything here is in atomic units: bohr, hartree, hartree/bohr, e*bohr.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from workers.engine.molecule.checks import atomic_numbers
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.errors import EngineCrashed, EngineInput, ScfNotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.arrays import Array
    from workers.spec import ChemistrySpec

# No atom of a molecule holds more, nor an ion by itself.  xtb's GFN1-xTB of scandium, yttrium and lanthanum
# falls to -15 e and energies a hundred hartree too low, and calls that converged.
MAX_ATOM_CHARGE = 8.0


@dataclass(frozen=True, slots=True)
class Properties:
    """The other results of the last calculation, in the frame of its positions; a force field has none."""

    dipole: Array | None  # e bohr, shape (3,); None: a crystal, whose dipole depends on where its cell is cut
    charges: Array  # e, shape (atoms,)
    bond_orders: Array | None = None  # shape (atoms, atoms)
    # Hartree, shape (orbitals,); spin-polarised (2, orbitals), alpha first.
    orbital_energies: Array | None = None
    occupations: Array | None = None  # of the same shape, 0 to 2; spin-polarised 0 to 1
    virial: Array | None = None  # shape (3, 3), hartree: the energy's derivative by strain; crystals only


class Calculator(Protocol):
    """Computes one structure by one method.  Each call starts from the wavefunction of the one before."""

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Compute the energy, hartree, and the gradient, hartree/bohr, shape (atoms, 3).

        Args:
            positions: bohr, shape (atoms, 3).
            is_verbose: the library prints its output.

        Raises:
            ScfNotConverged: the iteration limit was reached.
            EngineInput: the library refuses the structure.
            EngineCrashed: the library failed otherwise.
        """

    def forget(self) -> None:
        """Begin the next call without the wavefunction of the last."""

    def dipole(self) -> Array:
        """Read the dipole of the last calculation, e bohr, shape (3,)."""

    def properties(self) -> Properties:
        """Read the properties of the last calculation."""


class Passed(Protocol):
    """A geometry that an optimisation passes."""

    @property
    def positions(self) -> Array:
        """Shape (atoms, 3)."""

    @property
    def energy(self) -> float:
        """The energy there."""

    @property
    def norm(self) -> float:
        """The norm of the whole gradient."""


@dataclass(frozen=True, slots=True)
class SurfacePoint:
    """One geometry, its energy and its gradient."""

    positions: Array  # bohr, shape (atoms, 3)
    energy: float  # hartree
    gradient: Array  # hartree/bohr, shape (atoms, 3)
    frozen: tuple[int, ...] = ()  # atoms that may not move, from 0

    @property
    def norm(self) -> float:
        """The norm of the gradient of all atoms that may move, hartree/bohr."""
        moving = np.delete(self.gradient, self.frozen, axis=0) if self.frozen else self.gradient
        return norm(moving)


class Surface:
    """Computes points of a potential energy surface with a calculator, and counts them."""

    def __init__(
        self, calculator: Calculator, frozen: tuple[int, ...] = (), *, is_silent: bool = False
    ) -> None:
        self._calculator = calculator
        self._frozen = frozen
        self._is_silent = is_silent
        self.evaluations = 0
        self.last: SurfacePoint | None = None  # of which the calculator has the properties

    def at(self, positions: Array) -> SurfacePoint:
        """Compute the point at some positions, bohr, shape (atoms, 3).

        The library prints its output for the first point only, and for none of a silent surface.  If a point
        fails from the wavefunction of the point before, it is computed once more without: from some of those
        xtb-python's GFN1 of H2 and N2 ends in NaN, or in an error of LAPACK.

        Raises:
            EngineCrashed: a number is not finite, or the library failed.
            ScfNotConverged, EngineInput: as the calculator raises them.
        """
        is_first, self.last = self.evaluations == 0, None
        try:
            return self._at(positions)
        except (EngineCrashed, ScfNotConverged):
            if is_first:
                raise
        self._calculator.forget()
        return self._at(positions)

    def _at(self, positions: Array) -> SurfacePoint:
        is_verbose = self.evaluations == 0 and not self._is_silent
        energy, gradient = self._calculator.compute(positions, is_verbose=is_verbose)
        self.evaluations += 1
        point = SurfacePoint(positions, energy, gradient, self._frozen)
        require_finite("energy", np.asarray(energy))
        require_finite("gradient", gradient)
        self.last = point
        return point

    def dipole(self) -> Array:
        """Read the dipole at the last point.

        Raises:
            EngineCrashed: a number is not finite.
        """
        dipole = self._calculator.dipole()
        require_finite("dipole", dipole)
        return dipole

    def properties(self) -> Properties:
        """Read the properties at the last point.

        Raises:
            EngineCrashed: a number is not finite.
            ScfNotConverged: they are of no state that a molecule has.
        """
        return sound(self._calculator.properties())


def sound(found: Properties) -> Properties:
    """Hand properties on that a molecule can have.

    Raises:
        EngineInput: there are no atoms.
        EngineCrashed: a number is not finite.
        ScfNotConverged: an atom holds a charge that none can: the iterations ran away, whatever they say.
    """
    if not found.charges.size:
        raise EngineInput("the structure has no atoms")
    for name in Properties.__slots__:
        values = getattr(found, name)
        if values is not None:
            require_finite(name.replace("_", " "), values)
    worst = int(np.argmax(np.abs(found.charges)))
    if abs(found.charges[worst]) > MAX_ATOM_CHARGE:
        raise ScfNotConverged(
            "the self-consistent iterations ended in a state that no molecule has: "
            f"atom {worst + 1} with a charge of {found.charges[worst]:+.1f} e",
            evidence=(f"charges: {found.charges.tolist()}"[:500],),
            hint="check the geometry; else try another engine, as --engine tblite, or another method",
        )
    return found


def require_finite(name: str, values: Array) -> None:
    """Check that values, of any shape, are finite; `name` is their name in the error.

    Raises:
        EngineCrashed: one is infinite or not a number.
    """
    flat = values.ravel()
    # A sum of squares that is finite has no other terms, and takes a fifth of the time.
    if not math.isfinite(flat.dot(flat)) and not np.isfinite(flat).all():
        raise EngineCrashed(
            f"the result is not finite: the engine's {name}", evidence=(f"{name}: {values.tolist()}"[:500],)
        )


def norm(values: Array) -> float:
    """Return the square root of the sum of squares, bit by bit as numpy's, in a third of the time."""
    flat = values.ravel(order="K")
    return math.sqrt(flat.dot(flat))


def frozen_of(spec: ChemistrySpec) -> tuple[int, ...]:
    """The atoms that may not move, from 0."""
    return tuple(number - 1 for number in spec.frozen_atoms)


def numbers_of(spec: ChemistrySpec) -> NDArray[np.int32]:
    """The atomic numbers of the structure."""
    return np.array(atomic_numbers(spec.structure.symbols), dtype=np.int32)


def lattice_of(spec: ChemistrySpec) -> Array | None:
    """The cell's vectors in bohr as rows; None: a molecule."""
    lattice = spec.structure.lattice_angstrom
    return None if lattice is None else np.array(lattice, dtype=np.float64) / ANGSTROM_PER_BOHR


def positions_of(spec: ChemistrySpec) -> Array:
    """The positions of the structure in bohr, shape (atoms, 3)."""
    return np.array(spec.structure.positions_angstrom, dtype=np.float64).reshape(-1, 3) / ANGSTROM_PER_BOHR

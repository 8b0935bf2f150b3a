"""GFN1-xTB, GFN2-xTB and IPEA1-xTB by tblite: ALPB and GBSA solvents, spin-polarised orbitals, crystals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from tblite.exceptions import TBLiteRuntimeError
from tblite.interface import Calculator as Library
from tblite.interface import Result

from workers.engine.calculator import Properties, lattice_of, numbers_of, positions_of
from workers.engine.libraries.base import ChemistryEngine
from workers.engine.molecule.units import HARTREE_PER_KELVIN
from workers.errors import EngineCrashed, EngineInput, ScfNotConverged
from workers.names import METHOD_TITLES

if TYPE_CHECKING:
    from workers.engine.arrays import Array
    from workers.spec import ChemistrySpec

# At the same accuracy tblite stops its iterations earlier than xtb.  This brings the errors of the gradients
# together (caffeine at accuracy 1: 5e-6 hartree/bohr without, 8e-7 with, xtb 1e-6).
ACCURACY = 0.2
_REFUSALS = ("no support for elements", "too close interatomic distances", "is not compatible")


class TbliteCalculator:
    """Computes in the frame of the input: tblite's gradients are right in every one."""

    def __init__(self, spec: ChemistrySpec, accuracy: float) -> None:
        self._result: Result | None = None
        self._printed: list[str] = []
        self._has_cell = spec.structure.lattice_angstrom is not None
        positions = positions_of(spec)
        self._at = positions.tobytes()
        try:
            self._library = Library(
                METHOD_TITLES[spec.method],
                numbers_of(spec),
                positions,
                float(spec.charge),
                spec.unpaired,
                lattice_of(spec),
                np.array([self._has_cell] * 3),
                color=False,
                logger=self._printed.append,
            )
            if spec.solvation is not None:
                self._library.add(f"{spec.solvation}-solvation", spec.solvent)
            if spec.spin_polarised:
                self._library.add("spin-polarization", 1.0)
            self._library.set("accuracy", accuracy * ACCURACY)
            self._library.set("max-iter", spec.iterations)
            self._library.set("temperature", spec.electronic_temperature_k * HARTREE_PER_KELVIN)
        except TBLiteRuntimeError as error:
            _fail(error)

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Compute energy and gradient, as `Calculator` describes."""
        self._library.set("verbosity", int(is_verbose))
        try:
            if (at := positions.tobytes()) != self._at:
                self._at = b""  # unknown if the library refuses these
                self._library.update(positions)
                self._at = at
            self._result = self._library.singlepoint(self._result)
            return float(self._result.get("energy")), np.asarray(self._result.get("gradient"))
        except TBLiteRuntimeError as error:
            _fail(error)
        finally:
            if self._printed:
                sys.stdout.write("\n".join(self._printed) + "\n")
                self._printed.clear()

    def forget(self) -> None:
        """Begin the next call without the wavefunction of the last."""
        self._result = None

    def dipole(self) -> Array:
        """Read the dipole of what was computed last."""
        assert self._result is not None
        return np.asarray(self._result.get("dipole"))

    def properties(self) -> Properties:
        """Read the properties of what was computed last."""
        assert self._result is not None
        get = self._result.get
        charges = np.asarray(get("charges"))
        atoms = charges.size
        # Dipole and bond orders are parts of it, and each by itself reads all of it: 0.04 ms.
        processed = get("post-processing-dict")
        return Properties(
            dipole=None if self._has_cell else np.asarray(processed["molecular-dipole"]),
            charges=charges,
            # An open shell has a second matrix, of the spin density, behind the first.
            bond_orders=np.ravel(processed["bond-orders"])[: atoms * atoms].reshape(atoms, atoms),
            orbital_energies=np.asarray(get("orbital-energies")),
            occupations=np.asarray(get("orbital-occupations")),
            virial=np.asarray(get("virial")) if self._has_cell else None,
        )


def _fail(error: TBLiteRuntimeError) -> NoReturn:
    text = str(error)
    if "not converged" in text:
        raise ScfNotConverged(
            f"the self-consistent iterations did not converge: {text}",
            evidence=(text,),
            hint="check charge and spin; else try --etemp 1000 or more --iterations",
        ) from None
    if any(refusal in text.lower() for refusal in _REFUSALS):
        raise EngineInput(f"tblite refuses the structure: {text}", evidence=(text,)) from None
    raise EngineCrashed(f"tblite failed: {text}", evidence=(text,)) from None


ENGINE = ChemistryEngine("tblite", "tblite", TbliteCalculator)

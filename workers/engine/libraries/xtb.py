"""GFN1-xTB and GFN2-xTB, in GBSA solvents too, by xtb-python: the xtb program's own library."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np
from xtb.interface import Calculator as Library
from xtb.interface import Param, Results, XTBException
from xtb.utils import Solvent

from workers.engine.calculator import Properties, numbers_of, positions_of
from workers.engine.libraries.base import ChemistryEngine
from workers.engine.libraries.spin_bonds import spin_orders
from workers.engine.molecule.elements import ORBITALS
from workers.engine.molecule.units import HARTREE_PER_KELVIN
from workers.engine.rotated_frame import TURN
from workers.errors import EngineCrashed, EngineInput, ScfNotConverged
from workers.spec import Method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workers.engine.arrays import Array
    from workers.spec import ChemistrySpec

PARAMS: Mapping[Method, Param] = {Method.GFN2: Param.GFN2xTB, Method.GFN1: Param.GFN1xTB}

# Where the library's name of a solvent is another than ours.
_SOLVENTS = {"water": "h2o", "hexane": "nhexane"}

# The library of the last calculation, by what it was made for.  It holds parameters, basis and dispersion
# model, which depend on no geometry: the next conformer of the molecule takes 1.3 ms less (of 5.5, GFN2) and
# has the same numbers to the last bit.  One takes 6 MB.
_kept: dict[tuple[object, ...], Library] = {}
MOST_KEPT_ATOMS = 100


class XtbCalculator:
    """Computes in a turned frame, and turns the answers back."""

    def __init__(self, spec: ChemistrySpec, accuracy: float) -> None:
        self._spec = spec
        self._results: Results | None = None
        self._is_sound = False  # the library was made, and no point has failed
        numbers = numbers_of(spec)
        self._made_for = (spec.method, numbers.tobytes(), spec.charge, spec.unpaired, spec.solvent)
        self._at = b""  # the positions that the library has; empty: others, or those it refused
        kept = _kept.pop(self._made_for, None)
        _kept.clear()  # before another takes memory
        self._library = self._new(numbers) if kept is None else kept
        self._library.set_accuracy(accuracy)
        self._library.set_max_iterations(spec.iterations)
        self._library.set_electronic_temperature(spec.electronic_temperature_k)
        self._is_sound = True

    def _new(self, numbers: NDArray[np.int32]) -> Library:
        """Have the library prepare method, molecule and solvent.

        Raises:
            EngineInput: it refuses the structure.
        """
        spec, turned = self._spec, positions_of(self._spec) @ TURN.T
        try:
            made = Library(PARAMS[spec.method], numbers, turned, float(spec.charge), spec.unpaired)
        except XTBException as error:
            raise EngineInput("xtb refuses the structure", evidence=_lines(error)) from None
        if spec.solvation is not None:
            made.set_solvent(Solvent[_SOLVENTS.get(spec.solvent, spec.solvent)])
        self._at = turned.tobytes()
        return made

    def __del__(self) -> None:
        """Keep the library for the next calculation of the same molecule, unless it failed."""
        if self._is_sound and len(self._spec.structure.symbols) <= MOST_KEPT_ATOMS:
            _kept[self._made_for] = self._library

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Compute energy and gradient, as `Calculator` describes."""
        self._library.set_verbosity("minimal" if is_verbose else "muted")
        is_sound, self._is_sound = self._is_sound, False
        try:
            turned = positions @ TURN.T
            if (at := turned.tobytes()) != self._at:
                self._at = b""
                self._library.update(turned)
                self._at = at
            self._results = self._library.singlepoint(self._results)
            energy, gradient = self._results.get_energy(), self._results.get_gradient() @ TURN
        except XTBException as error:
            self._fail(error)
        self._is_sound = is_sound
        return energy, gradient

    def forget(self) -> None:
        """Begin the next call without the wavefunction of the last."""
        self._results = None

    def dipole(self) -> Array:
        """Read the dipole of what was computed last."""
        assert self._results is not None
        return np.asarray(self._results.get_dipole() @ TURN)

    def properties(self) -> Properties:
        """Read the properties of what was computed last."""
        results = self._results
        assert results is not None
        return Properties(
            dipole=self.dipole(),
            charges=results.get_charges(),
            bond_orders=results.get_bond_orders() + self._spin_orders(results),
            orbital_energies=results.get_orbital_eigenvalues(),
            occupations=results.get_orbital_occupations(),
        )

    def _spin_orders(self, results: Results) -> Array | float:
        """Work out what the library's bond orders of an open shell lack."""
        spec = self._spec
        if not spec.unpaired:
            return 0.0
        return spin_orders(
            results.get_orbital_coefficients(),
            results.get_orbital_eigenvalues(),
            [ORBITALS[spec.method][number - 1] for number in numbers_of(spec)],
            electrons=round(float(results.get_orbital_occupations().sum())),
            unpaired=spec.unpaired,
            temperature=spec.electronic_temperature_k * HARTREE_PER_KELVIN,
        )

    def _fail(self, error: XTBException) -> NoReturn:
        shown = _lines(error)
        if "did not converge" in str(error):
            raise ScfNotConverged(
                f"the self-consistent iterations did not converge in {self._spec.iterations} cycles",
                evidence=shown,
                hint="check charge and spin; else try --etemp 1000, more --iterations or --engine tblite",
            ) from None
        if "molecular structure" in str(error):
            raise EngineInput("xtb refuses the structure", evidence=shown) from None
        raise EngineCrashed("xtb failed", evidence=shown) from None


def _lines(error: XTBException) -> tuple[str, ...]:
    return tuple(line for line in str(error).splitlines() if line.strip())


ENGINE = ChemistryEngine("xtb", "xtb", XtbCalculator)

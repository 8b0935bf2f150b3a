"""The one check of a specification: made before a job is stored, and again in the engine child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.molecule.checks import check, check_frozen
from workers.engine.molecule.solvents import check_solvent

if TYPE_CHECKING:
    from workers.spec import ChemistrySpec


def check_spec(spec: ChemistrySpec) -> None:
    """Refuse a calculation that no engine can do: its crystal, structure, electrons, frozen atoms, solvent.

    Whether the engine it names can do it is checked by `workers.engine.abilities`.

    Raises:
        InputRefused: it cannot be computed; the message names atoms by number, from 1, and symbol.
    """
    structure = spec.structure
    if structure.lattice_angstrom is not None:
        from workers.engine.molecule.cells import check_crystal

        check_crystal(spec, structure.lattice_angstrom)
    check(
        structure.symbols,
        structure.positions_angstrom,
        spec.charge,
        spec.unpaired,
        spec.method,
        close_contacts=spec.close_contacts,
    )
    check_frozen(spec.frozen_atoms, spec.kind, len(structure.symbols))
    if spec.solvation is not None:
        check_solvent(spec.solvation, spec.solvent, spec.method)

"""Geometries as xyz files, the energy in the comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers import __version__
from workers.engine.molecule.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from workers.engine.calculator import Passed
    from workers.spec import ChemistrySpec


def frame(spec: ChemistrySpec, point: Passed) -> str:
    """Write one geometry in Å, in the frame of the input.

    The comment holds energy (hartree), gradient norm (hartree/bohr) and, unless both are 0, charge and
    unpaired electrons and the cell, as `key=value` pairs that other programs read too.
    """
    state = f" charge={spec.charge} unpaired={spec.unpaired}" if spec.charge or spec.unpaired else ""
    rows = point.positions * ANGSTROM_PER_BOHR
    lines = [
        str(len(rows)),
        f"energy={point.energy:.12f} gnorm={point.norm:.9f}{state} nox={__version__}{_cell(spec)}",
        *(
            f"{symbol:<2} {x:18.10f} {y:18.10f} {z:18.10f}"
            for symbol, (x, y, z) in zip(spec.structure.symbols, rows.tolist(), strict=True)
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(spec: ChemistrySpec) -> str:
    """Say the cell (Å) as extended xyz has it; empty: a molecule has none."""
    lattice = spec.structure.lattice_angstrom
    if lattice is None:
        return ""
    numbers = " ".join(repr(value) for vector in lattice for value in vector)
    return f' Lattice="{numbers}" pbc="T T T"'

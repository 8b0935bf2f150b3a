"""The acceptance set of the optimiser: 98 molecules, each from 20 displaced geometries.

`benchmarks/molecules/acceptance.xyz` was made for nox: RDKit's embedding of the SMILES in each comment, or a
few lines of geometry by hand, then minima of GFN2-xTB (xtb 6.7.1, level tight).  Ions that dissociate start
from the minimum of the neutral molecule, and zwitterions from RDKit's geometry.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workers.spec import ChemistrySpec, Structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.engine.arrays import Array

FRAMES = Path(__file__).parents[1] / "molecules" / "acceptance.xyz"
SIGMAS_ANGSTROM = (0.05, 0.15)
DISPLACED = 20  # half of them with the one deviation, half with the other


@dataclass(frozen=True, slots=True)
class Molecule:
    """A molecule of the set."""

    name: str
    kind: str
    charge: int
    unpaired: int
    symbols: tuple[str, ...]
    positions: Array  # angstrom, shape (atoms, 3)

    def start(self, number: int | None) -> ChemistrySpec:
        """Specify an optimisation from a displaced geometry, 0 to 19; None: from the one that is stored."""
        positions = self.positions
        if number is not None:
            random = np.random.default_rng([zlib.crc32(self.name.encode()), number])
            sigma = SIGMAS_ANGSTROM[2 * number // DISPLACED]
            positions = positions + random.normal(0.0, sigma, positions.shape)
        return specify(self.symbols, positions, self.charge, self.unpaired)


def molecules(path: Path = FRAMES) -> Iterator[Molecule]:
    """Read the set, or another file of the same form."""
    lines = path.read_text(encoding="utf-8").splitlines()
    while lines:
        rows = [line.split() for line in lines[2 : 2 + int(lines[0])]]
        name, kind, _, state = lines[1].split("; ")
        charge, unpaired = map(int, re.findall(r"=(-?\d+)", state))
        positions = np.array([row[1:4] for row in rows], dtype=np.float64)
        yield Molecule(name, kind, charge, unpaired, tuple(row[0] for row in rows), positions)
        lines = lines[2 + len(rows) :]


def specify(symbols: Sequence[str], positions: Array, charge: int = 0, unpaired: int = 0) -> ChemistrySpec:
    """Specify an optimisation; positions in angstrom, shape (atoms, 3)."""
    places = tuple((x, y, z) for x, y, z in positions.tolist())
    structure = Structure(symbols=tuple(symbols), positions_angstrom=places)
    return ChemistrySpec(kind="opt", structure=structure, charge=charge, unpaired=unpaired)

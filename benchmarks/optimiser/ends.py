"""Analysis of the end of a walk: its Hessian and its bonds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.calculator import Surface, numbers_of, positions_of
from workers.engine.checkpoint import Checkpoint
from workers.engine.libraries.xtb import XtbCalculator
from workers.engine.molecule.elements import COVALENT_RADII_ANGSTROM
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.vibrations.hessian import differentiate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.optimiser.starts import Molecule
    from benchmarks.optimiser.walkers import Walk
    from workers.engine.arrays import Array

_REACH = 1.3
_DOWNHILL = -1e-4  # hartree/bohr^2: softer than this is noise of differences


def described(molecule: Molecule, walk: Walk) -> str:
    """Say in words what the end of a walk is, by its Hessian and its bonds."""
    spec = molecule.start(None)
    positions = np.array(walk.positions)
    surface = Surface(XtbCalculator(spec, 0.1), is_silent=True)
    surface.at(positions)
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), spec, ("xtb", ""))
        hessian = differentiate([surface], positions, 0, spec.charge, lambda _: None, checkpoint).hessian
    downhill = int(np.sum(np.linalg.eigvalsh(hessian) < _DOWNHILL))
    kind = f"{downhill} ways downhill" if downhill else "a minimum"
    before, after = (_bonds(numbers_of(spec), where) for where in (positions_of(spec), positions))
    return f"{kind}, {'the same bonds' if before == after else 'other bonds'}"


def _bonds(numbers: NDArray[np.int32], positions: Array) -> set[tuple[int, int]]:
    radii = np.array(COVALENT_RADII_ANGSTROM)[numbers - 1] * _REACH / ANGSTROM_PER_BOHR
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    first, second = np.nonzero(np.triu(distances < radii[:, None] + radii, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))

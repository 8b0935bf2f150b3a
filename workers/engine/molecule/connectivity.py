"""Whether a structure is one molecule or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.elements import COVALENT_RADII_ANGSTROM
from workers.engine.molecule.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.arrays import Array

RADII_ANGSTROM = np.array(COVALENT_RADII_ANGSTROM)
_STRETCH = 1.3


def is_connected(numbers: NDArray[np.int32], positions: Array) -> bool:
    """Whether bonds lead from every atom to every other; positions in bohr."""
    radii = RADII_ANGSTROM[numbers - 1] * _STRETCH / ANGSTROM_PER_BOHR
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    bonded = distances < radii[:, None] + radii
    reached = np.zeros(len(numbers), dtype=bool)
    reached[0] = True
    while True:
        further = bonded[reached].any(axis=0)
        if (further == reached).all():
            return bool(reached.all())
        reached = further

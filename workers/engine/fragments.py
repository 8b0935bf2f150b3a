"""Whether a structure is one molecule or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.engine.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.calculator import Array

# Covalent radii in Å (P. Pyykkö, M. Atsumi, Chem. Eur. J. 15 (2009) 186), hydrogen to radon.
_RADII = (
    "0.32 0.46 1.33 1.02 0.85 0.75 0.71 0.63 0.64 0.67 1.55 1.39 1.26 1.16 1.11 1.03 0.99 0.96 1.96 1.71 "
    "1.48 1.36 1.34 1.22 1.19 1.16 1.11 1.10 1.12 1.18 1.24 1.21 1.21 1.16 1.14 1.17 2.10 1.85 1.63 1.54 "
    "1.47 1.38 1.28 1.25 1.25 1.20 1.28 1.36 1.42 1.40 1.40 1.36 1.33 1.31 2.32 1.96 1.80 1.63 1.76 1.74 "
    "1.73 1.72 1.68 1.69 1.68 1.67 1.66 1.65 1.64 1.70 1.62 1.52 1.46 1.37 1.31 1.29 1.22 1.23 1.24 1.33 "
    "1.44 1.44 1.51 1.45 1.47 1.42"
)
RADII_ANGSTROM = np.array([float(radius) for radius in _RADII.split()])
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

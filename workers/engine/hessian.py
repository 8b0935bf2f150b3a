"""Second derivatives of the energy and first ones of the dipole, by central differences.

All in atomic units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.engine.calculator import Array, Surface
    from workers.engine.checkpoint import Checkpoint

# Wide enough that the noise of a converged wavefunction stays below 1 cm-1, and the program's own step.
STEP_BOHR = 0.005


@dataclass(frozen=True, slots=True)
class Derivatives:
    """What displacing every atom along every axis has shown."""

    hessian: Array  # hartree/bohr^2, shape (3 atoms, 3 atoms), symmetric
    dipole: Array  # e, shape (3 atoms, 3): how the dipole follows each coordinate


def differentiate(
    surface: Surface, positions: Array, tell: Callable[[int], None], checkpoint: Checkpoint
) -> Derivatives:
    """Displace each coordinate by `STEP_BOHR` either way.

    Args:
        surface: what is differentiated.
        positions: where; bohr, shape (atoms, 3).
        tell: called after each gradient with how many there were.
        checkpoint: has the rows that earlier attempts have computed, and is told of those of this one.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    size = positions.size
    hessian, dipole = np.empty((size, size)), np.empty((size, 3))
    for coordinate in range(size):
        known = checkpoint.rows.get(coordinate)
        if known is not None:
            hessian[coordinate], dipole[coordinate] = known.hessian, known.dipole
            continue
        ends = []
        for side in (1, -1):
            moved = positions.copy()
            moved.flat[coordinate] += side * STEP_BOHR
            point = surface.at(moved)
            ends.append((point.gradient.ravel(), surface.dipole()))
            tell(2 * coordinate + len(ends))
        (gradient, moment), (gradient_back, moment_back) = ends
        hessian[coordinate] = (gradient - gradient_back) / (2 * STEP_BOHR)
        dipole[coordinate] = (moment - moment_back) / (2 * STEP_BOHR)
        checkpoint.row(coordinate, hessian[coordinate], dipole[coordinate])
    return Derivatives((hessian + hessian.T) / 2, dipole)

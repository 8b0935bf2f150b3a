"""Second derivatives of the energy and first ones of the dipole, by central differences.

All in atomic units.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.vibrations.threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from workers.engine.arrays import Array
    from workers.engine.calculator import Surface
    from workers.engine.checkpoint import Checkpoint

# Wide enough that the noise of a converged wavefunction stays below 1 cm-1, and the program's own step.
STEP_BOHR = 0.005


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The results of displacing atoms along each axis."""

    hessian: Array  # hartree/bohr^2, shape (3 atoms, 3 atoms), symmetric
    dipole: Array  # e, shape (3 atoms, 3): how the dipole follows each coordinate


def differentiate(
    surfaces: Sequence[Surface],
    positions: Array,
    at_rest: int,
    charge: int,
    tell: Callable[[int], None],
    checkpoint: Checkpoint,
) -> Derivatives:
    """Displace each coordinate of all atoms but one by `STEP_BOHR` either way.

    Moving a molecule as a whole changes neither its energy nor, but for its charge, its dipole: what
    displacing the one left would show follows from the others.

    Args:
        surfaces: what is differentiated, one for each lane.
        positions: where; bohr, shape (atoms, 3).
        at_rest: the atom that is not displaced, from 0.
        charge: the molecule's, in e.
        tell: called after each coordinate with how many gradients there were.
        checkpoint: has the rows that earlier attempts have computed, and stores those of this one.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    still = slice(3 * at_rest, 3 * at_rest + 3)
    moving = np.delete(np.arange(positions.size), still).tolist()
    known = [row for row in checkpoint.rows.values() if row.coordinate in moving]
    slopes: dict[int, tuple[ArrayLike, ArrayLike]]
    slopes = {row.coordinate: (row.hessian, row.dipole) for row in known}
    missing = [coordinate for coordinate in moving if coordinate not in slopes]

    def compute(surface: Surface, coordinate: int) -> tuple[Array, Array]:
        return _slopes(surface, positions, coordinate)

    with closing(side_by_side(surfaces, compute, missing)) as computed:
        for coordinate, found in computed:
            slopes[coordinate] = found
            checkpoint.row(coordinate, *found)
            tell(2 * len(slopes))
    hessian = np.array([slopes[coordinate][0] for coordinate in moving]).reshape(-1, positions.size)
    dipole = np.array([slopes[coordinate][1] for coordinate in moving]).reshape(-1, 3)
    return _of_all(hessian[:, moving], dipole, still, charge)


def _slopes(surface: Surface, positions: Array, coordinate: int) -> tuple[Array, Array]:
    """Displace one coordinate either way: the slopes of the gradient and of the dipole."""
    ends = []
    for side in (1, -1):
        moved = positions.copy()
        moved.flat[coordinate] += side * STEP_BOHR
        point = surface.at(moved)
        ends.append((point.gradient.ravel(), surface.dipole()))
    (gradient, moment), (gradient_back, moment_back) = ends
    return (gradient - gradient_back) / (2 * STEP_BOHR), (moment - moment_back) / (2 * STEP_BOHR)


def _of_all(hessian: Array, dipole: Array, still: slice, charge: int) -> Derivatives:
    """Add the derivatives of the fixed atom: only the positions relative to it matter."""
    others = len(hessian)
    relative = np.insert(np.eye(others), still.start, np.tile(-np.eye(3), others // 3), axis=0)
    whole = relative @ dipole
    whole[still] += charge * np.eye(3)
    return Derivatives(relative @ (hessian + hessian.T) @ relative.T / 2, whole)

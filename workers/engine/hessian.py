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
    surface: Surface,
    positions: Array,
    at_rest: int,
    charge: int,
    tell: Callable[[int], None],
    checkpoint: Checkpoint,
) -> Derivatives:
    """Displace each coordinate of all atoms but one by `STEP_BOHR` either way.

    Moving a molecule as a whole changes neither its energy nor, but for its charge, its dipole: what
    displacing the last atom would show follows from the others.

    Args:
        surface: what is differentiated.
        positions: where; bohr, shape (atoms, 3).
        at_rest: the atom that is not displaced, from 0.
        charge: the molecule's, in e.
        tell: called after each gradient with how many there were.
        checkpoint: has the rows that earlier attempts have computed, and is told of those of this one.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    still = slice(3 * at_rest, 3 * at_rest + 3)
    moving = np.delete(np.arange(positions.size), still)
    hessian, dipole = np.empty((len(moving), positions.size)), np.empty((len(moving), 3))
    for row, coordinate in enumerate(moving.tolist()):
        known = checkpoint.rows.get(coordinate)
        if known is not None:
            hessian[row], dipole[row] = known.hessian, known.dipole
            continue
        ends = []
        for side in (1, -1):
            moved = positions.copy()
            moved.flat[coordinate] += side * STEP_BOHR
            point = surface.at(moved)
            ends.append((point.gradient.ravel(), surface.dipole()))
            tell(2 * row + len(ends))
        (gradient, moment), (gradient_back, moment_back) = ends
        hessian[row] = (gradient - gradient_back) / (2 * STEP_BOHR)
        dipole[row] = (moment - moment_back) / (2 * STEP_BOHR)
        checkpoint.row(coordinate, hessian[row], dipole[row])
    return _of_all(hessian[:, moving], dipole, still, charge)


def _of_all(hessian: Array, dipole: Array, still: slice, charge: int) -> Derivatives:
    """Give the atom at rest its derivatives: nothing but where the others are relative to it counts."""
    others = len(hessian)
    relative = np.insert(np.eye(others), still.start, np.tile(-np.eye(3), others // 3), axis=0)
    whole = relative @ dipole
    whole[still] += charge * np.eye(3)
    return Derivatives(relative @ (hessian + hessian.T) @ relative.T / 2, whole)

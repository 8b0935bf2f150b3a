"""A molecule as a rigid body: mass, moments of inertia, and rotational symmetry number."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.masses import STANDARD_WEIGHTS_U
from workers.engine.molecule.superposition import axes, best_turn, counterparts
from workers.engine.molecule.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

# A molecule is linear if no atom is further than this from the axis: less than any bond length, and more than
# the errors of loose optimisations.
LINEAR_BOHR = 0.06
# The largest distance between a rotated atom and its counterpart, as in the xtb program.
SAME_BOHR = 0.1
_LOOSE = 3.0


@dataclass(frozen=True, slots=True)
class Body:
    """A molecule as a rigid body, with the standard atomic weights."""

    masses: Array  # u, shape (atoms,)
    centred: Array  # bohr, shape (atoms, 3), around the centre of mass
    is_linear: bool  # also two atoms; not a single one

    @property
    def mass_u(self) -> float:
        """The sum of the masses, in u."""
        return float(self.masses.sum())

    @property
    def principal_moments_u_angstrom2(self) -> Array:
        """All three moments of inertia by rising size; those about the axis of a line are near zero."""
        return np.asarray(np.linalg.eigvalsh(_inertia(self.masses, self.centred)) * ANGSTROM_PER_BOHR**2)

    @property
    def moments_u_angstrom2(self) -> tuple[float, ...]:
        """The moments of inertia by rising size: none of an atom, one of a linear molecule, else three."""
        values = self.principal_moments_u_angstrom2
        if self.is_linear:
            return (float(values[1:].mean()),)
        return tuple(values[3 - self.rotations :].tolist())

    @property
    def rotations(self) -> int:
        """The number of rotations: 0, 2 or 3."""
        if len(self.masses) == 1:
            return 0
        return 2 if self.is_linear else 3


def body(numbers: NDArray[np.int32], positions: Array) -> Body:
    """Make a rigid body of atomic numbers, shape (atoms,), and positions, bohr, shape (atoms, 3)."""
    masses = np.array(STANDARD_WEIGHTS_U)[numbers - 1]
    centred = positions - masses @ positions / masses.sum()
    return Body(masses, centred, _is_linear(centred))


def symmetry_number(numbers: NDArray[np.int32], shape: Body) -> int:
    """Count the proper rotations, the identity among them, after which the molecule looks the same.

    A rotation is defined by the images of two atoms that are not on one line with the centre, so all pairs
    that are like a first one are tried; rotations differ in the permutation of the atoms.
    """
    positions = shape.centred
    if len(numbers) == 1:
        return 1
    if shape.is_linear:
        return 1 if counterparts(numbers, -positions, numbers, positions, SAME_BOHR) is None else 2
    first, second = _landmarks(numbers, positions)
    found = set()
    for one, other in product(*(_alike(numbers, positions, atom) for atom in (first, second))):
        turn = _turn(positions, (first, second), (one, other))
        if turn is None:
            continue
        order = counterparts(numbers, positions @ turn.T, numbers, positions, _LOOSE * SAME_BOHR)
        if order is None:
            continue
        goal = positions[order]
        missed = positions @ best_turn(positions, goal).T - goal
        if np.max(np.linalg.norm(missed, axis=1)) < SAME_BOHR:
            found.add(tuple(order.tolist()))
    return max(len(found), 1)


def _inertia(masses: Array, centred: Array) -> Array:
    squares = np.eye(3) * (masses @ (centred**2).sum(axis=1))
    return np.asarray(squares - (masses[:, None] * centred).T @ centred)


def _is_linear(centred: Array) -> bool:
    if len(centred) == 1:
        return False
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    off = centred - np.outer(centred @ axis, axis)
    return bool(np.max(np.linalg.norm(off, axis=1)) < LINEAR_BOHR)


def _landmarks(numbers: NDArray[np.int32], positions: Array) -> tuple[int, int]:
    """Choose two atoms with few like them that span a plane with the centre."""
    radii = np.linalg.norm(positions, axis=1)
    by_rarity = sorted(
        np.flatnonzero(radii > min(5 * SAME_BOHR, np.max(radii) / 2)).tolist(),
        key=lambda atom: (len(list(_alike(numbers, positions, atom))), -radii[atom]),
    )
    first = by_rarity[0]
    away = np.linalg.norm(np.cross(positions[first] / radii[first], positions), axis=1)
    second = next((atom for atom in by_rarity if away[atom] > 5 * SAME_BOHR), int(np.argmax(away)))
    return first, second


def _alike(numbers: NDArray[np.int32], positions: Array, atom: int) -> Iterator[int]:
    """List the atoms of the same element as far from the centre."""
    radii = np.linalg.norm(positions, axis=1)
    near = np.abs(radii - radii[atom]) < 2 * SAME_BOHR
    return iter(np.flatnonzero(near & (numbers == numbers[atom])).tolist())


def _turn(positions: Array, pair: tuple[int, int], onto: tuple[int, int]) -> Array | None:
    """Return the rotation that takes a pair onto another; None: their distances differ."""
    apart = [float(np.linalg.norm(positions[a] - positions[b])) for a, b in (pair, onto)]
    if onto[0] == onto[1] or abs(apart[0] - apart[1]) > 2 * SAME_BOHR:
        return None
    return np.asarray(axes(*positions[list(onto)]) @ axes(*positions[list(pair)]).T)

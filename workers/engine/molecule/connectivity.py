"""Connectivity of structures: bonds by distances, and the pieces that they leave."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.elements import COVALENT_RADII_ANGSTROM
from workers.engine.molecule.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.arrays import Array

RADII_ANGSTROM = np.array(COVALENT_RADII_ANGSTROM)
BONDED = 1.3  # times the sum of both covalent radii
# Pieces no further apart, by the same measure, are joined: a displaced atom still belongs to its molecule.
JOINED = 1.7
CHARGED = 0.5  # e, of a piece
FAR_APART = 10.0 / ANGSTROM_PER_BOHR  # two charged pieces that have come so far will not turn


def relative_distances(numbers: NDArray[np.int32], positions: Array) -> Array:
    """Divide distances by the sums of covalent radii, shape (atoms, atoms); positions in bohr."""
    radii = RADII_ANGSTROM[numbers - 1] / ANGSTROM_PER_BOHR
    return np.asarray(np.linalg.norm(positions[:, None] - positions, axis=2) / (radii[:, None] + radii))


def bonds(numbers: NDArray[np.int32], positions: Array) -> NDArray[np.bool_]:
    """Find the pairs of atoms whose distances are internal coordinates, shape (atoms, atoms).

    These are the bonds and, between two pieces that are near each other, the shortest distance.

    Args:
        numbers: the atomic numbers, shape (atoms,).
        positions: bohr, shape (atoms, 3).
    """
    ratios = relative_distances(numbers, positions)
    np.fill_diagonal(ratios, np.inf)
    bonded = ratios < BONDED
    while np.any(labels := pieces(bonded)):
        between = np.where(labels[:, None] != labels, ratios, np.inf)
        first, second = np.unravel_index(int(np.argmin(between)), between.shape)
        if between[first, second] > JOINED:
            break
        bonded[first, second] = bonded[second, first] = True
    return bonded


def pieces(bonded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Label each atom with the lowest atom of its molecule, shape (atoms,): all are 0 in one molecule.

    Args:
        bonded: whether two atoms are bonded, shape (atoms, atoms).
    """
    labels = np.arange(len(bonded))
    while True:
        lower = np.minimum(labels, np.where(bonded, labels, len(labels)).min(axis=1))
        if np.array_equal(lower, labels):
            return labels
        labels = lower


def repulsion(
    numbers: NDArray[np.int32], positions: Array, charges: Array
) -> tuple[float, float, float] | None:
    """Find the two pieces with charges of one sign that are furthest apart.

    Args:
        numbers: the atomic numbers, shape (atoms,).
        positions: bohr, shape (atoms, 3).
        charges: of the atoms, e, shape (atoms,).

    Returns:
        The shortest distance between them in bohr, and both charges in e; None: there are none.
    """
    ratios = relative_distances(numbers, positions)
    labels = pieces(ratios < JOINED)
    held = {label: float(charges[labels == label].sum()) for label in np.unique(labels)}
    found = []
    for (one, first), (other, second) in combinations(held.items(), 2):
        if min(first, second) > CHARGED or max(first, second) < -CHARGED:
            between = positions[labels == one][:, None] - positions[labels == other]
            found.append((float(np.linalg.norm(between, axis=2).min()), first, second))
    return max(found, default=None)

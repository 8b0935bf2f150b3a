"""A guess of the Hessian from the geometry alone, where the first step of an optimisation comes from.

Force constants of bonds, angles and torsions fall off with distance as in R. Lindh, A. Bernhardsson,
G. Karlström, P.-Å. Malmqvist, Chem. Phys. Lett. 241 (1995) 423; atomic units throughout.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.optimiser import primitives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

BOND, BEND, TORSION = 0.45, 0.15, 0.005
_ALPHA = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
_REFERENCE = np.array([[1.35, 2.1, 2.53], [2.1, 2.87, 3.4], [2.53, 3.4, 3.4]])
# Terms weaker than this are left out: they would change no step.
_NEIGHBOUR, _WEAKEST_TORSION = 1e-2, 1e-4
_STRAIGHT = 0.09  # sine, about 5 degrees from a straight angle
_FIRST_ROW, _SECOND_ROW = 2, 10


def model_hessian(numbers: NDArray[np.int32], positions: Array, lattice: Array | None = None) -> Array:
    """Guess the Hessian, shape (3 atoms, 3 atoms), for positions in bohr.

    In a cell (its vectors as rows) each atom sees the image of another that its shares of the vectors say is
    next: near enough for a guess.
    """
    apart = positions[:, None] - positions
    if lattice is not None:
        apart -= np.rint(apart @ np.linalg.inv(lattice)) @ lattice
    row = np.where(numbers <= _FIRST_ROW, 0, np.where(numbers <= _SECOND_ROW, 1, 2))
    alpha, reference = _ALPHA[row[:, None], row], _REFERENCE[row[:, None], row]
    stiffness = np.exp(alpha * (reference**2 - np.sum(apart**2, axis=2)))
    np.fill_diagonal(stiffness, 0.0)
    near = [np.flatnonzero(found).tolist() for found in stiffness > _NEIGHBOUR]
    hessian = np.zeros((len(numbers), len(numbers), 3, 3))

    first, second = np.triu_indices(len(numbers), 1)
    points = np.stack((apart[first, second], np.zeros((len(first), 3))), axis=1)
    constants = BOND * stiffness[first, second]
    _add(hessian, np.stack((first, second)), primitives.bond_derivatives(points), constants)

    triples = [(i, j, k) for j, found in enumerate(near) for i, k in combinations(found, 2)]
    _add_bends(hessian, primitives.indices(triples, 3), apart, stiffness)

    a, b, c, d = primitives.indices(_torsions(near), 4).T
    points = np.stack((apart[a, b], np.zeros((len(a), 3)), apart[c, b], apart[c, b] + apart[d, c]), axis=1)
    constants = stiffness[a, b] * stiffness[b, c] * stiffness[c, d]
    sines = [np.sin(primitives.angles(points[:, arm])) for arm in ([0, 1, 2], [1, 2, 3])]
    kept = (constants >= _WEAKEST_TORSION) & (np.min(sines, axis=0) > _STRAIGHT)
    torsions = primitives.dihedral_derivatives(points[kept])
    _add(hessian, np.stack((a, b, c, d))[:, kept], torsions, TORSION * constants[kept])
    return hessian.transpose(0, 2, 1, 3).reshape(positions.size, positions.size)


def _add_bends(hessian: Array, triples: NDArray[np.int64], apart: Array, stiffness: Array) -> None:
    """Add the terms of all angles; of a straight one its bends in two planes."""
    i, j, k = triples.T
    points = np.stack((apart[i, j], np.zeros((len(i), 3)), apart[k, j]), axis=1)
    constants = BEND * stiffness[i, j] * stiffness[j, k]
    angles = primitives.angles(points)
    bent = np.sin(angles) > _STRAIGHT
    _add(hessian, triples.T[:, bent], primitives.angle_derivatives(points[bent]), constants[bent])
    straight = ~bent & (angles > np.pi / 2)
    for axes in primitives.across(points[straight]):
        bends = primitives.bend_derivatives(points[straight], axes)
        _add(hessian, triples.T[:, straight], bends, constants[straight])


def _torsions(near: list[list[int]]) -> Iterator[tuple[int, int, int, int]]:
    for second, found in enumerate(near):
        for third in (atom for atom in found if atom > second):
            for first, fourth in product(found, near[third]):
                if first not in {third, fourth} and fourth != second:
                    yield first, second, third, fourth


def _add(hessian: Array, atoms: NDArray[np.int64], derivatives: tuple[Array, ...], constants: Array) -> None:
    """Add the terms of one kind; atoms of shape (atoms of a term, terms)."""
    for (one, left), (other, right) in product(zip(atoms, derivatives, strict=True), repeat=2):
        np.add.at(hessian, (one, other), constants[:, None, None] * left[:, :, None] * right[:, None])

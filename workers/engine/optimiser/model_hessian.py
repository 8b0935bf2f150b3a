"""A guess at the Hessian from the geometry alone: where the first step of an optimisation comes from.

Force constants of bonds, angles and torsions fall off with distance as in R. Lindh, A. Bernhardsson,
G. Karlström, P.-Å. Malmqvist, Chem. Phys. Lett. 241 (1995) 423; atomic units throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

    Term = tuple[float, dict[int, Array]]  # a force constant, and by atom the gradient of its coordinate

STRETCH, BEND, TORSION = 0.45, 0.15, 0.005
_ALPHA = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
_REFERENCE = np.array([[1.35, 2.1, 2.53], [2.1, 2.87, 3.4], [2.53, 3.4, 3.4]])
# Terms weaker than this are left out: they would change no step.
_NEIGHBOUR, _WEAKEST_TORSION = 1e-2, 1e-4
_STRAIGHT = 0.996  # cosine, about 5 degrees from a straight angle
_FIRST_ROW, _SECOND_ROW = 2, 10


def model_hessian(numbers: NDArray[np.int32], positions: Array, lattice: Array | None = None) -> Array:
    """Guess the Hessian, shape (3 atoms, 3 atoms), for positions in bohr.

    In a cell (its vectors as rows) each atom sees the image of another that its shares of the vectors say is
    next: near enough for a guess.
    """
    return Model(numbers, positions, lattice).hessian()


class Model:
    """The distances of a structure, and how stiff it is between each two atoms."""

    def __init__(self, numbers: NDArray[np.int32], positions: Array, lattice: Array | None = None) -> None:
        self._positions = positions
        self._difference = positions[:, None] - positions
        if lattice is not None:
            self._difference -= np.rint(self._difference @ np.linalg.inv(lattice)) @ lattice
        self._distance = np.linalg.norm(self._difference, axis=2)
        row = np.where(numbers <= _FIRST_ROW, 0, np.where(numbers <= _SECOND_ROW, 1, 2))
        alpha, reference = _ALPHA[row[:, None], row], _REFERENCE[row[:, None], row]
        self._stiffness = np.exp(alpha * (reference**2 - self._distance**2))
        np.fill_diagonal(self._stiffness, 0.0)
        self._neighbours = [np.flatnonzero(near).tolist() for near in self._stiffness > _NEIGHBOUR]

    def hessian(self) -> Array:
        """Add all terms up."""
        hessian = self._stretches()
        terms = [*self._bends(), *self._torsions()]
        if not terms:
            return hessian
        rows = np.zeros((len(terms), len(hessian)))
        for number, (_, gradients) in enumerate(terms):
            for atom, gradient in gradients.items():
                rows[number, 3 * atom : 3 * atom + 3] += gradient
        constants = np.array([constant for constant, _ in terms])
        hessian += (rows.T * constants) @ rows
        return hessian

    def _stretches(self) -> Array:
        atoms = len(self._positions)
        distance = self._distance + np.eye(atoms)
        blocks = np.einsum(
            "ij,ija,ijb->ijab",
            STRETCH * self._stiffness / distance**2,
            self._difference,
            self._difference,
        )
        hessian = -blocks.transpose(0, 2, 1, 3)
        each = np.arange(atoms)
        hessian[each, :, each, :] += blocks.sum(axis=1)
        return np.ascontiguousarray(hessian).reshape(3 * atoms, 3 * atoms)

    def _bends(self) -> Iterator[Term]:
        for middle, near in enumerate(self._neighbours):
            for place, left in enumerate(near):
                for right in near[place + 1 :]:
                    yield from self._bend(left, middle, right)

    def _bend(self, left: int, middle: int, right: int) -> Iterator[Term]:
        to_left, to_right = self._distance[left, middle], self._distance[right, middle]
        u = self._difference[left, middle] / to_left
        v = self._difference[right, middle] / to_right
        cosine = float(u @ v)
        if cosine > _STRAIGHT:
            return
        constant = BEND * self._stiffness[left, middle] * self._stiffness[middle, right]
        if cosine < -_STRAIGHT:
            for across in _perpendicular(u):
                yield constant, _balanced(middle, {left: across / to_left, right: across / to_right})
            return
        sine = np.sqrt(1 - cosine**2)
        yield (
            constant,
            _balanced(
                middle,
                {
                    left: (cosine * u - v) / (to_left * sine),
                    right: (cosine * v - u) / (to_right * sine),
                },
            ),
        )

    def _torsions(self) -> Iterator[Term]:
        for second, near in enumerate(self._neighbours):
            for third in near:
                if third > second:
                    yield from self._about(second, third)

    def _about(self, second: int, third: int) -> Iterator[Term]:
        """The torsions about one pair."""
        stiffness = self._stiffness
        for first in self._neighbours[second]:
            for fourth in self._neighbours[third]:
                if len({first, second, third, fourth}) < 4:  # noqa: PLR2004 - a ring of three
                    continue
                factor = stiffness[first, second] * stiffness[second, third] * stiffness[third, fourth]
                if factor >= _WEAKEST_TORSION:
                    yield from self._torsion(TORSION * factor, (first, second, third, fourth))

    def _torsion(self, constant: float, atoms: tuple[int, int, int, int]) -> Iterator[Term]:
        first, second, third, fourth = atoms
        b1 = self._difference[second, first]
        b2 = self._difference[third, second]
        b3 = self._difference[fourth, third]
        n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
        m1, m2, axis2 = n1 @ n1, n2 @ n2, b2 @ b2
        if m1 < (1 - _STRAIGHT) * (b1 @ b1) * axis2 or m2 < (1 - _STRAIGHT) * (b3 @ b3) * axis2:
            return
        axis = np.sqrt(axis2)
        at_first, at_fourth = -axis * n1 / m1, axis * n2 / m2
        share1, share3 = (b1 @ b2) / axis2, (b3 @ b2) / axis2
        yield (
            constant,
            {
                first: at_first,
                second: -(1 + share1) * at_first + share3 * at_fourth,
                third: -(1 + share3) * at_fourth + share1 * at_first,
                fourth: at_fourth,
            },
        )


def _balanced(middle: int, gradients: dict[int, Array]) -> dict[int, Array]:
    """Have the middle atom move against the others, so that nothing is shifted as a whole."""
    return gradients | {middle: -sum(gradients.values(), np.zeros(3))}


def _perpendicular(axis: Array) -> tuple[Array, Array]:
    """Two directions across an axis."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(axis)))] = 1.0
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)

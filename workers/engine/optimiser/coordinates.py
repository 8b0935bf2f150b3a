"""pyberny's internal coordinates, all of a kind evaluated at once.

Which coordinates there are, their Hessian and their weights stay pyberny's; one by one their values and
derivatives cost twice what the gradients do.  Lengths are in bohr, angles in radians.
"""

from __future__ import annotations

from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from berny.coords import Angle, Bond, Dihedral, InternalCoords

from workers.engine.molecule.units import ANGSTROM_PER_BOHR

if TYPE_CHECKING:
    from berny.geomlib import Geometry
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]
    Indices = NDArray[np.int64]

# From here on pyberny itself looks at an angle: it may have to be described otherwise.
_ALMOST_STRAIGHT = np.radians(169.0)
# Closer to a straight line the derivative of an angle has no direction.
_STRAIGHT_SINE = 1e-6


class ArrayCoords(InternalCoords):
    """The internal coordinates of one molecule."""

    def eval_geom(self, geom: Geometry, template: Array | None = None) -> Array:
        """Evaluate the coordinates, shape (coordinates,).

        With a template, dihedrals are told on its side of the circle.
        """
        values = self._values(self._all_coords(geom) / ANGSTROM_PER_BOHR)
        if template is None:
            return values
        rows = self._dihedrals[0]
        difference = values[rows] - template[rows]
        is_around = np.abs(np.abs(difference) - 2 * np.pi) < np.pi / 2
        if np.any((np.abs(np.abs(difference) - np.pi) < np.pi / 2) & ~is_around):
            found: Array = super().eval_geom(geom, template)  # an angle went through a straight line
            return found
        values[rows] -= np.where(is_around, 2 * np.pi * np.sign(difference), 0.0)
        return values

    def B_matrix(self, geom: Geometry) -> Array:  # noqa: N802  pyberny's name
        """Differentiate the coordinates, shape (coordinates, 3 * atoms), by position in bohr."""
        count = len(geom)
        real = geom.coords
        positions = self._all_coords(geom) / ANGSTROM_PER_BOHR
        matrix = np.zeros((len(self), len(positions), 3))
        for (rows, atoms), derivatives in (
            (self._bonds, _bond_derivatives),
            (self._angles, _angle_derivatives),
            (self._dihedrals, _dihedral_derivatives),
        ):
            for column, derivative in zip(atoms.T, derivatives(positions[atoms]), strict=True):
                matrix[rows, column] = derivative
        for number, dummy in enumerate(self._dummy_specs, count):  # pyberny's helpers beside straight chains
            hosts = (dummy.i, dummy.j, dummy.k)
            for host, jacobian in zip(hosts, dummy.place_and_jacobians(real)[1:], strict=True):
                matrix[:, host] += matrix[:, number] @ jacobian
        return matrix[:, :count].reshape(len(self), 3 * count)

    def needs_rebuild(self, geom: Geometry) -> bool:
        """Whether an angle became straight, or ceased to be, so that others describe the molecule better."""
        if not self._linear_set and not np.any(
            _angles(np.asarray(geom.coords[self._triples], dtype=float)) > _ALMOST_STRAIGHT
        ):
            return False
        return bool(super().needs_rebuild(geom))

    @cached_property
    def _bonds(self) -> tuple[Indices, Indices]:
        return self._all(Bond, 2)

    @cached_property
    def _angles(self) -> tuple[Indices, Indices]:
        return self._all(Angle, 3)

    @cached_property
    def _dihedrals(self) -> tuple[Indices, Indices]:
        return self._all(Dihedral, 4)

    @cached_property
    def _triples(self) -> Indices:
        """All pairs of neighbours with the atom between them, shape (triples, 3)."""
        assert self._bondmatrix is not None  # it is None only for crystals
        found = [
            (one, middle, other)
            for middle, row in enumerate(self._bondmatrix)
            for one, other in combinations(np.flatnonzero(row), 2)
        ]
        return np.array(found, dtype=np.int64).reshape(-1, 3)

    def _all(self, kind: type, size: int) -> tuple[Indices, Indices]:
        """Find the coordinates of a kind: their rows, and their atoms of shape (rows, size)."""
        found = [(row, one.idx) for row, one in enumerate(self) if isinstance(one, kind)]
        rows = np.array([row for row, _ in found], dtype=np.int64)
        return rows, np.array([atoms for _, atoms in found], dtype=np.int64).reshape(-1, size)

    def _values(self, positions: Array) -> Array:
        values = np.empty(len(self))
        for (rows, atoms), value in (
            (self._bonds, _bonds),
            (self._angles, _angles),
            (self._dihedrals, _dihedrals),
        ):
            values[rows] = value(positions[atoms])
        return values


def _bonds(points: Array) -> Array:
    """Distances of pairs, from shape (pairs, 2, 3)."""
    return np.asarray(np.linalg.norm(points[:, 0] - points[:, 1], axis=1))


def _angles(points: Array) -> Array:
    """Angles at the middle ones, from shape (triples, 3, 3); precise near 0 and pi."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    return np.asarray(np.arctan2(np.linalg.norm(_cross(first, second), axis=1), _dots(first, second)))


def _dihedrals(points: Array) -> Array:
    """Dihedral angles, -pi to pi, from shape (quadruples, 4, 3); precise near 0 and pi."""
    first, axis, second = _arms(points)
    one, other = _cross(first, axis), _cross(second, axis)
    sines = _dots(_cross(one, other), axis) / np.linalg.norm(axis, axis=1)
    return np.asarray(np.arctan2(sines, _dots(one, other)))


def _bond_derivatives(points: Array) -> tuple[Array, Array]:
    along = points[:, 0] - points[:, 1]
    along /= np.linalg.norm(along, axis=1)[:, None]
    return along, -along


def _angle_derivatives(points: Array) -> tuple[Array, Array, Array]:
    """Derivatives by each of the three atoms; zero where the three lie on a line."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    lengths = np.linalg.norm(first, axis=1)[:, None], np.linalg.norm(second, axis=1)[:, None]
    first, second = first / lengths[0], second / lengths[1]
    cosines = _dots(first, second)[:, None]
    sines = np.linalg.norm(_cross(first, second), axis=1)[:, None]
    safe = np.where(sines > _STRAIGHT_SINE, sines, np.inf)
    one = (cosines * first - second) / (lengths[0] * safe)
    other = (cosines * second - first) / (lengths[1] * safe)
    return one, -(one + other), other


def _dihedral_derivatives(points: Array) -> tuple[Array, Array, Array, Array]:
    """Derivatives by each of the four atoms.

    The form without singularities at 0 and pi of A. Blondel and M. Karplus, J. Comput. Chem. 1996, 17, 1132.
    """
    first, axis, second = _arms(points)
    length = np.linalg.norm(axis, axis=1)[:, None]
    one, other = _cross(first, axis), _cross(second, axis)
    one /= _dots(one, one)[:, None]
    other /= _dots(other, other)[:, None]
    shared = _dots(first, axis)[:, None] / length * one - _dots(second, axis)[:, None] / length * other
    return length * one, -length * one - shared, length * other + shared, -length * other


def _arms(points: Array) -> tuple[Array, Array, Array]:
    """The first bond, the axis and the last bond of quadruples i-j-k-l: i - j, j - k and l - k."""
    return points[:, 0] - points[:, 1], points[:, 1] - points[:, 2], points[:, 3] - points[:, 2]


def _dots(first: Array, second: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", first, second))


def _cross(first: Array, second: Array) -> Array:
    """Cross products of rows; numpy's own is four times slower on few of them."""
    (a, b, c), (x, y, z) = first.T, second.T
    return np.stack((b * z - c * y, c * x - a * z, a * y - b * x), axis=1)

"""Values and derivatives of lengths, angles, bends and dihedral angles, all of a kind evaluated at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

    Indices = NDArray[np.int64]


def indices(rows: Iterable[Sequence[int]], size: int) -> Indices:
    """Make an array of atoms, shape (rows, size), of which there may be none."""
    return np.array(list(rows), dtype=np.int64).reshape(-1, size)


def across(points: Array, helpers: Array | None = None) -> tuple[Array, Array]:
    """Choose two directions across the line between both ends of triples, shape (triples, 3) each.

    The first ones are near `helpers`, of the same shape, where these are given.
    """
    along, _ = _unit(points[:, 2] - points[:, 0])
    if helpers is None:
        helpers = np.eye(3)[np.argmin(np.abs(along), axis=1)]
    first, _ = _unit(helpers - _dots(helpers, along)[:, None] * along)
    return first, _cross(along, first)


def scattered(rows: Indices, derivatives: tuple[Array, ...], atoms: int) -> Array:
    """Write derivatives by the atoms of each coordinate as rows of a matrix, shape (coordinates, 3 atoms)."""
    matrix = np.zeros((len(rows), atoms, 3))
    for column, derivative in zip(rows.T, derivatives, strict=True):
        matrix[np.arange(len(rows)), column] = derivative
    return matrix.reshape(len(rows), 3 * atoms)


def lengths(points: Array) -> Array:
    """Distances of pairs, from shape (pairs, 2, 3)."""
    return np.asarray(np.linalg.norm(points[:, 0] - points[:, 1], axis=1))


def angles(points: Array) -> Array:
    """Angles at the middle ones, from shape (triples, 3, 3); precise near 0 and pi."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    return np.asarray(np.arctan2(np.linalg.norm(_cross(first, second), axis=1), _dots(first, second)))


def bends(points: Array, axes: Array) -> Array:
    """Bends of nearly straight angles towards one direction each, shape (triples, 3)."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    return _dots(_unit(first)[0] + _unit(second)[0], axes)


def dihedrals(points: Array) -> Array:
    """Dihedral angles, -pi to pi, from shape (quadruples, 4, 3); precise near 0 and pi."""
    first, axis, second = _arms(points)
    one, other = _cross(first, axis), _cross(second, axis)
    sines = _dots(_cross(one, other), axis) / np.linalg.norm(axis, axis=1)
    return np.asarray(np.arctan2(sines, _dots(one, other)))


def bond_derivatives(points: Array) -> tuple[Array, Array]:
    """Derivatives by each of the two atoms."""
    along, _ = _unit(points[:, 0] - points[:, 1])
    return along, -along


def angle_derivatives(points: Array) -> tuple[Array, Array, Array]:
    """Derivatives by each of the three atoms; they must not be on a line."""
    first, one_length = _unit(points[:, 0] - points[:, 1])
    second, other_length = _unit(points[:, 2] - points[:, 1])
    cosines = _dots(first, second)[:, None]
    sines = np.linalg.norm(_cross(first, second), axis=1)[:, None]
    one = (cosines * first - second) / (one_length * sines)
    other = (cosines * second - first) / (other_length * sines)
    return one, -(one + other), other


def bend_derivatives(points: Array, axes: Array) -> tuple[Array, Array, Array]:
    """Derivatives by each of the three atoms."""
    first, one_length = _unit(points[:, 0] - points[:, 1])
    second, other_length = _unit(points[:, 2] - points[:, 1])
    one = (axes - _dots(first, axes)[:, None] * first) / one_length
    other = (axes - _dots(second, axes)[:, None] * second) / other_length
    return one, -(one + other), other


def dihedral_derivatives(points: Array) -> tuple[Array, Array, Array, Array]:
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


def _unit(vectors: Array) -> tuple[Array, Array]:
    """Unit vectors of rows, and the lengths, shape (rows, 1)."""
    lengths = np.linalg.norm(vectors, axis=1)[:, None]
    return vectors / lengths, lengths


def _dots(first: Array, second: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", first, second))


def _cross(first: Array, second: Array) -> Array:
    """Cross products of rows; numpy's own is four times slower on few of them."""
    (a, b, c), (x, y, z) = first.T, second.T
    return np.stack((b * z - c * y, c * x - a * z, a * y - b * x), axis=1)

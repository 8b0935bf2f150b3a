"""Coordinates that steps are taken in: internal ones of a molecule, and Cartesian ones.

Lengths are in bohr, angles in radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.connectivity import bonds, relative_distances
from workers.engine.optimiser.model_hessian import model_hessian

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

    Numbers = NDArray[np.int32]
    Indices = NDArray[np.int64]
    Triple = tuple[int, ...]
    Name = tuple[str, *tuple[int, ...]]

# An angle is described as straight from the first on, and again as bent below the second.
STRAIGHT, BENT = np.radians(165.0), np.radians(160.0)
MAX_ROWS = 3000  # a Hessian of 72 MB
MAX_ROWS_PER_ATOM = 40
SOFTEST = 0.001  # hartree/bohr^2: directions that the model describes as softer, or not at all
# The force constants of a bond, an angle and a dihedral angle between atoms at covalent distances.
_BOND, _ANGLE, _DIHEDRAL, _OUT_OF_PLANE = 0.45, 0.15, 0.01, 0.05
_UNSEEN = 1e-3  # an eigenvalue of B'B: no coordinate changes with this motion
_SINGULAR = 1e-5
_SHALLOW = 0.1  # a sine: at such an angle an out-of-plane coordinate is undefined
_TWO, _THREE = 2, 3  # neighbours
_SAME = 1e-6  # the share of a motion that is none


class NoCoordinates(Exception):
    """Raised when internal coordinates do not describe a structure."""


@dataclass(frozen=True, slots=True)
class Tangent:
    """The linear relations between coordinates q, positions x and steps y at one geometry.

    Steps are in an orthonormal basis of all changes of q that positions can make, besides rigid motions.
    """

    lift: Array  # dx = lift @ dy, shape (3 atoms, steps)
    rows: Array  # dq = rows @ dy, shape (coordinates, steps)
    rigid: Array  # dy of rigid motions, orthonormal, shape (steps, 0 to 6)


class Internal:
    """Internal coordinates of one molecule.

    Bonds, angles, dihedral angles, for straight angles their bends in two planes, for planar atoms without a
    dihedral angle one out of the plane, and Cartesian directions for every motion that none of these sees.

    Args:
        numbers: atomic numbers, shape (atoms,).
        positions: the geometry, shape (atoms, 3).
        before: the coordinates that described the molecule up to here.

    Raises:
        NoCoordinates: the structure is not one molecule, or needs too many coordinates.
    """

    name = "internal coordinates"

    def __init__(self, numbers: Numbers, positions: Array, before: Internal | None = None) -> None:
        self._numbers = numbers
        self.bonded: NDArray[np.bool_] = bonds(numbers, positions)
        self._near = [np.flatnonzero(row).tolist() for row in self.bonded]
        self._triples = _array(
            [(i, j, k) for j, near in enumerate(self._near) for i, k in combinations(near, 2)], 3
        )
        self.straight: frozenset[Triple] = frozenset()
        self.straight = self._straight_at(positions, before.straight if before else frozenset())
        self._bonds = _array(np.argwhere(np.triu(self.bonded)).tolist(), 2)
        self._angles = _array(
            [triple for triple in self._triples.tolist() if tuple(triple) not in self.straight], 3
        )
        self.bends = _array(
            [triple for triple in sorted(self.straight) if len(self._near[triple[1]]) == _TWO],
            3,
        )
        torsions = list(self._torsions())
        inner = {atom for torsion in torsions for atom in torsion[1:3]}
        flat = [atom for atom, near in enumerate(self._near) if len(near) == _THREE and atom not in inner]
        planes = [plane for atom in flat if (plane := self._out_of_plane(positions, atom))]
        self._dihedrals = _array([*torsions, *planes], 4)
        self._planes = len(planes)
        rows = len(self._bonds) + len(self._angles) + 2 * len(self.bends) + len(self._dihedrals)
        if rows > min(MAX_ROWS, MAX_ROWS_PER_ATOM * len(numbers)):
            raise NoCoordinates(f"it would take {rows} coordinates")
        self.axes = self._bend_axes(positions, before)
        self._unseen = np.zeros((0, positions.size))
        derivatives = self.derivatives(positions)
        rigid = rigid_motions(positions)
        values, vectors = np.linalg.eigh(derivatives.T @ derivatives + rigid @ rigid.T)
        self._unseen = vectors[:, values < _UNSEEN].T

    def names(self) -> list[Name]:
        """Name the coordinates, all but those of unseen motions."""
        named = (
            ("bond", self._bonds),
            ("angle", self._angles),
            ("bend", self.bends),
            ("other bend", self.bends),
            ("dihedral", self._dihedrals),
        )
        return [(kind, *atoms) for kind, rows in named for atoms in rows.tolist()]

    def renewed(self, positions: Array) -> Internal:
        """Describe the same molecule at another geometry."""
        return Internal(self._numbers, positions, self)

    def is_outdated(self, positions: Array) -> bool:
        """Whether an angle became straight, or ceased to be."""
        return self._straight_at(positions, self.straight) != self.straight

    def values(self, positions: Array) -> Array:
        """Evaluate the coordinates, shape (coordinates,)."""
        return np.concatenate(
            (
                _bonds(positions[self._bonds]),
                _angles(positions[self._angles]),
                *(_bend(positions[self.bends], axes) for axes in self.axes),
                _dihedrals(positions[self._dihedrals]),
                self._unseen @ positions.ravel(),
            )
        )

    def difference(self, after: Array, before: Array) -> Array:
        """Subtract values, dihedral angles along the shorter way."""
        found = after - before
        last = len(found) - len(self._unseen)
        around = found[last - len(self._dihedrals) : last]
        around -= 2 * np.pi * np.rint(around / (2 * np.pi))
        return found

    def derivatives(self, positions: Array) -> Array:
        """Differentiate the coordinates by positions, but for rigid motions, shape (coordinates, 3 atoms)."""
        blocks = [
            _scattered(self._bonds, _bond_derivatives(positions[self._bonds]), len(positions)),
            _scattered(self._angles, _angle_derivatives(positions[self._angles]), len(positions)),
            *(
                _scattered(self.bends, _bend_derivatives(positions[self.bends], axes), len(positions))
                for axes in self.axes
            ),
            _scattered(self._dihedrals, _dihedral_derivatives(positions[self._dihedrals]), len(positions)),
            self._unseen,
        ]
        matrix = np.concatenate(blocks)
        rigid = rigid_motions(positions)
        return np.asarray(matrix - (matrix @ rigid) @ rigid.T)

    def guess(self, positions: Array) -> Array:
        """Guess the Hessian, shape (coordinates, coordinates)."""
        firm = np.exp(1.0 - relative_distances(self._numbers, positions))

        def along(rows: Indices) -> Array:
            return np.asarray(np.prod([firm[pair] for pair in pairwise(rows.T)], axis=0))

        unlike = len(self._dihedrals) - self._planes
        constants = np.concatenate(
            (
                _BOND * along(self._bonds),
                _ANGLE * along(self._angles),
                *(_ANGLE * along(self.bends) for _ in range(2)),
                _DIHEDRAL * along(self._dihedrals[:unlike]),
                np.full(self._planes, _OUT_OF_PLANE),
            )
        )
        seen = len(constants)
        hessian = np.diag(np.concatenate((constants, np.zeros(len(self._unseen)))))
        if len(self._unseen):
            hessian[seen:, seen:] = _stiff(
                self._unseen @ model_hessian(self._numbers, positions) @ self._unseen.T
            )
        return hessian

    def tangent(self, positions: Array) -> Tangent:
        """Relate coordinates, positions and steps.

        Raises:
            NoCoordinates: a motion changes no coordinate.
        """
        rows, rigid = self.derivatives(positions), rigid_motions(positions)
        try:
            lower = np.linalg.cholesky(rows.T @ rows + rigid @ rigid.T)
        except np.linalg.LinAlgError:
            raise NoCoordinates("a motion changes no coordinate") from None
        if np.min(np.diag(lower)) ** 2 < _SINGULAR:
            raise NoCoordinates("a motion changes no coordinate")
        lift = np.linalg.inv(lower).T
        return Tangent(lift, rows @ lift, lift.T @ rigid)

    def _straight_at(self, positions: Array, before: frozenset[Triple]) -> frozenset[Triple]:
        angles = _angles(positions[self._triples])
        near = self._triples[angles > BENT].tolist()
        sure = {tuple(triple) for triple in self._triples[angles > STRAIGHT].tolist()}
        return frozenset(sure | (before & {tuple(triple) for triple in near}))

    def _is_straight(self, first: int, middle: int, last: int) -> bool:
        return (min(first, last), middle, max(first, last)) in self.straight

    def _torsions(self) -> Iterator[tuple[int, int, int, int]]:
        """List the dihedral angles about all bonds, and about straight chains as a whole."""
        for first, near in enumerate(self._near):
            for second in near:
                chain = self._chain(first, second)
                last = chain[-1]
                if first >= last:
                    continue
                lefts = [
                    atom for atom in near if atom not in chain and not self._is_straight(atom, *chain[:2])
                ]
                rights = [
                    atom
                    for atom in self._near[last]
                    if atom not in chain and not self._is_straight(atom, last, chain[-2])
                ]
                yield from ((a, first, last, b) for a, b in product(lefts, rights) if a != b)

    def _chain(self, first: int, second: int) -> list[int]:
        """Follow a bond as long as angles are straight."""
        chain = [first, second]
        while len(self._near[chain[-1]]) == _TWO:
            (following,) = (atom for atom in self._near[chain[-1]] if atom != chain[-2])
            if following in chain or not self._is_straight(chain[-2], chain[-1], following):
                break
            chain.append(following)
        return chain

    def _out_of_plane(self, positions: Array, middle: int) -> tuple[int, int, int, int] | None:
        """Describe how far an atom of three neighbours is out of their plane, as a dihedral angle."""

        def sine(*atoms: int) -> float:
            return float(np.sin(_angles(positions[[atoms]])[0]))

        found = []
        for axis in self._near[middle]:
            first, last = (atom for atom in self._near[middle] if atom != axis)
            found.append(
                (min(sine(first, middle, axis), sine(middle, axis, last)), (first, middle, axis, last))
            )
        depth, best = max(found)
        return best if depth > _SHALLOW else None

    def _bend_axes(self, positions: Array, before: Internal | None) -> tuple[Array, Array]:
        """Choose two directions across each straight angle, shape (bends, 3) each; those before are kept."""
        known = (
            {}
            if before is None
            else dict(zip(map(tuple, before.bends.tolist()), before.axes[0], strict=True))
        )
        firsts, seconds = np.zeros((len(self.bends), 3)), np.zeros((len(self.bends), 3))
        for number, (left, middle, right) in enumerate(self.bends.tolist()):
            along = positions[right] - positions[left]
            along /= np.linalg.norm(along)
            helper = known.get((left, middle, right), np.eye(3)[int(np.argmin(np.abs(along)))])
            across = helper - (helper @ along) * along
            firsts[number] = across / np.linalg.norm(across)
            seconds[number] = np.cross(along, firsts[number])
        return firsts, seconds


class Cartesian:
    """The positions of all atoms that may move.

    Args:
        numbers: atomic numbers, shape (atoms,).
        frozen: the atoms that may not move, from 0; not all of them.
        lattice: the cell's vectors as rows, which stay; None: a molecule.
    """

    name = "Cartesian coordinates"

    def __init__(self, numbers: Numbers, frozen: tuple[int, ...] = (), lattice: Array | None = None) -> None:
        self._numbers = numbers
        self._frozen = frozen
        self._lattice = lattice
        every = np.arange(3 * len(numbers))
        self._free = np.delete(every.reshape(-1, 3), frozen, axis=0).ravel()

    def renewed(self, positions: Array) -> Cartesian:
        """Describe the same structure at another geometry."""
        del positions
        return self

    def is_outdated(self, positions: Array) -> bool:
        """Return false: they describe everything."""
        del positions
        return False

    def names(self) -> list[Name]:
        """Name no coordinate: their Hessian remembers geometries long left, and is guessed anew."""
        return []

    def values(self, positions: Array) -> Array:
        """Read the coordinates, shape (coordinates,)."""
        return positions.ravel()[self._free]

    def difference(self, after: Array, before: Array) -> Array:
        """Subtract values."""
        return after - before

    def guess(self, positions: Array) -> Array:
        """Guess the Hessian, shape (coordinates, coordinates)."""
        return _stiff(model_hessian(self._numbers, positions, self._lattice)[np.ix_(self._free, self._free)])

    def tangent(self, positions: Array) -> Tangent:
        """Relate coordinates, positions and steps."""
        # In a cell that stays, turning what is in it costs energy.
        rigid = rigid_motions(positions, self._frozen, turns=self._lattice is None)[self._free]
        lift = np.zeros((positions.size, len(self._free)))
        lift[self._free, np.arange(len(self._free))] = 1.0
        return Tangent(lift, np.eye(len(self._free)) - rigid @ rigid.T, rigid)


def rigid_motions(positions: Array, frozen: tuple[int, ...] = (), *, turns: bool = True) -> Array:
    """Translations, and rotations unless `turns` is false, that leave frozen atoms where they are.

    Orthonormal, shape (3 atoms, 0 to 6): 5 or 6 where none is frozen, 3 around one, 1 around an axis.
    """
    centred = positions - positions.mean(axis=0)
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    if turns:
        motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    basis, sizes, _ = np.linalg.svd(np.array(motions).T, full_matrices=False)
    basis = basis[:, sizes > _SAME * sizes[0]]
    if not frozen:
        return np.asarray(basis)
    held = basis.reshape(len(positions), 3, -1)[list(frozen)].reshape(3 * len(frozen), -1)
    _, sizes, kinds = np.linalg.svd(held)
    return np.asarray(basis @ kinds[np.count_nonzero(sizes > _SAME) :].T)


def _stiff(model: Array) -> Array:
    """Make a Hessian stiff in every direction."""
    values, vectors = np.linalg.eigh(model)
    return np.asarray((vectors * np.maximum(values, SOFTEST)) @ vectors.T)


def _array(rows: Iterable[Sequence[int]], size: int) -> Indices:
    return np.array(list(rows), dtype=np.int64).reshape(-1, size)


def _scattered(rows: Indices, derivatives: tuple[Array, ...], atoms: int) -> Array:
    """Write derivatives by the atoms of each coordinate as rows of a matrix, shape (coordinates, 3 atoms)."""
    matrix = np.zeros((len(rows), atoms, 3))
    for column, derivative in zip(rows.T, derivatives, strict=True):
        matrix[np.arange(len(rows)), column] = derivative
    return matrix.reshape(len(rows), 3 * atoms)


def _bonds(points: Array) -> Array:
    """Distances of pairs, from shape (pairs, 2, 3)."""
    return np.asarray(np.linalg.norm(points[:, 0] - points[:, 1], axis=1))


def _angles(points: Array) -> Array:
    """Angles at the middle ones, from shape (triples, 3, 3); precise near 0 and pi."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    return np.asarray(np.arctan2(np.linalg.norm(_cross(first, second), axis=1), _dots(first, second)))


def _bend(points: Array, axes: Array) -> Array:
    """Bends of nearly straight angles towards one direction each, shape (triples, 3)."""
    first, second = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    return _dots(_unit(first)[0] + _unit(second)[0], axes)


def _dihedrals(points: Array) -> Array:
    """Dihedral angles, -pi to pi, from shape (quadruples, 4, 3); precise near 0 and pi."""
    first, axis, second = _arms(points)
    one, other = _cross(first, axis), _cross(second, axis)
    sines = _dots(_cross(one, other), axis) / np.linalg.norm(axis, axis=1)
    return np.asarray(np.arctan2(sines, _dots(one, other)))


def _bond_derivatives(points: Array) -> tuple[Array, Array]:
    along, _ = _unit(points[:, 0] - points[:, 1])
    return along, -along


def _angle_derivatives(points: Array) -> tuple[Array, Array, Array]:
    """Derivatives by each of the three atoms; they must not be on a line."""
    first, one_length = _unit(points[:, 0] - points[:, 1])
    second, other_length = _unit(points[:, 2] - points[:, 1])
    cosines = _dots(first, second)[:, None]
    sines = np.linalg.norm(_cross(first, second), axis=1)[:, None]
    one = (cosines * first - second) / (one_length * sines)
    other = (cosines * second - first) / (other_length * sines)
    return one, -(one + other), other


def _bend_derivatives(points: Array, axes: Array) -> tuple[Array, Array, Array]:
    first, one_length = _unit(points[:, 0] - points[:, 1])
    second, other_length = _unit(points[:, 2] - points[:, 1])
    one = (axes - _dots(first, axes)[:, None] * first) / one_length
    other = (axes - _dots(second, axes)[:, None] * second) / other_length
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

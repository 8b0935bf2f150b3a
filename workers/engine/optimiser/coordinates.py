"""Coordinates that steps are taken in: internal ones of a molecule, and Cartesian ones.

Lengths are in bohr, angles in radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workers.engine.molecule.connectivity import bonds, relative_distances
from workers.engine.optimiser import primitives
from workers.engine.optimiser.model_hessian import model_hessian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
# Of coordinates between atoms at covalent distances, hartree/bohr^2 and hartree/rad^2.
FORCE_CONSTANTS = {
    "bond": 0.45,
    "angle": 0.15,
    "bend": 0.15,
    "other bend": 0.15,
    "dihedral": 0.01,
    "plane": 0.05,
}
_UNSEEN = 1e-3  # an eigenvalue of B'B: no coordinate changes with this motion
_SINGULAR = 1e-5
_SHALLOW = 0.1  # a sine: at such an angle an out-of-plane coordinate is undefined
_TWO, _THREE = 2, 3  # neighbours
_SAME = 1e-6  # the share of a motion that is none


class NoCoordinates(Exception):
    """Raised when internal coordinates do not describe a structure."""


@dataclass(frozen=True, slots=True)
class Tangent:
    """The linear relations between coordinates q and positions x of the atoms that may move, at one geometry.

    Rigid motions change no coordinate; moves that answer to changes of coordinates have nothing of them.
    """

    rows: Array  # dq = rows @ dx, shape (coordinates, free), free = 3 atoms that may move
    rigid: Array  # dx of rigid motions, orthonormal, shape (free, 0 to 6)
    metric: Array  # what moves are measured by: changes of coordinates, shape (free, free)
    inverse: Array  # of the metric

    def move(self, change: Array) -> Array:
        """Return the dx that changes coordinates by nearly as much as this dq."""
        return np.asarray(self.inverse @ (self.rows.T @ change))

    def slope(self, gradient: Array) -> Array:
        """Differentiate by coordinates what has this derivative by x."""
        return np.asarray(self.rows @ (self.inverse @ gradient))


class _Kind(NamedTuple):
    """The coordinates of one kind; its functions take points of shape (coordinates, atoms of each, 3)."""

    name: str
    atoms: Indices
    values: Callable[[Array], Array]
    derivatives: Callable[[Array], tuple[Array, ...]]


class Internal:
    """Internal coordinates of molecules.

    Bonds, angles, dihedral angles, for straight angles their bends in two planes, for planar atoms without a
    dihedral angle one out of the plane, and Cartesian directions for every motion that none of these sees,
    as those of molecules against each other.

    Args:
        numbers: atomic numbers, shape (atoms,).
        positions: the geometry, shape (atoms, 3).
        frozen: the atoms that may not move, from 0; not all of them.
        before: the coordinates that described the structure up to here.

    Raises:
        NoCoordinates: the structure needs too many coordinates.
    """

    name = "internal coordinates"

    def __init__(
        self,
        numbers: Numbers,
        positions: Array,
        frozen: tuple[int, ...] = (),
        before: Internal | None = None,
    ) -> None:
        self._numbers, self._frozen, self.free = numbers, frozen, free_coordinates(len(numbers), frozen)
        bonded = bonds(numbers, positions)
        self._near = [np.flatnonzero(row).tolist() for row in bonded]
        triples = [(i, j, k) for j, near in enumerate(self._near) for i, k in combinations(near, 2)]
        self._triples = primitives.indices(triples, 3)
        self.straight: frozenset[Triple] = self._straight_at(
            positions, before.straight if before else frozenset()
        )
        # A straight angle at an atom with more neighbours is left out: the others describe what it would.
        bends = [triple for triple in sorted(self.straight) if len(self._near[triple[1]]) == _TWO]
        torsions = list(self._torsions())
        inner = {atom for torsion in torsions for atom in torsion[1:3]}
        flat = [atom for atom, near in enumerate(self._near) if len(near) == _THREE and atom not in inner]
        planes = [plane for atom in flat if (plane := self._out_of_plane(positions, atom))]
        self.axes: dict[Triple, Array] = self._bend_axes(positions, bends, before.axes if before else {})
        firsts = np.array([self.axes[triple] for triple in bends]).reshape(-1, 3)
        ends = positions[primitives.indices(bends, 3)]
        self._kinds = [
            _Kind("bond", np.argwhere(np.triu(bonded)), primitives.lengths, primitives.bond_derivatives),
            _Kind(
                "angle",
                primitives.indices([triple for triple in triples if triple not in self.straight], 3),
                primitives.angles,
                primitives.angle_derivatives,
            ),
            *(
                _Kind(
                    name,
                    primitives.indices(bends, 3),
                    partial(primitives.bends, axes=axes),
                    partial(primitives.bend_derivatives, axes=axes),
                )
                for name, axes in zip(("bend", "other bend"), primitives.across(ends, firsts), strict=True)
            ),
            *(
                _Kind(
                    name,
                    primitives.indices(found, 4),
                    primitives.dihedrals,
                    primitives.dihedral_derivatives,
                )
                for name, found in (("dihedral", torsions), ("plane", planes))
            ),
        ]
        rows = sum(len(kind.atoms) for kind in self._kinds)
        if rows > min(MAX_ROWS, MAX_ROWS_PER_ATOM * len(numbers)):
            raise NoCoordinates(f"it would take {rows} coordinates")
        self._around = slice(rows - len(torsions) - len(planes), rows)
        self._unseen = np.zeros((0, len(self.free)))
        derivatives, rigid = self.derivatives(positions), self._rigid(positions)
        values, vectors = np.linalg.eigh(derivatives.T @ derivatives + rigid @ rigid.T)
        self._unseen = vectors[:, values < _UNSEEN].T

    def names(self) -> list[Name]:
        """Name the coordinates, all but those of unseen motions."""
        return [(kind.name, *atoms) for kind in self._kinds for atoms in kind.atoms.tolist()]

    def renewed(self, positions: Array) -> Internal:
        """Describe the same structure at another geometry."""
        return Internal(self._numbers, positions, self._frozen, self)

    def is_outdated(self, positions: Array) -> bool:
        """Whether an angle became straight, or ceased to be."""
        return self._straight_at(positions, self.straight) != self.straight

    def values(self, positions: Array) -> Array:
        """Evaluate the coordinates, shape (coordinates,)."""
        found = [kind.values(positions[kind.atoms]) for kind in self._kinds]
        return np.concatenate([*found, self._unseen @ positions.ravel()[self.free]])

    def difference(self, after: Array, before: Array) -> Array:
        """Subtract values, dihedral angles along the shorter way."""
        found = after - before
        found[self._around] -= 2 * np.pi * np.rint(found[self._around] / (2 * np.pi))
        return found

    def derivatives(self, positions: Array) -> Array:
        """Differentiate by positions of atoms that may move, but for rigid motions.

        Returns:
            Shape (coordinates, 3 atoms that may move).
        """
        found = [
            primitives.scattered(kind.atoms, kind.derivatives(positions[kind.atoms]), len(positions))
            for kind in self._kinds
        ]
        matrix = np.concatenate([*(rows[:, self.free] for rows in found), self._unseen])
        rigid = self._rigid(positions)
        return np.asarray(matrix - (matrix @ rigid) @ rigid.T)

    def guess(self, positions: Array) -> Array:
        """Guess the Hessian, shape (coordinates, coordinates)."""
        firm = np.exp(1.0 - relative_distances(self._numbers, positions))
        constants = [
            FORCE_CONSTANTS[kind.name] * np.prod([firm[pair] for pair in pairwise(kind.atoms.T)], axis=0)
            for kind in self._kinds
        ]
        hessian = np.diag(np.concatenate([*constants, np.zeros(len(self._unseen))]))
        if len(self._unseen):
            model = model_hessian(self._numbers, positions)[np.ix_(self.free, self.free)]
            unseen = self._unseen @ model @ self._unseen.T
            hessian[-len(unseen) :, -len(unseen) :] = _stiff(unseen)
        return hessian

    def tangent(self, positions: Array) -> Tangent:
        """Relate coordinates, positions and steps.

        Raises:
            NoCoordinates: a motion changes no coordinate.
        """
        rows, rigid = self.derivatives(positions), self._rigid(positions)
        metric = rows.T @ rows + rigid @ rigid.T
        try:
            depth = np.min(np.diag(np.linalg.cholesky(metric))) ** 2
        except np.linalg.LinAlgError:
            depth = 0.0
        if depth < _SINGULAR:
            raise NoCoordinates("a motion changes no coordinate")
        return Tangent(rows, rigid, metric, np.asarray(np.linalg.inv(metric), dtype=np.float64))

    def _rigid(self, positions: Array) -> Array:
        return rigid_motions(positions, self._frozen)[self.free]

    def _straight_at(self, positions: Array, before: frozenset[Triple]) -> frozenset[Triple]:
        angles = primitives.angles(positions[self._triples])
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
            return float(np.sin(primitives.angles(positions[[atoms]])[0]))

        found = []
        for axis in self._near[middle]:
            first, last = (atom for atom in self._near[middle] if atom != axis)
            found.append(
                (min(sine(first, middle, axis), sine(middle, axis, last)), (first, middle, axis, last))
            )
        depth, best = max(found)
        return best if depth > _SHALLOW else None

    @staticmethod
    def _bend_axes(positions: Array, bends: list[Triple], known: dict[Triple, Array]) -> dict[Triple, Array]:
        """Choose a direction across each straight angle; those known are kept, as far as they are across."""
        usual, _ = primitives.across(positions[primitives.indices(bends, 3)])
        return {triple: known.get(triple, axis) for triple, axis in zip(bends, usual, strict=True)}


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
        self.free = free_coordinates(len(numbers), frozen)

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
        return positions.ravel()[self.free]

    def difference(self, after: Array, before: Array) -> Array:
        """Subtract values."""
        return after - before

    def guess(self, positions: Array) -> Array:
        """Guess the Hessian, shape (coordinates, coordinates)."""
        return _stiff(model_hessian(self._numbers, positions, self._lattice)[np.ix_(self.free, self.free)])

    def tangent(self, positions: Array) -> Tangent:
        """Relate coordinates, positions and steps."""
        # In a cell that stays, turning what is in it costs energy.
        rigid = rigid_motions(positions, self._frozen, turns=self._lattice is None)[self.free]
        same = np.eye(len(self.free))
        return Tangent(same - rigid @ rigid.T, rigid, same, same)


def free_coordinates(atoms: int, frozen: tuple[int, ...]) -> Indices:
    """List the Cartesian coordinates of the atoms that may move."""
    return np.delete(np.arange(3 * atoms).reshape(-1, 3), frozen, axis=0).ravel()


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

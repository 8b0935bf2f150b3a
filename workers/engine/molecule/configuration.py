"""Chirality of a molecule by its stereocentres, whatever its conformers look like.

Fixed are: four neighbours of a tetrahedral atom; three neighbours and the lone pair of P, As, Sb, S, Se and
Te (nitrogen inverts); the ends of an allene; and the two rings of a biaryl with three or four substituents
next to the bond between them.  All else turns.  The molecule is achiral if an automorphism of its graph of
bonds inverts each of these.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, count
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.connectivity import RADII_ANGSTROM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

# Atoms are bonded up to this many times the sum of their covalent radii.
_STRETCH = 1.25
_PYRAMIDAL = frozenset({15, 33, 51, 16, 34, 52})
_CARBON = 6
_LONE_PAIR = -1
# What three unit vectors must span to be no plane.
_FLAT = 0.2
_STRAIGHT = -0.95  # the cosine of an allene's angle, at most
_HINDERED = 3
_RING = 8
_FEWEST, _MOST = 3, 4  # neighbours of a centre
# How many atoms the search for an automorphism may place before it gives up.
MAX_PLACED = 20_000


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre of chirality: four neighbours that are fixed in space."""

    atoms: frozenset[int]  # that they are neighbours of: one, or the two ends of an axis
    neighbours: tuple[int, int, int, int]
    sign: int  # 1 or -1, by the order of the neighbours


def is_achiral(numbers: NDArray[np.int32], positions: Array) -> bool | None:
    """Whether a molecule's configuration is its own mirror image.

    Args:
        numbers: the atomic numbers, shape (atoms,).
        positions: in Å, shape (atoms, 3).

    None: unknown, because an atom has more than four neighbours, or the search was too long.
    """
    graph = Graph(numbers, positions)
    if any(len(found) > _MOST for found in graph.neighbours):
        return None
    centres = {centre.atoms: centre for centre in _centres(graph)}
    if not centres:
        return True
    return False if _is_unbalanced(graph, centres.values()) else _Search(graph, centres).succeeds()


class Graph:
    """Atoms and their bonds."""

    def __init__(self, numbers: NDArray[np.int32], positions: Array) -> None:
        self.numbers: list[int] = numbers.tolist()
        self.positions = positions
        radii = RADII_ANGSTROM[numbers - 1] * _STRETCH
        bonded = np.linalg.norm(positions[:, None] - positions, axis=2) < radii[:, None] + radii
        np.fill_diagonal(bonded, val=False)
        self.neighbours: list[list[int]] = [np.flatnonzero(row).tolist() for row in bonded]

    @cached_property
    def colours(self) -> list[int]:
        """Classes of atoms: those of one class have neighbours of equal classes, to any distance."""
        colours = _numbered([(z, len(found)) for z, found in zip(self.numbers, self.neighbours, strict=True)])
        while True:
            finer = _numbered(
                [
                    (colour, tuple(sorted(colours[other] for other in found)))
                    for colour, found in zip(colours, self.neighbours, strict=True)
                ]
            )
            if len(set(finer)) == len(set(colours)):
                return colours
            colours = finer

    def is_leaf(self, atom: int) -> bool:
        """Whether an atom has one neighbour only."""
        return len(self.neighbours[atom]) == 1

    def has_twins(self, atoms: Sequence[int]) -> bool:
        """Whether two of these are leaves of one element: to exchange them changes nothing else."""
        leaves = [self.numbers[atom] for atom in atoms if self.is_leaf(atom)]
        return len(set(leaves)) < len(leaves)

    def towards(self, start: int, goal: int) -> Array:
        """The direction from one atom to another."""
        way = self.positions[goal] - self.positions[start]
        return np.asarray(way / np.linalg.norm(way))

    def are_in_ring(self, start: int, goal: int, without: frozenset[int]) -> bool:
        """Whether a short way leads from one atom to another, not by their bond nor through `without`."""
        reached, seen = {start}, {start, *without}
        for step in range(_RING - 2):
            reached = {
                other
                for atom in reached
                for other in self.neighbours[atom]
                if other not in seen and (step or other != goal)
            }
            if goal in reached:
                return True
            seen |= reached
        return False


def _numbered(keys: list[tuple[object, ...]]) -> list[int]:
    """Number different keys."""
    numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
    return [numbers[key] for key in keys]


def _centres(graph: Graph) -> Iterator[Centre]:
    """Find what is fixed, and not exchanged freely with its like."""
    for atom, found in enumerate(graph.neighbours):
        ways = [graph.towards(atom, other) for other in found]
        if graph.has_twins(found):
            continue
        if len(found) == _MOST:
            yield from _centre({atom}, found, [way - ways[3] for way in ways[:3]])
        elif len(found) == _FEWEST and graph.numbers[atom] in _PYRAMIDAL:
            yield from _centre({atom}, [*found, _LONE_PAIR], ways)
        elif graph.numbers[atom] == _CARBON and len(found) == 2 and ways[0] @ ways[1] < _STRAIGHT:  # noqa: PLR2004
            yield from _axis(graph, {atom}, found[0], found[1], {atom})
    for one, found in enumerate(graph.neighbours):
        for other in found:
            if one < other and _is_hindered(graph, one, other):
                yield from _axis(graph, {one, other}, one, other, {one, other})


def _axis(graph: Graph, atoms: set[int], one: int, other: int, between: set[int]) -> Iterator[Centre]:
    """Make a centre of the four neighbours at the ends of an axis."""
    ends = [[atom for atom in graph.neighbours[end] if atom not in between] for end in (one, other)]
    if [len(end) for end in ends] == [2, 2] and not any(map(graph.has_twins, ends)):
        (a, b), (c, d) = ends
        ways = [graph.towards(a, b), graph.towards(c, d), graph.towards(one, other)]
        yield from _centre(atoms, [a, b, c, d], ways)


def _centre(atoms: set[int], four: Sequence[int], spanned: Sequence[Array]) -> Iterator[Centre]:
    """Make a centre of four neighbours, if they are not in a plane."""
    volume = float(np.linalg.det(np.array(spanned)))
    if abs(volume) > _FLAT:
        a, b, c, d = four
        yield Centre(frozenset(atoms), (a, b, c, d), 1 if volume > 0 else -1)


def _is_hindered(graph: Graph, one: int, other: int) -> bool:
    """Whether a single bond joins two rings that three or four substituents next to it keep from turning."""
    beside = [
        [atom for atom in graph.neighbours[end] if atom != far] for end, far in ((one, other), (other, one))
    ]
    if [len(found) for found in beside] != [2, 2]:
        return False
    ends = zip((one, other), beside, strict=True)
    are_rings = all(graph.are_in_ring(a, b, without=frozenset({end})) for end, (a, b) in ends)
    if not are_rings or graph.are_in_ring(one, other, without=frozenset()):
        return False
    around = [graph.neighbours[atom] for found in beside for atom in found]
    heavy = [sum(graph.numbers[atom] > 1 for atom in found) for found in around]
    return sum(number >= _FEWEST for number in heavy) >= _HINDERED


def _is_unbalanced(graph: Graph, centres: Iterable[Centre]) -> bool:
    """Whether some class of centres, with four different neighbours each, has more of one hand."""
    balance: Counter[tuple[int, ...]] = Counter()
    for centre in centres:
        colours = [graph.colours[atom] if atom != _LONE_PAIR else _LONE_PAIR for atom in centre.neighbours]
        if len(set(colours)) == _MOST:
            kind = tuple(sorted(graph.colours[atom] for atom in centre.atoms))
            balance[kind] += centre.sign * _parity(colours)
    return any(balance.values())


def _parity(order: Sequence[int]) -> int:
    """1 if an even number of exchanges sorts different numbers, else -1."""
    return -1 if sum(a > b for a, b in combinations(order, 2)) % 2 else 1


class _Search:
    """Looks for an automorphism that inverts all centres: atoms that are no leaves are placed one by one."""

    def __init__(self, graph: Graph, centres: dict[frozenset[int], Centre]) -> None:
        self._graph = graph
        self._centres = centres
        self._order, self._parents = self._ordered()
        place = {atom: at for at, atom in enumerate(self._order)}
        self._due: list[list[Centre]] = [[] for _ in self._order]
        for centre in centres.values():
            held = [atom for atom in (*centre.atoms, *centre.neighbours) if atom in place]
            self._due[max(place[atom] for atom in held)].append(centre)
        self._images: dict[int, int] = {}

    def succeeds(self) -> bool | None:
        """Whether there is one; None: it was given up."""
        ways = [self._candidates(0)]
        for placed in count():
            if placed > MAX_PLACED:
                return None
            at = len(ways) - 1
            self._images.pop(self._order[at], None)
            image = next(ways[-1], None)
            if image is None:
                ways.pop()
                if not ways:
                    return False
                continue
            self._images[self._order[at]] = image
            if not all(map(self._is_inverted, self._due[at])):
                continue
            if len(ways) == len(self._order):
                return True
            ways.append(self._candidates(at + 1))
        return None

    def _ordered(self) -> tuple[list[int], dict[int, int]]:
        """Order the atoms of molecules with a centre, each after one of its neighbours, centres' first."""
        graph, order = self._graph, list[int]()
        parents: dict[int, int] = {}
        common = Counter(graph.colours)
        starts = sorted({min(atoms) for atoms in self._centres}, key=lambda atom: common[graph.colours[atom]])
        seen: set[int] = set()
        for start in starts:
            if start in seen:
                continue
            seen.add(start)
            queue = [start]
            for atom in queue:
                for other in graph.neighbours[atom]:
                    if other not in seen and not graph.is_leaf(other):
                        seen.add(other)
                        parents[other] = atom
                        queue.append(other)
            order += queue
        return order, parents

    def _candidates(self, at: int) -> Iterator[int]:
        """List where an atom may be placed: next to its parent's image, with all bonds to what is placed."""
        graph, atom = self._graph, self._order[at]
        parent = self._parents.get(atom)
        near = self._order if parent is None else graph.neighbours[self._images[parent]]
        taken = set(self._images.values())
        bonded = {self._images[other] for other in graph.neighbours[atom] if other in self._images}
        for image in near:
            is_like = graph.colours[image] == graph.colours[atom] and image not in taken
            if is_like and bonded <= set(graph.neighbours[image]):
                yield image

    def _is_inverted(self, centre: Centre) -> bool:
        """Whether a centre is placed onto one of the other hand."""
        target = self._centres.get(frozenset(self._images[atom] for atom in centre.atoms))
        images = [self._image(atom) for atom in centre.neighbours]
        if target is None or set(images) != set(target.neighbours):
            return False
        order = [target.neighbours.index(image) for image in images]
        return target.sign * _parity(order) == -centre.sign

    def _image(self, atom: int) -> int:
        """Find where a neighbour of a centre goes; a leaf goes along with the atom it is bonded to."""
        if atom == _LONE_PAIR or atom in self._images:
            return self._images.get(atom, _LONE_PAIR)
        graph = self._graph
        held = self._images[graph.neighbours[atom][0]]
        return next(
            (other for other in graph.neighbours[held] if graph.colours[other] == graph.colours[atom]),
            _LONE_PAIR,
        )

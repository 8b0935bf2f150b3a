"""Superposition of two structures of the same atoms, in which atoms of one element can be exchanged.

Atoms of one element are exchanged as they come to lie, which nothing but an automorphism of the molecule
does at the distances that count here.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workers.engine.arrays import Array

    Numbers = NDArray[np.int32]

# How far an atom may be from its counterpart: what loose optimisations leave, twice over in a mirror image.
SAME_ANGSTROM = 0.25
# How far at first, before all atoms have turned one structure onto the other.
_ROUGH_ANGSTROM = 1.0
_ROUNDS = 4
_OFF_AXIS_ANGSTROM = 0.6
# How many ways of laying a structure on its mirror image are tried: enough for 60 atoms that are all alike.
MAX_TURNS = 4_000


def is_chiral(numbers: Numbers, positions: Array) -> bool | None:
    """Whether a structure differs from its mirror image; positions in Å, shape (atoms, 3).

    None: too many of its atoms are alike to try all ways of laying them on each other.
    """
    centred = positions - positions.mean(axis=0)
    flattest = np.linalg.svd(centred, full_matrices=False)[2][-1]
    if len(numbers) <= 3 or np.max(np.abs(centred @ flattest)) <= SAME_ANGSTROM / 2:  # noqa: PLR2004
        return False
    first, second = (
        _alike(numbers, centred, numbers[atom], centred[atom]) for atom in _landmarks(numbers, centred)
    )
    if len(first) * len(second) > MAX_TURNS:
        return None
    return not are_superimposable(numbers, positions, numbers, -positions)


def are_superimposable(numbers: Numbers, positions: Array, others: Numbers, onto: Array) -> bool:
    """Whether a rotation takes a structure onto another, each atom within `SAME_ANGSTROM` of one like it.

    Args:
        numbers: the atomic numbers of the one, which is not linear.
        positions: its positions in Å.
        others: the atomic numbers of the other.
        onto: its positions.
    """
    one, other = positions - positions.mean(axis=0), onto - onto.mean(axis=0)
    if not _may_match(numbers, one, others, other):
        return False
    first, second = _landmarks(numbers, one)
    targets = [_alike(others, other, numbers[atom], one[atom]) for atom in (first, second)]
    apart = np.linalg.norm(one[first] - one[second])
    for pair in product(*targets):
        between = np.linalg.norm(other[pair[0]] - other[pair[1]])
        if pair[0] != pair[1] and abs(between - apart) <= 2 * SAME_ANGSTROM:
            turn = axes(*other[list(pair)]) @ axes(one[first], one[second]).T
            if _fits(numbers, one, others, other, turn):
                return True
    return False


def _may_match(numbers: Numbers, one: Array, others: Numbers, other: Array) -> bool:
    """Whether the atoms of each element are as far from the centre in both."""
    if not np.array_equal(np.sort(numbers), np.sort(others)):
        return False
    radii, other_radii = (np.linalg.norm(places, axis=1) for places in (one, other))
    return all(
        np.max(np.abs(np.sort(radii[numbers == number]) - np.sort(other_radii[others == number])))
        <= SAME_ANGSTROM
        for number in set(numbers.tolist())
    )


def _landmarks(numbers: Numbers, places: Array) -> tuple[int, int]:
    """Choose two atoms with few like them, far from the centre, and not on one line with it."""
    radii = np.linalg.norm(places, axis=1)
    are_alike = (np.abs(radii[:, None] - radii) <= SAME_ANGSTROM) & (numbers[:, None] == numbers)
    alike = are_alike.sum(axis=1)
    order = sorted(range(len(places)), key=lambda atom: (alike[atom], -radii[atom]))
    first = next((atom for atom in order if radii[atom] > _OFF_AXIS_ANGSTROM), int(np.argmax(radii)))
    off = np.linalg.norm(np.cross(places[first] / radii[first], places), axis=1)
    second = next((atom for atom in order if off[atom] > _OFF_AXIS_ANGSTROM), int(np.argmax(off)))
    return first, second


def _alike(numbers: Numbers, places: Array, number: int, place: Array) -> Sequence[int]:
    """List the atoms of an element that are as far from the centre as a place."""
    near = np.abs(np.linalg.norm(places, axis=1) - np.linalg.norm(place)) <= SAME_ANGSTROM
    found: list[int] = np.flatnonzero(near & (numbers == number)).tolist()
    return found


def axes(first: Array, second: Array) -> Array:
    """Return three orthogonal axes, as columns: along a first vector, and normal to the plane of both."""
    along = first / np.linalg.norm(first)
    normal = _cross(first, second)
    normal /= np.linalg.norm(normal) or 1.0
    return np.stack([along, normal, _cross(along, normal)], axis=1)


def _cross(one: Array, other: Array) -> Array:
    """Return the cross product of two vectors; numpy's own takes five times as long for so few numbers."""
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return np.array((b * z - c * y, c * x - a * z, a * y - b * x))


def _fits(numbers: Numbers, one: Array, others: Numbers, other: Array, turn: Array) -> bool:
    """Turn one structure, pair atoms that come to lie together, turn it by all of these, and look again."""
    limit, paired = _ROUGH_ANGSTROM, None
    for _ in range(_ROUNDS):
        nearest = counterparts(numbers, one @ turn.T, others, other, limit)
        if nearest is None:
            return False
        if paired is not None and np.array_equal(nearest, paired):
            break
        paired = nearest
        turn = best_turn(one, other[nearest])
    return bool(np.max(np.linalg.norm(one @ turn.T - other[paired], axis=1)) <= SAME_ANGSTROM)


def counterparts(
    numbers: Numbers, places: Array, others: Numbers, onto: Array, limit: float
) -> NDArray[np.intp] | None:
    """Find for each atom the nearest one of the same element in another structure.

    Args:
        numbers: the atomic numbers.
        places: the positions, shape (atoms, 3).
        others: the atomic numbers of the other structure.
        onto: its positions, in the same unit.
        limit: how far an atom may be from its counterpart, in that unit.

    None: an atom has no counterpart within the limit, or two have the same one.
    """
    apart = np.linalg.norm(places[:, None] - onto, axis=2)
    apart[numbers[:, None] != others] = np.inf
    nearest: NDArray[np.intp] = apart.argmin(axis=1)
    if np.max(apart.min(axis=1)) > limit or len(set(nearest.tolist())) < len(places):
        return None
    return nearest


def best_turn(places: Array, onto: Array) -> Array:
    """Return the proper rotation that takes points nearest to others, as a matrix, shape (3, 3).

    W. Kabsch, Acta Cryst. A32 (1976) 922.
    """
    left, _, right = np.linalg.svd(onto.T @ places)
    handed = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return np.asarray(left @ handed @ right)

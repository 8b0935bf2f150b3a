"""Mirror images of conformers: which of those that are not among the results count all the same.

A chiral conformer of a molecule that is not chiral itself has a mirror image of equal energy, into which it
turns.  Searches for conformers keep one of the two; both are there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nox_cli.numbers import Row

# What an input file of the xtb program holds in place, in which a mirror image would not be.
_HELD = re.compile(r"^\s*\$(?:fix|constrain)\b", re.MULTILINE)


class Mirrors:
    """Knows which rows are mirror images of each other, and which count twice."""

    def __init__(self) -> None:
        self.unknown: set[int] = set()  # numbers of jobs whose image may count, which cannot be told
        self._images: dict[frozenset[str], bool] = {}

    def are_images(self, one: Row, other: Row) -> bool:
        """Whether a conformer is the other's mirror image, and not the other itself."""
        pair = frozenset((one.job.id, other.job.id))
        if pair not in self._images:
            self._images[pair] = _are_images(one, other)
        return self._images[pair]

    def degeneracy(self, row: Row, others: Iterable[Row]) -> int:
        """Count a conformer and its mirror image, unless that counts as one of the others, or never does."""
        is_held = row.values.get("is_frozen") or _HELD.search(row.values.get("program_input") or "")
        geometry = row.geometry
        if is_held or geometry is None or not geometry.is_chiral:
            return 1
        if any(self.are_images(row, other) for other in others):
            return 1
        if geometry.is_achiral_molecule is None:
            self.unknown.add(row.job.number)
        return 2 if geometry.is_achiral_molecule else 1


def _are_images(one: Row, other: Row) -> bool:
    first, second = one.geometry, other.geometry
    if one.job.id == other.job.id or first is None or second is None:
        return False
    has_equal_spin = one.values["unpaired_electrons"] == other.values["unpaired_electrons"]
    if not has_equal_spin or not first.is_chiral or not second.is_chiral:
        return False
    return second.is_like(first, mirrored=True) and not second.is_like(first)

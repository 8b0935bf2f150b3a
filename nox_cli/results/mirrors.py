"""Mirror images of conformers, which count in Boltzmann weights even where they are not among the results.

A chiral conformer of a molecule that is not chiral itself has a mirror image of equal energy, into which it
turns.  Searches for conformers keep one of the two, but both exist.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from nox_cli.results.geometry import WITHIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.results.geometry import Moments
    from nox_cli.results.rows import Row

# Sections of an input file of the xtb program that fix atoms: the molecule cannot turn into its image.
_HELD = re.compile(r"^\s*\$(?:fix|constrain)\b", re.MULTILINE)


class Mirrors:
    """Knows which rows are mirror images of each other, and which count twice."""

    def __init__(self) -> None:
        self.unknown: set[int] = set()  # numbers of jobs whose chirality is not clear
        self._images: dict[frozenset[str], bool] = {}

    def are_images(self, one: Row, other: Row) -> bool:
        """Whether a conformer is the other's mirror image, and not the other itself."""
        pair = frozenset((one.job.id, other.job.id))
        if pair not in self._images:
            self._images[pair] = _are_images(one, other)
        return self._images[pair]

    def degeneracies(self, rows: Sequence[Row]) -> list[int]:
        """Count each conformer, and its mirror image unless that is among the rows or is never reached."""
        paired = self._paired(rows)
        return [1 if row.job.id in paired else self._degeneracy(row) for row in rows]

    def _paired(self, rows: Sequence[Row]) -> set[str]:
        """Find the jobs whose mirror images are among the rows; only what is about as large is compared."""
        largest = {row.job.id: moments[-1] for row in rows if (moments := _moments_if_chiral(row))}
        chiral = sorted((row for row in rows if row.job.id in largest), key=lambda row: largest[row.job.id])
        found: set[str] = set()
        for at, row in enumerate(chiral):
            for other in islice(chiral, at + 1, None):
                if largest[row.job.id] < largest[other.job.id] * (1 - WITHIN):
                    break
                if self.are_images(row, other):
                    found |= {row.job.id, other.job.id}
        return found

    def _degeneracy(self, row: Row) -> int:
        is_held = row.record.is_frozen or _HELD.search(row.record.program_input or "")
        geometry = row.geometry
        if is_held or geometry is None or geometry.is_chiral is False:
            return 1
        counts_twice = geometry.is_chiral and geometry.is_achiral_molecule
        if counts_twice is None:
            self.unknown.add(row.job.number)
        return 2 if counts_twice else 1


def _moments_if_chiral(row: Row) -> Moments | None:
    return row.geometry.moments if row.geometry is not None and row.geometry.is_chiral else None


def _are_images(one: Row, other: Row) -> bool:
    first, second = one.geometry, other.geometry
    if one.job.id == other.job.id or first is None or second is None:
        return False
    has_equal_spin = one.record.unpaired_electrons == other.record.unpaired_electrons
    if not has_equal_spin or not first.is_chiral or not second.is_chiral:
        return False
    return second.is_like(first, mirrored=True) and not second.is_like(first)

"""Cells of crystals: which are refused, and which atoms lie on each other across a border."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from workers.engine.molecule.cells import check_crystal, check_lattice, volume
from workers.errors import InputRefused
from workers.spec import ChemistrySpec, Structure

if TYPE_CHECKING:
    from workers.spec import Lattice, Vector

CUBE: Lattice = ((5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 5.0))
SHEARED: Lattice = ((5.0, 0.0, 0.0), (2.0, 5.0, 0.0), (-1.0, 1.5, 5.0))
TWO: list[Vector] = [(0.0, 0.0, 0.0), (2.5, 2.5, 2.5)]


def check(positions: list[Vector], lattice: Lattice = CUBE, **changes: Any) -> None:
    """Check a crystal of helium."""
    helium = Structure(symbols=("He",) * len(positions), positions_angstrom=tuple(positions))
    asked: dict[str, Any] = {"kind": "sp", "structure": helium} | changes
    check_crystal(ChemistrySpec(**asked), lattice)


@pytest.mark.parametrize(
    ("lattice", "words"),
    [
        (((5, 0, 0), (0, 5, 0), (5, 5, 0)), "lie in a plane"),
        (((5, 0, 0), (0, 5, 0), (0, 0, 0)), "lie in a plane"),
        (((0, 0, 0), (0, 0, 0), (0, 0, 0)), "lie in a plane"),
        (((5, 0, 0), (0, 5, 0), (0, 0, 1.9)), "faces of the cell are 1.90 Å apart"),
        (((5, 0, 0), (4.9, 1, 0), (0, 0, 5)), "faces of the cell are 1.00 Å apart"),
        (((0, 5, 0), (5, 0, 0), (0, 0, 5)), "left-handed"),
        (((5, 0, 0), (0, 5, 0), (0, 0, -5)), "left-handed"),
        (((5, 0, 0), (0, 5, 0), (0, 0, 60.1)), "60.1 Å long, more than 60 Å"),
        (((5, 0, 0), (0, 5, 0), (0, 0, math.inf)), "not finite"),
        (((5, 0, 0), (0, math.nan, 0), (0, 0, 5)), "not finite"),
        (((5, 0, 0), (0, 1e308, 0), (0, 0, 5)), "long, more than 60 Å"),
    ],
)
def test_cells_what_is_no_sound_cell_is_refused(lattice: Lattice, words: str) -> None:
    """
    Flat, thin, left-handed, huge and infinite cells are each refused for what they are.
    """
    with pytest.raises(InputRefused, match=words):
        check_lattice(lattice)


@pytest.mark.parametrize("lattice", [CUBE, SHEARED, ((60, 0, 0), (0, 2, 0), (0, 0, 2.5))])
def test_sound_cells_pass(lattice: Lattice) -> None:
    """
    Right angles or not, long or short, up to the limits.
    """
    check_lattice(lattice)
    check([(0.0, 0.0, 0.0)], lattice)

    assert volume(lattice) > 0


@pytest.mark.parametrize("lattice", [CUBE, SHEARED])
@pytest.mark.parametrize("by", [(0, 0, 1), (0, -1, 0), (1, 1, 1), (-2, 0, 3)])
@pytest.mark.parametrize("start", [(0.0, 0.0, 0.0), (0.02, 4.99, 2.5), (-0.03, 0.01, 12.0)])
def test_atoms_on_each_other_across_a_border_are_found(
    lattice: Lattice, by: tuple[int, int, int], start: Vector
) -> None:
    """
    Whole vectors apart but for 0.05 Å, they are one atom listed twice; for 0.4 Å they are two.
    """
    moved = [
        sum(n * vector[axis] for n, vector in zip(by, lattice, strict=True)) + start[axis]
        for axis in range(3)
    ]

    def apart(distance: float) -> list[Vector]:
        return [start, (2.4, 2.4, 1.0), (moved[0] + distance, moved[1], moved[2])]

    with pytest.raises(InputRefused, match=r"atoms 1 \(He\) and 3 \(He\) are 0.050 Å apart in neighbouring"):
        check(apart(0.05), lattice)
    check(apart(0.4), lattice)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "hess"}, "frequencies of a crystal"),
        ({"kind": "ohess"}, "frequencies of a crystal"),
        ({"kind": "bhess"}, "frequencies of a crystal"),
        ({"method": "ipea1"}, "cannot be computed with ipea1"),
        ({"method": "gfn0"}, "cannot be computed with gfn0"),
        ({"method": "gfnff"}, "cannot be computed with gfnff"),
        ({"solvation": "alpb", "solvent": "water"}, "no solvent around it"),
        ({"charge": 1}, r"a charge of \+1 in each cell"),
        ({"charge": -2}, "a charge of -2 in each cell"),
    ],
)
def test_cells_what_a_crystal_cannot_have_is_refused(changes: dict[str, Any], words: str) -> None:
    """
    Frequencies, other methods, a solvent and a charge are refused, each by its name.
    """
    check(TWO)
    check(TWO, kind="opt", method="gfn1")
    with pytest.raises(InputRefused, match=words):
        check(TWO, **changes)

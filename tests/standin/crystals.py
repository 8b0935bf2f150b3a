"""Crystals for tests: symbols, positions and the cell's vectors (Å)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin.keepers import calculation

if TYPE_CHECKING:
    from tests.standin.molecules import Structure

Crystal = tuple[list[str], list[list[float]], list[list[float]]]

# Of tblite's own tests (python/tblite/test_ase.py, github.com/tblite/tblite): carbon dioxide of the X23 set
# with its molecules stretched.
CARBON_DIOXIDE: Crystal = (
    ["C"] * 4 + ["O"] * 8,
    [
        [0.9441259872, 0.9437851680, 0.9543505632],
        [3.7179966528, 0.9556570368, 3.7316862240],
        [3.7159517376, 3.7149292800, 0.9692330016],
        [0.9529872864, 3.7220864832, 3.7296981120],
        [1.6213905408, 1.6190616096, 1.6313879040],
        [0.2656685664, 0.2694175776, 0.2776540416],
        [4.3914553920, 1.6346256864, 3.0545920000],
        [3.0440834880, 0.2764611744, 4.4080419264],
        [4.3910577696, 3.0416409504, 0.2881058304],
        [3.0399936576, 4.3879335936, 1.6497353376],
        [0.2741322432, 4.4003734944, 3.0573754368],
        [1.6312174944, 3.0434586528, 4.4023048032],
    ],
    [[5.68032, 0, 0], [0, 5.68032, 0], [0, 0, 5.68032]],
)
# Two molecules in a cell without a right angle, one across a border.
WATERS: Crystal = (
    ["O", "H", "H", "O", "H", "H"],
    [
        [0.1, 0.2, 0.119],
        [0.1, 0.963, -0.477],
        [0.1, -0.563, -0.477],
        [2.6, 0.4, 2.7],
        [2.6, 1.163, 2.1],
        [2.6, -0.363, 2.1],
    ],
    [[5.2, 0, 0], [0.3, 4.4, 0], [0.4, -0.2, 5.1]],
)
AMMONIA: Structure = (
    ["N", "H", "H", "H"],
    [[0, 0, 0.1], [0, 0.95, -0.27], [0.82, -0.475, -0.27], [-0.82, -0.475, -0.27]],
)


def crystal_of(crystal: Crystal, **fields: Any) -> dict[str, Any]:
    """Write the specification of a calculation of a crystal by tblite."""
    symbols, positions, lattice = crystal
    asked = calculation(symbols, positions, engine="tblite", **fields)
    asked["structure"]["lattice_angstrom"] = [[float(value) for value in vector] for vector in lattice]
    return asked

"""Molecules as rigid bodies: what is linear, how heavy it is to turn, how often it looks the same."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.standin import molecules
from workers.engine.molecule.elements import NUMBERS
from workers.engine.molecule.masses import STANDARD_WEIGHTS_U
from workers.engine.vibrations.rigid_body import Body, body, symmetry_number

if TYPE_CHECKING:
    from tests.standin.molecules import Structure


def numbers_and_body(structure: Structure) -> tuple[np.ndarray, Body]:
    """A structure's numbers, and the body they make."""
    numbers = np.array([NUMBERS[symbol] for symbol in structure[0]], dtype=np.int32)
    return numbers, body(numbers, np.array(structure[1], dtype=float) / molecules.BOHR)


def rough(structure: Structure, size: float = 0.01) -> Structure:
    """A structure whose atoms are a little off, turned into no special frame."""
    noise = np.random.default_rng(5).uniform(-size, size, (len(structure[0]), 3))
    symbols, positions = molecules.turned(structure)
    return symbols, (np.array(positions) + noise).tolist()


def ethane(twist: float) -> Structure:
    """Two methyl groups, one of them twisted."""
    rows = [[0, 0, 0.765], [0, 0, -0.765]]
    for side in (1, -1):
        for third in range(3):
            angle = 2 * np.pi * third / 3 + (twist if side < 0 else 0)
            rows.append([1.02 * np.cos(angle), 1.02 * np.sin(angle), side * 1.16])
    return ["C", "C"] + ["H"] * 6, rows


def icosahedron() -> Structure:
    """Twelve boron atoms."""
    golden = (1 + 5**0.5) / 2
    rows = [(0, a, b * golden) for a, b in product((1, -1), repeat=2)]
    return ["B"] * 12, [
        [float(row[i]) for i in turn] for row in rows for turn in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    ]


OCTAHEDRON: Structure = (
    ["S"] + ["F"] * 6,
    [[0, 0, 0], *sorted({p for s in (1.5, -1.5) for p in permutations((s, 0, 0))})],  # type: ignore[list-item]
)
ALLENE: Structure = (
    ["C", "C", "C", "H", "H", "H", "H"],
    [
        [0, 0, 0],
        [0, 0, 1.31],
        [0, 0, -1.31],
        [0.93, 0, 1.87],
        [-0.93, 0, 1.87],
        [0, 0.93, -1.87],
        [0, -0.93, -1.87],
    ],
)
SHAPES: dict[str, tuple[Structure, int]] = {
    "atom": (molecules.HELIUM, 1),
    "hydrogen": (molecules.HYDROGEN, 2),
    "hydroxyl": (molecules.HYDROXYL, 1),
    "hydrogen cyanide": (molecules.HYDROGEN_CYANIDE, 1),
    "acetylene": (molecules.ACETYLENE, 2),
    "water": (molecules.WATER, 2),
    "methanol": (molecules.METHANOL, 1),
    "peroxide": (molecules.PEROXIDE, 2),
    "planar ammonia": (molecules.PLANAR_AMMONIA, 6),
    "ammonium": (molecules.AMMONIUM, 12),
    "allene": (ALLENE, 4),
    "staggered ethane": (ethane(np.pi), 6),
    "eclipsed ethane": (ethane(0.0), 6),
    "twisted ethane": (ethane(0.5), 6),
    "benzene": (molecules.molecule("benzene"), 12),
    "sulfur hexafluoride": (OCTAHEDRON, 24),
    "icosahedron": (icosahedron(), 60),
    "caffeine": (molecules.molecule("caffeine"), 1),
    "glycine": (molecules.molecule("glycine"), 1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_rotations_that_change_nothing_are_counted(name: str) -> None:
    """
    The symmetry number is that of the point group, in any frame, and small deviations do not change it.
    """
    structure, expected = SHAPES[name]

    assert expected == symmetry_number(*numbers_and_body(structure))
    assert expected == symmetry_number(*numbers_and_body(rough(structure)))


def test_an_atom_that_is_another_breaks_the_symmetry() -> None:
    """
    Fluorobenzene turns onto itself once beside the identity, and benzene bent out of shape not at all.
    """
    symbols, positions = molecules.molecule("benzene")
    one_fluorine = [*symbols[:-1], "F"]
    bent = [[*positions[0][:2], positions[0][2] + 0.3], *positions[1:]]

    assert 2 == symmetry_number(*numbers_and_body((one_fluorine, positions)))
    assert 1 == symmetry_number(*numbers_and_body((symbols, bent)))


def test_atoms_in_a_heap_have_a_symmetry_number() -> None:
    """
    Three atoms as near as is let through are counted, not stumbled over.
    """
    heap: Structure = (["H", "He", "Li"], [[0, 0, 0], [0.11, 0, 0], [0, 0.11, 0]])

    assert 1 == symmetry_number(*numbers_and_body(heap))


@pytest.mark.parametrize(
    ("structure", "rotations"),
    [
        (molecules.HELIUM, 0),
        (molecules.NITROGEN, 2),
        (molecules.DIACETYLENE, 2),
        (rough(molecules.DIACETYLENE, 0.004), 2),
        (molecules.WATER, 3),
        (molecules.PLANAR_AMMONIA, 3),
    ],
)
def test_linear_molecules_have_two_rotations(structure: Structure, rotations: int) -> None:
    """
    Atoms have none, linear molecules two, also when they are not perfectly straight, all others three.
    """
    _, shape = numbers_and_body(structure)

    assert rotations == shape.rotations
    assert {0: 0, 2: 1, 3: 3}[rotations] == len(shape.moments_u_angstrom2)


def test_moments_are_those_of_the_textbook() -> None:
    """
    A diatomic's is the reduced mass times the square of the distance; of water the sum of two is the third.
    """
    _, nitrogen = numbers_and_body(molecules.NITROGEN)
    _, water = numbers_and_body(molecules.turned(molecules.WATER))
    low, middle, high = water.moments_u_angstrom2

    assert pytest.approx([14.007 / 2 * 1.3**2]) == list(nitrogen.moments_u_angstrom2)
    assert pytest.approx(high) == low + middle
    assert pytest.approx(18.015) == water.mass_u


def test_every_element_has_its_mass() -> None:
    """
    Masses stand in the order of the elements, hydrogen to radon.
    """
    known = {"H": 1.008, "C": 12.011, "Cl": 35.45, "Fe": 55.845, "Br": 79.904, "I": 126.904, "Rn": 222.018}

    assert 86 == len(STANDARD_WEIGHTS_U)
    for symbol, mass in known.items():
        assert pytest.approx(mass, abs=1e-3) == STANDARD_WEIGHTS_U[NUMBERS[symbol] - 1]

"""Normal modes of bodies whose derivatives are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.standin import molecules
from workers.engine.vibrations.hessian import Derivatives
from workers.engine.vibrations.normal_modes import normal_modes
from workers.engine.vibrations.rigid_body import body

STIFFNESS = 0.4  # hartree/bohr^2
CARBON, OXYGEN = 12.011, 15.999


def carbon_monoxide(stiffness: float = STIFFNESS, charge: float = 0.0) -> Derivatives:
    """Carbon and oxygen along z on a spring, with fixed charges on them."""
    along = np.outer([0, 0, 1, 0, 0, -1], [0, 0, 1, 0, 0, -1])
    return Derivatives(stiffness * along, charge * np.vstack([np.eye(3), -np.eye(3)]))


def test_a_spring_between_two_masses_has_the_frequency_of_the_textbook() -> None:
    """
    One mode, sqrt(k/mu)/(2 pi c); two charges of 0.1 e on it give an intensity of 974.88 q^2/mu km/mol.
    """
    shape = body(np.array([6, 8], dtype=np.int32), np.array([[0.0, 0, 0], [0, 0, 2.1]]))
    modes = normal_modes(carbon_monoxide(charge=0.1), shape)
    reduced = CARBON * OXYGEN / (CARBON + OXYGEN)

    assert (
        pytest.approx([np.sqrt(STIFFNESS / (reduced * 1822.888486)) * 219474.63136]) == modes.frequencies_cm1
    )
    assert pytest.approx([974.8801 * 0.01 / reduced]) == modes.intensities_km_per_mol


def test_a_way_down_is_imaginary() -> None:
    """
    A negative curvature is a negative frequency of the same size.
    """
    shape = body(np.array([6, 8], dtype=np.int32), np.array([[0.0, 0, 0], [0, 0, 2.1]]))
    (down,) = normal_modes(carbon_monoxide(-STIFFNESS), shape).frequencies_cm1
    (up,) = normal_modes(carbon_monoxide(), shape).frequencies_cm1

    assert pytest.approx(up) == -down


@pytest.mark.parametrize(
    ("structure", "count"),
    [(molecules.HELIUM, 0), (molecules.ACETYLENE, 7), (molecules.WATER, 3), (molecules.METHANOL, 12)],
)
def test_motions_of_the_whole_are_no_modes(structure: molecules.Structure, count: int) -> None:
    """
    3N-6 modes, 3N-5 of a linear molecule, none of an atom, even where the whole molecule is held in place.
    """
    positions = np.array(structure[1], dtype=float) / molecules.BOHR
    numbers = np.array([{"H": 1, "He": 2, "C": 6, "O": 8}[symbol] for symbol in structure[0]], dtype=np.int32)
    held = Derivatives(np.eye(positions.size), np.zeros((positions.size, 3)))
    modes = normal_modes(held, body(numbers, positions))

    assert (count,) == modes.frequencies_cm1.shape == modes.intensities_km_per_mol.shape
    assert (modes.frequencies_cm1 > 0).all()

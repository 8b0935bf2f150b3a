"""Thermochemistry against tables of measured gases and against its own limits."""

from __future__ import annotations

import math

import pytest

from workers.engine.molecule.units import HARTREE_PER_KELVIN
from workers.engine.vibrations.thermochemistry import (
    Conditions,
    Corrections,
    Molecule,
    corrections,
    real_modes,
)

JOULE_PER_MOL_K = 8.31446261815324 / HARTREE_PER_KELVIN
BAR = 1e5
# Measured frequencies, and entropies at 298.15 K and 1 bar in J/(mol K) (CODATA, NIST).
GASES = {
    "argon": (Molecule([], 39.948, ()), 154.846),
    "nitrogen": (Molecule([2330.0], 28.014, (8.435,), 2), 191.609),
    "carbon dioxide": (Molecule([667.0, 667.0, 1333.0, 2349.0], 44.009, (43.20,), 2), 213.785),
    "water": (Molecule([1595.0, 3657.0, 3756.0], 18.015, (0.605, 1.161, 1.817), 2), 188.835),
    "ammonia": (
        Molecule([950.0, 1627.0, 1627.0, 3337.0, 3444.0, 3444.0], 17.031, (1.693, 1.693, 2.691), 3),
        192.77,
    ),
}


def at(molecule: Molecule, **conditions: float) -> Corrections:
    """The corrections at 1 bar unless something else is said."""
    return corrections(molecule, Conditions(**{"pressure_pa": BAR} | conditions))


@pytest.mark.parametrize("name", GASES)
def test_entropies_are_those_of_the_tables(name: str) -> None:
    """
    The entropies of an atom, linear and bent molecules are the measured ones.
    """
    molecule, measured = GASES[name]

    assert pytest.approx(measured, abs=0.5) == at(molecule).entropy_rrho * JOULE_PER_MOL_K


@pytest.mark.parametrize(("name", "degrees"), [("argon", 5), ("nitrogen", 7), ("water", 8)])
def test_stiff_molecules_have_classical_heat(name: str, degrees: int) -> None:
    """
    Above the zero-point energy a stiff molecule's enthalpy is half kT for each degree of freedom, and kT.
    """
    found = at(GASES[name][0])

    assert pytest.approx(degrees / 2 * HARTREE_PER_KELVIN * 298.15, rel=5e-3) == found.enthalpy - found.zpe


def test_the_zero_point_energy_is_half_a_quantum_a_mode() -> None:
    """
    Water's modes of 9,008 cm-1 in sum give 4,504 cm-1.
    """
    assert pytest.approx(4504 / 219474.6313632) == at(GASES["water"][0]).zpe


def test_pressure_and_symmetry_change_the_entropy_by_their_logarithm() -> None:
    """
    Twice the pressure and twice the symmetry number cost R ln 2 each.
    """
    molecule, _ = GASES["water"]
    once = at(molecule).entropy
    doubled = Molecule(molecule.frequencies_cm1, molecule.mass_u, molecule.moments_u_angstrom2, 4)
    cost = HARTREE_PER_KELVIN * math.log(2)

    assert pytest.approx(cost) == once - at(molecule, pressure_pa=2 * BAR).entropy
    assert pytest.approx(cost) == once - at(doubled).entropy


def test_soft_vibrations_are_rotors() -> None:
    """
    A mode far above the cutoff is harmonic, one far below has the bounded entropy of a rotor, not the growing
    one of a vibration.
    """

    def entropies(frequency: float) -> tuple[float, float]:
        found = at(Molecule([frequency], 100.0, (300.0, 400.0, 500.0)))
        return found.entropy, found.entropy_rrho

    assert pytest.approx(entropies(1500.0)[1], rel=1e-6) == entropies(1500.0)[0]
    assert entropies(10.0)[0] < entropies(10.0)[1] - HARTREE_PER_KELVIN
    assert pytest.approx(entropies(1e-4)[0], rel=1e-4) == entropies(1e-6)[0]
    assert entropies(1e-6)[1] - entropies(1e-4)[1] > 4 * HARTREE_PER_KELVIN


def test_soft_imaginary_modes_count_as_real_and_others_not_at_all() -> None:
    """
    From -20 to 0 cm-1 a mode is turned real; below it is left out; so is what is exactly nothing.
    """
    assert [20.0, 3.0, 40.0] == real_modes([-700.0, -20.1, -20.0, -3.0, 0.0, 40.0], -20.0)
    with_saddle = at(Molecule([-700.0, 1500.0], 30.0, (10.0,)))

    assert at(Molecule([1500.0], 30.0, (10.0,))) == with_saddle


def test_free_energies_are_enthalpy_less_heat_of_disorder() -> None:
    """
    G = H - TS, with either entropy.
    """
    found = at(Molecule([12.0, 1500.0], 100.0, (300.0, 400.0, 500.0)), temperature_k=400.0)

    assert pytest.approx(found.enthalpy - 400 * found.entropy) == found.gibbs(400.0)
    assert pytest.approx(found.enthalpy - 400 * found.entropy_rrho) == found.gibbs_rrho(400.0)


def test_a_cold_gas_is_no_overflow() -> None:
    """
    At a thousandth of a kelvin a stiff vibration brings neither heat nor disorder.
    """
    cold = at(Molecule([3000.0], 20.0, ()), temperature_k=1e-3)
    still = at(Molecule([], 20.0, ()), temperature_k=1e-3)

    assert still.entropy_rrho == cold.entropy_rrho
    assert pytest.approx(still.enthalpy + cold.zpe) == cold.enthalpy

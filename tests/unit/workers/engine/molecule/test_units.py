"""Units of molecules, from the constants of nature that CODATA 2018 recommends."""

from __future__ import annotations

import math

import pytest

from workers.engine.molecule import units

LIGHT_M_PER_S = 299_792_458
ELECTRON_KG, CHARGE_C = 9.1093837015e-31, 1.602176634e-19
FINE_STRUCTURE, PLANCK_J_S = 7.2973525693e-3, 1.054571817e-34
BOLTZMANN_J_PER_K, UNIT_OF_MASS_KG = 1.380649e-23, 1.66053906660e-27
DEBYE_C_M = 1e-21 / LIGHT_M_PER_S
RELATIVE = 1e-8


def test_units_follow_from_the_constants_of_nature() -> None:
    """
    All atomic units are as mass and charge of the electron have it.
    """
    bohr_m = PLANCK_J_S / (ELECTRON_KG * LIGHT_M_PER_S * FINE_STRUCTURE)
    hartree_j = ELECTRON_KG * (LIGHT_M_PER_S * FINE_STRUCTURE) ** 2
    per_cm_j = 2 * math.pi * PLANCK_J_S * LIGHT_M_PER_S * 100

    assert pytest.approx(bohr_m * 1e10, rel=RELATIVE) == units.ANGSTROM_PER_BOHR
    assert pytest.approx(hartree_j / CHARGE_C, rel=RELATIVE) == units.EV_PER_HARTREE
    assert pytest.approx(CHARGE_C * bohr_m / DEBYE_C_M, rel=RELATIVE) == units.DEBYE_PER_AU
    assert pytest.approx(BOLTZMANN_J_PER_K / hartree_j, rel=RELATIVE) == units.HARTREE_PER_KELVIN
    assert pytest.approx(per_cm_j / hartree_j, rel=RELATIVE) == units.HARTREE_PER_CM1
    assert pytest.approx(UNIT_OF_MASS_KG / ELECTRON_KG, rel=RELATIVE) == units.ELECTRON_MASSES_PER_U
    assert pytest.approx(hartree_j / bohr_m**3, rel=RELATIVE) == units.PASCAL_PER_AU

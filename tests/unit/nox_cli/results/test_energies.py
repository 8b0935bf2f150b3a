"""Units of energy."""

from __future__ import annotations

import pytest

from nox_cli.results.energies import EnergyUnit


@pytest.mark.parametrize(
    ("unit", "worth", "name"),
    [
        ("hartree", 1.0, "zpe_hartree"),
        ("ev", 27.2114, "zpe_ev"),
        ("kcal", 627.5095, "zpe_kcal_per_mol"),
        ("kj", 2625.4996, "zpe_kj_per_mol"),
    ],
)
def test_a_hartree_in_other_units(unit: str, worth: float, name: str) -> None:
    """
    A hartree is worth what CODATA says, and the unit is in the name.
    """
    assert worth == pytest.approx(EnergyUnit(unit).of(1.0), rel=1e-6)
    assert name == EnergyUnit(unit).named("zpe_hartree")


def test_kj_and_kcal_agree() -> None:
    """
    A kilocalorie is 4.184 kilojoules.
    """
    assert 4.184 == pytest.approx(EnergyUnit.KJ.of(1.0) / EnergyUnit.KCAL.of(1.0), rel=1e-12)

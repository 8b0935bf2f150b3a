"""Numbers against the xtb program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.standin import molecules
from tests.support.xtb_program import xtb
from workers.engine.summary import MIN_BOND_ORDER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure
    from tests.support.engines import Engine


@pytest.mark.parametrize("method", [1, 2])
@pytest.mark.parametrize("name", ["water", "benzene", "glycine", "adenine", "caffeine"])
def test_singlepoint_energies_agree(engine: Engine, tmp_path: Path, name: str, method: int) -> None:
    """
    Energies agree to 1e-7 hartree and gaps to 1e-3 eV.
    """
    structure = molecules.molecule(name)
    ours = engine.compute(structure, method=f"gfn{method}")
    reference = xtb(structure, tmp_path, "--gfn", str(method))

    assert pytest.approx(reference.energy_hartree, abs=1e-7) == ours.energy_hartree
    assert pytest.approx(reference.gap_ev, abs=1e-3) == ours.gap_ev


def test_caffeine_agrees_in_every_number(engine: Engine, tmp_path: Path) -> None:
    """
    In a frame without symmetry the gradient agrees to 1e-6 hartree/bohr (tblite, another program: 3e-6),
    charges to 1e-4 e, the dipole to 1e-3 debye.
    """
    structure = molecules.turned(molecules.molecule("caffeine"))
    ours = engine.compute(structure)
    reference = xtb(structure, tmp_path, "--grad", "--gfn", "2")
    limit = 1e-6 if engine.name == "xtb" else 3e-6

    assert reference.gradient is not None
    assert ours.gradient_hartree_per_bohr is not None
    for ours_row, row in zip(ours.gradient_hartree_per_bohr, reference.gradient, strict=True):
        assert pytest.approx(row, abs=limit) == list(ours_row)
    assert pytest.approx(reference.charges, abs=1e-4) == list(ours.charges_e or ())
    assert reference.dipole_debye is not None
    assert pytest.approx(reference.dipole_debye, abs=1e-3) == ours.dipole_debye


@pytest.mark.parametrize(
    ("structure", "charge", "unpaired"),
    [
        pytest.param(molecules.OXYGEN, 0, 2, id="triplet oxygen"),
        pytest.param(molecules.HYDROXYL, 0, 1, id="hydroxyl radical"),
        pytest.param(molecules.AMMONIUM, 1, 0, id="ammonium"),
        pytest.param(molecules.HYDROXYL, -1, 0, id="hydroxide"),
        pytest.param(molecules.NITRIC_OXIDE, 0, 1, id="nitric oxide"),
        pytest.param(molecules.turned(molecules.METHYL), 0, 1, id="methyl radical"),
        pytest.param(molecules.turned(molecules.GADOLINIUM_CHLORIDE), 0, 0, id="gadolinium chloride"),
    ],
)
def test_charges_and_spins_agree(
    engine: Engine, tmp_path: Path, structure: Structure, charge: int, unpaired: int
) -> None:
    """
    Energy, gap, dipole and bond orders of ions, open shells and a lanthanide agree.
    """
    ours = engine.compute(structure, charge=charge, unpaired=unpaired)
    reference = xtb(structure, tmp_path, "--chrg", str(charge), "--uhf", str(unpaired))

    assert pytest.approx(reference.energy_hartree, abs=1e-7) == ours.energy_hartree
    assert pytest.approx(reference.gap_ev, abs=1e-3) == ours.gap_ev
    assert pytest.approx(reference.dipole_debye, abs=2e-3) == ours.dipole_debye
    assert ours.bond_orders is not None
    assert {(i, j): pytest.approx(order, abs=1e-3) for i, j, order in ours.bond_orders} == {
        pair: order for pair, order in reference.bond_orders.items() if order >= MIN_BOND_ORDER
    }


@pytest.mark.parametrize("accuracy", [0.1, 10])
def test_settings_reach_the_engine(engine: Engine, tmp_path: Path, accuracy: float) -> None:
    """
    Accuracy and electronic temperature mean what they mean to the program.
    """
    structure = molecules.molecule("glycine")
    ours = engine.compute(structure, accuracy=accuracy, electronic_temperature_k=5_000.0)
    reference = xtb(structure, tmp_path, "--acc", str(accuracy), "--etemp", "5000")

    assert pytest.approx(reference.energy_hartree, abs=2e-6) == ours.energy_hartree


def test_water_optimised_tightly_agrees(engine: Engine, tmp_path: Path) -> None:
    """
    Water ends within 1e-6 hartree of `xtb --opt tight`.
    """
    structure = molecules.molecule("water")
    ours = engine.compute(structure, "opt", opt_level="tight")
    reference = xtb(structure, tmp_path, "--opt", "tight")

    assert pytest.approx(reference.energy_hartree, abs=1e-6) == ours.energy_hartree

"""Solvents against the xtb program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.standin import molecules
from tests.support.engines import Engine
from tests.support.xtb_program import xtb
from workers.engine.molecule.solvents import solvents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.standin.molecules import Structure

KCAL_PER_MOL = 627.509474
LIMIT_HARTREE = 1e-4 / KCAL_PER_MOL
STRUCTURES: dict[str, tuple[Structure, int]] = {
    **{
        name: (molecules.molecule(name), 0)
        for name in ("glycine", "benzene", "adenine", "dopamine", "aspirin")
    },
    "caffeine": (molecules.molecule("caffeine"), 0),
    "zwitterion": (molecules.molecule("glycine-zwitterion"), 0),
    "water": (molecules.WATER, 0),
    "ammonium": (molecules.AMMONIUM, 1),
    "hydroxide": (molecules.HYDROXYL, -1),
    "methanol": (molecules.METHANOL, 0),
}


@pytest.fixture(scope="module")
def tblite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine that has ALPB."""
    engine = Engine("tblite", tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


@pytest.mark.parametrize("solvent", ["water", "thf"])
@pytest.mark.parametrize("name", STRUCTURES)
def test_alpb_agrees(tblite: Engine, tmp_path: Path, name: str, solvent: str) -> None:
    """
    Energies in ALPB agree within 1e-4 kcal/mol.
    """
    structure, charge = STRUCTURES[name]
    ours = tblite.compute(structure, charge=charge, solvation="alpb", solvent=solvent)
    theirs = xtb(structure, tmp_path, "--alpb", solvent, "--chrg", str(charge))

    assert pytest.approx(theirs.energy_hartree, abs=LIMIT_HARTREE) == ours.energy_hartree
    assert ("alpb", solvent) == (ours.solvation, ours.solvent)


@pytest.mark.parametrize("solvent", sorted(solvents("alpb", "gfn2")))
def test_solvation_each_alpb_solvent_is_the_programs(tblite: Engine, tmp_path: Path, solvent: str) -> None:
    """
    Each name means the same solvent.
    """
    structure = molecules.molecule("glycine")
    ours = tblite.compute(structure, solvation="alpb", solvent=solvent)
    theirs = xtb(structure, tmp_path, "--alpb", solvent)

    assert pytest.approx(theirs.energy_hartree, abs=LIMIT_HARTREE) == ours.energy_hartree


@pytest.mark.parametrize(
    ("method", "solvent"),
    [(method, solvent) for method in ("gfn2", "gfn1") for solvent in sorted(solvents("gbsa", method))],
)
def test_solvation_each_gbsa_solvent_is_the_programs(
    engine: Engine, tmp_path: Path, method: str, solvent: str
) -> None:
    """
    Energies in GBSA agree within 1e-4 kcal/mol.  The model's surface grid does not turn with the molecule: a
    frame that is turned by more than a little costs 1e-2 kcal/mol.
    """
    structure = molecules.molecule("glycine")
    ours = engine.compute(structure, method=method, solvation="gbsa", solvent=solvent)
    theirs = xtb(structure, tmp_path, "--gbsa", solvent, "--gfn", method[-1])

    assert pytest.approx(theirs.energy_hartree, abs=LIMIT_HARTREE) == ours.energy_hartree

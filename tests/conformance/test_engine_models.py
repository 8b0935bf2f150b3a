"""Solvents, spin-polarised orbitals and IPEA1: by the engine that has them, refused in words by others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.test_engine import central_difference
from tests.standin import molecules
from tests.support.engines import ENGINES, Engine
from workers.job import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.standin.molecules import Structure

KCAL_PER_HARTREE = 627.509474
IN_ALPB = {"solvation": "alpb", "solvent": "water"}
OXYGEN: Structure = (["O", "O"], [[0, 0, 0], [0, 0, 1.2]])


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


@pytest.fixture(scope="module")
def tblite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine that has them all."""
    engine = Engine("tblite", tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


def test_gradients_in_a_solvent_are_slopes(engine: Engine) -> None:
    """
    The gradient in GBSA water equals central differences of the energy, also where atoms share coordinates.
    """
    asked = {"solvation": "gbsa", "solvent": "water"}
    gradient = engine.compute(molecules.METHANOL, accuracy=0.01, **asked).gradient_hartree_per_bohr

    assert gradient is not None
    for atom, axis in ((0, 0), (1, 1), (2, 0), (4, 2)):
        slope = central_difference(engine, molecules.METHANOL, "gfn2", atom, axis, **asked)
        assert pytest.approx(slope, abs=5e-6) == gradient[atom][axis]


def test_the_zwitterion_keeps_its_proton_in_water(tblite: Engine) -> None:
    """
    In ALPB water the glycine zwitterion stays what it is.
    """
    result = tblite.compute(molecules.molecule("glycine-zwitterion"), "opt", **IN_ALPB)

    assert result.bonds_changed is not None
    assert ((), ()) == (result.bonds_changed.broken, result.bonds_changed.formed)


def test_models_are_not_each_other(tblite: Engine) -> None:
    """
    ALPB and GBSA water differ by kilocalories for an ion.
    """
    energies = [
        tblite.compute(molecules.AMMONIUM, charge=1, solvation=model, solvent="water").energy_hartree
        for model in ("alpb", "gbsa")
    ]

    assert abs(energies[0] - energies[1]) * KCAL_PER_HARTREE > 1


@pytest.mark.parametrize(("spin_polarised", "apart"), [(True, -15.8), (False, 1.7)])
def test_spin_polarisation_puts_triplet_oxygen_first(
    tblite: Engine, *, spin_polarised: bool, apart: float
) -> None:
    """
    The triplet lies 15.8 kcal/mol below the singlet with spin-polarised orbitals, 1.7 above it without.
    """
    triplet, singlet = (
        tblite.compute(OXYGEN, unpaired=count, spin_polarised=spin_polarised).energy_hartree
        for count in (2, 0)
    )

    assert pytest.approx(apart, abs=0.2) == (triplet - singlet) * KCAL_PER_HARTREE


def test_alpha_and_beta_have_orbitals_of_their_own(tblite: Engine) -> None:
    """
    The HOMO is the highest filled orbital of either spin, the LUMO the lowest empty one.
    """
    triplet = tblite.compute(OXYGEN, unpaired=2, spin_polarised=True)

    assert triplet.orbitals is not None
    assert triplet.beta_orbitals is not None
    assert pytest.approx(7) == sum(triplet.orbitals.occupations)
    assert pytest.approx(5) == sum(triplet.beta_orbitals.occupations)
    assert triplet.homo_ev == triplet.orbitals.energies_ev[6]
    assert triplet.lumo_ev == triplet.beta_orbitals.energies_ev[5]
    assert [(1, 2)] == [bond[:2] for bond in triplet.bond_orders or ()]


def test_ipea1_is_a_method_of_its_own(tblite: Engine) -> None:
    """
    IPEA1 has a diffuse orbital more on oxygen, and another energy than GFN1.
    """
    result = tblite.compute(molecules.WATER, method="ipea1")

    assert result.orbitals is not None
    assert 9 == len(result.orbitals.energies_ev)
    assert "ipea1" == result.method
    assert result.energy_hartree != tblite.compute(molecules.WATER, method="gfn1").energy_hartree


@pytest.mark.skipif("xtb" not in ENGINES, reason="xtb-python has no wheel here")
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (IN_ALPB, "xtb has no ALPB"),
        ({"method": "ipea1"}, "xtb has no IPEA1-xTB"),
        ({"spin_polarised": True}, "xtb has no spin polarisation"),
        ({"solvation": "gbsa", "solvent": "octanol"}, "GBSA has no parameters"),
    ],
)
def test_engine_models_what_an_engine_lacks_it_refuses(
    tmp_path: Path, asked: dict[str, Any], says: str
) -> None:
    """
    Nothing is replaced by something like it, even in a record that no command line wrote.
    """
    xtb = Engine("xtb", tmp_path)
    ended = xtb.run(molecules.WATER, **asked)
    xtb.driver.keeper.close()

    assert ended.failure is not None
    assert Reason.INPUT == ended.failure.reason
    assert says in ended.failure.message

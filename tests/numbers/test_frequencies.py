"""Frequencies and free energies against `xtb --ohess`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from nox_cli.submission.calculation import USUAL
from tests.standin import molecules
from tests.support.engines import ENGINES, Engine
from tests.support.xtb_program import curvature
from workers.engine.abilities import able, needs
from workers.names import Solvation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure
    from tests.support.xtb_program import Curvature
    from workers.result import ChemistryResult

KJ_PER_MOL = 2625.4996394799


class Program(Protocol):
    """Optimises a structure with the xtb program and computes its frequencies, each once."""

    def __call__(self, structure: Structure, *options: str) -> Curvature:
        """Give what it printed."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The xtb program as the reference of all engines."""
    known: dict[str, Curvature] = {}

    def asked(structure: Structure, *options: str) -> Curvature:
        key = repr((structure, options))
        if key not in known:
            known[key] = curvature(structure, tmp_path_factory.mktemp("xtb"), "--ohess", "vtight", *options)
        return known[key]

    return asked


@pytest.mark.parametrize(
    ("name_of_engine", "model"),
    [
        (name, model)
        for model in ("alpb", "gbsa")
        for name in able(needs(replace(USUAL, solvation=Solvation(model), solvent="water")))
        if name in ENGINES
    ],
)
@pytest.mark.parametrize("name", ["methanol", "ethanol"])
def test_frequencies_agree_in_water_too(
    program: Program, tmp_path: Path, name: str, name_of_engine: str, model: str
) -> None:
    """
    In either model of water frequencies and free energies are the program's, with each engine that has it.
    """
    engine = Engine(name_of_engine, tmp_path)
    structure = molecules.molecule(name)
    ours = engine.compute(structure, "ohess", opt_level="vtight", solvation=model, solvent="water")
    engine.driver.keeper.close()

    agree(ours, program(structure, f"--{model}", "water"))


@pytest.mark.parametrize(
    ("structure", "unpaired"),
    [
        pytest.param(molecules.WATER, 0, id="water"),
        pytest.param(molecules.turned(molecules.METHANOL), 0, id="methanol"),
        pytest.param(molecules.molecule("benzene"), 0, id="benzene"),
        pytest.param(molecules.molecule("aspirin"), 0, id="aspirin"),
        pytest.param(molecules.HYDROXYL, 1, id="hydroxyl radical"),
        pytest.param(molecules.METHYL, 1, id="methyl radical"),
        pytest.param(molecules.CARBON_DIOXIDE, 0, id="carbon dioxide"),
    ],
)
def test_frequencies_and_free_energies_agree(
    engine: Engine, program: Program, structure: Structure, unpaired: int
) -> None:
    """
    Frequencies agree within 3 cm-1, ZPE, H and G within 0.1 kJ/mol, each at its own optimised geometry.
    """
    ours = engine.compute(structure, "ohess", opt_level="vtight", unpaired=unpaired)

    agree(ours, program(structure, "--uhf", str(unpaired)))


def agree(ours: ChemistryResult, theirs: Curvature) -> None:
    """Frequencies agree within 3 cm-1, ZPE, H and G within 0.1 kJ/mol."""
    assert ours.vibrations is not None
    assert ours.thermochemistry is not None
    modes = len(ours.vibrations.frequencies_cm1)
    assert pytest.approx(theirs.frequencies_cm1[-modes:], abs=3) == list(ours.vibrations.frequencies_cm1)
    assert theirs.symmetry_number == ours.thermochemistry.symmetry_number
    for name in ("zpe_hartree", "enthalpy_hartree", "gibbs_hartree"):
        expected = getattr(theirs, name) * KJ_PER_MOL
        assert pytest.approx(expected, abs=0.1) == getattr(ours.thermochemistry, name) * KJ_PER_MOL

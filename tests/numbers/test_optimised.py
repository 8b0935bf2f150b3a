"""Optimised energies of many molecules against `xtb --opt`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.numbers import test_many_molecules as made
from tests.standin import molecules
from tests.support.xtb_program import xtb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standin.molecules import Structure
    from tests.support.engines import Engine

HIGHER_HARTREE = 1e-5
FILES = ("adenine", "aspirin", "benzene", "caffeine", "dopamine", "ethanol", "glycine", "methanol", "water")
# A shoulder on which nox and the program both stop at level normal, and neither has ended.
SHOULDER = "glucose"
NAMES = sorted({*made.MOLECULES, *FILES} - {SHOULDER})
# Beyond, a molecule takes too long for every run of the tests.
QUICK_ATOMS = 13


def structure(name: str) -> Structure:
    """Find a molecule's structure."""
    return molecules.molecule(name) if name in FILES else made.structure(name)


def charge(name: str) -> int:
    """Find a molecule's charge."""
    return made.MOLECULES[name][1] if name in made.MOLECULES else 0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], float]:
    """The energies the program ends at, each asked for once."""

    @cache
    def asked(name: str, level: str) -> float:
        folder = tmp_path_factory.mktemp("xtb")
        options = ("--opt", level, "--chrg", str(charge(name)))
        return xtb(structure(name), folder, *options).energy_hartree

    return asked


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] * (len(structure(name)[0]) > QUICK_ATOMS))
        for name in NAMES
    ],
)
def test_nox_ends_no_higher_than_the_program(
    engine: Engine, program: Callable[[str, str], float], name: str
) -> None:
    """
    At level normal each optimisation converges, at most 1e-5 hartree above where the program ends.
    """
    ours = engine.compute(structure(name), "opt", charge=charge(name))

    assert ours.energy_hartree < program(name, "normal") + HIGHER_HARTREE


@pytest.mark.long
def test_beyond_a_shoulder_both_end_in_one_minimum(
    engine: Engine, program: Callable[[str, str], float]
) -> None:
    """
    Where nox stops higher at level normal, it is not another minimum: at vtight the energies are equal.
    """
    ours = engine.compute(structure(SHOULDER), "opt", opt_level="vtight")

    assert pytest.approx(program(SHOULDER, "vtight"), abs=1e-6) == ours.energy_hartree

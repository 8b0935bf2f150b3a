"""`workers.engine.molecule.specification`: one check, made by the engine child too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from workers.engine import registry
from workers.engine.molecule.specification import check_spec
from workers.errors import InputRefused
from workers.spec import ChemistrySpec, Structure

if TYPE_CHECKING:
    from pathlib import Path

HELIUM = Structure(symbols=("He", "He"), positions_angstrom=((0.0, 0.0, 0.0), (2.5, 2.5, 2.5)))
NEAR = Structure(symbols=("He", "He"), positions_angstrom=((0.0, 0.0, 0.0), (0.0, 0.0, 0.1)))
CUBE = ((5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 5.0))
CRYSTAL = Structure(
    symbols=HELIUM.symbols, positions_angstrom=HELIUM.positions_angstrom, lattice_angstrom=CUBE
)
ONE_LONGER = Structure(
    symbols=HELIUM.symbols,
    positions_angstrom=(*HELIUM.positions_angstrom, (1.0, 1.0, 1.0)),
    lattice_angstrom=CUBE,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"structure": NEAR}, "0.100 Å apart"),
        ({"charge": 1}, "odd number of electrons"),
        ({"charge": -20}, "do not fit into the"),
        ({"unpaired": 1}, "even number of electrons"),
        ({"frozen_atoms": (1,)}, "frozen in an optimisation alone"),
        ({"kind": "opt", "frozen_atoms": (1, 2)}, "every atom is frozen"),
        ({"kind": "opt", "frozen_atoms": (3,)}, "atom 3 cannot be frozen"),
        ({"solvation": "alpb", "solvent": "watr"}, "has no solvent"),
        ({"structure": CRYSTAL, "kind": "hess"}, "frequencies of a crystal"),
        ({"structure": CRYSTAL, "charge": 1}, "a crystal with a charge"),
        ({"structure": ONE_LONGER}, "2 atoms, but 3 positions"),
    ],
)
def test_check_of_a_specification_sees_all_of_it(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    """
    Structure, electrons, orbitals, frozen atoms, solvent and crystal are refused by one call, and the engine
    child refuses them in the same words.
    """
    asked: dict[str, Any] = {"kind": "sp", "structure": HELIUM} | changes
    spec = ChemistrySpec(**asked)

    with pytest.raises(InputRefused, match=words) as refused:
        check_spec(spec)
    with pytest.raises(InputRefused) as again:
        registry.run(spec, tmp_path, lambda _: None, lambda _: None)
    assert (refused.value.what, refused.value.hint) == (again.value.what, again.value.hint)


@pytest.mark.parametrize("structure", [HELIUM, CRYSTAL])
def test_check_of_a_sound_specification_passes(structure: Structure) -> None:
    """
    A molecule and a crystal that can be computed are not refused.
    """
    check_spec(ChemistrySpec(kind="sp", structure=structure))

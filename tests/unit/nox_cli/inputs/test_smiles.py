"""SMILES become structures, by RDKit."""

from __future__ import annotations

import math
import sys
import time
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs import smiles
from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.smiles import OPEN_STEREO, frame_of, read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame


def read(text: str) -> list[Frame]:
    """Read a file `f.smi` of this content."""
    return all_or_refused(read_records(Input("f.smi", text.encode())))


def test_smiles_each_line_is_a_structure_with_its_name() -> None:
    """
    A line has a SMILES and perhaps a name; comments and blank lines are none.
    """
    frames = read("# mine\nCCO ethanol\n\nC[NH3+]\tthe cation\n[CH3]\n")

    assert ["ethanol", "the cation", ""] == [frame.name for frame in frames]
    assert [9, 8, 4] == [len(frame.symbols) for frame in frames]
    assert [(0, None), (1, None), (0, 1)] == [
        (frame.comment.charge, frame.comment.unpaired) for frame in frames
    ]
    assert [2, 4, 5] == [frame.line for frame in frames]


def test_the_geometry_is_a_real_one_and_always_the_same() -> None:
    """
    Atoms lie as far apart as atoms do, and the same SMILES gives the same positions.
    """
    first, second = frame_of("CC(=O)Oc1ccccc1C(=O)O"), frame_of("CC(=O)Oc1ccccc1C(=O)O")
    distances = [math.dist(a, b) for a, b in combinations(first.positions_angstrom, 2)]

    assert first == second
    assert 0.9 < min(distances) < 1.1
    assert 21 == len(first.symbols)


def test_stereochemistry_that_is_left_open_is_warned_of() -> None:
    """
    Where the SMILES says less than one isomer, a warning says that one was made.
    """
    assert (OPEN_STEREO,) == frame_of("CC(O)F").warnings
    assert () == frame_of("C[C@H](O)F").warnings == frame_of("C/C=C/C").warnings


def test_smiles_several_radical_atoms_say_no_spin() -> None:
    """
    Two radical atoms may be a singlet or a triplet.
    """
    said = frame_of("[CH2]CC[CH2]").comment

    assert said.unpaired is None
    assert "2 radical atoms" in said.unclear


@pytest.mark.parametrize("carbene", ["[CH2]", "CN1C=CN(C)[C]1"])
def test_a_carbene_says_no_spin(carbene: str) -> None:
    """
    Methylene is a triplet and an imidazolylidene a singlet: nobody can tell from the SMILES.
    """
    said = frame_of(carbene).comment

    assert said.unpaired is None
    assert "an atom that is 2 bonds short" in said.unclear


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("C1CC(", '"C1CC(" is no SMILES'),
        ("C*", "an atom that is no element"),
        ("[2H]O", "names an isotope"),
        ("C" * 400, "1,202 atoms, more than 1,000"),
        ("F(C)(C)(C)C", "is no SMILES"),
        ("CC(=O)[O-].[Na+]", "is 2 molecules, and a SMILES does not say how they lie"),
    ],
)
def test_smiles_what_is_no_structure_is_refused(smiles: str, words: str) -> None:
    """
    A line that is no SMILES, or no molecule xTB knows, is refused with its place.
    """
    with pytest.raises(InputRefused) as caught:
        read(f"CCO\n{smiles}\n")

    assert caught.value.what.startswith("f.smi:2:1: ")
    assert words in caught.value.what


def test_smiles_without_rdkit_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where RDKit is missing the extra that brings it is named.
    """
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(InputRefused) as caught:
        frame_of("CCO")

    assert "pip install 'nox-jobs[smiles]'" == caught.value.hint


def test_a_search_for_a_geometry_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A chain for which RDKit would search for minutes is refused when the time is up.
    """
    monkeypatch.setattr(smiles, "EMBEDDING_LIMIT_S", 1)
    began = time.process_time()
    with pytest.raises(InputRefused, match="RDKit finds no geometry"):
        frame_of("C" * 220)

    assert time.process_time() - began < 30

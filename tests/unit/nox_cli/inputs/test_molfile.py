"""The molfile and sdf reader: fixed columns, charges and radicals, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.molfile import read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

ATOMS = """\
    0.0000    0.0000    0.0000 N   0  0  0  0  0  0  0  0  0  0  0  0
    0.0000    0.0000    1.0000 H   0  0  0  0  0  0  0  0  0  0  0  0
"""
HEADER = "name\n  made 3D\n\n"
COUNTS = "  2  1  0  0  0  0  0  0  0  0999 V2000\n"
BOND = "  1  2  1  0\n"
IMIDOGEN = f"{HEADER}{COUNTS}{ATOMS}{BOND}M  END\n"


def read(text: str) -> list[Frame]:
    """Read a molfile of this content, named `f.mol`."""
    return all_or_refused(read_records(Input("f.mol", text.encode())))


def with_properties(*lines: str) -> Frame:
    """Read imidogen with these lines before its M  END."""
    [frame] = read(IMIDOGEN.replace("M  END", "\n".join([*lines, "M  END"])))
    return frame


def made(smiles: str) -> Chem.Mol:
    """Make a molecule with hydrogen atoms and positions."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    return molecule


@pytest.mark.parametrize(
    ("smiles", "charge"),
    [("CCO", None), ("CC(=O)[O-]", -1), ("C[NH3+]", 1), ("[NH3+]CC(=O)[O-]", 0), ("[Ca+2]", 2)],
)
def test_reads_what_rdkit_writes(smiles: str, charge: int | None) -> None:
    """
    Symbols, positions and the sum of formal charges are those of the molecule that was written.
    """
    molecule = made(smiles)
    [frame] = read(Chem.MolToMolBlock(molecule))
    positions = molecule.GetConformer().GetPositions()

    assert [atom.GetSymbol() for atom in molecule.GetAtoms()] == list(frame.symbols)
    assert [pytest.approx(row, abs=1e-4) for row in positions] == list(frame.positions_angstrom)
    assert charge == frame.comment.charge


def test_every_record_of_an_sdf_is_a_frame() -> None:
    """
    Records end at $$$$, whatever data stands before it, and have their title as name.
    """
    text = "".join(
        Chem.MolToMolBlock(made(smiles)).replace("\n", f"{smiles}\n", 1) + "> <note>\nM  CHG\n\n$$$$\n"
        for smiles in ("CCO", "C[NH3+]", "O")
    )
    frames = read(text)

    assert ["CCO", "C[NH3+]", "O"] == [frame.name for frame in frames]
    assert [None, 1, None] == [frame.comment.charge for frame in frames]
    assert [9, 8, 3] == [len(frame.symbols) for frame in frames]


def test_charges_in_atoms_own_lines() -> None:
    """
    The charge field of an atom's line counts where no M line speaks, and only there.
    """
    old = IMIDOGEN.replace("N   0  0", "N   0  5")
    radical = IMIDOGEN.replace("N   0  0", "N   0  4")

    assert -1 == read(old)[0].comment.charge
    assert (0, 1) == (read(radical)[0].comment.charge, read(radical)[0].comment.unpaired)
    assert 1 == read(old.replace("M  END", "M  CHG  1   1   1\nM  END"))[0].comment.charge


@pytest.mark.parametrize(("kind", "unpaired"), [(1, 0), (2, 1), (3, 2)])
def test_molfile_one_radical_says_the_spin(kind: int, unpaired: int) -> None:
    """
    A singlet, doublet or triplet centre has 0, 1 or 2 unpaired electrons.
    """
    comment = with_properties(f"M  RAD  1   1   {kind}").comment

    assert (None, unpaired if kind > 1 else None) == (comment.charge, comment.unpaired)


def test_molfile_two_radicals_say_no_spin() -> None:
    """
    Two radical centres may be coupled either way, so somebody must say how.
    """
    comment = with_properties("M  RAD  2   1   2   2   2").comment

    assert comment.unpaired is None
    assert "2 radical atoms may be coupled in more than one way" == comment.unclear


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("V2000", "V3000", ":4:35: a V3000 molfile"),
        (" V2000", "", ":4:1: the line with the numbers of atoms and bonds ends in V2000"),
        ("  2  1", "  0  0", ":4:1: no atoms"),
        ("  2  1", " xx  1", ':4:1: "xx" is no number of atoms'),
        ("  2  1", "  3  1", ':7:32: "" is not an element'),
        ("  2  1", "  2  4", "the record ends without its M  END"),
        ("made 3D", "made", ""),
        ("  made 3D", "  RDKit             2D", ":2:21: the structure is a flat drawing"),
        ("1.0000 H ", "1.0000 D ", ':6:32: "D" is not an element'),
        ("1.0000 H ", "1.0000 R#", ':6:32: "R#" is not an element'),
        ("    1.0000 H", "       nan H", ':6:21: "nan" is not a finite number'),
        ("    1.0000 H", "    1,0000 H", ':6:21: "1,0000" is not a number'),
        ("N   0  0", "N   1  0", ":5:35: an isotope"),
        ("N   0  0", "N   0  9", ":5:37: 9 is no charge field"),
        ("M  END", "M  ISO  1   1  15\nM  END", ":8:1: isotopes"),
        ("M  END", "M  CHG  2   1   1\nM  END", ":8:9: 2 entries are said here, and 1 follow"),
        ("M  END", "M  CHG  1   7   1\nM  END", ":8:13: there is no atom 7"),
        ("M  END", "M  RAD  1   1   9\nM  END", ":8:17: 9 is no kind of radical"),
        ("M  END", "", "the record ends without its M  END"),
    ],
)
def test_a_refusal_names_line_and_column(old: str, new: str, words: str) -> None:
    """
    What is malformed, flat, an isotope or another version is refused where it stands.
    """
    changed = IMIDOGEN.replace(old, new)
    said = ""
    try:
        read(changed)
    except InputRefused as error:
        said = error.what

    assert changed != IMIDOGEN
    assert words in said
    assert bool(words) == bool(said)


def test_a_file_of_two_lines_is_refused() -> None:
    """
    A file that ends in its header is told so.
    """
    with pytest.raises(InputRefused, match=r"f.mol:2:1: the file ends where the line with the numbers"):
        read("a\nb\n")


def test_missing_hydrogen_atoms_are_warned_of() -> None:
    """
    A molecule of carbon without a hydrogen atom may be one that had them left out.
    """
    drawn = Chem.MolFromSmiles("CCCC")
    AllChem.EmbedMolecule(drawn, randomSeed=1)
    [bare], [whole] = read(Chem.MolToMolBlock(drawn)), read(Chem.MolToMolBlock(made("CCCC")))

    assert (1, 0) == (len(bare.warnings), len(whole.warnings))

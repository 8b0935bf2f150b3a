"""Files of several structures, some of which cannot be read: where the next one begins."""

from __future__ import annotations

import json

import pytest

from nox_cli.inputs.files import Input
from nox_cli.inputs.formats import records_of
from tests.commands.test_submit_formats import PDB, QCSCHEMA, block
from workers.errors import InputRefused


def water(comment: str = "", *, count: str = "3", atom: str = "H 0 0.8 -0.4") -> str:
    """Write a structure of an xyz file, of 5 lines."""
    return f"{count}\n{comment}\nO 0 0 0.1\n{atom}\nH 0 -0.8 -0.4\n"


def told(name: str, text: str) -> list[str]:
    """Name each record: the line of a structure, or the beginning of a refusal."""
    return [
        one.what.removeprefix(f"{name}:") if isinstance(one, InputRefused) else str(one.line)
        for one in records_of(Input(name, text.encode()))
    ]


@pytest.mark.parametrize(
    ("bad", "says", "lines"),
    [
        (water(atom="Xx 0 0.8 -0.4"), '9:1: "Xx" is not an element', 5),
        (water(atom="H 0 nan -0.4"), '9:5: "nan" is not a finite number', 5),
        (water(atom="H 0 0.8"), "9:8: a symbol and three", 5),
        (water("charge=x"), "7:1: charge=x is not", 5),
        (water(count="4"), "11:", 5),
        (water(count="1000"), "", 5),
        (water(count="0"), "6:1: no atoms", 5),
        (water(count="three"), "6:1: the number of atoms was expected", 5),
        (water(count="2"), "10:1: one more atom than the structure before says it has", 5),
        (water(count="2", atom="H 0 0.8 -0.4\nXx 0 0 9"), "10:1: the number of atoms", 6),
        ("garbage\nmore 1 of it\n", '6:1: the number of atoms was expected, not "garbage"', 2),
        ("3\n", "", 1),
        ("H 0 0 0\n", "6:1: one more atom than the structure before", 1),
    ],
)
def test_xyz_goes_on_at_the_next_number_of_atoms(bad: str, says: str, lines: int) -> None:
    """
    A structure that cannot be read costs itself alone; one with too many atoms is not taken for whole.
    """
    for comment in ("", "7", "2", "3"):  # a comment may be a number
        found = told("f.xyz", water("2") + bad + water(comment) + water(comment))
        first = [] if says.endswith("structure before") else ["1"]

        assert len(first) + 3 == len(found), found
        assert [*first, str(6 + lines), str(11 + lines)] == [one for one in found if one.isdigit()], found
        assert found[len(first)].startswith(says), found


def test_xyz_that_is_cut_off() -> None:
    """
    The last structure is refused with the line it begins at; those before it are read.
    """
    *rest, last = told("f.xyz", water() + water() + "3\n\nO 0 0 0\nH 0 0")

    assert (["1", "6"], True) == (rest, last.startswith("11:1: 3 atoms are said here, the file ends after 2"))


def test_sdf_goes_on_after_the_next_dollars() -> None:
    """
    Numbers of atoms and bonds that are wrong do not reach into the next record.
    """
    good = block("O")
    atoms = good.splitlines()[3]
    bad = [
        good.replace(atoms, atoms.replace("  3  2", wrong))
        for wrong in ("  4  2", "  3900", "  2  2", "999  0", "  x  0")
    ]
    bad += ["", "garbage\n", good.replace("V2000", "V3000"), good.replace(" H ", " Xx", 1)]
    found = told("f.sdf", "".join(f"{one}$$$$\n" for one in [good, *bad, good]))

    assert 11 == len(found)
    assert found[0].isdigit()
    assert found[-1].isdigit()
    assert not any(one.isdigit() for one in found[1:-1]), found


def test_pdb_goes_on_at_the_next_model() -> None:
    """
    A model without its end is refused, and not joined with the next.
    """
    bad = PDB.replace(" O  ", "Xx  ", 1)
    found = told("f.pdb", f"MODEL 1\n{PDB}ENDMDL\nMODEL 2\n{PDB}MODEL 3\n{bad}ENDMDL\nMODEL 4\n{PDB}ENDMDL\n")

    assert ("2", "16") == (found[0], found[3])
    assert found[1].startswith("9:1: the model ends without its ENDMDL")
    assert found[2].startswith('11:77: "Xx" is not an element')


def test_lines_of_json_and_of_smiles_stand_alone() -> None:
    """
    A bad line costs that line.
    """
    ghost = json.dumps(json.loads(QCSCHEMA) | {"real": [True, False, True]})
    molecules = told("f.json", f"{QCSCHEMA}\n{ghost}\n{{bad\n{QCSCHEMA}\n")
    smiles = told("f.smi", "O water\nnonsense x\nN\n")

    assert [True, False, False, True] == [one.isdigit() for one in molecules], molecules
    assert molecules[1].startswith("2: real: ghost atoms")
    assert ["1", '2:1: "nonsense" is no SMILES', "3"] == smiles

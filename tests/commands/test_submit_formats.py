"""`nox submit` and the formats of structures: what is read, and what other readers let through in silence."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

WATER = (EXAMPLES / "water.xyz").read_text()
COORD = "$coord\n 0.0 0.0 0.5 o\n 0.0 1.5 -0.5 h\n 0.0 -1.5 -0.5 h\n$end\n"
GEN = "3 C\nO H\n1 1 0.0 0.0 0.1\n2 2 0.0 0.8 -0.4\n3 2 0.0 -0.8 -0.4\n"
POSCAR = "box\n1.0\n9 0 0\n0 9 0\n0 0 9\nHe\n1\nDirect\n0 0 0\n"
CELL = 'Lattice="9 0 0 0 9 0 0 0 9"'
QCSCHEMA = json.dumps(
    {
        "schema_name": "qcschema_molecule",
        "symbols": ["O", "H", "H"],
        "geometry": [0.0, 0.0, 0.2, 0.0, 1.5, -0.9, 0.0, -1.5, -0.9],
        "molecular_charge": 0,
        "molecular_multiplicity": 1,
    }
)


def block(smiles: str, *, v3000: bool = False) -> str:
    """Write a molecule as a molfile, by RDKit."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    return str(Chem.MolToMolBlock(molecule, forceV3000=v3000))


ACETATE = block("CC(=O)[O-]")
RECORDS = f"{ACETATE}$$$$\n{block('CCO')}$$$$\n"
PDB = "".join(
    f"HETATM{i:>5}  X   MOL     1    {x:>8.3f}{y:>8.3f}{z:>8.3f}  1.00  0.00          {symbol:>2}  \n"
    for i, (symbol, x, y, z) in enumerate(
        [("O", 0.0, 0.0, 0.1), ("H", 0.0, 0.8, -0.4), ("H", 0.0, -0.8, -0.4)], 1
    )
)


def records(nox: Nox, *words: str) -> list[dict[str, Any]]:
    """Submit, and read the specification of each job from its whole record."""
    ids = nox.submit(*words, "--no-start")
    return [json.loads(nox("status", job_id, "--raw", check=True).stdout) for job_id in ids]


def refused(nox: Nox, *words: str) -> str:
    """Submit what must be refused; hand over what was said."""
    ended = nox("submit", *words, "--no-start")

    assert (5, "") == (ended.returncode, ended.stdout), ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()
    return ended.stderr


@pytest.mark.parametrize(
    ("name", "content", "formula", "charge", "origin"),
    [
        ("acetate.mol", ACETATE, "C2H3O2", -1, "molfile charges"),
        ("acetate.sdf", f"{ACETATE}$$$$\n", "C2H3O2", -1, "molfile charges"),
        ("w.pdb", PDB, "H2O", 0, "default"),
        ("coord", COORD, "H2O", 0, "default"),
        ("w.gen", GEN, "H2O", 0, "default"),
        ("w.json", QCSCHEMA, "H2O", 0, "QCSchema"),
        ("w.smi", "CC[NH3+] ammonium\n", "C2H8N", 1, "SMILES"),
    ],
)
def test_a_format_is_read(nox: Nox, name: str, content: str, formula: str, charge: int, origin: str) -> None:
    """
    A structure in another format becomes a job with the charge the file says, and the file's name.
    """
    (nox.cwd / name).write_text(content)
    (record,) = records(nox, name)

    assert (formula, charge, origin) == (
        record["formula"],
        record["spec"]["charge"],
        record["spec"]["charge_origin"],
    )
    assert name == record["spec"]["source"]["file"]


def test_a_gzipped_file_is_that_file(nox: Nox) -> None:
    """
    A packed file has the name, the numbers beside it and the structure of the file in it.
    """
    (nox.cwd / "w.xyz.gz").write_bytes(gzip.compress(WATER.encode()))
    (nox.cwd / "w.CHRG").write_text("2\n")
    (record,) = records(nox, "w.xyz.gz")

    assert ("w", 2, "w.CHRG") == (record["name"], record["spec"]["charge"], record["spec"]["charge_origin"])


def test_smiles_on_the_command_line(nox: Nox) -> None:
    """
    `--smiles` may be repeated; what it was is kept as the source.
    """
    first, second = records(nox, "--smiles", "CCO", "--smiles", "C[NH3+]")

    assert ("C2H6O", "CH6N") == (first["formula"], second["formula"])
    assert "SMILES C[NH3+]" == second["spec"]["source"]["file"]


def test_records_are_split_when_asked(nox: Nox) -> None:
    """
    Each record of an sdf, and each line of a .smi, is a job under the name it has there.
    """
    (nox.cwd / "l.smi").write_text("CCO ethanol\nO water\n")
    (nox.cwd / "two.sdf").write_text(RECORDS)

    assert ["ethanol", "water"] == [one["name"] for one in records(nox, "l.smi", "--split")]
    assert ["two-0001", "two-0002"] == [one["name"] for one in records(nox, "two.sdf", "--split")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mol", block("CCO", v3000=True), "a.mol:4:35: a V3000 molfile"),
        ("a.xyz", "0\n\n", "a.xyz:1:1: no atoms"),
        ("a.xyz", WATER.replace("0.00729480", "NaN"), '"NaN" is not a finite number'),
        ("a.xyz", WATER * 2, "a.xyz: 2 frames"),
        ("a.sdf", RECORDS, "a.sdf: 2 frames"),
        ("a.smi", "C\nCC\n", "a.smi: 2 frames"),
        ("a.xyz", f'1\n{CELL} pbc="T T F"\nHe 0 0 0\n', "a.xyz:2:29: a cell that is periodic along some"),
        ("POSCAR", POSCAR.replace("He\n", ""), "POSCAR:6:1: no line of elements"),
        ("a.cif", "data_x\n_cell_length_a 9\n", "a.cif: a cif holds a cell: the structure is periodic"),
        ("a.gen", GEN.replace("C", "S", 1), "a.gen:1:3: the structure is periodic"),
        ("a.mol", "", "a.mol: the file is empty"),
        ("a.xyz", "", "a.xyz: the file is empty"),
        ("a.unknown", "what\n", 'a.unknown:1:1: the number of atoms was expected, not "what"'),
        ("a.xyz", WATER.replace("3\n", "4\n", 1), "4 atoms are said here, the file ends after 3"),
        ("a.xyz", WATER.replace("O ", "Oz ", 1), '"Oz" is not an element'),
        ("a.xyz", WATER.replace("O ", "8 ", 1), "write the symbol: O"),
        ("a.xyz", WATER.replace("H ", "D ", 1), "xTB knows no isotopes"),
        ("a.xyz", WATER.replace("0.00729480", "0,5"), "write a decimal point, not a comma"),
        ("a.xyz", WATER.replace("0.00729480", "1.0D0"), "write the exponent with e, not D"),
        ("a.xyz", WATER.replace("0.00729480", "****"), "ran out of room"),
    ],
)
def test_submit_formats_nothing_passes_in_silence(nox: Nox, name: str, content: str, words: str) -> None:
    """
    What other readers take for no atoms, another structure, a neutral or a molecule is refused in words.
    """
    (nox.cwd / name).write_text(content)

    assert words in refused(nox, name)


def test_a_byte_order_mark_is_no_fault(nox: Nox) -> None:
    """
    A file with a byte order mark is read.
    """
    (nox.cwd / "w.xyz").write_text("\ufeff" + WATER)

    assert "H2O" == records(nox, "w.xyz")[0]["formula"]


def test_charge_and_multiplicity_of_a_comment_count(nox: Nox) -> None:
    """
    What an xyz comment says of charge and multiplicity is what is computed.
    """
    (nox.cwd / "w.xyz").write_text(WATER.replace("\n", "\ncharge=1 multiplicity=2 ", 1))
    spec = records(nox, "w.xyz")[0]["spec"]

    assert (1, 1, "extxyz comment") == (spec["charge"], spec["unpaired"], spec["unpaired_origin"])


@pytest.mark.parametrize("comment", ["chrg=1 uhf=1", "q=1 mult=2", "Charge: +1, multiplicity: 2"])
def test_submit_formats_other_names_of_the_charge_count(nox: Nox, comment: str) -> None:
    """
    What other programs call the charge and the multiplicity is computed too, and nothing is warned of.
    """
    (nox.cwd / "w.xyz").write_text(WATER.replace("\n", f"\n{comment} ", 1))
    shown = nox("submit", "w.xyz", "--no-start", check=True)
    spec = json.loads(nox("status", shown.stdout.strip(), "--raw", check=True).stdout)["spec"]

    assert (1, 1, "") == (spec["charge"], spec["unpaired"], shown.stderr)


def test_a_word_on_charge_that_is_not_understood_is_warned_of(nox: Nox) -> None:
    """
    It is not used, and that is said once for all structures that have it; what is no charge is refused.
    """
    odd = WATER.replace("\n", "\nchg 1 ", 1)
    (nox.cwd / "w.xyz").write_text(odd * 3)
    shown = nox("submit", "w.xyz", "--split", "--no-start", check=True).stderr

    assert 1 == shown.count("w-0001 and 2 more: chg in the comment line is not understood and not used")


def test_a_charge_that_is_no_whole_number_is_refused(nox: Nox) -> None:
    """
    `charge=` is nox's own key: a value it cannot have stops the submit.
    """
    (nox.cwd / "x.xyz").write_text(WATER.replace("\n", "\ncharge=+1.5 ", 1))

    assert "x.xyz:2:1: charge=+1.5 is not a whole number" in refused(nox, "x.xyz")


def test_the_nearest_word_on_charge_counts(nox: Nox) -> None:
    """
    A flag goes before a molfile's charges, they before NAME.CHRG; a dry run shows who said it.
    """
    (nox.cwd / "acetate.mol").write_text(ACETATE)
    (nox.cwd / "acetate.CHRG").write_text("1\n")
    (nox.cwd / "ethanol.mol").write_text(block("CCO"))
    (nox.cwd / "ethanol.CHRG").write_text("2\n")
    shown = nox("submit", "acetate.mol", "ethanol.mol", "--dry-run", check=True).stderr.splitlines()
    flagged = nox("submit", "acetate.mol", "-c", "1", "--dry-run", check=True).stderr.splitlines()

    assert [["-1", "0", "molfile", "charges", "acetate"], ["+2", "0", "ethanol.CHRG", "ethanol"]] == [
        line.split() for line in shown[3:5]
    ]
    assert ["+1", "0", "-c", "acetate"] == flagged[3].split()


def test_submit_formats_what_a_reader_chose_is_told(nox: Nox) -> None:
    """
    A SMILES that leaves stereochemistry open is computed, with a warning.
    """
    said = nox("submit", "--smiles", "CC(O)F", "--smiles", "CC(N)F", "--no-start").stderr

    assert "warning: CC(O)F and 1 more: stereochemistry is left open by the SMILES" in said


def test_structures_are_computed(nox: Nox, tmp_path: Path) -> None:
    """
    The same molecule gives the same energy from xyz, bohr-based and fixed-column files.
    """
    (tmp_path / "coord").write_text("$coord angs\n 0.0 0.0 0.1 o\n 0.0 0.8 -0.4 h\n 0.0 -0.8 -0.4 h\n$end\n")
    (tmp_path / "w.gen").write_text(GEN)
    (tmp_path / "w.pdb").write_text(PDB)
    names = [str(tmp_path / name) for name in ("coord", "w.gen", "w.pdb")]
    nox("run", *names, check=True)
    items = json.loads(nox("results", "--json", check=True).stdout)["items"]
    energies = [item["energy_hartree"] for item in items]

    assert 3 == len(energies)
    assert [pytest.approx(energies[0], abs=1e-9)] * 3 == energies

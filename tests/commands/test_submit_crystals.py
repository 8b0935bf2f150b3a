"""Crystals through the commands: read with their cells, computed by tblite, handed on whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import POSITIONS, SYMBOLS, fail, water
from tests.support.ended import complete as done
from tests.support.examples import EXAMPLES
from workers.engine.registry import available

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

LATTICE = [[4.0, 0.0, 0.0], [0.5, 5.0, 0.0], [0.0, 0.25, 6.0]]
CELL = 'Lattice="4 0 0 0.5 5 0 0 0.25 6" pbc="T T T"'
EXTXYZ = f"3\n{CELL}\nO 0.0 0.0 0.1\nH 0.0 0.7 -0.4\nH 0.0 -0.7 -0.4\n"
POSCAR = """ice of one molecule
1.0
4 0 0
0.5 5 0
0 0.25 6
O H
1 2
Cartesian
0.0 0.0 0.1
0.0 0.7 -0.4
0.0 -0.7 -0.4
"""
STRUCTURE = {"symbols": SYMBOLS, "positions_angstrom": POSITIONS, "lattice_angstrom": LATTICE}
CRYSTAL = {"structure": STRUCTURE, "engine": "tblite"}
needs_tblite = pytest.mark.skipif("tblite" not in available(["tblite"]), reason="tblite is not installed")


def specs(nox: Nox, *words: str) -> list[dict[str, Any]]:
    """Submit, and read what each job is to compute."""
    ids = nox.submit(*words, "--no-start")
    return [json.loads(nox("status", job_id, "--raw", check=True).stdout)["spec"] for job_id in ids]


@pytest.mark.parametrize(("name", "content"), [("POSCAR", POSCAR), ("ice.xyz", EXTXYZ)])
def test_the_cell_is_part_of_the_structure(nox: Nox, name: str, content: str) -> None:
    """
    It is kept in Å beside the positions, and tblite is taken for it.
    """
    (nox.cwd / name).write_text(content)
    (spec,) = specs(nox, name, "--opt", "--gfn", "1")

    assert STRUCTURE == spec["structure"]
    assert ("tblite", "opt", "gfn1", name) == (
        spec["engine"],
        spec["kind"],
        spec["method"],
        spec["source"]["file"],
    )


def test_a_molecule_beside_a_crystal_keeps_its_engine(nox: Nox) -> None:
    """
    What a crystal needs is not asked of the molecules of the same submit.
    """
    (nox.cwd / "POSCAR").write_text(POSCAR)
    molecule, crystal = specs(nox, str(EXAMPLES / "water.xyz"), "POSCAR")
    (alone,) = specs(nox, str(EXAMPLES / "water.xyz"))

    assert (alone["engine"], "tblite") == (molecule["engine"], crystal["engine"])
    assert {"symbols", "positions_angstrom"} == molecule["structure"].keys()


def test_submit_crystals_another_cell_is_another_job(nox: Nox) -> None:
    """
    `--unique` tells crystals apart by their cells, and from the molecule without one.
    """
    contents = (EXTXYZ, EXTXYZ.replace("6", "6.5"), EXTXYZ.replace('"T T T"', '"F F F"'), EXTXYZ)
    for number, content in enumerate(contents):
        (nox.cwd / f"{number}.xyz").write_text(content)
    ids = [nox.submit(f"{number}.xyz", "--unique", "--engine", "tblite", "--no-start") for number in range(4)]

    assert 3 == len({job_id for (job_id,) in ids})
    assert ids[0] == ids[3]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--hess",), 5, "POSCAR: frequencies of a crystal"),
        (("--ohess",), 5, "POSCAR: frequencies of a crystal"),
        (("--alpb", "water"), 5, "POSCAR: a crystal has no solvent around it"),
        (("--gfnff",), 5, "POSCAR: a crystal cannot be computed with gfnff"),
        (("--ipea1",), 5, "POSCAR: a crystal cannot be computed with ipea1"),
        (("-c", "2"), 5, "POSCAR: a crystal with a charge of +2"),
        (("--engine", "xtb"), 2, "--engine xtb has no cells of crystals"),
        (("--engine", "xtb-cli"), 2, "--engine xtb-cli has no cells of crystals"),
        (("--", "--pop"), 2, "no engine has cells of crystals and options of the xtb program's at once"),
    ],
)
def test_submit_crystals_what_cannot_be_had_of_a_crystal_is_refused(
    nox: Nox, words: tuple[str, ...], code: int, said: str
) -> None:
    """
    Before anything is stored, in a line that says what to do instead.
    """
    (nox.cwd / "POSCAR").write_text(POSCAR)
    ended = nox("submit", "POSCAR", "--no-start", *words)

    assert (code, "") == (ended.returncode, ended.stdout), ended.stderr
    assert said in ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (POSCAR.replace("0 0.25 6\n", "4.5 5 0\n"), "POSCAR: the cell's vectors lie in a plane"),
        (POSCAR.replace("0 0.25 6\n", "0 0.25 -6\n"), "POSCAR: the cell is left-handed"),
        (POSCAR.replace("1.0\n", "0.1\n"), "POSCAR: two faces of the cell are 0.40 Å apart"),
        (POSCAR.replace("1.0\n", "100\n"), "POSCAR: the cell is 600.5 Å long"),
        (
            POSCAR.replace("1 2\n", "1 3\n") + "0.5 4.31 -0.4\n",
            "POSCAR: atoms 3 (H) and 4 (H) are 0.010 Å apart in neighbouring cells",
        ),
    ],
)
def test_an_unsound_cell_is_refused(nox: Nox, content: str, said: str) -> None:
    """
    Flat, left-handed, tiny, huge, or with an atom on another's image.
    """
    (nox.cwd / "POSCAR").write_text(content)
    ended = nox("submit", "POSCAR", "-u", "auto", "--no-start")

    assert 5 == ended.returncode
    assert said in ended.stderr


@needs_tblite
def test_a_crystal_goes_through_whole(nox: Nox) -> None:
    """
    Run, shown, written as extended xyz, submitted again: the cell stays with the atoms, and what is to be
    known of one k-point is told.
    """
    (nox.cwd / "POSCAR").write_text(POSCAR)
    ran = nox("run", "POSCAR", "--opt", "crude", "--gfn", "1", "-d", "out", check=True)
    assert "POSCAR" in ran.stdout
    told = json.loads(nox("results", "1", "--json", check=True).stdout)["items"][0]
    assert (None, ["gamma_point"]) == (told["dipole_debye"], told["verdicts"])
    status = nox("status", "1", check=True).stdout
    assert "opt crude · GFN1-xTB · crystal at the gamma point · tblite" in status
    assert "warning: computed at the gamma point alone" in status
    assert "in periodic cells that were kept, at the gamma point alone, using" in (
        nox("cite", "1", check=True).stdout.replace("\n", " ")
    )

    (nox.cwd / "again.xyz").write_text(nox("results", "1", "-o", "extxyz", check=True).stdout)
    left = nox.cwd / "out" / "POSCAR-opt.xyz"
    first, second = specs(nox, "again.xyz", str(left), "--sp")
    assert LATTICE == first["structure"]["lattice_angstrom"] == second["structure"]["lattice_angstrom"]
    for one, other in zip(
        first["structure"]["positions_angstrom"], second["structure"]["positions_angstrom"], strict=True
    ):
        assert pytest.approx(one, abs=1e-9) == other
    information = nox("results", "1", "-o", "si", check=True).stdout
    assert 'Lattice="4.0 0.0' in information
    assert "GFN1-xTB · crystal at the gamma point · tblite" in information


def test_a_geometry_is_handed_on_with_its_cell(any_nox: Nox, any_store: Store) -> None:
    """
    `--from` of a job that is done, or not yet, and `--from-last-geometry`; frequencies of it are refused.
    """
    done(any_store, water("a", spec=CRYSTAL), lattice_angstrom=LATTICE, engine="tblite")
    failed = fail(any_store, water("b", spec=CRYSTAL), lattice_angstrom=LATTICE, engine="tblite")
    any_nox("submit", "--from", "1", "--sp", "--no-start", check=True)
    any_nox("submit", "--from", "3", "--sp", "--no-start", check=True)
    any_nox("retry", failed, "--from-last-geometry", check=True, env={"NOX_AUTOSTART": "never"})

    for number in (3, 4, 5):
        record = json.loads(any_nox("status", str(number), "--raw", check=True).stdout)
        assert (STRUCTURE, "tblite") == (record["spec"]["structure"], record["spec"]["engine"])
    refused = any_nox("submit", "--from", "1", "--hess", "--no-start")
    assert (5, True) == (refused.returncode, "job 1: frequencies of a crystal" in refused.stderr)


def test_a_crystal_is_not_compared_with_a_molecule(nox: Nox, store: Store) -> None:
    """
    Their formulas are equal and their energies are not of one kind; nor are two crystals one conformer.
    """
    numbers = {"engine": "tblite", "energy_hartree": -5.0, "dipole_debye": None}
    for name in ("a", "b"):
        done(store, water(name, spec=CRYSTAL), lattice_angstrom=LATTICE, **numbers)
    done(store, water("c", spec={"engine": "tblite"}), **(numbers | {"energy_hartree": -5.1}))
    told = json.loads(nox("results", "--boltzmann", "1-3", "--json", check=True).stdout)["items"]

    assert [0.5, 0.5, None] == [one["boltzmann_weight"] for one in told]


def test_engines_are_not_compared_on_a_crystal(nox: Nox) -> None:
    """
    `nox doctor --numbers` says so instead of comparing the molecule in the cell.
    """
    (nox.cwd / "POSCAR").write_text(POSCAR)
    ended = nox("doctor", "--numbers", "POSCAR")

    assert (2, True) == (ended.returncode, "a crystal is given" in ended.stderr)

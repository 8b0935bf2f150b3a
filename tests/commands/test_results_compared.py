"""`nox results`: relative energies, weights, units, and structures as text."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.xyz import read_records
from tests.support.ended import complete, fail, water
from tests.support.stores import submit_named

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

KCAL = 1 / 627.5094740631
STRETCHED = [[0.0, 0.0, 0.1], [0.0, 0.9, -0.4], [0.0, -0.9, -0.4]]


def conformers(store: Store) -> None:
    """End three conformers, the second the lowest, the third the second again."""
    complete(store, water("a"), energy_hartree=-5.0 + KCAL, positions_angstrom=STRETCHED)
    complete(store, water("b"), energy_hartree=-5.0)
    complete(store, water("c"), energy_hartree=-5.0 + 0.01 * KCAL)


def write_xyz(path: Path, *atoms: str) -> None:
    """Write a structure, an atom a line."""
    path.write_text("\n".join([str(len(atoms)), "", *atoms, ""]))


def rows(nox: Nox, *words: str) -> list[dict[str, str]]:
    """Read results as CSV."""
    return list(csv.DictReader(StringIO(nox("results", "@all", *words, "-o", "csv", check=True).stdout)))


def test_the_table_of_differences(nox: Nox, store: Store) -> None:
    """
    Differences stand beside the energies in kcal/mol, weights in percent, and what they hold within below.
    """
    conformers(store)
    said = nox("results", "1-3", "--boltzmann", check=True).stdout.splitlines()

    assert ["E/Eh", "dE/kcal", "w/%"] == said[1].split()[4:7]
    assert [["1.00", "15.6"], ["0.00", "84.4"], ["0.01", "=", "2"]] == [
        line.split()[5 : 7 + (i == 2)] for i, line in enumerate(said[2:5])
    ]
    assert "dE within one formula, charge, method, engine and conditions only" == said[5]


def test_results_compared_each_group_is_compared_by_its_own_quantity(nox: Nox) -> None:
    """
    Frequencies of one molecule are compared by G, though another was only optimised; the table shows which.
    """
    for index, place in enumerate(("0 0 0", "0 0 0.4")):
        write_xyz(nox.cwd / f"water{index}.xyz", f"O {place}", "H 0 0.76 -0.5", "H 0 -0.76 -0.5")
        write_xyz(nox.cwd / f"hydrogen{index}.xyz", f"H {place}", "H 0 0 1.2")
    nox("submit", "water0.xyz", "water1.xyz", "--ohess", "--no-start", check=True)
    nox("submit", "hydrogen0.xyz", "hydrogen1.xyz", "--opt", "--no-start", check=True)
    nox("worker", "--burst", check=True)
    said = nox("results", "1-4", "--relative", check=True)
    table = said.stdout.splitlines()
    header = next(line.split() for line in table if line.startswith("#") or " name " in line)

    assert ["dG,dE/kcal", "by"] == header[header.index("dG,dE/kcal") :][:2]
    assert "G where every row that is compared with the others has one, else E" in table
    assert "has a G: E is compared" not in said.stderr
    assert ["gibbs", "gibbs", "energy", "energy"] == [row["compared_by"] for row in rows(nox, "--relative")]


def test_csv_has_the_unit_in_each_name(any_nox: Nox, any_store: Store) -> None:
    """
    Differences are added to the columns of CSV; `--unit` changes all energies and their names.
    """
    conformers(any_store)
    plain, in_ev = rows(any_nox, "--relative"), rows(any_nox, "--relative", "--unit", "ev")

    assert ["1.0000000000", "0.0000000000", "0.0100000000"] == [row["relative_kcal_per_mol"] for row in plain]
    assert {("energy", "2", "")} == {
        (row["compared_by"], row["reference"], row["not_compared"]) for row in plain
    }
    assert -5.0 * 27.211386245988 == pytest.approx(float(in_ev[1]["energy_ev"]), abs=1e-9)
    assert 0.0433641 == pytest.approx(float(in_ev[0]["relative_ev"]), abs=1e-7)
    assert "energy_hartree" not in in_ev[0]


def test_weights_in_json(nox: Nox, store: Store) -> None:
    """
    A weight is a number from 0 to 1; a conformer that is there again names the first instead.
    """
    conformers(store)
    items = json.loads(nox("results", "1-3", "--boltzmann", "--json", check=True).stdout)["items"]

    assert [None, None, 2] == [item["same_conformer_as"] for item in items]
    assert 1.0 == pytest.approx(items[0]["boltzmann_weight"] + items[1]["boltzmann_weight"])
    assert items[2]["boltzmann_weight"] is None


def test_within_leaves_out_what_is_higher(nox: Nox, store: Store) -> None:
    """
    `--within` keeps what lies near the lowest; what is higher, or compared with nothing, is counted.
    """
    conformers(store)
    complete(store, water("alone", formula="HO"), charge=-1)
    said = nox("results", "1-4", "--within", "0.5", "--sort", "energy", "-q")

    assert 2 == len(said.stdout.split())
    assert ["1 row above --within, not shown", "1 row not compared with others, not shown"] == (
        said.stderr.splitlines()
    )


def test_columns_may_be_named_without_their_unit(nox: Nox, store: Store) -> None:
    """
    A column's name may end before its unit if only one begins so; the whole name works in any unit.
    """
    conformers(store)
    words = ("results", "1-3", "--relative", "--unit", "kj", "-o", "tsv", "--sort=-relative")
    short = nox(*words, "--columns", "name,energy,relative", check=True).stdout.splitlines()
    whole = nox(*words, "--columns", "energy_hartree", check=True).stdout.splitlines()

    assert "name\tenergy_kj_per_mol\trelative_kj_per_mol" == short[0]
    assert ["a", "c", "b"] == [line.split("\t")[0] for line in short[1:]]
    assert "-5.0000000000" == whole[3]


def test_failed_rows_are_not_compared(nox: Nox, store: Store) -> None:
    """
    With -a a failed row has no difference, however low it lies.
    """
    conformers(store)
    fail(store, water("broken"))
    found = rows(nox, "--relative", "-a")

    assert ["1.0000000000", "0.0000000000", "0.0100000000", ""] == [
        row["relative_kcal_per_mol"] for row in found
    ]


def test_extxyz_can_be_submitted_again(nox: Nox, store: Store) -> None:
    """
    Each frame has the final positions, and charge and spin where nox reads them.
    """
    complete(store, water('a "b" \\c'), charge=1, unpaired=1)
    complete(store, water("b"))
    submit_named(store, "waiting")
    text = nox("results", "1-3", "-o", "extxyz", check=True).stdout
    first, second = all_or_refused(read_records(Input("f.xyz", text.encode())))

    assert (1, 1) == (first.comment.charge, first.comment.unpaired)
    assert ((0.0, 0.0, 0.1), (0.0, 0.7, -0.4), (0.0, -0.7, -0.4)) == second.positions_angstrom
    assert 'name="a \\"b\\" \\\\c" number=1 ' in text
    assert "energy_hartree=-5.07054412345678 " in text


def test_markdown(nox: Nox, store: Store) -> None:
    """
    Markdown is the whole table, whatever the width, with bars in names escaped.
    """
    complete(store, water("a|b"))
    whole = nox("results", "-o", "md", check=True, env={"COLUMNS": "20"}).stdout.splitlines()
    chosen = nox("results", "-o", "md", "--columns", "name,steps", check=True).stdout.splitlines()

    assert ["opt normal · GFN2-xTB · gas phase · xtb 22.1", ""] == whole[:2]
    assert whole[2].startswith("| # | name | q | unp | E/Eh |")
    assert whole[3].startswith("|---:|---|---:|")
    assert whole[4].startswith("| 1 | a\\|b | 0 | 0 | -5.07054412 |")
    assert ["| name | steps |", "|---|---|", "| a\\|b | 4 |"] == chosen


def test_blocks_for_a_supporting_information(nox: Nox, store: Store) -> None:
    """
    A block has the name, how it was computed, charge, multiplicity, the energy and the atoms.
    """
    complete(store, water("cat"), charge=1, unpaired=1)
    said = nox("results", "-o", "si", check=True).stdout.splitlines()

    assert [
        "cat",
        "opt normal · GFN2-xTB · gas phase · xtb 22.1",
        "H2O, charge +1, multiplicity 2",
        "E = -5.07054412 Eh",
        "3",
        "",
        "O        0.0000000000       0.0000000000       0.1000000000",
    ] == said[:7]


def test_a_failed_geometry_is_marked(nox: Nox, store: Store) -> None:
    """
    With -a the geometry a failed optimisation reached is there, and said to be none of a result.
    """
    fail(store)

    assert "" == nox("results", "-o", "si", check=True).stdout
    assert "! failed not converged" in nox("results", "-a", "-o", "si", check=True).stdout.splitlines()
    assert ' state="failed" ' in nox("results", "-a", "-o", "extxyz", check=True).stdout


def test_options_that_ask_for_nothing(nox: Nox, store: Store) -> None:
    """
    `--keep-reacted` without a comparison, a unit nobody knows and a negative window are errors of usage.
    """
    complete(store)

    assert 2 == nox("results", "--keep-reacted").returncode
    assert 2 == nox("results", "--unit", "cal").returncode
    assert 2 == nox("results", "--within", "-1").returncode
    assert 2 == nox("list", "-o", "extxyz").returncode


def test_energies_beyond_all_numbers(nox: Nox, store: Store) -> None:
    """
    A damaged record whose energies have no difference, or none in this unit, leaves its numbers empty.
    """
    complete(store, energy_hartree=1.7e308)
    complete(store, energy_hartree=-1.7e308)
    found = json.loads(nox("results", "1-2", "--boltzmann", "--unit", "kj", "--json", check=True).stdout)[
        "items"
    ]

    assert [None, None] == [item["energy_kj_per_mol"] for item in found]
    assert [None, 0.0] == [item["relative_kj_per_mol"] for item in found]

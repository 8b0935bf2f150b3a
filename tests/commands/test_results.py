"""`nox results`: the numbers, as a table, CSV or JSON."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.results.record import RESULT_FIELDS
from tests.support.ended import ENERGY_HARTREE, complete, fail, run_again, run_badly, water
from tests.support.stores import OTHER_WORKER, artifact, claim, outcome, submit, submit_named

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store


def test_the_table(nox: Nox, store: Store) -> None:
    """
    What all have in common stands above the rows; energies have 8 decimals.
    """
    complete(store)
    complete(store, water("cat"), charge=1, unpaired=1, energy_hartree=-4.5)
    said = nox("results", "1-2")

    assert [
        "opt normal · GFN2-xTB · gas phase · xtb 22.1",
        "#  name    q  unp         E/Eh  gap/eV  dip/D      |g|  steps   time  note",
        "1  water   0    0  -5.07054412  14.000  2.200  3.0e-04      4  1.5 s",
        "2  cat    +1    1  -4.50000000  14.000  2.200  3.0e-04      4  1.5 s",
    ] == said.stdout.splitlines()
    assert "" == said.stderr


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        ("", "wrote 1 row as a table for people (CSV: -o csv)\n"),
        ("-o csv", "wrote 1 row as CSV\n"),
        ("--json", "wrote 1 row as JSON\n"),
        ("-o si", "wrote 1 row as blocks of a supporting information\n"),
        ("-q", ""),
    ],
)
def test_a_file_is_said_to_have_been_written(
    nox: Nox, store: Store, tmp_path: Path, words: str, remark: str
) -> None:
    """
    Where stdout leads to a file, stderr names the form that it has; not with -q, and not into that file.
    """
    complete(store)
    with (tmp_path / "alone").open("w") as alone:
        told = nox.popen("results", "1", *words.split(), stdout=alone).communicate(timeout=60)[1]
    with (tmp_path / "both").open("w") as both:
        nox.popen("results", "1", *words.split(), stdout=both, stderr=both).communicate(timeout=60)

    assert remark == told
    assert (tmp_path / "alone").read_text() == (tmp_path / "both").read_text() != ""


def test_rows_that_differ(nox: Nox, store: Store) -> None:
    """
    What differs between rows has a column; what does not stays above.
    """
    complete(store)
    complete(store, engine_version="6.7")
    first, header, *rows = nox("results", "1-2").stdout.splitlines()

    assert "opt normal · GFN2-xTB · gas phase" == first
    assert ["engine", "note"] == header.split()[-2:]
    assert ["xtb 22.1", "xtb 6.7"] == [" ".join(row.split()[-2:]) for row in rows]


def test_csv(any_nox: Nox, any_store: Store) -> None:
    """
    CSV is one row a job with the unit in each name and 10 decimals; it does not depend on the width.
    """
    job_id = complete(any_store, water(batch="cycle"))
    text = any_nox("results", "@all", "-o", "csv", env={"COLUMNS": "20"}).stdout
    (row,) = csv.DictReader(StringIO(text))
    expected = {
        "number": "1",
        "job_id": job_id,
        "batch": "cycle",
        "name": "water",
        "source_file": "mol/water.xyz",
        "input_sha256": "ab" * 32,
        "formula": "H2O",
        "n_atoms": "3",
        "charge": "0",
        "unpaired_electrons": "0",
        "charge_origin": "default",
        "calculation": "opt",
        "opt_level": "normal",
        "method": "gfn2",
        "electronic_temperature_k": "300.0000000000",
        "state": "completed",
        "reason": "",
        "warnings": "",
        "energy_hartree": "-5.0705441235",
        "gradient_norm_hartree_per_bohr": "0.0003000000",
        "gap_ev": "14.0000000000",
        "homo_ev": "-12.0000000000",
        "lumo_ev": "2.0000000000",
        "dipole_debye": "2.2000000000",
        "converged": "true",
        "steps": "4",
        "engine": "xtb",
        "engine_version": "22.1",
        "nox_version": "0.1.0",
        "host": "node07",
        "attempt": "1",
        "wall_s": "1.500",
        "spin_polarised": "false",
    }

    assert [*RESULT_FIELDS] == list(row)
    assert row.pop("finished_at").endswith("Z")
    assert {name: expected.get(name, "") for name in row} == row


def test_frequencies_have_columns(nox: Nox, store: Store) -> None:
    """
    What frequencies and thermochemistry gave, and the bonds that changed, stand in columns of their own.
    """
    gas = {
        "zpe_hartree": 0.02,
        "enthalpy_hartree": -5.04,
        "entropy_hartree_per_k": 7e-5,
        "gibbs_hartree": -5.06,
        "gibbs_rrho_hartree": -5.061,
        "temperature_k": 298.15,
        "pressure_pa": 101_325.0,
        "symmetry_number": 2,
    }
    body = {
        "symmetry_number_origin": "detected",
        "mass_u": 18.015,
        "moments_of_inertia_u_angstrom2": [0.6, 1.2, 1.8],
        "rotor_cutoff_cm1": 50.0,
        "entropy_rrho_hartree_per_k": 7e-5,
    }
    modes = {
        "frequencies_cm1": [-24.6, 3600.0, 3700.0],
        "ir_intensities_km_per_mol": [1.0, 2.0, 3.0],
        "imaginary_modes": 1,
        "imaginary_cutoff_cm1": -20.0,
        "lowest_mode_cm1": -24.6,
        "gradients": 12,
        "step_bohr": 0.005,
    }
    complete(
        store,
        thermochemistry=gas | body,
        vibrations=modes,
        bonds_changed={"broken": [[1, 2], [1, 9]], "formed": [[2, 3]]},
        verdicts=["bonds_changed", "imaginary_modes"],
    )
    (item,) = json.loads(nox("results", "1", "--json").stdout)["items"]
    _, header, row = nox("results", "1").stdout.splitlines()[:3]

    assert ["E/Eh", "G/Eh", "im", "low/cm-1", "gap/eV"] == header.split()[4:9]
    assert ["-5.06000000", "1", "-25", "14.000"] == row.split()[5:9]
    assert gas.items() <= item.items()
    assert (1, -24.6) == (item["imaginary_modes"], item["lowest_mode_cm1"])
    assert ["broken O1-H2", "formed H2-H3"] == item["bonds_changed"]
    assert ["bonds_changed", "imaginary_modes"] == item["verdicts"]


def test_json(any_nox: Nox, any_store: Store) -> None:
    """
    JSON has the same fields with every digit; NDJSON is the same a line.
    """
    complete(any_store)
    document = json.loads(any_nox("results", "1", "--json").stdout)
    (line,) = any_nox("results", "1", "-o", "jsonl").stdout.splitlines()
    (item,) = document["items"]

    assert ["schema", "items", "cursor"] == list(document)
    assert ["schema", *RESULT_FIELDS] == list(item)
    assert ENERGY_HARTREE == item["energy_hartree"]
    assert item == json.loads(line)


def test_failed_jobs(nox: Nox, store: Store) -> None:
    """
    Failed jobs are named and left out; with -a they have rows that say so.
    """
    complete(store)
    fail(store)
    submit_named(store, "waiting")
    usual, every = nox("results", "1-3"), nox("results", "1-3", "-a")

    assert ["1"] == [line.split()[0] for line in usual.stdout.splitlines()[2:]]
    assert ["2 prod2: failed, not shown (-a)", "1 not ended yet"] == usual.stderr.splitlines()
    assert every.stdout.splitlines()[3].endswith("failed not converged")
    assert ["false"] == nox("results", "2", "-a", "--columns", "converged", "-o", "tsv").stdout.splitlines()[
        1:
    ]


def test_order_limit_and_columns(nox: Nox, store: Store) -> None:
    """
    Rows sort by any column, either way; columns are chosen by name; ids come alone with -q.
    """
    ids = [complete(store, energy_hartree=energy) for energy in (-2.0, -3.0, -1.0)]
    words = ("results", "1-3", "-o", "tsv", "--columns", "number,energy_hartree")
    up = nox(*words, "--sort", "energy_hartree").stdout.splitlines()
    down = nox(*words, "--sort", "-energy_hartree", "--limit", "1").stdout.splitlines()

    assert ["number\tenergy_hartree", "2\t-3.0000000000", "1\t-2.0000000000", "3\t-1.0000000000"] == up
    assert ["3\t-1.0000000000"] == down[1:]
    assert ids == nox("results", "1-3", "-q").stdout.splitlines()
    assert 2 == nox("results", "1", "--sort", "bad").returncode
    assert 2 == nox("results", "1", "--columns", "bad").returncode


def test_the_last_submit_is_the_default(nox: Nox, store: Store) -> None:
    """
    Without a selector the results are those of the last submit.
    """
    complete(store)
    last = complete(store)

    assert [last] == nox("results", "-q").stdout.splitlines()


def test_echo_jobs(nox: Nox, store: Store) -> None:
    """
    An echo job's result is its payload.
    """
    submit_named(store, "hello")
    lease = claim(store).lease
    record = {"schema": 1, "attempt": 1, "worker": "w-1-a", "result": {"kind": "echo", "payload": {"x": 1}}}
    store.finish(lease, outcome(outcome_json=json.dumps(record)))

    assert '{"x": 1}' in nox("results", "1").stdout
    assert {"x": 1} == json.loads(nox("results", "1", "--json").stdout)["items"][0]["payload"]


def test_a_damaged_outcome_harms_no_other(nox: Nox, store: Store) -> None:
    """
    An outcome that cannot be read, or holds no numbers, leaves its row empty.
    """
    for text in ("rubbish", '{"result": [1]}', '{"result": {"energy_hartree": "x", "gap_ev": 1e999}}'):
        submit(store, water())
        store.finish(claim(store).lease, outcome(outcome_json=text, artifacts=(artifact("engine.log"),)))
    complete(store)
    rows = list(csv.DictReader(StringIO(nox("results", "1-4", "-o", "csv", check=True).stdout)))

    assert ["", "", "", "-5.0705441235"] == [row["energy_hartree"] for row in rows]
    assert ["", "", "", "14.0000000000"] == [row["gap_ev"] for row in rows]


def test_the_results_of_one_attempt(any_nox: Nox, any_store: Store) -> None:
    """
    `--attempt` gives what that attempt of each job gave, failed ones too; those without are told of.
    """
    first, second = complete(any_store), complete(any_store, energy_hartree=-4.0)
    run_again(any_store, first, energy_hartree=-6.0)
    any_store.retry([second], owner=None, done=True)
    run_badly(any_store, second, energy_hartree=-3.0)
    complete(any_store)

    def rows(*words: str) -> list[tuple[object, ...]]:
        found = json.loads(any_nox("results", "1-3", "--json", *words, check=True).stdout)["items"]
        return [(row["number"], row["attempt"], row["state"], row["energy_hartree"]) for row in found]

    usual = [
        (1, 2, "completed", -6.0),
        (2, 1, "failed", -4.0),
        (3, 1, "completed", ENERGY_HARTREE),
    ]
    assert usual == rows()
    assert usual == rows("-a")
    one = [(number, 1, "completed", energy) for number, energy in ((1, ENERGY_HARTREE), (2, -4.0))]
    assert [*one, usual[2]] == rows("--attempt", "1")
    assert [(1, 2, "completed", -6.0), (2, 2, "failed", -3.0)] == rows("--attempt", "2")
    told = any_nox("results", "1-3", "--attempt", "2", check=True)
    assert "job 3 has no attempt 2 (its attempts: 1 (done))\n" == told.stderr
    assert told.stdout.splitlines()[3].endswith("attempt 2: not converged")


def test_results_of_retried_jobs_are_compared(any_nox: Nox, any_store: Store) -> None:
    """
    A result that stays is compared with others; its time, host and end are those of its own attempt.
    """
    first = complete(any_store, energy_hartree=-5.0)
    complete(any_store, energy_hartree=-5.1)
    before = json.loads(any_nox("results", "1", "--json", check=True).stdout)["items"][0]
    any_store.retry([first], owner=None, done=True)
    claim(any_store, OTHER_WORKER)
    after = json.loads(any_nox("results", "1", "--json", check=True).stdout)["items"][0]
    rows = json.loads(any_nox("results", "1-2", "--relative", "--json", check=True).stdout)["items"]

    assert ("completed", "running") == (before.pop("state"), after.pop("state"))
    assert before == after
    assert [62.75, 0.0] == [round(row["relative_kcal_per_mol"], 2) for row in rows]

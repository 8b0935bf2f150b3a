"""Jobs for the xtb program: asked for, refused, passed by where it is not, and computed where it is."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

WATER = str(EXAMPLES / "water.xyz")


def test_a_force_field_runs_by_the_program(nox: Nox) -> None:
    """
    Left to nox, --gfnff is the program's, and the result says which.
    """
    nox("run", WATER, "--gfnff", "--opt", check=True)
    (row,) = json.loads(nox("results", "--json", check=True).stdout)["items"]

    assert ("gfnff", "xtb-cli", True) == (row["method"], row["engine"], row["converged"])
    assert row["energy_hartree"] < 0
    assert row["gap_ev"] is None


def test_an_input_file_and_options_are_shown_and_kept(nox: Nox) -> None:
    """
    A dry run shows them; the job keeps the text, so that the file may go.
    """
    file = nox.cwd / "held.inp"
    file.write_text("$constrain\n   distance: 1,2,1.1\n$end\n")
    words = ("submit", WATER, "--opt", "--input", str(file), "--no-start")
    shown = nox(*words, "--dry-run", "--", "--pop", check=True).stderr
    (job_id,) = nox(*words, "--", "--pop", check=True).stdout.split()
    with nox.store() as store:
        spec = json.loads(store.specs([job_id])[job_id])

    assert "xtb --pop" in shown
    assert "with an input file" in shown
    assert (["--pop"], file.read_text(), "xtb-cli") == (
        spec["program_options"],
        spec["program_input"],
        spec["engine"],
    )


def test_a_solvent_passed_on_is_the_medium_everywhere(nox: Nox) -> None:
    """
    Submit, the table, the blocks for a paper, the methods sentence and JSON name COSMO, never the gas phase.
    """
    ran = nox("run", WATER, "--", "--cosmo", "water", check=True)
    shown = [nox("results", *words, check=True).stdout for words in ((), ("-o", "si"))]
    shown += [nox(*words, check=True).stdout for words in (("cite", "@last"), ("status", "1"))]
    dry = nox("submit", WATER, "--dry-run", "--", "--cosmo", "water", check=True).stderr
    (row,) = json.loads(nox("results", "--json", check=True).stdout)["items"]

    assert ("cosmo", "water") == (row["solvation"], row["solvent"])
    for text in (dry, *shown):
        assert "COSMO(water)" in text, text
        assert "gas phase" not in text + ran.stderr
    assert "10.1039/p29930000799" in shown[2]


def test_submit_program_what_nox_cannot_interpret_is_no_gas_phase(nox: Nox) -> None:
    """
    A record of options that nox does not know is labelled so, and compared with no other.
    """
    ids = [nox("run", WATER, check=True).stdout.split()[0] for _ in range(2)]
    with sqlite3.connect(nox.home / "nox.sqlite3") as database:
        ((text,),) = database.execute("SELECT spec FROM specs WHERE number = 2").fetchall()
        spec = json.loads(text) | {"program_options": ["--foo", "7"]}
        database.execute("UPDATE specs SET spec = ? WHERE number = 2", (json.dumps(spec),))
    database.close()
    table, own = (
        nox("results", *ids, "--relative", check=True).stdout,
        nox("results", ids[1], check=True).stdout,
    )

    assert "with options of its own: --foo 7" in table
    assert "gas phase" not in own
    assert "-" == table.splitlines()[-2].split()[5]


def test_options_that_change_no_energy_keep_no_row_apart(nox: Nox) -> None:
    """
    One solvent under two names, and with what only prints more, is one group.
    """
    for words in (("--cosmo", "water", "--pop"), ("--cosmo", "h2o")):
        nox("run", WATER, "--", *words, check=True)
    rows = json.loads(nox("results", "1-2", "--relative", "--json", check=True).stdout)["items"]

    assert {"energy"} == {row["compared_by"] for row in rows}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--", "--md"], 2, "--md may not be handed to xtb"),
        (["--", "/etc/passwd"], 2, "/etc/passwd may not be handed to xtb"),
        (["--engine", "tblite", "--", "--pop"], 2, "--engine tblite has no options of the xtb program's"),
        (["--gfnff", "--gfn", "1"], 2, "--gfnff and --gfn contradict each other"),
        (["--gfnff", "--spinpol"], 2, "no engine has GFN-FF and spin polarisation at once"),
        (["--gfn", "0", "--alpb", "water"], 2, "ALPB has no parameters for GFN0"),
        (
            ["--alpb", "water", "--", "--cosmo", "water"],
            2,
            "--alpb and --cosmo after -- contradict each other",
        ),
        (["--", "--cosmo", "none"], 2, "--cosmo none is no solvent"),
        (["--bhess", "--opt"], 2, "--opt and --bhess contradict each other"),
        (["--input", "nowhere.inp"], 5, "nowhere.inp: no such file"),
        (["--input", WATER], 5, "water.xyz: line 1: 3 stands in no section"),
    ],
)
def test_submit_program_what_makes_no_sense_is_refused_before_it_is_stored(
    nox: Nox, words: list[str], code: int, says: str
) -> None:
    """
    Each refusal says what is wrong, and no job is left.
    """
    ended = nox("submit", WATER, *words)

    assert (code, True) == (ended.returncode, says in ended.stderr), ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()


def test_a_worker_without_the_program_passes_its_jobs_by(nox: Nox, tmp_path: Path) -> None:
    """
    Submit warns where nobody has it, and the worker leaves the job and does others.
    """
    bare = {"PATH": str(tmp_path)}
    warned = nox("submit", WATER, "--gfnff", "--no-start", env=bare, check=True)
    other = nox("submit", WATER, "--no-start", env=bare, check=True).stdout.strip()
    nox.worker("--max-jobs", "1", env=bare).wait()

    assert "no xtb program is on PATH here" in warned.stderr
    assert "completed" == nox.status(other)["state"]
    assert "pending" == nox.status(warned.stdout.strip())["state"]

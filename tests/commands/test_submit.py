"""`nox submit`: jobs in, ids out."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from tests.support.nox import Nox

WATER = str(EXAMPLES / "water.xyz")
ID = re.compile(r"[0-9a-f]{32}")


def stored(nox: Nox) -> int:
    """Count the jobs in a local store."""
    path = nox.home / "nox.sqlite3"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        count: int = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    connection.close()
    return count


def test_submit_in_a_pipe_one_id_a_line(any_nox: Nox) -> None:
    """
    On stdout stands one id a job, in the order of the files, and nothing else.
    """
    ended = any_nox("submit", WATER, str(EXAMPLES / "benzene.xyz"), "--no-start", check=True)
    ids = ended.stdout.splitlines()

    assert ("", 2) == (ended.stderr, len(ids))
    assert all(ID.fullmatch(job_id) for job_id in ids)
    assert ["water", "benzene"] == [
        json.loads(any_nox("status", job_id, "--raw", check=True).stdout)["name"] for job_id in ids
    ]


def test_json_names_every_job(any_nox: Nox) -> None:
    """
    `--json` gives the batch, and each job's id, number and name.
    """
    found = json.loads(
        any_nox("submit", WATER, WATER, "--batch", "b", "--json", "--no-start", check=True).stdout
    )

    assert {"schema", "batch", "jobs", "skipped", "profile"} == set(found)
    assert (1, "b") == (found["schema"], found["batch"])
    assert [(1, "water", False), (2, "water", False)] == [
        (job["number"], job["name"], job["existing"]) for job in found["jobs"]
    ]
    assert all(ID.fullmatch(job["job_id"]) for job in found["jobs"])


def test_quiet_is_ids(nox: Nox) -> None:
    """
    `-q` prints ids.
    """
    assert ID.fullmatch(nox("submit", WATER, "-q", "--no-start", check=True).stdout.strip())


def test_the_record_keeps_what_was_asked(any_nox: Nox) -> None:
    """
    What was asked on the command line is in the job's record.
    """
    ended = any_nox(
        "submit", WATER, "--opt", "tight", "-c", "2", "--mult", "3", "--priority", "-5", "--cores", "2",
        "--memory", "1G", "--time", "1:00:00", "--tag", "set=a", "--name", "w", "--no-start", check=True,
    )  # fmt: skip
    record = json.loads(any_nox("status", ended.stdout.strip(), "--raw", check=True).stdout)

    assert ("w", "opt", "H2O", -5, 2) == (
        record["name"], record["calculation"], record["formula"], record["priority"], record["cores"],
    )  # fmt: skip
    assert (1024**3, 3600, {"set": "a"}) == (record["memory_bytes"], record["time_limit_s"], record["tags"])


def test_requests_on_stdin(any_nox: Nox) -> None:
    """
    NDJSON on stdin is a job a line.
    """
    lines = "".join(f'{{"kind": "echo", "payload": {i}, "name": "n{i}"}}\n' for i in range(450))
    ended = any_nox("submit", "-", "--no-start", "--json", input=lines, check=True)
    jobs = json.loads(ended.stdout)["jobs"]

    assert [(i + 1, f"n{i}") for i in range(450)] == [(job["number"], job["name"]) for job in jobs]


def test_a_structure_on_stdin(nox: Nox) -> None:
    """
    `-` reads a structure as well.
    """
    text = (EXAMPLES / "water.xyz").read_text()

    assert (
        "stdin"
        == json.loads(nox("submit", "-", "--json", "--no-start", input=text).stdout)["jobs"][0]["name"]
    )


def test_files_from_find(nox: Nox, tmp_path: Path) -> None:
    """
    `find -print0 | nox submit --files-from -` submits what was found, whatever its name.
    """
    odd = tmp_path / "a b\n.xyz"
    odd.write_bytes((EXAMPLES / "water.xyz").read_bytes())
    ended = nox("submit", "--files-from", "-", "--json", "--no-start", input=f"{odd}\0{WATER}\0", check=True)

    assert ["a b_", "water"] == [job["name"] for job in json.loads(ended.stdout)["jobs"]]


def test_waits_if_it_is_asked_to(nox: Nox) -> None:
    """
    `--wait` prints the id at once, waits for the job and exits as the job did.
    """
    done = nox("submit", "--kind", "echo", "--payload", "1", "--wait", "--timeout", "60")

    assert 0 == done.returncode
    assert "completed" == json.loads(nox("status", done.stdout.strip(), "--json", check=True).stdout)["state"]


@pytest.mark.parametrize(("timeout", "code"), [("0", 8), ("0.2", 124)])
def test_a_wait_may_end_before_the_job(nox: Nox, timeout: str, code: int) -> None:
    """
    A wait that times out exits 124, a single look 8, and the job is submitted all the same.
    """
    ended = nox("submit", WATER, "--no-start", "--wait", "--timeout", timeout)

    assert code == ended.returncode
    assert ID.fullmatch(ended.stdout.strip())


def test_a_timeout_limits_a_wait(nox: Nox) -> None:
    """
    `--timeout` without `--wait` is an error of usage.
    """
    assert (2, 0) == (nox("submit", WATER, "--timeout", "3").returncode, stored(nox))


def test_a_dry_run_stores_nothing(nox: Nox) -> None:
    """
    `--dry-run` checks everything, stores nothing, prints no id; stderr tells what would be computed.
    """
    ended = nox("submit", WATER, "--dry-run", check=True)
    said = ended.stderr.splitlines()

    assert ("", 0) == (ended.stdout, stored(nox))
    assert "1 job" == said[0]
    assert said[1].startswith("single point · GFN2-xTB (")
    assert [
        "  charge  unpaired  from     files",
        "       0         0  default  water",
        "dry run: nothing was submitted",
    ] == said[2:]
    assert [{"job_id": None, "number": None, "name": "water", "existing": False}] == json.loads(
        nox("submit", WATER, "--dry-run", "--json", check=True).stdout
    )["jobs"]
    assert 5 == nox("submit", "gone.xyz", "--dry-run").returncode


def test_submit_no_input_is_code_3_unless_it_is_allowed(nox: Nox) -> None:
    """
    Without input the code is 3, and 0 with `--allow-empty`.
    """
    assert 3 == nox("submit").returncode
    assert (0, "") == ((ended := nox("submit", "--allow-empty")).returncode, ended.stdout)
    nothing = {"count": 0, "inputs": []}
    assert {"schema": 1, "batch": None, "jobs": [], "skipped": nothing, "profile": None} == json.loads(
        nox("submit", "--allow-empty", "--json").stdout
    )


def test_bad_inputs_may_be_skipped(nox: Nox) -> None:
    """
    `--skip-bad` submits the good ones and names the others on stderr.
    """
    ended = nox("submit", WATER, "gone.xyz", "--skip-bad", "--no-start", check=True)

    assert 1 == len(ended.stdout.splitlines()) == stored(nox)
    assert "warning: gone.xyz: no such file" in ended.stderr


def test_a_charge_file_where_one_stands_is_warned_of(nox: Nox) -> None:
    """
    `.CHRG` in the current directory is not used for files elsewhere, and that is said.
    """
    (nox.cwd / ".CHRG").write_text("-1\n")
    ended = nox("submit", WATER, "--no-start", check=True)

    assert "warning: ./.CHRG (-1) lies where you are, not beside these files: not used\n" == ended.stderr


def test_submit_starts_a_worker_and_the_job_ends(nox: Nox) -> None:
    """
    Without Redis a worker is started in the background, and the job is computed.
    """
    job_id = nox("submit", WATER, check=True).stdout.strip()

    assert 0 == nox("wait", job_id, "--timeout", "60").returncode
    assert 1 == len(nox.background())


@pytest.mark.parametrize("words", [["--no-start"], []])
def test_submit_starts_none_where_it_must_not(nox: Nox, words: list[str], tmp_path: Path) -> None:
    """
    With `--no-start`, or on a login node, the job is stored, nothing is started, and a login node is told.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").touch(mode=0o755)
    path = f"{programs}{os.pathsep}{nox.environ['PATH']}"
    ended = nox("submit", WATER, *words, env={"PATH": path}, check=True)

    assert set() == nox.background()
    assert (not words) == ("no worker was started: this is a login node: submit a batch" in ended.stderr)
    assert 1 == stored(nox)


def test_output_that_cannot_be_written_hides_no_job(nox: Nox) -> None:
    """
    Where the ids cannot be written, stderr says which job was submitted all the same.
    """
    with Path("/dev/full").open("w") as full:
        process = nox.popen("submit", WATER, "--no-start", stdout=full)
        said = process.communicate(timeout=60)[1]

    assert re.search("cannot be written: no space left on device; job [0-9a-f]{32} was submitted", said)
    assert (2, 1) == (process.returncode, stored(nox))


def test_redis_that_is_away_keeps_nothing(nox: Nox) -> None:
    """
    Where Redis cannot be reached nothing is stored anywhere, and the hint says what to do.
    """
    ended = nox("submit", WATER, env={"REDIS_URL": "redis://127.0.0.1:1"})

    assert (4, "", 0) == (ended.returncode, ended.stdout, stored(nox))
    assert (
        "error: redis at 127.0.0.1:1 refused the connection; the job was not submitted\n"
        "hint: start redis, or run here with --local\n"
    ) == ended.stderr


def test_local_goes_before_redis(nox: Nox) -> None:
    """
    `--local` stores here although REDIS_URL is set.
    """
    nox("submit", WATER, "--local", "--no-start", env={"REDIS_URL": "redis://127.0.0.1:1"}, check=True)

    assert 1 == stored(nox)


def test_atoms_to_freeze_are_kept_and_shown(nox: Nox) -> None:
    """
    --freeze is in the record of the job, is shown, and leaves atoms in place.
    """
    water = str(EXAMPLES / "water.xyz")
    shown = nox("submit", water, "--opt", "--freeze", "1-2", "--dry-run", check=True)
    (job_id,) = nox.submit(water, "--opt", "--freeze", "2,1")
    nox.wait(job_id, "completed")
    record = json.loads(nox("status", job_id, "--raw", check=True).stdout)
    result = record["outcome"]["result"]

    assert "2 atoms frozen" in shown.stdout + shown.stderr
    assert [1, 2] == record["spec"]["frozen_atoms"] == result["provenance"]["frozen_atoms"]
    before = record["spec"]["structure"]["positions_angstrom"]
    for number in (0, 1):
        assert pytest.approx(before[number], abs=1e-12) == result["positions_angstrom"][number]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--freeze", "1"], 2, "in an optimisation alone"),
        (["--ohess", "--freeze", "1"], 2, "in an optimisation alone"),
        (["--opt", "--freeze", "0"], 2, "names no atoms"),
        (["--opt", "--freeze", "1-4"], 5, "atom 4 cannot be frozen: there are 3"),
        (["--opt", "--freeze", "1-3"], 5, "every atom is frozen"),
    ],
)
def test_submit_what_cannot_be_frozen_is_refused(nox: Nox, words: list[str], code: int, said: str) -> None:
    """
    Without an optimisation, with frequencies, and of atoms that are not there, nothing is submitted.
    """
    ended = nox("submit", str(EXAMPLES / "water.xyz"), *words)

    assert (code, "", True) == (ended.returncode, ended.stdout, said in ended.stderr), ended.stderr


def test_atoms_on_each_other_are_refused_unless_forced(nox: Nox, tmp_path: Path) -> None:
    """
    Before anything is stored; forced, the job is computed, and its positive energy is warned of.
    """
    (tmp_path / "o2.xyz").write_text("2\n\nO 0 0 0\nO 0 0 0.1\n")
    ended = nox("run", str(tmp_path / "o2.xyz"), "--uhf", "2")
    assert 5 == ended.returncode
    assert "atoms 1 (O) and 2 (O) are 0.100 Å apart, less than 0.504 Å" in ended.stderr
    assert "--force computes it all the same" in ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()

    request = {"xyz": (tmp_path / "o2.xyz").read_text(), "multiplicity": 3, "params": {"opt": False}}
    for force, code in ((False, 5), (True, 0)):
        request["params"] = {"opt": False, "force": force}
        text = json.dumps({"engine": "xtb", "kind": "opt_properties", "inputs": request})
        assert code == nox("submit", "-", "--no-start", "--dry-run", input=text).returncode

    nox("run", str(tmp_path / "o2.xyz"), "--uhf", "2", "--force", check=True)
    assert 5 == nox("submit", "--from", "1", "--no-start").returncode
    assert 0 == nox("submit", "--from", "1", "--no-start", "--force").returncode
    (row,) = json.loads(nox("results", "1", "--json", check=True).stdout)["items"]
    assert row["energy_hartree"] > 100
    assert "positive_energy" in row["verdicts"]
    assert any("total energy is positive" in warning for warning in row["warnings"])

"""Results of a store that stays behind on a node: written to where the batch job came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nox_cli.run.export import destination
from tests.support.examples import EXAMPLES
from tests.support.stores import submit_named
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from tests.support.nox import Nox

WATER, METHANOL = (str(EXAMPLES / f"{name}.xyz") for name in ("water", "methanol"))
# Of another file system than any test's directory.
ELSEWHERE = Path("/proc/self")


def test_a_worker_writes_the_results_of_its_jobs_when_it_ends(any_nox: Nox, tmp_path: Path) -> None:
    """
    Record and geometry of each, told apart by number, also where two jobs have one name; no others.
    """
    any_nox.submit(WATER, "--opt", "--no-start")
    assert 0 == any_nox.worker("--burst", "--slots", "1").wait(60)
    for method in ("1", "2"):
        any_nox.submit(METHANOL, "--opt", "--gfn", method, "--no-start")

    worker = any_nox.worker("--burst", "--slots", "1", "--export", str(tmp_path / "results"))

    assert 0 == worker.wait(60)
    written = {f"{number}-methanol-{file}" for number in (2, 3) for file in ("opt.xyz", "result.json")}
    assert written == {path.name for path in (tmp_path / "results").iterdir()}
    record = json.loads((tmp_path / "results/2-methanol-result.json").read_text())
    assert "gfn1" == record["result"]["method"]
    assert "results written jobs=2" in worker.log


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": str(ELSEWHERE)}, ELSEWHERE / "nox-results-7"),
        ({"PBS_JOBID": "7.server", "PBS_O_WORKDIR": str(ELSEWHERE)}, ELSEWHERE / "nox-results-7"),
        ({"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": "."}, None),
        ({"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": "/no/such/place"}, None),
        ({"SLURM_JOB_ID": "7"}, None),
        ({"SLURM_SUBMIT_DIR": str(ELSEWHERE)}, None),
        ({}, None),
    ],
)
def test_worker_export_where_results_go_by_themselves(
    home: Path, environ: dict[str, str], expected: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In an allocation, if the store lies on another file system than the directory it was submitted from.
    """
    monkeypatch.chdir(home)
    store = SqliteStore.open(home)
    found = destination(store, home, environ)
    store.close()

    assert expected == found


def test_a_directory_that_cannot_be_written_is_an_error(nox: Nox, tmp_path: Path) -> None:
    """
    The worker says so as it ends; the jobs are recorded all the same.
    """
    with nox.store() as store:
        submit_named(store, "a")
    (tmp_path / "file").touch()

    worker = nox.worker("--for", "all", "--burst", "--export", str(tmp_path / "file"))

    assert 2 == worker.wait(60)
    assert "cannot be written: " in worker.log
    assert "completed" == json.loads(nox("list", "--all-users", "--json").stdout)["items"][0]["state"]


def test_a_run_goes_on_with_what_another_node_has_written(nox: Nox, tmp_path: Path) -> None:
    """
    Results in the directory count though this node's store knows nothing of them; only the rest is run.
    """
    directory = ("-d", str(tmp_path / "results"))
    nox("run", WATER, "--opt", *directory, check=True)
    other = {"NOX_HOME": str(tmp_path / "other")}

    again = nox("run", WATER, METHANOL, "--opt", *directory, env=other)
    third = nox("run", WATER, METHANOL, "--opt", *directory, env={"NOX_HOME": str(tmp_path / "third")})

    assert (0, 0) == (again.returncode, third.returncode)
    assert "1 result written by an earlier run in another store" in again.stderr
    assert "methanol" in again.stdout
    assert "water" not in again.stdout
    assert "2 results written by an earlier run in another store" in third.stderr
    assert "" == third.stdout


def test_a_failure_that_another_node_has_written_is_one(nox: Nox, tmp_path: Path) -> None:
    """
    The code follows what is written there too.
    """
    asked = ("run", METHANOL, "--opt", "--cycles", "1", "-d", str(tmp_path / "results"))
    first = nox(*asked)

    again = nox(*asked, env={"NOX_HOME": str(tmp_path / "other")})

    assert (1, 1) == (first.returncode, again.returncode)

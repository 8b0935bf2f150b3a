"""`nox run`: the same jobs in the foreground, with no worker and no server."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.big import write_ice
from tests.support.environment import search_path
from tests.support.examples import EXAMPLES
from tests.support.programs import write_program
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.nox import Nox

WATER, METHANOL, ASPIRIN = (str(EXAMPLES / f"{name}.xyz") for name in ("water", "methanol", "aspirin"))
ECHO = ("--kind", "echo", "--payload")
# Run by Python at its start: results cannot be read until there is a file `free`.
BUSY = """
import pathlib
from workers.errors import StoreBusy
from workers.store.sqlite.store import SqliteStore
here, outcomes = pathlib.Path(__file__).parent, SqliteStore.outcomes
def busy(*args, **options):
    if not (here / "free").exists():
        (here / "asked").touch()
        raise StoreBusy("another process holds the local store")
    return outcomes(*args, **options)
SqliteStore.outcomes = busy
"""


def test_jobs_run_here_and_are_on_record(any_nox: Nox) -> None:
    """
    The command returns when its jobs have ended; the store knows them like any others; no process is left.
    """
    ran = any_nox("run", WATER, METHANOL, "--opt", "--json", check=True)

    items = json.loads(ran.stdout)["items"]
    assert {"water", "methanol"} == {item["name"] for item in items}
    assert {"completed"} == {item["state"] for item in items}
    assert [["queued", "running", "done"]] * 2 == [any_nox.history(item["job_id"]) for item in items]
    wait_until(lambda: not any_nox.processes(), 60, "the end of all processes")


def test_run_each_end_is_a_line(nox: Nox) -> None:
    """
    In a pipe there is one line a job, with its energy; what is said besides goes to stderr.
    """
    ran = nox("run", WATER, METHANOL, check=True)

    lines = ran.stdout.splitlines()
    assert 2 == len(lines)
    assert all(" done " in line and " Eh" in line for line in lines)
    assert "2 done" in ran.stderr


def test_run_shows_its_progress_on_a_terminal(nox: Nox, tmp_path: Path) -> None:
    """
    Under the lines of ended jobs a terminal has their count; Ctrl-C removes it before the message.
    """
    with Terminal(nox, "run", WATER, write_ice(tmp_path / "ice.xyz"), "--opt", "--slots", "2") as terminal:
        terminal.wait_for("1/2")
        terminal.write("\x03")
        assert 130 == terminal.end()

    assert re.search(r"\r *\r\n?interrupted; 1 of 2 jobs have ended", terminal.text)


def test_run_what_a_result_warns_of_is_said(nox: Nox) -> None:
    """
    A result that is doubtful does not look like any other: what is wrong with it goes to stderr.
    """
    (nox.cwd / "o2.xyz").write_text("2\n\nO 0 0 0\nO 0 0 0.1\n")
    ran = nox("run", "o2.xyz", "-u", "2", "--force", check=True)

    assert 1 == len(ran.stdout.splitlines())
    assert "warning: 1 o2: the total energy is positive" in ran.stderr


def test_ids_only(nox: Nox) -> None:
    """
    With -q the ids are all there is.
    """
    (job_id,) = nox("run", *ECHO, "1", "-q", check=True).stdout.split()

    assert JobState.DONE is nox.job(job_id).state


def test_the_code_follows_the_jobs(nox: Nox) -> None:
    """
    A job that fails makes the command fail.
    """
    ran = nox("run", ASPIRIN, "--opt", "--cycles", "1")

    assert 1 == ran.returncode
    assert "not converged" in ran.stdout


def test_a_worker_elsewhere_does_not_take_them(any_nox: Nox) -> None:
    """
    Jobs of a run are reserved for it, also while a worker is idle.
    """
    worker = any_nox.worker("--slots", "2")
    worker.wait_log("engines")

    any_nox("run", WATER, METHANOL, check=True)

    assert "started" not in worker.log


def test_results_are_written_and_a_second_run_goes_on(any_nox: Nox, tmp_path: Path) -> None:
    """
    With -d each job's record and geometry are files; the same command again computes nothing, but the new.
    """
    target = tmp_path / "out"
    any_nox("run", WATER, "--opt", "-d", str(target), check=True)
    first = {path.name: path.read_bytes() for path in target.iterdir() if path.name.startswith("water")}
    (target / "water-opt.xyz").unlink()

    again = any_nox("run", WATER, METHANOL, "--opt", "-d", str(target), "--json", check=True)

    items = json.loads(again.stdout)["items"]
    assert ["methanol", "water"] == sorted(item["name"] for item in items)
    assert {"water-opt.xyz", "water-result.json"} == set(first)
    assert first["water-opt.xyz"] == (target / "water-opt.xyz").read_bytes()
    assert [1, 1] == [item["attempt"] for item in items]
    with any_nox.store() as store:
        assert {JobState.DONE: 2} == store.counts()


def test_an_interrupted_run_leaves_its_jobs_waiting(any_nox: Nox, tmp_path: Path) -> None:
    """
    Ctrl-C gives back what runs, says how to go on, and the same command then finishes the jobs.
    """
    words = ("run", ASPIRIN, METHANOL, WATER, "--opt", "vtight", "--slots", "1", "-d", str(tmp_path / "out"))
    running = any_nox.popen(*words)

    def counts() -> Mapping[JobState, int]:
        with any_nox.store() as store:
            return store.counts()

    wait_until(lambda: JobState.RUNNING in counts(), 60, "a job that runs")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    left = counts()[JobState.QUEUED]
    assert 130 == running.returncode
    assert f"{3 - left} of 3 jobs have ended, {left} wait for a worker" in told
    assert "the same command" in told

    any_nox(*words, check=True)

    assert {JobState.DONE: 3} == counts()
    assert 6 == len([path for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")])


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH: results cannot be read until it has a file `free`."""
    folder = tmp_path / "busy"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BUSY)
    return folder


def test_a_run_continues_where_the_store_is_busy_at_the_end_of_a_job(
    nox: Nox, busy: Path, tmp_path: Path
) -> None:
    """
    The result is written once the store answers, and the other jobs are not given back.
    """
    words = ("run", WATER, METHANOL, "-d", str(tmp_path / "out"))
    running = nox.popen(*words, env={"PYTHONPATH": str(busy)})
    wait_until((busy / "asked").exists, 60, "the end of a job")
    (busy / "free").touch()
    told, _ = running.communicate(timeout=60)

    assert (0, 2) == (running.returncode, len(told.splitlines()))
    assert {"methanol-result.json", "water-result.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_an_interrupted_run_writes_what_the_store_kept_back_when_it_goes_on(
    nox: Nox, busy: Path, tmp_path: Path
) -> None:
    """
    Ctrl-C ends it as ever, though the result of a job that has ended is not written.
    """
    words = ("run", WATER, "-d", str(tmp_path / "out"))
    running = nox.popen(*words, env={"PYTHONPATH": str(busy)})
    wait_until((busy / "asked").exists, 60, "the end of the job")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    nox(*words, check=True)

    assert 130 == running.returncode
    assert "error" not in told
    assert (tmp_path / "out" / "water-result.json").exists()
    assert 1 == nox.job(nox("list", "-q", check=True).stdout.split()[0]).attempt


def test_a_run_ends_with_its_time(any_nox: Nox, tmp_path: Path) -> None:
    """
    What has not ended by then is given back and waits; results are written; the code says that some is left.
    """
    directory, ice = tmp_path / "results", write_ice(tmp_path / "ice.xyz")

    ran = any_nox("run", ice, WATER, "--opt", "-d", str(directory), "--time-limit", "20s", "--slots", "2")

    assert 8 == ran.returncode
    assert "the time was up: 1 job left; go on with the same command" in ran.stderr
    assert (directory / "water-opt.xyz").exists()
    left = any_nox.job(json.loads(any_nox("list", "--json").stdout)["items"][-1]["job_id"])
    assert (JobState.QUEUED, 1, 0) == (left.state, left.attempt, left.losses)


def test_files_of_others_are_not_written_over(nox: Nox, tmp_path: Path) -> None:
    """
    A file that is none of an earlier run of the same is in the way, before anything is computed.
    """
    (tmp_path / "water-opt.xyz").write_text("mine")

    ran = nox("run", WATER, "--opt", "-d", str(tmp_path))

    assert 2 == ran.returncode
    assert "water-opt.xyz is there already" in ran.stderr
    assert "mine" == (tmp_path / "water-opt.xyz").read_text()
    assert nox("list", "-q").stdout == ""


def test_run_two_results_of_one_name_are_refused(nox: Nox, tmp_path: Path) -> None:
    """
    Neither is computed.
    """
    (tmp_path / "water.xyz").write_bytes((EXAMPLES / "water.xyz").read_bytes())

    ran = nox("run", WATER, str(tmp_path / "water.xyz"), "-d", str(tmp_path / "out"))

    assert 2 == ran.returncode
    assert "two results would be called water" in ran.stderr


def test_a_directory_that_remembers_nonsense_is_refused(nox: Nox, tmp_path: Path) -> None:
    """
    Nothing is guessed.
    """
    (tmp_path / ".nox-run.json").write_text("[")

    ran = nox("run", WATER, "-d", str(tmp_path))

    assert 2 == ran.returncode
    assert "is not what nox run wrote" in ran.stderr


def test_run_what_can_never_run_here_is_refused(nox: Nox) -> None:
    """
    A job that asks for more than this machine has would wait for ever.
    """
    cores, memory = nox("run", WATER, "--cores", "1000"), nox("run", WATER, "--memory", "900T")

    assert (5, 5) == (cores.returncode, memory.returncode)
    assert "needs 1000 cores" in cores.stderr
    assert "MiB of memory" in memory.stderr


def test_a_login_node_is_left_alone(nox: Nox, tmp_path: Path) -> None:
    """
    Where a batch system is at hand and no allocation, run refuses, unless it is told that it is meant.
    """
    sbatch = write_program(tmp_path / "slurm" / "sbatch", "#!/bin/sh\n")
    login = {"PATH": f"{sbatch.parent}:{search_path()}"}

    refused = nox("run", *ECHO, "1", env=login)
    meant = nox("run", *ECHO, "1", "--here", env=login)

    assert (2, 0) == (refused.returncode, meant.returncode)
    assert "login node" in refused.stderr
    assert "submit a batch script" in refused.stderr


def test_bad_input_runs_nothing(nox: Nox, tmp_path: Path) -> None:
    """
    All inputs are checked first.
    """
    (tmp_path / "bad.xyz").write_text("3\n\nO 0 0 0\n")

    ran = nox("run", WATER, str(tmp_path / "bad.xyz"))

    assert 5 == ran.returncode
    assert "nothing was run" in ran.stderr
    assert nox("list", "-q").stdout == ""

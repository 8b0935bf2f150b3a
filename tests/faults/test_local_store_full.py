"""The disk is full at submit, claim and finish, and under a file."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.lingering import submit_lingering, wait_running
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.sound import look
from tests.support.waiting import wait_until
from workers.job import JobState
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox, Worker

JOB = '{"kind": "echo", "payload": 1}\n'
FULL = "disk full: no room in "
LIMIT_S = 40.0
LOG_BYTES = 200_000  # more than goes into the store
# `nox submit` where a file may grow to so many bytes only.
SUBMIT_WITHIN = """
import resource, sys
from nox_cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
sys.exit(main())
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with little room."""
    with small_disk(tmp_path / "disk", "6m") as mounted:
        yield mounted


@pytest.fixture
def full_nox(disk: SmallDisk, home: Path, nox: Nox) -> Nox:
    """Real nox processes whose state lies on a disk with little room; their artifacts and logs do not."""
    state = disk.root / "state"
    state.mkdir(mode=0o700)
    home.rmdir()
    home.symlink_to(state)
    nox.environ |= {"NOX_ARTIFACTS": str(home.parent / "artifacts")}
    return nox


def fill(nox: Nox, disk: SmallDisk) -> None:
    """Leave no room at all: none on the disk, and none in the store's files, not even for one page."""
    with closing(sqlite3.connect(nox.home / FILE, isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint=0")  # would begin its log anew
        (mark,) = database.execute("PRAGMA application_id").fetchone()
        disk.fill()

        def has_room() -> bool:
            try:
                database.execute(f"PRAGMA application_id={mark}")  # writes one page, and changes nothing
            except sqlite3.OperationalError as error:
                return error.sqlite_errorcode != sqlite3.SQLITE_FULL
            return True

        while has_room():
            pass
    disk.fill()


def wait_done(nox: Nox, job_id: str, worker: Worker) -> None:
    """Wait until a job is done, in its first attempt."""
    with nox.store() as store:
        wait_until(lambda: store.get(job_id).state.is_final, LIMIT_S, lambda: worker.log)
    job = look(nox.home).jobs[job_id]
    assert (JobState.DONE, 1, 0) == (job.state, job.attempt, job.losses)


def test_a_full_disk_at_submit_is_told_and_loses_nothing(full_nox: Nox, disk: SmallDisk) -> None:
    """
    Nothing is submitted, what was there is still there, and with room again the next submit is stored.
    """
    (before,) = full_nox.submit("-", "--no-start", input=JOB)
    fill(full_nox, disk)
    refused = full_nox("submit", "-", "--no-start", input=JOB)

    assert (4, "") == (refused.returncode, refused.stdout)
    assert f"error: {FULL}{full_nox.home}; the job was not submitted" in refused.stderr
    assert "hint: free some space" in refused.stderr
    disk.free()
    (after,) = full_nox.submit("-", "--no-start", input=JOB)
    assert {before, after} <= set(look(full_nox.home).jobs)


def test_a_worker_does_not_start_on_a_full_disk(full_nox: Nox, disk: SmallDisk) -> None:
    """
    It says why, and leaves every job where it is.
    """
    (job_id,) = full_nox.submit("-", "--no-start", input=JOB)
    fill(full_nox, disk)
    refused = full_nox("worker", "--idle-timeout", "1")

    assert 4 == refused.returncode
    assert FULL in refused.stderr
    disk.free()
    job = look(full_nox.home).jobs[job_id]
    assert (JobState.QUEUED, 0) == (job.state, job.attempt)


def test_a_full_disk_at_a_claim_holds_a_worker_up_and_no_longer(full_nox: Nox, disk: SmallDisk) -> None:
    """
    It says why it takes no job; with room again it goes on by itself.
    """
    worker = full_nox.worker("--slots", "1")
    worker.wait_log("worker", LIMIT_S)
    (first,) = full_nox.submit("-", "--no-start", input=JOB)
    wait_done(full_nox, first, worker)
    worker.freeze()
    (job_id,) = full_nox.submit("-", "--no-start", input=JOB)
    fill(full_nox, disk)
    worker.thaw()
    worker.wait_log(f"no job can be taken: {FULL}", LIMIT_S)

    assert JobState.QUEUED is full_nox.job(job_id).state
    disk.free()
    wait_done(full_nox, job_id, worker)


def test_a_full_disk_at_the_end_of_a_job_costs_nothing_but_time(
    full_nox: Nox, disk: SmallDisk, tmp_path: Path
) -> None:
    """
    The result waits in the worker until there is room, and is that of the first attempt.
    """
    worker = full_nox.worker("--slots", "1", standin=True)
    (job_id,) = submit_lingering(full_nox, tmp_path / "end")
    wait_running(full_nox, [job_id], [worker])
    fill(full_nox, disk)
    (tmp_path / "end").touch()
    worker.wait_log(FULL, LIMIT_S)

    assert JobState.RUNNING is full_nox.job(job_id).state
    disk.free()
    wait_done(full_nox, job_id, worker)


def test_a_full_disk_under_an_artifact_costs_that_artifact(nox: Nox, disk: SmallDisk) -> None:
    """
    The result is kept with a word about the file that is not there; nothing half-written is left or shown.
    """
    artifacts = disk.root / "artifacts"
    worker = nox.worker("--slots", "1", standin=True, env={"NOX_ARTIFACTS": str(artifacts)})
    worker.wait_log("1 slot", LIMIT_S)  # it has found that it can write there
    disk.fill()
    lines = [random.Random(n).randbytes(500).hex() for n in range(LOG_BYTES // 500)]
    printed = json.dumps({"kind": "echo", "payload": {"do": "tell", "print": lines}})
    (job_id,) = nox.submit("-", "--no-start", input=f"{printed}\n")
    wait_done(nox, job_id, worker)

    with nox.store() as store:
        (record,) = store.outcomes([job_id]).values()
    assert ["engine.log could not be kept: No space left on device"] == json.loads(record)["warnings"]
    assert [] == look(nox.home).artifacts[job_id]
    assert [] == [path for path in artifacts.rglob("*") if path.is_file()]


def test_a_limit_on_file_size_is_told_as_a_full_disk(nox: Nox) -> None:
    """
    A quota at submit: exit code 4, what it is, and nothing is submitted.
    """
    nox.submit("-", "--no-start", input=JOB * 50)
    size = (nox.home / "nox.sqlite3").stat().st_size
    script = [sys.executable, "-c", SUBMIT_WITHIN, str(size), "submit", "-", "--no-start"]
    many = f'{{"kind": "echo", "payload": "{"x" * 1000}"}}\n' * 500
    refused = subprocess.run(
        script, env=nox.environ, input=many, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert (4, "") == (refused.returncode, refused.stdout)
    assert f"error: {FULL}{nox.home}; nothing was submitted" in refused.stderr
    assert 50 == len(look(nox.home).jobs)

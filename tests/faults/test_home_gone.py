"""A worker whose state directory was removed, moved or replaced reports that and ends."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.lingering import wait_running
from tests.support.nox import Nox
from tests.support.processes import is_alive
from tests.support.waiting import wait_until
from workers.bell.base import PIPE_NAME
from workers.job import JobState
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.nox import Worker

LIMIT_S = 30.0
UNREACHABLE = 4
GONE = "was removed or moved away"
REPLACED = "was replaced by another directory"


def remove(home: Path) -> None:
    """Remove the directory and all that is in it, whatever is written there meanwhile."""

    def is_gone() -> bool:
        shutil.rmtree(home, ignore_errors=True)
        return not home.exists()

    wait_until(is_gone, LIMIT_S, "its removal")


def replace(home: Path) -> None:
    """Put an empty directory in its place."""
    home.rename(home.with_name("moved"))
    home.mkdir(mode=0o700)


def move(home: Path) -> None:
    """Move it away."""
    home.rename(home.with_name("moved"))


def busy(nox: Nox) -> tuple[Worker, str]:
    """Start a worker with a job that does not end; it, and the job's id."""
    worker = nox.worker("--slots", "1", standin=True)
    job = {"kind": "echo", "payload": {"do": "linger", "until": str(nox.home.with_name("never"))}}
    (job_id,) = nox.submit("-", "--no-start", input=json.dumps(job))
    wait_running(nox, [job_id], [worker])
    worker.look()
    return worker, job_id


def assert_ends(worker: Worker, what: str, jobs: str) -> None:
    """Wait for the end of a worker: in time, with one line of error and its code, and no process left."""
    assert UNREACHABLE == worker.wait(LIMIT_S), worker.log
    (error,) = [line for line in worker.log.splitlines() if line.startswith("error: ")]
    assert f"{what}; the worker stopped {jobs} and ended" in error
    wait_until(lambda: not any(map(is_alive, worker.family)), 30, "the end of its engine")


@pytest.mark.parametrize(
    ("take_away", "how"),
    [(remove, GONE), (replace, REPLACED), (move, GONE)],
    ids=["removed", "replaced", "moved"],
)
def test_a_worker_ends_without_its_directory(
    any_nox: Nox, take_away: Callable[[Path], None], how: str
) -> None:
    """
    It ends its engine, reports in one line what happened and what it did, and ends with code 4; over Redis
    the job waits for another worker.
    """
    worker, job_id = busy(any_nox)
    take_away(any_nox.home)

    assert_ends(worker, how if any_nox.redis_url is None else "", "1 running job")
    if any_nox.redis_url is not None:
        job = any_nox.job(job_id)
        assert (JobState.QUEUED, 0) == (job.state, job.losses)


@pytest.mark.parametrize("take_away", [remove, replace, move])
def test_an_idle_worker_ends_too(any_nox: Nox, take_away: Callable[[Path], None]) -> None:
    """
    A worker that waits for jobs in a directory that is gone would never find one.
    """
    worker = any_nox.worker("--slots", "1")
    worker.wait_log("1 slot")
    wait_until((any_nox.home / "artifacts").is_dir, LIMIT_S, "its directories")
    worker.wait_log("engines: ")
    if "REDIS_URL" not in any_nox.environ:
        wait_until((any_nox.home / PIPE_NAME).is_fifo, LIMIT_S, "the pipe on which it listens")
    take_away(any_nox.home)

    assert_ends(worker, "", "0 running jobs")


def test_a_worker_ends_whose_artifacts_are_elsewhere(any_nox: Nox) -> None:
    """
    It ends without its state directory too, whatever it keeps there.
    """
    any_nox.environ["NOX_ARTIFACTS"] = str(any_nox.home.with_name("kept"))
    worker = any_nox.worker("--slots", "1")
    worker.wait_log("engines: ")
    remove(any_nox.home)

    assert_ends(worker, GONE, "0 running jobs")


def test_a_worker_over_redis_needs_no_state_directory(redis_nox: Nox) -> None:
    """
    One that never had any, with its artifacts elsewhere, runs jobs.
    """
    redis_nox.environ["NOX_ARTIFACTS"] = str(redis_nox.home.with_name("kept"))
    remove(redis_nox.home)
    (job_id,) = redis_nox.submit("--kind", "echo", "--payload", "1", "--no-start")

    assert 0 == redis_nox.worker("--slots", "1", "--burst").wait(3 * LIMIT_S)
    assert JobState.DONE is redis_nox.job(job_id).state


def test_a_job_is_given_back_in_a_store_that_was_moved(nox: Nox) -> None:
    """
    What the worker still has open is the store: the job waits there, not lost.
    """
    worker, job_id = busy(nox)
    move(nox.home)
    assert UNREACHABLE == worker.wait(LIMIT_S), worker.log

    moved = Nox(nox.home.with_name("moved"))
    assert (JobState.QUEUED, 0) == (moved.job(job_id).state, moved.job(job_id).losses)


def test_a_background_worker_ends_without_its_directory(nox: Nox) -> None:
    """
    The one that a submit started ends as well, and the next submit starts another.
    """
    always = {"NOX_AUTOSTART": "always"}
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", env=always)
    nox.wait(job_id, "completed")
    (before,) = nox.background()
    replace(nox.home)
    wait_until(lambda: not is_alive(before), LIMIT_S, "the end of the background worker")

    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", env=always)
    nox.wait(job_id, "completed")


def test_a_worker_ends_whose_database_stays_away(nox: Nox) -> None:
    """
    Where only the database is removed, and none is made in its place within seconds, it ends as well.
    """
    worker, _ = busy(nox)
    for path in nox.home.glob(f"{FILE}*"):
        path.unlink()

    assert UNREACHABLE == worker.wait(2 * LIMIT_S)
    assert f"{nox.home / FILE} {GONE}; the worker stopped 1 running job and ended" in worker.log

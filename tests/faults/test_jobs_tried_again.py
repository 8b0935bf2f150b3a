"""Jobs that crash and are tried again, and one that takes its worker down each time."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from tests.support.nox import Nox
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers.job import MAX_LOSSES, JobState, Reason
from workers.runtime.artifacts import live_log
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.vandal import Vandal

LIMIT_S = 60.0


def vandal(nox: Nox) -> Vandal:
    """Find who hurries time in this test's store."""
    return vandal_of(StoreSettings(redis_url=nox.redis_url, prefix="nox:", home=nox.home))


def submit_deed(nox: Nox, deed: dict[str, Any], *options: str) -> str:
    """Hand over a job whose engine does as told; its id."""
    job = json.dumps({"kind": "echo", "payload": deed})
    (job_id,) = nox("submit", "-", "--no-start", *options, input=job, check=True).stdout.split()
    return str(job_id)


def wait_raw(nox: Nox, job_id: str, state: JobState) -> None:
    """Wait until a job is in this raw state."""
    wait_until(lambda: nox.job(job_id).state is state, LIMIT_S, lambda: f"{state}: {nox.job(job_id)}")


def test_a_crash_is_tried_again_after_a_pause(any_nox: Nox) -> None:
    """
    It is told when and which attempt is next; the last failure stands; each attempt's end and log are kept.
    """
    deed = {"do": "die", "signal": signal.SIGSEGV, "print": ["the last words"]}
    job_id = submit_deed(any_nox, deed, "--retries", "1")
    worker = any_nox.worker("--slots", "1", standin=True)
    wait_raw(any_nox, job_id, JobState.SCHEDULED)
    worker.freeze()  # which begins it again when its time has come
    told = any_nox("status", job_id, check=True).stdout
    listed = json.loads(any_nox("list", "--json", check=True).stdout)["items"][0]

    assert "retries at " in told
    assert " (attempt 2 of 2)" in told
    assert "attempt 1: crashed after" in told
    assert ("pending", "scheduled", "crashed") == tuple(listed[k] for k in ("state", "raw_state", "reason"))
    assert (1, ["crashed"], 0) == tuple(listed[name] for name in ("retries", "retry_on", "retries_left"))
    assert listed["due_at"] > listed["created_at"]
    assert "pending" == any_nox.status(job_id)["state"]
    assert "the last words" in any_nox("logs", job_id, "--attempt", "1", check=True).stdout

    vandal(any_nox).fall_due(job_id)
    worker.thaw()
    any_nox.wait(job_id, "failed")
    assert ["queued", "running", "scheduled", "queued", "running", "failed"] == any_nox.history(job_id)
    raw = json.loads(any_nox("status", job_id, "--raw", check=True).stdout)
    assert ("crashed", 2, None) == (raw["reason"], raw["attempt"], raw["due_at"])
    earlier, last = raw["attempts"]
    assert [(1, "crashed"), (2, "crashed")] == [(one["attempt"], one["ended_as"]) for one in (earlier, last)]
    assert "SIGSEGV" in earlier["message"]


def test_bad_options_are_told(nox: Nox) -> None:
    """
    What cannot be retried, and reasons without retries, are refused with what to write instead.
    """
    for options, words in (
        (("--retries", "1", "--retry-on", "input"), '"input" names no failures that can be retried'),
        (("--retries", "1", "--retry-on", "crashed,moon"), "one or more of crashed,memory,not_converged"),
        (("--retry-on", "scf"), "no retries are asked for"),
        (("--retries", "99"), "99 is not from 0 to 20"),
    ):
        ended = nox("submit", "--kind", "echo", "--payload", "1", *options)
        assert 2 == ended.returncode, options
        assert words in ended.stderr, options


def test_run_keeps_what_was_asked(nox: Nox) -> None:
    """
    `nox run` has the options too.
    """
    options = ("--retries", "2", "--retry-on", "scf,timeout")
    nox("run", "--kind", "echo", "--payload", "1", *options, check=True)
    with nox.store() as store:
        (job_id,) = store.with_numbers(1, 1)

    job = nox.job(job_id)
    assert (2, frozenset({Reason.SCF, Reason.TIMEOUT}), 2) == (job.retries, job.retry_on, job.retries_left)


def test_a_job_that_takes_its_worker_down_stops_after_three(
    home: Path, fresh_redis: StartRedis, tmp_path: Path
) -> None:
    """
    Each worker that claims it is killed, the server too between two of them: failed after exactly three, and
    what is known of it is told.
    """
    server = fresh_redis(appendfsync="always")
    nox = Nox(home, server.url)
    job_id = _poison(nox, tmp_path)
    for attempt in range(1, MAX_LOSSES + 1):
        _take_down(nox, job_id, attempt, tmp_path)
        server.kill()
        server.start()
        vandal(nox).run_out(job_id)
    nox.worker("--slots", "1", standin=True)
    _is_told(nox, job_id)
    nox.close()


def test_jobs_tried_again_so_it_is_on_one_machine(nox: Nox, tmp_path: Path) -> None:
    """
    The same over the local store, where a dead worker is known by its lock.
    """
    job_id = _poison(nox, tmp_path)
    for attempt in range(1, MAX_LOSSES + 1):
        _take_down(nox, job_id, attempt, tmp_path)
    nox.worker("--slots", "1", standin=True)
    _is_told(nox, job_id)


def _poison(nox: Nox, folder: Path) -> str:
    deed = {"do": "take down", "step": 7, "print": ["here it comes"], "once": str(folder / "once")}
    return submit_deed(nox, deed, "--retries", "5")


def _take_down(nox: Nox, job_id: str, attempt: int, folder: Path) -> None:
    """Start a worker, let it claim the job and print, and let the job kill it."""
    once = folder / "once"
    once.unlink(missing_ok=True)
    worker = nox.worker("--slots", "1", standin=True)
    log = live_log(nox.home / "artifacts", job_id, attempt)
    wait_until(log.exists, LIMIT_S, lambda: f"words of the engine:\n{worker.log}")
    wait_until(lambda: nox.job(job_id).progress.step == 7, LIMIT_S, "the step")
    once.touch()
    assert -signal.SIGKILL == worker.wait(LIMIT_S)


def _is_told(nox: Nox, job_id: str) -> None:
    """Hold what is known of a poisonous job against what happened."""
    nox.wait(job_id, "failed")
    job = nox.job(job_id)
    assert (Reason.WORKER_LOST, MAX_LOSSES, MAX_LOSSES) == (job.reason, job.losses, job.attempt)
    assert [*["queued", "running"] * MAX_LOSSES, "failed"] == nox.history(job_id)
    told = nox("status", job_id, check=True).stdout
    assert f"failed: worker lost 3 times: {job.host}, {job.host}, {job.host} (" in told
    assert "  | attempt 3 had reported opt step 7\n" in told
    assert 3 == told.count("taken back")
    assert "try:  it may be the job that takes its worker down" in told
    assert "here it comes\n" == nox("logs", job_id, check=True).stdout

"""A worker is killed at an exact point of a job, where only a few instructions lie between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.processes import descendants, end, is_alive
from tests.support.signed import (
    LARGE_MIB,
    LIMIT_S,
    kept_of,
    run_out,
    signatures,
    submit_signing,
    worker_at,
)
from tests.support.waiting import wait_until
from workers.job import MAX_LOSSES, JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker

ONCE = ["queued", "running", "done"]
TWICE = ["queued", "running", *ONCE]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """What each engine process signs that runs a job."""
    return tmp_path / "book"


def kill_at(nox: Nox, point: str) -> Worker:
    """Let a worker come to a point and kill it there: nothing of it is left."""
    worker = worker_at(nox, point, nox.home.with_name("mark"))
    worker.kill()
    wait_until(lambda: not any(map(is_alive, worker.family)), 30, "the end of all that it had started")
    return worker


def go_on(nox: Nox, *job_ids: str) -> Worker:
    """Start a worker that is not held, and wait until it has done these jobs."""
    worker = nox.worker("--slots", "1", standin=True)
    for job_id in job_ids:
        nox.wait(job_id, "completed", LIMIT_S)
    return worker


def test_killed_between_claim_and_start(any_nox: Nox, book: Path) -> None:
    """
    The engine had not run; the attempt is told as lost, and the job is run once, as attempt 2.
    """
    nox, job_id = any_nox, submit_signing(any_nox, book)
    killed = kill_at(nox, "claimed")
    assert [] == signatures(book)
    assert (JobState.RUNNING, 1) == (nox.job(job_id).state, nox.job(job_id).attempt)
    run_out(nox, job_id)
    go_on(nox, job_id)
    kept = kept_of(nox, job_id)

    assert (2, 1, TWICE) == (kept.job.attempt, kept.job.losses, kept.events)
    assert [(1, "worker_lost")] == [(tried.number, tried.ended_as) for tried in kept.earlier]
    assert f"-{killed.pid}-" in kept.earlier[0].worker
    assert 1 == len(signatures(book))
    assert "attempt 1: worker lost after " in nox("status", job_id, check=True).stdout


@pytest.mark.parametrize("point", ["computed", "kept"])
def test_killed_between_the_engines_end_and_its_recording(any_nox: Nox, book: Path, point: str) -> None:
    """
    A number that was computed, even its published file, is no result; the job is run again and has one.
    """
    nox, job_id = any_nox, submit_signing(any_nox, book, mib=LARGE_MIB)
    kill_at(nox, point)
    before = kept_of(nox, job_id)
    assert (JobState.RUNNING, None, []) == (before.job.state, before.outcome, before.artifacts)
    assert 1 == len(signatures(book))
    run_out(nox, job_id)
    go_on(nox, job_id)
    kept = kept_of(nox, job_id)

    assert (2, 1, TWICE) == (kept.job.attempt, kept.job.losses, kept.events)
    assert ["worker_lost"] == [tried.ended_as for tried in kept.earlier]
    first, second = signatures(book)
    assert first != second
    assert kept.outcome is not None
    assert (2, second) == (kept.outcome["attempt"], kept.outcome["result"]["payload"])
    assert [f"{nox.home}/artifacts/{job_id}/attempt-2/engine.log"] == [made.path for made in kept.artifacts]
    assert f"{second}\n" == nox("logs", job_id, check=True).stdout[: len(f"{second}\n")]


def test_killed_as_soon_as_the_end_is_recorded(any_nox: Nox, book: Path) -> None:
    """
    The end stands and the job is not run again, though its worker never heard of it; the next job,
    claimed in the same step, had not begun and is run once.
    """
    nox = any_nox
    ended = submit_signing(nox, book, mib=LARGE_MIB)
    following = submit_signing(nox, book.with_name("other"))
    kill_at(nox, "recorded")
    before = kept_of(nox, ended)
    assert (JobState.DONE, ONCE, 1) == (before.job.state, before.events, len(before.artifacts))
    assert (JobState.RUNNING, []) == (nox.job(following).state, signatures(book.with_name("other")))
    run_out(nox, following)
    go_on(nox, following)

    assert before == kept_of(nox, ended)
    assert 1 == len(signatures(book))
    assert 1 == len(signatures(book.with_name("other")))
    assert (2, 1, TWICE) == (nox.job(following).attempt, nox.job(following).losses, nox.history(following))


def test_killed_before_the_bell_is_acknowledged(redis_nox: Nox, book: Path) -> None:
    """
    A bell that nobody acknowledged does not run its job again, and the next job finds a worker.
    """
    nox = redis_nox
    ended = submit_signing(nox, book)
    kill_at(nox, "served")
    before = kept_of(nox, ended)
    assert (JobState.DONE, ONCE) == (before.job.state, before.events)
    go_on(nox, submit_signing(nox, book.with_name("other")))

    assert before == kept_of(nox, ended)
    assert 1 == len(signatures(book))


def kill_keeper(worker: Worker, book: Path, times: int) -> None:
    """Kill the process that keeps an engine, once this has begun with its job for the n-th time."""
    wait_until(lambda: len(signatures(book)) == times, LIMIT_S, lambda: f"run {times}:\n{worker.log}")
    engine = signatures(book)[-1]
    (keeper,) = [pid for pid in descendants(worker.pid) if engine in descendants(pid)]
    end(keeper)
    wait_until(lambda: not is_alive(engine), 30, "the end of its engine")


@pytest.mark.parametrize("times", [MAX_LOSSES - 1, MAX_LOSSES])
def test_a_keeper_is_killed(any_nox: Nox, book: Path, times: int) -> None:
    """
    The job is run again at once, in the same attempt; only one that loses each of its keepers has failed.
    """
    nox, until = any_nox, book.with_name("until")
    worker = nox.worker("--slots", "1", standin=True)
    job_id = submit_signing(nox, book, until=until)
    for time in range(1, times + 1):
        kill_keeper(worker, book, time)
    until.touch()
    nox.wait(job_id, "failed" if times == MAX_LOSSES else "completed", LIMIT_S)
    kept = kept_of(nox, job_id)

    assert (1, 0) == (kept.job.attempt, kept.job.losses)
    assert kept.outcome is not None
    if times == MAX_LOSSES:
        assert "the engine's keeper process ended" == kept.outcome["failure"]["message"]
    else:
        assert signatures(book)[times:] == [kept.outcome["result"]["payload"]]

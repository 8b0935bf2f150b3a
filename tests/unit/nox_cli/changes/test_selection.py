"""Changing selected jobs without a command line: an outcome for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.changes.selection import cancel, hold, release, retry, revise
from nox_cli.exits import ExitCode
from tests.support.stores import ADA, BOB, claim, failed, new_job, run_to_end, submit, submit_named
from workers.job import JobState
from workers.store.values import Revision

if TYPE_CHECKING:
    from nox_cli.config.settings import Settings
    from workers.store.base import Store


@pytest.fixture
def job_ids(any_store: Store) -> list[str]:
    """Three jobs: two of Ada's that wait, and one of Bob's."""
    return [*submit_named(any_store, "a b", owner=ADA), *submit_named(any_store, "c", owner=BOB)]


def test_jobs_are_held_and_released(any_store: Store, caller: Settings, job_ids: list[str]) -> None:
    """
    Each job has its outcome; one of another user is refused, and stays as it was.
    """
    held = hold(any_store, job_ids, ADA)
    released = release(any_store, job_ids, ADA, caller)

    assert [(True, False), (True, False), (False, True)] == [
        (one.changed, one.refused) for one in held.changes
    ]
    assert [JobState.HELD] * 2 == [one.after for one in held.changes[:2]]
    assert [JobState.QUEUED] * 2 == [one.after for one in released.changes[:2]]
    assert (any_store.kind, any_store.where) == (held.kind, held.where)


def test_jobs_of_any_user_are_changed(any_store: Store, job_ids: list[str]) -> None:
    """
    Without an owner, jobs of all users are changed.
    """
    assert [True] * 3 == [one.changed for one in hold(any_store, job_ids, None).changes]


def test_waiting_jobs_are_revised(any_store: Store, caller: Settings, job_ids: list[str]) -> None:
    """
    New values are given as a revision.
    """
    revise(any_store, job_ids, Revision(priority=7, tags={"set": "x"}), ADA, caller)

    assert [7, 7, 0] == [job.priority for job in any_store.get_many(job_ids)]
    assert {"set": "x"} == any_store.get(job_ids[0]).tags


def test_failed_jobs_run_again(any_store: Store, caller: Settings) -> None:
    """
    What failed is queued again; where nothing is, the exit code tells that there was nothing to retry.
    """
    [job_id] = submit(any_store, new_job())
    any_store.finish(claim(any_store).lease, failed())
    done = retry(any_store, [job_id], ADA, caller)
    run_to_end(any_store, job_id)
    completed = retry(any_store, [job_id], ADA, caller)

    assert (True, JobState.QUEUED, ExitCode.DONE) == (
        done.changes[0].changed,
        done.changes[0].after,
        done.exit,
    )
    assert ExitCode.NOTHING_MATCHED == completed.exit
    assert retry(any_store, [job_id], ADA, caller, done=True).changes[0].changed


def test_jobs_are_cancelled(any_store: Store, caller: Settings, job_ids: list[str]) -> None:
    """
    A waiting job ends at once, a running one through its worker, another user's not at all.
    """
    running = claim(any_store).job.id
    done = cancel(any_store, job_ids, ADA, caller)
    after = {one.job_id: one.after for one in done.cancellations}

    assert JobState.RUNNING == after[running]
    assert 1 == done.count(frozenset({JobState.QUEUED}), JobState.CANCELLED)
    assert [job_ids[2]] == [one.job_id for one in done.cancellations if one.refused]


def test_cancel_reports_how_far_it_is(any_store: Store, caller: Settings) -> None:
    """
    After each chunk of jobs.
    """
    ids = submit(any_store, *(new_job(str(i)) for i in range(501)))
    counts: list[int] = []
    done = cancel(any_store, ids, ADA, caller, counts.append)

    assert [500, 501] == counts
    assert {JobState.CANCELLED} == {one.after for one in done.cancellations}

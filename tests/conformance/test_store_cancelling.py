"""The store's contract: cancelling waiting and running jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import (
    ADA,
    BOB,
    WORKER,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    run_to_end,
    submit_named,
)
from workers.job import JobState, Reason
from workers.store.values import Cancellation

if TYPE_CHECKING:
    from workers.store.base import Store

QUEUED, RUNNING, CANCELLED = JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED


def test_a_waiting_job_is_cancelled_at_once(store: Store) -> None:
    """
    It ends then and there, and is never handed out.
    """
    (job_id,) = submit_named(store, "a")

    assert [Cancellation(job_id, QUEUED, CANCELLED)] == store.cancel([job_id], owner=ADA)
    job = store.get(job_id)
    assert (CANCELLED, Reason.USER) == (job.state, job.reason)
    assert job.ended_ms is not None
    assert [QUEUED, CANCELLED] == history(store, job_id)
    assert [] == claimed_names(store)


def test_a_running_jobs_worker_is_told(store: Store) -> None:
    """
    The job runs on until its worker ends it; the request alone is no event.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)

    assert [Cancellation(job_id, RUNNING, RUNNING)] == store.cancel([job_id], owner=ADA)
    assert (RUNNING, True) == (store.get(job_id).state, store.get(job_id).cancel_requested)
    assert [True] == [renewal.cancel_requested for renewal in store.renew([found.lease])]
    assert [QUEUED, RUNNING] == history(store, job_id)


def test_cancelling_again_changes_nothing(store: Store) -> None:
    """
    A repetition finds the job as the first call left it.
    """
    waiting, running = submit_named(store, "a b")[::-1]
    claim(store)
    store.cancel([waiting, running], owner=ADA)
    events = store.events("0")

    assert [
        Cancellation(waiting, CANCELLED, CANCELLED),
        Cancellation(running, RUNNING, RUNNING),
    ] == store.cancel([waiting, running], owner=ADA)
    assert events == store.events("0")


def test_an_ended_job_stays_as_it_is(store: Store) -> None:
    """
    There is nothing to cancel about a result or a failure.
    """
    done, broken = submit_named(store, "a b")
    run_to_end(store, done)
    run_to_end(store, broken, failed())

    assert [
        Cancellation(done, JobState.DONE, JobState.DONE),
        Cancellation(broken, JobState.FAILED, JobState.FAILED),
    ] == store.cancel([done, broken], owner=None)
    assert [JobState.DONE, JobState.FAILED] == [job.state for job in store.get_many([done, broken])]
    assert [None, Reason.SCF] == [job.reason for job in store.get_many([done, broken])]


def test_anothers_job_is_refused(store: Store) -> None:
    """
    With an owner named, only that owner's jobs are touched; the refusal is told and harms no other job.
    """
    (mine,) = submit_named(store, "mine")
    (foreign,) = submit_named(store, "foreign", owner=BOB)

    assert [
        Cancellation(foreign, QUEUED, QUEUED, refused=True),
        Cancellation(mine, QUEUED, CANCELLED),
    ] == store.cancel([foreign, mine], owner=ADA)
    assert QUEUED is store.get(foreign).state
    assert [Cancellation(foreign, QUEUED, CANCELLED)] == store.cancel([foreign], owner=None)


def test_jobs_that_do_not_exist_are_left_out(store: Store) -> None:
    """
    The others are cancelled all the same.
    """
    (job_id,) = submit_named(store, "a")

    assert [Cancellation(job_id, QUEUED, CANCELLED)] == store.cancel(["f" * 32, job_id], owner=ADA)
    assert [] == store.cancel([], owner=ADA)


def test_a_reserved_job_can_be_cancelled(store: Store) -> None:
    """
    A lane does not shield a job.
    """
    (job_id,) = submit_named(store, "a", lane=WORKER)
    store.cancel([job_id], owner=ADA)

    assert store.claim(claimant(lanes=frozenset({"", WORKER}))) is None


def test_store_cancelling_many_jobs_are_cancelled_in_order(store: Store) -> None:
    """
    A long list is answered in full and in the order given.
    """
    ids = submit_named(store, " ".join(f"j{i}" for i in range(450)))

    assert ids[::-1] == [done.job_id for done in store.cancel(ids[::-1], owner=ADA)]
    assert {CANCELLED: 450} == dict(store.counts())

"""The store's contract: ended jobs can be run again, in a round of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    WORKER,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import LeaseLost
from workers.job import JobState, Progress, Reason
from workers.store.values import Change

if TYPE_CHECKING:
    from workers.store.base import Store

QUEUED, RUNNING, DONE, FAILED = JobState.QUEUED, JobState.RUNNING, JobState.DONE, JobState.FAILED


@pytest.mark.parametrize(("state", "reason"), [(DONE, None), (FAILED, Reason.SCF)])
def test_an_ended_job_runs_again(store: Store, state: JobState, reason: Reason | None) -> None:
    """
    It is queued in round 2 under its old number; the next fence follows the last, and its end is the end.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, outcome(state, reason))
    assert [Change(job_id, state, QUEUED, changed=True)] == store.retry([job_id], owner=ADA, done=True)
    again = store.get(job_id)

    assert (QUEUED, None, 2, 1, None) == (
        again.state,
        again.reason,
        again.round,
        again.number,
        again.ended_ms,
    )
    assert 2 == run_to_end(store, job_id).fence
    assert DONE is store.get(job_id).state
    assert [QUEUED, RUNNING, state, QUEUED, RUNNING, DONE] == history(store, job_id)
    assert {DONE: 1} == dict(store.counts())


def test_the_attempts_are_kept(store: Store) -> None:
    """
    The attempt that ended the job is told among its earlier ones, with its round and what it ended as.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, failed(Reason.SCF))
    ended_ms = store.get(job_id).ended_ms
    store.retry([job_id], owner=None, done=True)
    run_to_end(store, job_id)
    store.retry([job_id], owner=None, done=True)
    first, second = store.attempts(job_id)

    assert (1, 1, WORKER, "scf", ended_ms) == (
        first.number,
        first.round,
        first.worker,
        first.ended_as,
        first.ended_ms,
    )
    assert (2, 2, "done") == (second.number, second.round, second.ended_as)


def test_store_reopening_nothing_of_the_last_round_is_shown_as_this_ones(store: Store) -> None:
    """
    Progress, worker and start of the last round are gone, also if the job is cancelled then: it did not run.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)
    store.progress(found.lease, Progress(0.5, "opt", 3, -1.0))
    store.finish(found.lease, outcome())
    store.retry([job_id], owner=None, done=True)
    for _ in range(2):
        job = store.get(job_id)
        assert (Progress(), "", None, 1) == (job.progress, job.worker, job.started_ms, job.attempt)
        assert [1] == [tried.number for tried in store.attempts(job_id)]
        store.cancel([job_id], owner=None)

    store.retry([job_id], owner=None)
    assert [(1, 1)] == [(tried.number, tried.round) for tried in store.attempts(job_id)]
    assert (3, None) == (store.get(job_id).round, store.get(job_id).started_ms)


def test_a_new_round_has_all_its_tries(store: Store) -> None:
    """
    Retries that were used up, and the wish to cancel, are of the last round.
    """
    (job_id,) = submit(store, new_job("a", retries=1, retry_on=frozenset({Reason.SCF})))
    found = claim(store)
    store.cancel([job_id], owner=None)
    store.finish(found.lease, failed(Reason.SCF))
    assert JobState.CANCELLED is store.get(job_id).state
    store.retry([job_id], owner=None, done=True)
    run_to_end(store, job_id, failed(Reason.SCF))

    assert (JobState.SCHEDULED, 1) == (store.get(job_id).state, store.get(job_id).retried)


def test_a_job_cancelled_before_it_ran_can_run(store: Store) -> None:
    """
    It has no attempt, and gets its first.
    """
    (job_id,) = submit_named(store, "a")
    store.cancel([job_id], owner=None)
    store.retry([job_id], owner=None, done=True)

    assert [] == store.attempts(job_id)
    assert 1 == run_to_end(store, job_id).fence


def test_the_last_rounds_worker_may_write_nothing(store: Store) -> None:
    """
    Its repeated end is harmless until the next attempt has begun; then it is stale.
    """
    (job_id,) = submit_named(store, "a")
    old = run_to_end(store, job_id)
    store.retry([job_id], owner=None, done=True)
    store.finish(old, outcome())
    assert QUEUED is store.get(job_id).state
    claim(store)

    with pytest.raises(LeaseLost):
        store.finish(old, outcome())
    assert RUNNING is store.get(job_id).state


def test_store_reopening_is_anybodys(store: Store) -> None:
    """
    A job that was reserved for a worker is not, once it runs again.
    """
    (job_id,) = submit_named(store, "a", lane=WORKER)
    claimed = store.claim(claimant(lanes=frozenset({WORKER})))
    assert claimed is not None
    store.finish(claimed.lease, outcome())
    store.retry([job_id], owner=None, done=True)

    assert ["a"] == claimed_names(store, worker="other-1-a")


def test_store_reopening_what_has_not_ended_is_left_alone(store: Store) -> None:
    """
    Waiting and running jobs, and ids that do not exist.
    """
    running, waiting = submit_named(store, "running waiting")
    claim(store)

    assert [
        Change(running, RUNNING, RUNNING, changed=False),
        Change(waiting, QUEUED, QUEUED, changed=False),
    ] == store.retry([running, waiting, "0" * 32], owner=None, done=True)

"""The store's contract: a worker that drains gives its jobs back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import claim, history, names, outcome, submit_named
from workers.errors import LeaseLost
from workers.job import MAX_RELEASES, JobState, Progress, Reason

if TYPE_CHECKING:
    from workers.store.base import Store


def test_a_job_that_was_given_back_waits_again(store: Store) -> None:
    """
    It is queued, not counted as lost, and its attempt is kept.
    """
    (job_id,) = submit_named(store, "a")
    store.give_back(claim(store).lease, "drained")

    job = store.get(job_id)
    assert (JobState.QUEUED, None, 1, 0, 1) == (job.state, job.reason, job.attempt, job.losses, job.releases)
    assert job.ended_ms is None
    assert [("given_back", True)] == [(tried.ended_as, tried.ran) for tried in store.attempts(job_id)]
    assert [JobState.QUEUED, JobState.RUNNING, JobState.QUEUED] == history(store, job_id)


def test_a_job_that_was_given_back_keeps_its_place(store: Store) -> None:
    """
    Its age counts from its submission: it is the next of its priority again.
    """
    submit_named(store, "a b")
    store.give_back(claim(store).lease, "drained")

    assert ["a", "b"] == names([claim(store).job, claim(store).job])


def test_giving_back_again_changes_nothing(store: Store) -> None:
    """
    The repetition of a call whose reply was lost is no error and is not counted.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.give_back(lease, "drained")
    before = (store.get(job_id), store.attempts(job_id), store.events("0"))
    store.give_back(lease, "drained")

    assert before == (store.get(job_id), store.attempts(job_id), store.events("0"))


def test_a_job_that_never_fits_is_failed(store: Store) -> None:
    """
    Given back three times in a row without progress, a job does not fit into any allocation.
    """
    (job_id,) = submit_named(store, "a")
    for _ in range(MAX_RELEASES - 1):
        store.give_back(claim(store).lease, "wall time")
        assert JobState.QUEUED is store.get(job_id).state
    store.give_back(claim(store).lease, "wall time")

    job = store.get(job_id)
    assert (JobState.FAILED, Reason.TIMEOUT, MAX_RELEASES) == (job.state, job.reason, job.attempt)
    assert job.ended_ms is not None
    assert [JobState.QUEUED, JobState.RUNNING] * MAX_RELEASES + [JobState.FAILED] == history(store, job_id)


def test_a_job_that_had_no_time_may_be_given_back_for_ever(store: Store) -> None:
    """
    However often workers are asked to end, that is no fault of a job's; it does not hide that it never fits.
    """
    (job_id,) = submit_named(store, "a")
    for turn in range(2 * MAX_RELEASES):
        store.give_back(claim(store).lease, "drained", had_time=turn in {0, 3})
    job = store.get(job_id)
    assert (JobState.QUEUED, 2) == (job.state, job.releases)
    store.give_back(claim(store).lease, "wall time")

    assert JobState.FAILED is store.get(job_id).state


def test_a_checkpoint_starts_the_count_anew(store: Store) -> None:
    """
    A job that came further is not a job that does not fit; one that only says that it goes on, or keeps the
    same checkpoint again, is.
    """
    job_id, idle = submit_named(store, "a b")
    for step in range(2 * MAX_RELEASES):
        lease = claim(store).lease
        if step % 2:
            store.keep_checkpoint(lease, b"%d" % step, step)
        store.give_back(lease, "wall time")
    store.hold([job_id], owner=None)
    for step in range(MAX_RELEASES):
        lease = claim(store).lease
        store.progress(lease, Progress(fraction=0.5, step=step))
        store.keep_checkpoint(lease, b"the same", 1)
        store.give_back(lease, "wall time")

    assert JobState.FAILED is store.get(idle).state
    store.release([job_id], owner=None)

    assert JobState.QUEUED is store.get(job_id).state


def test_a_job_whose_cancel_was_requested_is_cancelled_instead(store: Store) -> None:
    """
    A cancelled job never runs again.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.cancel([job_id], owner=None)
    store.give_back(lease, "drained")

    job = store.get(job_id)
    assert (JobState.CANCELLED, Reason.USER) == (job.state, job.reason)
    assert job.ended_ms is not None
    assert [JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED] == history(store, job_id)


def test_a_job_failed_by_giving_back_has_no_result(store: Store) -> None:
    """
    The last attempt has no lease any more: a late result of it is refused.
    """
    (job_id,) = submit_named(store, "a")
    for _ in range(MAX_RELEASES):
        lease = claim(store).lease
        store.give_back(lease, "wall time")

    with pytest.raises(LeaseLost):
        store.finish(lease, outcome())
    assert JobState.FAILED is store.get(job_id).state

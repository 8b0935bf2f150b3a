"""The store's contract: a batch is given up once so many of its jobs have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, BOB, beat, claim, claimant, failed, history, new_job, outcome, submit
from workers.job import Condition, JobState, Parent, Reason

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

QUEUED, RUNNING, BLOCKED = JobState.QUEUED, JobState.RUNNING, JobState.BLOCKED
DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED


def batch(store: Store, count: int, max_fails: int = 2, **changes: Any) -> list[str]:
    """Store jobs of one batch, of which only so many may fail."""
    plain = {"batch": "x", "max_fails": max_fails} | changes
    return submit(store, *(new_job(f"{number}", **plain) for number in range(count)))


def end(store: Store, count: int = 1, state: JobState = FAILED) -> None:
    """Let the next jobs end."""
    for _ in range(count):
        store.finish(claim(store).lease, failed() if state is FAILED else outcome(state))


def test_the_rest_is_cancelled(store: Store) -> None:
    """
    Jobs that are done do not count; what waits, in whichever way, ends in the step that records the last
    failure; what runs goes on, and counts as well.
    """
    ids = batch(store, 4)
    ids += (
        batch(store, 1, held=True)
        + batch(store, 1, begin_ms=2**42)
        + batch(store, 1, parents=(Parent(ids[3]),))
    )
    end(store)
    end(store, state=DONE)
    assert {FAILED: 1, DONE: 1} == {s: n for s, n in store.counts().items() if s.is_final}
    failing = claim(store)
    running = claim(store)
    assert store.finish(failing.lease, failed(), claimant()) is None
    jobs = store.get_many(ids)
    assert [FAILED, DONE, FAILED, RUNNING, CANCELLED, CANCELLED, CANCELLED] == [job.state for job in jobs]
    assert [Reason.MAX_FAILS] * 3 == [job.reason for job in jobs[4:]]
    assert [JobState.HELD, CANCELLED] == history(store, ids[4])
    store.finish(running.lease, failed())
    assert {FAILED: 3, DONE: 1, CANCELLED: 3} == dict(store.counts(batch="x"))


def test_store_max_fails_other_batches_and_owners_go_on(store: Store) -> None:
    """
    A limit is one owner's, in one batch.
    """
    batch(store, 3, 1)
    others = batch(store, 2, 0, batch="y") + batch(store, 2, 1, owner=BOB) + batch(store, 1, 0, batch="")
    end(store)

    assert [QUEUED] * 5 == [job.state for job in store.get_many(others)]
    assert {FAILED: 1, CANCELLED: 2} == dict(store.counts(owner=ADA, batch="x"))


def test_a_retry_of_the_failed_brings_the_rest_back(store: Store) -> None:
    """
    As soon as fewer have failed than may; and the next failure cancels them again.
    """
    ids = batch(store, 5)
    end(store, 2)
    assert {FAILED: 2, CANCELLED: 3} == dict(store.counts())
    store.retry(ids[:1], owner=ADA)
    jobs = store.get_many(ids)
    assert [QUEUED, FAILED, QUEUED, QUEUED, QUEUED] == [job.state for job in jobs]
    assert [2, 1, 2, 2, 2] == [job.round for job in jobs]
    end(store)
    assert {FAILED: 2, CANCELLED: 3} == dict(store.counts())


def test_a_cancelled_one_can_be_retried_by_itself(store: Store) -> None:
    """
    It runs, though the others stay cancelled, until one more has failed.
    """
    ids = batch(store, 4, 1)
    end(store)
    store.retry(ids[2:], owner=ADA)
    assert [FAILED, CANCELLED, QUEUED, QUEUED] == [job.state for job in store.get_many(ids)]
    end(store)
    assert [FAILED, CANCELLED, FAILED, CANCELLED] == [job.state for job in store.get_many(ids)]


def test_store_max_fails_what_a_user_or_a_parent_cancelled_is_another_matter(store: Store) -> None:
    """
    It does not come back with the others, and what waits for these follows them, both ways.
    """
    ids = batch(store, 4, 1)
    (outside,) = submit(store, new_job("outside", parents=(Parent(ids[3]),)))
    (last,) = submit(store, new_job("last", parents=(Parent(outside, Condition.ENDED),)))
    store.cancel(ids[1:2], owner=ADA)
    end(store)
    assert [FAILED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, QUEUED] == [
        job.state for job in store.get_many([*ids, outside, last])
    ]
    assert Reason.DEPENDENCY is store.get(outside).reason
    store.retry(ids[:1], owner=ADA)
    assert [QUEUED, CANCELLED, QUEUED, QUEUED, BLOCKED] == [
        job.state for job in store.get_many([*ids, outside])
    ]
    assert Reason.USER is store.get(ids[1]).reason


def test_a_retry_after_a_pause_is_no_failure(store: Store, vandal: Vandal) -> None:
    """
    Only the last try counts; a worker lost for good does as well.
    """
    (first,) = batch(store, 1, 1, retries=1, retry_on=frozenset({Reason.SCF}))
    (second,) = batch(store, 1, 1)
    end(store)
    assert [JobState.SCHEDULED, QUEUED] == [job.state for job in store.get_many([first, second])]
    vandal.fall_due(first)
    store.tick(beat())
    for _ in range(3):
        claim(store, "gone-1-a")
        vandal.run_out(first)
        store.tick(beat())
    assert [FAILED, CANCELLED] == [job.state for job in store.get_many([first, second])]


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_large_batch_ends_in_bounded_steps(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, is_cut: bool
) -> None:
    """
    All of it has ended when the call returns; if that dies before, every tick goes on, and says so.
    """
    ids = batch(store, 2_300, 1)
    batch(store, 10, 0, batch="y")
    if is_cut:
        monkeypatch.setattr(store, "_spread", lambda: None)
    end(store)
    left = []
    while store.counts(batch="x").get(QUEUED):
        left.append(store.counts(batch="x")[QUEUED])
        tick = store.tick(beat())
        assert (tick.next_event_s == 0) == bool(store.counts(batch="x").get(QUEUED))
    assert ([1_299, 799, 299] if is_cut else []) == left
    assert {FAILED: 1, CANCELLED: 2_299} == dict(store.counts(batch="x"))
    store.retry(ids[:1], owner=ADA)
    while is_cut and store.tick(beat()).next_event_s == 0:
        pass
    assert {QUEUED: 2_300} == dict(store.counts(batch="x"))


def test_a_limit_goes_with_the_batch(store: Store) -> None:
    """
    Once all jobs of a batch are removed, another of its name has no limit; the newest limit counts.
    """
    ids = batch(store, 2, 1)
    end(store)
    store.remove(ids, owner=ADA)
    batch(store, 3, 0)
    end(store)
    assert {FAILED: 1, QUEUED: 2} == dict(store.counts())
    batch(store, 1, 2)
    end(store)
    assert {FAILED: 2, CANCELLED: 2} == dict(store.counts())

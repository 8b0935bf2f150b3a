"""The store's contract: waiting jobs can be held, and go on from where they waited."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    BOB,
    beat,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    new_job,
    run_to_end,
    submit,
    submit_named,
)
from workers.job import JobState, Reason
from workers.store.values import Change

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

HELD, QUEUED, SCHEDULED, CANCELLED = JobState.HELD, JobState.QUEUED, JobState.SCHEDULED, JobState.CANCELLED
HOUR_MS = 3_600_000


def test_a_held_job_is_not_handed_out(store: Store) -> None:
    """
    Nobody gets it until it is released; then it has its old place in the order.
    """
    a, *_ = submit_named(store, "a b")

    assert [Change(a, QUEUED, HELD, changed=True)] == store.hold([a], owner=ADA)
    assert ["b"] == claimed_names(store)
    submit_named(store, "c")
    assert [Change(a, HELD, QUEUED, changed=True)] == store.release([a], owner=ADA)
    assert ["a", "c"] == claimed_names(store)
    assert [QUEUED, HELD, QUEUED, JobState.RUNNING] == history(store, a)


def test_a_job_may_be_submitted_held(store: Store) -> None:
    """
    It is stored, counted as held, and starts only after its release.
    """
    (job_id,) = submit_named(store, "a", held=True)

    assert {HELD: 1} == dict(store.counts())
    assert store.claim(claimant()) is None
    store.release([job_id], owner=None)
    assert ["a"] == claimed_names(store)
    assert [HELD, QUEUED, JobState.RUNNING] == history(store, job_id)


def test_a_held_job_keeps_its_time(store: Store) -> None:
    """
    Released before its time it waits for that; released after, it is queued.
    """
    begin_ms = time.time_ns() // 1_000_000 + HOUR_MS
    (job_id,) = submit_named(store, "a", begin_ms=begin_ms, held=True)

    assert (HELD, begin_ms) == (store.get(job_id).state, store.get(job_id).due_ms)
    assert (SCHEDULED, begin_ms) == (store.release([job_id], owner=None)[0].after, store.get(job_id).due_ms)
    store.hold([job_id], owner=None)
    assert () == store.tick(beat()).released
    assert (HELD, begin_ms) == (store.get(job_id).state, store.get(job_id).due_ms)


def test_a_job_that_waits_for_another_try_can_be_held(store: Store, vandal: Vandal) -> None:
    """
    What its last try ended with, and how many are left, is kept.
    """
    (job_id,) = submit(store, new_job("a", retries=1, retry_on=frozenset({Reason.SCF})))
    run_to_end(store, job_id, failed(Reason.SCF))
    before = store.get(job_id)
    store.hold([job_id], owner=None)
    store.release([job_id], owner=None)

    assert before == store.get(job_id)
    vandal.fall_due(job_id)
    assert (job_id,) == store.tick(beat()).released


def test_a_held_job_can_be_cancelled(store: Store) -> None:
    """
    Cancelling needs no release; a release afterwards changes nothing.
    """
    (job_id,) = submit_named(store, "a", held=True)
    store.cancel([job_id], owner=None)

    assert [Change(job_id, CANCELLED, CANCELLED, changed=False)] == store.release([job_id], owner=None)


def test_store_holding_what_does_not_wait_is_left_alone(store: Store) -> None:
    """
    Running and ended jobs are not held, and what is not held is not released; repeating changes nothing.
    """
    done, running, held = submit_named(store, "done running held")
    run_to_end(store, done)
    claim(store)
    everything = [done, running, held, "0" * 32]

    assert [False, False, True] == [one.changed for one in store.hold(everything, owner=None)]
    assert [False, False, False] == [one.changed for one in store.hold(everything, owner=None)]
    assert [False, False, True] == [one.changed for one in store.release(everything, owner=None)]
    assert [False, False, False] == [one.changed for one in store.release(everything, owner=None)]
    assert [JobState.DONE, JobState.RUNNING, QUEUED] == [job.state for job in store.get_many(everything)]


@pytest.mark.parametrize("act", ["hold", "release", "retry"])
def test_store_holding_other_peoples_and_damaged_jobs_are_left_alone(
    store: Store, vandal: Vandal, act: str
) -> None:
    """
    With an owner given, only that owner's jobs are touched; a record that cannot be read never is.
    """
    foreign, damaged = *submit_named(store, "b", owner=BOB), *submit_named(store, "a")
    vandal.damage(damaged)
    found = getattr(store, act)([foreign, damaged], owner=ADA)

    assert [
        Change(foreign, QUEUED, QUEUED, changed=False, refused=True),
        Change(damaged, JobState.FAILED, JobState.FAILED, changed=False),
    ] == found

"""The store's contract: a job may be given a time before which it does not start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claimant, claimed_names, history, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

QUEUED, SCHEDULED = JobState.QUEUED, JobState.SCHEDULED
HOUR_MS = 3_600_000


def now_ms() -> int:
    """Read the clock."""
    return time.time_ns() // 1_000_000


def test_a_job_waits_for_its_time(store: Store, vandal: Vandal) -> None:
    """
    It is scheduled and handed to nobody; the tick after its time queues it, and it has its place by age.
    """
    begin_ms = now_ms() + HOUR_MS
    (job_id,) = submit_named(store, "later", begin_ms=begin_ms)
    submit_named(store, "now")

    assert (SCHEDULED, begin_ms) == (store.get(job_id).state, store.get(job_id).due_ms)
    assert {QUEUED: 1, SCHEDULED: 1} == dict(store.counts())
    assert () == store.tick(beat()).released
    vandal.fall_due(job_id)
    assert (job_id,) == store.tick(beat()).released
    assert ["later", "now"] == claimed_names(store)
    assert [SCHEDULED, QUEUED, JobState.RUNNING] == history(store, job_id)
    assert store.get(job_id).due_ms is None


@pytest.mark.parametrize("begin_ms", [0, 1, pytest.param(now_ms() - HOUR_MS, id="an hour ago")])
def test_a_time_that_is_over_is_none(store: Store, begin_ms: int) -> None:
    """
    Such a job is ready at once.
    """
    (job_id,) = submit_named(store, "a", begin_ms=begin_ms)

    assert store.get(job_id).due_ms is None
    assert ["a"] == claimed_names(store)


def test_years_ahead(store: Store) -> None:
    """
    A time nobody here will see is kept to the millisecond.
    """
    begin_ms = now_ms() + 90 * 366 * 24 * HOUR_MS + 7
    (job_id,) = submit_named(store, "a", begin_ms=begin_ms)

    assert begin_ms == store.get(job_id).due_ms
    assert store.claim(claimant()) is None


def test_a_tick_tells_when_the_next_falls_due(store: Store) -> None:
    """
    A worker knows from its tick when to look again, to the second.
    """
    submit_named(store, "late", begin_ms=now_ms() + 2 * HOUR_MS)
    submit_named(store, "soon", begin_ms=now_ms() + HOUR_MS)
    next_event_s = store.tick(beat()).next_event_s

    assert next_event_s is not None
    assert 3_590 < next_event_s <= 3_600


def test_store_beginning_what_falls_due_together_comes_in_order(store: Store) -> None:
    """
    Each tick queues what is due by then; at equal priority the older ones go first.
    """
    ids = submit_named(store, "a b c d", begin_ms=now_ms() + 50)
    released: list[str] = []

    def tick() -> bool:
        released.extend(store.tick(beat()).released)
        return len(released) == len(ids)

    wait_until(tick, 30, "all four to fall due")

    assert sorted(ids) == sorted(released)
    assert ["a", "b", "c", "d"] == claimed_names(store)

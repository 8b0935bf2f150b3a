"""The store's contract: counting jobs by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import ADA, BOB, claim, failed, outcome, submit_named
from workers.job import JobState
from workers.store.redis import reads as redis_reads
from workers.store.sqlite import reads as sqlite_reads

if TYPE_CHECKING:
    import pytest

    from workers.store.base import Store


def test_an_empty_store_counts_nothing(store: Store) -> None:
    """
    States without jobs are left out.
    """
    assert {} == dict(store.counts())


def test_counts_follow_every_change(store: Store) -> None:
    """
    Each job is counted once, in the state it is in.
    """
    a, b, c, d = submit_named(store, "a b c d")
    assert {JobState.QUEUED: 4} == dict(store.counts())

    first, second = claim(store), claim(store)
    assert (a, b) == (first.job.id, second.job.id)
    assert {JobState.QUEUED: 2, JobState.RUNNING: 2} == dict(store.counts())

    store.finish(first.lease, outcome())
    store.finish(second.lease, failed())
    store.cancel([c], owner=None)
    assert {JobState.DONE: 1, JobState.FAILED: 1, JobState.CANCELLED: 1, JobState.QUEUED: 1} == dict(
        store.counts()
    )

    store.give_back(claim(store).lease, "drained")
    assert JobState.QUEUED is store.get(d).state
    assert 1 == store.counts()[JobState.QUEUED]
    assert JobState.RUNNING not in store.counts()


def test_counts_can_be_of_one_owner(store: Store) -> None:
    """
    None is everybody.
    """
    submit_named(store, "a b")
    submit_named(store, "c", owner=BOB)
    claim(store, owner=BOB)

    assert {JobState.QUEUED: 2} == dict(store.counts(owner=ADA))
    assert {JobState.RUNNING: 1} == dict(store.counts(owner=BOB))
    assert {JobState.QUEUED: 2, JobState.RUNNING: 1} == dict(store.counts(owner=None))
    assert {} == dict(store.counts(owner="nobody"))


def test_counts_can_be_of_one_batch(store: Store) -> None:
    """
    A batch is counted by itself, through every change.
    """
    submit_named(store, "a b c", batch="screen")
    submit_named(store, "d", batch="other")
    found = claim(store)
    store.finish(found.lease, outcome())
    claim(store)

    assert {JobState.QUEUED: 1, JobState.RUNNING: 1, JobState.DONE: 1} == dict(store.counts(batch="screen"))
    assert {JobState.QUEUED: 1} == dict(store.counts(batch="other"))
    assert {} == dict(store.counts(batch="nothing"))


def test_store_counts_other_processes_count_the_same(store: Store, another: Store) -> None:
    """
    Counts belong to the store, not to who asks.
    """
    submit_named(store, "a b")
    claim(another)

    assert dict(store.counts()) == dict(another.counts())


def test_the_newest_batches_are_counted_each_once(store: Store) -> None:
    """
    The batch with the newest job comes first, also if its other jobs are older than those of other batches.
    """
    for batch in ("screen", "", "small", "screen", "last"):
        submit_named(store, "a b c", batch=batch)
    claim(store)

    queued = JobState.QUEUED
    assert ["last", "screen", "small"] == list(store.batches())
    assert {
        "last": {queued: 3},
        "screen": {queued: 5, JobState.RUNNING: 1},
        "small": {queued: 3},
    } == store.batches()
    assert ["last", "screen"] == list(store.batches(limit=2))


def test_batches_can_be_of_one_owner(store: Store) -> None:
    """
    Batches of others are left out, and in a batch of several owners the jobs of others.
    """
    submit_named(store, "a", batch="shared")
    submit_named(store, "b", batch="own")
    submit_named(store, "c d", batch="shared", owner=BOB)
    submit_named(store, "e f", batch="foreign", owner=BOB)
    submit_named(store, "g", owner=BOB)

    assert {"own": {JobState.QUEUED: 1}, "shared": {JobState.QUEUED: 1}} == store.batches(owner=ADA)
    assert ["own", "shared"] == list(store.batches(owner=ADA))
    assert ["foreign", "shared"] == list(store.batches(owner=BOB))
    assert ["foreign", "shared", "own"] == list(store.batches())
    assert {} == store.batches(owner="nobody")


def test_a_batch_that_was_removed_is_none(store: Store) -> None:
    """
    A batch is listed as long as a job of it is stored, wherever its first jobs were.
    """
    kept, *removed = submit_named(store, "a b c", batch="screen")
    submit_named(store, "d", batch="gone")
    ids = [*removed, *store.last(ADA)]
    store.cancel(ids, owner=None)
    store.remove(ids, owner=None)

    assert {"screen": {JobState.QUEUED: 1}} == store.batches()
    store.cancel([kept], owner=None)
    store.remove([kept], owner=None)
    assert {} == store.batches()


def test_batches_below_many_jobs_without_one_are_found(store: Store) -> None:
    """
    More jobs than one look takes do not end the list.
    """
    submit_named(store, "a", batch="old")
    submit_named(store, " ".join(["b"] * 1_100))

    assert ["old"] == list(store.batches())


def test_new_batches_are_found_among_very_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The batches of the newest jobs come first, however many others there are, and whatever their names.
    """
    for module in (redis_reads, sqlite_reads):
        monkeypatch.setattr(module, "SCAN_LIMIT", 4)
    for batch in "abcdefgzy":
        submit_named(store, "job", batch=batch)
    submit_named(store, "job", batch="foreign", owner=BOB)

    assert ["foreign", "y", "z"] == list(store.batches(limit=3))
    assert ["y", "z"] == list(store.batches(owner=ADA, limit=2))

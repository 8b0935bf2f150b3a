"""The store's contract: which workers it has heard of, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import OTHER_WORKER, WORKER, beat, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.settings import StoreSettings


def test_a_worker_is_known_by_what_it_said_last(store: Store, another: Store) -> None:
    """
    Each beat replaces the one before, and other processes see it.
    """
    store.tick(beat(busy=0))
    said = beat(busy=2, name="the big one", owner=None, lane_only=True)
    store.tick(said)

    (seen,) = another.workers()
    assert said == seen.beat
    assert ("node07", True) == (seen.host, seen.alive)
    assert 0 < seen.first_seen_ms <= seen.last_seen_ms


def test_store_workers_no_worker_is_known_to_an_empty_store(store: Store) -> None:
    """
    Nobody spoke, nobody is listed.
    """
    assert [] == store.workers()


def test_workers_are_listed_by_their_newest_word(store: Store) -> None:
    """
    Who spoke last comes first.
    """
    store.tick(beat(WORKER))
    store.tick(beat(OTHER_WORKER))

    def order() -> list[str]:
        store.tick(beat(WORKER))
        return [seen.beat.worker for seen in store.workers()]

    wait_until(lambda: [WORKER, OTHER_WORKER] == order(), 30, "the newest word first")


def test_a_worker_that_left_is_forgotten(store: Store) -> None:
    """
    Who ended in good order is no longer listed; leaving twice is no error.
    """
    store.tick(beat(WORKER))
    store.tick(beat(OTHER_WORKER))
    store.leave(WORKER)
    store.leave(WORKER)
    store.leave("node09-1-ff")

    assert [OTHER_WORKER] == [seen.beat.worker for seen in store.workers()]


def test_a_tick_of_an_idle_store_finds_nothing(store: Store) -> None:
    """
    Nothing was taken back, and nothing will fall due by itself.
    """
    tick = store.tick(beat())

    assert () == tick.reaped
    assert tick.next_event_s is None


def test_a_tick_touches_no_waiting_job(store: Store) -> None:
    """
    Ready jobs stay as they are.
    """
    (job_id,) = submit_named(store, "a")
    before = store.get(job_id)
    store.tick(beat())

    assert before == store.get(job_id)
    assert {JobState.QUEUED: 1} == dict(store.counts())


def test_a_store_says_what_it_is(store: Store, settings: StoreSettings) -> None:
    """
    Kind, place, version and what survives a power cut are told in words.
    """
    health = store.health()

    assert ("redis" if settings.redis_url else "local") == store.kind == health.kind
    assert store.where == health.where
    assert health.where
    assert health.version
    assert health.durable

"""Which worker's ticks do what is due, and what the ticks of the others do (`lua/tick.lua`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import OTHER_WORKER, WORKER, beat, claim, new_job, submit, submit_named
from workers.job import JobState

if TYPE_CHECKING:
    import redis

    from workers.store.redis.store import RedisStore


MINUTE_MS = 60_000


@pytest.fixture
def store(redis_store: RedisStore) -> RedisStore:
    """A store whose housekeeper is `WORKER`."""
    redis_store.tick(beat(WORKER))
    return redis_store


def housekeeper(client: redis.Redis) -> str:
    """Name the housekeeper; empty: there is none."""
    found = client.hget("nox:meta", "housekeeper") or b""
    assert isinstance(found, bytes)
    return found.decode().partition(" ")[2]


def expect_tick(client: redis.Redis, after_ms: int, worker: str = WORKER) -> None:
    """Let the store expect a worker's next tick so long after now."""
    seconds, micros = client.time()
    client.hset("nox:meta", "housekeeper", f"{seconds * 1000 + micros // 1000 + after_ms} {worker}")


def is_counted_right(store: RedisStore, client: redis.Redis, worker: str) -> bool:
    """Spoil the counts; return whether a worker's tick sets them right."""
    client.hset("nox:count", "queued ada", 7)
    store.tick(beat(worker))
    return not store.counts()


def test_housekeeper_alone_does_what_is_due(store: RedisStore, client: redis.Redis) -> None:
    """
    Wrong counts are found by the housekeeper's tick, not by another worker's; each worker is heard of.
    """
    assert WORKER == housekeeper(client)
    assert not is_counted_right(store, client, OTHER_WORKER)
    assert is_counted_right(store, client, WORKER)
    assert {WORKER, OTHER_WORKER} == {seen.beat.worker for seen in store.workers()}
    assert WORKER == housekeeper(client)


@pytest.mark.parametrize("after_ms", [-MINUTE_MS, MINUTE_MS])
def test_housekeeper_is_replaced_once_it_is_late(
    store: RedisStore, client: redis.Redis, after_ms: int
) -> None:
    """
    The next tick of any other takes its place, also where the clock of Redis was put back.
    """
    expect_tick(client, after_ms)
    assert is_counted_right(store, client, OTHER_WORKER)
    assert OTHER_WORKER == housekeeper(client)
    assert not is_counted_right(store, client, WORKER)


def test_housekeeper_may_requeue_jobs(store: RedisStore, client: redis.Redis) -> None:
    """
    A worker that may not gives up its place and takes none, but does the rest while there is no other.
    """
    store.tick(beat(WORKER), may_reap=False)
    assert "" == housekeeper(client)
    client.hset("nox:count", "queued ada", 7)
    store.tick(beat(OTHER_WORKER), may_reap=False)
    assert (("", {})) == (housekeeper(client), dict(store.counts()))


def test_housekeeper_that_is_frozen_delays_no_lost_job(store: RedisStore, client: redis.Redis) -> None:
    """
    A lease that has expired is found by any worker's tick, and that worker takes the place.
    """
    (job_id,) = submit_named(store, "a")
    claim(store, WORKER)
    client.zincrby("nox:leases", -MINUTE_MS, job_id)

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    assert OTHER_WORKER == housekeeper(client)


def test_housekeeper_is_not_waited_for_if_a_job_falls_due_before(
    store: RedisStore, client: redis.Redis
) -> None:
    """
    Another worker's tick names the time of a job that falls due before the housekeeper's, not of a later one.
    """
    soon_ms = time.time_ns() // 1_000_000
    (soon,) = submit(store, new_job(begin_ms=soon_ms + 1_500))
    submit(store, new_job(begin_ms=soon_ms + MINUTE_MS))
    expect_tick(client, 2_000)
    next_s = store.tick(beat(OTHER_WORKER)).next_event_s
    assert next_s is not None
    assert next_s <= 1.5
    client.zincrby("nox:scheduled", -MINUTE_MS, soon)
    assert (soon,) == store.tick(beat(OTHER_WORKER)).released
    assert JobState.QUEUED is store.get(soon).state

    expect_tick(client, 2_000)
    assert store.tick(beat("node09-1-ff")).next_event_s is None

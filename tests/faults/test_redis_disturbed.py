"""Somebody meddles with the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    beat,
    claim,
    claimant,
    claimed_names,
    give_back_and_reclaim,
    new_job,
    outcome,
    submit,
    submit_named,
)
from workers.errors import JobNotFound, LeaseLost, StoreDamaged
from workers.job import JobState, Progress, Reason
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from workers.store.redis.store import RedisStore


@pytest.fixture
def store(redis_store: RedisStore) -> RedisStore:
    """An empty store."""
    return redis_store


@pytest.fixture
def client(redis_client: redis.Redis) -> redis.Redis:
    """The meddler."""
    return redis_client


def test_a_flushed_script_cache_is_no_matter(store: RedisStore, client: redis.Redis) -> None:
    """
    Every script is sent again when the server does not know it.
    """
    names = ["a", "b", "c"]
    for name in names:
        client.script_flush()
        submit_named(store, name)
    for _ in names:
        client.script_flush()
        lease = claim(store).lease
        client.script_flush()
        store.finish(lease, outcome())
    client.script_flush()

    assert ["c", "b", "a"] == [job.name for job in store.page(Query()).items]
    assert {JobState.DONE: 3} == dict(store.counts())


def test_a_flushed_database_is_a_lost_lease(store: RedisStore, client: redis.Redis) -> None:
    """
    The running attempt owns nothing any more, not even of a job of the same id that came since.
    """
    job = new_job("a")
    submit(store, job)
    lease = claim(store).lease
    client.flushall()

    with pytest.raises(LeaseLost):
        store.finish(lease, outcome())
    with pytest.raises(LeaseLost):
        store.progress(lease, Progress(step=1))
    with pytest.raises(LeaseLost):
        store.give_back(lease, "late")
    with pytest.raises(JobNotFound):
        store.get(job.id)
    submit(store, job)
    claim(store, "node99-1-ff")
    with pytest.raises(LeaseLost):
        store.finish(lease, outcome())
    assert JobState.RUNNING is store.get(job.id).state


def drop_record(client: redis.Redis, key: str) -> None:
    """The whole hash is gone."""
    client.delete(f"nox:job:{key}")


def plant_string(client: redis.Redis, key: str) -> None:
    """Something else lies under the key."""
    client.set(f"nox:job:{key}", "rubbish")


def drop_spec(client: redis.Redis, key: str) -> None:
    """What was asked is gone."""
    client.delete(f"nox:spec:{key}")


def plant_list(client: redis.Redis, key: str) -> None:
    """What was asked is a list."""
    client.delete(f"nox:spec:{key}")
    client.rpush(f"nox:spec:{key}", "rubbish")


def drop_owner(client: redis.Redis, key: str) -> None:
    """A field that is always there is not."""
    client.hdel(f"nox:job:{key}", "o")


def set_fence(client: redis.Redis, key: str) -> None:
    """A fence below zero."""
    client.hset(f"nox:job:{key}", "at", "-1")


def add_bytes(client: redis.Redis, key: str) -> None:
    """A state that is no text."""
    client.hset(f"nox:job:{key}", "s", b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "damage", [drop_record, plant_string, drop_spec, plant_list, drop_owner, set_fence, add_bytes]
)
def test_a_claim_puts_a_damaged_job_out_of_the_way(
    store: RedisStore, client: redis.Redis, damage: Callable[[redis.Redis, str], None]
) -> None:
    """
    It ends as failed, damaged, with one event; the jobs behind it run.
    """
    broken, _, _ = submit_named(store, "broken b c", batch="x")
    damage(client, broken)

    assert ["b", "c"] == claimed_names(store)
    job = store.get(broken)
    assert (broken, JobState.FAILED, Reason.DAMAGED) == (job.id, job.state, job.reason)
    assert {JobState.FAILED: 1, JobState.RUNNING: 2} == dict(store.counts())
    told = [(event.state, event.reason) for event in store.events("0").items if event.job_id == broken]
    assert [(JobState.QUEUED, None), (JobState.FAILED, Reason.DAMAGED)] == told
    failed = store.page(Query(states=frozenset({JobState.FAILED}), owner=ADA))
    assert [broken] == [job.id for job in failed.items]
    assert store.claim(claimant()) is None


@pytest.mark.parametrize("damage", [drop_record, plant_string, drop_owner, add_bytes])
def test_a_damaged_job_that_ran_is_reaped_once(
    store: RedisStore, client: redis.Redis, damage: Callable[[redis.Redis, str], None]
) -> None:
    """
    Its lease runs out; it is neither queued again nor met again.
    """
    (broken,) = submit_named(store, "broken")
    lease = claim(store).lease
    damage(client, broken)
    client.zadd("nox:leases", {broken: 1})

    with pytest.raises(LeaseLost):
        store.finish(lease, outcome())
    assert (broken,) == store.tick(beat()).reaped
    assert () == store.tick(beat()).reaped
    assert Reason.DAMAGED is store.get(broken).reason
    assert store.claim(claimant()) is None


def test_a_job_found_in_a_wrong_shape_is_put_right(store: RedisStore, client: redis.Redis) -> None:
    """
    The record is the truth: a job whose record says eight cores is not handed to a slot with one.
    """
    (job_id,) = submit_named(store, "a")
    client.hset(f"nox:job:{job_id}", "co", "8")

    assert store.claim(claimant(cores=1)) is None
    assert ["a"] == claimed_names(store, cores=8)


def test_a_stray_entry_in_an_index_makes_no_job(store: RedisStore, client: redis.Redis) -> None:
    """
    An id that was never given a number is dropped.
    """
    submit_named(store, "a")
    (key,) = client.keys("nox:ready:*")
    client.zadd(key, {"f" * 32: 1})

    assert ["a"] == claimed_names(store)
    assert [] == store.get_many(["f" * 32])


def test_rubbish_in_the_bell_is_a_bell(store: RedisStore, client: redis.Redis) -> None:
    """
    Whatever lies there, no second one is laid beside it, and nothing fails on it.
    """
    client.rpush(store.bell_key, b"\x80rubbish", "{}")
    submit_named(store, "a b")
    claim(store)

    assert 2 == client.llen(store.bell_key)
    client.delete(store.bell_key)
    client.set(store.bell_key, "not a list")
    submit_named(store, "c")
    assert ["b", "c"] == claimed_names(store)


def test_the_bell_rings_while_something_is_ready(store: RedisStore, client: redis.Redis) -> None:
    """
    Submit, a claim that leaves jobs, a tick and give_back ring once; nothing ready is silence.
    """

    def rung() -> bool:
        bells = client.lrange(store.bell_key, 0, -1)
        client.delete(store.bell_key)
        return [b"1"] == bells

    store.tick(beat())
    assert not rung()
    submit_named(store, "a b")
    submit_named(store, "mine", lane="node07-4711-a1b2c3")
    assert rung()
    lease = claim(store).lease
    assert rung()
    claim(store)
    assert not rung()
    store.give_back(lease, "drained")
    assert rung()
    store.tick(beat())
    assert rung()


def test_bells_can_be_waited_for(store: RedisStore) -> None:
    """
    The bell's own client may wait longer than a command of the store's.
    """
    waiting = store.bell_client(timeout_s=5.0)
    assert waiting.blpop([store.bell_key], timeout=1.2) is None
    submit_named(store, "a")

    assert (store.bell_key.encode(), b"1") == waiting.blpop([store.bell_key], timeout=1)
    waiting.close()


def test_rubbish_in_the_stream_is_passed_over(store: RedisStore, client: redis.Redis) -> None:
    """
    Foreign entries are not told, and a reader who waits goes on behind them.
    """
    cursor = store.events(None).cursor
    client.xadd("nox:events", {"foreign": "entry"})
    nothing = store.events(cursor, wait_s=0.1)
    (job_id,) = submit_named(store, "a")

    assert () == nothing.items
    assert cursor != nothing.cursor
    assert [job_id] == [event.job_id for event in store.events(nothing.cursor).items]


def test_a_foreign_key_in_the_way_is_told(store: RedisStore, client: redis.Redis) -> None:
    """
    Another program's keys under the same prefix are not overwritten.
    """
    client.set("nox:numbers", "theirs")

    with pytest.raises(StoreDamaged, match="something else under the key nox:numbers of nox"):
        store.page(Query())


def test_a_repeated_step_leaves_one_of_each(store: RedisStore) -> None:
    """
    A submit sent twice, in part under another token, has every job once in every list.
    """
    jobs = [new_job(str(i)) for i in range(4)]
    store.submit(jobs[:2], submission="one")
    store.submit(jobs, submission="one")
    store.submit([jobs[1], jobs[1]], submission="two")

    assert [jobs[1].id] == store.last(ADA)
    assert ["3", "2", "1", "0"] == [job.name for job in store.page(Query(owner=ADA)).items]
    _, good = give_back_and_reclaim(store)
    assert 2 == good.fence

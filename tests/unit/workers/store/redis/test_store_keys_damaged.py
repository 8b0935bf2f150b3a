"""Keys that somebody else changed: counters that are no numbers, other kinds in place of indexes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.stores import ADA, WORKER, beat, claimant, failed, new_job, outcome, submit
from tests.unit.workers.store.redis.test_store_keys import Anything, Keys, assert_in_step
from workers.errors import StoreDamaged, StoreRefused
from workers.job import JobState
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from pathlib import Path

    import redis


SETTLED = 60
SHARED = (
    "meta", "count", "served", "numbers", "ended", "priority", "leases", "scheduled", "lanes", "workers",
    "releasing", "stopping", "events", "bell", "shapes:", *(f"state:{state}" for state in JobState),
)  # fmt: skip
# Of one owner, batch, shape, lane, worker or id: those that the jobs below have.
OWN = (
    "user:ada", "batch:x", "count:batch:x", "limit:x", "last:ada", "before:ada", "unique:key",
    "ids:abcd", "shapes:lane",
    "ready:ada\x1f\x1f1\x1f0\x1f0\x1fecho", "ready:ada\x1flane\x1f1\x1f0\x1f0\x1fecho",
    f"slots:{WORKER}", f"worker:{WORKER}",
)  # fmt: skip
COUNTERS = (
    *(("meta", field) for field in ("number", "ended", "claims", "clock", "grace", "pulse")),
    ("count", "queued ada"), ("count", "running ada"), ("count", "done ada"), ("count", "banana"),
    ("count:batch:x", "queued ada"), ("count:batch:x", "failed ada"), ("count:batch:x", "running ada"),
    ("served", "ada"), ("served", "bob"), ("limit:x", "ada"),
)  # fmt: skip
VALUES = ("banana", "-7", "99999999999999999999", "1e300", "nan", "")


def replace(client: redis.Redis, key: str, kind: str) -> None:
    """Put something in the place of a key, of another kind if it is none of this kind already."""
    is_hash = key in {"meta", "count", "served"} or key.startswith(("count:", "limit:", "slots:", "worker:"))
    is_list = key in {"releasing", "stopping", "bell"} or key.startswith(("last:", "before:"))
    client.delete(f"nox:{key}")
    if kind == "hash" and not is_hash:
        client.hset(f"nox:{key}", "banana", "banana")
    elif kind == "list" and not is_list:
        client.rpush(f"nox:{key}", "banana")
    else:
        client.set(f"nox:{key}", "banana")


@pytest.fixture
def busy(store: RedisStore, client: redis.Redis) -> RedisStore:
    """A store in which jobs of every state are, some of them with limits, keys and lanes."""
    anything = Anything(store, client, 5)
    for _ in range(SETTLED):
        anything.step()
    return store


def go_on(store: RedisStore) -> None:
    """Submit, claim, finish, fail, give back, hold and cancel jobs; none of it is refused."""
    jobs = [
        new_job(
            id=f"abcd{uuid4().hex[4:]}", batch="x", lane=lane, unique=unique, max_fails=1_000, priority=100
        )
        for lane, unique in (("", "key"), ("", ""), ("lane", ""), ("", ""))
    ]
    ids = submit(store, *jobs)
    store.hold(ids, owner=None)
    store.release(ids, owner=None)
    for end in (outcome(), failed(), None):
        found = store.claim(claimant(lanes=frozenset({"", "lane"})))
        assert found is not None
        assert [True] == [renewal.alive for renewal in store.renew([found.lease])]
        if end is None:
            store.give_back(found.lease, "drained")
        else:
            store.finish(found.lease, end)
    store.cancel(ids, owner=None)
    store.tick(beat())


def states_of(client: redis.Redis, **wanted: str) -> dict[str, int]:
    """Count jobs by the states that their records have."""
    jobs = [job for job in Keys(client).jobs.values() if wanted.items() <= job.items()]
    return dict(Counter(job["s"] for job in jobs))


def assert_whole(store: RedisStore, client: redis.Redis) -> None:
    """Hold indexes, counts and lists against the records."""
    assert_in_step(Keys(client))
    assert states_of(client) == store.counts()
    assert states_of(client, o=ADA) == store.counts(owner=ADA)
    assert states_of(client, b="x") == store.counts(batch="x")
    assert sum(states_of(client).values()) == len(store.page(Query(owner=None, limit=500)).items)


@pytest.mark.parametrize("kind", ["string", "list", "hash"])
@pytest.mark.parametrize("key", [*SHARED, *OWN])
def test_store_keys_damaged_something_else_in_place_of_a_key_stops_nothing(
    busy: RedisStore, client: redis.Redis, key: str, kind: str
) -> None:
    """
    Whichever key holds something of another kind: jobs are submitted, run and end, and all indexes are whole.
    """
    go_on(busy)
    replace(client, key, kind)
    go_on(busy)

    assert_whole(busy, client)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("key", "field"), COUNTERS)
def test_a_counter_that_is_no_number_stops_nothing(
    busy: RedisStore, client: redis.Redis, key: str, field: str, value: str
) -> None:
    """
    Whatever a counter is made: jobs are submitted, run and end, numbers rise, and the counts are right.
    """
    go_on(busy)
    newest = max(int(job["n"]) for job in Keys(client).jobs.values())
    client.hset(f"nox:{key}", field, value)
    go_on(busy)

    assert_whole(busy, client)
    numbers = [int(job["n"]) for job in Keys(client).jobs.values()]
    assert len(numbers) == len(set(numbers))
    assert newest < max(numbers) < newest + 10
    assert {job.number for job in busy.page(Query(owner=None, sort=SortKey.ENDED, limit=500)).items} == {
        int(job["n"]) for job in Keys(client).jobs.values() if JobState(job["s"]).is_final
    }


def test_store_keys_damaged_who_only_looks_sees_right_counts(busy: RedisStore, client: redis.Redis) -> None:
    """
    Counts that are no numbers, or below nothing, are counted again where they are asked for.
    """
    for key in ("count", "count:batch:x"):
        client.hset(f"nox:{key}", "queued ada", "banana")
        client.hset(f"nox:{key}", "running ada", "-1")

    assert states_of(client, b="x") == busy.counts(batch="x")
    assert states_of(client) == busy.counts()


def test_a_tick_counts_again(busy: RedisStore, client: redis.Redis) -> None:
    """
    A worker's next word sets a count right that nobody touches.
    """
    client.hset("nox:count", "running ada", "banana")
    busy.tick(beat())

    assert_in_step(Keys(client))


def test_a_list_of_jobs_to_be_told_may_hold_anything(busy: RedisStore, client: redis.Redis) -> None:
    """
    What is no word of nox's in it is passed over.
    """
    for name in ("releasing", "stopping"):
        client.rpush(f"nox:{name}", "banana", "", "0 ", "-1 x", "0 ada\x1fx")
    go_on(busy)

    assert_whole(busy, client)
    assert 0 == client.exists("nox:releasing", "nox:stopping")


def test_a_key_that_cannot_be_read_is_named(busy: RedisStore, client: redis.Redis) -> None:
    """
    Of a list that only a submit makes again the error says which key it is.
    """
    replace(client, "last:ada", "string")

    with pytest.raises(StoreDamaged, match="something else under the key nox:last:ada of nox"):
        busy.last(ADA)
    replace(client, "events", "string")
    with pytest.raises(StoreDamaged, match="something else under the key nox:events of nox"):
        busy.events("0")


def test_a_foreign_schema_is_named(client: redis.Redis, redis_url: str, home: Path) -> None:
    """
    A store that says it is another version's is left alone, and what says so is named; no meta at all is not.
    """
    client.hset("nox:meta", "schema", "banana")
    with pytest.raises(StoreRefused, match="another version of nox") as caught:
        RedisStore.open(StoreSettings(redis_url, "nox:", home))
    assert 'nox:meta has the schema "banana"' in caught.value.hint

    replace(client, "meta", "string")
    again = RedisStore.open(StoreSettings(redis_url, "nox:", home))
    submit(again, new_job())
    again.close()
    assert b"1" == client.hget("nox:meta", "schema")


def test_a_displaced_key_is_kept(busy: RedisStore, client: redis.Redis) -> None:
    """
    What another program stored under a key of nox is renamed, not removed.
    """
    replace(client, "priority", "string")
    replace(client, "shapes:", "string")
    go_on(busy)

    assert [b"banana"] * 2 == client.mget("nox:displaced:priority", "nox:displaced:shapes:")

"""`workers/store/redis/lua/words.lua`: names and tags that another version or another program left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.stores import beat, new_job, submit
from workers.store import base
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Query, Revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.base import Store

JOBS = 1_100  # more than one tick puts in


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """The server of the store, past nox."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as opened:
        yield opened


@pytest.fixture
def store(redis_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with a hay of jobs and three needles, the oldest and two in between."""
    monkeypatch.setattr(base, "FEW_JOBS", -1)
    opened = open_store(StoreSettings(redis_url=redis_url, prefix="nox:", home=home))
    names = dict.fromkeys((0, 500, 501), "needle")
    submit(opened, *(new_job(names.get(i, f"hay{i}"), tags={"k": names.get(i, "hay")}) for i in range(JOBS)))
    yield opened
    opened.close()


def forget(client: redis.Redis) -> None:
    """Leave the store as a nox that knows no words would."""
    client.hdel("nox:meta", "words", "gap")
    client.delete(*client.keys("nox:words:*"))


def numbers(store: Store, **filters: object) -> list[int]:
    """Search."""
    return [job.number for job in store.page(Query(**filters)).items]  # type: ignore[arg-type]


def assert_whole(store: Store) -> None:
    """Find the needles by name and by tag."""
    assert [502, 501, 1] == numbers(store, name_glob="needle") == numbers(store, tags={"k": "needle"})
    assert [502] == numbers(store, name_glob="needle", limit=1)
    assert [1, 501, 502] == numbers(store, name_glob="need*", descending=False)


def tick_until_whole(store: Store, client: redis.Redis) -> int:
    """Tick as long as a tick asks for the next at once; return how often that was."""
    ticks = 0
    while True:
        ticks += 1
        next_s = store.tick(beat()).next_event_s
        assert_whole(store)
        if next_s != 0:
            assert client.hget("nox:meta", "gap") is None
            return ticks


def test_words_of_an_earlier_nox_are_found_before_and_after_ticks_index_them(
    store: Store, client: redis.Redis
) -> None:
    """
    Jobs of a nox without an index are found by their records, until ticks have put them in, some at a time.
    """
    wanted = {key: client.get(key) for key in client.keys("nox:words:*")}
    forget(client)
    assert_whole(store)

    assert 3 == tick_until_whole(store, client)
    assert wanted == {key: client.get(key) for key in client.keys("nox:words:*")}
    assert [] == store.audit()


def test_words_of_both_versions_are_found(store: Store, client: redis.Redis) -> None:
    """
    A submit after those of an earlier nox notes what is missing, and is itself in the index.
    """
    forget(client)
    submit(store, new_job("later"))
    assert f"1-{JOBS}" == client.hget("nox:meta", "gap")
    assert [JOBS + 1] == numbers(store, name_glob="later")
    assert_whole(store)
    tick_until_whole(store, client)

    client.hincrby("nox:meta", "number", 0)
    client.hset("nox:meta", "words", JOBS)  # as if the last submit had been one of an earlier nox
    client.delete("nox:words:4")
    assert [JOBS + 1] == numbers(store, name_glob="later")
    tick_until_whole(store, client)
    assert [] == store.audit()


def test_an_audit_names_jobs_with_points_that_do_not_run(store: Store, client: redis.Redis) -> None:
    """
    An older nox leaves points: no reader sees them, an audit does, and `nox doctor` finds nothing to mend.
    """
    job_id = store.page(Query(name_glob="needle")).items[-1].id
    client.rpush(f"nox:points:{job_id}", "left")
    (finding,) = (found for found in store.inspect() if found.name == "indexes")

    assert ["job 1 does not run, and points of its optimisation are kept"] == store.audit()
    assert [] == store.audit(newest=100)
    assert {} == store.points([job_id])
    assert "ok" == finding.severity


def test_an_audit_names_jobs_whose_words_are_not_those_of_their_records(
    store: Store, client: redis.Redis
) -> None:
    """
    What another program did to names, tags and counts is reported, and repaired as the report says.
    """
    job_id = store.page(Query(name_glob="needle")).items[-1].id
    client.hset(f"nox:job:{job_id}", "nm", "changed")
    client.hincrby("nox:count", "queued ada", 1)

    assert ["the name or tags of job 1 are not in the index", "queued jobs are miscounted"] == store.audit()
    assert ["queued jobs are miscounted"] == store.audit(newest=100)
    (finding,) = (found for found in store.inspect() if found.name == "indexes")
    assert "job 1 " in finding.found
    assert finding.hint.startswith("redis-cli HSET nox:meta words 0")
    client.hset("nox:meta", "words", 0)
    for _ in range(4):
        store.tick(beat())
    assert [] == store.audit()
    assert [1] == numbers(store, name_glob="changed")


def test_words_of_another_kind_are_moved_away_and_made_again(store: Store, client: redis.Redis) -> None:
    """
    A key that another program took is read around, and mended by the next change.
    """
    client.delete("nox:words:0")
    client.lpush("nox:words:0", "theirs")
    assert_whole(store)
    job_id = store.page(Query(name_glob="needle")).items[-1].id
    store.revise([job_id], Revision(tags={"new": "tag"}), owner=None)

    assert ["theirs"] == client.lrange("nox:displaced:words:0", 0, -1)
    tick_until_whole(store, client)
    assert [1] == numbers(store, tags={"new": "tag"})
    assert [] == store.audit()


def test_words_of_removed_jobs_leave_nothing(store: Store, client: redis.Redis) -> None:
    """
    Once all jobs are removed, no key of names and tags is left.
    """
    ids = store.with_numbers(1, JOBS)
    store.cancel(ids, owner=None)
    store.remove(ids, owner=None)

    assert [] == client.keys("nox:words:*")
    assert [] == store.audit()

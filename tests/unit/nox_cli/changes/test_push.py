"""Moving jobs to Redis without a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.changes.push import push, recall
from tests.support.counted_progress import CountedProgress
from tests.support.stores import submit_named
from workers.job import JobState
from workers.store.opening import open_local
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.redis.store import RedisStore
    from workers.store.sqlite.store import SqliteStore


@pytest.fixture
def local(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = open_local(StoreSettings(None, "nox:", home))
    yield opened
    opened.close()


@pytest.fixture
def redis(redis_store: RedisStore) -> RedisStore:
    """An empty Redis."""
    return redis_store


def test_jobs_are_moved(local: SqliteStore, redis: RedisStore) -> None:
    """
    The jobs wait in Redis under their ids, and no longer in the local store.
    """
    job_ids = submit_named(local, "a b")
    done = push(local, redis, job_ids)

    assert job_ids == [one.job_id for one in done.moved] == [job.id for job in redis.get_many(job_ids)]
    assert ("2 jobs handed over; what was not handed over is still here", None) == (done.summary, done.cut)
    assert {JobState.CANCELLED} == {job.state for job in local.get_many(job_ids)}
    assert (0, local.where) == (recall(local).count, local.where)


def test_a_push_reports_progress(local: SqliteStore, redis: RedisStore) -> None:
    """
    The jobs that were moved are counted.
    """
    counted = CountedProgress()
    push(local, redis, submit_named(local, "a b"), progress=counted)

    assert [("jobs handed over:", 0, 2)] == counted.noted


def test_a_push_can_be_stopped(local: SqliteStore, redis: RedisStore) -> None:
    """
    The caller is asked before the first chunk and after each: what was moved by then is in Redis.
    """
    job_ids = submit_named(local, "a b")
    asked: list[int] = []

    def stop() -> bool:
        asked.append(len(redis.get_many(job_ids)))
        return True

    done = push(local, redis, job_ids, stop)

    assert [0, 2] == asked
    assert 2 == len(done.moved)

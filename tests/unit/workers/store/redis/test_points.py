"""Points of running optimisations in Redis, next to an older nox and another program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import claim, submit_named
from workers.job import Progress
from workers.store.values import Point

if TYPE_CHECKING:
    import redis

    from workers.job import Lease
    from workers.store.redis.store import RedisStore

FIRST, SECOND = Point(1, -5.07, 0.03), Point(2, -5.08, 0.01)
DAY_MS = 86_400_000


@pytest.fixture
def lease(store: RedisStore) -> Lease:
    """The lease of a job that has a point."""
    submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, Progress(), [FIRST])
    return lease


def test_points_that_an_older_nox_left_are_not_those_of_the_next_attempt(
    store: RedisStore, client: redis.Redis, lease: Lease
) -> None:
    """
    A nox that knows no points begins an attempt without removing them: they are not shown, and the next
    report replaces them.
    """
    client.hset(f"nox:job:{lease.job_id}", "at", 2)
    assert {} == store.points([lease.job_id])
    store.progress(lease._replace(fence=2), Progress(), [SECOND])

    assert {lease.job_id: (SECOND,)} == store.points([lease.job_id])
    assert 1 == client.llen(f"nox:points:{lease.job_id}")


def test_points_expire_a_day_after_the_last(client: redis.Redis, lease: Lease) -> None:
    """
    Those that an older nox leaves do not stay.
    """
    assert DAY_MS - 60_000 < client.pttl(f"nox:points:{lease.job_id}") <= DAY_MS


@pytest.mark.parametrize("kind", ["text", "list"])
def test_points_that_another_program_stored_are_left_out(
    store: RedisStore, client: redis.Redis, lease: Lease, kind: str
) -> None:
    """
    Neither a key of another kind nor elements of another size keep progress from the store.
    """
    key = f"nox:points:{lease.job_id}"
    if kind == "text":
        client.set(key, "banana")
    else:
        client.rpush(key, "banana")
    before = store.points([lease.job_id])
    store.progress(lease, Progress(step=2), [SECOND])

    assert ({} if kind == "text" else {lease.job_id: (FIRST,)}) == before
    assert SECOND == store.points([lease.job_id])[lease.job_id][-1]
    assert 2 == store.get(lease.job_id).progress.step

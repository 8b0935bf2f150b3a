"""Redis is killed while it writes a change to its file, and started again, twice."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import Nox
from tests.support.redis_server import RedisServer
from tests.support.stores import beat, claim, new_job, outcome, submit
from workers.errors import JobNotFound
from workers.job import JobState
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = "b"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, whose file has all that was answered."""
    folder = tmp_path / "redis"
    folder.mkdir()
    started = RedisServer(folder, appendfsync="always")
    yield started
    started.close()


def tear(server: RedisServer) -> None:
    """Kill the server in the middle of writing its last change, and start it again."""
    server.kill()
    (path,) = server.directory.glob("appendonlydir/*.incr.aof")
    os.truncate(path, path.stat().st_size - 3)
    server.start()


def test_redis_torn_half_a_submit_is_no_job(home: Path, server: RedisServer) -> None:
    """
    What Redis makes later of a submit that was cut off, a job that nobody counts or could run, is not there
    for those who ask, and not in the way of the same job handed over again.
    """
    job = new_job()
    nox = Nox(home, server.url)
    with nox.store() as store, server.client() as client:
        submit(store, job)
        half = client.dump(f"nox:job:{job.id}")
        client.flushall()
        client.restore(f"nox:job:{job.id}", 0, half)

        with pytest.raises(JobNotFound):
            store.get(job.id)
        assert [job.id] == submit(store, job)
        assert JobState.QUEUED is store.get(job.id).state
        assert job.id == claim(store).job.id


def test_counts_are_those_of_the_jobs_though_half_a_change_is_done_later(
    home: Path, server: RedisServer
) -> None:
    """
    A claim that was cut off is undone, and claimed again; whatever Redis makes of its half at the start after
    that, the next tick counts what is there, of all jobs and of the batch.
    """
    nox = Nox(home, server.url)
    with nox.store() as store:
        submit(store, *(new_job(name, batch=BATCH) for name in "abc"))
        claim(store)
    tear(server)
    with nox.store() as store:
        assert {JobState.QUEUED: 3} == store.counts()
        claimed = claim(store)
        store.finish(claimed.lease, outcome())
    server.kill()
    server.start()
    with nox.store() as store:
        store.tick(beat())
        there = Counter(job.state for job in store.page(Query(limit=10)).items)

        assert {JobState.QUEUED: 2, JobState.DONE: 1} == there
        assert there == store.counts()
        assert there == store.counts(batch=BATCH)
    nox.close()

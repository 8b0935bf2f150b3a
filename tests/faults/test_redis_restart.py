"""A Redis that is away under running jobs and comes back, or dies right after its word."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.lingering import submit_lingering, wait_running
from tests.support.nox import Nox
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer

ECHO = ("--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")
# The goal is 5 s on a quiet machine.
CONSUMING_S = 30.0


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis of this test's own, with an append-only file that is synced once a second."""
    return fresh_redis(appendonly="yes", appendfsync="everysec")


@pytest.fixture
def nox(home: Path, server: RedisServer) -> Iterator[Nox]:
    """Real nox processes over that Redis."""
    driven = Nox(home, server.url)
    yield driven
    driven.close()


@pytest.mark.parametrize(
    ("how", "down_s", "count"),
    [
        ("kill", 1, 8),
        ("stop", 1, 8),
        pytest.param("kill", 10, 100, marks=pytest.mark.long),
        pytest.param("stop", 10, 100, marks=pytest.mark.long),
        pytest.param("stop", 60, 20, marks=pytest.mark.long),
    ],
)
def test_running_jobs_outlive_a_restart(
    nox: Nox, server: RedisServer, tmp_path: Path, how: str, down_s: float, count: int
) -> None:
    """
    However long Redis is away, all jobs that run meanwhile finish in their first attempt, none counted as
    lost, those too that end while it is away; and a worker that was idle takes the next job by itself.
    """
    early, go, slots = tmp_path / "early", tmp_path / "go", str(count // 2)
    ids = submit_lingering(nox, early, count // 2) + submit_lingering(nox, go, count // 2)
    room = ("--slots", slots, "--cores", slots, "--memory", "256G")
    busy = [nox.worker(*room, standin=True) for _ in range(2)]
    wait_running(nox, ids, busy)
    idle = nox.worker("--slots", "1", standin=True)
    idle.wait_log("1 slot")
    getattr(server, how)()
    idle.wait_log("out of contact", down_s + 30)
    early.touch()
    gone = time.monotonic()
    wait_until(lambda: time.monotonic() - gone >= down_s, down_s + 1, "the time")
    server.start()

    (next_id,) = nox.submit(*ECHO)
    nox.wait(next_id, "completed", CONSUMING_S)
    go.touch()

    with nox.store() as store:
        wait_until(lambda: store.counts() == {JobState.DONE: count + 1}, 120, lambda: busy[0].log)
        jobs = store.get_many(ids)
    assert [(1, 0, 0)] * count == [(job.attempt, job.losses, job.releases) for job in jobs]
    assert not [worker.log for worker in busy if "discarded" in worker.log]


@pytest.mark.parametrize("times", [5, pytest.param(200, marks=pytest.mark.long)])
def test_redis_restart_what_was_printed_is_there_after_a_crash(
    nox: Nox, server: RedisServer, times: int
) -> None:
    """
    Killed at once after an id was printed, Redis comes back with that job and all before it.
    """
    printed: list[str] = []
    for _ in range(times):
        printed += nox.submit(*ECHO)
        server.kill()
        server.start()
        with nox.store() as store:
            assert printed == [job.id for job in store.get_many(printed)]
            assert printed == store.with_numbers(1, 10 * times)


def test_redis_restart_who_waits_outlives_a_failover(nox: Nox, server: RedisServer) -> None:
    """
    A Redis that is made a replica drops who waits in it: a wait goes on once it is the primary again, as does
    a worker, which does not take that for a lack of rights.
    """
    (job_id,) = nox.submit(*ECHO, "--hold")
    worker = nox.worker("--slots", "1")
    worker.wait_log("1 slot")
    waiting = nox.popen("wait", job_id)
    with server.client() as client:
        wait_until(lambda: client.info("clients")["blocked_clients"] == 2, 30, "a worker and a wait")
        client.replicaof("127.0.0.1", 1)
        # They come back at once, to wait in the replica.
        wait_until(lambda: "errorstat_UNBLOCKED" in client.info("errorstats"), 30, "the end of their waits")
        client.replicaof("NO", "ONE")
    nox("release", job_id, check=True)

    assert 0 == waiting.wait(60)
    assert "lets nobody listen" not in worker.log

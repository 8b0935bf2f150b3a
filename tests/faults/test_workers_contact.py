"""A worker whose store is away for a while, or cannot be served at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.big import write_ice
from tests.support.nox import Nox
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer

START_S = 60.0


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis of this test's own, with an append-only file."""
    return fresh_redis(appendonly="yes", appendfsync="always")


@pytest.fixture
def nox(home: Path, server: RedisServer) -> Iterator[Nox]:
    """Real nox processes over that Redis."""
    driven = Nox(home, server.url)
    yield driven
    driven.close()


def test_a_job_outlives_its_store(nox: Nox, server: RedisServer, tmp_path: Path) -> None:
    """
    While Redis is away for longer than a lease the job goes on, and it ends in its first attempt.
    """
    ice = write_ice(tmp_path / "ice.xyz", 3)
    (job_id,) = nox.submit(ice, "--opt", "crude", "--cycles", "20", "--no-start")
    worker = nox.worker("--slots", "1")
    wait_until(lambda: nox.job(job_id).state is JobState.RUNNING, START_S, lambda: worker.log)
    server.kill()
    worker.wait_log("out of contact")

    server.start()

    worker.wait_log("in contact with the store again")
    wait_until(lambda: nox.job(job_id).state.is_final, 60, lambda: worker.log)
    job = nox.job(job_id)
    assert (1, 0) == (job.attempt, job.losses)


def test_an_idle_worker_hears_the_bell_again(nox: Nox, server: RedisServer) -> None:
    """
    After a restart of Redis an idle worker takes jobs within seconds, with nobody's help.
    """
    worker = nox.worker("--slots", "2")
    worker.wait_log("slots")
    for times in range(1, 4):
        server.kill()
        wait_until(lambda: worker.log.count("out of contact") >= times, 30, lambda: worker.log)  # noqa: B023
        server.start()
        (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
        nox.wait(job_id, "completed", 30)
        # Of a Redis that goes away before, it has nothing to say.
        wait_until(lambda: worker.log.count("in contact") >= times, 30, lambda: worker.log)  # noqa: B023

    assert "unexpected" not in worker.log


def test_a_worker_can_end_while_its_store_is_away(nox: Nox, server: RedisServer, tmp_path: Path) -> None:
    """
    A store that does not answer holds nobody up for long, and nothing is left behind.
    """
    (job_id,) = nox.submit(write_ice(tmp_path / "ice.xyz"), "--opt", "--no-start")
    worker = nox.worker("--slots", "1", "--drain-timeout", "0")
    wait_until(lambda: nox.job(job_id).state is JobState.RUNNING, START_S, lambda: worker.log)
    server.kill()
    worker.wait_log("out of contact")

    worker.process.terminate()

    assert 0 == worker.wait(30)
    wait_until(lambda: not nox.processes(), 30, "the end of all that it had started")


def test_a_worker_waits_for_its_store_if_told_to(nox: Nox, server: RedisServer) -> None:
    """
    Started before its Redis, a worker with `--connect-timeout` begins once that is there; others refuse.
    """
    server.kill()
    refused = nox.worker()
    assert 4 == refused.wait()
    worker = nox.worker("--slots", "1", "--connect-timeout", "60")
    server.start()

    worker.wait_log("1 slot", 60)


def test_a_store_that_evicts_is_not_served(home: Path, fresh_redis: StartRedis) -> None:
    """
    A Redis that would drop jobs to make room gets no worker.
    """
    evicting = fresh_redis(**{"maxmemory-policy": "allkeys-lru"})
    nox = Nox(home, evicting.url)

    refused = nox("worker")

    assert 4 == refused.returncode
    assert "maxmemory-policy allkeys-lru" in refused.stderr
    assert "noeviction" in refused.stderr
    nox.close()


def test_a_worker_that_could_keep_no_file_takes_no_job(nox: Nox, tmp_path: Path) -> None:
    """
    A directory that cannot be written is found before anything is claimed.
    """
    (tmp_path / "file").touch()
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")

    refused = nox("worker", env={"NOX_ARTIFACTS": str(tmp_path / "file/artifacts")})

    assert 4 == refused.returncode
    assert f"cannot write {tmp_path}/file" in refused.stderr
    assert JobState.QUEUED is nox.job(job_id).state


def test_a_worker_that_keeps_trying_begins_while_the_store_is_held(home: Path) -> None:
    """
    Somebody holds the local store for longer than nox waits: a worker begins all the same.
    """
    nox = Nox(home)
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    with closing(sqlite3.connect(home / "nox.sqlite3", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        worker = nox.worker("--slots", "1", "--connect-timeout", "60")
        worker.wait_log("out of contact with the store", START_S)
    worker.wait_log("in contact with the store again")

    nox.wait(job_id, "completed")
    nox.close()

"""A push that is cut, repeated, doubled, or raced by a worker: nothing is done twice, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.standin.pauses import let_go, pausing
from tests.support.environment import changed
from tests.support.nox import COMMAND, Nox
from tests.support.stores import new_job, runs, submit
from tests.support.waiting import wait_until
from workers.job import JobState, Parent, Reason
from workers.store.opening import open_local, open_redis
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer
    from workers.store.base import Store

# What a push writes with: to the local store's disk, and to Redis.
WRITES = ("fdatasync", "sendto")
MOST = 40
MANY = 1_500
LIMIT_S = 60.0
OWNER = "ada"
MOVED = (JobState.CANCELLED, Reason.MOVED)


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis of this test's own, which syncs its file at once."""
    return fresh_redis(appendfsync="always")


@pytest.fixture
def nox(home: Path, server: RedisServer) -> Iterator[Nox]:
    """Real nox processes that find that Redis."""
    driven = Nox(home, server.url)
    driven.environ["NOX_USER"] = OWNER
    yield driven
    driven.close()


@contextmanager
def stores(nox: Nox) -> Iterator[tuple[Store, Store]]:
    """Open both stores to look at them."""
    settings = StoreSettings(nox.redis_url, "nox:", nox.home)
    local, redis = open_local(settings), open_redis(settings)
    yield local, redis
    local.close()
    redis.close()


def family(store: Store) -> list[str]:
    """Store jobs that wait for one another, one of them under a unique key."""
    top = new_job("top", unique="key")
    child, other = new_job("child", parents=(Parent(top.id),)), new_job("other")
    return submit(store, top, child, other)


def killed_at(nox: Nox, call: str, at: int) -> bool:
    """Push, with SIGKILL at the n-th system call of a name; whether it came to that."""
    ended = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={at}", *COMMAND, "push"],
        env=nox.environ, cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode in {0, -9, 137}, ended
    return ended.returncode != 0


def no_job_is_twice(local: Store, redis: Store, ids: Sequence[str]) -> None:
    """Make sure that what Redis has cannot run here."""
    there = {job.id for job in redis.get_many(ids)}
    for job in local.get_many(ids):
        gone = job.reason is Reason.MOVED and job.state in {JobState.HELD, JobState.CANCELLED}
        assert gone or job.id not in there, job


@pytest.mark.parametrize("call", WRITES)
def test_killed_at_every_write(nox: Nox, call: str) -> None:
    """
    Killed at each write to either store, a push leaves no job that both might run; the next one ends it, and
    each job is stored once.
    """
    with stores(nox) as (local, redis):
        kept: list[str] = []
        for at in range(1, MOST):
            ids = family(local)
            kept += ids
            was_killed = killed_at(nox, call, at)
            no_job_is_twice(local, redis, ids)
            nox("push", check=True)

            assert {MOVED} == {(job.state, job.reason) for job in local.get_many(ids)}
            assert len(kept) - sum(1 for _ in _standing_in(redis, kept)) == sum(redis.counts().values())
            assert [JobState.BLOCKED, JobState.QUEUED] == [job.state for job in redis.get_many(ids[1:])]
            if not was_killed:
                break
        else:
            raise AssertionError(f"killed at {MOST} calls of {call}")
        assert at > 3


def _standing_in(redis: Store, ids: Sequence[str]) -> Iterator[str]:
    """Find the jobs for which another stands, as it was under their key first."""
    there = {job.id for job in redis.get_many(ids)}
    return (job_id for job_id in ids if job_id not in there)


def test_redis_dies_midway(nox: Nox, server: RedisServer, tmp_path: Path) -> None:
    """
    When Redis dies after jobs have set off, the error says that they are still here; once it is back, the
    next push hands them over.
    """
    with stores(nox) as (local, redis):
        ids = family(local)
        mark = tmp_path / "mark"
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.standin.worker", "push"],
            env=changed(nox.environ, pausing("set off", mark)), cwd=nox.cwd, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        wait_until(mark.exists, LIMIT_S, "the jobs to set off")
        server.kill()
        let_go(mark)
        _, told = process.communicate(timeout=60)

        assert 4 == process.returncode, told
        assert "0 jobs handed over; what was not handed over is still here" in told
        assert "nox push goes on" in told
        server.start()
        nox("push", check=True)
        assert {MOVED} == {(job.state, job.reason) for job in local.get_many(ids)}
        assert sorted(ids) == sorted(job.id for job in redis.get_many(ids))


def test_push_cut_two_at_once_beside_a_worker(nox: Nox) -> None:
    """
    Two pushes at once, while a local worker takes jobs: each job runs once, here or there.
    """
    with stores(nox) as (local, redis):
        ids = submit(local, *(new_job(f"j{n}", owner=OWNER) for n in range(MANY)))
        nox.worker("--local", "--slots", "1", "--bundle", "1")  # slow enough that some are left to push
        wait_until(lambda: local.counts().get(JobState.DONE), LIMIT_S, "the first job here")
        pushes = [nox.popen("push", "-q") for _ in range(2)]
        for push in pushes:
            _, told = push.communicate(timeout=60)
            assert 0 == push.returncode, told
        nox("push", check=True)
        here = [job.id for job in local.get_many(ids) if (job.state, job.reason) != MOVED]
        there = [job.id for job in redis.get_many(ids)]

        assert sorted(ids) == sorted(here + there)
        assert here
        assert there
        nox.worker("--slots", "1")
        wait_until(lambda: redis.counts() == {JobState.DONE: len(there)}, LIMIT_S, "the end of all there")
        wait_until(lambda: local.counts().get(JobState.DONE) == len(here), LIMIT_S, "the end of all here")
        assert {1} == {runs(redis, job) for job in redis.get_many(there)}

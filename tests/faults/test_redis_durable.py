"""Promises of a submit about the server's disk, and how long it may take to make them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from nox_cli.submission.handover import hand_over
from tests.support.nox import Nox
from tests.support.proxy import Proxy
from tests.support.stores import new_job
from tests.support.waiting import wait_until
from workers.errors import NotDurable, StoreUnreachable, SubmitCut
from workers.job import JobState
from workers.store.base import SUBMIT_CHUNK
from workers.store.redis.resp import RespConnection
from workers.store.redis.store import RedisStore
from workers.store.redis.submit import SUBMIT_S, SYNC_S
from workers.store.redis.wire import COMMAND_S, CONNECT_S
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer
    from workers.store.redis.resp import Reply

ECHO = ("submit", "--kind", "echo", "--payload", "1")
IN_ALL_S = 3.0
SLOW_SYNC_S = 60.0
MEMORY_ONLY = "warning: this redis keeps jobs in memory only\n"


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis that syncs its append-only file once a second."""
    return fresh_redis(appendfsync="everysec")


@pytest.fixture
def before(server: RedisServer) -> Iterator[Proxy]:
    """A proxy before that Redis."""
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def open_at(url: str, home: Path) -> RedisStore:
    """Open the store at a URL."""
    return RedisStore.open(StoreSettings(url, "nox:", home))


def ids_of(stdout: str) -> list[str]:
    """Read the ids that were printed."""
    return stdout.split()


@pytest.mark.parametrize("count", [1, SUBMIT_CHUNK, 2 * SUBMIT_CHUNK + 1])
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_durable_submit_survives_a_crash_at_once(
    home: Path, fresh_redis: StartRedis, monkeypatch: pytest.MonkeyPatch, fsync: str, count: int
) -> None:
    """
    When it returns, the server's file holds every job: it is killed that moment, and comes back with all.
    """
    # A busy machine may be slower than is promised.
    monkeypatch.setattr("workers.store.redis.submit.SYNC_S", SLOW_SYNC_S)
    monkeypatch.setattr("workers.store.redis.submit._WAIT", ("WAITAOF", 1, 0, round(1_000 * SLOW_SYNC_S)))
    server = fresh_redis(appendfsync=fsync)
    store = open_at(server.url, home)
    jobs = [new_job() for _ in range(count)]
    accepted = store.submit(jobs, submission="one", durable=True)
    server.kill()
    server.start()

    assert [job.id for job in jobs] == [word.job_id for word in accepted] == store.last("ada")
    assert {JobState.QUEUED: count} == dict(store.counts())
    store.close()


def test_a_server_without_a_file_is_refused_before_anything_is_stored(
    home: Path, fresh_redis: StartRedis
) -> None:
    """
    It can promise nothing: exit 4, nothing stored, and what to do.
    """
    server = fresh_redis(appendonly="no")
    nox = Nox(home, server.url)
    ended = nox(*ECHO, "--require-durable")

    assert (4, "") == (ended.returncode, ended.stdout)
    assert "keeps no append-only file" in ended.stderr
    assert "; the job was not submitted\n" in ended.stderr
    assert "hint: set appendonly yes in redis.conf" in ended.stderr
    with server.client() as client:
        assert [] == client.keys("nox:job:*")
    nox.close()


def test_a_server_that_may_not_be_asked_is_refused_before_anything_is_stored(
    home: Path, server: RedisServer
) -> None:
    """
    Where this user may not wait for the disk, nothing is stored either.
    """
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-waitaof")
    store = open_at(server.url, home)

    with pytest.raises(NotDurable, match="may not run WAITAOF") as caught:
        store.submit([new_job()], submission="one", durable=True)
    assert () == caught.value.stored
    assert {} == dict(store.counts())
    store.close()


def test_jobs_that_did_not_reach_the_disk_are_named(home: Path, fresh_redis: StartRedis) -> None:
    """
    The disk does not follow within the limit: the ids are printed, the line says what is true, exit 4.
    """
    server = fresh_redis(appendfsync="no")
    nox = Nox(home, server.url)
    began = time.monotonic()
    ended = nox(*ECHO, "--require-durable")

    assert 4 == ended.returncode, ended.stderr
    (job_id,) = ids_of(ended.stdout)
    assert f"but not yet on its disk within {SYNC_S:g} s; all jobs were submitted" in ended.stderr
    assert JobState.QUEUED is nox.job(job_id).state
    assert time.monotonic() - began >= SYNC_S
    nox.close()


def test_a_disk_that_is_slow_is_waited_for(home: Path, fresh_redis: StartRedis) -> None:
    """
    A server whose disk is busy syncs up to two seconds later than it would.
    """
    server = fresh_redis(appendfsync="no")
    store = open_at(server.url, home)
    with ThreadPoolExecutor(1) as threads, server.client() as client:
        submitted = threads.submit(store.submit, [new_job()], submission="one", durable=True)
        wait_until(lambda: client.info("clients")["blocked_clients"], 30, "a wait for the disk")
        until = time.monotonic() + 2.0
        wait_until(lambda: submitted.done() or time.monotonic() > until, 30, "two seconds")
        client.config_set("appendfsync", "always")

        assert 1 == len(submitted.result())
    store.close()


@pytest.mark.parametrize("cuts", [True, False], ids=["cut", "silent"])
def test_an_answer_that_is_lost_promises_nothing(
    home: Path, server: RedisServer, before: Proxy, cuts: bool
) -> None:
    """
    The connection fails while the disk is waited for: the job is stored, and that is all that is said.
    """
    with server.client() as client:
        client.config_set("appendfsync", "always")  # its disk is quick enough
    store = open_at(before.url, home)
    store.submit([new_job()], submission="zero", durable=True)
    before.lose_replies(b"submit", every=1)
    before.lose_replies(b"\r\n%d\r\n" % (1_000 * SYNC_S), every=1, by_cutting=cuts)
    job = new_job()

    with pytest.raises(NotDurable, match="not yet on its disk: redis at") as caught:
        store.submit([job], submission="one", durable=True)
    assert (job.id,) == caught.value.stored
    assert JobState.QUEUED is store.get(job.id).state
    store.close()
    assert server.pid


def test_a_cut_before_the_wait_is_a_cut(home: Path, fresh_redis: StartRedis) -> None:
    """
    The last step of several is refused: what was stored before is named, as without the promise.
    """
    store = open_at(fresh_redis().url, home)
    jobs = [new_job() for _ in range(SUBMIT_CHUNK)]
    last = new_job(owner="a\x1fb")
    with pytest.raises(SubmitCut) as caught:
        store.submit([*jobs, last], submission="one", durable=True)

    assert tuple(job.id for job in jobs) == caught.value.stored
    store.close()


def test_the_local_store_is_durable_as_it_is(nox: Nox) -> None:
    """
    Every submit to it is on the disk before its id is printed; the option is no error.
    """
    ended = nox(*ECHO, "--require-durable", "--no-start", check=True)

    assert 1 == len(ids_of(ended.stdout))


def test_a_submit_warns_of_a_server_that_forgets(home: Path, fresh_redis: StartRedis) -> None:
    """
    Without the demand jobs are taken, and a line on stderr says what a restart would do, in a pipe too.
    """
    forgetful = Nox(home, fresh_redis(appendonly="no").url)
    told = forgetful(*ECHO, check=True)
    kept = Nox(home, fresh_redis().url)

    assert MEMORY_ONLY == told.stderr
    assert 1 == len(ids_of(told.stdout))
    assert "" == kept(*ECHO, check=True).stderr
    forgetful.close()
    kept.close()


def test_the_limits_are_one_second_each() -> None:
    """
    To connect, and for a command, also where jobs are handed over.
    """
    assert [1.0] * 3 == [CONNECT_S, COMMAND_S, SUBMIT_S]


@pytest.mark.parametrize("durable", [False, True])
def test_a_server_that_falls_silent_is_given_up_within_three_seconds(
    home: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    """
    It answered when the store was opened, and not when jobs came: that nobody knows is said in time.
    """
    read, waited = RespConnection.read, []

    def noting(connection: RespConnection) -> Reply:
        try:
            return read(connection)
        except TimeoutError:
            waited.append(connection._timeout_s)
            raise

    store = open_at(server.url, home)
    monkeypatch.setattr(RespConnection, "read", noting)
    server.freeze()
    with pytest.raises(StoreUnreachable, match="did not answer") as caught:
        hand_over(store, [new_job()], durable=durable)
    server.thaw()

    assert 1.0 <= sum(waited) < IN_ALL_S
    assert "whether the job was submitted is not known" == caught.value.did
    store.close()


def test_a_command_line_gives_up_too(home: Path, server: RedisServer) -> None:
    """
    A silent server costs a submit no more.
    """
    nox = Nox(home, server.url)
    nox(*ECHO, check=True)
    server.freeze()
    ended = nox(*ECHO, limit_s=30)
    server.thaw()

    assert (4, "") == (ended.returncode, ended.stdout)
    assert "did not answer; the job was not submitted" in ended.stderr
    nox.close()

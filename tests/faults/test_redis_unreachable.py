"""A Redis that is not there, does not answer, or comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import by_client, free_port
from tests.support.redis_stand_in import StandIn
from tests.support.stores import beat, claim, new_job, outcome, submit_named
from tests.support.waiting import wait_until
from workers.errors import StoreUnreachable, SubmitCut
from workers.job import JobState
from workers.store.base import LEASE_S
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis

both_ways = pytest.mark.parametrize("plain", [False, True], ids=["redis-py", "socket"])


def open_at(url: str, home: Path, *, plain: bool = True) -> RedisStore:
    """Open the store at a URL, through a plain socket or redis-py."""
    return RedisStore.open(StoreSettings(url if plain else by_client(url), "nox:", home))


@both_ways
def test_a_closed_port_is_told_at_once(home: Path, plain: bool) -> None:
    """
    Nobody listens: one try, no patience.
    """
    port = free_port()
    began = time.monotonic()

    with pytest.raises(StoreUnreachable) as caught:
        open_at(f"redis://:canary@127.0.0.1:{port}/0", home, plain=plain)
    assert f"redis at 127.0.0.1:{port} refused the connection" == caught.value.what
    assert "" == caught.value.did
    assert time.monotonic() - began < 1.0


@both_ways
def test_a_silent_server_is_given_up(home: Path, plain: bool) -> None:
    """
    It accepts and never answers: told within the time a command has.
    """
    began = time.monotonic()
    with StandIn(lambda _: None) as silent, pytest.raises(StoreUnreachable, match="did not answer"):
        open_at(silent.url, home, plain=plain)

    assert time.monotonic() - began < 3.0


@both_ways
def test_a_server_that_hangs_up_is_told(home: Path, plain: bool) -> None:
    """
    What answers there speaks another language.
    """
    with StandIn(lambda _: b"220 mail ready\r\n") as mail, pytest.raises(StoreUnreachable):
        open_at(mail.url, home, plain=plain)


@both_ways
def test_a_host_nobody_knows_is_told(home: Path, plain: bool) -> None:
    """
    A mistyped name is not a stopped server.
    """
    with pytest.raises(StoreUnreachable, match="not known"):
        open_at("redis://no-such-host.invalid/0", home, plain=plain)


def test_a_socket_that_is_not_there_is_told(home: Path) -> None:
    """
    Unix sockets go over redis-py, with the same words.
    """
    with pytest.raises(StoreUnreachable, match="there is no such socket"):
        open_at(f"unix://{home}/redis.sock", home)


def test_a_unix_socket_serves(home: Path, fresh_redis: StartRedis) -> None:
    """
    A server may be reached by its socket; the path says where.
    """
    server = fresh_redis(unixsocket=f"{home}/r.sock")
    store = open_at(f"unix://{home}/r.sock", home)
    (job_id,) = submit_named(store, "a")

    assert f"{home}/r.sock/0" == store.where
    assert job_id == store.get(job_id).id
    assert server.port
    store.close()


@both_ways
def test_a_frozen_server_holds_nobody_up(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    A command has one second; when the server goes on, so does the store.
    """
    server = fresh_redis()
    store = open_at(server.url, home, plain=plain)
    server.freeze()
    with pytest.raises(StoreUnreachable, match="did not answer"):
        store.counts()
    server.thaw()

    assert {} == dict(store.counts())
    store.close()


def test_redis_unreachable_everything_is_there_after_a_crash(home: Path, fresh_redis: StartRedis) -> None:
    """
    With an append-only file a killed server comes back with every job, and the attempt under way goes on.
    """
    server = fresh_redis(appendfsync="always")
    store = open_at(server.url, home)
    watching = open_at(server.url, home)
    running, waiting = submit_named(store, "running waiting")
    lease = claim(store).lease
    before = store.page(Query()), store.events("0"), store.last("ada")
    assert before[0] == watching.page(Query())
    server.kill()
    with pytest.raises(StoreUnreachable):
        store.counts()
    server.start()

    assert before == (store.page(Query()), store.events("0"), store.last("ada"))
    assert before[0] == watching.page(Query())
    assert store.renew([lease])[0].alive
    store.finish(lease, outcome())
    assert (JobState.DONE, 1) == (store.get(running).state, store.get(running).attempt)
    assert JobState.QUEUED is store.get(waiting).state
    store.close()
    watching.close()


@pytest.mark.parametrize("away_s", [60, 3.5])
def test_workers_get_a_lease_to_come_back_after_an_outage(
    home: Path, fresh_redis: StartRedis, away_s: float
) -> None:
    """
    When nobody ticked for longer than a late tick is late, the store was away, not every worker: none of them
    is lost yet.
    """
    server = fresh_redis()
    store = open_at(server.url, home)
    submit_named(store, "a")
    store.tick(beat())
    lease = claim(store).lease
    with server.client() as client:
        # What the outage looks like afterwards.
        client.hincrby("nox:meta", "pulse", -int(away_s * 1_000))
        client.zincrby("nox:leases", -60_000, lease.job_id)

    tick = store.tick(beat("node09-1-ff"))
    assert ((), True) == (tick.reaped, (tick.next_event_s or 0) > 5.0)
    assert store.renew([lease])[0].alive
    store.close()


def test_late_ticks_save_no_dead_worker_for_ever(home: Path, fresh_redis: StartRedis) -> None:
    """
    Where every tick is late, as on an overloaded machine, a dead worker's job is taken up all the same.
    """
    server = fresh_redis()
    store = open_at(server.url, home)
    (job_id,) = submit_named(store, "a")
    store.tick(beat())
    claim(store)
    reaped: list[str] = []
    ticks = 0
    with server.client() as client:
        while not reaped:  # what 3.5 s between ticks look like
            client.hincrby("nox:meta", "pulse", -3_500)
            client.hincrby("nox:meta", "grace", -3_500)
            client.zincrby("nox:leases", -3_500, job_id)
            reaped += store.tick(beat("node09-1-ff")).reaped
            ticks += 1

    assert ([job_id], True) == (reaped, ticks <= 4)
    store.close()


def test_a_clock_put_back_prolongs_no_grace(home: Path, fresh_redis: StartRedis) -> None:
    """
    The clock goes back an hour while everybody has a lease to come back: a dead worker's job is taken up when
    that is over by the new time.
    """
    server = fresh_redis()
    store = open_at(server.url, home)
    (job_id,) = submit_named(store, "a")
    store.tick(beat())
    claim(store)
    with server.client() as client:
        hour_ms = 3_600_000
        client.hset("nox:meta", "grace", client.time()[0] * 1_000 + hour_ms)  # what it looks like afterwards
        client.hincrby("nox:meta", "pulse", hour_ms)
        client.zincrby("nox:leases", hour_ms, job_id)
    other = beat("node09-1-ff")

    assert (store.tick(other).next_event_s or 0) <= LEASE_S
    wait_until(lambda: job_id in store.tick(other).reaped, 3 * LEASE_S, "the job taken back")
    store.close()


def test_a_submit_that_is_cut_says_what_is_stored(home: Path, redis_url: str) -> None:
    """
    A late step is refused: the steps sent before it are heard and named, and the same call stores the rest.
    """
    store = open_at(redis_url, home)
    jobs = [new_job() for _ in range(850)]
    jobs[700] = new_job(owner="a\x1fb")
    with pytest.raises(SubmitCut) as caught:
        store.submit(jobs, submission="one")

    assert tuple(job.id for job in jobs[:600]) == caught.value.stored
    assert {JobState.QUEUED: 600} == dict(store.counts())
    jobs[700] = new_job(id=jobs[700].id)
    existing = [word.existing for word in store.submit(jobs, submission="one")]
    assert [True] * 600 + [False] * 250 == existing
    assert [job.id for job in jobs] == store.last("ada")
    store.close()

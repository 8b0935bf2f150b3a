"""A Redis that is full, forgetful or evicting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import ADA, WORKER, artifact, beat, claim, new_job, outcome, submit, submit_named
from workers.errors import StoreFull
from workers.job import JobState, Progress
from workers.store.pools import AutoscalerLease, Pause, PoolDefinition
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis


def test_a_full_redis_takes_no_jobs_and_lets_those_that_run_end(home: Path, fresh_redis: StartRedis) -> None:
    """
    At maxmemory a submit is refused; running jobs go on, end with their results, or are given back.
    """
    server = fresh_redis(maxmemory_policy="noeviction")
    store = RedisStore.open(StoreSettings(server.url, "nox:", home))
    ended, returned, waiting = submit_named(store, "ended returned waiting")
    first, second = claim(store).lease, claim(store).lease
    with server.client() as client:
        client.config_set("maxmemory", "1mb")

        with pytest.raises(StoreFull, match="is full: its maxmemory is reached"):
            submit(store, new_job("more"))
        store.progress(first, Progress(step=1))
        assert [True, True] == [renewal.alive for renewal in store.renew([first, second])]
        assert () == store.tick(beat()).reaped
        store.finish(first, outcome(artifacts=(artifact("opt.xyz"),)))
        store.give_back(second, "drained")
        assert [JobState.CANCELLED] == [c.after for c in store.cancel([waiting], owner=None)]

        assert {JobState.DONE: 1, JobState.QUEUED: 1, JobState.CANCELLED: 1} == dict(store.counts())
        assert artifact("opt.xyz") == store.artifact(ended, "opt.xyz")
        assert JobState.QUEUED is store.get(returned).state
        client.config_set("maxmemory", "0")
    submit(store, new_job("more"))
    store.close()


def test_a_full_redis_takes_no_pools_and_keeps_those_there_are(home: Path, fresh_redis: StartRedis) -> None:
    """
    Its workers are needed to empty it: allocations are requested, join and end; pools are paused and removed.
    """
    server = fresh_redis(maxmemory_policy="noeviction")
    store = RedisStore.open(StoreSettings(server.url, "nox:", home))
    pools, token = store.pools, "0123456789abcdef"
    small = PoolDefinition(1, 2**30, 3_600)
    pools.define(ADA, "cpu", small, "0" * 64)
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        with pytest.raises(StoreFull, match="is full: its maxmemory is reached"):
            pools.define(ADA, "more", small, "0" * 64)
        lease = pools.acquire(ADA, "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        new: dict[str, object] = {"state": "pending", "cores": 1, "memory_bytes": 2**30, "time_s": 3_600}
        pools.record(lease, "cpu", {"wish": 1}, [(token, new | {"intended_ms": 1})])
        assert pools.join(token, WORKER)
        pools.part(token, WORKER, 1)
        pools.release(lease)
        assert [1] == [one.jobs for one in pools.allocations()]
        assert pools.pause(ADA, "cpu", Pause.USER)
        assert pools.resume(ADA, "cpu", "0" * 64)
        assert pools.demand(ADA).shapes == ()
        assert pools.remove(ADA, "cpu")
    store.close()


@pytest.mark.parametrize(
    ("options", "durable"),
    [
        ({"appendfsync": "always"}, "everything that was answered"),
        ({"appendfsync": "everysec"}, "everything but the last second"),
        ({"appendfsync": "no"}, "what the system has written by then"),
        ({"appendonly": "no", "save": "3600 1"}, "what the last snapshot holds"),
    ],
)
def test_health_says_what_survives_a_power_cut(
    home: Path, fresh_redis: StartRedis, options: dict[str, str], durable: str
) -> None:
    """
    The promise is the server's configuration in words; nothing to warn of.
    """
    store = RedisStore.open(StoreSettings(fresh_redis(**options).url, "nox:", home))
    health = store.health()
    store.close()

    assert health.durable.startswith(durable)
    assert () == health.warnings
    assert health.version.split()[0] in {"redis", "valkey"}


def test_health_warns_of_what_would_lose_jobs(home: Path, fresh_redis: StartRedis) -> None:
    """
    No persistence, and a policy that throws jobs away.
    """
    server = fresh_redis(appendonly="no", maxmemory_policy="allkeys-lru")
    store = RedisStore.open(StoreSettings(server.url, "nox:", home))
    health = store.health()
    store.close()

    assert (
        "this redis keeps jobs in memory only",
        "maxmemory-policy allkeys-lru would lose jobs; set noeviction",
    ) == health.warnings

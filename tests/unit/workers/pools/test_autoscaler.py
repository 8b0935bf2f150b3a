"""The autoscaler over a real Redis, and a batch system that answers as ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, GIB, new_job, submit
from workers.batch.system import BatchJob, BatchJobs, BatchState
from workers.pools.autoscaler import Autoscaler, OwnPool
from workers.store.pools import AllocationEnd, AllocationState, AutoscalerLease, Budget, PoolDefinition

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import redis

    from workers.store.base import Store
    from workers.store.pools import PoolStore
    from workers.store.redis.store import RedisStore

SMALL = PoolDefinition(cores=4, memory_bytes=8 * GIB, time_s=3_600)
OWN = OwnPool("small", SMALL, "0" * 64, (), lambda token: token, lambda token: f"/nowhere/{token}")


@pytest.fixture
def store(redis_store: RedisStore) -> Store:
    """A store in Redis."""
    return redis_store


@pytest.fixture
def server(redis_client: redis.Redis) -> redis.Redis:
    """The same Redis, for other programs."""
    return redis_client


@pytest.fixture
def pools(store: Store) -> PoolStore:
    """Its pools: one is defined."""
    assert store.pools is not None
    store.pools.define(ADA, "small", SMALL, "0" * 64)
    return store.pools


class Listing:
    """A batch system that lists what it was given, and notes what it is to cancel."""

    name = "listing 1"

    def __init__(self, *jobs: BatchJob, doubles: tuple[BatchJob, ...] = ()) -> None:
        self.answer = BatchJobs({job.name: job for job in jobs}, is_complete=True, doubles=doubles)
        self.accounts: dict[str, BatchJob] = {}  # of jobs that are no longer listed
        self.cancelled: list[BatchJob] = []
        self.asked: list[Collection[str]] = []

    def submit(self, script: str, words: Sequence[str], name: str) -> str:
        """Expect no request."""
        raise AssertionError(f"requested: {name} {words} {script}")

    def look(self, names: Collection[str] = ()) -> BatchJobs:
        """List the jobs, and those of the accounts that are asked for."""
        self.asked.append(names)
        accounted = {name: job for name, job in self.accounts.items() if name in names}
        return self.answer._replace(by_name=accounted | dict(self.answer.by_name))

    def cancel_pending(self, jobs: Sequence[BatchJob]) -> None:
        """Note the jobs."""
        self.cancelled += jobs

    def test(self, script: str, words: Sequence[str]) -> str:
        """Expect no test."""
        raise AssertionError(f"tested: {words} {script}")


def test_autoscaler_cancels_what_the_batch_system_took_twice(store: Store, pools: PoolStore) -> None:
    """
    One of each name stays; a double that runs is left alone, and so is one of another store.
    """
    name = f"nox.small.{pools.mark}000000000001"
    running, pending = (
        BatchJob(number, name, state)
        for number, state in (("2", BatchState.RUNNING), ("3", BatchState.PENDING))
    )
    foreign = BatchJob("4", "nox.small.zzzz000000000001", BatchState.PENDING)
    system = Listing(BatchJob("1", name, BatchState.RUNNING), doubles=(running, pending, foreign))

    Autoscaler(store, pools, system, ADA, lambda: [OWN]).look()

    assert system.cancelled == [pending]
    assert [("1", AllocationState.RUNNING)] == [(one.number, one.state) for one in pools.allocations(ADA)]


def test_autoscaler_adopts_only_batch_jobs_of_its_store_and_pools(store: Store, pools: PoolStore) -> None:
    """
    A name of another form, pool or store belongs to somebody else, whatever it begins with.
    """
    names = (
        f"nox.small.{pools.mark}000000000001",
        f"nox.large.{pools.mark}000000000002",
        "nox.small.zzzz000000000003",
        f"nox.small.{pools.mark}00000000000",
    )
    jobs = [BatchJob(str(index), name, BatchState.PENDING) for index, name in enumerate(names)]

    Autoscaler(store, pools, Listing(*jobs), ADA, lambda: [OWN]).look()

    assert [names[0]] == [one.name for one in pools.allocations(ADA)]


def test_autoscaler_replaces_pending_allocations_that_became_too_small(
    store: Store, pools: PoolStore, server: redis.Redis
) -> None:
    """
    A job needs the size that the pool has now; after two minutes the allocation of the old one is cancelled.
    """
    name = f"nox.small.{pools.mark}000000000001"
    system = Listing(BatchJob("1", name, BatchState.PENDING))
    Autoscaler(store, pools, system, ADA, lambda: [OWN]).look()
    larger = SMALL._replace(cores=8, pending=1)
    pools.define(ADA, "small", larger, "0" * 64)
    submit(store, new_job("wide", cores=8))
    autoscaler = Autoscaler(store, pools, system, ADA, lambda: [OWN._replace(definition=larger)])
    first = autoscaler.look().decisions[0]
    server.hset(f"nox:pool:{ADA}\x1fsmall", "surplus_ms", first.pool.set_ms - 120_000)

    assert (1, 1, ()) == (first.wanted, first.surplus, first.cancel)
    assert not system.cancelled
    autoscaler.look()
    assert ["1"] == [job.number for job in system.cancelled]


def test_autoscaler_finds_the_end_of_a_request_that_arrived_late(store: Store, pools: PoolStore) -> None:
    """
    More than two minutes after it was sent: it was taken for one that never arrived, and ends unseen.
    """
    token = f"{pools.mark}000000000001"
    lease = pools.acquire(ADA, "login1-1-aaaaaaaa")
    assert isinstance(lease, AutoscalerLease)
    size = {"cores": 4, "memory_bytes": 8 * GIB, "time_s": 3_600}
    sent_ms = lease.now_ms - 121_000
    pools.record(
        lease, "small", {}, [(token, {"state": AllocationState.INTENDED, "intended_ms": sent_ms, **size})]
    )
    pools.release(lease)
    system = Listing()
    autoscaler = Autoscaler(store, pools, system, ADA, lambda: [OWN])
    (dropped,) = autoscaler.look().ended
    job = BatchJob("1", dropped.name, BatchState.COMPLETED, starts_ms=sent_ms, ended_ms=sent_ms + 100_000)
    system.accounts[job.name] = job
    pools.define(ADA, "large", SMALL, "0" * 64)  # a new pool, for which the batch system is asked

    look = Autoscaler(store, pools, system, ADA, lambda: [OWN, OWN._replace(name="large")]).look()

    (found,) = look.ended
    assert (dropped.number, dropped.ended_as) == ("", AllocationEnd.DROPPED)
    assert (found.number, found.ended_as) == ("1", AllocationEnd.COMPLETED)
    assert [found] == pools.allocations(ADA, ended=True)
    assert [[], [400]] == [list(pool.spent.values()) for pool in pools.pools(ADA)]


def test_autoscaler_asks_for_a_dropped_request_no_longer_than_two_hours(
    store: Store, pools: PoolStore
) -> None:
    """
    A pool with a budget needs the records of days, but of those only the late ones are in doubt.
    """
    lease = pools.acquire(ADA, "login1-1-aaaaaaaa")
    assert isinstance(lease, AutoscalerLease)
    size = {"cores": 4, "memory_bytes": 8 * GIB, "time_s": 3_600, "ended_as": AllocationEnd.DROPPED}
    tokens = {hours: f"{pools.mark}00000000000{hours}" for hours in (1, 3)}
    for hours, token in tokens.items():
        ended_ms = lease.now_ms - 3_600_000 * hours
        record = {"state": AllocationState.ENDED, "intended_ms": ended_ms - 121_000, "ended_ms": ended_ms}
        pools.record(lease, "small", {}, [(token, record | size)])
    pools.release(lease)
    limited = OWN._replace(definition=OWN.definition._replace(budget=Budget(10, 7)))
    system = Listing()

    Autoscaler(store, pools, system, ADA, lambda: [limited]).look()

    assert [[f"nox.small.{tokens[1]}"]] == system.asked


def test_autoscaler_reads_a_file_again_that_was_set_meanwhile(store: Store, pools: PoolStore) -> None:
    """
    `nox alloc set` after the file was read and before the store was: the pool is not reported as changed.
    """
    written = iter(["1" * 64, "2" * 64])

    def read() -> list[OwnPool]:
        found = OWN._replace(digest=next(written))
        pools.define(ADA, "small", SMALL, "2" * 64)
        return [found]

    look = Autoscaler(store, pools, Listing(), ADA, read).look()

    assert look.paused == ()
    assert [None] == [pool.paused for pool in pools.pools(ADA)]


@pytest.mark.parametrize("index", ["allocations", "past"])
@pytest.mark.parametrize(
    "record",
    [
        {"state": "ended", "ended_as": "completed"},
        {"state": "ended", "ended_as": "cancelled"},
        {"state": "banana"},
        {"pool": "large"},
        {"owner": "bob"},
    ],
    ids=str,
)
def test_autoscaler_counts_what_runs_whatever_the_store_has(
    store: Store, pools: PoolStore, server: redis.Redis, record: dict[Any, Any], index: str
) -> None:
    """
    Another program may change a record and the index: the limits hold for what the batch system lists.
    """
    pools.define(ADA, "large", SMALL, "0" * 64)
    token = f"{pools.mark}000000000001"
    system = Listing(BatchJob("1", f"nox.small.{token}", BatchState.RUNNING, cores=4))
    Autoscaler(store, pools, system, ADA, lambda: [OWN]).look()
    server.hset(f"nox:allocation:{token}", mapping=record)
    server.delete("nox:allocations:ada\x1fsmall")
    server.zadd(f"nox:{index}:ada\x1fsmall", {token: 1})
    server.hdel("nox:pool:ada\x1fsmall", "answered_ms")

    look = Autoscaler(store, pools, system, ADA, lambda: [OWN, OWN._replace(name="large")]).look()

    assert {"small": 1, "large": 0} == {one.pool.name: one.running for one in look.decisions}


def test_autoscaler_counts_batch_jobs_that_its_store_did_not_request(
    store: Store, pools: PoolStore, server: redis.Redis
) -> None:
    """
    A Redis that lost its data has another mark: what still waits or runs under the name of the pool counts
    for `--max`, also in looks that ask nothing, until an answer says that it has ended.
    """
    limited = SMALL._replace(most=3)
    pools.define(ADA, "small", limited, "0" * 64)
    own = OWN._replace(definition=limited)
    states = (BatchState.PENDING, BatchState.RUNNING, BatchState.RUNNING, BatchState.COMPLETED)
    other = "f" if pools.mark[0] == "0" else "0"
    names = [f"nox.small.{other}{pools.mark[1:]}{number:012}" for number in range(len(states))]
    jobs = [BatchJob(f"{n}", name, state) for n, (name, state) in enumerate(zip(names, states, strict=True))]
    submit(store, new_job("waits"))
    look = Autoscaler(store, pools, Listing(*jobs), ADA, lambda: [own]).look()
    (stored,) = pools.pools(ADA)
    unasked = Autoscaler(store, pools, Listing(), ADA, lambda: [own]).look()
    server.hset("nox:pool:ada\x1fsmall", "answered_ms", 1)
    over = Autoscaler(store, pools, Listing(), ADA, lambda: [own]).look()

    blocked = (
        "wants 1 allocation, and --max allows none now: "
        "it counts 3 batch jobs with its name that this store did not request (squeue --me)"
    )
    assert [blocked] * 2 == [one.decisions[0].why for one in (look, unasked)]
    assert 3 == stored.foreign
    assert [] == pools.allocations(ADA)
    assert "requests 1 allocation if the next look finds the same" == over.decisions[0].why


def test_autoscaler_cancels_no_allocation_of_another_store(
    store: Store, pools: PoolStore, server: redis.Redis
) -> None:
    """
    Whose name and number another program wrote into this one.
    """
    other = "f" if pools.mark[0] == "0" else "0"
    own, foreign = f"{pools.mark}000000000001", f"{other}{pools.mark[1:]}000000000001"
    jobs = [
        BatchJob(number, f"nox.small.{token}", BatchState.PENDING)
        for number, token in (("1", own), ("2", foreign))
    ]
    system = Listing(*jobs)
    Autoscaler(store, pools, system, ADA, lambda: [OWN]).look()
    server.copy(f"nox:allocation:{own}", f"nox:allocation:{foreign}")
    server.zadd("nox:allocations:ada\x1fsmall", {foreign: 1})
    server.hset("nox:pool:ada\x1fsmall", "surplus_ms", "1")

    Autoscaler(store, pools, system, ADA, lambda: [OWN]).look()

    assert [jobs[0].name] == [job.name for job in system.cancelled]


def test_autoscaler_believes_no_spent_core_time_below_that_of_the_records(
    store: Store, pools: PoolStore, server: redis.Redis
) -> None:
    """
    Another program may change the sum, which counts against the budget: a look puts it right.
    """
    limited = SMALL._replace(budget=Budget(8 * 3_600, days=7))
    pools.define(ADA, "small", limited, "0" * 64)
    name, day_ms = f"nox.small.{pools.mark}000000000001", 86_400_000
    now_ms = pools.demand(ADA).now_ms
    running = BatchJob("1", name, BatchState.RUNNING, starts_ms=now_ms - day_ms - 3_600_000, cores=4)
    ended = running._replace(state=BatchState.COMPLETED, ended_ms=now_ms - day_ms)
    own = OWN._replace(definition=limited)
    Autoscaler(store, pools, Listing(running), ADA, lambda: [own]).look()
    server.hdel("nox:pool:ada\x1fsmall", "answered_ms")
    Autoscaler(store, pools, Listing(ended), ADA, lambda: [own]).look()
    (before,) = pools.pools(ADA)
    server.hset("nox:pool:ada\x1fsmall", "spent", "{}")
    server.hdel("nox:pool:ada\x1fsmall", "answered_ms")

    look = Autoscaler(store, pools, Listing(), ADA, lambda: [own]).look()

    assert [4 * 3_600] == list(before.spent.values())
    assert before.spent == pools.pools(ADA)[0].spent
    assert 1 == look.decisions[0].limits["--budget"]


def test_autoscaler_plan_writes_nothing(store: Store, pools: PoolStore) -> None:
    """
    The dry run adopts, records and cancels nothing.
    """
    name = f"nox.small.{pools.mark}000000000001"
    system = Listing(
        BatchJob("1", name, BatchState.PENDING), doubles=(BatchJob("2", name, BatchState.PENDING),)
    )
    before = pools.pools(ADA)

    look = Autoscaler(store, pools, system, ADA, lambda: [OWN]).plan()

    assert [one.pending for one in look.decisions] == [1]
    assert pools.allocations(ADA) == []
    assert pools.pools(ADA) == before
    assert system.cancelled == []

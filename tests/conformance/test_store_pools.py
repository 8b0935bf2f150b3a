"""The store's contract: pools of allocations, the lease of their autoscaler, and what its workers report."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.support.stores import (
    ADA,
    BOB,
    GIB,
    WORKER,
    beat,
    claim,
    claimant,
    new_job,
    submit,
    submit_named,
)
from tests.support.waiting import wait_until
from workers.errors import InputRefused, LeaseLost
from workers.job import Condition, Parent
from workers.store import pools as contract
from workers.store.pools import (
    MAX_TEXT,
    Allocation,
    AllocationEnd,
    AllocationState,
    AutoscalerLease,
    Budget,
    Pause,
    Pool,
    PoolDefinition,
    ReadyShape,
    RunningJob,
)
from workers.store.redis.records import event_of
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.pools import PoolStore

SMALL = PoolDefinition(4, 8 * GIB, 3_600)
LARGE = PoolDefinition(64, 256 * GIB, 86_400, 3, 1, Budget(500 * 3_600, 7), 60, frozenset({"xtb", "echo"}))
DIGEST, OTHER_DIGEST = "0" * 64, "1" * 64
HOLDER, OTHER_HOLDER = "login1-17-aaaaaaaa", "login2-18-bbbbbbbb"
TOKEN, OTHER_TOKEN = "0123456789abcdef", "0123aaaaaaaaaaaa"
INTENDED: dict[str, Any] = {
    "state": AllocationState.INTENDED,
    "cores": 4,
    "memory_bytes": 8 * GIB,
    "time_s": 3_600,
    "intended_ms": 1_000,
}
ENDED: dict[str, Any] = {
    "state": AllocationState.ENDED,
    "ended_ms": 9_000,
    "ended_as": AllocationEnd.COMPLETED,
}


@pytest.fixture
def settings(redis_url: str, home: Path) -> StoreSettings:
    """Where an empty Redis is."""
    return StoreSettings(redis_url=redis_url, prefix="nox:", home=home)


@pytest.fixture
def pools(store: Store) -> PoolStore:
    """The pools of an empty Redis, none yet."""
    assert store.pools is not None
    return store.pools


@pytest.fixture
def elsewhere(another: Store) -> PoolStore:
    """The same, as another process has them."""
    assert another.pools is not None
    return another.pools


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    """The Redis itself, for what other programs do to it."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def lease_of(
    pools: PoolStore, holder: str = HOLDER, owner: str = ADA, *, replaces: str = ""
) -> AutoscalerLease:
    """Take a lease that is free."""
    lease = pools.acquire(owner, holder, replaces=replaces)
    assert isinstance(lease, AutoscalerLease)
    return lease


def defined(pools: PoolStore, name: str = "cpu", owner: str = ADA) -> AutoscalerLease:
    """Define a pool and take the lease of its owner's autoscaler."""
    pools.define(owner, name, SMALL, DIGEST)
    return lease_of(pools, owner=owner)


def intend(
    pools: PoolStore, lease: AutoscalerLease, token: str = TOKEN, pool: str = "cpu", **changes: object
) -> None:
    """Record a new allocation."""
    pools.record(lease, pool, {}, [(token, INTENDED | changes)])


def only_pool(pools: PoolStore) -> Pool:
    """Read the one pool that there is."""
    (pool,) = pools.pools()
    return pool


def only_allocation(pools: PoolStore) -> Allocation:
    """Read the one allocation that there is."""
    (allocation,) = pools.allocations(ended=True)
    return allocation


# -- definitions -------------------------------------------------------------------------------------


def test_a_pool_is_listed_as_it_was_defined(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    Every process sees definition and hash, by owner and name, of one owner or all.
    """
    pools.define(BOB, "cpu", SMALL, DIGEST)
    pools.define(ADA, "fat", LARGE, OTHER_DIGEST)
    pools.define(ADA, "cpu", SMALL, DIGEST)

    assert [(ADA, "cpu"), (ADA, "fat"), (BOB, "cpu")] == [(one.owner, one.name) for one in elsewhere.pools()]
    cpu, fat = elsewhere.pools(ADA)
    assert Pool(ADA, "cpu", SMALL, DIGEST, cpu.set_ms) == cpu
    assert Pool(ADA, "fat", LARGE, OTHER_DIGEST, fat.set_ms) == fat
    assert cpu.set_ms > 1_600_000_000_000
    assert [] == elsewhere.pools("nobody")


def test_owners_whose_names_begin_alike_have_pools_of_their_own(pools: PoolStore) -> None:
    """
    The pools of `ada` are not those of `ada ` or `ada lovelace`.
    """
    for owner in (ADA, "ada ", "ada lovelace", "ad"):
        pools.define(owner, "cpu", SMALL, DIGEST)

    assert [ADA] == [one.owner for one in pools.pools(ADA)]
    assert 4 == len(pools.pools())


@pytest.mark.parametrize("name", ["", "-a", "a.b", "a b", "a\x1fb", "é", "a" * 33])
def test_a_name_that_no_batch_job_can_have_is_refused(pools: PoolStore, name: str) -> None:
    """
    Nothing is stored.
    """
    with pytest.raises(InputRefused, match="is no name for a pool"):
        pools.define(ADA, name, SMALL, DIGEST)

    assert [] == pools.pools()


def test_pools_are_limited_in_number(pools: PoolStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The last that fits is stored, the next is refused; one that exists can be changed, and others have theirs.
    """
    assert 100 == contract.MAX_POOLS
    monkeypatch.setattr(contract, "MAX_POOLS", 2)
    for name in ("a", "b"):
        pools.define(ADA, name, SMALL, DIGEST)
    with pytest.raises(InputRefused, match="ada has 2 pools, which is the most"):
        pools.define(ADA, "c", SMALL, DIGEST)
    pools.define(ADA, "a", LARGE, DIGEST)
    pools.define(BOB, "c", SMALL, DIGEST)

    assert [("a", LARGE), ("b", SMALL), ("c", SMALL)] == [(one.name, one.definition) for one in pools.pools()]


STRUCK: dict[str, object] = {
    "paused": Pause.STRIKES,
    "why": "no such file",
    "strikes": 3,
    "refusals": 2,
    "refusal": "unknown partition",
    "next_ms": 5_000,
}


@pytest.mark.parametrize("way", ["define", "resume"])
def test_a_pool_that_is_set_or_resumed_requests_again(pools: PoolStore, way: str) -> None:
    """
    Its pause, strikes, refusals and wait are gone, its hash is the new one, what it has spent stays.
    """
    lease = defined(pools)
    pools.record(lease, "cpu", STRUCK | {"spent": {"2026-11-30": 7}})
    assert (Pause.STRIKES, 3, 2, 5_000) == (
        only_pool(pools).paused,
        only_pool(pools).strikes,
        only_pool(pools).refusals,
        only_pool(pools).next_ms,
    )
    if way == "define":
        pools.define(ADA, "cpu", SMALL, OTHER_DIGEST)
    else:
        assert pools.resume(ADA, "cpu", OTHER_DIGEST)

    found = only_pool(pools)
    assert Pool(ADA, "cpu", SMALL, OTHER_DIGEST, found.set_ms, spent={"2026-11-30": 7}) == found


def test_a_pool_that_its_user_paused_stays_so(pools: PoolStore) -> None:
    """
    A new definition and the autoscaler leave it paused, and only `resume` lets it request.
    """
    defined(pools)
    assert pools.pause(ADA, "cpu", Pause.USER, "for the weekend")
    assert pools.pause(ADA, "cpu", Pause.CHANGED)
    pools.define(ADA, "cpu", LARGE, DIGEST)
    pools.record(lease_of(pools), "cpu", STRUCK | {"wish": 2})
    found = only_pool(pools)
    assert (Pause.USER, "for the weekend") == (found.paused, found.why)
    assert (LARGE, 2) == (found.definition, found.wish)

    assert pools.resume(ADA, "cpu", DIGEST)
    assert only_pool(pools).paused is None


def test_a_pool_that_does_not_exist_is_not_changed(pools: PoolStore) -> None:
    """
    Pause, resume and remove say so, and leave nothing behind.
    """
    assert not pools.pause(ADA, "cpu", Pause.USER)
    assert not pools.resume(ADA, "cpu", DIGEST)
    assert not pools.remove(ADA, "cpu")
    assert [] == pools.pools()


def test_a_removed_pool_is_gone_with_its_allocations(
    pools: PoolStore, elsewhere: PoolStore, server: redis.Redis
) -> None:
    """
    Those of others stay, and a pool of the same name begins anew.
    """
    lease = defined(pools)
    pools.define(ADA, "fat", LARGE, DIGEST)
    intend(pools, lease)
    intend(pools, lease, "0123000000000001", **ENDED)
    intend(pools, lease, OTHER_TOKEN, "fat")
    assert elsewhere.remove(ADA, "cpu")

    assert "fat" == only_pool(pools).name
    assert OTHER_TOKEN == only_allocation(pools).token
    assert {f"nox:allocation:{OTHER_TOKEN}"} == set(server.keys("nox:allocation:*"))
    pools.define(ADA, "cpu", SMALL, DIGEST)
    assert [] == pools.allocations(pool="cpu", ended=True)


# -- the lease of an autoscaler ----------------------------------------------------------------------


def test_one_autoscaler_of_an_owner_has_the_lease(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    Another one is told who has it; those of other owners have their own; once it is released, it is free.
    """
    lease = lease_of(pools)
    assert HOLDER == elsewhere.acquire(ADA, OTHER_HOLDER)
    assert HOLDER == elsewhere.acquire(ADA, OTHER_HOLDER, replaces="login3-1-cccccccc")
    lease_of(elsewhere, OTHER_HOLDER, BOB)
    pools.release(lease)

    assert lease_of(elsewhere, OTHER_HOLDER).fence > lease.fence
    assert abs(lease.now_ms - lease_of(elsewhere, OTHER_HOLDER).now_ms) < 60_000


def test_two_autoscalers_that_begin_at_once_get_one_lease(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    Time after time exactly one of them has it.
    """
    with ThreadPoolExecutor(2) as threads:
        for _ in range(100):
            ours, theirs = threads.map(
                lambda one: one[0].acquire(ADA, one[1]), [(pools, HOLDER), (elsewhere, OTHER_HOLDER)]
            )
            leases = [one for one in (ours, theirs) if isinstance(one, AutoscalerLease)]
            assert 1 == len(leases)
            assert leases[0].holder in {ours, theirs}
            pools.release(leases[0])


def test_the_same_holder_gets_its_lease_again(pools: PoolStore) -> None:
    """
    It has a new fence, so that its former lease no longer changes anything.
    """
    first = defined(pools)
    again = lease_of(pools)

    assert again.fence > first.fence
    with pytest.raises(LeaseLost):
        pools.record(first, "cpu", {"wish": 1})
    pools.release(first)
    pools.record(again, "cpu", {"wish": 2})
    assert 2 == only_pool(pools).wish


def test_a_dead_holder_is_replaced_at_once(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    What it would still write changes nothing: no pool, no allocation.
    """
    dead = defined(pools)
    lease_of(elsewhere, OTHER_HOLDER, replaces=HOLDER)
    with pytest.raises(LeaseLost, match="no longer change pool cpu of ada"):
        pools.record(dead, "cpu", {"wish": 1}, [(TOKEN, INTENDED)])

    assert 0 == only_pool(pools).wish
    assert [] == pools.allocations()
    pools.release(dead)
    assert OTHER_HOLDER == pools.acquire(ADA, HOLDER)


def test_a_lease_runs_out(pools: PoolStore, elsewhere: PoolStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Afterwards its holder changes nothing, even if nobody else has it, and another one gets it.
    """
    assert contract.AUTOSCALER_LEASE_S == 60.0
    monkeypatch.setattr(contract, "AUTOSCALER_LEASE_S", 0.2)
    lease = defined(pools)

    def is_lost() -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(contract, "AUTOSCALER_LEASE_S", 0.0)  # what it records prolongs nothing
            try:
                pools.record(lease, "cpu", {})
            except LeaseLost:
                return True
        return False

    wait_until(is_lost, 20, "the lease did not run out")
    with pytest.raises(LeaseLost):
        pools.record(lease, "cpu", {"wish": 1})
    assert 0 == only_pool(pools).wish
    lease_of(elsewhere, OTHER_HOLDER)


def test_a_record_prolongs_the_lease(pools: PoolStore, server: redis.Redis) -> None:
    """
    It holds for another minute from then on.
    """
    lease = defined(pools)
    server.hincrby("nox:autoscaler:ada", "until_ms", -30_000)
    before = server.hget("nox:autoscaler:ada", "until_ms")
    pools.record(lease, "cpu", {"wish": 1})

    assert int(server.hget("nox:autoscaler:ada", "until_ms") or 0) >= int(before or 0) + 30_000


def test_a_lease_of_a_clock_that_was_put_back_is_free(pools: PoolStore, server: redis.Redis) -> None:
    """
    It would end in an hour, which no lease does.
    """
    lease_of(pools)
    server.hincrby("nox:autoscaler:ada", "until_ms", 3_600_000)

    lease_of(pools, OTHER_HOLDER)


# -- records -----------------------------------------------------------------------------------------


def test_a_record_changes_what_it_names(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    Fields of the pool and of several allocations change in one step; None removes a value.
    """
    lease = defined(pools)
    looked: dict[str, Any] = {
        "strikes": 1,
        "refusals": 2,
        "refusal": "sbatch: error: é \x1b[31m \u2028",
        "next_ms": 1,
        "wish": 3,
        "wished_ms": 2,
        "surplus_ms": 3,
        "looked_ms": 4,
        "answered_ms": 5,
        "demand_jobs": 6,
        "demand_cores": 7,
        "spent": {"2026-11-30": 8, "2026-11-29": 9},
    }
    later: dict[str, Any] = {
        "state": AllocationState.PENDING,
        "number": "4711",
        "reason": "Priority",
        "starts_ms": 5_000,
        "log": "/home/ada/log",
    }
    pools.record(lease, "cpu", looked, [(TOKEN, INTENDED), (OTHER_TOKEN, INTENDED | {"intended_ms": 500})])
    found = only_pool(elsewhere)
    assert Pool(ADA, "cpu", SMALL, DIGEST, found.set_ms, **looked) == found
    new = Allocation(TOKEN, ADA, "cpu", AllocationState.INTENDED, 4, 8 * GIB, 3_600, 1_000)
    assert [new._replace(token=OTHER_TOKEN, intended_ms=500), new] == elsewhere.allocations()

    pools.record(lease, "cpu", {"wished_ms": None, "wish": 0}, [(TOKEN, later), (OTHER_TOKEN, {"log": "x"})])
    assert found._replace(wished_ms=None, wish=0) == only_pool(elsewhere)
    assert [new._replace(token=OTHER_TOKEN, intended_ms=500, log="x"), new._replace(**later)] == (
        elsewhere.allocations()
    )
    pools.record(lease, "cpu", {}, [(TOKEN, {"starts_ms": None, "reason": ""})])
    assert new._replace(**later | {"starts_ms": None, "reason": ""}) == elsewhere.allocations()[1]


def test_a_long_text_is_cut(pools: PoolStore) -> None:
    """
    A log of megabytes does not make a pool unreadable.
    """
    lease = defined(pools)
    pools.record(lease, "cpu", {"why": "é" * 1_000_000, "refusal": "\udcff"})

    assert "é" * MAX_TEXT == only_pool(pools).why
    assert "?" == only_pool(pools).refusal


@pytest.mark.parametrize("field", ["definition", "digest", "set_ms", "resumed", "owner_"])
def test_an_autoscaler_changes_no_field_of_the_user(pools: PoolStore, field: str) -> None:
    """
    That is a mistake in a program, and changes nothing.
    """
    lease = defined(pools)
    with pytest.raises(ValueError, match=field):
        pools.record(lease, "cpu", {field: 1, "wish": 1})
    with pytest.raises(ValueError, match="joined_ms"):
        pools.record(lease, "cpu", {}, [(TOKEN, INTENDED | {"joined_ms": 1})])
    assert 0 == only_pool(pools).wish


def test_allocations_that_are_not_whole_or_not_of_the_pool_are_ignored(
    pools: PoolStore, server: redis.Redis
) -> None:
    """
    Part of a new one is not stored, nor a change of another pool's; a name that is no token is a mistake.
    """
    lease = defined(pools)
    pools.define(ADA, "fat", LARGE, DIGEST)
    intend(pools, lease)
    pools.record(lease, "fat", {}, [(TOKEN, {"number": "1"}), (OTHER_TOKEN, {"state": "pending"})])
    with pytest.raises(ValueError, match="a token that is none"):
        intend(pools, lease, "../../etc/passwd")

    assert "" == only_allocation(pools).number
    assert not server.exists(f"nox:allocation:{OTHER_TOKEN}")


def test_a_pool_that_was_removed_meanwhile_stays_so(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    What its autoscaler records changes nothing: no pool, no allocation, no key.
    """
    lease = defined(pools)
    intend(pools, lease)
    elsewhere.remove(ADA, "cpu")
    with pytest.raises(LeaseLost):
        pools.record(lease, "cpu", {"wish": 1}, [(TOKEN, {"number": "1"}), (OTHER_TOKEN, INTENDED)])

    assert [] == pools.pools()
    assert [] == pools.allocations(ended=True)
    pools.define(ADA, "cpu", SMALL, DIGEST)
    pools.record(lease, "cpu", {}, [(TOKEN, {"number": "1"})])
    assert [] == pools.allocations(ended=True)


def test_a_resume_during_a_look_stays(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    The autoscaler has read the pool before, and pauses it only in its next look.
    """
    lease = defined(pools)
    lease = lease_of(pools)
    assert elsewhere.resume(ADA, "cpu", OTHER_DIGEST)
    pools.record(lease, "cpu", STRUCK | {"wish": 4})
    found = only_pool(pools)
    assert Pool(ADA, "cpu", SMALL, OTHER_DIGEST, found.set_ms, wish=4) == found

    pools.record(lease_of(pools), "cpu", STRUCK)
    assert Pause.STRIKES == only_pool(pools).paused


# -- ends --------------------------------------------------------------------------------------------


def test_ended_allocations_are_listed_on_request(pools: PoolStore, server: redis.Redis) -> None:
    """
    Each list is of one owner or all, of one pool or all, and of ends since a time, the oldest first.
    """
    lease = defined(pools)
    pools.define(ADA, "fat", LARGE, DIGEST)
    for number, pool in enumerate(("cpu", "fat", "cpu", "fat")):
        changes: dict[str, Any] = ENDED if number < 2 else {}
        intend(pools, lease, f"012300000000000{number}", pool, intended_ms=9_000 - number, **changes)
    intend(pools, defined(pools, owner=BOB), OTHER_TOKEN)
    server.zadd(f"nox:past:{ADA}\x1ffat", {"0123000000000001": 3_000_000_000_000})

    def listed(*args: Any, **filters: Any) -> str:
        return " ".join(one.token[-1] for one in pools.allocations(*args, **filters))

    assert "a 3 2" == listed()
    assert "3 2" == listed(ADA)
    assert "3 2 1 0" == listed(ADA, ended=True)
    assert "2 0" == listed(ADA, pool="cpu", ended=True)
    assert "3 2 1" == listed(ADA, ended=True, since_ms=2_000_000_000_000)
    assert "a 2" == listed(pool="cpu")
    assert "" == listed("nobody")
    last = pools.allocations(ADA, ended=True)[-1]
    assert ENDED == {name: getattr(last, name) for name in ENDED}
    assert not last.is_live


def test_allocations_are_found_by_token(pools: PoolStore) -> None:
    """
    In any state, those of the owner only; what is no token finds nothing.
    """
    lease = defined(pools)
    intend(pools, lease)
    intend(pools, lease, "0123000000000001", **ENDED)
    intend(pools, defined(pools, owner=BOB), OTHER_TOKEN)

    found = pools.named(ADA, [OTHER_TOKEN, "0123000000000001", "0" * 16, "x", TOKEN])
    assert ["0123000000000001", TOKEN] == [one.token for one in found]
    assert [] == pools.named(ADA, [])


def test_tokens_of_a_store_begin_alike(
    pools: PoolStore, elsewhere: PoolStore, server: redis.Redis, settings: StoreSettings
) -> None:
    """
    All processes see the same four digits, those of other stores differ, and a damaged name gives digits too.
    A process that lives while Redis loses its data sees those of the new store.
    """
    assert pools.mark == elsewhere.mark
    marks = []
    for name in ("a", b"\xff", "x" * 300_000, "--b"):
        server.hset("nox:meta", "name", name)
        store = RedisStore.open(settings)
        marks.append(store.pools.mark)
        store.close()

    assert 4 == len(set(marks))
    assert marks[-1] == pools.mark
    assert all(re.fullmatch("[0-9a-f]{4}", mark) for mark in (pools.mark, *marks))


def test_ended_allocations_are_limited_in_number(pools: PoolStore, server: redis.Redis) -> None:
    """
    Of 1,003 of a pool the newest 1,000 are kept, and all that have not ended; another pool's do not count.
    """
    assert 1_000 == contract.MOST_ENDED
    lease = defined(pools)
    pools.define(ADA, "fat", LARGE, DIGEST)
    intend(pools, lease)
    intend(pools, lease, OTHER_TOKEN, "fat", **ENDED)
    tokens = [f"4567{number:012x}" for number in range(1_003)]
    for first in range(0, 1_003, 17):
        changes = [(token, INTENDED | ENDED) for token in tokens[first : first + 17]]
        pools.record(lease, "cpu", {}, changes)

    kept = {one.token for one in pools.allocations(ADA, pool="cpu", ended=True)}
    assert 1_001 == len(kept)
    assert TOKEN in kept
    assert 3 == len(set(tokens[:17]) - kept)
    assert 1_002 == len(server.keys("nox:allocation:*"))


def test_many_allocations_are_listed_in_several_steps(pools: PoolStore) -> None:
    """
    Of more pools than one step reads none is missing, and none is there twice.
    """
    lease = lease_of(pools)
    for number in range(5):
        pools.define(ADA, f"p{number}", SMALL, DIGEST)
        changes = [(f"{number:04x}{at:012x}", INTENDED | ENDED) for at in range(900)]
        pools.record(lease, f"p{number}", {}, changes)

    found = [one.token for one in pools.allocations(ADA, ended=True)]
    assert 4_500 == len(found) == len(set(found))
    assert 900 == len(pools.allocations(ADA, pool="p4", ended=True))


def test_an_ended_allocation_expires(
    pools: PoolStore, server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is kept for a week; the next record forgets it in the index too.
    """
    assert 7 * 86_400 == contract.KEPT_S
    lease = defined(pools)
    intend(pools, lease, **ENDED)
    assert 7 * 86_400_000 - 60_000 < server.pttl(f"nox:allocation:{TOKEN}") <= 7 * 86_400_000
    monkeypatch.setattr(contract, "KEPT_S", 0.01)
    intend(pools, lease, OTHER_TOKEN, **ENDED)
    gone = f"nox:allocation:{OTHER_TOKEN}"
    wait_until(lambda: not server.exists(gone), 20, "it did not expire")

    def is_forgotten() -> bool:
        pools.record(lease, "cpu", {})
        return not server.exists("nox:past:ada\x1fcpu")

    wait_until(is_forgotten, 20, "the index still has it")
    assert [] == pools.allocations(ended=True)


# -- workers of allocations --------------------------------------------------------------------------


def test_a_worker_that_joins_makes_its_allocation_run(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    Its id and times are there; a repetition changes nothing.
    """
    intend(pools, defined(pools), reason="Priority")
    assert elsewhere.join(TOKEN, WORKER)
    joined = only_allocation(pools)
    assert (AllocationState.RUNNING, WORKER, "") == (joined.state, joined.worker, joined.reason)
    assert joined.joined_ms == joined.started_ms
    assert (joined.joined_ms or 0) > 1_600_000_000_000
    assert elsewhere.join(TOKEN, WORKER)
    assert joined == only_allocation(pools)

    elsewhere.part(TOKEN, WORKER, 12)
    left = only_allocation(pools)
    assert joined._replace(left_ms=left.left_ms, jobs=12) == left
    assert (left.left_ms or 0) >= (joined.joined_ms or 0)


def test_a_worker_of_an_unknown_allocation_changes_nothing(pools: PoolStore, server: redis.Redis) -> None:
    """
    It is told so when it begins, and stores nothing when it ends.
    """
    defined(pools)
    before = set(server.keys("*"))

    assert not pools.join(TOKEN, WORKER)
    assert not pools.join("", WORKER)
    pools.part(TOKEN, WORKER, 1)
    assert before == set(server.keys("*"))


def test_a_worker_that_joins_during_a_look_stays(pools: PoolStore, elsewhere: PoolStore) -> None:
    """
    The autoscaler has read a pending allocation, and records its number, not its state; in its next look it
    does that too.
    """
    defined(pools)
    lease = lease_of(pools)
    intend(pools, lease)
    elsewhere.join(TOKEN, WORKER)
    joined = only_allocation(pools)
    pending = {"state": AllocationState.PENDING, "number": "4711", "started_ms": 7}
    pools.record(lease, "cpu", {}, [(TOKEN, pending)])
    assert joined._replace(number="4711") == only_allocation(pools)
    dropped = {"state": AllocationState.ENDED, "ended_as": AllocationEnd.DROPPED, "ended_ms": 1}
    pools.record(lease, "cpu", {}, [(TOKEN, dropped)])
    assert joined._replace(number="4711") == only_allocation(pools)

    pools.record(lease_of(pools), "cpu", {}, [(TOKEN, ENDED)])
    assert AllocationState.ENDED == only_allocation(pools).state
    assert WORKER == only_allocation(pools).worker


def test_an_allocation_that_was_taken_for_ended_runs_again(pools: PoolStore, server: redis.Redis) -> None:
    """
    Its worker is the proof: it counts, has no end, and does not expire.
    """
    lease = defined(pools)
    intend(pools, lease, **ENDED)
    assert [] == pools.allocations()
    assert pools.join(TOKEN, WORKER)

    (found,) = pools.allocations()
    assert (AllocationState.RUNNING, None, None) == (found.state, found.ended_ms, found.ended_as)
    assert -1 == server.ttl(f"nox:allocation:{TOKEN}")
    assert 1 == len(pools.allocations(ended=True))


def test_another_worker_of_an_allocation_takes_the_place_of_the_first(pools: PoolStore) -> None:
    """
    A batch job that was requeued starts a second one; what the first one still says is ignored.
    """
    intend(pools, defined(pools))
    pools.join(TOKEN, "first")
    pools.part(TOKEN, "first", 3)
    pools.join(TOKEN, "second")
    pools.part(TOKEN, "first", 4)

    found = only_allocation(pools)
    assert ("second", None, 0) == (found.worker, found.left_ms, found.jobs)


# -- events ------------------------------------------------------------------------------------------


def test_each_new_state_of_an_allocation_is_an_event(store: Store, pools: PoolStore) -> None:
    """
    It has owner, pool, number and the reason or the end, in order; other changes are none.
    """
    lease = defined(pools)
    intend(pools, lease)
    pending = {"state": AllocationState.PENDING, "number": "4711", "reason": "Priority"}
    for change in (pending, {"starts_ms": 1}, {"state": AllocationState.PENDING, "reason": "Resources"}):
        pools.record(lease, "cpu", {"wish": 1}, [(TOKEN, change)])
    pools.join(TOKEN, WORKER)
    pools.join(TOKEN, WORKER)
    pools.part(TOKEN, WORKER, 1)
    pools.record(lease_of(pools), "cpu", {}, [(TOKEN, ENDED)])
    found = store.events("0")

    assert () == found.items
    assert [
        ("intended", "", ""),
        ("pending", "4711", "Priority"),
        ("running", "4711", ""),
        ("ended", "4711", "completed"),
    ] == [(one.state, one.number, one.reason) for one in found.allocations]
    assert {(ADA, "cpu", TOKEN)} == {(one.owner, one.pool, one.token) for one in found.allocations}
    assert found.cursor == found.allocations[-1].cursor
    assert abs(found.allocations[0].at_ms - lease.now_ms) < 60_000


def test_events_of_allocations_change_nothing_for_those_of_jobs(store: Store, pools: PoolStore) -> None:
    """
    Each page has as many of these as it is to have, and none is left out or repeated.
    """
    lease = defined(pools)
    names = []
    for number in range(10):
        for token in range(3):
            intend(pools, lease, f"{number:08x}{token:08x}")
        names += submit_named(store, f"j{number}")
    pages, cursor = [], "0"
    while True:
        page = store.events(cursor, limit=4)
        cursor = page.cursor
        pages.append(page)
        if not (page.items or page.allocations):
            break

    assert [4, 4, 2, 0] == [len(page.items) for page in pages]
    assert names == [event.job_id for page in pages for event in page.items]
    told = [event for page in pages for event in page.allocations]
    assert 30 == len(told) == len({event.token for event in told})
    assert (30, 10) == (len(store.events("0").allocations), len(store.events("0").items))


def test_an_event_of_an_allocation_ends_the_wait_for_one(store: Store, elsewhere: PoolStore) -> None:
    """
    It comes long before the end of the wait.
    """
    lease = defined(elsewhere)
    cursor = store.events(None).cursor
    with ThreadPoolExecutor(1) as threads:
        found = threads.submit(store.events, cursor, wait_s=20.0)
        intend(elsewhere, lease)
        assert [TOKEN] == [one.token for one in found.result(20.0).allocations]


@pytest.mark.parametrize("field", ["l", "p", "o", "s", "m", "r"])
def test_damaged_events_of_allocations_are_left_out(store: Store, server: redis.Redis, field: str) -> None:
    """
    So are those that lack something, and an older nox leaves out all of them.
    """
    fields: dict[Any, Any] = {"l": TOKEN, "p": "cpu", "o": ADA, "s": "pending", "m": "1", "r": ""}
    server.xadd("nox:events", fields)
    server.xadd("nox:events", fields | {field: b"\xff"})
    if field in {"l", "p", "m"}:
        server.xadd("nox:events", fields | {field: "--a b"})
    server.xadd("nox:events", {name: value for name, value in fields.items() if name != field})
    found = store.events("0")

    assert [TOKEN] == [one.token for one in found.allocations]
    assert found.cursor != found.allocations[0].cursor
    flat = [word.encode() for pair in fields.items() for word in pair]
    assert event_of(b"1-1", flat) is None


# -- demand ------------------------------------------------------------------------------------------


def test_demand_is_what_waits_for_any_worker(store: Store, pools: PoolStore) -> None:
    """
    Ready jobs of the owner count by what they need; held, scheduled, blocked and reserved ones do not.
    """
    (parent,) = submit(store, new_job("a", cores=2, memory_bytes=GIB, time_limit_s=60, engine="xtb", atoms=3))
    submit(
        store,
        new_job("b", cores=2, memory_bytes=GIB, time_limit_s=60, engine="xtb", kind="sp", atoms=5),
        new_job("c"),
        new_job("d", owner=BOB),
        new_job("e", held=True),
        new_job("f", begin_ms=4_000_000_000_000),
        new_job("g", parents=(Parent(parent, Condition.DONE),)),
        new_job("h", lane=WORKER),
        new_job("i", owner="ada "),
    )
    demand = pools.demand(ADA)

    assert [
        ReadyShape(1, 0, 0, "echo", 1, (("echo", 0),)),
        ReadyShape(2, GIB, 60, "xtb", 2, (("echo", 3), ("sp", 5))),
    ] == list(demand.shapes)
    assert ((), ()) == (demand.running, demand.workers)
    assert demand.now_ms > 1_600_000_000_000
    assert [1] == [shape.jobs for shape in pools.demand(BOB).shapes]
    assert () == pools.demand("nobody").shapes


def test_samples_of_a_shape_are_spread_over_its_order(store: Store, pools: PoolStore) -> None:
    """
    Of 1,000 jobs a hundred are looked at, from the first to the last ones, so that no end of a scan hides.
    """
    submit(store, *(new_job(str(atoms), atoms=atoms) for atoms in range(1, 1_001)))
    (shape,) = pools.demand(ADA).shapes

    assert 1_000 == shape.jobs
    assert list(range(6, 1_001, 10)) == [atoms for _, atoms in shape.samples]


def test_samples_are_limited_in_all(store: Store, pools: PoolStore) -> None:
    """
    Of more shapes than samples each has at most one, and all are counted.
    """
    submit(store, *(new_job(str(limit), time_limit_s=limit) for limit in range(1, 2_501)))
    shapes = pools.demand(ADA).shapes

    assert list(range(1, 2_501)) == [shape.time_limit_s for shape in shapes]
    assert {0, 1} == {len(shape.samples) for shape in shapes}
    assert 2_000 == sum(len(shape.samples) for shape in shapes)


def test_demand_has_the_running_jobs_of_all(store: Store, pools: PoolStore) -> None:
    """
    Each with its worker, size and start; one that a slot has claimed ahead has yet to begin.
    """
    submit(
        store,
        new_job("a", cores=2, memory_bytes=GIB, atoms=7, engine="xtb", kind="sp"),
        new_job("b", owner=BOB),
        new_job("c", owner=BOB),
    )
    for _ in range(2):
        claim(store)
    ahead = store.claim(claimant(slot=1, ahead=Ahead(1, "echo", "echo", 0)))
    assert ahead is not None
    running = pools.demand(ADA).running

    started = {one.started_ms for one in running}
    assert {
        RunningJob(WORKER, 2, GIB, "sp", 7, "xtb", 0),
        RunningJob(WORKER, 1, 0, "echo", 0, "echo", 0),
        RunningJob(WORKER, 1, 0, "echo", 0, "echo", 0, is_ahead=True),
    } == {one._replace(started_ms=0) for one in running}
    assert all(abs(one - ahead.job.created_ms) < 60_000 for one in started)


def test_demand_says_that_more_jobs_run_than_it_lists(
    store: Store, pools: PoolStore, server: redis.Redis
) -> None:
    """
    It lists 4,000 of them.
    """
    submit(store, new_job("a"))
    job = claim(store).job
    with server.pipeline() as steps:
        for number in range(4_000):
            steps.hset(f"nox:job:{number}", mapping={"w": WORKER, "k": "echo", "e": "echo"})
            steps.zadd("nox:leases", {str(number): 1})
        steps.execute()
    many = pools.demand(ADA)
    server.zrem("nox:leases", job.id)
    all_of_them = pools.demand(ADA)

    assert (4_000, True) == (len(many.running), many.is_cut)
    assert (4_000, False) == (len(all_of_them.running), all_of_them.is_cut)


def test_demand_has_the_workers_that_live(
    store: Store, pools: PoolStore, server: redis.Redis, vandal: Vandal
) -> None:
    """
    Their beats name the allocation; a silent worker is left out, and so is a damaged beat.
    """
    living = beat("a-1-0", allocation=TOKEN, time_s=600)
    store.tick(living)
    for other in ("b-1-0", "c-1-0", "d-1-0"):
        store.tick(beat(other))
    vandal.silence("b-1-0")
    server.hset("nox:worker:c-1-0", "beat", '{"worker":')
    server.delete("nox:worker:d-1-0")
    server.set("nox:worker:d-1-0", "of another program")
    store.tick(living)

    assert (living,) == pools.demand(ADA).workers


@pytest.mark.parametrize(
    "change",
    [
        {"cores": "x"},
        {"slots": 1.5},
        {"memory_bytes": 10**400},
        {"time_s": "x"},
        {"time_s": -1},
        {"busy": True},
        {"owner": ["ada"]},
        {"worker": ["b-1-0"]},
        {"engines": [["echo"]]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_beats_of_no_worker_are_left_out(
    store: Store, pools: PoolStore, server: redis.Redis, change: dict[str, Any]
) -> None:
    """
    A look computes with their numbers: a worker has whole ones, and texts.
    """
    store.tick(beat("a-1-0"))
    store.tick(beat("b-1-0"))
    server.hset("nox:worker:b-1-0", "beat", json.dumps(beat("b-1-0").record() | change))

    assert ["a-1-0"] == [one.worker for one in pools.demand(ADA).workers]


def test_demand_leaves_out_what_is_damaged(store: Store, pools: PoolStore, server: redis.Redis) -> None:
    """
    Shapes that are none, jobs whose record says nonsense, and keys that another program overwrote.
    """
    ids = submit(store, *(new_job(name, atoms=3) for name in "abcd"), new_job("e", cores=2), new_job("f"))
    claim(store, cores=1)
    begin = f"{ADA}\x1f"
    none = f"{begin}\x1f0\x1f0\x1f0\x1fecho"  # no cores
    for shape in (begin, none, f"{begin}\x1fx\x1f0\x1f0\x1fecho", f"{begin}\x1f1\x1f0\x1f0", "\x1f" * 9):
        server.sadd("nox:shapes:", shape)
        server.zadd(f"nox:ready:{shape}", {ids[0]: 0})
    server.hset(f"nox:job:{ids[1]}", "a", "banana")
    server.set(f"nox:job:{ids[2]}", "of another program")
    server.delete(f"nox:job:{ids[3]}")
    server.set(f"nox:ready:{ADA}\x1f\x1f2\x1f0\x1f0\x1fecho", "of another program")
    server.zadd("nox:leases", {"no job": 0, ids[2]: 0, ids[1]: 0})
    demand = pools.demand(ADA)

    assert [(1, 4)] == [(shape.cores, shape.jobs) for shape in demand.shapes]
    assert (("echo", 0),) == demand.shapes[0].samples
    assert [3] == [one.atoms for one in demand.running]


# -- damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("definition", "{"),
        ("definition", "[]"),
        ("definition", '{"cores":0,"memory_bytes":1,"time_s":1}'),
        ("definition", '{"cores":1,"memory_bytes":1,"time_s":1,"budget":[1]}'),
        ("definition", '{"cores":1,"memory_bytes":1,"time_s":1,"engines":7}'),
        ("definition", '{"cores":1,"memory_bytes":1,"time_s":1,"budget":[1,31]}'),
        ("definition", f'{{"cores":1,"memory_bytes":1,"time_s":1,"budget":[1,{2**52}]}}'),
        ("definition", "[" * 50_000),
        ("set_ms", ""),
        ("set_ms", "9" * 15),  # in no year of a calendar
        ("strikes", "-1"),
        ("strikes", "9" * 400),
        ("strikes", "٣"),
        ("paused", "banana"),
        ("spent", '{"2026-11-30":"x"}'),
        ("why", b"\xff\xfe"),
        ("why", "x" * 1_000_000),
    ],
)
def test_a_pool_that_cannot_be_read_is_left_out(
    pools: PoolStore, server: redis.Redis, field: str, value: str
) -> None:
    """
    Others are listed, and setting it anew repairs it.
    """
    defined(pools)
    pools.define(ADA, "fat", LARGE, DIGEST)
    server.hset("nox:pool:ada\x1fcpu", field, value)
    assert "fat" == only_pool(pools).name
    pools.pause(ADA, "cpu", Pause.USER)
    assert pools.remove(ADA, "cpu")
    pools.define(ADA, "cpu", SMALL, DIGEST)

    assert 2 == len(pools.pools())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "banana"),
        ("cores", "x"),
        ("number", "1; rm -rf /"),
        ("number", "--help"),
        ("intended_ms", ""),
        ("left_ms", "9" * 15),
        ("ended_as", "banana"),
        ("pool", "../x"),
        ("jobs", "1e3"),
        ("log", b"\xff"),
        ("log", "x" * 1_000_000),
    ],
)
def test_an_allocation_that_cannot_be_read_is_left_out(
    pools: PoolStore, server: redis.Redis, field: str, value: str
) -> None:
    """
    Others are listed.
    """
    lease = defined(pools)
    intend(pools, lease)
    intend(pools, lease, OTHER_TOKEN)
    server.hset(f"nox:allocation:{TOKEN}", field, value)

    assert OTHER_TOKEN == only_allocation(pools).token


@pytest.mark.parametrize("change", [{"owner": BOB}, {"pool": "fat"}], ids=str)
def test_an_allocation_in_a_foreign_index_is_left_out(
    pools: PoolStore, server: redis.Redis, change: dict[Any, Any]
) -> None:
    """
    Else the removal of a pool would cancel the batch jobs of another one.
    """
    intend(pools, defined(pools))
    server.hset(f"nox:allocation:{TOKEN}", mapping=change)

    assert [] == pools.allocations(ADA, pool="cpu")


def test_names_that_another_program_stored_are_left_out(pools: PoolStore, server: redis.Redis) -> None:
    """
    They could be words of a command.
    """
    lease = defined(pools)
    intend(pools, lease)
    members: list[Any] = ["ada", "ada\x1f--all", "ada\x1fa;b", "ada\x1f", b"\xff\x1fcpu"]
    for member in members:
        server.zadd("nox:pools", {member: 0})
    for key in ("nox:pool:ada\x1fa;b", "nox:pool:ada\x1f"):
        server.copy("nox:pool:ada\x1fcpu", key)
    server.zadd("nox:allocations:ada\x1fcpu", {"--all": 0, "": 0})
    server.copy(f"nox:allocation:{TOKEN}", "nox:allocation:--all")

    assert "cpu" == only_pool(pools).name
    assert TOKEN == only_allocation(pools).token
    assert lease_of(pools)


INDEXES = ("pools", "allocations:ada\x1fcpu", "past:ada\x1fcpu")
RECORDS = ("pool:ada\x1fcpu", f"allocation:{TOKEN}", "autoscaler:ada")


@pytest.mark.parametrize("step", ["list", "acquire", "define", "join", "remove"])
@pytest.mark.parametrize("names", [*((name,) for name in INDEXES), INDEXES])
def test_indexes_that_another_program_overwrote_are_made_again(
    pools: PoolStore, server: redis.Redis, names: tuple[str, ...], step: str
) -> None:
    """
    Pools and allocations are all there again, and none of another prefix; what was stored in the place of the
    index is kept for its owner.
    """
    lease = defined(pools)
    intend(pools, lease)
    intend(pools, lease, OTHER_TOKEN, **ENDED)
    server.copy("nox:pool:ada\x1fcpu", "abc:pool:ada\x1fgpu")
    for name in names:
        server.set(f"nox:{name}", "of another program")
    match step:
        case "acquire":
            lease_of(pools)
        case "define":
            pools.define(ADA, "cpu", SMALL, DIGEST)
        case "join":
            assert pools.join(TOKEN, WORKER)
        case "remove":
            pools.remove(ADA, "fat")

    assert "cpu" == only_pool(pools).name
    assert {TOKEN} == {one.token for one in pools.allocations()}
    assert {TOKEN, OTHER_TOKEN} == {one.token for one in pools.allocations(ended=True)}
    assert {"of another program"} == {server.get(f"nox:displaced:{name}") for name in names}


@pytest.mark.parametrize("name", RECORDS)
def test_records_that_another_program_overwrote_are_stored_anew(
    pools: PoolStore, server: redis.Redis, name: str
) -> None:
    """
    Nothing fails meanwhile: the pool can be set, the allocation found by its name, the lease taken.
    """
    lease = defined(pools)
    intend(pools, lease)
    server.set(f"nox:{name}", "of another program")
    pools.pools()
    pools.allocations(ended=True)
    assert not (name.startswith("allocation") and pools.join(TOKEN, WORKER))
    pools.part(TOKEN, WORKER, 1)
    pools.pause(ADA, "cpu", Pause.USER)
    pools.resume(ADA, "cpu", DIGEST)
    pools.release(lease)

    pools.define(ADA, "cpu", SMALL, DIGEST)
    intend(pools, lease_of(pools), number="4711")
    assert "cpu" == only_pool(pools).name
    assert "4711" == only_allocation(pools).number


def test_a_local_store_has_no_pools(home: Path) -> None:
    """
    No other machine would reach it.
    """
    from workers.store.opening import open_store

    store = open_store(StoreSettings(redis_url=None, prefix="nox:", home=home))
    assert store.pools is None
    store.close()


def test_pools_are_the_same_while_a_token_acts(store: Store, pools: PoolStore) -> None:
    """
    Its name is not taken for part of a key.
    """
    assert isinstance(store, RedisStore)
    pools.define(ADA, "cpu", SMALL, DIGEST)
    assert "cpu" == only_pool(store.acting_as("ci").pools).name

"""Pools and their allocations in Redis: each method is one Lua script.  The keys: `lua/shared.lua`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from workers.errors import InputRefused, LeaseLost, StoreDamaged
from workers.store import pools
from workers.store.pools import (
    MAX_TEXT,
    OF_WORKER,
    POOL_NAME,
    TOKEN,
    Allocation,
    AllocationEnd,
    AllocationState,
    AutoscalerLease,
    Budget,
    Demand,
    Pause,
    Pool,
    PoolDefinition,
    ReadyShape,
    RunningJob,
)
from workers.store.redis.records import SEPARATOR, beat_of, in_groups
from workers.store.values import AllocationEvent, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from workers.store.redis.connection import RedisClient
    from workers.store.redis.resp import Arg

    T = TypeVar("T")
    R = TypeVar("R")

_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
_LATEST_MS = 10**14  # in the year 5138
_DAYS = {1, 7, 30}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHAPE_PARTS = 6
_MARK_DIGITS = 4
# The time in which indexes are made again: a look at the names of all keys.
_MEND_S = 30.0


def _whole(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise ValueError("not a whole number")
    return int(text)


def _time(text: str) -> int:
    if _whole(text) >= _LATEST_MS:
        raise ValueError("not a time")
    return _whole(text)


def _number(text: str) -> str:
    if text and not pools.NUMBER.fullmatch(text):
        raise ValueError("not the number of a batch job")
    return text


def _count(value: object, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 2**53:
        raise ValueError("not a count")
    return value


def _definition(text: str) -> PoolDefinition:
    known = fields_of(PoolDefinition, json.loads(text))
    if known.get("budget") is not None:
        core_seconds, days = known["budget"]
        if _count(days) not in _DAYS:
            raise ValueError("not the days of a budget")
        known["budget"] = Budget(_count(core_seconds), days)
    known["engines"] = frozenset(map(str, known.get("engines", ())))
    found = PoolDefinition(**known)
    for size in (found.cores, found.memory_bytes, found.time_s):
        _count(size, 1)
    for limit in (found.most, found.pending, found.idle_s):
        _count(limit)
    return found


def _spent(text: str) -> dict[str, int]:
    return {day: _count(spent) for day, spent in json.loads(text).items() if _DAY.fullmatch(day)}


_POOL: dict[str, Callable[[str], Any]] = {
    "definition": _definition,
    "digest": str,
    "set_ms": _time,
    "paused": Pause,
    "why": str,
    "strikes": _whole,
    "refusals": _whole,
    "refusal": str,
    "next_ms": _time,
    "wish": _whole,
    "wished_ms": _time,
    "surplus_ms": _time,
    "looked_ms": _time,
    "answered_ms": _time,
    "demand_jobs": _whole,
    "demand_cores": _whole,
    "foreign": _whole,
    "spent": _spent,
}
_OF_USER = frozenset({"definition", "digest", "set_ms"})
_ALLOCATION: dict[str, Callable[[str], Any]] = {
    "owner": str,
    "pool": str,
    "state": AllocationState,
    "cores": _whole,
    "memory_bytes": _whole,
    "time_s": _whole,
    "intended_ms": _time,
    "number": _number,
    "reason": str,
    "starts_ms": _time,
    "started_ms": _time,
    "ended_ms": _time,
    "ended_as": AllocationEnd,
    "log": str,
    "allocated_cores": _whole,
    "worker": str,
    "joined_ms": _time,
    "left_ms": _time,
    "jobs": _whole,
}
# The store has these of an allocation otherwise.
_GIVEN = frozenset({"token", "owner", "pool"})


class RedisPools:
    """The pools of a Redis; fulfils `workers.store.pools.PoolStore`."""

    def __init__(self, client: RedisClient, identity: Callable[[], str]) -> None:
        """Wrap a client; `identity` returns the unique name of the store."""
        self._client = client
        self._identity = identity

    @property  # asked each time: a Redis may lose its data, and a loop of an autoscaler lives for months
    def mark(self) -> str:
        """The first digits of every token; see `PoolStore.mark`."""
        return hashlib.sha256(self._identity().encode()).hexdigest()[:_MARK_DIGITS]

    def define(self, owner: str, name: str, definition: PoolDefinition, digest: str) -> None:
        """Store a pool; see `PoolStore.define`."""
        if SEPARATOR in owner or not POOL_NAME.fullmatch(name):
            raise InputRefused(
                f"{name!r} is no name for a pool",
                did="no pool was stored",
                hint="it takes letters, digits, - and _, at most 32 of them, and no - in front",
            )
        known = definition._asdict() | {"engines": sorted(definition.engines)}
        words = (owner, name, json.dumps(known), digest, pools.MAX_POOLS)
        if not self._client.call("define_pool", *words):
            raise InputRefused(
                f"{owner} has {pools.MAX_POOLS} pools, which is the most",
                did="no pool was stored",
                hint="remove some that are out of use: nox alloc list, nox alloc remove POOL",
            )

    def pools(self, owner: str | None = None) -> list[Pool]:
        """List pools; see `PoolStore.pools`."""
        found = (_pool_of(*one) for one in in_groups(self._read("pools", owner or ""), 2))
        return sorted((pool for pool in found if pool), key=lambda pool: (pool.owner, pool.name))

    def allocations(
        self, owner: str | None = None, *, pool: str = "", ended: bool = False, since_ms: int = 0
    ) -> list[Allocation]:
        """List allocations; see `PoolStore.allocations`."""
        found: list[Allocation] = []
        after = 0
        while True:
            after, *flat = self._read("allocations", owner or "", pool, int(ended), after, since_ms)
            read = (one for pair in in_groups(flat, 2) if (one := _allocation_of(*pair)))
            found += (one for one in read if owner in {None, one.owner} and pool in {"", one.pool})
            if not after:
                return sorted(found, key=lambda one: (one.intended_ms, one.token))

    def named(self, owner: str, tokens: Sequence[str]) -> list[Allocation]:
        """Read allocations by token; see `PoolStore.named`."""
        flat = self._client.call("named_allocations", *filter(TOKEN.fullmatch, tokens))
        found = (_allocation_of(*pair) for pair in in_groups(flat, 2))
        return [one for one in found if one and one.owner == owner]

    def pause(self, owner: str, name: str, cause: Pause, why: str = "") -> bool:
        """Pause a pool; see `PoolStore.pause`."""
        return bool(self._client.call("pause_pool", owner, name, cause, _text(why)))

    def resume(self, owner: str, name: str, digest: str) -> bool:
        """Let a pool request again; see `PoolStore.resume`."""
        return bool(self._client.call("resume_pool", owner, name, digest))

    def remove(self, owner: str, name: str) -> bool:
        """Forget a pool; see `PoolStore.remove`."""
        return bool(self._client.call("remove_pool", owner, name))

    def acquire(self, owner: str, holder: str, *, replaces: str = "") -> AutoscalerLease | str:
        """Take the lease of an autoscaler; see `PoolStore.acquire`."""
        fence, known = self._client.call("acquire", owner, holder, _ms(pools.AUTOSCALER_LEASE_S), replaces)
        return AutoscalerLease(owner, holder, fence, known) if fence else known.decode(errors="replace")

    def release(self, lease: AutoscalerLease) -> None:
        """End a lease; see `PoolStore.release`."""
        self._client.call("end_autoscaler", lease.owner, lease.holder, lease.fence)

    def record(
        self,
        lease: AutoscalerLease,
        pool: str,
        changes: Mapping[str, object],
        allocations: Sequence[tuple[str, Mapping[str, object]]] = (),
    ) -> None:
        """Change a pool and its allocations; see `PoolStore.record`."""
        if not all(TOKEN.fullmatch(token) for token, _ in allocations):
            raise ValueError("an allocation has a token that is none")
        known = [
            _packed(changes, _POOL.keys() - _OF_USER),
            [(token, _packed(fields, _ALLOCATION.keys() - OF_WORKER)) for token, fields in allocations],
        ]
        words = (*lease[:3], _ms(pools.AUTOSCALER_LEASE_S), pool, _ms(pools.KEPT_S), pools.MOST_ENDED)
        if not self._client.call("record", *words, json.dumps(known)):
            raise LeaseLost(f"autoscaler {lease.holder} may no longer change pool {pool} of {lease.owner}")

    def join(self, token: str, worker: str) -> bool:
        """Note that a worker has begun; see `PoolStore.join`."""
        return bool(self._client.call("join", token, worker))

    def part(self, token: str, worker: str, jobs: int) -> None:
        """Note that a worker has ended; see `PoolStore.part`."""
        self._client.call("part", token, worker, jobs)

    def demand(self, owner: str) -> Demand:
        """Read what waits, runs and works; see `PoolStore.demand`."""
        now_ms, ready, running, beats, leases = self._client.call("demand", owner)
        runs = _listed(running)
        return Demand(
            now_ms,
            tuple(sorted(_readable(_shape_of, _listed(ready)))),
            tuple(_readable(_running_of, runs)),
            tuple(_readable(lambda known: beat_of(*known), in_groups(beats, 2))),
            is_cut=leases > len(runs),
        )

    def _read(self, name: str, *words: Arg) -> list[Any]:
        """Run a script that lists something, once more if another program stored something else there."""
        with suppress(StoreDamaged):
            found: list[Any] = self._client.call(name, *words)
            return found
        self._client.call("mend_pools", timeout_s=_MEND_S)
        return list(self._client.call(name, *words))


def _ms(seconds: float) -> int:
    return round(1_000 * seconds)


def _text(value: object) -> str:
    """Write a field of a record."""
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return str(value)[:MAX_TEXT].encode(errors="replace").decode()


def _packed(changes: Mapping[str, object], known: set[str]) -> dict[str, str | bool]:
    """Write changes; false removes a field.

    Raises:
        ValueError: a field is not among those that are known.
    """
    if wrong := changes.keys() - known - _GIVEN:
        raise ValueError(f"an autoscaler does not change {', '.join(sorted(wrong))}")
    return {name: value is not None and _text(value) for name, value in changes.items() if name not in _GIVEN}


def _fields(raw: bytes, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """Read the fields of a record; a newer nox may have written others too.

    Raises:
        ValueError, TypeError, KeyError: one of them cannot be read.
    """
    known = json.loads(raw.decode()).items()
    return {name: readers[name](text) for name, text in known if name in readers}


def _pool_of(member: bytes, raw: bytes) -> Pool | None:
    """Read a pool; None: it is damaged."""
    owner, _, name = member.decode(errors="replace").partition(SEPARATOR)
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Pool(owner, name, **_fields(raw, _POOL)) if POOL_NAME.fullmatch(name) else None
    return None


def _allocation_of(token: bytes, raw: bytes) -> Allocation | None:
    """Read an allocation; None: it is damaged, or no longer kept."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = Allocation(token.decode(), **_fields(raw, _ALLOCATION))
        return found if TOKEN.fullmatch(found.token) and POOL_NAME.fullmatch(found.pool) else None
    return None


def allocation_event_of(cursor: bytes, flat: Sequence[bytes]) -> AllocationEvent | None:
    """Read an event of an allocation; None: it is another one, or damaged."""
    with suppress(ValueError, KeyError):
        fields = {name.decode(): value.decode() for name, value in in_groups(flat, 2)}
        at_ms = int(cursor.partition(b"-")[0])
        texts = fields["o"], fields["p"], fields["l"], fields["s"], _number(fields["m"]), fields["r"]
        if TOKEN.fullmatch(fields["l"]) and POOL_NAME.fullmatch(fields["p"]):
            return AllocationEvent(cursor.decode(), at_ms, *texts)
    return None


def _listed(raw: bytes) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(raw.decode(errors="replace"))
    return found


def _readable(read: Callable[[R], T], items: Iterable[R]) -> list[T]:
    """Read items, without those that are damaged."""
    found = []
    for one in items:
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            found.append(read(one))
    return found


def _shape_of(known: list[Any]) -> ReadyShape:
    shape, jobs, *samples = known
    _, _, cores, memory, time_limit, engine = shape.split(SEPARATOR, _SHAPE_PARTS - 1)
    sizes = _count(_whole(cores), 1), _whole(memory), _whole(time_limit)
    sampled = [(kind, _whole(atoms)) for kind, atoms in in_groups(samples, 2) if _DIGITS.fullmatch(atoms)]
    return ReadyShape(*sizes, engine, jobs, tuple(sampled))


def _running_of(known: list[str]) -> RunningJob:
    worker, cores, memory, kind, atoms, engine, started, last_word = known
    sizes = _whole(cores or "1"), _whole(memory or "0")
    return RunningJob(
        worker, *sizes, kind, _whole(atoms or "0"), engine, _whole(started or "0"), last_word == "a"
    )

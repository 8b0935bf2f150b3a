"""Pools and allocations in a store, put there by its own methods."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.support.stores import ADA, GIB
from workers.store.pools import AllocationState, AutoscalerLease, PoolDefinition

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.pools import PoolStore

SMALL = PoolDefinition(cores=8, memory_bytes=16 * GIB, time_s=4 * 3_600)
TOKEN, OTHER_TOKEN = "0123456789abcdef", "0123aaaaaaaaaaaa"


def now_ms() -> int:
    """The time in milliseconds."""
    return time.time_ns() // 1_000_000


def pools_of(store: Store) -> PoolStore:
    """The pools of a store that keeps them."""
    assert store.pools is not None
    return store.pools


def define(
    store: Store, name: str = "small", owner: str = ADA, size: PoolDefinition = SMALL, **changes: Any
) -> None:
    """Define a pool, at which an autoscaler has just looked."""
    pools_of(store).define(owner, name, size, "0" * 64)
    look(store, name, owner, **changes)


def look(store: Store, name: str = "small", owner: str = ADA, **changes: Any) -> None:
    """Record what a look of an autoscaler changes of a pool."""
    _record(store, name, owner, {"looked_ms": now_ms(), **changes})


def allocate(store: Store, token: str = TOKEN, pool: str = "small", owner: str = ADA, **changes: Any) -> None:
    """Record a pending allocation of a pool."""
    plain = {
        "state": AllocationState.PENDING,
        "number": "4711",
        "reason": "Priority",
        "cores": SMALL.cores,
        "memory_bytes": SMALL.memory_bytes,
        "time_s": SMALL.time_s,
        "intended_ms": now_ms(),
    }
    _record(store, pool, owner, {}, (token, plain | changes))


def _record(store: Store, pool: str, owner: str, changes: dict[str, Any], *one: tuple[str, Any]) -> None:
    pools = pools_of(store)
    lease = pools.acquire(owner, "login1-17-aaaaaaaa")
    assert isinstance(lease, AutoscalerLease)
    pools.record(lease, pool, changes, one)
    pools.release(lease)

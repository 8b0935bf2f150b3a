"""The lease of an owner's autoscaler: held for one look, or while a pool is removed."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from workers.errors import Retry, StoreBusy, StoreError
from workers.store.pools import AUTOSCALER_LEASE_S, NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.store.pools import AutoscalerLease, PoolStore

# Pauses between attempts to take the lease, and the longest wait for it.
_RETRY_S, _WAIT_S = 0.25, 1.5 * AUTOSCALER_LEASE_S


def new_holder() -> str:
    """Return a name for a holder of leases in this process."""
    return f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"


@contextmanager
def held(
    pools: PoolStore, owner: str, holder: str, rest: Callable[[float], None] | None = None
) -> Iterator[AutoscalerLease]:
    """Hold the lease inside the block; waits while another autoscaler of the owner looks.

    A holder whose process on this machine is gone is replaced at once.

    Args:
        pools: the pools of the store.
        owner: their owner.
        holder: the name of this holder.
        rest: sleeps for some seconds between two attempts to take the lease; None: `time.sleep`.

    Raises:
        StoreBusy: another autoscaler did not end its look.
        StoreError: the store cannot be used.
    """
    lease = _acquire(pools, owner, holder, rest or time.sleep)
    try:
        yield lease
    finally:
        try:
            pools.release(lease)
        except StoreError as error:
            # What was done is done, also if the store is unreachable by now: the lease runs out.
            if error.retry is not Retry.LATER:
                raise


def _acquire(pools: PoolStore, owner: str, holder: str, rest: Callable[[float], None]) -> AutoscalerLease:
    end = time.monotonic() + _WAIT_S
    replaces = ""
    while True:
        found = pools.acquire(owner, holder, replaces=replaces)
        if not isinstance(found, str):
            return found
        if time.monotonic() >= end:
            raise StoreBusy(f"{found} has been looking at the pools of {owner} for too long")
        before, replaces = replaces, found if _is_dead(found) else ""
        if replaces == before:
            rest(_RETRY_S)


def _is_dead(holder: str) -> bool:
    """Whether the holder of a lease was a process of this machine that is gone."""
    host, _, process = holder.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname() or not NUMBER.fullmatch(process):
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False

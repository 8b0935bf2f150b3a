"""Opens the bell that goes with a store; loads only that kind's modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from workers.bell.base import Bell
    from workers.logs import Log
    from workers.store.base import Store

# Beside the database of the local store.
PIPE_NAME = "bell"


def open_bell(store: Store, home: Path, log: Log, *, idle_timeout_s: float | None = None) -> Bell:
    """Open the bell of a store.

    Args:
        store: an open store.
        home: where the local store lies.
        log: where what goes wrong is written.
        idle_timeout_s: a local worker looks this often at least, so that it notices how long it has idled.
    """
    if store.kind == "local":
        from workers.bell.pipe import LOOK_EVERY_S, LocalBell

        look_every_s = min(LOOK_EVERY_S, idle_timeout_s or LOOK_EVERY_S)
        return LocalBell(home / PIPE_NAME, look_every_s=look_every_s)
    from workers.bell.dramatiq import DramatiqBell
    from workers.store.redis.store import RedisStore

    if not isinstance(store, RedisStore):
        raise TypeError(f"no bell goes with a store of kind {store.kind}")
    return DramatiqBell(store.bell_client(), store.bell_key, log)

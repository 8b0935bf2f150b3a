"""Opens the bell that goes with a store; loads only that kind's modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.queue.base import LOOK_EVERY_S

if TYPE_CHECKING:
    from pathlib import Path

    from workers.logs import Log
    from workers.queue.base import Bell
    from workers.store.base import Store

# Beside the database of the local store.
PIPE_NAME = "bell"


def open_bell(store: Store, home: Path, log: Log, *, look_every_s: float = LOOK_EVERY_S) -> Bell:
    """Open the bell of a store.

    Args:
        store: an open store.
        home: where the local store lies.
        log: where what goes wrong is written.
        look_every_s: how long a silence lasts before a local slot looks all the same.
    """
    if store.kind == "local":
        from workers.queue.local import LocalBell

        return LocalBell(home / PIPE_NAME, look_every_s=look_every_s)
    from workers.queue.dramatiq import DramatiqBell
    from workers.store.redis import RedisStore

    if not isinstance(store, RedisStore):
        raise TypeError(f"no bell goes with a store of kind {store.kind}")
    return DramatiqBell(store.bell_client(), store.bell_key, log)

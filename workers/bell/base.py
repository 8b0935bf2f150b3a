"""The bell, which wakes the slots of workers: its protocol, and `open_bell`, which opens that of a store.

A worker that hears the bell claims from the store until no job is left, so extra bells find nothing.  A lost
bell costs at most the interval at which listeners look for jobs anyway; with Redis, that until the next tick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.logs import Log
    from workers.store.base import Store

# The name of the pipe, next to the database of the local store.
PIPE_NAME = "bell"


class Bell(Protocol):
    """Runs `drain` in slot threads whenever there may be jobs."""

    look_every_s: float

    def start(self, slots: int, drain: Callable[[], None], has_room: Callable[[float], bool]) -> None:
        """Start `slots` threads, each of which calls `drain` at once.

        After that one of them does whenever the bell rings, or has been silent for `look_every_s`.

        Args:
            slots: the number of threads.
            drain: returns when no job is left for its slot; it must not raise.
            has_room: waits up to the given number of seconds until this worker could run another job; no
                thread listens before it returns True.

        Raises:
            StoreError: there is nothing to listen to.
        """

    def pass_on(self) -> None:
        """Wake one more slot, of any worker, for stores that do not ring by themselves."""

    def stop(self, timeout_s: float) -> None:
        """Stop listening and wait for the threads that are inside `drain`.  Nothing is left behind."""


def open_bell(store: Store, home: Path, log: Log, *, idle_timeout_s: float | None = None) -> Bell:
    """Open the bell of a store; only the modules of its kind are loaded.

    Args:
        store: an open store.
        home: the directory of the local store.
        log: the log for errors of the bell.
        idle_timeout_s: a local worker looks at least this often, so that it notices how long it has idled.
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

"""Opens the store that settings name; loads only that kind's modules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.redis.store import RedisStore
    from workers.store.settings import StoreSettings
    from workers.store.sqlite.store import SqliteStore


def open_store(settings: StoreSettings) -> Store:
    """Open a store.

    Raises:
        StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
    """
    return open_local(settings) if settings.redis_url is None else open_redis(settings)


def open_local(settings: StoreSettings) -> SqliteStore:
    """Open the local store, whichever the settings name.

    Raises:
        StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
    """
    from workers.store.sqlite.store import SqliteStore

    return SqliteStore.open(settings.home, host=settings.host)


def open_redis(settings: StoreSettings) -> RedisStore:
    """Open the Redis that settings name.

    Raises:
        StoreUnreachable, StoreRefused: it cannot be used.
    """
    from workers.store.redis.store import RedisStore

    return RedisStore.open(settings)


def open_existing(settings: StoreSettings) -> Store | None:
    """Open a store to look at it: nothing is made or migrated; None: there is none yet.

    Raises:
        StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
    """
    if settings.redis_url is None:
        from workers.store.sqlite.home import DATABASE

        if not any(os.path.lexists(settings.home / f"{DATABASE}{side}") for side in ("", "-wal")):
            return None
        from workers.store.sqlite.store import SqliteStore

        return SqliteStore.open_existing(settings.home, host=settings.host)
    return open_store(settings)

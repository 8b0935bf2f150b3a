"""Fixtures of the Redis store: an empty one, and a client of its server that knows no nox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from tests.support.redis_server import RedisServer


@pytest.fixture
def store(home: Path, redis_url: str) -> Iterator[RedisStore]:
    """An empty store."""
    opened = RedisStore.open(StoreSettings(redis_url, "nox:", home))
    yield opened
    opened.close()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client of the server of the store."""
    with redis_server.client() as connected:
        yield connected

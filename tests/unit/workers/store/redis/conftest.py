"""Fixtures of the Redis store, by the names that its tests use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import redis

    from workers.store.redis.store import RedisStore


@pytest.fixture
def store(redis_store: RedisStore) -> RedisStore:
    """An empty store."""
    return redis_store


@pytest.fixture
def client(redis_client: redis.Redis) -> redis.Redis:
    """A client of its server that knows no nox."""
    return redis_client

"""Stores of the test's own process, whose commands to Redis may take longer than those of nox."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from workers.store.redis.wire import wire_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from workers.store.redis.address import RedisAddress
    from workers.store.redis.wire import Connection, Wire

COMMAND_S = 30.0


class _PatientWire:
    """Lends the connections of another wire, with more time for each command."""

    def __init__(self, address: RedisAddress) -> None:
        self._wire: Wire = wire_for(address)

    def connection(self, timeout_s: float) -> AbstractContextManager[Connection]:
        """Lend a connection."""
        return self._wire.connection(max(COMMAND_S, timeout_s))

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()


@contextmanager
def patience() -> Iterator[None]:
    """Give time to the stores that are opened inside the block."""
    with patch("workers.store.redis.connection.wire_for", _PatientWire):
        yield

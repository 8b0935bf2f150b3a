"""What tests of the HTTP API share: a real `nox serve` over each store, and a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.support.nox import Nox


class Serve(Protocol):
    """Starts a server of a nox, with options of `nox serve`."""

    def __call__(self, nox: Nox, *args: str) -> Server:
        """Start it; it is ended after the test."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that are ended after the test."""
    started: list[Server] = []

    def start(nox: Nox, *args: str) -> Server:
        nox.environ["NOX_AUTOSTART"] = "never"
        started.append(Server(nox, *args))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def server(any_nox: Nox, serve: Serve) -> Server:
    """A server: the test runs once over Redis and once over a local store."""
    return serve(any_nox)


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client with the server's own token."""
    with server.client() as made:
        yield made

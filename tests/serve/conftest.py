"""What tests of the HTTP API share: a real `nox serve` over each store, and a client."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from nox_cli.argv import Call
from nox_cli.config.server import ServeOptions
from nox_cli.config.settings import load
from nox_cli.serve.app import create_app
from nox_cli.serve.authentication import own_token
from tests.support.stores import ADA
from workers.logs import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.support.nox import Nox
    from tests.support.server import Serve, Server


@pytest.fixture
def server(any_nox: Nox, serve: Serve) -> Server:
    """A server: the test runs once over Redis and once over a local store."""
    return serve(any_nox)


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client with the server's own token."""
    with server.client() as made:
        yield made


@pytest.fixture
def app_client(any_nox: Nox) -> Iterator[TestClient]:
    """A client of the application in this process, for tests of many cases; over both stores."""
    any_nox.environ |= {"NOX_AUTOSTART": "never", "NOX_USER": ADA}
    settings = load(any_nox.environ, Call("serve", ()))
    app = create_app(ServeOptions(), settings, Log(io.StringIO()))
    headers = {"Authorization": f"Bearer {own_token(any_nox.home)}"}
    with TestClient(app, headers=headers) as made:
        yield made

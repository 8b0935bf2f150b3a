"""`nox serve` as a process: how it starts, what it refuses, and how it ends."""

from __future__ import annotations

import signal
import socket
import stat
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox


@pytest.fixture
def server(nox: Nox) -> Iterator[Server]:
    """A server of a local store."""
    made = Server(nox)
    yield made
    made.close()


def test_serve_needs_no_token_for_its_life_and_one_for_all_else(server: Server) -> None:
    """
    Without a token only /health/live answers; the server's own token is in a file of mode 0600.
    """
    found = [httpx2.get(f"{server.url}{path}").status_code for path in ("/health/live", "/jobs/1")]

    assert [200, 401] == found
    assert 0o600 == stat.S_IMODE((server.nox.home / "serve.token").stat().st_mode)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_in_order_by_a_signal(server: Server, number: signal.Signals) -> None:
    """
    One signal ends a server with exit code 0, as it does a worker.
    """
    assert 0 == server.stop(number)
    assert "ended" in server.log


def test_serve_on_a_taken_port_is_one_clear_error(nox: Nox) -> None:
    """
    Where another process listens, nothing is served.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = nox("serve", "--bind", f"127.0.0.1:{taken.getsockname()[1]}")

    assert 2 == ended.returncode
    assert "is taken by another process; nothing is served" in ended.stderr


@pytest.mark.parametrize("address", ["chem", "https://", "https://[x/", "http://chem:port/", "https://a b/"])
def test_serve_refuses_a_public_url_that_is_no_address(nox: Nox, address: str) -> None:
    """
    It is refused before anything is served.
    """
    ended = nox("serve", "--bind", "127.0.0.1:0", "--public-url", address)

    assert 2 == ended.returncode
    assert "--public-url is no address; nothing is served" in ended.stderr


def test_serve_on_a_path_is_for_its_owner_only(nox: Nox) -> None:
    """
    A socket has mode 0600, answers, and is gone when the server has ended.
    """
    path = nox.home.parent / "socket"
    server = Server(nox, "--unix", str(path))
    try:
        with httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(path)), base_url="http://localhost"
        ) as client:
            assert 200 == client.get("/health/live").status_code
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    finally:
        server.close()
    assert not path.exists()

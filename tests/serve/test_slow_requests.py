"""Requests that come too slowly: the server gives up on them, and its connections are free again."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import uvicorn

from nox_cli.argv import Call
from nox_cli.config.server import ServeOptions
from nox_cli.config.settings import load
from nox_cli.serve.app import create_app
from nox_cli.serve.authentication import own_token
from nox_cli.serve.guards.heads import TimedProtocol
from tests.support.server import LIMIT_S
from tests.support.waiting import wait_until
from workers.logs import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

SHORT_S = 0.2
DRIP_S = 0.02


class HurriedProtocol(TimedProtocol):
    """Gives a head little time."""

    head_s = SHORT_S


@contextmanager
def connection(nox: Nox, *, body_s: float, protocol: type[TimedProtocol]) -> Iterator[socket.socket]:
    """Serve the application in a thread of this process, and connect to it."""
    app = create_app(ServeOptions(), load(nox.environ, Call("serve", ())), Log(io.StringIO()), body_s=body_s)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio", http=protocol, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=LIMIT_S) as made:
                yield made
        finally:
            server.should_exit = True
            thread.join(LIMIT_S)
    assert not thread.is_alive()


def drip(made: socket.socket, part: bytes) -> bytes:
    """Send a part again and again until the server closes the connection; return what it answered."""
    made.settimeout(DRIP_S)
    answered = bytearray()

    def is_closed() -> bool:
        try:
            received = made.recv(4096)
        except TimeoutError:
            with suppress(ConnectionError):  # what was answered before is still there to be read
                made.sendall(part)
            return False
        except ConnectionError:
            return True
        answered.extend(received)
        return not received

    wait_until(is_closed, LIMIT_S, lambda: f"the end of the connection: {bytes(answered)!r}")
    return bytes(answered)


def test_a_body_that_drips_in_is_given_up(nox: Nox) -> None:
    """
    Its sender gets 408 as a problem document, and the connection is closed.
    """
    with connection(nox, body_s=SHORT_S, protocol=TimedProtocol) as made:
        head = (
            "POST /jobs HTTP/1.1\r\nHost: {}:{}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json"
        )
        head = head.format(*made.getpeername(), own_token(nox.home))
        made.sendall(f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        answer = drip(made, b"1\r\n \r\n")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body took longer than 0.2 s" in answer


@pytest.mark.parametrize("begun", [b"", b"GET /health/live HTTP/1.1\r\nX: "])
def test_a_head_that_is_slow_ends_its_connection(nox: Nox, begun: bytes) -> None:
    """
    A client that sends nothing, or never ends its head, is cut off without an answer.
    """
    with connection(nox, body_s=LIMIT_S, protocol=HurriedProtocol) as made:
        made.sendall(begun)

        assert b"" == drip(made, b"x" if begun else b"")

"""Hosts and origins of requests: what a page of another site can make a browser send is refused."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from nox_cli.serve.guards.hosts import Hosts

if TYPE_CHECKING:
    import httpx2

LOOPBACK, OUTSIDE, SOCKET = ("127.0.0.1", 8646), ("10.0.0.5", 8646), ("/run/nox.sock", None)


@pytest.mark.parametrize(
    ("host", "server", "is_allowed"),
    [
        ("127.0.0.1:8646", LOOPBACK, True),
        ("localhost:9000", LOOPBACK, True),
        ("[::1]:8646", LOOPBACK, True),
        ("evil.example:8646", LOOPBACK, False),
        ("localhost.evil.example", LOOPBACK, False),
        ("localhost@evil.example", LOOPBACK, False),
        ("", LOOPBACK, False),
        ("10.0.0.5:8646", OUTSIDE, True),
        ("10.0.0.5:80", OUTSIDE, False),
        ("node01:8646", OUTSIDE, True),
        ("evil.example:8646", OUTSIDE, False),
        ("localhost", SOCKET, True),
        ("evil.example", SOCKET, False),
        ("nox.example", LOOPBACK, True),
        ("nox.example:8646", LOOPBACK, False),
    ],
)
def test_hosts_of_the_server_are_allowed(host: str, server: tuple[str, int | None], is_allowed: bool) -> None:
    """
    Those are its address, the name that --bind gave, the host of --public-url, and on loopback its names.
    """
    assert is_allowed is Hosts("node01:8646", "https://nox.example/nox").allows(host, server)


@pytest.mark.parametrize(
    ("bind", "is_allowed"), [("0.0.0.0:8646", True), ("127.0.0.1:8646", False), (None, False)]
)
def test_the_name_of_the_machine_is_allowed_where_others_reach_it(bind: str | None, is_allowed: bool) -> None:
    """
    Also if that name leads to a loopback address, as on Debian: the link to the page has it.
    """
    name = f"{socket.gethostname().lower()}:8646"

    assert is_allowed is Hosts(bind, "").allows(name, ("127.0.1.1", 8646))


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 421, "host_refused"),
        ({"Origin": "https://evil.example"}, 403, "origin_refused"),
        ({"Origin": "null"}, 403, "origin_refused"),
        ({"Content-Length": "2", "Transfer-Encoding": "chunked"}, 400, "usage"),
    ],
)
def test_a_request_of_another_site_is_refused(
    app_client: httpx2.Client, headers: dict[str, str], status: int, code: str
) -> None:
    """
    Also with a valid token; the same request without that header is answered.
    """
    refused = app_client.get("/jobs", headers=headers)

    assert (status, code) == (refused.status_code, refused.json()["code"])
    assert 200 == app_client.get("/jobs").status_code

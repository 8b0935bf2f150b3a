"""Sessions of the page: a cookie and a header that are valid together, with the rights of a token."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from nox_cli.serve.page.sessions import HEADER
from nox_cli.tokens.codes import new_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import Server

LIMIT_S = 30.0


@contextmanager
def signed_in(server: Server, **sent: str) -> Iterator[httpx2.Client]:
    """Sign in by a code or a token; the client sends the cookie and the header."""
    with httpx2.Client(base_url=server.url, timeout=LIMIT_S) as client:
        answer = client.post("/session", json=sent or {"code": new_code(server.nox.home)}).raise_for_status()
        client.headers[HEADER] = answer.json()["csrf"]
        yield client


def test_a_code_begins_one_session(server: Server) -> None:
    """
    The session is that of the server's own token; the code is used up.
    """
    code = new_code(server.nox.home)
    with signed_in(server, code=code) as client:
        assert 200 == client.get("/jobs").status_code
        found = client.get("/session").json()
        again = client.post("/session", json={"code": code})

    assert ("server", "admin", False) == (found["token"], found["scope"], found["read_only"])
    assert (401, "unauthenticated") == (again.status_code, again.json()["code"])


def test_a_cookie_without_its_header_is_refused(server: Server) -> None:
    """
    A browser sends the cookie to other ports of the host too, and for pages that these serve.
    """
    with signed_in(server) as client:
        csrf = client.headers.pop(HEADER)
        assert 401 == client.get("/jobs").status_code
        client.headers[HEADER] = csrf[:-1] + ("0" if csrf[-1] != "0" else "1")
        assert 401 == client.get("/jobs").status_code
        client.headers[HEADER] = csrf
        assert 200 == client.get("/jobs").status_code
        client.cookies.clear()
        assert 401 == client.get("/jobs").status_code


@pytest.mark.parametrize("path", ["/", "/page/../__init__.py", "/page/%2e%2e/assets.py", "/page/index.html"])
def test_only_files_of_the_page_are_served(server: Server, path: str) -> None:
    """
    The page itself needs no token; a path leads to no other file.
    """
    answer = httpx2.get(server.url + path, timeout=LIMIT_S)

    assert (200 if path == "/" else 404) == answer.status_code

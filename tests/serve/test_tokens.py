"""Tokens over HTTP: who may do what, revocation, expiry, failures, and the server's own token."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from nox_cli.serve.guards.own_token import TOKEN_FILE, own_token
from tests.support.nox import Nox
from tests.support.stores import ADA, BOB
from tests.support.waiting import wait_until
from workers.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.server import Serve, Server

ECHO = {"kind": "echo", "payload": "1"}
WRONG = "nox_" + "x" * 43
LIMIT_S = 20.0


def new_token(nox: Nox, name: str, scope: str = "submit", *options: str) -> str:
    """Make a token with `nox token new`."""
    return nox("token", "new", name, "--scope", scope, *options, check=True).stdout.strip()


def bearer(secret: str) -> dict[str, str]:
    """Make the header that a token goes in."""
    return {"Authorization": f"Bearer {secret}"}


def test_a_new_token_is_valid_at_once(any_nox: Nox, server: Server) -> None:
    """
    Also where the server has just refused another one, and read the tokens for that.
    """
    with server.client() as client:
        assert 401 == client.get("/jobs", headers=bearer(WRONG)).status_code
        secret = new_token(any_nox, "ci")
        assert 200 == client.get("/jobs", headers=bearer(secret)).status_code


def test_a_revoked_token_is_refused_within_a_second(any_nox: Nox, server: Server) -> None:
    """
    It was valid before; the answer names the challenge.
    """
    secret = new_token(any_nox, "ci")
    with server.client() as client:
        assert 200 == client.get("/jobs", headers=bearer(secret)).status_code
        any_nox("token", "revoke", "ci", check=True)
        time.sleep(1.0)
        refused = client.get("/jobs", headers=bearer(secret))

    assert (401, 'Bearer error="invalid_token"') == (refused.status_code, refused.headers["WWW-Authenticate"])


def test_an_expired_token_is_refused(any_nox: Nox, server: Server) -> None:
    """
    The list shows it as expired.
    """
    secret = new_token(any_nox, "ci", "read", "--expires", "2")
    with server.client() as client:
        wait_until(
            lambda: client.get("/jobs", headers=bearer(secret)).status_code == 401,
            LIMIT_S,
            "the end of the token",
        )

    assert "expired" in any_nox("token", "list", check=True).stdout


def test_a_revoked_token_loses_its_streams(any_nox: Nox, server: Server) -> None:
    """
    The stream of another token stays open.
    """
    secret = new_token(any_nox, "ci", "read")
    with (
        server.client() as client,
        client.stream("GET", "/events", headers=bearer(secret), timeout=LIMIT_S) as stream,
    ):
        lines = stream.iter_lines()
        assert 200 == stream.status_code
        next(lines)
        any_nox("token", "revoke", "ci", check=True)
        began = time.monotonic()
        for _ in lines:
            assert time.monotonic() - began < LIMIT_S


def test_a_token_needs_the_scope_of_the_route(any_nox: Nox, server: Server) -> None:
    """
    The refusal names the scope, and nothing is stored.
    """
    secret = new_token(any_nox, "ro", "read")
    with server.client() as client:
        refused = client.post("/jobs", json=ECHO, headers=bearer(secret))

        assert (403, "forbidden") == (refused.status_code, refused.json()["code"])
        assert "scope submit" in refused.json()["detail"]
        assert 'scope="submit"' in refused.headers["WWW-Authenticate"]
    assert [] == json.loads(any_nox("list", "--all-users", "--json", check=True).stdout)["items"]


def test_a_store_that_is_down_is_not_named_to_strangers(
    home: Path, fresh_redis: StartRedis, serve: Serve
) -> None:
    """
    A token that cannot be checked is 503, and the answer does not say where the store is.
    """
    redis = fresh_redis()
    server = serve(Nox(home, redis.url))
    redis.stop()

    answer = httpx2.get(f"{server.url}/jobs", headers=bearer(WRONG), timeout=LIMIT_S)

    assert (503, "store_unreachable") == (answer.status_code, answer.json()["code"])
    assert int(answer.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in answer.text


def test_events_name_the_token_of_a_client(any_nox: Nox, server: Server) -> None:
    """
    Those of the server's own token are of `server`.
    """
    secret = new_token(any_nox, "ci")
    with server.client() as client:
        client.post("/jobs", json=ECHO, headers=bearer(secret)).raise_for_status()
        client.post("/jobs", json=ECHO).raise_for_status()
    lines = any_nox("events", "--since", "0", check=True).stdout.splitlines()

    assert ["ci", "server"] == [json.loads(line)["token"] for line in lines]


def test_the_use_of_a_token_is_listed(any_nox: Nox, server: Server) -> None:
    """
    The time appears once the server looks at its tokens again.
    """
    secret = new_token(any_nox, "ci", "read")

    def is_listed() -> bool:
        with server.client() as client:
            client.get("/jobs", headers=bearer(secret)).raise_for_status()
        (token,) = json.loads(any_nox("token", "list", "--json", check=True).stdout)["items"]
        return token["last_used_at"] is not None

    wait_until(is_listed, LIMIT_S, "the time of use")


def test_failures_are_limited_and_a_valid_token_is_not(any_nox: Nox, server: Server) -> None:
    """
    After many wrong tokens of an address the next is refused with 429; a right one is accepted meanwhile.
    """
    with httpx2.Client(base_url=server.url, timeout=LIMIT_S) as stranger:
        for _ in range(40):
            refused = stranger.get("/jobs", headers={"Authorization": "Bearer guess"})
            if refused.status_code == 429:
                break
        assert (429, "too_many_failures") == (refused.status_code, refused.json()["code"])
        assert int(refused.headers["Retry-After"]) >= 1
        fresh = new_token(any_nox, "ci", "read")
        with server.client() as client:
            client.get("/jobs").raise_for_status()

        def is_accepted() -> bool:
            return stranger.get("/jobs", headers=bearer(fresh)).status_code == 200

        wait_until(is_accepted, LIMIT_S, "a token that was made meanwhile")


@pytest.mark.parametrize(
    "header",
    [
        *(
            b"",
            b"Bearer",
            b"Bearer ",
            b"Basic YTpi",
            b"Bearer nox_",
            b"Bearer \xff\xfe",
            b"bearer nox_\xc3\xa9",
        ),
        f"Bearer {WRONG} x".encode(),
    ],
)
def test_what_is_no_token_is_refused(app_client: httpx2.Client, header: bytes) -> None:
    """
    Whatever the header is, the answer is 401 with a challenge.
    """
    del app_client.headers["Authorization"]
    refused = app_client.get("/jobs", headers=[(b"Authorization", header)])

    assert 401 == refused.status_code
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/jobs/1"), ("POST", "/jobs/actions"), ("POST", "/jobs")]
)
def test_a_body_is_read_after_its_token(app_client: httpx2.Client, method: str, path: str) -> None:
    """
    A body that is not JSON is 401 without a valid token, and refused by itself only with one.
    """
    kind = {"Content-Type": "application/json"}
    refused = app_client.request(method, path, content=b"{", headers=kind | bearer(WRONG))
    wrong = app_client.request(method, path, content=b"{", headers=kind)

    assert (401, "unauthenticated") == (refused.status_code, refused.json()["code"])
    assert wrong.status_code in {400, 422}


def test_the_log_has_neither_tokens_nor_queries(any_nox: Nox, serve: Serve) -> None:
    """
    A line a request: method, path, status and the name of the token; a path cannot look like other parts.
    """
    server = serve(any_nox)
    secret = new_token(any_nox, "ci", "read")
    with server.client() as client:
        assert 404 == client.get("/a%20status=200%20token=root").status_code
        client.get("/jobs", params={"name": "secret-name"}, headers=bearer(secret)).raise_for_status()
    wait_until(lambda: "token=ci" in server.log, LIMIT_S, "a line of the log")

    (line,) = [line for line in server.log.splitlines() if "token=ci" in line]
    assert "method=GET path=/jobs status=200" in line
    assert "path=/a%20status=200%20token=root status=404" in server.log
    for hidden in (secret, "secret-name", own_token(any_nox.home)):
        assert hidden not in server.log


def test_the_own_token_is_private_and_stays(home: Path) -> None:
    """
    A second call reads the file that the first made; without it, there is another token.
    """
    first = own_token(home)
    path = home / TOKEN_FILE

    assert first == own_token(home)
    assert 0o600 == path.stat().st_mode & 0o777
    assert [path] == [one for one in home.iterdir() if one.name.startswith(TOKEN_FILE)]
    path.unlink()
    assert first != own_token(home)


@pytest.mark.parametrize(("mode", "text", "why"), [(0o640, None, "by others"), (0o600, "x", "no token")])
def test_an_own_token_that_is_not_private_is_refused(
    home: Path, mode: int, text: str | None, why: str
) -> None:
    """
    The error says what to do; the file is left as it is.
    """
    found = own_token(home)
    path = home / TOKEN_FILE
    if text is not None:
        path.write_text(text)
    path.chmod(mode)

    with pytest.raises(UsageError, match=why) as refused:
        own_token(home)
    assert "remove it" in refused.value.hint
    assert path.read_text() == (text or f"{found}\n")


def test_an_own_token_is_no_link(home: Path, tmp_path: Path) -> None:
    """
    A link in its place is not followed.
    """
    (tmp_path / "other").write_text(WRONG)
    (home / TOKEN_FILE).symlink_to(tmp_path / "other")

    with pytest.raises(OSError, match="symbolic links"):
        own_token(home)


def test_tokens_of_other_owners_see_their_jobs_only(any_nox: Nox, server: Server) -> None:
    """
    A foreign job is answered as one that does not exist; an administrator sees it.
    """
    bob, boss = new_token(any_nox, "bob", "submit", "--owner", BOB), new_token(any_nox, "boss", "admin")
    with server.client() as client:
        job = client.post("/jobs", json=ECHO, headers=bearer(bob)).raise_for_status().json()["job_id"]
        ada = new_token(any_nox, "ada", "submit", "--owner", ADA)
        foreign = client.get(f"/jobs/{job}", headers=bearer(ada))
        absent = client.get(f"/jobs/{'0' * 32}", headers=bearer(ada))

        assert 200 == client.get(f"/jobs/{job}", headers=bearer(bob)).status_code
        assert 200 == client.get(f"/jobs/{job}", headers=bearer(boss)).status_code
        assert 404 == foreign.status_code == absent.status_code
        assert foreign.json()["detail"].replace(job, "ID") == absent.json()["detail"].replace("0" * 32, "ID")

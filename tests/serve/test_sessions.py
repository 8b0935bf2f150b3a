"""Sessions of the page: a cookie and a header that are valid together, with the rights of a token."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from nox_cli.serve.guards.own_token import TOKEN_FILE
from nox_cli.serve.page import sessions
from nox_cli.serve.page.sessions import HEADER
from nox_cli.times import now_ms
from nox_cli.tokens.codes import new_code
from tests.serve.test_tokens import ECHO, bearer, new_token
from tests.serve.test_visibility import ROUTES, SESSION, two
from tests.support.clock import Clock
from tests.support.nox import Nox
from tests.support.stores import ADA
from tests.support.waiting import wait_until
from workers.store.tokens import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.serve.test_visibility import Two
    from tests.support.server import Serve, Server

__all__ = ["two"]
LIMIT_S = 30.0
DAY_S = 86_400


@contextmanager
def signed_in(server: Server, **sent: str) -> Iterator[httpx2.Client]:
    """Sign in by a code or a token; the client sends the cookie and the header."""
    with httpx2.Client(base_url=server.url, timeout=LIMIT_S) as client:
        begin(client, sent or {"code": new_code(server.nox.home)})
        yield client


def begin(client: httpx2.Client, sent: dict[str, str]) -> dict[str, Any]:
    """Begin a session of a client, and return what the server answers."""
    answer: dict[str, Any] = client.post("/session", json=sent).raise_for_status().json()
    client.headers[HEADER] = answer["csrf"]
    return answer


def ending(server: Server, secret: str, in_ms: int) -> dict[str, str]:
    """Make the headers of a session that ends soon, or has ended."""
    made = sessions.begin(digest_of(secret)[:16], now_ms() + in_ms, server.token)
    port = server.url.rpartition(":")[2]
    return {"Cookie": f"nox_session_{port}={made.cookie}", HEADER: made.csrf}


def test_a_code_begins_one_session(server: Server) -> None:
    """
    It is that of the server's own token, for 7 days; the code is used up, and another one is needed.
    """
    code = new_code(server.nox.home)
    with httpx2.Client(base_url=server.url, timeout=LIMIT_S) as client:
        begun = begin(client, {"code": code})
        found = client.get("/session").json()
        again = client.post("/session", json={"code": code})
        assert 200 == client.get("/jobs").status_code

    assert ("server", ADA, "admin", False) == tuple(
        found[name] for name in ("token", "owner", "scope", "read_only")
    )
    assert found == {name: value for name, value in begun.items() if name != "csrf"}
    assert (401, "unauthenticated") == (again.status_code, again.json()["code"])
    assert "used" in again.json()["detail"]


def test_the_cookie_is_kept_from_scripts_and_other_sites(nox: Nox, serve: Serve) -> None:
    """
    Its name has the port, as other ports of the host get it too; behind a proxy it has the prefix and TLS.
    """
    direct, behind = serve(nox), serve(nox, "--public-url", "https://chem.example/nox")
    for server, host, wanted in (
        (direct, "localhost:9000", ("nox_session_9000=", "Path=/;", "")),
        (behind, "chem.example", ("nox_session_80=", "Path=/nox/;", "; Secure")),
    ):
        answer = httpx2.post(
            f"{server.url}/session", json={"code": new_code(nox.home)}, headers={"Host": host}
        )
        cookie = answer.headers["Set-Cookie"]
        assert all(part in cookie for part in (*wanted, "HttpOnly;", "SameSite=strict", "Max-Age=604800;"))
        assert ("Secure" in cookie) == bool(wanted[2])
        assert "no-store" == answer.headers["Cache-Control"]
        assert answer.json()["csrf"] not in cookie


def test_a_cookie_and_its_header_are_valid_together_only(app_client: httpx2.Client) -> None:
    """
    Not alone, not changed in any part, and not with the other half of a second session.
    """
    token = app_client.headers.pop("Authorization").removeprefix("Bearer ")
    other = begin(app_client, {"token": token})["csrf"]
    csrf = begin(app_client, {"token": token})["csrf"]
    ((name, cookie),) = app_client.cookies.items()
    app_client.cookies.clear()
    del app_client.headers[HEADER]

    def status(cookie: str | None, csrf: str | None) -> int:
        headers = {} if cookie is None else {"Cookie": f"{name}={cookie}"}
        return app_client.get("/jobs", headers=headers | ({} if csrf is None else {HEADER: csrf})).status_code

    version, token_id, expires, nonce, mac = cookie.split(".")
    changed = [
        f"2.{token_id}.{expires}.{nonce}.{mac}",
        f"{version}.{'0' * 16}.{expires}.{nonce}.{mac}",
        f"{version}.{token_id}.9999999999999.{nonce}.{mac}",
        f"{version}.{token_id}.{expires}.{'0' * 32}.{mac}",
        f"{version}.{token_id}.{expires}.{nonce}.{csrf}",
        f"{version}.{token_id}.{expires}.{nonce}.{'0' * 64}",
        f"{version}.{token_id}.{expires}.{nonce}",
        "x",
        "",
    ]
    assert 200 == status(cookie, csrf)
    assert [401] * 5 == [
        status(*pair) for pair in ((cookie, None), (None, csrf), (cookie, other), (cookie, mac), (cookie, ""))
    ]
    assert {401} == {status(one, csrf) for one in changed}
    assert 200 == status(cookie, csrf)


def test_a_cookie_of_another_server_does_not_end_a_session(app_client: httpx2.Client) -> None:
    """
    A browser sends those of a server at `/` to one at `/nox/` too, and those that a neighbour of the domain
    has set; their order is its own.
    """
    token = app_client.headers.pop("Authorization").removeprefix("Bearer ")
    begin(app_client, {"token": token})
    ((name, cookie),) = app_client.cookies.items()
    app_client.cookies.clear()
    other = f"1.{'0' * 16}.9999999999999.{'0' * 32}.{'0' * 64}"

    def status(*values: str) -> int:
        sent = "; ".join(f"{name}={value}" for value in values)
        return app_client.get("/jobs", headers={"Cookie": sent}).status_code

    assert [200] * 3 == [status(cookie, other), status(other, cookie), status("", cookie, "x")]
    assert [401] * 2 == [status(other, other), status(f"{cookie}x")]


def test_no_route_takes_a_cookie_without_its_header(two: Two) -> None:
    """
    A page of another port of the host can make a browser send the cookie, and nothing but it.
    """
    begin(two.client, {"token": two.tokens[ADA, "admin"]})
    del two.client.headers[HEADER]
    for method, path in ROUTES:
        if (method, path) not in {("GET", "/health/live"), ("POST", SESSION)}:
            assert (method, path, 401) == (method, path, two.ask(method, path, None)[0])


def test_a_session_may_do_what_its_token_may(two: Two) -> None:
    """
    Each route refuses the session of each scope of two owners exactly where it refuses the token.
    """
    for (owner, scope), secret in two.tokens.items():
        answer = begin(two.client, {"token": secret})
        assert (owner, scope, f"{owner}-{scope}") == (answer["owner"], answer["scope"], answer["token"])
        for method, path in ROUTES:
            if path != SESSION:
                by_token, by_session = (two.ask(method, path, sent)[0] for sent in (secret, None))
                refusals = [one if one in {401, 403, 404} else 0 for one in (by_token, by_session)]
                assert refusals[0] == refusals[1], (owner, scope, method, path, by_token, by_session)


def test_a_session_counts_as_its_token(any_nox: Nox, server: Server) -> None:
    """
    In ceilings of jobs and streams, in events, and in the log.
    """
    secret = new_token(any_nox, "ci", "submit", "--max-jobs", "1", "--max-streams", "1")
    with signed_in(server, token=secret) as client:
        client.post("/jobs", json=ECHO).raise_for_status()
        assert (
            "ceiling" == httpx2.post(f"{server.url}/jobs", json=ECHO, headers=bearer(secret)).json()["code"]
        )
        with client.stream("GET", "/events") as stream:
            assert 200 == stream.status_code
            refused = httpx2.get(f"{server.url}/events", headers=bearer(secret), timeout=LIMIT_S)
            assert "too_many_streams" == refused.json()["code"]
    assert '"token": "ci"' in any_nox("events", "--since", "0", check=True).stdout
    wait_until(lambda: "path=/jobs status=201" in server.log, LIMIT_S, "the line of the log")
    (line,) = [line for line in server.log.splitlines() if "path=/jobs status=201" in line]
    assert line.endswith("token=ci")


def test_a_session_ends_with_its_token(any_nox: Nox, server: Server) -> None:
    """
    One of a token that expires is no longer valid than it; a revoked one ends sessions and their streams.
    """
    short = new_token(any_nox, "short", "read", "--expires", "1h")
    secret = new_token(any_nox, "ci", "read")
    with signed_in(server, token=short) as client:
        (cookie,) = client.cookies.jar
        assert cookie.expires is not None
        assert cookie.expires < time.time() + 3_601
    with signed_in(server, token=secret) as client, client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        any_nox("token", "revoke", "ci", check=True)
        for _ in lines:
            pass
        refused = client.get("/jobs")

    assert (401, "the session has ended") == (refused.status_code, refused.json()["detail"])


def test_a_session_is_valid_for_a_week(nox: Nox, serve: Serve, tmp_path: Path) -> None:
    """
    By the clock of the server, also across its restart; then one has to sign in again.
    """
    clock = Clock(tmp_path)
    nox.environ |= clock.environment()
    server = serve(nox)
    host = {"Host": "localhost:9000"}  # of a browser, which reaches both servers by ssh
    begun = httpx2.post(f"{server.url}/session", json={"code": new_code(nox.home)}, headers=host)
    cookie = begun.headers["Set-Cookie"].partition(";")[0]
    session = {**host, "Cookie": cookie, HEADER: begun.json()["csrf"]}

    def status() -> int:
        return httpx2.get(f"{server.url}/jobs", headers=session, timeout=LIMIT_S).status_code

    clock.shift(6 * DAY_S)
    assert 200 == status()
    server.stop()
    server = serve(nox)
    assert 200 == status()
    clock.shift(7 * DAY_S + 60)
    assert 401 == status()


def test_a_new_token_of_the_server_ends_all_sessions(any_nox: Nox, server: Server) -> None:
    """
    Also those of other tokens, since it signs all of them.
    """
    secret = new_token(any_nox, "ci", "read")
    with signed_in(server) as own, signed_in(server, token=secret) as other:
        (any_nox.home / TOKEN_FILE).write_text(f"nox_{'y' * 43}\n")
        wait_until(lambda: own.get("/jobs").status_code == 401, LIMIT_S, "the end of the session")
        assert 401 == other.get("/jobs").status_code
        (any_nox.home / TOKEN_FILE).unlink()
        wait_until(
            lambda: own.post("/session", json={"token": secret}).status_code == 503,
            LIMIT_S,
            "the lack of a token",
        )


def test_a_session_outlives_its_store(home: Path, fresh_redis: StartRedis, serve: Serve) -> None:
    """
    While Redis is down that of the server's own token is known, and of others not checked: 503, not 401.
    """
    redis = fresh_redis()
    nox = Nox(home, redis.url)
    server = serve(nox)
    secret = new_token(nox, "ci", "read")
    with signed_in(server) as own, signed_in(server, token=secret) as other:
        redis.stop()
        assert 200 == own.get("/session").status_code
        wait_until(lambda: other.get("/session").status_code == 503, LIMIT_S, "the loss of the store")
        redis.start()
        wait_until(lambda: other.get("/session").status_code == 200, LIMIT_S, "the store")


def test_a_session_of_a_server_that_only_reads(nox: Nox, serve: Serve) -> None:
    """
    It says so, and changes nothing.
    """
    with signed_in(serve(nox, "--read-only")) as client:
        assert client.get("/session").json()["read_only"]
        assert (403, "read_only") == (
            (refused := client.post("/jobs", json=ECHO)).status_code,
            refused.json()["code"],
        )


def test_signing_out_removes_the_cookie(server: Server) -> None:
    """
    And needs the header as all else, so that no other page can do it.
    """
    with signed_in(server) as client:
        csrf = client.headers.pop(HEADER)
        assert 401 == client.delete("/session").status_code
        client.headers[HEADER] = csrf
        assert 204 == client.delete("/session").status_code
        assert not client.cookies
        assert 401 == client.get("/jobs").status_code


def test_failures_to_sign_in_are_limited(server: Server) -> None:
    """
    As those of tokens; an expired session is none, and a right code is accepted meanwhile.
    """
    with httpx2.Client(base_url=server.url, timeout=LIMIT_S) as client:
        for _ in range(30):
            assert 401 == client.get("/jobs", headers=ending(server, server.token, -1)).status_code
        found = [client.post("/session", json={"code": f"{number:032x}"}).status_code for number in range(30)]
        assert {401, 429} == set(found)
        assert 200 == client.post("/session", json={"code": new_code(server.nox.home)}).status_code


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {}, 400),
        (b'{"code": "x", "token": "y"}', {}, 400),
        (b'{"code": 1}', {}, 400),
        (b'{"code": "x", "next": "https://evil.example"}', {}, 400),
        (b"[" * 4_000, {}, 400),
        (b'{"code": "\\ud800"}', {}, 400),
        (b'{"token": "nox_"}', {}, 401),
        (b" " * 5_000, {}, 413),
        (b'{"code": "x"}', {"Content-Type": "text/plain"}, 415),
        (b"code=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"code": "x"}', {"Origin": "http://testserver:8647"}, 403),
        (b'{"code": "x"}', {"Host": "evil.example"}, 421),
    ],
)
def test_what_does_not_sign_in_is_refused(
    app_client: httpx2.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    """
    A form or text, as a page of another origin can send it, is not read; nor is a large or odd body.
    """
    answer = app_client.post(
        "/session", content=content, headers={"Content-Type": "application/json"} | headers
    )

    assert status == answer.status_code
    assert "Set-Cookie" not in answer.headers


def test_who_cannot_sign_in_learns_the_next_step(app_client: httpx2.Client) -> None:
    """
    Of a code another link; of a token another token, since only the owner of the server makes links.
    """
    for proof, hint in (("code", "nox serve link"), ("token", "nox token new")):
        assert hint in app_client.post("/session", json={proof: "x"}).json()["hint"]


def test_a_body_of_unknown_length_does_not_sign_in(app_client: httpx2.Client) -> None:
    """
    It would be read before its sender is known.
    """
    answer = app_client.post("/session", content=iter([b"{}"]), headers={"Content-Type": "application/json"})

    assert (413, "too_large") == (answer.status_code, answer.json()["code"])


def test_the_log_has_nothing_to_sign_in_with(any_nox: Nox, server: Server) -> None:
    """
    But the code of the link that the server printed itself.
    """
    secret, code = new_token(any_nox, "ci", "read"), new_code(any_nox.home)
    with signed_in(server, code=code) as first, signed_in(server, token=secret) as second:
        first.get("/jobs", params={"name": code})
        hidden = [secret, code, server.token]
        for client in (first, second):
            hidden += [str(client.headers[HEADER]), *(value for _, value in client.cookies.items())]
    wait_until(lambda: "path=/jobs" in server.log, LIMIT_S, "the line of the log")

    assert [] == [one for one in hidden if one in server.log]


def test_answers_are_kept_by_no_browser(app_client: httpx2.Client) -> None:
    """
    And shown in no page of another origin, whatever route and status.
    """
    for path in (
        "/jobs",
        "/openapi.json",
        "/schema/record",
        "/version",
        "/metrics",
        "/health/live",
        "/nowhere",
    ):
        headers = app_client.get(path).headers
        assert ("no-store", "same-origin") == (
            headers["Cache-Control"],
            headers["Cross-Origin-Resource-Policy"],
        )

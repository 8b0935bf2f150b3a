"""The checks and limits that every request passes, and its line in the log."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from nox_cli.serve.guards.hosts import Hosts
from nox_cli.serve.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from nox_cli.config.server import ServeOptions
    from workers.logs import Log

MAX_BODY_BYTES = 16 * 1024**2
BODY_S = 30.0
_MOST_PATH = 2_048
_SHOWN = 200
# Every answer has these; one that may be kept or shown otherwise has headers of its own.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),  # no page of another port shows it
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """Refuses requests that no route should see, and logs all: no token, no query, no body."""

    def __init__(self, app: ASGIApp, options: ServeOptions, log: Log, *, body_s: float = BODY_S) -> None:
        self._app = app
        self._log = log
        self._body_s = body_s
        self._hosts = Hosts(options.bind, options.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        exchange = _Exchange(receive, send, self._body_s)
        try:
            problem = self._refusal(scope)
            if problem is None:
                await self._app(scope, exchange.receive, exchange.send)
            else:
                await problem.response()(scope, exchange.receive, exchange.send)
        except BaseException:
            exchange.status = exchange.status or HTTPStatus.INTERNAL_SERVER_ERROR
            raise
        finally:
            self._log.info(
                "request",
                method=scope["method"][:_SHOWN],
                path=scope["raw_path"][:_SHOWN].decode("latin-1"),  # spaces and line ends are encoded
                status=int(exchange.status),
                ms=round(1_000 * (time.monotonic() - began), 1),
                client=(scope["client"] or ("local",))[0],
                token=scope.get("state", {}).get("token", "-"),
            )

    def _refusal(self, scope: Scope) -> Problem | None:
        """Look at the head of a request."""
        headers = scope["headers"]
        hosts = _texts(headers, b"host")
        if len(hosts) != 1 or not self._hosts.allows(hosts[0], scope["server"]):
            what = "the host of this request is not this server; nothing was done"
            hint = "behind a proxy: nox serve --public-url URL"
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, "host_refused", what, hint=hint)
        origins = _texts(headers, b"origin")
        if not all(self._hosts.allows_origin(one, hosts[0], scope["server"]) for one in origins):
            what = "a page of another origin sent this request; nothing was done"
            return Problem(HTTPStatus.FORBIDDEN, "origin_refused", what)
        if len(scope["path"]) > _MOST_PATH or not scope["path"].isprintable():
            return Problem(HTTPStatus.BAD_REQUEST, "usage", "the path of this request is not valid")
        return _body_refusal(headers)


def _body_refusal(headers: Sequence[tuple[bytes, bytes]]) -> Problem | None:
    """Look at what the head of a request states about its body."""
    lengths = _texts(headers, b"content-length")
    if _texts(headers, b"transfer-encoding") and lengths:
        what = "the length of the body is given in two ways"
        return Problem(HTTPStatus.BAD_REQUEST, "usage", what)
    if any(one.lower() != "identity" for one in _texts(headers, b"content-encoding")):
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "packed", "the body must not be packed")
    if any(int(length[:20]) > MAX_BODY_BYTES for length in lengths if length.isdigit()):
        return _too_large()
    return None


class _Exchange:
    """The body of one request and the answer: both pass here, within limits."""

    def __init__(self, receive: Receive, send: Send, body_s: float) -> None:
        self.status: int = 0  # of the answer; 0: none was sent
        self._receive = receive
        self._send = send
        self._body_s = body_s
        self._problem: Problem | None = None  # with the body: it replaces any other answer
        self._is_read = False
        self._deadline: float | None = None
        self._count = 0

    async def receive(self) -> Message:
        """Return the next part of the body, or the end of the connection.

        Raises:
            Problem: the body is too large, or takes too long.
        """
        if self._is_read:
            return await self._receive()
        self._deadline = self._deadline or anyio.current_time() + self._body_s
        with anyio.CancelScope(deadline=self._deadline):
            message = await self._receive()
            self._count += len(message.get("body", b""))
            self._is_read = not message.get("more_body", False)
            if self._count > MAX_BODY_BYTES:
                raise self._refused(_too_large())
            return message
        what = f"the body took longer than {self._body_s:g} s"
        raise self._refused(Problem(HTTPStatus.REQUEST_TIMEOUT, "timeout", what))

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] != "http.response.start":
            if self._problem is None:
                await self._send(message)
            return
        if self._problem is not None:
            await self._answer(self._problem)
            return
        self.status = message["status"]
        await self._send({**message, "headers": _guarded(message.get("headers", ()))})

    def _refused(self, problem: Problem) -> Problem:
        if self.status == 0:
            self._problem = problem
        self._is_read = True
        return problem

    async def _answer(self, problem: Problem) -> None:
        """Answer with the problem, and have the connection closed: the rest of the body is not read."""
        response = problem.response()
        self.status = response.status_code
        headers = [*_guarded(response.raw_headers), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})


def _too_large() -> Problem:
    what = f"the body is larger than {MAX_BODY_BYTES // 1024**2} MiB"
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        what,
        hint="submit in several requests",
        headers={"Connection": "close"},
    )


def _guarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    known = list(headers)
    names = {name for name, _ in known}
    return [*known, *(one for one in _HEADERS if one[0] not in names)]


def _texts(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]

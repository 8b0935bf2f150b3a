"""Authentication of requests: by a token in `Authorization: Bearer`, or by a session of the page."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING

from fastapi import Request

from nox_cli.serve.guards.hosts import split
from nox_cli.serve.guards.own_token import TOKEN_FILE, own_token
from nox_cli.serve.page import sessions
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem, problem_of
from nox_cli.serve.state import state_of
from nox_cli.times import now_ms
from nox_cli.tokens.codes import redeem
from workers.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from nox_cli.serve.state import ServerState

__all__ = ["TOKEN_FILE", "cookie_name", "own_token", "require", "signed_in"]
_TOKEN = "Authorization: Bearer TOKEN, with a token of nox token new, or the server's own"  # noqa: S105
_MOST_COOKIES = 8
_SECRET = re.compile(r"nox_[A-Za-z0-9_-]{43}", re.ASCII)


def require(scope: Scope) -> Callable[[Request], Awaitable[Principal]]:
    """Make the dependency of a route that needs a scope; it returns the holder of the token.

    Its function raises Problem: 401 without a valid token, 403 for one of a lower scope, 429 after too many
    failures.  A valid token is never refused for failures of others at the same address.
    """

    async def authenticate(request: Request) -> Principal:
        principal = await _holder(request)
        request.state.token = principal.name
        if principal.scope < scope:
            wanted, found = scope.name.lower(), principal.scope.name.lower()
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "forbidden",
                f"this needs a token of scope {wanted}, and {principal.name} has {found}",
                hint=f"nox token new NAME --scope {wanted}",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'},
            )
        return principal

    return authenticate


def cookie_name(request: Request) -> str:
    """Name the cookie of a session after the port that the browser uses: ports of a host share cookies."""
    return f"nox_session_{split(request.headers['Host'])[1]}"


async def signed_in(request: Request, *, code: str | None, secret: str | None) -> Principal:
    """Find the holder of the token that a session is to represent.

    Args:
        request: the request.
        code: a one-time code, which means the server's own token, and is used up; None: there is none.
        secret: a token; None: there is none.

    Raises:
        Problem: neither is valid, or tokens or codes cannot be read.
    """
    state = state_of(request)
    await state.keyring.refresh()
    if not state.keyring.secret:
        what = "the server's own token is gone, so no session can begin"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "no_own_token", what, hint="start nox serve again")
    if code is not None:
        secret = state.keyring.secret if await _is_redeemed(state, code) else ""
    principal = await _find(request, secret or "")
    if principal is None:
        _refuse_rate(request)
        if code is None:
            what, hint = "the token is not valid, or no longer", "nox token new makes another token"
        else:
            what = "the code is not valid: it was used, or is older than 10 minutes"
            hint = "nox serve link prints another link"
        raise _unauthenticated(what, "Bearer", hint=hint)
    request.state.token = principal.name
    return principal


async def _is_redeemed(state: ServerState, code: str) -> bool:
    try:
        return await state.call(redeem, state.settings.home, code)
    except OSError as error:
        what = "the codes of the state directory cannot be read"
        state.log.warning(what, error=error)
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "no_codes", what) from None


async def _holder(request: Request) -> Principal:
    """Find the holder of a request's token or session.

    Raises:
        Problem: there is neither, or none that is valid, or tokens cannot be read.
    """
    sent = request.headers.getlist("Authorization")
    if not sent:
        return await _holder_of_session(request)
    kind, _, secret = sent[0].partition(" ")
    is_token = len(sent) == 1 and kind.lower() == "bearer"
    principal = await _find(request, secret.strip()) if is_token else None
    if principal is None:
        _refuse_rate(request)
        raise _unauthenticated("the token is not valid, or no longer", 'Bearer error="invalid_token"')
    return principal


async def _holder_of_session(request: Request) -> Principal:
    """Find the holder of the token of a session; raises as `_holder`."""
    keyring = state_of(request).keyring
    cookies, headers = _cookies(request), request.headers.getlist(sessions.HEADER)
    if not headers:  # a cookie alone may come from a page of another port
        raise _unauthenticated("a token is needed", "Bearer")
    await keyring.refresh()
    found = (sessions.read(cookie, headers[0], keyring.secret) for cookie in cookies)
    session = next(filter(None, found), None)
    if session is None and cookies:
        _refuse_rate(request)
    principal = None
    if session is not None and now_ms() < session.expires_ms:
        with _unnamed_store():
            principal = await keyring.holder(session.token_id)
    if session is None or principal is None:
        raise _unauthenticated("the session has ended", "Bearer", hint="nox serve link prints a link")
    return principal._replace(until_ms=session.expires_ms)


def _cookies(request: Request) -> list[str]:
    """Return the values of the cookies of a session: one is of this server, others of one below or above it.

    A server at `/` and one at `/nox/` have the same name for theirs, and a browser sends both to the latter.
    """
    pairs = (one.strip().partition("=") for one in request.headers.get("Cookie", "").split(";"))
    name = cookie_name(request)
    return [value for found, _, value in pairs if found == name][:_MOST_COOKIES]


async def _find(request: Request, secret: str) -> Principal | None:
    """Find the holder of a token; None: it is not valid.

    Raises:
        Problem: tokens cannot be read.
    """
    state = state_of(request)
    if not _SECRET.fullmatch(secret):
        return None
    with _unnamed_store():
        return await state.keyring.find(secret, waits=not state.failures.wait_s(_address(request)))


@contextmanager
def _unnamed_store() -> Iterator[None]:
    """Report a store that cannot be read, and not where it is, which is nothing for a stranger.

    Raises:
        Problem: it cannot be read.
    """
    try:
        yield
    except StoreError as error:
        problem = problem_of(error)
        problem.message, problem.hint = "the store cannot be read, so the token cannot be checked", ""
        raise problem from None


def _address(request: Request) -> str:
    return "local" if request.client is None else request.client.host


def _refuse_rate(request: Request) -> None:
    """Count a failure of an address.

    Raises:
        Problem: there were too many.
    """
    state, address = state_of(request), _address(request)
    if wait_s := state.failures.wait_s(address):
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_failures",
            "too many requests from this address had no valid token",
            hint="wait, and send a valid token; that is accepted at once",
            headers={"Retry-After": str(ceil(wait_s))},
        )
    state.failures.note(address)
    if state.failures.wait_s(address):
        state.log.warning("many requests have no valid token", client=address)


def _unauthenticated(what: str, challenge: str, hint: str = _TOKEN) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        what,
        hint=hint,
        headers={"WWW-Authenticate": challenge},
    )

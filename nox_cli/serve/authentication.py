"""Authentication of requests by a token in `Authorization: Bearer`."""

from __future__ import annotations

import re
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING

from fastapi import Request

from nox_cli.serve.guards.own_token import TOKEN_FILE, own_token
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem, problem_of
from nox_cli.serve.state import state_of
from workers.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nox_cli.serve.state import ServerState

__all__ = ["TOKEN_FILE", "own_token", "require"]
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


async def _holder(request: Request) -> Principal:
    """Find the holder of a request's token.

    Raises:
        Problem: there is no token, or no valid one, or tokens cannot be read.
    """
    state = state_of(request)
    sent = request.headers.getlist("Authorization")
    if not sent:
        raise _unauthenticated("a token is needed", "Bearer")
    kind, _, secret = sent[0].partition(" ")
    address = "local" if request.client is None else request.client.host
    wait_s = state.failures.wait_s(address)
    if len(sent) == 1 and kind.lower() == "bearer" and _SECRET.fullmatch(secret.strip()):
        try:
            principal = await state.keyring.find(secret.strip(), waits=not wait_s)
        except StoreError as error:  # its message names the store, which is nothing for a stranger
            problem = problem_of(error)
            problem.message, problem.hint = "the store cannot be read, so the token cannot be checked", ""
            raise problem from None
        if principal is not None:
            return principal
    _refuse_rate(state, address, wait_s)
    raise _unauthenticated("the token is not valid, or no longer", 'Bearer error="invalid_token"')


def _refuse_rate(state: ServerState, address: str, wait_s: float) -> None:
    """Count a failure of an address.

    Raises:
        Problem: there were too many.
    """
    if wait_s:
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


def _unauthenticated(what: str, challenge: str) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        what,
        hint="Authorization: Bearer TOKEN, with a token of nox token new, or the server's own",
        headers={"WWW-Authenticate": challenge},
    )

"""Authentication of requests by a token in `Authorization: Bearer`."""

from __future__ import annotations

import hmac
import os
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request

from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem
from nox_cli.serve.state import state_of
from workers.files import open_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

TOKEN_FILE = "serve.token"  # noqa: S105  a name
OWN = "server"


def own_token(home: Path) -> str:
    """Read the server's own token, which a file of mode 0600 keeps; make it the first time.

    Raises:
        OSError: the file cannot be read or written.
    """
    path = home / TOKEN_FILE
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(open_file(path, os.O_RDWR | os.O_CREAT), "r+", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        token = file.read().strip()
        if not token:
            token = f"nox_{secrets.token_urlsafe(32)}"
            file.write(f"{token}\n")
        return token


def require(scope: Scope) -> Callable[[Request], Awaitable[Principal]]:
    """Make the dependency of a route that needs a scope; it returns the holder of the token.

    Its function raises Problem: 401 without a valid token, 403 for one of a lower scope.
    """

    async def authenticate(request: Request) -> Principal:
        state = state_of(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        known = await state.call(own_token, state.settings.home)
        if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), known.encode()):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "unauthenticated",
                "a valid token is needed",
                hint="Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        principal = Principal(OWN, Scope.ADMIN, state.settings.owner)
        if principal.scope < scope:
            raise Problem(
                HTTPStatus.FORBIDDEN, "forbidden", f"this needs a token of scope {scope.name.lower()}"
            )
        return principal

    return authenticate

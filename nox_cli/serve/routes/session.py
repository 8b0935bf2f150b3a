"""The session of the page: signing in by a code or a token, and signing out."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from nox_cli.results.json_objects import Record, Time, closed
from nox_cli.serve.access import OpenBodyRoute, Reader
from nox_cli.serve.authentication import cookie_name, signed_in
from nox_cli.serve.documents import answer
from nox_cli.serve.page import sessions
from nox_cli.serve.principal import Principal
from nox_cli.serve.state import ServerState, State
from nox_cli.times import iso, now_ms

if TYPE_CHECKING:
    from typing import Self

router = APIRouter(prefix="/session", tags=["server"], route_class=OpenBodyRoute)


class SignIn(BaseModel):
    """The proof of who signs in: a code of `nox serve link`, or a token."""

    model_config = ConfigDict(extra="forbid")

    code: str | None = Field(None, max_length=255)
    token: str | None = Field(None, max_length=255)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.code is None) == (self.token is None):
            raise ValueError("give a code or a token")
        return self


@closed
class SessionRecord(Record):
    """The holder of a session or token."""

    token: str  # its name
    owner: str  # of the jobs that it sees and submits
    scope: str  # read, submit, admin
    read_only: bool  # whether the server refuses all changes
    expires_at: Time | None  # null: not before the token is revoked


@closed
class BegunSession(SessionRecord):
    """A session that begins."""

    csrf: str  # the value of the header X-Nox-CSRF in each request


@router.post("", summary="Sign in", response_model=BegunSession)
async def begin_session(request: Request, state: State, body: SignIn) -> Response:
    """Begin a session of 7 days: it has the owner, the scope and the ceilings of its token.

    A code of `nox serve link` means the server's own token.  The answer sets a cookie, which is valid
    together with the header `X-Nox-CSRF` only.
    """
    principal = await signed_in(request, code=body.code, secret=body.token)
    began_ms = now_ms()
    expires_ms = min(began_ms + sessions.VALID_MS, principal.until_ms or sys.maxsize)
    begun = sessions.begin(principal.token_id, expires_ms, state.keyring.secret)
    holder = principal._replace(until_ms=expires_ms)
    found = answer({**_record(state, holder), "csrf": begun.csrf})
    root = request.scope.get("root_path", "")
    found.set_cookie(
        cookie_name(request),
        begun.cookie,
        max_age=(expires_ms - began_ms) // 1_000,
        path=f"{root}/",
        secure=state.options.public_url.startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    return found


@router.get("", summary="Whose session or token this is", response_model=SessionRecord)
async def read_session(state: State, principal: Reader) -> Response:
    """Return whose jobs these are, and what may be done."""
    return answer(_record(state, principal))


@router.delete("", summary="Sign out", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def end_session(request: Request, _principal: Reader) -> Response:
    """Remove the cookie from the browser."""
    found = Response(status_code=HTTPStatus.NO_CONTENT)
    found.delete_cookie(cookie_name(request), path=f"{request.scope.get('root_path', '')}/")
    return found


def _record(state: ServerState, principal: Principal) -> SessionRecord:
    return {
        "token": principal.name,
        "owner": principal.owner,
        "scope": principal.scope.name.lower(),
        "read_only": state.options.read_only,
        "expires_at": iso(principal.until_ms),
    }

"""Dependencies by which routes state what they need of a token."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute

from nox_cli.serve.authentication import require
from nox_cli.serve.documents import JSON
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem
from nox_cli.serve.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request
    from starlette.responses import Response

# Of a body that is read before its sender is known.
_MOST_OPEN_BYTES = 4_096
Reader = Annotated[Principal, Depends(require(Scope.READ))]
Checker = Annotated[Principal, Depends(require(Scope.SUBMIT))]


def _writer(state: State, principal: Checker) -> Principal:
    """Refuse changes where the server only reads.

    Raises:
        Problem: it does.
    """
    if state.options.read_only:
        what = "this server was started with --read-only; nothing was changed"
        raise Problem(HTTPStatus.FORBIDDEN, "read_only", what)
    return principal


Submitter = Annotated[Principal, Depends(_writer)]


class BodyRoute(APIRoute):
    """A route with a JSON body for tokens that may submit.

    FastAPI reads a body before it looks at any dependency, so the token is looked at first.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Make the handler of requests."""
        authenticate, handle = require(Scope.SUBMIT), super().get_route_handler()

        async def checked(request: Request) -> Response:
            await authenticate(request)
            if self.body_field is not None:
                _refuse_other_types(request)
            return await handle(request)

        return checked


class OpenBodyRoute(APIRoute):
    """A route with a small JSON body that needs no token."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Make the handler of requests."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if self.body_field is not None:
                _refuse_other_types(request)
                length = request.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length[:20]) > _MOST_OPEN_BYTES:
                    what = f"the body is larger than {_MOST_OPEN_BYTES:,} bytes, or of unknown length"
                    raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", what)
            return await handle(request)

        return checked


def _refuse_other_types(request: Request) -> None:
    """Check that a body is JSON, which pages of other origins cannot send without asking first.

    Raises:
        Problem: it is not.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        what = f'a body of type "{kind[:80]}" is not read'
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type", what, hint=JSON)

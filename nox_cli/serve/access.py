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
            kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if self.body_field is not None and kind != JSON:
                what = f'a body of type "{kind[:80]}" is not read'
                raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type", what, hint=JSON)
            return await handle(request)

        return checked

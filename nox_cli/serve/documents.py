"""Responses with the JSON documents that commands write."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from nox_cli.render.json import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer(
    document: Mapping[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Make a response of one JSON object, as commands write it."""
    return Response(dumps(document), status, {**HEADERS, **(headers or {})}, media_type)

"""Responses: the documents that commands write, and lists as JSON, NDJSON, CSV or xyz."""

from __future__ import annotations

import json
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import Response, StreamingResponse

from nox_cli.render.json import SCHEMA, dumps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping


JSON, NDJSON, CSV, XYZ = "application/json", "application/x-ndjson", "text/csv", "chemical/x-xyz"
# Lines that one look into the store gives, and one piece of a response has.
_LINES = 500
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer(
    document: Mapping[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Make a response of one JSON object, as commands write it."""
    return Response(dumps(document), status, {**HEADERS, **(headers or {})}, media_type)


def json_lines(items: Iterable[Mapping[str, Any]], rest: Callable[[], Mapping[str, Any]]) -> Iterator[str]:
    """Write one JSON object, `{"schema", "items", ...}`, an item a line.

    Args:
        items: the items.
        rest: the further members, which are known once the items have been read.
    """
    yield f'{{"schema": {SCHEMA}, "items": ['
    before = ""
    for item in items:
        yield before + dumps(item)
        before = ","
    yield f"], {json.dumps(rest(), allow_nan=False)[1:]}"


class Caller(Protocol):
    """Does work that blocks in a thread, as the state of a server does."""

    async def call(self, work: Callable[[], str], /) -> str:
        """Return the result of the work."""


async def streamed(
    state: Caller, lines: Iterator[str], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Send lines as they are read, some at a time; raises what reading the first of them raises."""

    def take() -> str:
        return "".join(f"{line}\n" for line in islice(lines, _LINES))

    first = await state.call(take)

    async def pieces() -> AsyncIterator[str]:
        piece = first
        while piece:
            yield piece
            piece = await state.call(take)

    charset = "; charset=utf-8" if media_type == CSV else ""
    return StreamingResponse(
        pieces(), headers={**HEADERS, **(headers or {})}, media_type=media_type + charset
    )

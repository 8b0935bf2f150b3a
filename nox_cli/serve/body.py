"""Bodies of requests: read within limits of size and time."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from nox_cli.inputs.files import MAX_FILE_BYTES
from nox_cli.serve.problems import Problem

if TYPE_CHECKING:
    from fastapi import Request

READ_S = 30.0
_TOO_LARGE = f"the body is larger than {MAX_FILE_BYTES // 1024**2} MiB"


async def read_body(request: Request) -> bytes:
    """Read the body of a request.

    Raises:
        Problem: it is too large, packed, or takes too long.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "packed", "the body must not be packed")
    length = request.headers.get("Content-Length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_FILE_BYTES:
        raise _too_large()
    found = bytearray()
    with anyio.move_on_after(READ_S):
        async for piece in request.stream():
            found += piece
            if len(found) > MAX_FILE_BYTES:
                raise _too_large()
        return bytes(found)
    raise Problem(HTTPStatus.REQUEST_TIMEOUT, "timeout", f"the body took longer than {READ_S:g} s")


def _too_large() -> Problem:
    hint = "submit in several requests"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _TOO_LARGE, hint=hint)

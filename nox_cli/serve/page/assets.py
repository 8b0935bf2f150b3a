"""The files of the page: read once, and served to everyone, since they hold no data."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from nox_cli.serve.problems import Problem
from nox_cli.serve.ranges import is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(include_in_schema=False)
_STATIC = Path(__file__).parent / "static"
_INDEX = "index.html"
_LEVEL = 6  # all files take 26 ms once, and a third of their size: they often come through ssh
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    # No text becomes HTML or a script; lib/vendor.js makes the addresses of the scripts of others.
    "require-trusted-types-for 'script'; trusted-types vendor"
)
_HEADERS = {
    "Cache-Control": "no-cache",  # a browser asks whether its copy is still right
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


class _Asset(NamedTuple):
    """A file of the page."""

    content: bytes
    packed: bytes  # by gzip
    headers: Mapping[str, str]


@router.get("/")
async def read_index(request: Request) -> Response:
    """Return the page."""
    return _answer(request, _INDEX)


@router.get("/page/{path:path}")
async def read_asset(request: Request, path: str) -> Response:
    """Return a file of the page, by its name below `static`."""
    return _answer(request, "" if path == _INDEX else path)


def _answer(request: Request, path: str) -> Response:
    asset = assets().get(path)
    if asset is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "the page has no such file")
    if is_known(request.headers, asset.headers["ETag"].removeprefix("W/")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=asset.headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(asset.packed, headers={**asset.headers, "Content-Encoding": "gzip"})
    return Response(asset.content, headers=asset.headers)


@cache
def assets() -> Mapping[str, _Asset]:
    """Read the files of the page; no other file can be named by a request."""
    files = (path for path in _STATIC.rglob("*") if path.suffix in _TYPES)
    return {path.relative_to(_STATIC).as_posix(): _read(path) for path in files}


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    etag = f'W/"{hashlib.sha256(content).hexdigest()}"'  # weak, since it is also that of the packed content
    headers = {**_HEADERS, "ETag": etag, "Content-Type": _TYPES[path.suffix], "Vary": "Accept-Encoding"}
    return _Asset(content, gzip.compress(content, _LEVEL, mtime=0), headers)

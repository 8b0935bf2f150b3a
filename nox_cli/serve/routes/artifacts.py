"""The files that jobs left."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from nox_cli.results.artifacts import Content, list_artifacts, read_artifact
from nox_cli.results.json_objects import ListedArtifact, Page
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal
from nox_cli.serve.ranges import Unsatisfiable, cut, is_known, wanted
from nox_cli.serve.selection import JobName, visible_job
from nox_cli.serve.state import ServerState, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

router = APIRouter(prefix="/jobs/{job}/artifacts", tags=["artifacts"])
Attempt = Annotated[int | None, Query(ge=1, description="An earlier attempt; usually that of the result.")]
# The type of a file is fixed by the end of its name, and is never one that a browser runs.
_TYPES = {
    ".xyz": "chemical/x-xyz",
    ".json": "application/json",
    ".log": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_BYTES = "application/octet-stream"


@router.get("", summary="The artifacts of a job", response_model=Page[ListedArtifact])
async def list_artifacts_of_job(
    job: JobName, state: State, principal: Reader, attempt: Attempt = None
) -> Response:
    """List names, sizes and checksums, as `nox fetch --ls` does."""
    return await state.call(_list, state, job, principal, attempt)


@router.get(
    "/{name}",
    summary="The content of an artifact",
    response_class=Response,
    responses={
        200: {"content": {_BYTES: {}}, "description": "The file; its ETag is its SHA-256."},
        206: {"description": "The range that was asked for."},
        304: {"description": "The client has it already."},
        416: {"description": "The range is outside of the file."},
    },
)
async def read_artifact_of_job(
    request: Request,
    job: JobName,
    name: Annotated[str, Path(max_length=255, examples=["opt.xyz"])],
    state: State,
    principal: Reader,
    attempt: Attempt = None,
) -> Response:
    """Read a file as an attachment.  A connection that ends early means that its checksum was wrong."""
    content = await state.call(_find, state, job, name, principal, attempt)
    etag = f'"{content.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request.headers, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    size, status = content.size, HTTPStatus.OK
    try:
        part = wanted(request.headers, etag, size)
    except Unsatisfiable:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    pieces = content.pieces
    if part is not None:
        start, end = part
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        pieces, size, status = cut(pieces, start, end), end - start, HTTPStatus.PARTIAL_CONTENT
    headers["Content-Length"] = str(size)
    kind = next((kind for end, kind in _TYPES.items() if name.endswith(end)), _BYTES)
    return StreamingResponse(_sent(state, pieces), status, headers, kind)


def _list(state: ServerState, word: str, principal: Principal, attempt: int | None) -> Response:
    job = visible_job(state.store_of(principal), word, principal)
    return answer(list_artifacts(state.store_of(principal), [job], attempt).document())


def _find(state: ServerState, word: str, name: str, principal: Principal, attempt: int | None) -> Content:
    store = state.store_of(principal)
    return read_artifact(store, visible_job(store, word, principal), name, attempt)


async def _sent(state: ServerState, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await state.call(next, pieces, None)) is not None:
        yield piece

"""The log of a job: as text, or as server-sent events while it grows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import PlainTextResponse, Response

from nox_cli.serve.authentication import require
from nox_cli.serve.documents import HEADERS
from nox_cli.serve.hub import Subscription
from nox_cli.serve.log_stream import LogReader, log_blocks
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.selection import JobName, visible_job
from nox_cli.serve.state import ServerState, State
from nox_cli.serve.streams import opened
from nox_cli.text import safe_lines
from nox_cli.watch.logs import LogPlace, log_of, tail
from workers.errors import UsageError

router = APIRouter(prefix="/jobs", tags=["events"])
_STREAM = "text/event-stream"


@router.get(
    "/{job}/log",
    summary="What the engine printed",
    response_class=PlainTextResponse,
    responses={200: {"content": {_STREAM: {"schema": {"type": "string"}}}}},
)
async def read_log(
    request: Request,
    job: JobName,
    state: State,
    principal: Annotated[Principal, Depends(require(Scope.READ))],
    attempt: Annotated[int | None, Query(ge=1, le=10**9, description="Of this attempt.")] = None,
    lines: Annotated[int | None, Query(ge=0, le=10**9, description="The last lines only.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> Response:
    """Return the log as text; with `Accept: text/event-stream`, follow it until the job has ended.

    The id of each event is the attempt and the number of bytes so far: `1:2048`.
    """
    if _STREAM not in request.headers.get("Accept", ""):
        text = await state.call(_text, state, job, principal, attempt, lines)
        return PlainTextResponse(text, headers=HEADERS)
    if attempt is not None or lines is not None:
        raise UsageError(
            "a log is followed from its beginning, or from Last-Event-ID on",
            hint="leave out attempt and lines",
        )
    reader = await state.call(_reader, state, job, principal, last_event_id)
    wanted = Subscription(owner=reader.job.owner, job_id=reader.job.id, holder=principal.token_id)
    return opened(state.hub, principal, log_blocks(state.hub, wanted, reader))


def _text(state: ServerState, word: str, principal: Principal, attempt: int | None, lines: int | None) -> str:
    job = visible_job(state.store_of(principal), word, principal)
    log = log_of(state.store_of(principal), job, LogPlace.here(state.settings.artifacts), attempt=attempt)
    return safe_lines((log if lines is None else tail(log, lines)).decode(errors="backslashreplace"))


def _reader(state: ServerState, word: str, principal: Principal, position: str | None) -> LogReader:
    """Find the log that is to be followed, and refuse one that cannot be read here."""
    job = visible_job(state.store_of(principal), word, principal)
    reader = LogReader(state.store_of(principal), LogPlace.here(state.settings.artifacts), job)
    if position:
        reader.resume(position)
    reader.read()
    return reader

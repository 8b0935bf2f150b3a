"""Events of jobs as they happen, as server-sent events."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from nox_cli.serve.authentication import require
from nox_cli.serve.hub import Subscription
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.selection import JobName, visible_job
from nox_cli.serve.sse import event_blocks
from nox_cli.serve.state import ServerState, State
from nox_cli.serve.streams import opened
from nox_cli.values import states

router = APIRouter(tags=["events"])
Reader = Annotated[Principal, Depends(require(Scope.READ))]
STREAM: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {
        "description": "Server-sent events; the id of each is a cursor.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_MOST_CURSOR, _MOST_TEXT = 40, 4_096
Since = Annotated[
    str | None,
    Query(
        max_length=_MOST_CURSOR,
        description="Begin after this cursor; 0: with all that is stored.  Without it, from now on.",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(max_length=_MOST_CURSOR, description="The last cursor that a client got; it wins over `since`."),
]


@router.get("/events", summary="Changes of jobs as they happen", response_class=Response, responses=STREAM)
async def stream_events(
    state: State,
    principal: Reader,
    batch: Annotated[str, Query(max_length=_MOST_TEXT, description="Of the jobs of this batch only.")] = "",
    job_states: Annotated[
        list[str] | None,
        Query(alias="state", max_length=20, description="Changes to these states only, public or raw."),
    ] = None,
    since: Since = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream the changes of all jobs that the token sees, each as a line of `nox events`.

    After a cursor that is no longer stored comes an event `gap`, then the state of each job as an event
    `snapshot`.
    """
    wanted = Subscription(
        owner=None if principal.sees_all else principal.owner,
        batch=batch,
        states=states(job_states or []),
        cursor=last_event_id or since,
        holder=principal.token_id,
    )
    await _check(state, principal, since if wanted.cursor == since else None)
    return opened(state.hub, principal, event_blocks(state.hub, wanted))


@router.get("/jobs/{job}/events", summary="Changes of one job", response_class=Response, responses=STREAM)
async def stream_job_events(
    job: JobName,
    state: State,
    principal: Reader,
    since: Since = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream the state of a job, then its changes; an event `end` follows the last of them."""
    found = await state.call(lambda: visible_job(state.store_of(principal), job, principal))
    wanted = Subscription(
        owner=found.owner,
        job_id=found.id,
        cursor=last_event_id or since,
        is_shown=True,
        holder=principal.token_id,
    )
    await _check(state, principal, since if wanted.cursor == since else None)
    return opened(state.hub, principal, event_blocks(state.hub, wanted))


async def _check(state: ServerState, principal: Principal, cursor: str | None) -> None:
    """Check what is to be refused before a stream begins.

    Raises:
        UsageError: the cursor is not one of this store's.
        StoreError: the store cannot be read.
    """
    await state.call(lambda: state.store_of(principal).events(cursor, limit=1))

"""The health of the server: it lives, and jobs that it takes would run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends
from starlette.responses import Response

from nox_cli.results.json_objects import Record, closed
from nox_cli.serve.authentication import require
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.state import ServerState, State
from workers.errors import StoreError

router = APIRouter(prefix="/health", tags=["server"])
ANSWER_S = 1.0


@closed
class Live(Record):
    """The answer of a process that lives."""

    live: bool


@closed
class Ready(Record):
    """The answer on whether jobs would run, and what there is of that."""

    ready: bool
    store: bool
    worker: bool
    engine: bool


@router.get("/live", summary="The process lives", response_model=Live)
async def live() -> Response:
    """Answer without a token, and without the store."""
    return answer({"live": True})


@router.get(
    "/ready",
    summary="Jobs are taken, and would run",
    response_model=Ready,
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Ready}},
)
async def ready(state: State, principal: Annotated[Principal, Depends(require(Scope.READ))]) -> Response:
    """Answer 200 if the store answers within a second, and a worker with an engine lives; else 503."""
    found = {"store": False, "worker": False, "engine": False}
    with anyio.move_on_after(ANSWER_S):
        found = await state.call(_look, state, principal)
    is_ready = all(found.values())
    return answer({"ready": is_ready, **found}, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _look(state: ServerState, principal: Principal) -> dict[str, bool]:
    try:
        beats = [worker.beat for worker in state.store_of(principal).workers() if worker.alive]
    except StoreError:
        return {"store": False, "worker": False, "engine": False}
    engines = frozenset[str]().union(*(beat.engines for beat in beats)) - {"echo"}
    return {"store": True, "worker": bool(beats), "engine": bool(engines)}

"""The jobs of a batch, counted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from nox_cli.results.json_objects import Record, closed
from nox_cli.serve.authentication import require
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.state import State
from nox_cli.serve.waits import WaitS, ended_batch
from workers.job import JobState, PublicState

router = APIRouter(prefix="/batches", tags=["jobs"])


@closed
class BatchRecord(Record):
    """The number of jobs of a batch in each public and each raw state, and of those that have not ended."""

    batch: str
    counts: dict[PublicState, int]
    raw_counts: dict[JobState, int]
    unfinished: int


@router.get("/{batch}", summary="The number of jobs of a batch in each state", response_model=BatchRecord)
async def read_batch(
    batch: Annotated[str, Path(max_length=4_096)],
    state: State,
    principal: Annotated[Principal, Depends(require(Scope.READ))],
    wait_s: WaitS = 0.0,
) -> Response:
    """Count the jobs of a batch that the token sees, by public state and by raw state."""
    return answer((await ended_batch(state, batch, principal, wait_s)).document)

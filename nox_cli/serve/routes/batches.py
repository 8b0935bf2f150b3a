"""The jobs of batches, counted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from nox_cli.results.json_objects import Page, Record, closed
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.state import State
from nox_cli.serve.waits import BatchCounts, WaitS, ended_batch
from workers.job import JobState, PublicState
from workers.store.base import MAX_BATCHES

router = APIRouter(prefix="/batches", tags=["jobs"])


@closed
class BatchRecord(Record):
    """The number of jobs of a batch in each public and each raw state, and of those that have not ended."""

    batch: str
    counts: dict[PublicState, int]
    raw_counts: dict[JobState, int]
    unfinished: int


@router.get("", summary="The newest batches", response_model=Page[BatchRecord])
async def list_batches(
    state: State, principal: Reader, limit: Annotated[int, Query(ge=1, le=MAX_BATCHES)] = 50
) -> Response:
    """Count the jobs of the newest batches that the token sees; the batch with the newest job comes first.

    The answer is at most a second old.
    """
    found = await state.call(state.readings.batches, principal.sees, limit)
    items = [BatchCounts(batch, counts).document for batch, counts in found.items()]
    return answer({"items": items, "cursor": None})


@router.get("/{batch}", summary="The number of jobs of a batch in each state", response_model=BatchRecord)
async def read_batch(
    batch: Annotated[str, Path(max_length=4_096)],
    state: State,
    principal: Reader,
    wait_s: WaitS = 0.0,
) -> Response:
    """Count the jobs of a batch that the token sees, by public state and by raw state."""
    return answer((await ended_batch(state, batch, principal, wait_s)).document)

"""The jobs at a glance: their progress, and the workers that run them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from nox_cli.doctor.json_objects import WorkforceFindings
from nox_cli.results.json_objects import Batch, Page, Record, closed
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.state import ServerState, State
from nox_cli.watch.json_objects import BatchProgressRecord, RunningRecord
from workers.errors import NothingMatched

router = APIRouter()
OfBatch = Annotated[str, Query(max_length=4_096, description="Only the jobs of this batch.")]


@closed
class ProgressRecord(BatchProgressRecord, Record):
    """The progress of all jobs that a token sees, or of those of a batch."""

    owner: Annotated[str | None, Field(description="The owner of the jobs; null: all owners.")]
    batch: Batch


@router.get("/progress", tags=["jobs"], summary="The progress of jobs", response_model=ProgressRecord)
async def read_progress(
    state: State,
    principal: Reader,
    batch: OfBatch = "",
) -> Response:
    """Return counts, rate, estimate, failures by reason, and the jobs that stand out, as `nox status` does.

    The counts are as they are.  The rest is read again after a second, or later where that would take more
    than 2 % of the time.
    """
    return await state.call(_progress, state, principal.sees, batch)


@router.get("/running", tags=["jobs"], summary="Jobs that run", response_model=Page[RunningRecord])
async def list_running_jobs(
    state: State, principal: Reader, batch: OfBatch = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> Response:
    """Return the jobs that have run longest, with the gradient norms of the last steps of optimisations.

    The answer is at most a second old.
    """
    found = await state.call(state.readings.running, principal.sees, batch, limit)
    return answer(found.document())


@router.get("/workforce", tags=["server"], summary="Workers and their jobs", response_model=WorkforceFindings)
async def read_workers(
    state: State,
    principal: Reader,
    *,
    jobs: Annotated[bool, Query(description="Name the jobs that run on each worker, up to 10,000.")] = True,
) -> Response:
    """Return the workers of the last day, also those that are gone, and what `nox doctor` finds about them.

    The answer is at most a second old.
    """
    return answer(await state.call(state.readings.workforce, principal.sees, jobs=jobs))


def _progress(state: ServerState, owner: str | None, batch: str) -> Response:
    found = state.readings.progress(owner, batch)
    if batch and not found.total:
        raise NothingMatched(f"there is no job in batch {batch[:80]}")
    return answer({"owner": owner, "batch": batch or None, **found.document()})

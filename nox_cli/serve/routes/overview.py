"""The jobs at a glance: their progress, and the workers that run them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from nox_cli.doctor.json_objects import WorkforceFindings
from nox_cli.results.json_objects import Batch, Record, closed
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.state import ServerState, State
from nox_cli.watch.json_objects import BatchProgressRecord
from workers.errors import NothingMatched

router = APIRouter()


@closed
class ProgressRecord(BatchProgressRecord, Record):
    """The progress of all jobs that a token sees, or of those of a batch."""

    batch: Batch


@router.get("/progress", tags=["jobs"], summary="The progress of jobs", response_model=ProgressRecord)
async def read_progress(
    state: State,
    principal: Reader,
    batch: Annotated[str, Query(max_length=4_096, description="Only the jobs of this batch.")] = "",
) -> Response:
    """Return counts, rate, estimate, failures by reason, and the jobs that stand out, as `nox status` does.

    The answer is at most a second old.
    """
    return await state.call(_progress, state, principal.sees, batch)


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
    return answer({"batch": batch or None, **found.document()})

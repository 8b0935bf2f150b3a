"""The jobs of a batch, counted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from nox_cli.serve.authentication import require
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.state import State
from nox_cli.serve.waits import WaitS, ended_batch

router = APIRouter(prefix="/batches", tags=["jobs"])


@router.get("/{batch}", summary="The number of jobs of a batch in each state")
async def read_batch(
    batch: Annotated[str, Path(max_length=4_096)],
    state: State,
    principal: Annotated[Principal, Depends(require(Scope.READ))],
    wait_s: WaitS = 0.0,
) -> Response:
    """Count the jobs of a batch that the token sees, by public state and by raw state."""
    return answer((await ended_batch(state, batch, principal, wait_s)).document)

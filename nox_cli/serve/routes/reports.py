"""Reports on one job: its infrared spectrum, and how it is cited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from nox_cli.plots.json_objects import SpectrumRecord
from nox_cli.plots.query import PlotOptions
from nox_cli.plots.spectrum import MAX_WIDTH_CM1, WIDTH_CM1, read_spectrum
from nox_cli.results.citations import cite
from nox_cli.results.json_objects import CitationRecord, closed
from nox_cli.results.rows import rows_of
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal
from nox_cli.serve.selection import JobName, visible_job
from nox_cli.serve.state import ServerState, State

router = APIRouter(prefix="/jobs", tags=["results"])
Width = Annotated[
    float,
    Query(
        ge=0.0,
        le=MAX_WIDTH_CM1,
        allow_inf_nan=False,
        description="Width of the lines at half height, in cm-1; 0: modes only.",
    ),
]


@closed
class CitationReport(CitationRecord):
    """The output of `nox cite --json`, and its references as BibTeX."""

    bibtex: str


@router.get("/{job}/spectrum", summary="The infrared spectrum of a job", response_model=SpectrumRecord)
async def read_spectrum_of_job(
    job: JobName, state: State, principal: Reader, width: Width = WIDTH_CM1
) -> Response:
    """Return the modes of a job and the curve that `nox plot` draws of them."""
    return await state.call(_spectrum, state, job, principal, width)


@router.get("/{job}/citation", summary="How a job is cited", response_model=CitationReport)
async def read_citation_of_job(job: JobName, state: State, principal: Reader) -> Response:
    """Return the methods sentences of a job and their references, as `nox cite` does."""
    return await state.call(_citation, state, job, principal)


def _spectrum(state: ServerState, word: str, principal: Principal, width_cm1: float) -> Response:
    PlotOptions(width=width_cm1).check()
    store = state.store_of(principal)
    (row,) = rows_of(store, [visible_job(store, word, principal).id])
    return answer(read_spectrum(row).document(width_cm1))


def _citation(state: ServerState, word: str, principal: Principal) -> Response:
    store = state.store_of(principal)
    found = cite(store, [visible_job(store, word, principal).id])
    return answer({**found.document(), "bibtex": found.bibtex()})

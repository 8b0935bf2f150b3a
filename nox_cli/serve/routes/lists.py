"""Lists: of jobs by filter, and of results by selector."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from nox_cli.commandline.list_options import FILTERS
from nox_cli.commandline.result_options import COMPARISON, CONDITIONS, RESULTS
from nox_cli.counts import by_public_state
from nox_cli.render import listing, results
from nox_cli.render.json import dumps
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.job_list import JobFilters, Listing
from nox_cli.results.json_objects import JobRecord, Page, Record, ResultRow, closed
from nox_cli.results.query import Results, ResultsOptions, read_results
from nox_cli.results.thermochemistry import Conditions
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import CSV, JSON, NDJSON, XYZ, answer, json_lines, streamed
from nox_cli.serve.parameters import Options, query
from nox_cli.serve.principal import Principal
from nox_cli.serve.problems import Problem
from nox_cli.serve.selection import Selector, filtered_jobs, visible_jobs
from nox_cli.serve.state import ServerState, State
from workers.errors import UsageError
from workers.job import JobState, PublicState
from workers.store.values import SortKey

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter()
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {}, CSV: {}}, "description": "By the Accept header: JSON, NDJSON or CSV."}
}
_RESULT_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {NDJSON: {}, CSV: {}, XYZ: {}},
        "description": "By the Accept header: JSON, NDJSON, CSV, or final geometries as extended xyz.",
    }
}
_CHOSEN = (Selector | None, None)
ListQuery = Annotated[
    tuple[Any, ...],
    Depends(
        query(
            "ListParameters",
            Options(JobFilters, FILTERS),
            selector=_CHOSEN,
            from_number=(
                Annotated[
                    int | None,
                    Field(ge=0, le=2**53, description="By number or creation: begin at this number."),
                ],
                None,
            ),
            failures=(
                Annotated[bool, Field(description="JSON: with the message and the hint of each failure.")],
                False,
            ),
        )
    ),
]
# What does not change the number of jobs.
_SHAPE = frozenset({"limit", "cursor", "columns"})
CountQuery = Annotated[
    tuple[Any, ...],
    Depends(query("CountParameters", Options(JobFilters, FILTERS, _SHAPE), selector=_CHOSEN)),
]
ResultsQuery = Annotated[
    tuple[Any, ...],
    Depends(
        query(
            "ResultsParameters",
            Options(ResultsOptions, RESULTS),
            Options(ComparisonOptions, COMPARISON),
            Options(Conditions, CONDITIONS),
            selector=(Selector, ["@last"]),
            raw=(Annotated[bool, Field(description="CSV: write text unchanged, even formulas.")], False),
        )
    ),
]


@closed
class ResultPage(Page[ResultRow]):
    """Results, and the remarks that the command writes on stderr."""

    remarks: list[str]


@closed
class ListedJob(JobRecord):
    """A job of a list, with the hint of its failure if `failures` is set."""

    hint: NotRequired[str]


@closed
class JobCounts(Record):
    """The number of jobs of a list, and by state those of its owner and batch."""

    count: int | None  # null: the counters of the store do not know
    counts: dict[PublicState, int]
    raw_counts: dict[JobState, int]


@router.get(
    "/jobs",
    tags=["jobs"],
    summary="Jobs, newest first",
    response_model=Page[ListedJob],
    responses=_FORMS,
)
async def list_all_jobs(request: Request, state: State, principal: Reader, parameters: ListQuery) -> Response:
    """List jobs as `nox list` does; `cursor` of the JSON form continues the list."""
    form = _accepted(request)
    filters, words, from_number, with_failures = parameters
    found = await state.call(_listed, state, principal, filters, words or ())
    if from_number is not None:
        if found.query.sort not in {SortKey.NUMBER, SortKey.CREATED}:
            raise UsageError("from_number needs a list that is sorted by number or created")
        found.query = found.query._replace(from_number=from_number)
    if form == CSV:
        return await streamed(state, listing.table(found).csv(), CSV)
    items = found.explained() if with_failures else listing.lines(found)
    if form == NDJSON:
        return await streamed(state, map(dumps, items), NDJSON)
    return await streamed(state, json_lines(items, lambda: {"cursor": found.cursor or None}), JSON)


@router.get("/counts", tags=["jobs"], summary="The number of jobs of a list", response_model=JobCounts)
async def count_jobs(state: State, principal: Reader, parameters: CountQuery) -> Response:
    """Count the jobs of a list of `GET /jobs`, and by state those of the same owner and batch.

    The counters of the store know the jobs of an owner, a batch and states; other filters make `count` null.
    """
    filters, words = parameters
    return answer(await state.call(_counted, state, principal, filters, words or ()))


@router.get(
    "/results",
    tags=["results"],
    summary="The numbers of jobs",
    response_model=ResultPage,
    responses=_RESULT_FORMS,
)
async def list_results(
    request: Request, state: State, principal: Reader, parameters: ResultsQuery
) -> Response:
    """Return what `nox results` shows, with its columns, units and comparisons.

    The JSON form has the remarks that the command writes on stderr.
    """
    form = _accepted(request, (JSON, NDJSON, CSV, XYZ))
    found = await state.call(_results, state, principal, parameters, geometries=form == XYZ)
    if form == XYZ:
        return await streamed(state, results.extxyz(found), XYZ)
    if form == CSV:
        return await streamed(state, results.table(found).csv(), CSV)
    if form == NDJSON:
        return await streamed(state, map(dumps, found.items()), NDJSON)
    return await streamed(state, json_lines(found.items(), lambda: _rest(found)), JSON)


def _listed(state: ServerState, principal: Principal, filters: JobFilters, words: Sequence[str]) -> Listing:
    filters.check()
    return filtered_jobs(state.store_of(principal), words, filters, principal)


def _counted(
    state: ServerState, principal: Principal, filters: JobFilters, words: Sequence[str]
) -> dict[str, Any]:
    found = _listed(state, principal, filters, words)
    query = found.query
    counts = found.store.counts(owner=query.owner, batch=query.batch)
    return {"count": found.total(), "counts": by_public_state(counts), "raw_counts": dict(counts)}


def _results(
    state: ServerState, principal: Principal, parameters: tuple[Any, ...], *, geometries: bool
) -> Results:
    options, compared, conditions, words, raw = parameters
    compared.check()
    options.named(compared)
    jobs = visible_jobs(state.store_of(principal), words, principal)
    found = read_results(
        state.store_of(principal), jobs, options, compared, conditions, geometries=geometries
    )
    found.raw = raw
    return found


def _rest(found: Results) -> dict[str, Any]:
    """Return what is known once the rows have been read.

    Raises:
        NothingMatched: no job has the attempt that was asked for.
    """
    _ = found.exit
    return {"cursor": None, "remarks": list(results.remarks(found))}


def _accepted(request: Request, offered: Sequence[str] = (JSON, NDJSON, CSV)) -> str:
    """Choose the form of a list: the first that the client names and nox has; JSON if it names none.

    Raises:
        Problem: the client names others only.
    """
    wanted = [part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")]
    found = next((kind for kind in wanted if kind in offered), None)
    if found is not None:
        return found
    if {"", "*/*", "application/*"}.intersection(wanted):
        return JSON
    hint = f"one of {', '.join(offered)}"
    raise Problem(HTTPStatus.NOT_ACCEPTABLE, "not_acceptable", "no such form of output", hint=hint)

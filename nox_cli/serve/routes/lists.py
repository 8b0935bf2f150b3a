"""Lists: of jobs by filter, and of results by selector."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from nox_cli.commandline.list_options import FILTERS
from nox_cli.commandline.result_options import COMPARISON, CONDITIONS, RESULTS
from nox_cli.render import listing, results
from nox_cli.render.json import dumps
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.job_list import JobFilters, list_jobs
from nox_cli.results.json_objects import JobRecord, Page, ResultRow, closed
from nox_cli.results.query import Results, ResultsOptions, read_results
from nox_cli.results.thermochemistry import Conditions
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import CSV, JSON, NDJSON, XYZ, json_lines, streamed
from nox_cli.serve.parameters import Options, query
from nox_cli.serve.principal import Principal
from nox_cli.serve.problems import Problem
from nox_cli.serve.selection import Selector, visible_jobs
from nox_cli.serve.state import ServerState, State

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
ListQuery = Annotated[tuple[Any, ...], Depends(query("ListParameters", Options(JobFilters, FILTERS)))]
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


@router.get(
    "/jobs",
    tags=["jobs"],
    summary="Jobs, newest first",
    response_model=Page[JobRecord],
    responses=_FORMS,
)
async def list_all_jobs(request: Request, state: State, principal: Reader, parameters: ListQuery) -> Response:
    """List jobs as `nox list` does; `cursor` of the JSON form continues the list."""
    form = _accepted(request)
    (filters,) = parameters
    if filters.all_users and not principal.sees_all:
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "all_users needs a token that sees all jobs")
    filters.check()
    found = list_jobs(await state.call(lambda: state.store_of(principal)), principal.owner, filters)
    if form == CSV:
        return await streamed(state, listing.table(found).csv(), CSV)
    items = listing.lines(found)
    if form == NDJSON:
        return await streamed(state, map(dumps, items), NDJSON)
    return await streamed(state, json_lines(items, lambda: {"cursor": found.cursor or None}), JSON)


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

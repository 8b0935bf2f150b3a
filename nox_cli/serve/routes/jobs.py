"""Submitting jobs, and reading one of them."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from nox_cli.commandline.job_options import START, SUBMIT, UNIQUE
from nox_cli.results.convergence import convergence
from nox_cli.results.json_objects import ConvergenceRecord, PublicJob, WholeJob
from nox_cli.serve import submission
from nox_cli.serve.access import Checker, Reader, Submitter
from nox_cli.serve.documents import answer
from nox_cli.serve.parameters import Options, query
from nox_cli.serve.principal import Principal
from nox_cli.serve.ranges import is_known
from nox_cli.serve.selection import JobName, visible_job
from nox_cli.serve.state import ServerState, State
from nox_cli.serve.submission import AcceptedJob, AcceptedJobs, CheckedJobs, Submit
from nox_cli.serve.waits import WaitS, ended_job
from nox_cli.submission.options import StartOptions, SubmitOptions, UniqueOptions
from nox_cli.watch.explanation import explain
from nox_cli.watch.json_objects import Explanation
from nox_cli.watch.status import StatusOptions, read_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.store.base import Store

router = APIRouter(prefix="/jobs", tags=["jobs"])
# Options that name files of the server, and those that a body makes superfluous.
_OF_FILES = frozenset({"input", "files_from", "skip_bad", "allow_empty", "kind", "payload"})
SUBMIT_QUERY = query(
    "SubmitParameters",
    Options(SubmitOptions, SUBMIT, _OF_FILES),
    Options(StartOptions, START, frozenset({"from_"})),
    Options(UniqueOptions, UNIQUE),
)
SubmitQuery = Annotated[tuple[Any, ...], Depends(SUBMIT_QUERY)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Makes a repeated submit harmless: the same key and request give the same answer.  A key "
        "is known as long as its jobs are kept."
    ),
]


@router.post(
    "",
    summary="Submit jobs",
    status_code=HTTPStatus.CREATED,
    response_model=AcceptedJob | AcceptedJobs,
)
async def submit_jobs(
    request: Request,
    state: State,
    principal: Submitter,
    parameters: SubmitQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit what `nox submit -` reads, one request, an array, NDJSON, or a structure such as xyz, or files.

    One request gives the id of its job; several, or files, give a list.  Nothing is stored if anything
    is refused; the problem document lists the refusals by index.
    """
    asked = await _asked(request, principal, parameters, idempotency_key)
    return await state.call(_submit, state, asked, request.scope.get("root_path", ""))


@router.post("/check", summary="Check jobs without submitting them", response_model=CheckedJobs)
async def check_jobs(request: Request, state: State, principal: Checker, parameters: SubmitQuery) -> Response:
    """Read and check what `POST /jobs` would submit, and describe its jobs, which have no id yet."""
    asked = await _asked(request, principal, parameters)
    return answer(await state.call(submission.planned, state, asked))


@router.get("/{job}", summary="One job, with all that is known of it", response_model=WholeJob)
async def read_job(job: JobName, state: State, principal: Reader, wait_s: WaitS = 0.0) -> Response:
    """Return the raw record of a job, as `nox status --raw` does."""
    return await _read(state, job, principal, StatusOptions(raw=True), wait_s)


@router.get("/{job}/status", summary="The state of one job, in public words", response_model=PublicJob)
async def read_job_status(job: JobName, state: State, principal: Reader, wait_s: WaitS = 0.0) -> Response:
    """Return job_id, state (pending, running, completed, failed, cancelled), progress and message."""
    return await _read(state, job, principal, StatusOptions(public=True), wait_s)


@router.get("/{job}/explain", summary="Why a job waits or failed", response_model=Explanation)
async def explain_job(job: JobName, state: State, principal: Reader) -> Response:
    """Return why a job waits or failed, what bears on it, and commands that help, as `nox explain` does."""
    return await state.call(_explain, state, job, principal)


@router.get(
    "/{job}/points",
    summary="The course of an optimisation",
    response_model=ConvergenceRecord,
    responses={304: {"description": "The client has it already."}},
)
async def read_points_of_job(request: Request, job: JobName, state: State, principal: Reader) -> Response:
    """Return energy and gradient norm of each step, and the thresholds that the optimisation has to reach.

    While the job runs these are its last 128 steps; after that they are those of its trajectory.
    """
    return await state.call(_points, state, job, principal, request.headers)


async def _asked(
    request: Request, principal: Principal, parameters: tuple[Any, ...], key: str | None = None
) -> Submit:
    content_type = request.headers.get("Content-Type", "application/json")
    content = await request.body()
    options, start, unique = parameters
    sent = request.scope["query_string"]
    return Submit(principal, content, content_type, options, start, unique, sent, key)


def _submit(state: ServerState, asked: Submit, root: str) -> Response:
    done = submission.submitted(state, asked)
    is_keyed = asked.key is not None
    if asked.is_list or len(done.stored.jobs) != 1:
        return answer(submission.document(done, is_keyed=is_keyed), HTTPStatus.CREATED)
    document = submission.single(state, asked, done, is_keyed=is_keyed)
    return answer(document, HTTPStatus.CREATED, {"Location": f"{root}/jobs/{document['job_id']}"})


async def _read(
    state: ServerState, word: str, principal: Principal, options: StatusOptions, wait_s: float
) -> Response:
    found = await ended_job(state, word, principal, wait_s)

    def read() -> Response:
        store = state.store_of(principal)
        status = read_status(store, state.settings.home, [found.id], options, _everyone(state, principal))
        return answer(status.document())

    return await state.call(read)


def _points(state: ServerState, word: str, principal: Principal, sent: Mapping[str, str]) -> Response:
    store = state.store_of(principal)
    found = answer(convergence(store, visible_job(store, word, principal)).document())
    etag = f'"{hashlib.sha256(found.body).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_known(sent, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    found.headers.update(headers)
    return found


def _explain(state: ServerState, word: str, principal: Principal) -> Response:
    store = state.store_of(principal)
    job = visible_job(store, word, principal)
    everyone = _everyone(state, principal)
    return answer(explain(store, state.settings.home, [job.id], everyone=everyone).document())


def _everyone(state: ServerState, principal: Principal) -> Store | None:
    """Return the store with all jobs, which use capacity, for a token that may not see them."""
    return None if principal.sees_all else state.store

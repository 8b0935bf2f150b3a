"""The server: its workers, metrics, versions, and the schemas of its documents."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from nox_cli.doctor.versions import installed
from nox_cli.results.json_objects import Page
from nox_cli.schemas import DocumentName, schema_of
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.principal import Principal
from nox_cli.serve.problems import Problem
from nox_cli.serve.state import ServerState, State
from nox_cli.watch.json_objects import WorkerRecord
from nox_cli.watch.outlook import worker_page

router = APIRouter(tags=["server"])
_SCHEMA = "application/schema+json"
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/workers", summary="The living workers", response_model=Page[WorkerRecord])
async def list_workers(state: State, principal: Reader) -> Response:
    """List the workers that would run jobs of this token, as `nox worker list` does."""
    return await state.call(_workers, state, principal)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def read_metrics(state: State, principal: Reader) -> Response:
    """Return the metrics of the store, as `nox metrics` does; `nox serve --metrics` offers them."""
    if not state.options.metrics:
        hint = "nox serve --metrics"
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "this server offers no metrics", hint=hint)
    return Response(await state.call(_metrics, state, principal), media_type=_EXPOSITION)


@router.get("/version", summary="Versions of nox, Python and the engines", response_model=dict[str, Any])
async def read_version(state: State, _principal: Reader) -> Response:
    """Return what `nox version` shows, of the machine of the server."""
    return answer((await state.call(installed)).document())


@router.get("/openapi.json", include_in_schema=False)
async def read_openapi(request: Request, _principal: Reader) -> Response:
    """Return the description of this API."""
    return JSONResponse(request.app.openapi())


@router.get(
    "/schema/{name}",
    summary="The JSON Schema of a document",
    response_class=Response,
    responses={200: {"content": {_SCHEMA: {"schema": {"type": "object"}}}}},
)
async def read_schema(name: DocumentName, state: State, _principal: Reader) -> Response:
    """Return what `nox schema` prints."""
    found = await state.call(schema_of, name)
    return Response(json.dumps(found.schema), media_type=_SCHEMA)


def _workers(state: ServerState, principal: Principal) -> Response:
    return answer(worker_page(one for one in state.store_of(principal).workers() if one.alive))


def _metrics(state: ServerState, principal: Principal) -> str:
    from workers.metrics.metrics import exposition
    from workers.metrics.queries import measure

    return exposition(measure(state.store_of(principal)))

"""The application: its routes, its errors, and the description of both (OpenAPI)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from fastapi import FastAPI

from nox_cli.serve import openapi, problems
from nox_cli.serve.guards.middleware import BODY_S, Guard
from nox_cli.serve.page import assets
from nox_cli.serve.routes import (
    actions,
    artifacts,
    batches,
    choices,
    events,
    health,
    jobs,
    lists,
    logs,
    overview,
    reports,
    server,
    session,
)
from nox_cli.serve.state import ServerState
from workers import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nox_cli.config.server import ServeOptions
    from nox_cli.config.settings import Settings
    from workers.logs import Log

_DESCRIPTION = "Submit xTB calculations, watch them, and read their results."
_TAGS = [
    {"name": "jobs", "description": "Submit, read and change jobs."},
    {"name": "events", "description": "Follow jobs and their logs."},
    {"name": "results", "description": "The numbers that jobs computed."},
    {"name": "artifacts", "description": "The files that jobs left."},
    {"name": "server", "description": "The server and what it serves."},
]
_PARTS = (
    health,
    overview,
    jobs,
    lists,
    batches,
    events,
    logs,
    actions,
    artifacts,
    reports,
    choices,
    server,
    session,
    assets,
)
_ROUTERS = [part.router for part in _PARTS]


def create_app(options: ServeOptions, settings: Settings, log: Log, *, body_s: float = BODY_S) -> FastAPI:
    """Make the application; `app.state.nox` is the state that its routes share.

    Args:
        options: the options of the command.
        settings: the settings.
        log: receives the lines of the log.
        body_s: how long the body of a request may take, in seconds.
    """
    state = ServerState(options, settings, log)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(state.end_revoked)
            yield
            tasks.cancel_scope.cancel()
        await state.call(state.close)

    app = FastAPI(
        title="nox",
        version=__version__,
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        # Their pages load scripts from elsewhere; the description itself needs a token, as all routes.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=openapi.name_of,
    )
    app.state.nox = state
    problems.install(app)
    app.add_middleware(Guard, options=options, log=log, body_s=body_s)
    openapi.describe(app, [route for router in _ROUTERS for route in router.routes])
    for router in _ROUTERS:
        app.include_router(router)
    return app

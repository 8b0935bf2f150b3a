"""`nox fetch SEL [NAME...]`: write files that jobs made, such as geometries, into a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nox_cli.commandline.arguments import ATTEMPT, Json, takes
from nox_cli.commandline.context import selected_ids, session
from nox_cli.results.artifacts import Fetched, FetchOptions, ListedArtifacts, fetch, list_artifacts
from nox_cli.selectors import look_up

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Mapping[str, Any] = {
    "directory": typer.Option(
        "-d", "--directory", metavar="DIR", help="Directory to write to; created if it is missing."
    ),
    "template": typer.Option(
        metavar="TEXT", help="Pattern of the file names; may contain {name} {number} {id} {batch} {file}."
    ),
    "attempt": ATTEMPT,
    "ls": typer.Option("--ls", help="List the files; write none."),
    "force": typer.Option("-f", "--force", help="Overwrite files that exist."),
}


@takes(FetchOptions, declared=_OPTIONS)
def command(
    ctx: typer.Context,
    options: FetchOptions,
    selected: Annotated[str, typer.Argument(metavar="SEL", help="Jobs: 42, 40-45,50, @last, name:GLOB, ...")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Files: opt.xyz (default), trajectory.xyz, engine.log, result.json.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> Fetched | ListedArtifacts:
    """Write the files that jobs produced, such as geometries; checksums are verified."""
    call = session(ctx, json=json)
    options.check()  # before the store is opened
    job_ids = selected_ids(call, [selected])
    jobs = tuple(look_up(call.store, job_ids))
    if options.ls:
        return list_artifacts(call.store, jobs, options.attempt)
    return fetch(call.store, jobs, names or [], options)

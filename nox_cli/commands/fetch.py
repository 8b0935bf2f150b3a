"""`nox fetch SEL [NAME...]`: write files that jobs made, such as geometries, into a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import ATTEMPT, Json, takes
from nox_cli.commandline.context import selected_ids, session
from nox_cli.results.artifacts import ListedArtifacts, list_artifacts
from nox_cli.results.files import STDOUT, Fetched, FetchOptions, Streamed, fetch, stream
from nox_cli.selectors.reader import look_up
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Mapping[str, Any] = {
    "directory": groups.files(
        "-d", "--directory", metavar="DIR", help="Directory to write to; created if it is missing."
    ),
    "template": groups.files(
        metavar="PATTERN", help="Pattern of the file names; may contain {name} {number} {id} {batch} {file}."
    ),
    "attempt": ATTEMPT,
    "ls": groups.files("--ls", help="List the files; write none."),
    "force": groups.files("-f", "--force", help="Overwrite files that exist."),
    "skip_existing": groups.files(
        "--skip-existing", help="Skip files that exist and are whole; write anew those that are cut short."
    ),
    "output": groups.output(
        "-o", "--output", metavar="FILE", help="Write one file to FILE; -: to standard output."
    ),
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
            help="Files: opt.xyz (default), trajectory.xyz, engine.log, result.json, or all.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> Fetched | Streamed | ListedArtifacts:
    """Write the files that jobs produced, such as geometries; checksums are verified."""
    call = session(ctx, json=json)
    options.check()  # before the store is opened
    is_streamed = options.output == STDOUT
    if is_streamed and json:
        raise UsageError("-o - writes the file itself, and --json contradicts it", hint="leave one away")
    job_ids = selected_ids(call, [selected])
    jobs = tuple(look_up(call.store, job_ids))
    if options.ls:
        return list_artifacts(call.store, jobs, options.attempt)
    if is_streamed:
        return stream(call.store, jobs, names or [], options)
    with call.progress() as progress:
        return fetch(call.store, jobs, names or [], options, progress)

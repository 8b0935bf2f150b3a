"""`nox events`: the stream of changes as NDJSON, which can be continued where it was left."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.commandline.context import session
from nox_cli.watch.events import Stream, read_events


def command(
    ctx: typer.Context,
    since: Annotated[
        str,
        typer.Option(metavar="CURSOR", help="Print what happened after this cursor; 0: all that is stored."),
    ] = "",
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Keep printing new events; without --since, from now on.")
    ] = False,
) -> Stream:
    """Print what happened to the jobs and allocations of all users, one JSON object per line."""
    call = session(ctx)

    def reached(cursor: str) -> None:
        call.resume = f"nox events --since {cursor}{' --follow' if follow else ''}"

    return read_events(call.store, since, follow=follow, reached=reached)

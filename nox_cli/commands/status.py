"""`nox status [SEL...]`: one job, several, or everything at a glance."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.commandline.arguments import Json, OfAttempt, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.selectors.selection import named
from nox_cli.watch.status import Brief, Full, Overview, Several, StatusOptions, read_overview, read_status
from workers.errors import UsageError


def command(
    ctx: typer.Context,
    selected: OptionallySelected = None,
    json: Json = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole record as JSON.")] = False,
    exit_status: Annotated[
        bool,
        typer.Option(
            "--exit-status",
            help="Report the state as the exit code: 0 done, 1 failed, 6 cancelled, 8 not ended.",
        ),
    ] = False,
    attempt: OfAttempt = None,
) -> Brief | Full | Several | Overview:
    """Show one job, several, or an overview of all."""
    call = session(ctx, json=json or raw)
    owner = call.settings.owner
    if not selected:
        if exit_status or attempt is not None:
            option = "--exit-status" if exit_status else "--attempt"
            raise UsageError(f"{option} needs jobs to look at", hint=f"nox status 42 {option}")
        return read_overview(call.store, call.settings.home, owner)
    job_ids = named(call.store, selected, owner=owner, stdin=call.streams.stdin)
    is_public = json and not raw
    options = StatusOptions(attempt, raw=raw, public=is_public, points=is_public, exit_status=exit_status)
    return read_status(call.store, call.settings.home, job_ids, options)

"""`nox logs [SEL]`: the output of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nox_cli.commandline.arguments import ATTEMPT, OptionallySelected, takes
from nox_cli.commandline.context import selected_ids, session
from nox_cli.watch.logs import LogPlace, Logs, LogsOptions, read_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Mapping[str, Any] = {
    "follow": typer.Option("-f", "--follow", help="Keep printing until the job has finished."),
    "lines": typer.Option("-n", "--lines", metavar="NUMBER", min=0, help="Print only the last NUMBER lines."),
    "attempt": ATTEMPT,
    "raw": typer.Option("--raw", help="Print the bytes unchanged, escape sequences too."),
}


@takes(LogsOptions, declared=_OPTIONS)
def command(ctx: typer.Context, options: LogsOptions, selected: OptionallySelected = None) -> Logs:
    """Show what the engine printed."""
    call = session(ctx)
    job_ids = selected_ids(call, selected or ["@last"])
    return read_logs(call.store, job_ids, LogPlace.here(call.settings.artifacts), options)

"""`nox watch [SEL...]`: see jobs run until all are final."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from nox_cli.commandline.arguments import OptionallySelected, takes
from nox_cli.commandline.context import selected_ids, session
from nox_cli.commandline.end_options import EndOptions
from nox_cli.watch.board import Watching


@takes(EndOptions, "end")
def command(
    ctx: typer.Context,
    end: EndOptions,
    selected: OptionallySelected = None,
    every: Annotated[bool, typer.Option("--all", help="Watch all my jobs that have not finished.")] = False,
    compact: Annotated[bool, typer.Option("--compact", help="Show totals, not one line per job.")] = False,
    since: Annotated[
        str, typer.Option(metavar="CURSOR", help="Show what happened after this cursor, which --json prints.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per change.")] = False,
) -> Watching:
    """Watch jobs until all have finished; the exit code reports the outcome."""
    call, notification = session(ctx), end.notification()
    words = ["@running", "@waiting"] if every else selected or ["@last"]
    if "-" not in words:
        call.resume = "nox watch --all" if every else f"nox watch {shlex.join(words)}"
    store, home = call.store, call.settings.home
    job_ids = selected_ids(call, words)
    watching = Watching(store, home, job_ids, since=since or None, compact=compact, as_json=json)
    watching.notification, watching.owner = notification, call.settings.owner
    return watching

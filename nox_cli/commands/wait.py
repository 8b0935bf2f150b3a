"""`nox wait SEL...`: block until jobs have finished; the exit code is their outcome."""

from __future__ import annotations

import shlex
import time
from typing import Annotated, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, Selected, takes
from nox_cli.commandline.context import session
from nox_cli.commandline.end_options import EndOptions
from nox_cli.exits import ExitCode
from nox_cli.selectors.selection import outlined
from nox_cli.times import seconds_of
from nox_cli.watch.follower import Until, WaitEnded, Waiting, wait_for
from workers.errors import NothingMatched


class WaitOptions(NamedTuple):
    """Options of `nox wait`: the end of the wait, and a summary."""

    timeout: Annotated[
        str,
        groups.wait(
            metavar="TIME", help="Stop waiting after TIME: 90, 30m, 2h (exit 124); 0: look once (exit 8)."
        ),
    ] = ""
    first: Annotated[bool, groups.wait("--any", help="Stop once the first of them has finished.")] = False
    fail_fast: Annotated[bool, groups.wait("--fail-fast", help="Stop once a job has failed.")] = False
    summary: Annotated[bool, groups.output("--summary", help="Print how many jobs ended in which state.")] = (
        False
    )


@takes(WaitOptions)
@takes(EndOptions, "end")
def command(
    ctx: typer.Context,
    selected: Selected,
    options: WaitOptions,
    end: EndOptions,
    allow_empty: Annotated[
        bool, groups.selection("--allow-empty", help="Exit 0 when no job is named.")
    ] = False,
    json: Json = False,
) -> Waiting:
    """Wait until jobs have finished; the exit code reports the outcome."""
    began = time.monotonic()
    call, notification = session(ctx, json=json), end.notification()
    call.resume = f"nox wait {shlex.join(selected)}" if "-" not in selected else ""
    until = Until(seconds_of(options.timeout) if options.timeout else None, options.first, options.fail_fast)
    store = call.store
    home, owner = call.settings.home, call.settings.owner
    jobs = outlined(store, selected, owner=owner, stdin=call.streams.stdin)
    try:
        waiting = wait_for(store, home, jobs, until, began, owner)
    except NothingMatched:
        if not allow_empty:
            raise
        waiting = wait_for(store, home, (), until, began, owner)
        waiting.ended = WaitEnded({}, ExitCode.DONE, 0.0)
    waiting.summary, waiting.notification = options.summary, notification
    return waiting

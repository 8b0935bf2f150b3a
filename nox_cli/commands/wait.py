"""`nox wait SEL...`: block until jobs have ended; the exit code tells how."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import Json, Selected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.exits import ExitCode
from nox_cli.selectors import named
from nox_cli.session import Form
from nox_cli.times import seconds_of
from nox_cli.watch.follower import Follower, Until, WaitEnded, Waiting
from nox_cli.watch.workforce import Absence
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session


@dataclass(frozen=True, slots=True)
class Waited:
    """Jobs that are waited for while this is shown, and whether to say how it ended."""

    waiting: Waiting | None  # None: no job was named, or the time was up before all of them were found
    ended_at_once: WaitEnded
    summary: bool

    @property
    def ended(self) -> WaitEnded:
        """How the wait ended."""
        return self.ended_at_once if self.waiting is None else self.waiting.ended

    @property
    def exit(self) -> ExitCode:
        """How the jobs ended, or that the wait did."""
        return self.ended.exit


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """The options of `nox wait`: when the wait is over, and what is printed then."""

    timeout: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Stop waiting after TIME: 90, 30m, 2h (exit 124); 0: look once (exit 8)."
        ),
    ] = ""
    first: Annotated[bool, typer.Option("--any", help="Stop once the first of them has finished.")] = False
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop once a job has failed.")] = False
    summary: Annotated[bool, typer.Option("--summary", help="Print how many jobs ended in which state.")] = (
        False
    )


def run(call: Session, words: Sequence[str], options: WaitOptions, began: float) -> Waited:
    """Find the jobs, and prepare to wait for them.

    Args:
        call: the call of nox.
        words: the selectors that name them.
        options: when the wait is over.
        began: from when on the time counts, by the monotonic clock.

    Raises:
        UsageError: the timeout is no duration, or a word is no selector.
        NothingMatched: no job is named.
        StoreError: the store cannot be read.
    """
    until = Until(seconds_of(options.timeout) if options.timeout else None, options.first, options.fail_fast)
    job_ids = []
    for job_id in named(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin):
        job_ids.append(job_id)
        if until.timeout_s and time.monotonic() - began >= until.timeout_s:
            late = WaitEnded({}, ExitCode.WAIT_TIMED_OUT, time.monotonic() - began, is_whole=False)
            return Waited(None, late, options.summary)
    follower, absence = Follower(call.store, job_ids), Absence(call.store, call.settings.home)
    waiting = Waiting(follower, until, absence, began=began)
    return Waited(waiting, waiting.ended, options.summary)


@takes(WaitOptions)
def command(
    ctx: typer.Context,
    selected: Selected,
    options: WaitOptions,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Exit 0 when no job is named.")] = False,
    json: Json = False,
) -> Waited:
    """Wait until jobs have finished; the exit code reports the outcome."""
    began = time.monotonic()
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    call.resume = f"nox wait {shlex.join(selected)}" if "-" not in selected else ""
    try:
        return run(call, selected, options, began)
    except NothingMatched:
        if not allow_empty:
            raise
        return Waited(None, WaitEnded({}, ExitCode.DONE, 0.0), options.summary)

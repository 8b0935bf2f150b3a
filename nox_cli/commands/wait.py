"""`nox wait SEL...`: block until jobs have ended; the exit code tells how."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.arguments import Json, Selected
from nox_cli.exits import ExitCode
from nox_cli.following import Ended, Follower, wait_for
from nox_cli.moments import seconds_of
from nox_cli.options import takes
from nox_cli.selectors import select
from nox_cli.session import Form, session
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from workers.store.base import Store


@dataclass(frozen=True, slots=True)
class Waited:
    """How a wait ended, and whether to say so."""

    ended: Ended
    summary: bool

    @property
    def exit(self) -> ExitCode:
        """How the jobs ended, or that the wait did."""
        return self.ended.exit


@dataclass(frozen=True, slots=True)
class Asked:
    """When a wait is over, and what is said then."""

    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="At most: 90, 30m, 2h (exit 124); 0 looks once (exit 8).")
    ] = ""
    first: Annotated[bool, typer.Option("--any", help="Until the first of them has ended.")] = False
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Until one failed.")] = False
    summary: Annotated[bool, typer.Option("--summary", help="Print how many ended how.")] = False


def run(store: Store, job_ids: tuple[str, ...], asked: Asked) -> Waited:
    """Wait.

    Raises:
        UsageError: the timeout is no duration.
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read, or was away for long.
    """
    timeout_s = seconds_of(asked.timeout) if asked.timeout else None
    follower = Follower(store, job_ids)
    ended = wait_for(follower, timeout_s=timeout_s, first=asked.first, fail_fast=asked.fail_fast)
    return Waited(ended, asked.summary)


@takes(Asked)
def command(
    ctx: typer.Context,
    selected: Selected,
    asked: Asked,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Naming no job is no error.")] = False,
    json: Json = False,
) -> Waited:
    """Block until jobs have ended; the exit code tells how."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    call.resume = f"nox wait {shlex.join(selected)}" if "-" not in selected else ""
    try:
        job_ids = select(call.store, selected, owner=call.settings.owner, stdin=call.streams.stdin)
    except NothingMatched:
        if not allow_empty:
            raise
        return Waited(Ended({}, ExitCode.DONE, 0.0), asked.summary)
    return run(call.store, job_ids, asked)

"""`nox logs [SEL]`: what the engine printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import OfAttempt, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.selectors import look_up, select
from nox_cli.watch.logs import LogPlace, log_of
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of some jobs; each is read while it is written out."""

    store: Store
    jobs: tuple[Job, ...]
    place: LogPlace
    lines: int | None
    attempt: int | None
    follow: bool
    raw: bool

    def pieces(self, job: Job) -> Iterator[bytes]:
        """Read one job's log, piece by piece; with `follow` until the job has ended.

        Raises:
            NothingMatched: there is nothing to read, or it lies where it cannot be read.
            StoreError: the store cannot be read.
        """
        from nox_cli.watch.logs import followed, tail

        if self.follow:
            return followed(self.store, job, self.place, lines=self.lines)
        log = log_of(self.store, job, self.place, attempt=self.attempt)
        return iter((log if self.lines is None else tail(log, self.lines),))


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """The options of `nox logs`: which part of a log is printed, and how."""

    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Keep printing until the job has finished.")
    ] = False
    lines: Annotated[
        int | None, typer.Option("-n", "--lines", metavar="N", min=0, help="Print only the last N lines.")
    ] = None
    attempt: OfAttempt = None
    raw: Annotated[bool, typer.Option("--raw", help="Print the bytes unchanged, escape sequences too.")] = (
        False
    )


def run(store: Store, job_ids: Sequence[str], place: LogPlace, options: LogsOptions) -> Logs:
    """Find the jobs whose logs are wanted.

    Raises:
        UsageError: several logs are to be followed.
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    if options.follow and len(job_ids) > 1:
        raise UsageError(
            f"{len(job_ids)} logs cannot be followed at once", hint="name one job: nox logs 42 -f"
        )
    if options.follow and options.attempt is not None:
        raise UsageError("an earlier attempt prints nothing any more", hint="leave out -f or --attempt")
    jobs = tuple(look_up(store, job_ids))
    return Logs(store, jobs, place, options.lines, options.attempt, options.follow, options.raw)


@takes(LogsOptions)
def command(ctx: typer.Context, options: LogsOptions, selected: OptionallySelected = None) -> Logs:
    """Show what the engine printed."""
    call = session(ctx)
    words = selected or ["@last"]
    job_ids = select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    return run(call.store, job_ids, LogPlace.here(call.settings.artifacts), options)

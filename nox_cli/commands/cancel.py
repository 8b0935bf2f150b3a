"""`nox cancel SEL...`: stop jobs; waiting ones at once, running ones through their worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli.changes.selection import Cancelled, cancel
from nox_cli.commandline.arguments import AnyUser, Json, OptionallySelected, Yes, takes
from nox_cli.commandline.context import selection, session
from nox_cli.counts import counted
from workers.errors import NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.store.values import Outline


class CancelOptions(NamedTuple):
    """The options of `nox cancel`: how far a cancel may go."""

    every: Annotated[bool, typer.Option("--all", help="Cancel all my jobs that have not finished.")] = False
    any_user: AnyUser = False
    yes: Yes = False


@takes(CancelOptions)
def command(
    ctx: typer.Context, options: CancelOptions, selected: OptionallySelected = None, json: Json = False
) -> Cancelled:
    """Stop jobs."""
    call = session(ctx, json=json)
    words = selected or []
    if options.every == bool(words):
        raise UsageError("name the jobs to cancel, or say --all", hint="nox cancel 42, nox cancel --all")
    words = words or ["@running", "@waiting"]
    chosen = selection(call, words, any_user=options.any_user, done="cancelled", verb="cancel")
    whole = options.every or "@all" in words
    if whole and all(job.state.is_final for job in chosen.jobs):
        raise NothingMatched(f"there is nothing to cancel: {counted(len(chosen.jobs), 'job')} ended already")
    if not options.yes and not _may(call, chosen.jobs, whole=whole, reads="-" in words):
        return Cancelled((), call.store.kind, call.store.where)
    count = len(chosen.jobs)
    with call.progress("cancelling", count) as progress:

        def report(done: int) -> None:
            call.interrupted = f"at least {done:,} of {counted(count, 'job')} were cancelled, others go on"
            progress(done)

        report(0)
        cancelled = cancel(call.store, chosen.job_ids, chosen.owner, call.settings, report)
    call.interrupted = "what was named is cancelled"
    return cancelled


def _may(call: Session, jobs: Sequence[Outline], *, whole: bool, reads: bool) -> bool:
    """Ask a user before several jobs are lost; elsewhere `@all` and `--all` must come with `--yes`.

    Raises:
        UsageError: no user can be asked.
    """
    active = sum(not job.state.is_final for job in jobs)
    what = f"cancel {active} jobs in the {call.store.kind} store {call.store.where}"
    if call.streams.can_ask and not reads:
        return active < 2 or call.streams.agrees(f"{what}?")  # noqa: PLR2004  a single job needs no question
    if whole:
        raise UsageError(f"this would {what}", did="nothing was cancelled", hint="add --yes")
    return True

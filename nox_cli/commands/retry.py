"""`nox retry SEL...`: run failed and cancelled jobs again, or continue failed optimisations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli.changes.selection import Retried, retry
from nox_cli.commandline.arguments import AnyUser, Json, Selected, Yes, takes
from nox_cli.commandline.context import selection, session, settle
from nox_cli.counts import counted
from nox_cli.interrupts import Interrupts
from nox_cli.submission.handover import Restarted
from workers.errors import UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.store.values import Outline


class RetryOptions(NamedTuple):
    """The options of `nox retry`: which finished jobs run again, and how."""

    done: Annotated[bool, typer.Option("--done", help="Include completed jobs; their results are kept.")] = (
        False
    )
    from_last_geometry: Annotated[
        bool,
        typer.Option(
            "--from-last-geometry", help="Submit new jobs that continue optimisations that did not converge."
        ),
    ] = False
    any_user: AnyUser = False
    yes: Yes = False


@takes(RetryOptions)
def command(
    ctx: typer.Context, selected: Selected, options: RetryOptions, json: Json = False
) -> Retried | Restarted:
    """Run failed and cancelled jobs again; earlier attempts and results are kept."""
    call = session(ctx, json=json)
    if options.from_last_geometry:
        return _restart(call, selected, options)
    chosen = selection(call, selected, any_user=options.any_user)
    is_agreed = options.yes or not options.done
    if not is_agreed and not _may(call, chosen.jobs, reads="-" in selected):
        return Retried((), call.store.kind, call.store.where)
    return retry(call.store, chosen.job_ids, chosen.owner, call.settings, done=options.done)


def _may(call: Session, jobs: Sequence[Outline], *, reads: bool) -> bool:
    """Ask a user before completed jobs run again; elsewhere `--yes` must be there.

    Raises:
        UsageError: no user can be asked.
    """
    completed = sum(job.state is JobState.DONE for job in jobs)
    if not completed:
        return True
    many, store = counted(completed, "completed job"), call.store
    what = f"run {many} again in the {store.kind} store {store.where}"
    if call.streams.can_ask and not reads:
        kept = "its result is" if completed == 1 else f"their {completed:,} results are"
        return call.streams.agrees(f"{what}? {kept} kept until a new attempt has completed")
    raise UsageError(f"this would {what}", did="nothing was queued", hint="add --yes; results are kept")


def _restart(call: Session, words: Sequence[str], options: RetryOptions) -> Restarted:
    from nox_cli.submission.geometry_sources import restart

    if options.done:
        raise UsageError("--from-last-geometry goes on from failed jobs, --done is about completed ones")
    chosen = selection(call, words, any_user=options.any_user, done="submitted", verb="go on from")
    interrupts = Interrupts()
    done = restart(call.store, chosen.job_ids, call.settings, interrupts.stopped)
    if not done.stored.jobs:
        interrupts.let_go()
    call.settle = partial(settle, interrupts, done.stored.cut)
    return done

"""`nox cancel SEL...`: stop jobs; waiting ones at once, running ones through their worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.changes import refuse_others
from nox_cli.commandline.arguments import AnyUser, Json, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.counts import counted
from nox_cli.selectors import CHUNK, look_up, select
from nox_cli.session import Form
from nox_cli.submission.local_worker import wake
from workers.errors import NothingMatched, UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Cancellation


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The result of a cancel, for each job."""

    cancellations: tuple[Cancellation, ...]
    kind: str  # of the store
    where: str

    def count(self, before: frozenset[JobState], after: JobState) -> int:
        """Count the jobs that went from one of some states to another."""
        return sum(done.before in before and done.after is after for done in self.cancellations)


@dataclass(frozen=True, slots=True)
class CancelOptions:
    """The options of `nox cancel`: how far a cancel may go."""

    every: Annotated[bool, typer.Option("--all", help="Cancel all my jobs that have not finished.")] = False
    any_user: AnyUser = False
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation.")] = False


def run(store: Store, job_ids: Sequence[str], *, owner: str | None) -> Cancelled:
    """Cancel jobs.

    Args:
        store: where they are.
        job_ids: which.
        owner: whose they must be; None: anyone's.

    Raises:
        StoreError: the store cannot be written.
    """
    done: list[Cancellation] = []
    for start in range(0, len(job_ids), CHUNK):
        done += store.cancel(job_ids[start : start + CHUNK], owner=owner)
    return Cancelled(tuple(done), store.kind, store.where)


@takes(CancelOptions)
def command(
    ctx: typer.Context, options: CancelOptions, selected: OptionallySelected = None, json: Json = False
) -> Cancelled:
    """Stop jobs."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    words = selected or []
    if options.every == bool(words):
        raise UsageError("name the jobs to cancel, or say --all", hint="nox cancel 42, nox cancel --all")
    words = words or ["@running", "@waiting"]
    owner = call.settings.owner
    job_ids = select(call.store, words, owner=owner, stdin=call.streams.stdin)
    jobs = tuple(look_up(call.store, job_ids))
    if not options.any_user:
        refuse_others(jobs, owner, "cancelled", "cancel")
    whole = options.every or "@all" in words
    if whole and all(job.state.is_final for job in jobs):
        raise NothingMatched(f"there is nothing to cancel: {counted(len(jobs), 'job')} ended already")
    if not options.yes and not _may(call, jobs, whole=whole, reads="-" in words):
        return Cancelled((), call.store.kind, call.store.where)
    before = call.store.counts().get(JobState.QUEUED, 0)
    done = run(call.store, job_ids, owner=None if options.any_user else owner)
    waited = (JobState.QUEUED, JobState.CANCELLED)
    before -= sum((one.before, one.after) == waited for one in done.cancellations)
    if call.store.counts().get(JobState.QUEUED, 0) > before:
        wake(call)  # jobs that waited for the end of these, however it came
    return done


def _may(call: Session, jobs: Sequence[Job], *, whole: bool, reads: bool) -> bool:
    """Ask a person before several jobs are lost; elsewhere `@all` and `--all` must come with `--yes`.

    Raises:
        UsageError: nobody can be asked.
    """
    active = sum(not job.state.is_final for job in jobs)
    if call.streams.can_ask and not reads:
        question = f"cancel {active} jobs in the {call.store.kind} store {call.store.where}?"
        return active < 2 or call.streams.agrees(question)  # noqa: PLR2004  one job is what was named
    if whole:
        raise UsageError(
            f"this would cancel {active} jobs in the {call.store.kind} store {call.store.where}",
            did="nothing was cancelled",
            hint="add --yes",
        )
    return True

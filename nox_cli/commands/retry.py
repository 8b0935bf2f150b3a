"""`nox retry SEL...`: run failed and cancelled jobs again, or go on from where they stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.changes import Changed, change, refuse_others
from nox_cli.commandline.arguments import AnyUser, Json, Selected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.counts import counted
from nox_cli.exits import ExitCode
from nox_cli.interrupts import Interrupts
from nox_cli.selectors import look_up, select
from nox_cli.session import Form
from nox_cli.submission.handover import Stored, hand_over
from nox_cli.submission.local_worker import wake
from workers.errors import UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.job import Job


@dataclass(frozen=True, slots=True)
class RetryOptions:
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
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation.")] = False


@dataclass(frozen=True, slots=True)
class Retried(Changed):
    """The jobs that `nox retry` named, and which of them run again; none if the user declined."""

    @property
    def exit(self) -> ExitCode:
        """3 if no job was queued again and none of them waits or runs: there was nothing to retry."""
        is_futile = all(not one.changed and one.before.is_final for one in self.changes)
        return ExitCode.NOTHING_MATCHED if self.changes and is_futile else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Restarted:
    """New jobs that go on from where others stopped.  Interrupts are held until its `exit` is read."""

    stored: Stored
    of: tuple[str, ...]  # the ids of these others, in order
    interrupts: Interrupts
    kind: str  # of the store
    where: str

    @property
    def exit(self) -> ExitCode:
        """How it went.

        Raises:
            KeyboardInterrupt: there was an interrupt.
            StoreError: why some of the jobs are not stored.
        """
        self.interrupts.let_go()
        if self.stored.cut is not None:
            raise self.stored.cut
        return ExitCode.DONE


def run(call: Session, words: Sequence[str], options: RetryOptions) -> Retried:
    """Queue ended jobs again, and see to it that a worker looks at them.

    Raises:
        UsageError: some jobs are other users', or completed jobs need a `--yes`; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    is_agreed = options.yes or not options.done
    done = change(
        call,
        words,
        lambda store, job_ids, owner: store.retry(job_ids, owner=owner, done=options.done),
        any_user=options.any_user,
        agreed=lambda jobs: is_agreed or _may(call, jobs, reads="-" in words),
    )
    if any(one.changed for one in done.changes):
        wake(call)
    return Retried(done.changes, done.kind, done.where)


def _may(call: Session, jobs: Sequence[Job], *, reads: bool) -> bool:
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


def restart(call: Session, words: Sequence[str], options: RetryOptions) -> Restarted:
    """Submit a job for each that is named, on its last geometry.

    Raises:
        InputRefused: one has none; nothing was submitted.
        KeyboardInterrupt: before anything was stored.
        UsageError, NothingMatched, JobNotFound, StoreError: as `run`.
    """
    from nox_cli.submission.restarts import restarts

    if options.done:
        raise UsageError("--from-last-geometry goes on from failed jobs, --done is about completed ones")
    owner, store = call.settings.owner, call.store
    job_ids = select(store, words, owner=owner, stdin=call.streams.stdin)
    if not options.any_user:
        refuse_others(tuple(look_up(store, job_ids)), owner, "submitted", "go on from")
    jobs, interrupts = list(restarts(store, job_ids)), Interrupts()
    stored = hand_over(store, jobs, interrupts)
    wake(call)
    return Restarted(stored, job_ids, interrupts, store.kind, store.where)


@takes(RetryOptions)
def command(
    ctx: typer.Context, selected: Selected, options: RetryOptions, json: Json = False
) -> Retried | Restarted:
    """Run failed and cancelled jobs again; earlier attempts and results are kept."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return (restart if options.from_last_geometry else run)(call, selected, options)

"""`nox clean`: remove ended jobs and their files by age and state, or what earlier attempts left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli import times
from nox_cli.changes.removal import Cleaned, Extent, find_ended, of_age, remove
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import AnyUser, Json, OptionallySelected, Yes, takes
from nox_cli.commandline.context import selection, session
from nox_cli.counts import counted
from nox_cli.results.attempts import has_earlier
from nox_cli.selectors.reader import look_up
from nox_cli.values import states
from workers.errors import UsageError
from workers.job import FINAL, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.session import Session
    from workers.job import Job

OLDER_S = 30 * 24 * 3_600.0
_NOTHING_REMOVED = "nothing was removed"


class CleanOptions(NamedTuple):
    """The options of `nox clean`: which jobs are removed, and how much of each."""

    older: Annotated[
        float | None,
        groups.selection(
            parser=times.seconds_of,
            metavar="DURATION",
            help="Only jobs that finished at least DURATION ago (default 30d; any age if jobs are named).",
        ),
    ] = None
    state: Annotated[
        list[str] | None,
        groups.selection(
            metavar="STATE,...",
            help="Only jobs in these states: done, failed, cancelled (default: all three).",
        ),
    ] = None
    attempts: Annotated[
        bool, groups.removal("--attempts", help="Keep jobs and results; remove what earlier attempts left.")
    ] = False
    files_only: Annotated[
        bool, groups.removal("--files-only", help="Keep the jobs and their numbers; remove their files.")
    ] = False
    dry_run: Annotated[
        bool, groups.removal("--dry-run", help="Show how much would be removed; remove nothing.")
    ] = False
    any_user: AnyUser = False
    yes: Yes = False

    @property
    def extent(self) -> Extent:
        """The extent of the removal."""
        whole = Extent.FILES if self.files_only else Extent.JOBS
        return Extent.ATTEMPTS if self.attempts else whole


@takes(CleanOptions)
def command(
    ctx: typer.Context, options: CleanOptions, selected: OptionallySelected = None, json: Json = False
) -> Cleaned:
    """Remove finished jobs and their files: named ones, or all of mine that finished at least 30 days ago.

    With --attempts, keep the jobs and the results that are shown.
    """
    call = session(ctx, json=json)
    call.interrupted = "what was removed is gone, the rest is there"
    wanted = _states(options, selected)
    owner = None if options.any_user else call.settings.owner
    found: Iterator[Job]
    unended = 0
    if selected:
        chosen = selection(call, selected, any_user=options.any_user, done="removed", verb="clean")
        job_ids = chosen.job_ids
        if not options.attempts:
            job_ids = [job.id for job in chosen.jobs if job.state.is_final]
            unended = len(chosen.jobs) - len(job_ids)
        if not job_ids:
            raise _not_ended()
        found = of_age(look_up(call.store, job_ids), options.older, wanted)
    else:
        before_ms = times.now_ms() - round(1_000 * (OLDER_S if options.older is None else options.older))
        found = find_ended(call.store, owner, before_ms, wanted or FINAL)
    with call.progress("jobs looked up:") as progress:
        found = progress.over(found)
        jobs = {job.id: job.state for job in found if not options.attempts or has_earlier(job)}
    reads = "-" in (selected or ())
    if not options.dry_run and jobs and not options.yes and not _may(call, len(jobs), options, reads=reads):
        jobs = {}
    artifacts = call.settings.artifacts
    with call.progress() as progress:
        cleaned = remove(
            call.store, jobs, owner, artifacts, options.extent, dry_run=options.dry_run, progress=progress
        )
    cleaned.unended = unended
    return cleaned


def _states(options: CleanOptions, selected: list[str] | None) -> frozenset[JobState]:
    """Read the states of the jobs to remove; none: all final ones.

    Raises:
        UsageError: options contradict each other, or the jobs cannot be removed.
    """
    if options.attempts and options.files_only:
        raise UsageError("--attempts and --files-only contradict each other", did=_NOTHING_REMOVED)
    wanted = states(options.state or [])
    if not (selected and options.attempts) and not wanted <= FINAL:
        raise _not_ended()
    return wanted


def _not_ended() -> UsageError:
    hint = "nox cancel ends others"
    return UsageError("only ended jobs can be removed", did=_NOTHING_REMOVED, hint=hint)


def _may(call: Session, count: int, options: CleanOptions, *, reads: bool) -> bool:
    """Ask a user before jobs are lost; elsewhere `--yes` must be there.

    Raises:
        UsageError: no user can be asked.
    """
    words = f"{'the files of ' if options.files_only else ''}{counted(count, 'ended job')}"
    if options.attempts:
        words = f"what earlier attempts of {counted(count, 'job')} left"
    what = f"{words} from the {call.store.kind} store {call.store.where}"
    if call.streams.can_ask and not reads:
        return call.streams.agrees(f"remove {what}?")
    raise UsageError(
        f"this would remove {what}", did=_NOTHING_REMOVED, hint="add --yes, or --dry-run to see how many"
    )

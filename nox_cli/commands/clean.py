"""`nox clean`: remove ended jobs and their files by age and state, or what earlier attempts left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli import times
from nox_cli.changes import refuse_others
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import AnyUser, Json, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.counts import counted
from nox_cli.results.artifacts import where
from nox_cli.results.attempts import has_earlier
from nox_cli.selectors import look_up, select
from nox_cli.session import Form
from nox_cli.values import states
from workers.errors import StoreError, UsageError
from workers.job import FINAL, JobState
from workers.store.base import REMOVED_AT_ONCE
from workers.store.values import Query, Removed, SortKey

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.session import Session
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Removal

OLDER_S = 30 * 24 * 3_600.0
# How many jobs one call removes; a store of millions is cleaned in several.
MAX_JOBS = 100_000
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """The options of `nox clean`: which jobs are removed, and how much of each."""

    older: Annotated[
        float | None,
        groups.selection(
            parser=times.seconds_of,
            metavar="DURATION",
            help="Only jobs that finished at least DURATION ago (default 30d).",
        ),
    ] = None
    state: Annotated[
        list[str] | None,
        groups.selection(
            metavar="STATE,...",
            help="Only jobs in these states: completed, failed, cancelled (default: all three).",
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
    yes: Annotated[bool, groups.removal("-y", "--yes", help="Do not ask for confirmation.")] = False


@dataclass
class Cleaned:
    """The jobs and files that were removed.  `cut` is the error that stopped the removal early."""

    found: Mapping[JobState, int]  # that were looked for, by state
    is_dry: bool
    files_only: bool
    attempts: bool  # only what earlier attempts left
    kind: str  # of the store
    where: str
    what: Counter[Removed] = field(default_factory=Counter)
    files: int = 0
    elsewhere: list[str] = field(default_factory=list)  # where files are that cannot be removed from here
    cut: StoreError | None = None

    @property
    def exit(self) -> int:
        """0, unless it was cut.

        Raises:
            StoreError: not all could be removed.
        """
        if self.cut is not None:
            self.cut.did = f"{counted(self.what[Removed.REMOVED], 'job')} removed before"
            raise self.cut
        return 0


def run(
    store: Store, jobs: Mapping[str, JobState], options: CleanOptions, owner: str | None, shelf: Path
) -> Cleaned:
    """Remove jobs, a stretch of them at a time; their files go after them.

    Args:
        store: where they are.
        jobs: which, with their states.
        options: how much of them.
        owner: whose they must be; None: anyone's.
        shelf: the directory of artifacts on this machine.

    Raises:
        StoreError: nothing could be removed.
    """
    cleaned = Cleaned(
        Counter(jobs.values()), options.dry_run, options.files_only, options.attempts, store.kind, store.where
    )
    if options.dry_run:
        return cleaned
    wanted = list(jobs)
    for start in range(0, len(wanted), REMOVED_AT_ONCE):
        chunk = wanted[start : start + REMOVED_AT_ONCE]
        try:
            removals = (
                store.remove_attempts(chunk, owner=owner)
                if options.attempts
                else store.remove(chunk, owner=owner, files_only=options.files_only)
            )
        except StoreError as error:
            if not start:
                raise
            cleaned.cut = error
            break
        for removal in removals:
            cleaned.what[removal.what] += 1
            if removal.what is Removed.REMOVED:
                _remove_files(removal, shelf, cleaned)
    return cleaned


@takes(CleanOptions)
def command(
    ctx: typer.Context, options: CleanOptions, selected: OptionallySelected = None, json: Json = False
) -> Cleaned:
    """Remove my finished jobs and their files: those that finished at least 30 days ago.

    With --attempts, keep the jobs and the results that are shown; then jobs can be named too.
    """
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    call.interrupted = "what was removed is gone, the rest is there"
    if selected and not options.attempts:
        raise UsageError(
            "clean takes whole jobs by age and state, not by name",
            did="nothing was removed",
            hint="nox clean --older 30d --state failed, or nox clean --attempts SEL",
        )
    if options.attempts and options.files_only:
        raise UsageError("--attempts and --files-only contradict each other", did="nothing was removed")
    wanted = states(options.state or [])
    if not selected and not wanted <= FINAL:
        raise UsageError(
            "only ended jobs can be removed", did="nothing was removed", hint="nox cancel ends others"
        )
    found = _named(call, selected, wanted, options) if selected else _old(call, wanted or FINAL, options)
    jobs = {job.id: job.state for job in found if not options.attempts or has_earlier(job)}
    reads = "-" in (selected or ())
    if not options.dry_run and jobs and not options.yes and not _may(call, len(jobs), options, reads=reads):
        jobs = {}
    owner = None if options.any_user else call.settings.owner
    return run(call.store, jobs, options, owner, call.settings.artifacts)


def _named(
    call: Session, words: Sequence[str], wanted: frozenset[JobState], options: CleanOptions
) -> Iterator[Job]:
    """Find jobs by name, of some states and ages if these are given.

    Raises:
        UsageError: some are other users'.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read.
    """
    owner = call.settings.owner
    jobs = tuple(look_up(call.store, select(call.store, words, owner=owner, stdin=call.streams.stdin)))
    if not options.any_user:
        refuse_others(jobs, owner, "removed", "clean")
    before_ms = None if options.older is None else times.now_ms() - round(1_000 * options.older)
    for job in jobs:
        is_old = before_ms is None or (job.ended_ms is not None and job.ended_ms <= before_ms)
        if is_old and (not wanted or job.state in wanted):
            yield job


def _old(call: Session, wanted: frozenset[JobState], options: CleanOptions) -> Iterator[Job]:
    """Find jobs that ended long ago.

    Raises:
        StoreError: the store cannot be read.
    """
    owner = None if options.any_user else call.settings.owner
    before_ms = times.now_ms() - round(1_000 * (OLDER_S if options.older is None else options.older))
    return _ended(call.store, wanted, owner, before_ms)


def _ended(store: Store, wanted: frozenset[JobState], owner: str | None, before_ms: int) -> Iterator[Job]:
    """Find jobs that ended before some time, those that ended first before others, `MAX_JOBS` at most."""
    count, cursor = 0, ""
    while True:
        query = Query(
            owner=owner, states=wanted, sort=SortKey.ENDED, descending=False, limit=_PAGE, cursor=cursor
        )
        page = store.page(query)
        for job in page.items:
            # A clock that was set back shuffles times a little; what is long past stays so.
            if job.ended_ms is not None and job.ended_ms > before_ms:
                continue
            yield job
            count += 1
            if count == MAX_JOBS:
                return
        cursor = page.cursor
        is_young = page.items and (page.items[-1].ended_ms or 0) > before_ms
        if not cursor or is_young:
            return


def _may(call: Session, count: int, options: CleanOptions, *, reads: bool) -> bool:
    """Ask a person before jobs are lost; elsewhere `--yes` must be there.

    Raises:
        UsageError: nobody can be asked.
    """
    what = f"{_words(options, count)} from the {call.store.kind} store {call.store.where}"
    if call.streams.can_ask and not reads:
        return call.streams.agrees(f"remove {what}?")
    raise UsageError(
        f"this would remove {what}", did="nothing was removed", hint="add --yes, or --dry-run to see how many"
    )


def _words(options: CleanOptions, count: int) -> str:
    """Say what would be removed."""
    if options.attempts:
        return f"what earlier attempts of {counted(count, 'job')} left"
    return f"{'the files of ' if options.files_only else ''}{counted(count, 'ended job')}"


def _remove_files(removal: Removal, shelf: Path, cleaned: Cleaned) -> None:
    """Remove a job's own directory of artifacts; what the store says of other places is never followed."""
    from workers.runtime.artifacts import forget, forget_attempts

    if cleaned.attempts:
        count = forget_attempts(shelf, removal.job_id, removal.newest, removal.shown)
    else:
        count = forget(shelf, removal.job_id)
    cleaned.files += count
    for file in removal.files:
        if not (count and file.path.startswith(f"{shelf / removal.job_id}/")):
            cleaned.elsewhere.append(where(file))
